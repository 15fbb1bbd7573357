"""Averages over the noise of a Gaussian batch, by the trapezoidal rule where it converges exponentially.

Each function returns (points, weights), both of shape (n,), weights of sum 1. The integrands are entire up to poles off
the real axis (activations are), so that n below gives about 13 digits; a kink costs digits.
"""

import math
from functools import lru_cache

import numpy as np

from bnlib.perceptron.statistics import batch

DROP = 40.0  # nodes reach to where the weight, or weight times singularity, has fallen by a factor e^40


def normal_nodes(step=0.2):
    """Nodes for a standard normal variable.

    >>> z, w = normal_nodes()
    >>> float(w @ z**4).__round__(12)
    3.0
    """
    z = np.arange(-45, 46) * step
    return _normal(z, -(z**2) / 2)


def sigma_nodes(batch_size, singularity=0):
    """Nodes for sigma_B of a Gaussian batch, in log sigma, for functions that grow as sigma^(-singularity) at 0.

    The average of such a function is finite if singularity < M - 1; ValueError otherwise.

    >>> s, w = sigma_nodes(5, singularity=2)
    >>> float(w @ s**-2.0).__round__(12)
    2.5
    """
    M = batch(batch_size)
    left = M - 1 - singularity
    if left <= 0:
        raise ValueError(
            f"batch_size must be > {singularity + 1} for a finite average of 1/sigma^{singularity}; got {M}"
        )
    step = min(0.1, 0.38 / math.sqrt(M))
    low = -(DROP / left + math.sqrt(DROP / M))
    high = 0.5 * math.log1p(2 * DROP / M) + math.sqrt(DROP / (2 * M))
    t = np.arange(math.floor(low / step), math.ceil(high / step) + 1) * step
    return _normal(np.exp(t), (M - 1) * t - M * np.expm1(2 * t) / 2)


def normalized_nodes(batch_size):
    """Nodes for (h - mu_B)/sigma_B of a Gaussian h in its batch, as sqrt(M-1) tanh(s); two points at M = 2.

    >>> z, w = normalized_nodes(4)
    >>> float(w @ z**4).__round__(12)
    1.8
    """
    M = batch(batch_size)
    if M == 2:
        return np.array([-1.0, 1.0]), np.array([0.5, 0.5])
    step = min(0.12, 0.25 / math.sqrt(M))
    reach = DROP / (M - 2) + math.sqrt(2 * DROP / M)
    s = np.arange(-math.ceil(reach / step), math.ceil(reach / step) + 1) * step
    return _normal(math.sqrt(M - 1) * np.tanh(s), -(M - 2) * _log_cosh(s))


def independent_nodes(batch_size, growth=2):
    """Nodes for (h - mu_B)/sigma_B of a Gaussian h and an independent batch, for functions that grow as |z|^growth.

    This z is sqrt((M+1)/(M-1)) times a Student variable with M - 1 degrees of freedom; the nodes are sqrt(M+1) sinh(s).
    The average is finite if growth < M - 1; ValueError otherwise.

    >>> z, w = independent_nodes(6)
    >>> float(w @ z**2).__round__(12)  # (1 + 1/M) M/(M-3)
    2.333333333333
    """
    M = batch(batch_size)
    if M - 1 <= growth:
        raise ValueError(f"batch_size must be > {growth + 1} for a finite average of |z|^{growth}; got {M}")
    step = min(0.1, 0.25 / math.sqrt(M))
    reach = DROP / (M - 1 - growth) + math.sqrt(2 * DROP / M)
    s = np.arange(-math.ceil(reach / step), math.ceil(reach / step) + 1) * step
    return _normal(math.sqrt(M + 1) * np.sinh(s), -(M - 1) * _log_cosh(s))


@lru_cache(maxsize=64)
def shared_nodes(batch_size):
    """(h, q): the average of z y(h) is sum q y(h), for the z = (h - mu_B)/sigma_B of a Gaussian h in its batch.

    q is the density of h times E[z | h]. About 30 ms at M = 4, 5 ms from M = 8 on; then kept. The arrays are read-only.

    >>> h, q = shared_nodes(8)
    >>> float(q @ h).__round__(10)  # E[z h] = E sigma_B
    0.9027033337
    """
    M = batch(batch_size)
    h = np.arange(-36, 37) * 0.25
    half = (_shared_small if M <= 8 else _shared_large)(M, h[37:])
    q = 0.25 * np.concatenate([-half[::-1], [0.0], half])  # odd in h
    for fixed in (h, q):
        fixed.setflags(write=False)
    return h, q


def _shared_small(M, h):
    """From h = mu_B + sigma_B z, three independent variables: an average of a Gaussian of variance 1/M in h."""
    (z, w), (s, v) = normalized_nodes(M), sigma_nodes(M)
    centres, weights = np.multiply.outer(s, z), np.multiply.outer(v, w * z)
    average = np.array([np.sum(weights * np.exp(-M / 2 * (at - centres) ** 2)) for at in h])
    return math.sqrt(M / (2 * math.pi)) * average


def _shared_large(M, h):
    """From r = h - mu_B, given h Gaussian, and M sigma_B^2 = r^2 M/(M-1) + (a chi-square of M - 2 degrees)."""
    (u, p), (s, v) = normal_nodes(), sigma_nodes(M - 1)
    r = (1 - 1 / M) * h[:, None, None] + math.sqrt((1 - 1 / M) / M) * u[:, None]
    average = np.einsum("hus,u,s->h", r / np.sqrt(r**2 / (M - 1) + (1 - 1 / M) * s**2), p, v)
    return average * np.exp(-(h**2) / 2) / math.sqrt(2 * math.pi)


def _log_cosh(s):
    return np.logaddexp(s, -s) - math.log(2)


def _normal(points, log_weights):
    weights = np.exp(log_weights - log_weights.max())
    return points, weights / weights.sum()
