"""Chapter 14: reference, another style, and each mistake under the name that the exercise gives it."""

import math

import numpy as np


# ---- classifier-14-1
def margin(W, b, x, y):
    z = x @ W + b
    others = np.arange(len(b)) != y
    slopes = np.linalg.norm(W[:, [y]] - W, axis=0)
    return ((z[y] - z)[others] / slopes[others]).min()


def margin_in_floats(W, b, x, y):
    columns = W.T.tolist()
    z = [sum(w * v for w, v in zip(column, x)) + offset for column, offset in zip(columns, b)]
    return min((z[y] - z[k]) / math.dist(columns[y], columns[k]) for k in range(len(z)) if k != y)


def _gaps(W, b, x, y):
    z = x @ W + b
    return np.delete(z[y] - z, y), np.delete(np.linalg.norm(W[:, [y]] - W, axis=0), y)


def _at_least_gap(gaps, lengths):
    return (gaps / lengths)[gaps.argmin()]


MARGIN_MISTAKES = {
    "logit gap": lambda W, b, x, y: _gaps(W, b, x, y)[0].min(),
    "one weight vector": lambda W, b, x, y: _gaps(W, b, x, y)[0].min() / np.linalg.norm(W[:, y]),
    "squared length": lambda W, b, x, y: (_gaps(W, b, x, y)[0] / _gaps(W, b, x, y)[1] ** 2).min(),
    "runner-up only": lambda W, b, x, y: _at_least_gap(*_gaps(W, b, x, y)),
    "largest in place of least": lambda W, b, x, y: np.divide(*_gaps(W, b, x, y)).max(),
    "sign lost": lambda W, b, x, y: abs(np.divide(*_gaps(W, b, x, y)).min()),
}


# ---- classifier-14-2
def effective_rate(eta, sigma):
    return eta / sigma**2


def effective_rate_by_two_steps(eta, sigma):
    """A unit gradient by V becomes 1 / sigma by W, and a step of W is 1 / sigma of V."""
    step_of_weights = [eta / s for s in sigma]
    return [step / s for step, s in zip(step_of_weights, sigma)]


HELD_MISTAKES = {
    "one factor only": lambda eta, sigma: eta / sigma,
    "upside down": lambda eta, sigma: eta * sigma**2,
    "no change": lambda eta, sigma: eta * np.ones_like(sigma),
}


# ---- classifier-14-3
def jitter(M, N):
    return np.sqrt((N - M) / (M * (N - 1)))


def jitter_by_covariances(M, N):
    variance = (M * 1.0 + M * (M - 1) * (-1 / (N - 1))) / M**2
    return math.sqrt(max(variance, 0.0))


JITTER_MISTAKES = {
    "with replacement": lambda M, N: M**-0.5,
    "variance": lambda M, N: (N - M) / (M * (N - 1)),
    "N in place of N - 1": lambda M, N: math.sqrt((N - M) / (M * N)),
}

SOLUTIONS = {
    "classifier-14-1": (margin, margin_in_floats, MARGIN_MISTAKES),
    "classifier-14-2": (effective_rate, effective_rate_by_two_steps, HELD_MISTAKES),
    "classifier-14-3": (jitter, jitter_by_covariances, JITTER_MISTAKES),
}
