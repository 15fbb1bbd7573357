"""A sweep on a cluster: two local worker processes of dask.distributed stand for many machines."""

import os
import re
import tempfile
from collections import Counter
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import pytest

import bnlib.sweep as module
from bnlib.committee import escape_rate
from bnlib.sweep import sweep

if os.environ.get("CI"):  # there a missing cluster is a failure, not a skip
    import distributed
else:
    distributed = pytest.importorskip("distributed", reason="needs dask.distributed: pip install 'bnlib[cluster]'")

PAGE = Path(__file__).parents[1] / "chapters" / "phase-maps.md"
QUIET = {"progress": False}
GRID = {"a": [1, 2], "b": [0.5, 0.25, 4]}


def noisy(a, b, rng):
    return {"sum": a + b, "noise": rng.standard_normal(3), "process": os.getpid()}


def noted(part, folder):
    """The part's root; leaves one file in the folder for each call, whichever process it is in."""
    os.close(tempfile.mkstemp(prefix=f"{part}-", dir=folder)[0])
    return part**0.5


def refused(a):
    raise ArithmeticError("no")


class Unwilling(Executor):
    """Takes nothing: a sweep on it ends well only if all its parts are on disk."""

    def submit(self, function, /, *arguments, **keywords):
        raise LookupError("asked to compute")


@pytest.fixture(scope="module")
def client():
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0", "host": "127.0.0.1"}
    with distributed.LocalCluster(**settings) as cluster, distributed.Client(cluster) as client:
        yield client


def test_numbers_are_those_of_the_definition_and_the_executor_stays_open(client):
    """Equal to the last bit to generators made by hand, twice on the same executor, in processes that are not ours."""
    executor = client.get_executor()
    for _ in range(2):
        got = sweep(noisy, GRID, executor=executor, seed=7, **QUIET)
        np.testing.assert_array_equal(got["sum"], np.add.outer(GRID["a"], GRID["b"]))
        for number in range(6):
            rng = np.random.default_rng(np.random.SeedSequence(7, spawn_key=(number,)))
            np.testing.assert_array_equal(got["noise"][number // 3, number % 3], rng.standard_normal(3))
        assert os.getpid() not in got["process"]


def test_a_map_of_the_book_is_the_same_on_a_cluster(client):
    """A function of the package by keyword, against a loop."""
    grid = {"K": [2, 3, 7], "normalization": ["none", "batch"]}
    got = sweep(escape_rate, grid, executor=client.get_executor(), **QUIET)
    assert got.tolist() == [[escape_rate(K, normalization=kind) for kind in grid["normalization"]] for K in grid["K"]]


def test_an_interrupted_sweep_resumes(client, tmp_path, monkeypatch):
    """Interrupted while it waits for the sixth of ten parts: five are on disk, and these never run again."""
    shelf, calls = tmp_path / "shelf", tmp_path / "calls"
    calls.mkdir()
    settings = {"folder": shelf, "version": "1", **QUIET}
    grid = {"part": list(range(10)), "folder": [str(calls)]}

    def interrupted(futures):
        for number, future in enumerate(waiting(futures)):
            if number == 5:
                raise KeyboardInterrupt
            yield future

    waiting = module.as_completed
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, "as_completed", interrupted)
        sweep(noted, grid, executor=client.get_executor(), **settings)
    kept = [part for part in grid["part"] if is_kept(part, grid, settings)]
    assert len(kept) == 5 == len(list(shelf.glob("*.npz")))
    assert not list(shelf.glob("*.part"))

    got = sweep(noted, grid, executor=client.get_executor(), **settings)
    np.testing.assert_array_equal(got[:, 0], np.sqrt(range(10)))
    count = Counter(int(path.name.split("-")[0]) for path in Path(calls).iterdir())
    assert [count[part] for part in kept] == [1] * 5
    assert set(count) == set(grid["part"])

    again = sweep(noted, grid, executor=Unwilling(), **settings)  # parts from a cluster serve everywhere
    np.testing.assert_array_equal(again, got)


def is_kept(part, grid, settings):
    try:
        sweep(noted, grid | {"part": [part]}, executor=Unwilling(), **settings)
    except LookupError:
        return False
    return True


def test_a_failure_on_a_worker_names_its_parameters(client):
    with pytest.raises(ArithmeticError, match="no") as failure:
        sweep(refused, {"a": [4]}, executor=client.get_executor(), **QUIET)
    assert failure.value.__notes__ == ["in the part of the sweep with {'a': 4}"]


def test_the_page_about_maps_runs():
    """Both of its blocks, the second on a cluster of its own, give what a loop gives."""
    names = {}
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        exec(block, names)
    expected = [[escape_rate(K, normalization=kind) for kind in ("none", "batch")] for K in (2, 3, 5, 10)]
    assert names["rates"].tolist() == names["on_a_cluster"].tolist() == expected
