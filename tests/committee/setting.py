"""Starts and weights that the tests of this wing share."""

import numpy as np

from bnlib.committee import OrderParameters


def weights_of(p, N):
    """Student and teacher weights with exactly the overlaps of `p`, in N dimensions."""
    joint = np.block([[p.Q, p.R], [p.R.T, p.T]])
    values, vectors = np.linalg.eigh(joint)
    rows = np.zeros((p.K + p.M, N))
    rows[:, : p.K + p.M] = vectors * np.sqrt(np.maximum(values, 0))
    return rows[: p.K], rows[p.K :]


def random_start(seed, K=2, M=2, gains=True, size=1.0):
    """Order parameters of random weights, with random gains between 0.6 and 1.4 or none."""
    rng = np.random.default_rng(seed)
    rows = size * rng.standard_normal((K + M, 12)) / np.sqrt(12)
    return OrderParameters.from_weights(rows[:K], rows[K:], rng.uniform(0.6, 1.4, K) if gains else None)


def outputs(seed, K, M, count):
    """Random output weights w (K, count) and v (M, count) as keyword arguments."""
    rng = np.random.default_rng(seed)
    return {"student_output": rng.standard_normal((K, count)), "teacher_output": rng.standard_normal((M, count))}
