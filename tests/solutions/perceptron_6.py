"""Solutions of chapter 6's exercises: a reference, another style, and one wrong answer for each known mistake."""

import math

import numpy as np
from scipy import special


def _parts(z, M, curvature, kurtosis):
    return np.array([curvature.mean() / (2 * M), (kurtosis + 2) / (8 * M) * np.mean(curvature * z**2)])


def decay(h, M):
    z = (h - h.mean()) / h.std()
    return _parts(z, M, special.expit(z), np.mean(z**4) - 3)


def decay_by_sums(h, M):
    mean = sum(h) / len(h)
    spread = math.sqrt(sum((x - mean) ** 2 for x in h) / len(h))
    pairs = [((x - mean) / spread, 1 / (1 + math.exp((mean - x) / spread))) for x in h]
    fourth = sum(z**4 for z, _ in pairs) / len(h)
    return sum(s for _, s in pairs) / len(h) / 2 / M, (fourth - 1) * sum(s * z * z for z, s in pairs) / len(h) / 8 / M


def _logistic(h, M):
    z = (h - h.mean()) / h.std()
    return _parts(z, M, special.expit(z) * special.expit(-z), np.mean(z**4) - 3)


def _not_excess(h, M):
    z = (h - h.mean()) / h.std()
    return _parts(z, M, special.expit(z), np.mean(z**4))


DECAY_MISTAKES = {
    "logistic unit": _logistic,
    "convention without one half": lambda h, M: 2 * decay(h, M),
    "kurtosis that is not excess": _not_excess,
    "raw pre-activations": lambda h, M: _parts(h, M, special.expit(h), np.mean(h**4) - 3),
}


def _inverse(M):
    return math.sqrt(M / 2) * math.gamma((M - 2) / 2) / math.gamma((M - 1) / 2)


def best_gains(M):
    return np.array([math.sqrt(2 / M) * math.gamma(M / 2) / math.gamma((M - 1) / 2), _inverse(M) * (M - 3) / (M + 1)])


def best_gains_by_quadrature(M):
    s = np.linspace(0, 4, 40_001)[1:]
    log = (M - 2) * np.log(s) - M * s**2 / 2
    p = np.exp(log - log.max())
    p = p / p.sum()
    return [p @ s, (p @ (1 / s)) / ((p @ s**-2) * (1 + 1 / M))]


GAIN_MISTAKES = {
    "theorem 1": lambda M: (1 / (1 + 1.5 / M), 1 / (1 + 1.5 / M)),
    "only the first order": lambda M: (1 - 0.75 / M, 1 - 2.75 / M),
    "mean of the batch forgotten": lambda M: best_gains(M) * [1, 1 + 1 / M],
    "inverse of the mean inverse": lambda M: (1 / _inverse(M), best_gains(M)[1]),
}


def missing(gamma, rho):
    return np.array([0.5 + (rho + 2) / 8, -0.5 - 3 * (rho + 2) / 8]) * gamma * (1 - gamma)


def missing_step_by_step(gamma, rho):
    variance = (rho + 2) / 4
    bias, zeta = 0.5 + variance / 2, 0.5 + variance / 2
    other = gamma**2 * (2 * bias + 3 * variance + 1) / 2 - gamma * (bias + variance)
    return [gamma * bias - zeta * gamma**2, other - zeta * gamma**2]


MISSING_MISTAKES = {
    "nothing": lambda gamma, rho: (0.0, 0.0),
    "bias of the deviation forgotten": lambda gamma, rho: np.full(2, (rho + 2) / 4 * gamma * (gamma - 1)),
    "sign": lambda gamma, rho: -missing(gamma, rho),
    "kurtosis ignored": lambda gamma, rho: missing(gamma, 0.0),
}

SOLUTIONS = {
    "perceptron-6-1": (decay, decay_by_sums, DECAY_MISTAKES),
    "perceptron-6-2": (best_gains, best_gains_by_quadrature, GAIN_MISTAKES),
    "perceptron-6-3": (missing, missing_step_by_step, MISSING_MISTAKES),
}
