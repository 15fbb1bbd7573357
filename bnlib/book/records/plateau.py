"""Recipes of chapter 3's records: T20's figure 3 over seeds, single runs at the plateau, and rates and batch sizes."""

import math

import numpy as np

from bnlib.book.records.committee import random_weights
from bnlib.book.records.storing import generator, plain
from bnlib.committee import NORMALIZATIONS, OrderParameters, asymmetry, reduced_flow, restrict, train, train_overlaps
from bnlib.sweep import sweep

STEPS, DIMENSION = 20_000, 100  # T20's, as are the batch of 100 and the rate 1 of its figure 3
MANY_UNITS, VARIANCES = (2, 5, 10), (1.0, 5.0, 20.0)
SEEDS = tuple(range(1, 11))
DIMENSIONS, ASYMMETRIES = (100, 300, 1000), (0.0, 0.1)
LEAVING_RULES, LEAVING_VARIANCE, DRAWN = ("none", "batch"), 4.0, 12
FLOW_STARTS = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1)
RATE_RULES = ("none", "batch")
RATES = tuple(2.0**k for k in range(-1, 10))
BATCH_SIZES = (4, 8, 16, 32, 64, 128)
HALF = 0.5  # the asymmetry at which a run counts as gone


def figure_3(seeds=SEEDS, workers=1, folder=None):
    """T20's figure 3: descent on the weights from random starts, for more and more units and for larger inputs."""
    config = {
        "students": MANY_UNITS, "input_variance": VARIANCES, "dimension": DIMENSION, "steps": STEPS, "batch_size": 100,
        "learning_rate": 1.0, "center": False, "gain": 1.0, "seeds": seeds, "left_at_asymmetry": HALF,
    }  # fmt: skip
    cases = [[K, 1.0] for K in MANY_UNITS] + [[2, tau] for tau in VARIANCES[1:]]
    grid = {"case": cases, "normalization": NORMALIZATIONS, "seed": list(seeds)}
    got = sweep(figure_3_run, grid, workers=workers, folder=folder, version="1")
    data = {}
    for i, (K, tau) in enumerate(cases):
        for j, rule in enumerate(NORMALIZATIONS):
            data[f"{K} {tau:g} {rule}"] = {
                "error": [plain(run, 3) for run in got["error"][i, j]],
                "left": stored_times(got["left"][i, j]),
            }
    return config, {"times": (figure_3_steps() / DIMENSION).tolist(), "runs": data}


def figure_3_run(case, normalization, seed):
    """One run of descent: its error at the kept steps, and when its asymmetry passes a half for good."""
    K, tau = int(case[0]), case[1]
    J, B = random_weights(seed, DIMENSION, K)
    run = train(
        J, B, STEPS, normalization=normalization, batch_size=100, input_variance=tau, center=False, record_every=10,
        gain=None if normalization == "none" else np.ones(K),
        rng=generator(seed, K, int(tau), NORMALIZATIONS.index(normalization)),
    )  # fmt: skip
    return {"error": run.error[figure_3_steps() // 10], "left": leaving_time(run.times, asymmetry(run))}


def figure_3_steps():
    """The steps that the record keeps, nearly evenly spaced in their logarithm."""
    return np.unique(np.round(np.geomspace(1, STEPS // 10, 44)).astype(int)) * 10


def leaving(replicas=40, workers=1, folder=None):
    """Runs on overlaps from one start without asymmetry, and from starts with some: when does each leave?"""
    config = {
        "students": 2, "input_variance": LEAVING_VARIANCE, "batch_size": 100, "learning_rate": 1.0, "center": False,
        "dimensions": DIMENSIONS, "asymmetries": ASYMMETRIES, "replicas": replicas, "seed": 1,
        "left_at_asymmetry": HALF, "last_times": {rule: last_time(rule) for rule in LEAVING_RULES},
    }  # fmt: skip
    grid = {"normalization": LEAVING_RULES, "start": ASYMMETRIES, "dimension": DIMENSIONS, "replicas": [replicas]}
    got = sweep(leaving_runs, grid, seed=1, workers=workers, folder=folder, version="1")
    data = {}
    for i, rule in enumerate(LEAVING_RULES):
        for j, start in enumerate(ASYMMETRIES):
            for k, N in enumerate(DIMENSIONS):
                data[f"{rule} {start:g} {N}"] = {
                    "asymmetry": [plain(run, 3) for run in got["asymmetry"][i, j, k, 0]],
                    "left": stored_times(got["left"][i, j, k, 0]),
                }
    config["flow_asymmetries"] = FLOW_STARTS
    flows = {rule: plain([flow_leaves(rule, start) for start in FLOW_STARTS], 6) for rule in LEAVING_RULES}
    return config, {"runs": data, "flows": flows}


def flow_leaves(normalization, start):
    """When the flow from a start with that asymmetry has an asymmetry of a half."""
    start = restrict(plateau_bound(normalization, start))
    times = np.linspace(0, 2 * last_time(normalization), 2401)
    path = reduced_flow(start, times, 2, LEAVING_VARIANCE, normalization=normalization)
    return float(np.interp(math.log(HALF), np.log(asymmetry(path)), times))


def leaving_runs(normalization, start, dimension, replicas, rng):
    """Asymmetry of some runs at 49 times, and when that of each passes a half for good."""
    fine, kept = 10, 48
    every = round(last_time(normalization) * dimension / (fine * kept))
    run = train_overlaps(
        plateau_bound(normalization, start), dimension, every * fine * kept, normalization=normalization,
        batch_size=100, input_variance=LEAVING_VARIANCE, center=False, replicas=replicas, record_every=every, rng=rng,
    )  # fmt: skip
    e = asymmetry(run)
    return {"asymmetry": e[:DRAWN, ::fine], "left": np.array([leaving_time(run.times, path) for path in e])}


def last_time(normalization):
    """How long the runs of `leaving` are followed."""
    return {"none": 24.0, "batch": 100.0}[normalization]


def plateau_bound(normalization, difference):
    """Two students of length 1 at right angles, each with cosines 0.1 +- difference / 2 to two orthonormal teachers."""
    half = difference / 2
    gain = None if normalization == "none" else np.ones(2)
    return OrderParameters(np.eye(2), [[0.1 + half, 0.1 - half], [0.1 - half, 0.1 + half]], np.eye(2), gain)


def learning_rates(replicas=16, workers=1, folder=None):
    """Runs on overlaps over learning rates and batch sizes: when they leave the plateau, and what they have learned."""
    config = {
        "students": 2, "input_variance": 1.0, "dimension": DIMENSION, "steps": STEPS, "learning_rates": RATES,
        "batch_sizes": BATCH_SIZES, "replicas": replicas, "center": False, "seed": 1, "left_at_asymmetry": HALF,
        "asymmetry": 0.02,
    }  # fmt: skip
    grid = {"normalization": RATE_RULES, "batch_size": BATCH_SIZES, "learning_rate": RATES, "replicas": [replicas]}
    got = sweep(rate_runs, grid, seed=1, workers=workers, folder=folder, version="1")
    data = {}
    for i, rule in enumerate(RATE_RULES):
        for j, b in enumerate(BATCH_SIZES):
            for k, eta in enumerate(RATES):
                data[f"{rule} {b} {eta:g}"] = {
                    "left": stored_times(DIMENSION * got["left"][i, j, k, 0]),
                    "error": plain(got["error"][i, j, k, 0], 3),
                    "squared_norm": plain(got["squared_norm"][i, j, k, 0], 3),
                }
    return config, {"runs": data}


def rate_runs(normalization, batch_size, learning_rate, replicas, rng):
    """When runs leave; median error over the last quarter of the steps, and squared norms at the end."""
    run = train_overlaps(
        plateau_bound(normalization, 0.02), DIMENSION, STEPS, normalization=normalization, batch_size=batch_size,
        learning_rate=learning_rate, center=False, replicas=replicas, record_every=10, rng=rng,
    )  # fmt: skip
    return {
        "left": np.array([leaving_time(run.times, path) for path in asymmetry(run)]),
        "error": np.median(run.error[:, -len(run.times) // 4 :], axis=-1),
        "squared_norm": run.Q[:, -1, 0, 0],
    }


def leaving_time(times, e):
    """From when on the asymmetry stays above a half until the last time; inf if it does not."""
    below = np.flatnonzero(~(e >= HALF))  # what is no number has not left either
    after = below[-1] + 1 if len(below) else 0
    return math.inf if after == len(e) else float(times[after])


def stored_times(times):
    """Times as they are stored, None for runs that never left."""
    return [float(f"{t:.5g}") if math.isfinite(t) else None for t in times]


def read_times(stored):
    """The other way round: inf for runs that never left."""
    return np.array([math.inf if t is None else t for t in stored])


RECIPES = {
    "committee_figure_3": figure_3,
    "committee_leaving": leaving,
    "committee_learning_rates": learning_rates,
}
