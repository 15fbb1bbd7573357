"""The mean loss under the statistics of a random Gaussian batch, exact at every batch size, by quadrature.

A second road to `gamma_decay.predicted_loss`, and what that one is held against. The unit's loss is A(h) - y h with
h = gamma z + beta; z is the pre-activation (standard normal in the population) normalized by one of

- "population": mu_P and sigma_P, so that z is standard normal;
- "batch": the batch that the sample is in, as batch normalization does. Then z has the law of `normalized_density`,
  independent of mu_B and sigma_B, and the raw pre-activation is mu_B + sigma_B z;
- "independent": a batch without the sample, whose statistics are independent of it.
"""

import math

import numpy as np
from scipy.optimize import brentq

from bnlib.checks import finite, one_of, real
from bnlib.perceptron.log_partition import log_partition
from bnlib.perceptron.quadrature import independent_nodes, normal_nodes, normalized_nodes, shared_nodes
from bnlib.perceptron.statistics import batch, gaussian_mean_inverse_sigma

STATISTICS = ("population", "batch", "independent")


def exact_loss(batch_size, target, *, activation, gamma=1.0, beta=0.0, statistics="batch"):
    """The mean loss E[A(h) - y h] of one unit at a Gaussian pre-activation, exact at every batch size.

    target: the mean output of the teacher as a function of the raw pre-activation in units of sigma_P, array -> array.
    activation: as in `gamma_decay`. gamma: a number or an array, and the result is like it. About 12 digits where the
    functions are smooth, 3 at a kink. A new batch size takes 3 to 30 ms, a gamma 0.1 ms.

    With "independent" statistics the mean is infinite if 1/sigma_B has no moment to match the growth of A: for all
    activations but the logistic at M <= 3, and for that one at M = 2; ``math.inf`` is returned.

    >>> student, teacher = 0.5, lambda h: 1.0 * h
    >>> losses = [exact_loss(8, teacher, activation="identity", gamma=student, statistics=s) for s in STATISTICS]
    >>> np.round(losses, 6).tolist()
    [-0.375, -0.326352, -0.376802]
    """
    A, z, w, zy, y = _ingredients(batch_size, target, activation, statistics)
    g, beta = finite("gamma", gamma), real("beta", beta)
    if z is None:
        return np.full(g.shape, math.inf)
    return A.value(np.multiply.outer(g, z) + beta) @ w - g * zy - beta * y


def exact_minimizer(batch_size, target, *, activation, beta=0.0, statistics="batch", bracket=(1e-3, 20.0)) -> float:
    """The gamma at which `exact_loss` is least for that beta: a root of E[(A'(gamma z + beta) - y) z].

    Raises ValueError if the loss is infinite or has no minimum in `bracket`.

    >>> round(exact_minimizer(8, lambda h: h, activation="identity"), 10)  # E sigma_B
    0.9027033337
    """
    A, z, w, zy, _ = _ingredients(batch_size, target, activation, statistics)
    beta = real("beta", beta)
    if z is None:
        raise ValueError(f"batch_size must be larger for a finite loss with independent statistics; got {batch_size}")

    def slope(g):
        return float((A.slope(g * z + beta) * z) @ w - zy)

    if not slope(bracket[0]) < 0 < slope(bracket[1]):
        raise ValueError(f"bracket must hold a minimum of the loss between its ends; got {bracket!r}")
    return brentq(slope, *bracket, xtol=1e-14, rtol=1e-14)


def identity_minimizer(batch_size, statistics="batch") -> float:
    """The best gamma of a linear unit whose teacher has gamma 1, exact, in closed form.

    "batch": E sigma_B, 1 - 3/(4M) + ...; "independent": E[1/sigma_B] / (E[1/sigma_B^2] (1 + 1/M)), 1 - 11/(4M) + ...,
    0 at M <= 3; "population": 1. L19's theorem 1 has 1/(1 + 2 zeta) = 1 - 3/(2M) + ... for comparison.

    >>> round(identity_minimizer(8, "independent"), 10)
    0.6686691361
    """
    M = batch(batch_size)
    if one_of("statistics", statistics, STATISTICS) == "population":
        return 1.0
    inverse = gaussian_mean_inverse_sigma(M)
    if statistics == "batch":
        return (M - 2) / M * inverse if M > 2 else 1 / math.sqrt(math.pi)
    return inverse * (M - 3) / (M + 1) if M > 3 else 0.0


def _ingredients(batch_size, target, activation, statistics):
    """(A, points and weights of z, E[z y], E[y]); the points are None where the loss is infinite."""
    M, A = batch(batch_size), log_partition(activation)
    one_of("statistics", statistics, STATISTICS)
    h, p = normal_nodes()
    y = _outputs(target, h)
    if statistics == "batch":
        shared, q = shared_nodes(M)
        return A, *normalized_nodes(M), float(q @ _outputs(target, shared)), float(p @ y)
    if statistics == "population":
        return A, h, p, float(p @ (y * h)), float(p @ y)
    growth = 1 if A.name == "logistic" else 2
    if M <= growth + 1:
        return A, None, None, None, None
    return A, *independent_nodes(M, growth), gaussian_mean_inverse_sigma(M) * float(p @ (y * h)), float(p @ y)


def _outputs(target, h):
    y = np.asarray(target(h), dtype=np.float64)
    if y.shape != h.shape or not np.isfinite(y).all():
        raise ValueError("target must map an array of pre-activations to finite outputs of the same shape")
    return y
