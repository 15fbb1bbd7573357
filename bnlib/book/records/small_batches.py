"""Recipes of chapter 15's records: simulations of batch normalization in small batches."""

import math

import numpy as np

from bnlib.book.records.committee import series
from bnlib.book.records.storing import generator, plain
from bnlib.committee import OrderParameters, train_overlaps
from bnlib.committee.dynamics import pack, smallness
from bnlib.committee.mean_step import mean_step
from bnlib.committee.order_parameters import joint_overlaps, output_signs
from bnlib.committee.twins import train_twins

SIZES = (10, 17, 30, 55)
REPLICAS = {10: 300, 17: 350, 30: 500, 55: 350}
SETTINGS = {"2 2 1": 1.0, "2 2 2": 2.0, "3 2 1": 1.0}  # K, M and tau


def asymmetric_start(K):
    """Two or three students, two teachers, nothing symmetric; all overlaps of order 0.1 and the gains near 1."""
    Q = np.array([[1, 0.2, 0.1], [0.2, 1, -0.1], [0.1, -0.1, 1]])[:K, :K]
    R = np.array([[0.3, 0.1], [0.05, 0.2], [0.1, -0.1]])[:K]
    return OrderParameters(Q, R, np.eye(2), gain=[1.0, 0.8, 0.9][:K])


def stepped_flow(start, dimension, steps, *, batch_size, input_variance=1.0, finite_batch=False, center=False):
    """The flow of exact batch normalization at eta = 1 in the run's own steps of 1/N: the state after the last.

    Weights take the mean step, so that their overlaps get the square of it as well.
    """
    K, M = start.K, start.M
    small = smallness(finite_batch, "batch", batch_size, start.gain, center)
    Q, R, gain, c = start.Q, start.R, start.gain, output_signs(K, M)
    for _ in range(steps):
        pull, dg, noises = mean_step(Q, R, gain, start.T, input_variance, c, True, small, True)
        inside = pull @ np.linalg.solve(joint_overlaps(Q, R, start.T), pull.T)
        Q = Q + (pull[:, :K] + pull[:, :K].T + input_variance / batch_size * noises + inside / dimension) / dimension
        R, gain = R + pull[:, K:] / dimension, gain + dg / dimension
    return pack(Q, R, gain)


def residual(setting, center, batch_size, *, dimension=500, time=4, replicas=None, seed=1):
    """How far the mean of runs is from the flow, with and without the first order in 1/b, for every order parameter.

    The mean uses the runs' twins as control variates: what their mean is off from its flow, carried over by linear
    regression, is taken away.
    """
    tau, K = SETTINGS[setting], int(setting[0])
    start, replicas, steps = asymmetric_start(K), replicas or REPLICAS[batch_size], time * dimension
    rng = generator(seed, list(SETTINGS).index(setting), int(center), batch_size)
    runs = train_twins(
        start, dimension, steps, batch_size=batch_size, input_variance=tau, center=center, replicas=replicas,
        record_every=steps, rng=rng,
    )  # fmt: skip
    real, twin = (pack(run.Q[:, -1], run.R[:, -1], run.gain[:, -1]) for run in runs)
    settings = {"batch_size": batch_size, "input_variance": tau, "center": center}
    flows = [stepped_flow(start, dimension, steps, **settings, finite_batch=kind) for kind in (False, True)]
    controls = np.column_stack([np.ones(replicas), twin - flows[0]])
    weights, *_ = np.linalg.lstsq(controls, real, rcond=None)
    spread = np.sqrt(np.sum((real - controls @ weights) ** 2, axis=0) / (replicas - len(weights)))
    return {
        "uncorrected": plain(weights[0] - flows[0]),
        "corrected": plain(weights[0] - flows[1]),
        "error": plain(spread / math.sqrt(replicas)),
    }


def residuals(settings=tuple(SETTINGS), seed=1, part=residual):
    """Chapter 15's residuals against b, at three settings; the first also centered."""
    config = {"batch_sizes": SIZES, "replicas": REPLICAS, "dimension": 500, "time": 4, "learning_rate": 1.0,
              "seed": seed, "settings": "K M tau"}  # fmt: skip
    cases = [(setting, False) for setting in settings] + [(settings[0], True)]
    data = {f"{setting}{' centered' * center}": {str(b): part(setting, center, b, seed=seed) for b in SIZES}
            for setting, center in cases}  # fmt: skip
    return config, data


TRAJECTORIES = (6, 10, 20, 50)


def trajectory(batch_size, *, dimension=500, time=12, replicas=100, seed=1):
    """Mean order parameters against time and their standard errors, batches not centered."""
    run = train_overlaps(
        asymmetric_start(2), dimension, time * dimension, normalization="batch", batch_size=batch_size, center=False,
        replicas=replicas, record_every=dimension // 2, rng=generator(seed, 7, batch_size),
    )  # fmt: skip
    return {
        name: {"mean": plain(values.mean(axis=0)), "error": plain(values.std(axis=0, ddof=1) / math.sqrt(replicas))}
        for name, values in series(run).items()
        if name in ("g1", "g2", "R11", "R22", "Q12")
    }


def trajectories(seed=1, part=trajectory):
    """Runs against time at four batch sizes: K = M = 2, tau = 1, eta = 1, the residuals' first start."""
    config = {"batch_sizes": TRAJECTORIES, "dimension": 500, "replicas": 100, "time": 12, "learning_rate": 1.0,
              "seed": seed}  # fmt: skip
    data = {str(b): part(b, seed=seed) for b in TRAJECTORIES}
    return config, {"times": [n / 2 for n in range(25)], "runs": data}


RECIPES = {"committee_batch_residuals": residuals, "committee_batch_trajectories": trajectories}
