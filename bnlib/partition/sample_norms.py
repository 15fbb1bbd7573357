"""Layer and RMS normalization: statistics of one sample over the units of a layer, in place of a batch over samples.

Without biases, affine terms and skip connections they make the signs, and so the partition, of a network without bias:
a cone at the origin, wherever the data are.
"""

import numpy as np

from bnlib.checks import array, one_of
from bnlib.partition.network import Network, activate, slope_in_range

KINDS = ("layer", "rms")


def sample_levels(weights, points, slope=0.0, *, kind="layer", epsilon=0.0):
    """Normalized pre-activations [h_l (N, n_l)] at points (N, d), each by the statistics of its own sample.

    "layer" subtracts the mean over the units and divides by their deviation, "rms" divides by the root of their mean
    square; ``epsilon`` is added under the root. Raises ValueError where a sample has no spread to divide by.

    >>> sample_levels([[[1.0], [3.0]]], [[2.0]])[0].tolist()
    [[-1.0, 1.0]]
    """
    one_of("kind", kind, KINDS)
    slope, z, levels = slope_in_range(slope), array("points", points, ("N", "d")), []
    for weight in weights:
        u = z @ array("weights", weight, ("n", "d"), d=z.shape[1]).T
        if kind == "layer":
            u = u - u.mean(axis=1, keepdims=True)
        scale = np.sqrt(np.mean(u**2, axis=1, keepdims=True) + epsilon)
        if not (scale > 0).all():
            raise ValueError(f"points: sample {int(np.argmin(scale))} has no spread over the units of a layer")
        levels.append(u / scale)
        z = activate(levels[-1], slope)
    return levels


def sign_network(weights, slope=0.0, *, kind="layer"):
    """The network without bias whose signs are those of `sample_levels` everywhere.

    The scale of a sample is above zero and passes through the activation, so it changes no sign; the mean over the
    units is linear: for "layer" the weights become (I - 1 1^T / n) W, for "rms" they stay.

    >>> sign_network([[[1.0], [3.0]]]).layers[0].weight.tolist()
    [[-1.0], [1.0]]
    """
    one_of("kind", kind, KINDS)
    weights = [np.asarray(weight, dtype=np.float64) for weight in weights]
    if kind == "layer":
        weights = [weight - weight.mean(axis=0) for weight in weights]
    return Network.with_bias(weights, slope=slope)
