"""Averages over two independent standard normal variables, as the checks of part I's exercises take them."""

import functools

import numpy as np


@functools.lru_cache(maxsize=1)
def nodes(count=80):
    """A Gauss-Hermite grid of two independent standard normal variables: points (2, count^2) and weights.

    >>> (x, y), weights = nodes()
    >>> round(float(weights @ (x**2 * y**4)), 10)
    3.0
    """
    points, weights = np.polynomial.hermite_e.hermegauss(count)
    weights = weights / weights.sum()
    return np.stack([np.repeat(points, count), np.tile(points, count)]), np.outer(weights, weights).ravel()
