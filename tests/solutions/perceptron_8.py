"""Chapter 8: reference, another style, and each mistake under the name that the exercise gives it."""

import numpy as np


# ---- perceptron-8-1
def least_squares(alpha, noise):
    return 1 - alpha + alpha * noise / (1 - alpha) if alpha < 1 else noise / (alpha - 1)


def least_squares_in_one(alpha, noise):
    return np.maximum(1 - alpha, 0.0) + noise * np.minimum(alpha, 1.0) / np.abs(1 - alpha)


LEAST_SQUARES_MISTAKES = {
    "sign above load 1": lambda alpha, noise: least_squares(alpha, noise) if alpha < 1 else noise / (1 - alpha),
    "noise floor included": lambda alpha, noise: least_squares(alpha, noise) + noise,
    "unseen part forgotten": lambda alpha, noise: noise * min(alpha, 1.0) / abs(1 - alpha),
}


# ---- perceptron-8-2
def fit(X, y, zeta):
    return np.linalg.lstsq(X, y, rcond=None)[0] / (1 + zeta)


def fit_by_augmented_rows(X, y, zeta):
    """The penalty is P more examples with target 0 and the same inputs, times sqrt zeta."""
    rows, targets = np.vstack([X, np.sqrt(zeta) * X]), np.append(y, 0 * y)
    return list(np.linalg.pinv(rows) @ targets)


def _ridge(X, y, decay):
    return np.linalg.solve(X.T @ X + decay * np.eye(X.shape[1]), X.T @ y)


FIT_MISTAKES = {
    "ridge": lambda X, y, zeta: _ridge(X, y, zeta * len(X) / X.shape[1]),
    "first order in zeta": lambda X, y, zeta: (1 - zeta) * _ridge(X, y, 0.0),
    "decay ignored": lambda X, y, zeta: _ridge(X, y, 0.0),
}


# ---- perceptron-8-3
def best_direction(X, y):
    return np.linalg.lstsq(X, y, rcond=None)[0]


def best_direction_with_a_constant(X, y):
    """Any constant may be added to the targets, and any length taken."""
    return 3.0 * X.T @ np.linalg.solve(X @ X.T, y + 1.5)


DIRECTION_MISTAKES = {
    "first step of descent": lambda X, y: X.T @ y,
    "ridge": lambda X, y: _ridge(X, y, 0.25),
    "sign": lambda X, y: -best_direction(X, y),
}

SOLUTIONS = {
    "perceptron-8-1": (least_squares, least_squares_in_one, LEAST_SQUARES_MISTAKES),
    "perceptron-8-2": (fit, fit_by_augmented_rows, FIT_MISTAKES),
    "perceptron-8-3": (best_direction, best_direction_with_a_constant, DIRECTION_MISTAKES),
}
