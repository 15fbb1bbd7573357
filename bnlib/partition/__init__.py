"""Part III: the partition that a piecewise-affine network makes of its inputs (Balestriero and Baraniuk 2022).

A `Network` of `AffineLayer` and `BatchNormLayer` is affine on each of many convex regions.
"""

from bnlib.partition.network import AffineLayer, BatchNormLayer, Network, activate, batch_statistics
from bnlib.partition.plane import Plane, count_regions, partition

__all__ = [
    "AffineLayer",
    "BatchNormLayer",
    "Network",
    "Plane",
    "activate",
    "batch_statistics",
    "count_regions",
    "partition",
]
