"""Recipes of chapter 4's records: runs that check the delay law, and maps of the delay."""

from itertools import product

import numpy as np

from bnlib.book.records.storing import generator
from bnlib.committee import (
    asymmetry,
    escape_rate,
    escape_times,
    plateau_length,
    plateau_start,
    restrict,
    train_overlaps,
)
from bnlib.sweep import sweep

STUDENTS, VARIANCES, NORMS = (2, 3), (1.0, 4.0), (0.05, 0.1, 0.2, 0.5, 1.0)
BATCHES = (300, 1000)
ASYMMETRY = 0.05  # of the runs at their start
GIVEN_UP, SHORT = 2.8, 4.2  # times 1 / escape rate after which a run is stopped; the shortest students grow longer
MAP_UNITS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40)
MAP_VARIANCES = tuple(float(f"{tau:.4g}") for tau in np.geomspace(0.1, 10, 40))
MAP_NORMS = tuple(float(f"{norm:.4g}") for norm in np.geomspace(0.005, 2, 40))
SHOWN_NORMS, SHOWN_UNITS = (0.02, 0.05, 0.1, 0.2, 0.5), (2, 3, 5, 10)
STARTS = ("on the plateau", "apart")
SMALL = 1e-4  # asymmetry at the start of a map's runs


def delay_runs(seed=4, replicas=4, dimension=100, batch_sizes=BATCHES):
    """Descent on overlaps from the plateau, with exact batch normalization at five squared norms and without."""
    config = {
        "students": STUDENTS, "input_variance": VARIANCES, "squared_norm": NORMS, "asymmetry": ASYMMETRY,
        "dimension": dimension, "batch_sizes": batch_sizes, "replicas": replicas, "learning_rate": 1.0,
        "center": False, "seed": seed,
    }  # fmt: skip
    data = {}
    for number, (b, K, tau, norm) in enumerate(product(batch_sizes, STUDENTS, VARIANCES, (None, *NORMS))):
        data[f"{b} {K} {tau:g} {norm}"] = one_delay(K, tau, norm, replicas, dimension, b, generator(seed, number))
    return config, data


def one_delay(K, tau, norm, replicas, dimension, batch_size, rng, records=100):
    """Times, the asymmetry's mean and spread of logarithms, and the lengths of the plateaus, replica by replica."""
    rule = "none" if norm is None else "batch"
    rate = escape_rate(K, tau, normalization=rule, squared_norm=norm or 1.0)
    last = (SHORT if norm == NORMS[0] else GIVEN_UP) / rate
    every = max(1, round(last * dimension / records))
    start = plateau_start(K, tau, normalization=rule, squared_norm=norm, asymmetry=ASYMMETRY)
    run = train_overlaps(
        start, dimension, every * records, normalization=rule, batch_size=batch_size, input_variance=tau, center=False,
        replicas=replicas, record_every=every, rng=rng, progress=True,
    )  # fmt: skip
    e = np.log(asymmetry(run))
    lengths = plateau_length(run, input_variance=tau)
    return {
        "times": [float(f"{t:.6g}") for t in run.times],
        "asymmetry": [float(f"{v:.4g}") for v in np.exp(e.mean(axis=0))],
        "spread": [float(f"{v:.3g}") for v in e.std(axis=0, ddof=1)],
        "lengths": [float(f"{v:.5g}") for v in lengths],
    }


def map_row(students, squared_norm, input_variance, start):
    """Escape times for one row of a map, without batch normalization and with it: one part of the sweep."""
    K, norm, tau = (np.atleast_1d(value) for value in (students, squared_norm, input_variance))
    K, norm, tau = np.broadcast_arrays(K, norm, tau)
    return {
        rule: escape_times(
            [map_start(int(k), t, n, rule, start) for k, t, n in zip(K, tau, norm)], K, tau, normalization=rule
        )
        for rule in ("none", "batch")
    }


def map_start(K, tau, norm, rule, start):
    """Students on the plateau that have begun to part, or at right angles to each other with gain 1."""
    if start == "on the plateau":
        keywords = {} if rule == "none" else {"squared_norm": norm}
        return restrict(plateau_start(K, tau, normalization=rule, asymmetry=SMALL, **keywords))
    length, common = np.sqrt(norm), 0.1 / K
    overlaps = length * (common + SMALL * (1 - 1 / K)), length * (common - SMALL / K)
    return np.array([norm, 0.0, *overlaps, *([] if rule == "none" else [1.0])])


def delay_maps(workers=None, folder=None):
    """Two maps through `bnlib.sweep`: units against input variance, and squared norm against input variance."""
    config = {
        "students": MAP_UNITS, "input_variance": MAP_VARIANCES, "squared_norm": MAP_NORMS, "asymmetry": SMALL,
        "shown_norms": SHOWN_NORMS, "shown_students": SHOWN_UNITS, "starts": STARTS, "band": 0.05,
    }  # fmt: skip
    options = {"workers": workers, "folder": folder, "version": "1"}
    tau = {"input_variance": [list(MAP_VARIANCES)], "start": STARTS}
    units = sweep(map_row, {"squared_norm": SHOWN_NORMS, "students": MAP_UNITS, **tau}, **options)
    norms = sweep(map_row, {"students": SHOWN_UNITS, "squared_norm": MAP_NORMS, **tau}, **options)
    return config, {"units": _ratios(units), "norms": _ratios(norms)}


def _ratios(lengths):
    """BN / none with axes (shown, row, start, variance)."""
    ratio = (lengths["batch"] / lengths["none"])[:, :, 0]
    return [[[[float(f"{r:.4g}") for r in line] for line in part] for part in shown] for shown in ratio]


RECIPES = {"committee_delay_runs": delay_runs, "committee_delay_maps": delay_maps}
