"""Chapter 9: reference, another style, and each mistake under the name that the exercise gives it."""

import math

import numpy as np

from bnlib.partition.geometry import arrangement_regions


# ---- partition-9-1
def cost(mu, row, points):
    return np.mean((points @ row - mu) ** 2) / (row @ row)


def cost_in_two_parts(mu, row, points):
    u = points @ row
    return u.var() / (row @ row) + ((mu - u.mean()) / np.linalg.norm(row)) ** 2


COST_MISTAKES = {
    "length of the weights forgotten": lambda mu, row, points: np.mean((points @ row - mu) ** 2),
    "divided by the length once": lambda mu, row, points: np.mean((points @ row - mu) ** 2) / np.linalg.norm(row),
    "not squared": lambda mu, row, points: np.mean(np.abs(points @ row - mu)) / np.linalg.norm(row),
    "sum over the points": lambda mu, row, points: np.sum((points @ row - mu) ** 2) / (row @ row),
    "only the mean point": lambda mu, row, points: (np.mean(points @ row) - mu) ** 2 / (row @ row),
}


# ---- partition-9-2
def count(n, d, central):
    return arrangement_regions(n, d, central=central)


def count_by_recursion(n, d, central):
    if n == 1:
        return 2
    if d == 1:
        return 2 if central else n + 1
    return count_by_recursion(n - 1, d, central) + count_by_recursion(n - 1, d - 1, central)


REGIONS_MISTAKES = {
    "always central": lambda n, d, central: count(n, d, True),
    "never central": lambda n, d, central: count(n, d, False),
    "two to the n": lambda n, d, central: 2**n,
    "bounded regions only": lambda n, d, central: math.comb(n - 1, d),
    "plane only": lambda n, d, central: 2 * n if central else 1 + n + math.comb(n, 2),
}


# ---- partition-9-3
def pair(values):
    x = np.sort(values)
    splits = [np.array([x[:k].mean(), x[k:].mean()]) for k in range(1, len(x))]
    return min(splits, key=lambda at: np.mean(np.min((x[:, None] - at) ** 2, axis=1)))


def pair_by_sums(values):
    """The largest sum of squares between the parts, by running totals."""
    x = np.sort(values)
    n, k = len(x), np.arange(1, len(x))
    left, total = np.cumsum(x)[:-1], x.sum()
    best = int(np.argmax(left**2 / k + (total - left) ** 2 / (n - k)))
    return [left[best] / (best + 1), (total - left[best]) / (n - best - 1)]


def _half(values):
    x = np.sort(values)
    return [x[: len(x) // 2].mean(), x[len(x) // 2 :].mean()]


COVER_MISTAKES = {
    "both at the mean": lambda v: [v.mean(), v.mean()],
    "split at the mean": lambda v: [v[v < v.mean()].mean(), v[v >= v.mean()].mean()],
    "halves": _half,
    "outermost values": lambda v: [v.min(), v.max()],
}

SOLUTIONS = {
    "partition-9-1": (cost, cost_in_two_parts, COST_MISTAKES),
    "partition-9-2": (count, count_by_recursion, REGIONS_MISTAKES),
    "partition-9-3": (pair, pair_by_sums, COVER_MISTAKES),
}
