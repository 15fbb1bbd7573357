"""The mean deviation of a batch drawn from given numbers, by counting all batches."""

from itertools import combinations

import numpy as np


def mean_batch_deviation(y, M):
    """Mean over all batches of M of the root of the 1/M variance."""
    batches = np.array(list(combinations(range(len(y)), M)))
    return y[batches].std(axis=1).mean()
