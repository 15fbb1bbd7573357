"""Losses l(h) = A(h) - y h of one unit, by their activation A'.

L19 writes the loss of a unit as A(h) - y h (appendix C.1). Its slope in h is A'(h) - y, so that A' is the activation,
and theorem 1 sees the unit through A'' alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special


@dataclass(frozen=True)
class LogPartition:
    """A, its slope A' (the activation) and its curvature A''; each maps arrays to arrays of the same shape."""

    name: str
    value: Callable
    slope: Callable
    curvature: Callable


def softplus(h):
    """log(1 + e^h), without overflow.

    >>> softplus(np.array([-1000.0, 0.0, 1000.0])).round(6).tolist()
    [0.0, 0.693147, 1000.0]
    """
    return np.logaddexp(0.0, h)


def softplus_integral(h):
    """The integral of softplus from -infinity to h: -Li2(-e^h), without overflow.

    >>> bool(abs(softplus_integral(0.0) - np.pi**2 / 12) < 1e-15)
    True
    """
    h = np.asarray(h, dtype=np.float64)
    small = special.spence(1 + np.exp(-np.abs(h)))  # Li2(-e^-|h|)
    return np.where(h > 0, h**2 / 2 + np.pi**2 / 6 + small, -small)


def _logistic_slope(h):
    return special.expit(h) * special.expit(-h)


SOFTPLUS = LogPartition("softplus", softplus_integral, softplus, special.expit)
LOGISTIC = LogPartition("logistic", softplus, special.expit, _logistic_slope)
IDENTITY = LogPartition("identity", lambda h: np.square(h) / 2, lambda h: 1.0 * h, np.ones_like)
STEP = LogPartition(
    "hard-relu",
    lambda h: np.square(np.maximum(h, 0.0)) / 2,
    lambda h: np.maximum(h, 0.0),
    lambda h: np.heaviside(h, 0.5),
)
# "relu" is L19's theorem for ReLU, which takes softplus in its place (C.2); "hard-relu" has the kink.
LOG_PARTITIONS = {
    "relu": SOFTPLUS,
    "softplus": SOFTPLUS,
    "logistic": LOGISTIC,
    "logit": LOGISTIC,
    "identity": IDENTITY,
    "hard-relu": STEP,
}


def log_partition(activation) -> LogPartition:
    """The `LogPartition` of that name, or `activation` itself if it is one.

    >>> log_partition("relu").name, float(log_partition("logit").curvature(0.0))
    ('softplus', 0.25)
    """
    if isinstance(activation, LogPartition):
        return activation
    if not isinstance(activation, str) or activation not in LOG_PARTITIONS:
        names = ", ".join(map(repr, LOG_PARTITIONS))
        raise ValueError(f"activation must be one of {names}, or a LogPartition; got {activation!r}")
    return LOG_PARTITIONS[activation]
