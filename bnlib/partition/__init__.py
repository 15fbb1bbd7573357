"""Part III: the partition that a piecewise-affine network makes of its inputs (Balestriero and Baraniuk 2022).

A `Network` of `AffineLayer` and `BatchNormLayer` is affine on each of many convex regions. `partition` finds all of
them in a polygon of the plane, `count_regions` only counts. Distances, total least squares, the bound on crossings and
the angles of folds are here too; the modules `concentration` (boundaries in a ball), `jitter` (laws of batch
statistics, flips, straddling), `margins`, `ablation`, `sample_norms`, `shapes` and `training` have the rest.
"""

from bnlib.partition.folds import (
    facet_normals,
    fold_angle,
    fold_of_sigma,
    fold_parameters,
    sharpest_fold,
    wall_angle,
)
from bnlib.partition.geometry import (
    arrangement_regions,
    best_offset,
    bounded_regions,
    crossing_bound,
    distances,
    guaranteed_distance,
    mean_squared_distances,
    segment_distances,
    spanning_tree,
    tls_parabola,
    total_least_squares,
    union_squared_distance,
)
from bnlib.partition.network import AffineLayer, BatchNormLayer, Network, activate, batch_statistics
from bnlib.partition.plane import Plane, count_regions, partition

__all__ = [
    "AffineLayer",
    "BatchNormLayer",
    "Network",
    "Plane",
    "activate",
    "arrangement_regions",
    "batch_statistics",
    "best_offset",
    "bounded_regions",
    "count_regions",
    "crossing_bound",
    "distances",
    "facet_normals",
    "fold_angle",
    "fold_of_sigma",
    "fold_parameters",
    "guaranteed_distance",
    "mean_squared_distances",
    "partition",
    "segment_distances",
    "sharpest_fold",
    "spanning_tree",
    "tls_parabola",
    "total_least_squares",
    "union_squared_distance",
    "wall_angle",
]
