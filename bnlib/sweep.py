"""A function over a grid of parameters, on any executor, with finished parts kept on disk."""

import hashlib
import itertools
import json
import os
import tempfile
import uuid
import zipfile
from concurrent.futures import Executor, as_completed
from pathlib import Path

import numpy as np

from bnlib import checks

VALUE = "value"  # the name under which a result that is one array is stored


def sweep(function, grid, *, executor=None, workers=None, seed=None, folder=None, version=None, progress=True):
    """Values of ``function(**parameters)`` at every point of a grid.

    The numbers depend on neither the executor nor the order in which parts finish: the part with number i of the grid
    (in row-major order) gets a generator from ``numpy.random.SeedSequence(seed, spawn_key=(i,))``.

    Parameters
    ----------
    function : callable
        Takes the names of `grid` as keyword arguments, and ``rng``, a ``numpy.random.Generator``, if `seed` is given.
        Returns a number, an array, or a dict of them; alike in names and shapes at all points. For processes it must be
        importable: defined in a module, not in a notebook.
    grid : dict of sequences
        Parameter names and their values: numbers, texts, None, or lists of them. The order of names is the order of the
        axes.
    executor : concurrent.futures.Executor, optional
        Where parts run: threads, processes, or a cluster's, such as ``dask.distributed.Client(...).get_executor()``
        (``pip install "bnlib[cluster]"``; see Notes). It stays open. Left out, a pool of fresh processes is used and
        closed.
    workers : int, optional
        Processes of that pool; left out, one for each processor. Only without `executor`.
    seed : int, optional
        Whole number >= 0.
    folder : path, optional
        Where finished parts are kept and looked up, one small file each, written by this process as they come. After an
        interruption the same call resumes. Wider grids reuse the parts of narrower ones if there is no `seed` (with
        one, a part's number belongs to it).
    version : str, optional
        What else the numbers depend on, such as the version of the code; needed with `folder`. Change it when the
        function changes: parts of another version are not used.
    progress : bool
        Show a progress bar.

    Returns
    -------
    array (len(grid[name_1]), len(grid[name_2]), ..., *shape) or dict of arrays
        As `function` returns them.

    Raises
    ------
    ValueError
        For arguments out of range, and for results that differ in names or shapes.
    Exception
        What `function` raises, with a note that tells the parameters; what is finished by then is kept.

    Notes
    -----
    A part costs some 0.2 ms of handling and a file of 0.3 kB and more: let it last 10 ms at least, and hand whole rows
    to functions that are faster over an axis.

    On a cluster of dask.distributed, each worker needs bnlib and the module of `function`; `folder` only has to be
    there for this process, and only results travel. Give workers one thread each, as NumPy holds the interpreter::

        from dask.distributed import Client

        with Client("scheduler.example:8786") as client:  # Client(threads_per_worker=1): this machine
            sweep(function, grid, executor=client.get_executor(), folder="parts", version="1")

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with ThreadPoolExecutor(2) as threads:
    ...     sweep(pow, {"base": [2, 3], "exp": [0, 1, 2]}, executor=threads, progress=False)
    array([[1, 2, 4],
           [1, 3, 9]])
    """
    shape, points = _points(grid)
    _check(function, executor, workers, folder, version)
    seed = None if seed is None else checks.whole("seed", seed, 0)
    keep = _Shelf(folder, function, version, seed)
    results = {}
    for number, point in enumerate(points):
        found = keep.load(number, point)
        if found is not None:
            results[number] = found
    missing = [(number, point) for number, point in enumerate(points) if number not in results]
    from tqdm import tqdm  # here, as records import this module in a browser, which has no tqdm

    with tqdm(total=len(points), initial=len(results), disable=not progress, unit="part") as bar:
        for number, result in _run(function, missing, seed, executor, workers):
            keep.store(number, points[number], result)
            results[number] = result
            bar.update()
    return _stacked([results[number] for number in range(len(points))], points, shape)


def run_part(function, parameters, seed, number, call):
    """One part, wherever it runs: a dict of arrays.

    `call` is unlike that of any other sweep. A cluster takes equal arguments for one task, and would answer a resumed
    sweep with the tasks that its interruption has cancelled.
    """
    extra = {}
    if seed is not None:
        extra["rng"] = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
    try:
        result = function(**parameters, **extra)
    except Exception as problem:
        problem.add_note(f"in the part of the sweep with {parameters}")
        raise
    result = result if isinstance(result, dict) else {VALUE: result}
    return {name: np.asarray(value) for name, value in result.items()}


def _run(function, missing, seed, executor, workers):
    """Numbers and results of the missing parts as they finish."""
    if not missing:
        return
    own = executor is None
    if own:
        executor = _processes(min(len(missing), workers or os.cpu_count() or 1))
    numbers, call = {}, uuid.uuid4().hex
    try:
        for number, point in missing:
            numbers[executor.submit(run_part, function, point, seed, number, call)] = number
        for future in as_completed(numbers):
            yield numbers[future], future.result()
    finally:  # after the last part nothing is left to cancel
        for future in numbers:
            future.cancel()
        if own:
            executor.shutdown(cancel_futures=True)


def _processes(workers):
    """A pool of fresh processes; what it needs is imported here, as a browser has no processes."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


class _Shelf:
    """The folder of finished parts; without a folder it keeps nothing."""

    def __init__(self, folder, function, version, seed):
        self.folder = None if folder is None else Path(folder)
        self.about = {"function": _full_name(function), "version": version, "seed": seed}
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, number, point):
        about = self.about | {"parameters": point, "number": None if self.about["seed"] is None else number}
        text = json.dumps(about, sort_keys=True)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npz"

    def load(self, number, point):
        """The part's arrays, or None; a file that cannot be read is as good as none."""
        if self.folder is None:
            return None
        try:
            with open(self.path(number, point), "rb") as file, np.load(file, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):  # missing or cut short: compute again
            return None

    def store(self, number, point, result):
        """Written beside its place and then moved there, so that a part is whole or absent."""
        if self.folder is None:
            return
        handle, name = tempfile.mkstemp(dir=self.folder, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, **result)
            os.replace(name, self.path(number, point))
        except BaseException:
            os.unlink(name)
            raise


def _points(grid):
    """Lengths of the axes, and the parameters of every point."""
    if not isinstance(grid, dict) or not grid:
        raise ValueError(f"grid must be a dict of names and values with at least one name; got {grid!r}")
    axes = {name: [_plain(name, value) for value in values] for name, values in grid.items()}
    for name, values in axes.items():
        if not values:
            raise ValueError(f"grid must hold at least one value for {name}; got none")
    points = [dict(zip(axes, values)) for values in itertools.product(*axes.values())]
    return tuple(map(len, axes.values())), points


def _plain(name, value):
    """`value` without NumPy's types, so that it has one spelling on disk."""
    value = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    value = list(value) if isinstance(value, tuple) else value
    if isinstance(value, list):
        return [_plain(name, part) for part in value]
    if not (value is None or isinstance(value, bool | int | float | str)):
        raise ValueError(f"grid must hold numbers, texts, None, or lists of them; got {name} = {value!r}")
    return value


def _check(function, executor, workers, folder, version):
    if not callable(function):
        raise ValueError(f"function must be callable; got {function!r}")
    if executor is not None and not isinstance(executor, Executor):
        raise ValueError(f"executor must be a concurrent.futures.Executor or None; got {executor!r}")
    if workers is not None:
        checks.whole("workers", workers, 1)
        if executor is not None:
            raise ValueError(f"workers must be left out (None) where an executor is given; got {workers!r}")
    if folder is not None and not isinstance(version, str):
        raise ValueError(f"version must be a text where a folder is given; got {version!r}")
    if folder is not None and "<" in _full_name(function):
        raise ValueError(f"function must be a named one of a module where a folder is given; got {function!r}")


def _full_name(function):
    """Module and name, by which parts on disk know the function."""
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', repr(function))}"


def _stacked(results, points, shape):
    """Results of all points as arrays with the axes of the grid first."""
    first = {name: value.shape for name, value in results[0].items()}
    for result, point in zip(results, points):
        if {name: value.shape for name, value in result.items()} != first:
            raise ValueError(f"function must return the same names and shapes at all points; it does not at {point}")
    arrays = {name: np.stack([result[name] for result in results]).reshape(*shape, *first[name]) for name in first}
    return arrays[VALUE] if set(arrays) == {VALUE} else arrays
