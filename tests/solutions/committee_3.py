"""Chapter 3: reference, another style, and each mistake under the name that the exercise gives it."""

import math

import numpy as np
from scipy.optimize import brentq

from bnlib.committee import I3


# ---- committee-3-1
def variance(K, M, tau):
    return np.roots([K * K * (1 + tau - tau / M), K * K * (1 + tau) - 2 * M * tau, -M * tau]).max()


def variance_by_search(K, M, tau):
    """The zero of the mean step, found by bisection on the averages of chapter 2."""
    if K == M == 1:
        return tau

    def pull(q):
        r = math.sqrt(tau * q / M)
        averages = I3(np.array([[q, r], [r, tau]]), 1)[0]
        return (M * averages[0, 1] - K * averages[0, 0]) / q

    return brentq(pull, 1e-9 * tau, 10 * M * tau, xtol=1e-16, rtol=1e-14)


def _equal(K, tau):
    return tau / (K + (K - 1) * tau)


VARIANCE_MISTAKES = {
    "a teacher of its own": lambda K, M, tau: tau,
    "straight units": lambda K, M, tau: M * tau / K**2,
    "K = M only": lambda K, M, tau: _equal(K, tau),
    "overlap in place of variance": lambda K, M, tau: variance(K, M, tau) / tau,
    "other root": lambda K, M, tau: np.roots(
        [K * K * (1 + tau - tau / M), K * K * (1 + tau) - 2 * M * tau, -M * tau]
    ).min(),
}


# ---- committee-3-2
def predict(t, e, target):
    rate, offset = np.polyfit(t, np.log(e), 1)
    return rate, (np.log(target) - offset) / rate


def predict_by_ends(t, e, target):
    """From the first and the last record alone, in plain floats."""
    rate = math.log(e[-1] / e[0]) / (t[-1] - t[0])
    return [rate, float(t[0]) + math.log(target / e[0]) / rate]


def _no_logarithm(t, e, target):
    slope, offset = np.polyfit(t, e, 1)
    return slope, (target - offset) / slope


PREDICT_MISTAKES = {
    "logarithm to base 10": lambda t, e, target: (predict(t, e, target)[0] / math.log(10), predict(t, e, target)[1]),
    "no logarithm": _no_logarithm,
    "length in place of time": lambda t, e, target: predict(t - t[0], e, target),
    "time constant in place of rate": lambda t, e, target: (1 / predict(t, e, target)[0], predict(t, e, target)[1]),
}


# ---- committee-3-3
def norm_on_plateau(norm, gain, K, tau):
    return norm - gain**2 + _equal(K, tau)


def norm_in_steps(norm, gain, K, tau):
    """Say first what is kept, then solve for the length."""
    kept = norm - gain * gain
    return kept + 1.0 / (K / tau + K - 1)


KEPT_MISTAKES = {
    "the whole gradient": lambda norm, gain, K, tau: norm,
    "product kept": lambda norm, gain, K, tau: norm * gain**2 / _equal(K, tau),
    "ratio kept": lambda norm, gain, K, tau: norm * _equal(K, tau) / gain**2,
    "sign": lambda norm, gain, K, tau: norm + gain**2 - _equal(K, tau),
    "gain in place of its square": lambda norm, gain, K, tau: norm - gain + math.sqrt(_equal(K, tau)),
    "first gain not squared": lambda norm, gain, K, tau: norm - gain + _equal(K, tau),
}

SOLUTIONS = {
    "committee-3-1": (variance, variance_by_search, VARIANCE_MISTAKES),
    "committee-3-2": (predict, predict_by_ends, PREDICT_MISTAKES),
    "committee-3-3": (norm_on_plateau, norm_in_steps, KEPT_MISTAKES),
}
