"""Chapter 12: reference, another style, and each mistake under the name that the exercise gives it."""

import math

import numpy as np

from bnlib.partition import jitter


# ---- partition-12-1
def shift(points, B):
    return math.sqrt(np.trace(jitter.shift_covariance(points, B)))


def shift_by_covariances(points, B):
    """B variances and B (B - 1) covariances of -variance / (N - 1), over B squared."""
    variance, N = points.var(axis=0).sum(), len(points)
    return np.sqrt(max(B * variance - B * (B - 1) * variance / (N - 1), 0.0)) / B


def _factor(points, B, population, ddof=0):
    N = len(points)
    return math.sqrt(points.var(axis=0, ddof=ddof).sum() / B * (N - B) / population(N))


SHIFT_MISTAKES = {
    "with replacement": lambda points, B: math.sqrt(points.var(axis=0).sum() / B),
    "root forgotten": lambda points, B: shift(points, B) ** 2,
    "unbiased variance": lambda points, B: _factor(points, B, lambda N: N - 1, ddof=1),
    "N for N - 1": lambda points, B: _factor(points, B, lambda N: N),
}


# ---- partition-12-2
def spread(m2, m4, B):
    return ((B - 1) / B) ** 2 * (m4 - m2**2 * (B - 3) / (B - 1)) / B


def spread_in_powers(m2, m4, B):
    excess = m4 - 3 * m2**2
    return (B - 1) ** 2 / B**3 * excess + 2 * (B - 1) / B**2 * m2**2


SPREAD_MISTAKES = {
    "unbiased variance": lambda m2, m4, B: (m4 - m2**2 * (B - 3) / (B - 1)) / B,
    "scale applied once": lambda m2, m4, B: (B - 1) / B * (m4 - m2**2 * (B - 3) / (B - 1)) / B,
    "normal law assumed": lambda m2, m4, B: 2 * m2**2 * (B - 1) / B**2,
    "leading order only": lambda m2, m4, B: (m4 - m2**2) / B,
}


# ---- partition-12-3
def straddle(slope):
    return 0.5 + 2 / math.pi * math.atan(slope)


def straddle_by_correlation(slope):
    return np.arccos(-2 * slope / (1 + slope**2)) / np.pi


STRADDLE_MISTAKES = {
    "every batch straddles": lambda slope: 1.0,
    "linear in the slope": lambda slope: (1 + slope) / 2,
    "correlation of the wrong sign": lambda slope: 0.5 - 2 / math.pi * math.atan(slope),
    "factor 2 lost": lambda slope: 0.5 + math.atan(slope) / math.pi,
}

SOLUTIONS = {
    "partition-12-1": (shift, shift_by_covariances, SHIFT_MISTAKES),
    "partition-12-2": (spread, spread_in_powers, SPREAD_MISTAKES),
    "partition-12-3": (straddle, straddle_by_correlation, STRADDLE_MISTAKES),
}
