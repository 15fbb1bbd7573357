"""Chapter 11: reference, another style, and each mistake under the name that the exercise gives it."""

import math

import numpy as np

from bnlib.partition.geometry import guaranteed_distance, spanning_tree


# ---- partition-11-1
def bound(points):
    return guaranteed_distance(points)


def bound_by_growing(points):
    """Prim's way: add the nearest point, and remember the longest step."""
    left, distance, longest = list(range(1, len(points))), np.linalg.norm(points - points[0], axis=1), 0.0
    while left:
        nearest = min(left, key=lambda i: distance[i])
        longest = max(longest, distance[nearest])
        left.remove(nearest)
        distance = np.minimum(distance, np.linalg.norm(points - points[nearest], axis=1))
    return longest / 2


def _edges(points):
    return spanning_tree(points)[1]


def _pairs(points):
    return np.linalg.norm(points[:, None] - points, axis=2)


def _nearest_neighbours(points):
    between = _pairs(np.unique(points, axis=0))
    return (between + np.diag(np.full(len(between), np.inf))).min(axis=1).max() / 2


BOUND_MISTAKES = {
    "not halved": lambda points: _edges(points)[-1],
    "the whole tree": lambda points: _edges(points).sum() / 2,
    "the farthest pair": lambda points: _pairs(points).max() / 2,
    "nearest neighbours": _nearest_neighbours,
}


# ---- partition-11-2
def weights(W):
    return W - W.mean(axis=0)


def weights_by_projection(W):
    n = len(W)
    return ((np.eye(n) - np.ones((n, n)) / n) @ W).tolist()


WEIGHTS_MISTAKES = {
    "RMS in place of layer normalization": lambda W: W,
    "mean over the inputs": lambda W: W - W.mean(axis=1, keepdims=True),
    "one mean for all": lambda W: W - W.mean(),
    "scaled as well": lambda W: (W - W.mean(axis=0)) / W.std(axis=0),
}


# ---- partition-11-3
def rate(slope):
    return 1 / math.sqrt(1 - (1 - slope) ** 2 / (math.pi * (1 + slope**2)))


def rate_by_averages(slope):
    variance = (1 + slope**2) / 2 - (1 - slope) ** 2 / (2 * np.pi)
    return np.sqrt((1 + slope**2) / (2 * variance))


RATE_MISTAKES = {
    "root forgotten": lambda slope: rate(slope) ** 2,
    "not centred": lambda slope: 1.0,
    "upside down": lambda slope: 1 / rate(slope),
    "ReLU only": lambda slope: rate(0.0),
}

SOLUTIONS = {
    "partition-11-1": (bound, bound_by_growing, BOUND_MISTAKES),
    "partition-11-2": (weights, weights_by_projection, WEIGHTS_MISTAKES),
    "partition-11-3": (rate, rate_by_averages, RATE_MISTAKES),
}
