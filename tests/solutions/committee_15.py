"""Chapter 15: reference, another style, and each mistake under the name that the exercise gives it."""

import math

from scipy.special import gammaln


# ---- committee-15-1
def shared_noise(rho, b):
    return 2 * rho**2 / b


def shared_noise_by_pairings(rho, b):
    four = 1 + rho * rho + rho * rho
    return (four - 1) / b


SHARED_MISTAKES = {
    "correlation not squared": lambda rho, b: 2 * rho / b,
    "one pairing forgotten": lambda rho, b: rho**2 / b,
    "logarithms already": lambda rho, b: rho**2 / (2 * b),
    "no mean over the batch": lambda rho, b: 2 * rho**2,
}


# ---- committee-15-2
def linear_gain(b, centered):
    free = b - 1 if centered else b
    return math.sqrt(2 / b) * math.exp(math.lgamma((free + 1) / 2) - math.lgamma(free / 2))


def linear_gain_by_beta(b, centered):
    """The same ratio from a beta function."""
    n = b - bool(centered)
    log_beta = gammaln(n / 2) + gammaln(0.5) - gammaln((n + 1) / 2)
    return float(math.sqrt(2 * math.pi / b) / math.exp(log_beta))


def _inverse(b, centered):
    n = b - 1 if centered else b
    n = max(n, 2)
    return 1 / (math.sqrt(b / 2) * math.exp(math.lgamma((n - 1) / 2) - math.lgamma(n / 2)))


LINEAR_MISTAKES = {
    "first order": lambda b, centered: 1 - (0.75 if centered else 0.25) / b,
    "root of the mean": lambda b, centered: math.sqrt(1 - 1 / b) if centered else 1.0,
    "mean of the inverse": _inverse,
    "mean subtracted without a loss": lambda b, centered: linear_gain(b, False),
}


# ---- committee-15-3
def opening(tau, b):
    return 4 * (1 + tau) * (2 + tau) / (tau**2 * b)


def opening_from_the_gain(tau, b):
    """In terms of the gain on the plateau, q = tau / (2 + tau), and of 1 + 1/tau."""
    q = tau / (2 + tau)
    return 4 / b * (1 + 1 / tau) / q


OPENING_MISTAKES = {
    "input variance of 1": lambda tau, b: 24 / b,
    "square of K forgotten": lambda tau, b: opening(tau, b) / 4,
    "square root": lambda tau, b: math.sqrt(opening(tau, b)),
}

SOLUTIONS = {
    "committee-15-1": (shared_noise, shared_noise_by_pairings, SHARED_MISTAKES),
    "committee-15-2": (linear_gain, linear_gain_by_beta, LINEAR_MISTAKES),
    "committee-15-3": (opening, opening_from_the_gain, OPENING_MISTAKES),
}
