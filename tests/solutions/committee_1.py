"""Chapter 1: reference, another style, and each mistake under the name that the exercise gives it."""

import numpy as np
from scipy.special import erf


# ---- committee-1-1
def batch_norm(x, gain, epsilon):
    return gain * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + epsilon)


def batch_norm_by_loops(x, gain, epsilon):
    b, K = x.shape
    rows = [[0.0] * K for _ in range(b)]
    for k in range(K):
        mean = sum(x[:, k]) / b
        variance = sum((value - mean) ** 2 for value in x[:, k]) / b
        for u in range(b):
            rows[u][k] = gain[k] * (x[u, k] - mean) * (variance + epsilon) ** -0.5
    return rows


BATCH_NORM_MISTAKES = {
    "statistics over the units": lambda x, g, e: (
        g * (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + e)
    ),
    "mean not subtracted": lambda x, g, e: g * x / np.sqrt((x**2).mean(0) + e),
    "epsilon outside the root": lambda x, g, e: g * (x - x.mean(0)) / (x.std(0) + e),
    "epsilon forgotten": lambda x, g, e: g * (x - x.mean(0)) / x.std(0),
    "unbiased variance": lambda x, g, e: g * (x - x.mean(0)) / np.sqrt(x.var(0, ddof=1) + e),
    "divided by the variance": lambda x, g, e: g * (x - x.mean(0)) / (x.var(0) + e),
}


# ---- committee-1-2
def _parts(J, gain, X, y):
    x = X @ J
    s = np.sqrt(np.mean(x**2))
    h = gain * x / s
    e = (erf(h / np.sqrt(2)) - y) * np.sqrt(2 / np.pi) * np.exp(-(h**2) / 2)
    return x, s, e


def gradient(J, gain, X, y):
    x, s, e = _parts(J, gain, X, y)
    return gain / (len(y) * s) * X.T @ (e - x * np.mean(e * x) / s**2)


def gradient_by_jacobian(J, gain, X, y):
    x, s, e = _parts(J, gain, X, y)
    slope_of_s = x @ X / (len(x) * s)
    jacobian = gain * (X / s - np.outer(x, slope_of_s) / s**2)
    return list((e[:, None] * jacobian).mean(axis=0))


def _stopped(J, gain, X, y):
    _, s, e = _parts(J, gain, X, y)
    return gain / (len(y) * s) * X.T @ e


def _projected(J, gain, X, y):
    stopped = _stopped(J, gain, X, y)
    return stopped - J * (J @ stopped) / (J @ J)


GRADIENT_MISTAKES = {
    "population's projection": _projected,
    "gradient stopped at the standard deviation": _stopped,
    "sign": lambda *case: -gradient(*case),
    "sum over the batch": lambda J, g, X, y: len(y) * gradient(J, g, X, y),
    "factor 1/s dropped": lambda J, g, X, y: gradient(J, g, X, y) * _parts(J, g, X, y)[1],
    "gain dropped": lambda J, g, X, y: gradient(J, g, X, y) / g,
}


# ---- committee-1-3
def effective_rate(eta, squared_norm):
    return eta / squared_norm


def effective_rate_in_two_steps(eta, squared_norm):
    length = np.sqrt(squared_norm)
    smaller_gradient, smaller_angle = 1 / length, 1 / length
    return np.float64(eta * smaller_gradient * smaller_angle)


EFFECTIVE_RATE_MISTAKES = {
    "only the gradient's factor": lambda eta, squared_norm: eta / np.sqrt(squared_norm),
    "length without effect": lambda eta, squared_norm: eta,
    "argument squared again": lambda eta, squared_norm: eta / squared_norm**2,
    "upside down": lambda eta, squared_norm: eta * squared_norm,
}

SOLUTIONS = {
    "committee-1-1": (batch_norm, batch_norm_by_loops, BATCH_NORM_MISTAKES),
    "committee-1-2": (gradient, gradient_by_jacobian, GRADIENT_MISTAKES),
    "committee-1-3": (effective_rate, effective_rate_in_two_steps, EFFECTIVE_RATE_MISTAKES),
}
