"""A sweep gives the same numbers on every executor, from disk or not, and resumes after an interruption."""

import random
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

from bnlib.sweep import sweep

QUIET = {"progress": False}
CALLS = []  # of `counted`, which only runs in this process
FAILING = set()


def noisy(a, b, rng):
    return {"sum": a + b, "noise": rng.standard_normal(3)}


def counted(a):
    CALLS.append(a)
    if a in FAILING:
        raise KeyboardInterrupt
    return a**0.5


def refused(a):
    raise ArithmeticError("no")


def ragged(a):
    return np.zeros(a)


class Backwards(Executor):
    """Runs everything at the end, last part first."""

    def __init__(self):
        self.waiting = []

    def submit(self, function, /, *arguments, **keywords):
        future = Future()
        self.waiting.append((future, function, arguments, keywords))
        if len(self.waiting) == 6:
            for waiting, call, args, kwargs in reversed(self.waiting):
                waiting.set_result(call(*args, **kwargs))
        return future


class Here(Executor):
    """Runs each part at once in this thread; an interruption in it is one of the sweep, as Ctrl-C would be."""

    def submit(self, function, /, *arguments, **keywords):
        future = Future()
        try:
            future.set_result(function(*arguments, **keywords))
        except BaseException as problem:
            future.set_exception(problem)
        return future


@pytest.fixture
def calls():
    CALLS.clear()
    FAILING.clear()
    return CALLS


GRID = {"a": [1, 2], "b": [0.5, 0.25, 4]}


def by_hand():
    """The definition, without `sweep`."""
    noise = np.empty((2, 3, 3))
    for number in range(6):
        rng = np.random.default_rng(np.random.SeedSequence(7, spawn_key=(number,)))
        noise[number // 3, number % 3] = rng.standard_normal(3)
    return np.add.outer(GRID["a"], GRID["b"]), noise


@pytest.mark.parametrize("make", [lambda: ThreadPoolExecutor(3), lambda: None, Backwards, Here])
def test_numbers_do_not_depend_on_the_executor(make):
    """Threads, the pool of processes that a sweep makes, and orders of all kinds: equal to the last bit."""
    executor = make()
    got = sweep(noisy, GRID, executor=executor, workers=2 if executor is None else None, seed=7, **QUIET)
    np.testing.assert_array_equal(got["sum"], by_hand()[0])
    np.testing.assert_array_equal(got["noise"], by_hand()[1])


def test_a_pool_of_processes_that_the_caller_has_stays_open():
    with ProcessPoolExecutor(2) as pool:
        for _ in range(2):
            np.testing.assert_array_equal(sweep(noisy, GRID, executor=pool, seed=7, **QUIET)["noise"], by_hand()[1])


def test_an_interrupted_sweep_resumes(tmp_path, calls):
    """Of ten parts the seventh is interrupted: the six before it, and whatever came after, are not run again."""
    settings = {"executor": Here(), "folder": tmp_path, "version": "1", **QUIET}
    FAILING.add(7)
    with pytest.raises(KeyboardInterrupt):
        sweep(counted, {"a": list(range(1, 11))}, **settings)
    kept = len(list(tmp_path.glob("*.npz")))
    FAILING.clear()
    calls.clear()
    got = sweep(counted, {"a": list(range(1, 11))}, **settings)
    np.testing.assert_array_equal(got, np.sqrt(range(1, 11)))
    assert 7 in calls and len(calls) == 10 - kept
    assert not list(tmp_path.glob("*.part"))


def test_finished_parts_are_used_again(tmp_path, calls):
    settings = {"executor": Here(), "folder": tmp_path, "version": "1", **QUIET}
    first = sweep(counted, {"a": [2, 3]}, **settings)
    wider = sweep(counted, {"a": [np.int64(3), 5, 2]}, **settings)
    assert calls == [2, 3, 5]
    np.testing.assert_array_equal(wider[[2, 0]], first)


def test_another_version_seed_or_a_broken_file_is_computed_again(tmp_path, calls):
    settings = {"executor": Here(), "folder": tmp_path, **QUIET}
    sweep(counted, {"a": [2, 3]}, version="1", **settings)
    sweep(counted, {"a": [2, 3]}, version="2", **settings)
    assert calls == [2, 3, 2, 3]
    for path in tmp_path.glob("*.npz"):
        path.write_bytes(path.read_bytes()[: random.Random(0).randrange(100)])
    np.testing.assert_array_equal(sweep(counted, {"a": [2, 3]}, version="2", **settings), np.sqrt([2, 3]))
    assert calls == [2, 3] * 3
    seeds = [sweep(noisy, {"a": [1], "b": [1]}, version="1", seed=s, **settings)["noise"] for s in (1, 2, 1)]
    assert (seeds[0] == seeds[2]).all() and (seeds[0] != seeds[1]).all()


def test_a_failure_names_its_parameters():
    with pytest.raises(ArithmeticError, match="no") as failure, ThreadPoolExecutor(1) as threads:
        sweep(refused, {"a": [4]}, executor=threads, **QUIET)
    assert failure.value.__notes__ == ["in the part of the sweep with {'a': 4}"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"grid": {}}, "grid must be a dict"),
        ({"grid": {"a": []}}, "grid must hold at least one value for a"),
        ({"grid": {"a": [object()]}}, "grid must hold numbers"),
        ({"function": 3}, "function must be callable"),
        ({"function": ragged, "grid": {"a": [1, 2]}}, "function must return the same names and shapes"),
        ({"executor": "threads"}, "executor must be"),
        ({"workers": 2}, "workers must be left out"),
        ({"workers": 0, "executor": None}, "workers must be a whole number >= 1"),
        ({"seed": -1}, "seed must be a whole number >= 0"),
        ({"folder": "x"}, "version must be a text"),
        ({"folder": "x", "version": "1", "function": lambda a: a}, "function must be a named one"),
    ],
)
def test_bad_settings_are_refused(change, says):
    settings = {"function": counted, "grid": {"a": [1]}, "executor": Here(), **QUIET, **change}
    with pytest.raises(ValueError, match=says):
        sweep(**settings)
