"""Half of batch normalization: only the mean, or only the deviation, to see which of the two does what."""

import numpy as np

from bnlib.checks import array, one_of
from bnlib.partition.network import BatchNormLayer, Network, activate, batch_statistics, slope_in_range

PARTS = ("neither", "deviation", "mean", "both")


def with_part(weights, data, part, slope=0.0):
    """A `Network` whose layers subtract the mean of their levels over the data, divide by their deviation, or both.

    The statistics of a layer are taken behind the layers before as they are, so that "mean" is mean-only
    normalization. ``data`` has axes (N, d); ``weights`` is a list of (n_l, n_{l-1}).

    >>> net = with_part([[[2.0]]], [[1.0], [3.0]], "mean")
    >>> net.layers[0].mu.tolist(), net.layers[0].sigma.tolist()
    ([4.0], [1.0])
    """
    one_of("part", part, PARTS)
    z, slope, layers = array("data", data, ("N", "d")), slope_in_range(slope), []
    for weight in weights:
        mu, sigma = batch_statistics(weight, z)
        mu = mu if part in ("mean", "both") else np.zeros_like(mu)
        sigma = sigma if part in ("deviation", "both") else np.ones_like(sigma)
        layers.append(BatchNormLayer(weight, mu, sigma))
        z = activate(layers[-1].preactivation(z), slope)
    return Network(layers, slope)
