"""How far points are from hyperplanes and from folded hyperplanes, and how near a batch-normalized unit must come.

Notation of B22: a unit with weight row w and offset mu has the hyperplane H = {z : <w, z> = mu} (eq 5); its folded
hyperplane F is what H becomes in the network's input space (eq 11). Points have axes (N, D), weights (n, D), offsets
(n,). Distances are Euclidean, in the units of the points. Whatever is not finite, has a zero row of weights or does not
fit raises a ``ValueError``.
"""

import math

import numpy as np

from bnlib.checks import array, whole


def distances(points, weight, offset):
    """Distances |<w, z> - mu| / |w| of points to hyperplanes (B22 eq 7), axes (N, n).

    >>> distances([[0, 0], [3, 4]], [[3, 4]], [5])
    array([[1.],
           [4.]])
    """
    points, weight, norms = _points_and_rows(points, weight)
    offset = array("offset", offset, ("n",), n=len(weight))
    return np.abs(points @ weight.T - offset) / norms


def mean_squared_distances(points, weight, offset):
    """Mean over the points of the squared distance to each hyperplane (B22 eq 8), axes (n,).

    >>> mean_squared_distances([[-1], [1], [3]], [[2]], [2])
    array([2.66666667])
    """
    return np.mean(distances(points, weight, offset) ** 2, axis=0)


def total_least_squares(points, weight, offset):
    """B22's total least squares of a layer, eq (9): the sum over units of `mean_squared_distances`.

    Each unit counts by itself. The distance to the nearest of all hyperplanes is `union_squared_distance`.

    >>> total_least_squares([[-1.0], [1.0]], [[1.0], [1.0]], [0.0, 0.0])
    2.0
    """
    return float(mean_squared_distances(points, weight, offset).sum())


def union_squared_distance(points, weight, offset):
    """Mean over the points of the squared distance to the nearest hyperplane: what eq (9) does not measure.

    >>> union_squared_distance([[-1.0], [1.0]], [[1.0], [1.0]], [-1.0, 1.0])
    0.0
    """
    return float(np.mean(distances(points, weight, offset).min(axis=1) ** 2))


def best_offset(points, weight):
    """The offsets that minimize `total_least_squares`, and the root mean squared distance rho at the minimum.

    Returns (mu, rho), axes (n,) each: mu is the mean of <w, z> over the points, which is batch normalization's (B22
    eq 3, theorem 1), and rho = sigma / |w| with sigma the biased standard deviation of <w, z>.

    >>> mu, rho = best_offset([[-1], [1], [3]], [[2]])
    >>> mu, rho.round(4)
    (array([2.]), array([1.633]))
    """
    points, weight, norms = _points_and_rows(points, weight)
    projections = points @ weight.T
    return projections.mean(axis=0), projections.std(axis=0) / norms


def tls_parabola(points, weight, offset):
    """`mean_squared_distances` by its closed form rho^2 + (mu - mean)^2 / |w|^2; ``offset`` has axes (..., n).

    >>> tls_parabola([[-1], [1], [3]], [[2]], [[2.0], [4.0]])
    array([[2.66666667],
           [3.66666667]])
    """
    mean, rho = best_offset(points, weight)
    offset = np.asarray(offset, dtype=np.float64)
    if offset.shape[-1:] != mean.shape or not np.isfinite(offset).all():
        raise ValueError(
            f"offset must be finite with axes (..., n = {len(mean)}); got shape {offset.shape}: {offset!r}"
        )
    return rho**2 + (offset - mean) ** 2 / np.sum(np.asarray(weight, dtype=np.float64) ** 2, axis=1)


def segment_distances(points, segments):
    """Distances of points (N, 2) to the nearest of some segments (s, 2, 2), axes (N,); infinity if there is none.

    With the segments of a folded hyperplane, which `bnlib.partition.partition` gives, this is B22's eq (12) without its
    square, as far as the polygon of the partition reaches. Time and memory grow as N s.

    >>> segment_distances([[0, 1], [3, 4]], [[[-1, 0], [0, 0]]])
    array([1., 5.])
    """
    points = array("points", points, ("N", "2"), **{"2": 2})
    segments = np.asarray(segments, dtype=np.float64)
    if segments.size == 0:
        return np.full(len(points), np.inf)
    segments = array("segments", segments, ("s", "two", "xy"), two=2, xy=2)
    start, along = segments[:, 0], segments[:, 1] - segments[:, 0]
    squared = np.maximum(np.sum(along**2, axis=1), np.finfo(float).tiny)
    offset = points[:, None] - start
    part = np.clip(np.sum(offset * along, axis=2) / squared, 0, 1)
    return np.sqrt(np.min(np.sum((offset - part[..., None] * along) ** 2, axis=2), axis=1))


def spanning_tree(points):
    """The Euclidean minimum spanning tree: pairs of indices (m, 2) and their lengths (m,), in increasing length.

    Points that coincide count once, so that m is the number of different points less one. Memory grows as N^2.

    >>> pairs, lengths = spanning_tree([[0], [1], [5], [1]])
    >>> pairs.tolist(), lengths.tolist()
    ([[0, 1], [1, 2]], [1.0, 4.0])
    """
    points = array("points", points, ("N", "D"))
    from scipy.sparse.csgraph import minimum_spanning_tree  # takes a while to import, and few figures need it

    different, first = np.unique(points, axis=0, return_index=True)
    tree = minimum_spanning_tree(_between(different)).tocoo()  # zeros, which are no edges, are on the diagonal
    pairs = np.sort(first[np.stack([tree.row, tree.col], axis=1)], axis=1).reshape(-1, 2)
    order = np.argsort(tree.data, kind="stable")
    return pairs[order], tree.data[order]


def guaranteed_distance(points):
    """Half the longest edge of the spanning tree: how near a data point the boundary of any normalized unit must come.

    A unit whose offset is the mean of its values over these very points, with sigma > 0 and shift 0, has data on both
    sides. Some edge of the spanning tree then joins the two sides, and the folded hyperplane crosses it: at any depth,
    its distance to the nearest data point is at most this number. It is the best bound that holds for every split.

    >>> guaranteed_distance([[0, 0], [0, 2], [5, 2]])
    2.5
    """
    lengths = spanning_tree(points)[1]
    return 0.5 * float(lengths[-1]) if len(lengths) else 0.0


def crossing_bound(points, values, offset):
    """Half the smallest distance between points on opposite sides of each unit: a bound on min_i d(x_i, F), axes (n,).

    ``values`` (N, n) are the units' values g(x_i) and ``offset`` (n,) their thresholds; a unit with all points on one
    side gets infinity. A point on the boundary itself makes the bound 0. For units that are normalized on these points
    it is never more than `guaranteed_distance`.

    >>> crossing_bound([[0.0], [1.0], [3.0]], [[-1.0, 1.0], [1.0, 1.0], [1.0, 1.0]], [0.0, 0.0])
    array([0.5, inf])
    """
    points = array("points", points, ("N", "D"))
    values = array("values", values, ("N", "n"), N=len(points))
    side = np.sign(values - array("offset", offset, ("n",), n=values.shape[1]))
    between, bounds = _between(points), np.full(values.shape[1], np.inf)
    for unit, signs in enumerate(side.T):
        if (signs == 0).any():
            bounds[unit] = 0.0
        elif (signs > 0).any() and (signs < 0).any():
            bounds[unit] = 0.5 * between[np.ix_(signs < 0, signs > 0)].min()
    return bounds


def arrangement_regions(hyperplanes, dimension, *, central=False):
    """Regions of n hyperplanes in general position in R^d (Zaslavsky): the sum of binomials (n, i) for i <= d.

    ``central``: all pass through one point and are generic otherwise, as batch normalization makes them in each layer's
    own space (B22 corollary 2): twice the sum of binomials (n - 1, i) for i < d.

    >>> arrangement_regions(8, 2), arrangement_regions(8, 2, central=True)
    (37, 16)
    """
    n, d = whole("hyperplanes", hyperplanes, 0), whole("dimension", dimension, 1)
    if not central:
        return sum(math.comb(n, i) for i in range(d + 1))
    return 2 * sum(math.comb(n - 1, i) for i in range(d)) if n else 1


def bounded_regions(hyperplanes, dimension):
    """How many of the regions of n hyperplanes in general position in R^d are bounded: the binomial (n - 1, d).

    >>> bounded_regions(8, 2)
    21
    """
    n, d = whole("hyperplanes", hyperplanes, 0), whole("dimension", dimension, 1)
    return math.comb(n - 1, d) if n else 0


def _between(points):
    """Distances (N, N) of all pairs, one coordinate after the other."""
    squares = sum((column[:, None] - column) ** 2 for column in points.T)
    return np.sqrt(squares)


def _points_and_rows(points, weight):
    """Points (N, D), weights (n, D) and the norms of their rows, all of which must be above zero."""
    points = array("points", points, ("N", "D"))
    weight = array("weight", weight, ("n", "D"), D=points.shape[1])
    norms = np.linalg.norm(weight, axis=1)
    if not (norms > 0).all():
        raise ValueError(f"weight must have no zero row; row {int(np.argmin(norms))} is {weight[np.argmin(norms)]!r}")
    return points, weight, norms
