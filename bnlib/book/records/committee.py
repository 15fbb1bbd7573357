"""Recipes of part I's records."""

import numpy as np

from bnlib.book.records.storing import generator, plain
from bnlib.committee import NORMALIZATIONS, OrderParameters, flow, train, train_overlaps

SETTING = {
    "students": 2,
    "teachers": 2,
    "batch_size": 100,
    "learning_rate": 1.0,
    "input_variance": 1.0,
    "center": False,
}
DIMENSIONS = (30, 100, 300, 1000)
BATCH_SIZES = (4, 10, 30, 100)


def random_weights(seed, dimension=100, units=2):
    """Student and teacher weights (units, dimension) of variance 1 / dimension, as T19 draws them."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, units, dimension)) / np.sqrt(dimension)


def start_of(normalization, seed):
    """The order parameters where T19's networks of dimension 100 start; gains are 1."""
    return OrderParameters.from_weights(*random_weights(seed), gain=first_gain(normalization))


def first_gain(normalization):
    """Gains of 1 for two students, or None."""
    return None if normalization == "none" else np.ones(2)


def figure_2(seeds=(1, 2, 3), steps=20_000, every=200):
    """T19's figure 2: one run of descent on the weights for each start and learning rule."""
    config = {**SETTING, "dimension": 100, "steps": steps, "record_every": every, "seeds": seeds}
    data = {}
    for n, normalization in enumerate(NORMALIZATIONS):
        for seed in seeds:
            J, B = random_weights(seed)
            run = train(
                J, B, steps, normalization=normalization, batch_size=100, gain=first_gain(normalization),
                center=False, record_every=every, rng=generator(seed, n), progress=True,
            )  # fmt: skip
            data[f"{normalization} {seed}"] = {name: plain(values) for name, values in series(run).items()}
    flows = {f"{rule} {seed}": flow_series(rule, seed, run.times) for rule in NORMALIZATIONS for seed in seeds}
    return config, {"times": run.times.tolist(), "runs": data, "flows": flows}


def finite_size(seed=1, dimensions=DIMENSIONS, replicas=50, time=200):
    """Fifty runs of descent on the overlaps for each dimension and learning rule, all from one start."""
    config = {
        **SETTING,
        "dimensions": dimensions,
        "replicas": replicas,
        "time": time,
        "seed": seed,
        "start": "figure 2",
    }
    kept = [t for t in range(time + 1) if t <= 10 or (t <= 40 and t % 3 == 1) or t % 10 == 0]
    data = {}
    for n, normalization in enumerate(NORMALIZATIONS):
        for dimension in dimensions:
            run = train_overlaps(
                start_of(normalization, seed), dimension, time * dimension, normalization=normalization, batch_size=100,
                center=False, replicas=replicas, record_every=dimension, rng=generator(seed, n, dimension),
                progress=True,
            )  # fmt: skip
            values = {name: every[:, kept] for name, every in series(run).items()}
            data[f"{normalization} {dimension}"] = {
                name: {"mean": plain(v.mean(axis=0)), "spread": plain(v.std(axis=0, ddof=1))}
                for name, v in values.items()
            }
    flows = {rule: flow_series(rule, seed, kept) for rule in NORMALIZATIONS}
    return config, {"times": kept, "ensembles": data, "flows": flows}


def small_batches(seed=1, batch_sizes=BATCH_SIZES, dimension=1000, replicas=100, time=8):
    """How far the gain is from the flow's at small batch sizes: exact batch normalization at t = 8."""
    config = {
        **SETTING,
        "batch_size": batch_sizes,
        "dimension": dimension,
        "replicas": replicas,
        "time": time,
        "seed": seed,
    }
    data = {}
    for b in batch_sizes:
        run = train_overlaps(
            start_of("batch", seed), dimension, time * dimension, normalization="batch", batch_size=b, center=False,
            replicas=replicas, record_every=time * dimension, rng=generator(seed, b), progress=True,
        )  # fmt: skip
        last = run.gain[:, -1].mean(axis=-1)
        data[str(b)] = {"gain": float(last.mean()), "standard_error": float(last.std(ddof=1) / np.sqrt(replicas))}
    return config, data


def flow_series(normalization, seed, times):
    """The flow from the same start, as stored beside the runs: a picture of both is then drawn without delay."""
    path = flow(start_of(normalization, seed), times, normalization=normalization, batch_size=SETTING["batch_size"])
    return {name: plain(values) for name, values in series(path).items()}


def series(run):
    """The order parameters of two students and two teachers by name, time last."""
    names = {f"Q{i + 1}{j + 1}": run.Q[..., i, j] for i, j in ((0, 0), (0, 1), (1, 1))}
    names |= {f"R{i + 1}{n + 1}": run.R[..., i, n] for i in range(2) for n in range(2)}
    if run.gain is not None:
        names |= {f"g{i + 1}": run.gain[..., i] for i in range(2)}
    return {**names, "error": run.error}


RECIPES = {
    "committee_figure_2": figure_2,
    "committee_finite_size": finite_size,
    "committee_small_batches": small_batches,
}
