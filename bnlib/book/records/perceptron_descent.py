"""Recipes of the records of chapters 7 and 8: batches of new examples, and a fixed set of them seen many times."""

import numpy as np

from bnlib.book.records.storing import plain
from bnlib.perceptron import batch_flow, flow, train
from bnlib.perceptron.finite_size import descent_experiment, ridge_experiment
from bnlib.sweep import sweep

NOISE = 0.25
RULES = ("batch", "none", "batch-independent")
LOADS = (0.75, 1.0, 1.5)
STATISTICS = ("training statistics", "population statistics")
SMALL = {"dimension": 64, "batch_size": 16, "learning_rate": 4.0, "replicas": 8}
PAPER = {"dimension": 4096, "batch_size": 32, "learning_rate": 8.0}
MIDDLE = {"dimension": 256, "batch_size": 32, "learning_rate": 8.0, "replicas": 8}
PAPER_LOADS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
MIDDLE_LOADS = (0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0)
STOPS = (3.0, 10.0, 30.0)
SHORT = 0.1  # of the usual length at the start
ZETAS = (0.0, 1 / 64, 0.25)  # none, 1/2M at M = 32, and the noise variance


def stops_of(load, normalization):
    """Times reported for a load and a rule: to the end where the slow modes of load 1 need it."""
    end = 30_000 if load == 1.0 and normalization != "batch-independent" else 1000
    return [float(f"{t:.3g}") for t in 10 ** np.arange(-0.5, np.log10(end) + 0.01, 0.25)]


def training_run(load, normalization, seed):
    """Eight data sets with one rule; the data sets of a seed and a load are the same for all rules."""
    rng = np.random.default_rng([seed, int(1000 * load)])
    return descent_experiment(
        load, NOISE, SMALL["dimension"], SMALL["batch_size"], stops_of(load, normalization), normalization,
        SMALL["learning_rate"], rng, replicas=SMALL["replicas"],
    )  # fmt: skip


def training_time(seeds=(1, 2, 3)):
    """Twenty-four data sets of 64 inputs, three rules, three loads, along the training time."""
    config = {**SMALL, "noise_variance": NOISE, "loads": LOADS, "seeds": seeds}
    data = {}
    for load in LOADS:
        for rule in RULES:
            runs = sweep(training_run, {"load": [load], "normalization": [rule], "seed": seeds}, progress=False)
            runs = {name: values[0, 0].reshape(-1, *values.shape[4:]) for name, values in runs.items()}
            data[f"{rule} {load:g}"] = {"times": stops_of(load, rule)} | {
                name: [plain(q, 5) for q in np.quantile(runs[name], (0.25, 0.5, 0.75), axis=0)] for name in STATISTICS
            } | {
                "last": plain(runs[STATISTICS[0]][:, -1], 5),
                "training": plain(np.median(runs["training"], axis=0), 5),
                "least squares": plain(runs["least squares"], 5),
                "ridge": plain(runs["ridge"], 5),
            }  # fmt: skip
    return config, data


def descent_run(load, normalization, seed, dimension, batch_size, learning_rate, replicas, start_length=1.0):
    """Errors at the stops."""
    rng = np.random.default_rng([seed, dimension, int(1000 * load)])
    run = descent_experiment(
        load, NOISE, dimension, batch_size, list(STOPS), normalization, learning_rate, rng, replicas=replicas,
        start_length=start_length,
    )  # fmt: skip
    return {name: run[name] for name in (*STATISTICS, "training")}


def ridge_run(load, seed, dimension):
    """Least squares and ridge with lambda = alpha zeta on one data set."""
    rng = np.random.default_rng([seed, dimension, int(1000 * load)])
    return ridge_experiment(load, NOISE, [load * zeta for zeta in ZETAS], dimension, rng)


def figure_1(seed=1, seeds=tuple(range(1, 21))):
    """L19's figure 1 at N = 4096, one run a point, and at N = 256 with a spread over data sets."""
    config = {
        "paper": PAPER, "middle": MIDDLE, "noise_variance": NOISE, "zetas": ZETAS, "stops": STOPS,
        "loads": PAPER_LOADS, "middle loads": MIDDLE_LOADS, "seed": seed, "ridge seeds": seeds,
    }  # fmt: skip
    data = {}
    for name, setting, loads in (("paper", PAPER, PAPER_LOADS), ("middle", MIDDLE, MIDDLE_LOADS)):
        many = name == "middle"
        dimension = setting["dimension"]
        exact = sweep(
            ridge_run, {"load": loads, "seed": seeds if many else [seed], "dimension": [dimension]}, progress=False
        )
        data[f"{name} ridge"] = summary({key: values[:, :, 0] for key, values in exact.items()})
        for rule in ("batch", "none"):
            grid = {"load": loads, "normalization": [rule], "seed": [seed]}
            grid |= {key: [value] for key, value in ({"replicas": 1} | setting).items()}
            runs = sweep(descent_run, grid, progress=False)
            shape = (len(loads), -1, len(STOPS))
            data[f"{name} {rule}"] = summary({key: values.reshape(shape) for key, values in runs.items()})
    return config, data


def short_start(seed=1):
    """Batch normalization in figure 1 once more, from a tenth of the usual length."""
    config = {"paper": PAPER, "middle": MIDDLE, "start_length": SHORT, "stops": STOPS, "seed": seed}
    data = {}
    for name, setting, loads in (("middle", MIDDLE, MIDDLE_LOADS), ("paper", PAPER, PAPER_LOADS)):
        grid = {"load": loads, "normalization": ["batch"], "seed": [seed], "start_length": [SHORT]}
        grid |= {key: [value] for key, value in ({"replicas": 1} | setting).items()}
        runs = sweep(descent_run, grid, progress=False)
        shape = (len(loads), -1, len(STOPS))
        data[f"{name} batch"] = summary({key: values.reshape(shape) for key, values in runs.items()})
    return config, data


def summary(results):
    """Mean and standard error over the data sets (axis 1), loads first."""
    return {
        key: {
            "mean": _rows(values.mean(axis=1)),
            "error": _rows(standard_error(values)) if values.shape[1] > 1 else None,
        }
        for key, values in results.items()
    }


def standard_error(values):
    """Of the mean over axis 1."""
    return values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])


def _rows(table):
    return [plain(row, 5) for row in table]


def batch_run(activation, batch_size, rng):
    """Ten runs of batch normalization at N = 300 and its own flow, at 41 times up to t = 20."""
    N, start, times = 300, (0.7, 0.3, 1.0), np.linspace(0, 20, 41)
    runs = train(
        start, N, 20 * N, activation=activation, normalization="batch", learning_rate=1.0, batch_size=batch_size,
        replicas=10, record_every=N // 2, rng=rng,
    )  # fmt: skip
    exact = batch_flow(
        start, times, activation=activation, learning_rate=1.0, batch_size=batch_size, batches=8000, rng=rng
    )
    zeta = {"relu": 0.75, "identity": 1.5}[activation] / batch_size
    decay = flow(start, times, activation=activation, learning_rate=1.0, zeta=zeta, batch_size=batch_size)
    error = runs.std(axis=0, ddof=1) / np.sqrt(len(runs))
    return {"mean": runs.mean(axis=0), "error": error, "flow": exact, "decay": decay}


def batches(seed=1, sizes=(4, 8, 16, 32)):
    """Batch normalization on new batches beside its flow and that of gamma decay."""
    config = {"dimension": 300, "replicas": 10, "learning_rate": 1.0, "start": (0.7, 0.3, 1.0), "batch_sizes": sizes,
              "seed": seed, "batches in the flow's averages": 8000}  # fmt: skip
    grid = {"activation": ("relu", "identity"), "batch_size": sizes}
    found = sweep(batch_run, grid, seed=seed, progress=False)
    data = {
        f"{activation} {size}": {name: _rows(values[i, j]) for name, values in found.items()}
        for i, activation in enumerate(grid["activation"])
        for j, size in enumerate(sizes)
    }
    return config, {"times": np.linspace(0, 20, 41).tolist(), "runs": data}


RECIPES = {
    "perceptron_batch_flow": batches,
    "perceptron_training_time": training_time,
    "perceptron_figure_1": figure_1,
    "perceptron_short_start": short_start,
}
