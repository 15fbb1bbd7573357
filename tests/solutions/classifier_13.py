"""Chapter 13: reference, another style, and each mistake under the name that the exercise gives it."""

import math
from statistics import NormalDist, mean, stdev

import numpy as np
from scipy.special import ndtri


# ---- classifier-13-1
def paired(a, b):
    difference = a - b
    return difference.mean(), difference.std(ddof=1) / np.sqrt(len(difference))


def paired_in_floats(a, b):
    differences = [x - y for x, y in zip(a.tolist(), b.tolist())]
    return mean(differences), stdev(differences) / math.sqrt(len(differences))


PAIRED_MISTAKES = {
    "not paired": lambda a, b: (
        (a - b).mean(), np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a)),
    ),
    "divided by S": lambda a, b: ((a - b).mean(), (a - b).std() / np.sqrt(len(a))),
    "spread in place of standard error": lambda a, b: ((a - b).mean(), (a - b).std(ddof=1)),
    "root forgotten": lambda a, b: ((a - b).mean(), (a - b).var(ddof=1) / len(a)),
    "order": lambda a, b: paired(a, b)[::-1],
    "size of the differences": lambda a, b: ((a - b).mean(), np.abs(a - b).std(ddof=1) / np.sqrt(len(a))),
    "sign": lambda a, b: ((b - a).mean(), (a - b).std(ddof=1) / np.sqrt(len(a))),
}  # fmt: skip


# ---- classifier-13-2
def fold(W, gamma, beta, mu, variance, epsilon):
    factor = gamma / np.sqrt(variance + epsilon)
    return np.vstack([W * factor, beta - mu * factor])


def fold_by_probing(W, gamma, beta, mu, variance, epsilon):
    """The bias is the answer to zero, and each row of weights what one unit of an input adds."""

    def layer(x):
        return gamma * (x @ W - mu) / (variance + epsilon) ** 0.5 + beta

    bias = layer(np.zeros(len(W)))
    return [*(layer(row) - bias for row in np.eye(len(W))), bias]


def _folded(factor, W, beta, shift):
    return np.vstack([W * factor, beta - shift])


FOLD_MISTAKES = {
    "epsilon outside the root": lambda W, g, b, m, v, e: _folded(g / (v**0.5 + e), W, b, m * g / (v**0.5 + e)),
    "mean forgotten": lambda W, g, b, m, v, e: _folded(g / (v + e) ** 0.5, W, b, 0.0),
    "epsilon forgotten": lambda W, g, b, m, v, e: _folded(g / v**0.5, W, b, m * g / v**0.5),
    "sign of the mean": lambda W, g, b, m, v, e: _folded(g / (v + e) ** 0.5, W, b, -m * g / (v + e) ** 0.5),
    "bias first": lambda *layer: np.roll(fold(*layer), 1, axis=0),
    "mean not scaled": lambda W, g, b, m, v, e: _folded(g / (v + e) ** 0.5, W, b, m),
    "variance in place of deviation": lambda W, g, b, m, v, e: _folded(g / (v + e), W, b, m * g / (v + e)),
}


# ---- classifier-13-3
def seeds_needed(difference, spread, power):
    return math.ceil((spread / difference * (2 + ndtri(power))) ** 2)


def seeds_by_search(difference, spread, power):
    """Doubling, then halving the bracket."""

    def enough(seeds):
        return NormalDist().cdf(difference * math.sqrt(seeds) / spread - 2) >= power

    low, high = 0, 1
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return float(high)


SEEDS_MISTAKES = {
    "not rounded up": lambda d, s, p: (s / d * (2 + ndtri(p))) ** 2,
    "power forgotten": lambda d, s, p: math.ceil((2 * s / d) ** 2),
    "threshold of one standard error": lambda d, s, p: math.ceil((s / d * (1 + ndtri(p))) ** 2),
    "not squared": lambda d, s, p: math.ceil(s / d * (2 + ndtri(p))),
    "two-sided power": lambda d, s, p: math.ceil((s / d * (2 + ndtri((1 + p) / 2))) ** 2),
}

SOLUTIONS = {
    "classifier-13-1": (paired, paired_in_floats, PAIRED_MISTAKES),
    "classifier-13-2": (fold, fold_by_probing, FOLD_MISTAKES),
    "classifier-13-3": (seeds_needed, seeds_by_search, SEEDS_MISTAKES),
}
