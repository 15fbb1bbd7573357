"""What the recipes of all records share: a generator for each part, and numbers as they are stored."""

import numpy as np


def generator(seed, *parts):
    """A generator of its own for each part of a record, so that a part can be made again alone."""
    return np.random.default_rng([seed, *parts])


def plain(values, digits=6):
    """Numbers as they are stored: a list of floats with so many significant digits.

    >>> plain([1 / 3, 2e5])
    [0.333333, 200000.0]
    """
    return [float(f"{value:.{digits}g}") for value in values]
