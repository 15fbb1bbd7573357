"""How densely the boundaries of a network lie around points: three counts, their laws, and the sampling's bias.

The count at a point x is the number of units whose folded hyperplane comes within the radius of x (B22 figures 3 and
4): exactly in the plane from the segments of a partition, to first order in any dimension from |h| / |grad h|, or by
looking for a change of sign among random points of the ball, which finds too few in many dimensions.
"""

import math

import numpy as np
from scipy.special import betainc, ndtri

from bnlib.checks import array, generator, positive, whole
from bnlib.partition.geometry import segment_distances
from bnlib.partition.network import slope_in_range

CHUNK = 2_000_000  # numbers that one block of gradients may hold


def first_order_distances(network, points):
    """|h| / |grad_x h| for every unit, a list of arrays (N, n_l), one for each layer.

    Exact for layer 0 and wherever the nearest point of the folded hyperplane lies in the point's own region; what folds
    on the way there is ignored. Infinity where a unit is flat and not zero. Costs d forward passes more than one.

    >>> from bnlib.partition import AffineLayer, Network
    >>> first_order_distances(Network([AffineLayer([[3.0, 4.0]], [-5.0])]), [[0.0, 0.0]])
    [array([[1.]])]
    """
    levels, slopes = levels_and_gradients(network, points)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = [np.abs(h) / g for h, g in zip(levels, slopes)]
    return [np.where(h == 0, 0.0, distance) for h, distance in zip(levels, found)]


def levels_and_gradients(network, points):
    """h and |grad_x h| at points (N, d): two lists of arrays (N, n_l), by one pass through the network.

    >>> from bnlib.partition import AffineLayer, Network
    >>> levels_and_gradients(Network([AffineLayer([[3.0, 4.0]], [-5.0])]), [[0.0, 0.0]])
    ([array([[-5.]])], [array([[5.]])])
    """
    points = array("points", points, ("N", "d"), d=network.inputs)
    block = max(1, CHUNK // (network.inputs * max(network.widths)))
    parts = [_pass(network, points[i : i + block]) for i in range(0, len(points), block)]
    return tuple([np.concatenate(layer) for layer in zip(*kind)] for kind in zip(*parts))


def _pass(network, x):
    """Levels and lengths of gradients at a block of points. The Jacobian has axes (d, N, n)."""
    z, jacobian = x, np.broadcast_to(np.eye(network.inputs)[:, None], (network.inputs, *x.shape))
    levels, lengths = [], []
    for layer in network.layers:
        weight, bias = layer.affine()
        h, jacobian = z @ weight.T + bias, jacobian @ weight.T
        levels.append(h)
        lengths.append(np.sqrt(np.einsum("dnk,dnk->nk", jacobian, jacobian)))
        q = np.where(h > 0, 1.0, network.slope)
        z, jacobian = q * h, q * jacobian
    return levels, lengths


def first_order_counts(network, points, radius):
    """How many units of each layer have `first_order_distances` within the radius: counts (N, layers).

    >>> from bnlib.partition import AffineLayer, Network
    >>> net = Network([AffineLayer([[1.0, 0.0], [0.0, 1.0]], [0.0, -1.0])])
    >>> first_order_counts(net, [[0.2, 0.0], [0.2, 0.9]], 0.5).ravel().tolist()
    [1, 2]
    """
    radius = positive("radius", radius)
    return np.stack([np.sum(d <= radius, axis=1) for d in first_order_distances(network, points)], axis=1)


def exact_counts(segments, points, radius):
    """How many of some folded hyperplanes in the plane come within the radius: counts (N,), and their facets (N,).

    ``segments`` is a list with an array (s, 2, 2) for each unit, as a partition gives them. Exact if the discs lie in
    the polygon of the partition.

    >>> line = np.array([[[-1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [1.0, 1.0]]])
    >>> units, facets = exact_counts([line, line + 3], [[0.0, 0.1]], 0.5)
    >>> units.tolist(), facets.tolist()
    ([1], [2])
    """
    points, radius = array("points", points, ("N", "xy"), xy=2), positive("radius", radius)
    units, facets = (np.zeros(len(points), dtype=int) for _ in range(2))
    for own in segments:
        near = [segment_distances(points, piece[None]) <= radius for piece in own]
        count = np.sum(near, axis=0, dtype=int) if len(near) else np.zeros(len(points), dtype=int)
        units += count > 0
        facets += count
    return units, facets


def sampled_counts(network, points, radius, samples, rng):
    """How many units of each layer change sign between a point and ``samples`` random points of its ball: (N, layers).

    Never more than there are; how many it misses says `detection_probability`.

    >>> from bnlib.partition import AffineLayer, Network
    >>> net = Network([AffineLayer([[1.0, 0.0], [0.0, 1.0]], [0.0, -1.0])])
    >>> sampled_counts(net, [[0.2, 0.0]], 0.5, 100, np.random.default_rng(0)).tolist()
    [[1]]
    """
    points, radius = array("points", points, ("N", "d"), d=network.inputs), positive("radius", radius)
    counts = np.empty((len(points), len(network.layers)), dtype=int)
    for i, centre in enumerate(points):
        cloud = np.vstack([centre, centre + radius * ball_points(samples, len(centre), rng)])
        counts[i] = [np.sum((h > 0).any(axis=0) & (h <= 0).any(axis=0)) for h in network.preactivations(cloud)]
    return counts


def ball_points(samples, dimension, rng):
    """Uniform points (m, n) of the unit ball in R^n (Harman and Lacko 2010).

    n + 2 Gaussians, normalized to the sphere, with two coordinates dropped.

    >>> bool((np.linalg.norm(ball_points(50, 3, np.random.default_rng(0)), axis=1) < 1).all())
    True
    """
    generator("rng", rng)
    m, n = whole("samples", samples, 1), whole("dimension", dimension, 1)
    g = rng.standard_normal((m, n + 2))
    return g[:, :n] / np.linalg.norm(g, axis=1, keepdims=True)


def detection_probability(distance, dimension, samples):
    """How often ``samples`` random points of a ball in R^n find a hyperplane at this distance from its centre.

    1 - (1 - p)^m with p = I_{1 - t^2}((n + 1) / 2, 1/2) / 2 the part of the ball beyond it; the distance t is in units
    of the radius, 0 beyond 1.

    >>> round(float(detection_probability(0.5, 1, 2)), 12)  # one end of the segment [-1, 1]: p = 1/4
    0.4375
    """
    n, m = whole("dimension", dimension, 1), whole("samples", samples, 1)
    t = np.asarray(distance, dtype=np.float64)
    if not (t >= 0).all():
        raise ValueError(f"distance must be >= 0; got {distance!r}")
    beyond = 0.5 * betainc((n + 1) / 2, 0.5, np.maximum(1 - t * t, 0.0))
    return -np.expm1(m * np.log1p(-beyond))


def half_detection_distance(dimension, samples):
    """The distance, in units of the radius, at which `detection_probability` is one half: by bisection.

    In many dimensions about ndtri(2^(-1/m)) / sqrt(n + 2), which grows with the samples like sqrt(log m) only.

    >>> round(half_detection_distance(3072, 1000), 4)
    0.0576
    """
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if detection_probability(middle, dimension, samples) > 0.5 else (low, middle)
    return 0.5 * (low + high)


def recall(dimension, samples, nodes=400):
    """The part that sampling finds of the hyperplanes that meet the ball, if their distances are uniform.

    The mean of `detection_probability` over distances in [0, 1], by Gauss-Legendre quadrature with ``nodes`` nodes.

    >>> round(recall(2, 1000), 3), round(recall(3072, 1000), 3)
    (0.987, 0.058)
    """
    t, weights = np.polynomial.legendre.leggauss(whole("nodes", nodes, 2))
    return float(weights @ detection_probability(0.5 * (t + 1), dimension, samples) / 2)


def half_detection_estimate(dimension, samples):
    """`half_detection_distance` for n much larger than log m: ndtri(2^(-1/m)) / sqrt(n + 2).

    >>> round(half_detection_estimate(3072, 1000), 4)
    0.0577
    """
    n, m = whole("dimension", dimension, 1), whole("samples", samples, 1)
    return float(ndtri(2.0 ** (-1 / m))) / math.sqrt(n + 2)


def hit_probability(distance, radius, dimension):
    """How often a first-layer hyperplane of isotropic normal comes within the radius of a point, at batch statistics.

    The point is at ``distance`` from the mean of the data, through which every hyperplane passes (from the origin, if
    there is no bias): I_{(radius / distance)^2}(1/2, (d - 1) / 2), and 1 inside the radius; in the plane
    (2 / pi) arcsin(radius / distance). It knows the mean of the data and nothing else about them. d >= 2.

    >>> float(hit_probability(2.0, 0.1, 2).round(4)), float(hit_probability(0.05, 0.1, 2))
    (0.0318, 1.0)
    """
    d, radius = whole("dimension", dimension, 2), positive("radius", radius)
    distance = np.asarray(distance, dtype=np.float64)
    if not (distance >= 0).all():
        raise ValueError(f"distance must be >= 0; got {distance!r}")
    return betainc(0.5, (d - 1) / 2, (radius / np.maximum(distance, radius)) ** 2)


def depth_rate(slope):
    """The factor r by which batch normalization makes boundaries denser from layer to layer (heuristic).

    r = (1 - (1 - slope)^2 / (pi (1 + slope^2)))^(-1/2): the root of E a'^2 / Var a for a wide network whose
    pre-activations are Gaussian over the data. Without centring the variance is the second moment, and r = 1.

    >>> [round(float(depth_rate(slope)), 3) for slope in (0, 0.1, -1, 1)]
    [1.211, 1.159, 1.659, 1.0]
    """
    slope = slope_in_range(slope)
    return 1 / math.sqrt(1 - (1 - slope) ** 2 / (math.pi * (1 + slope**2)))
