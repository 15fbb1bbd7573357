"""Timings of part I's mathematics."""

import math
import time
from itertools import product

import numpy as np

from bnlib.committee import (
    NORMALIZATIONS,
    OrderParameters,
    escape_rate,
    fixed_point,
    flow,
    flow_many,
    plateau_length,
    train,
    train_overlaps,
)
from bnlib.sweep import sweep

SETTINGS = {"normalization": "batch", "batch_size": 100, "center": False, "record_every": 1000}


def best(function, repeats=5):
    """The shortest of several wall-clock times of ``function()``, in seconds."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return min(times)


def weights(units, dimension):
    """Random student and teacher weights, (units, dimension) each."""
    return np.random.default_rng(1).standard_normal((2, units, dimension)) / math.sqrt(dimension)


def flows():
    """A flow to t = 200 at rtol 1e-8."""
    times = np.linspace(0, 200, 201)
    for units, target in ((2, "60 ms"), (8, "200 ms")):
        J, B = weights(units, 100)
        for rule in NORMALIZATIONS:
            start = OrderParameters.from_weights(J, B, None if rule == "none" else np.ones(units))
            for b in (math.inf, 100):
                took = best(lambda s=start, r=rule, b=b: flow(s, times, normalization=r, batch_size=b))
                yield f"flow to t = 200, K = M = {units}, {rule}, b = {b:g}", took, target


def trainings():
    """A step of descent on weights and on overlaps, K = M = 2, b = 100, exact batch normalization."""
    J, B = weights(2, 1000)
    start = OrderParameters.from_weights(J, B, [1.0, 1.0])
    rng = np.random.default_rng(2)
    on_weights = best(lambda: train(J, B, 100, gain=start.gain, rng=rng, **SETTINGS)) / 100
    yield "train, N = 1000, a step", on_weights, "(compared with the next)"
    steps = {
        N: best(lambda N=N: train_overlaps(start, N, 500, rng=rng, **SETTINGS)) / 500
        for N in (10**2, 10**3, 10**4, 10**6)
    }
    yield "train_overlaps, N = 1000, a step", steps[10**3], "a tenth of train's"
    yield "  train / train_overlaps", f"{on_weights / steps[10**3]:.1f} x", "10 x"
    spread = [steps[N] / steps[10**4] for N in (10**2, 10**6)]
    yield "  a step at N = 10², 10⁶ / at N = 10⁴", " ".join(f"{s:.2f}" for s in spread), "0.8 to 1.2"
    took = best(lambda: train_overlaps(start, 1000, 200, replicas=50, rng=rng, **SETTINGS)) / 200 / 50
    yield "train_overlaps, 50 replicas, a step of one replica", took, "40 µs"


def escape_times(input_variances, squared_norms):
    """Plateau lengths (tau, |J|^2): K = M = 2, exact batch normalization, e_0 = 1e-3; all flows in one batch."""
    times, starts = [], []
    points = [(tau, norm) for tau in input_variances for norm in squared_norms]
    for tau, norm in points:
        p = fixed_point(2, tau, normalization="batch", squared_norm=norm)
        J = math.sqrt(norm) * (math.sqrt(0.5) + 1e-3 * np.array([[1, -1], [-1, 1]]) / 2)
        starts.append(OrderParameters.from_weights(J, np.eye(2), p.gain))
        times.append(np.linspace(0, 7 / escape_rate(2, tau, normalization="batch", squared_norm=norm), 201))
    taus = [tau for tau, _ in points]
    path = flow_many(starts, times, normalization="batch", input_variance=taus)
    lengths = [plateau_length(path.run(i), input_variance=tau) for i, tau in enumerate(taus)]
    return np.reshape(lengths, (len(input_variances), len(squared_norms)))


def plateau():
    """Many flows against one by one, and a map of escape times on two processes."""
    times = np.linspace(0, 200, 201)
    rng = np.random.default_rng(3)
    for units, rule, b in product((2, 4), NORMALIZATIONS, (math.inf, 100)):
        gain = None if rule == "none" else np.ones(units)
        starts = [OrderParameters.from_weights(*rng.standard_normal((2, units, 100)) / 10, gain) for _ in range(1000)]
        settings = {"normalization": rule, "batch_size": b}
        many = best(lambda s=starts, k=settings: flow_many(s, times, **k), repeats=2) / 1000
        one = best(lambda s=starts, k=settings: [flow(p, times, **k) for p in s[:20]], repeats=2) / 20
        yield f"flow_many, 1000 runs to t = 200, K = M = {units}, {rule}, b = {b:g}, a run", many, "a tenth of flow's"
        yield "  flow / flow_many", f"{one / many:.1f} x", "10 x"
    rows = np.geomspace(0.2, 20, 40).reshape(4, 10).tolist()
    grid = {"input_variances": rows, "squared_norms": [np.geomspace(0.05, 5, 40)]}
    started = time.perf_counter()
    lengths = sweep(escape_times, grid, workers=2, progress=False)
    took = time.perf_counter() - started
    yield f"map of {lengths.size} escape times (tau, |J|²), {np.isinf(lengths).sum()} never left", took, "60 s"
