"""Counts in a ball and their laws: finite differences, sampling, quadrature, and random arrangements."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from bnlib.partition import AffineLayer, Network
from bnlib.partition import concentration as c
from bnlib.partition.geometry import distances
from bnlib.partition.shapes import shape


def random_network(seed, widths=(12, 9, 7), slope=0.1, inputs=2, points=60):
    rng = np.random.default_rng(seed)
    data = rng.standard_normal((points, inputs))
    sizes = (inputs, *widths)
    weights = [rng.standard_normal((n, d)) / math.sqrt(d) for d, n in zip(sizes, sizes[1:])]
    return Network.with_batch_norm(weights, data, slope), data


@pytest.mark.parametrize("inputs", [2, 5])
@pytest.mark.parametrize("slope", [0.0, 0.1, -1.0])
def test_gradients_by_finite_differences(slope, inputs):
    """Central differences of 1e-6 on an affine piece leave round-off, 1e-16 / 1e-6 times the size of h."""
    net, data = random_network(1, slope=slope, inputs=inputs)
    points = data[:8] + 0.01
    levels, lengths = c.levels_and_gradients(net, points)
    step = 1e-6 * np.eye(inputs)
    for layer, (h, length) in enumerate(zip(levels, lengths)):
        np.testing.assert_allclose(h, net.preactivations(points)[layer], atol=1e-13)
        moved = [(net.preactivations(points + e)[layer] - net.preactivations(points - e)[layer]) / 2e-6 for e in step]
        np.testing.assert_allclose(length, np.linalg.norm(moved, axis=0), rtol=1e-6, atol=1e-8)


def test_a_block_at_a_time_is_the_same(monkeypatch):
    net, data = random_network(2)
    whole = c.first_order_distances(net, data)
    monkeypatch.setattr(c, "CHUNK", 100)
    for one, other in zip(whole, c.first_order_distances(net, data)):
        np.testing.assert_allclose(one, other, rtol=1e-13)


def test_first_order_is_exact_in_layer_0():
    net, data = random_network(3, inputs=4)
    layer = net.layers[0]
    np.testing.assert_allclose(
        c.first_order_distances(net, data)[0], distances(data, layer.weight, layer.mu), rtol=1e-10
    )


def test_first_order_is_exact_for_a_small_ball():
    """Where the way to the foot of the perpendicular meets no fold: a root along the gradient, to round-off."""
    net, data = random_network(4, slope=0.1)
    checked = 0
    for x in data:
        for layer, near in enumerate(c.first_order_distances(net, x[None])):
            A, _ = net.affine_map(net.codes(x), layer)  # a unit's own slope does not turn its gradient
            for unit in np.flatnonzero(near[0] < 2e-2):
                reach, way = 1.01 * near[0, unit], A[unit] / np.linalg.norm(A[unit])
                earlier = net.codes(x + reach * np.array([[-1], [0], [1]]) * way)[:, : sum(net.widths[:layer])]
                if (earlier == earlier[1]).all():
                    root = brentq(_along(net, x, way, layer, unit), -reach, reach, xtol=1e-15)
                    assert abs(root) == pytest.approx(near[0, unit], rel=1e-8, abs=1e-13)
                    checked += 1
    assert checked > 20


def _along(net, x, way, layer, unit):
    return lambda s: net.preactivations(x + s * way)[layer][unit]


def test_sampling_never_finds_too_many_and_many_points_find_nearly_all():
    """In the plane with 20 000 points the half-detection distance is 0.998 radii: what is missed lies beyond that."""
    net, data = random_network(5, widths=(20,))
    rng, radius = np.random.default_rng(0), 0.3
    exact = c.first_order_counts(net, data[:20], radius)
    sampled = c.sampled_counts(net, data[:20], radius, 20_000, rng)
    assert (sampled <= exact).all()
    assert (sampled >= c.first_order_counts(net, data[:20], 0.98 * radius)).all()


@pytest.mark.parametrize("dimension", [1, 2, 3, 10, 100])
def test_points_are_uniform_in_the_ball(dimension):
    """|x|^n and a coordinate's law against SciPy's, by Kolmogorov and Smirnov at the level 1e-4."""
    x = c.ball_points(3000, dimension, np.random.default_rng(dimension))
    assert stats.kstest(np.linalg.norm(x, axis=1) ** dimension, "uniform").pvalue > 1e-4
    coordinate = stats.beta((dimension + 1) / 2, (dimension + 1) / 2, loc=-1, scale=2)
    assert stats.kstest(x[:, 0], coordinate.cdf).pvalue > 1e-4


@pytest.mark.parametrize("dimension, samples", [(2, 10), (10, 50), (100, 30)])
def test_detection_by_sampling(dimension, samples, measure):
    """4 000 clouds at three distances, within 4.5 binomial standard errors."""
    rng = np.random.default_rng([dimension, samples])
    half = c.half_detection_distance(dimension, samples)
    highest = np.array([c.ball_points(samples, dimension, rng)[:, 0].max() for _ in range(4000)])
    gaps = []
    for t in (0.7 * half, half, min(1.2 * half, 0.5 * (1 + half))):
        law = float(c.detection_probability(t, dimension, samples))
        gaps.append(abs(np.mean(highest > t) - law))
        assert gaps[-1] < 4.5 * math.sqrt(law * (1 - law) / 4000)
    measure("B22-fig3-sampling", max(gaps), 0.04)


@pytest.mark.parametrize("dimension, samples, value", [(2, 1000, 0.987), (100, 1000, 0.315), (3072, 1000, 0.058)])
def test_recall_by_a_fine_sum(dimension, samples, value):
    """The midpoint rule with 100 000 cells has an error far below 1e-6; the printed digits are the book's."""
    t = (np.arange(100_000) + 0.5) / 100_000
    fine = np.mean(c.detection_probability(t, dimension, samples))
    assert c.recall(dimension, samples) == pytest.approx(fine, abs=1e-6)
    assert round(fine, 3) == value


def test_half_detection_and_its_estimate():
    assert c.detection_probability(c.half_detection_distance(50, 200), 50, 200) == pytest.approx(0.5, abs=1e-10)
    gaps = [
        c.half_detection_estimate(n, 1000) / c.half_detection_distance(n, 1000) - 1 for n in (10, 100, 1000, 10_000)
    ]
    assert gaps == sorted(gaps, reverse=True) and gaps[0] > 0.1 and 0 < gaps[-1] < 1e-3


@pytest.mark.parametrize("dimension", [2, 3, 20])
def test_hits_of_isotropic_hyperplanes_through_the_mean(dimension, measure):
    """50 000 random rows, within 4.5 binomial standard errors; in the plane also the arcsine."""
    rng = np.random.default_rng(dimension)
    rows, mean = rng.standard_normal((50_000, dimension)), rng.standard_normal(dimension)
    for distance in (0.3, 1.0, 4.0):
        point = rng.standard_normal(dimension)
        point = mean + distance * point / np.linalg.norm(point)
        law = float(c.hit_probability(distance, 0.2, dimension))
        found = np.mean(distances([point], rows, rows @ mean) <= 0.2)
        measure("own-first-layer-focus", abs(found - law) / math.sqrt(law * (1 - law) / len(rows)), 4.5)
    if dimension == 2:
        assert c.hit_probability(2.0, 0.1, 2) == pytest.approx(2 / math.pi * math.asin(0.05), rel=1e-12)


@pytest.mark.parametrize("slope", [0.0, 0.1, 0.5, -1.0, 1.0])
def test_depth_rate_by_its_definition(slope):
    """E a'^2 / Var a of a standard Gaussian by Gauss-Legendre quadrature, split at the kink."""
    t, w = np.polynomial.legendre.leggauss(80)
    t, w = 5 * (t + 1), 5 * w * np.exp(-0.5 * (5 * (t + 1)) ** 2) / math.sqrt(2 * math.pi)
    gain = w.sum() * (1 + slope**2)
    mean, second = (1 - slope) * (w @ t), (1 + slope**2) * (w @ t**2)
    assert c.depth_rate(slope) == pytest.approx(math.sqrt(gain / (second - mean**2)), rel=1e-10)


@pytest.mark.parametrize("slope", [0.0, 0.1, 0.5, -1.0])
def test_depth_rate_in_wide_networks(slope, measure):
    """Growth of the root mean squared gradient of Gaussian data in 20 dimensions, width 400, from layer 2 to 6.

    The rate is a heuristic for Gaussian pre-activations: its tolerance is what is claimed of it, not a sampling error.
    """
    net, data = random_network(9, widths=(400,) * 7, slope=slope, inputs=20, points=400)
    lengths = c.levels_and_gradients(net, data[:100])[1]
    roots = [math.sqrt(np.mean(length**2)) for length in lengths]
    rate = (roots[6] / roots[2]) ** (1 / 4)
    gap = abs(rate / c.depth_rate(slope) - 1)
    measure("own-depth-rate", gap, 0.03)


def late_rate(data, slope):
    """The growth of the gradient from layer 3 to 8 over the law's, less one; width 256."""
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal((256, d)) for d in [2] + 7 * [256]]
    lengths = c.levels_and_gradients(Network.with_batch_norm(weights, data, slope), data[::4])[1]
    roots = [math.sqrt(np.mean(length**2)) for length in lengths]
    return (roots[7] / roots[2]) ** (1 / 5) / c.depth_rate(slope) - 1


def test_where_the_depth_rate_stops():
    """Two-dimensional data: a Gaussian cloud within 10 percent, a ring 15 to 25 and clusters 20 to 35 above at 0.5."""
    rng = np.random.default_rng(1)
    cloud = rng.standard_normal((400, 2))
    assert max(abs(late_rate(cloud, slope)) for slope in (0.0, 0.1, 0.5, -1.0)) < 0.1
    assert 0.15 < late_rate(shape("ring", 400), 0.5) < 0.25
    centres = np.repeat([[0, 0], [2, 0], [0, 2], [2, 2]], 100, axis=0)
    assert 0.2 < late_rate(centres + 0.1 * cloud, 0.5) < 0.35


def test_exact_counts_of_crossing_segments():
    cross = [np.array([[[-1.0, 0.0], [1.0, 0.0]]]), np.array([[[0.0, -1.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]]])]
    units, facets = c.exact_counts([*cross, np.empty((0, 2, 2))], [[0.0, 0.0], [0.5, 0.05], [3.0, 3.0]], 0.1)
    assert units.tolist() == [2, 1, 0] and facets.tolist() == [3, 1, 0]


def test_a_flat_unit_is_far_and_a_point_on_the_boundary_is_at_zero():
    dead = Network([AffineLayer([[1.0]], [-5.0]), AffineLayer([[1.0], [1.0]], [1.0, 0.0])])
    first, second = c.first_order_distances(dead, [[0.0], [5.0]])
    assert first.ravel().tolist() == [5.0, 0.0]
    assert second[0].tolist() == [np.inf, 0.0]  # the second unit is zero and flat: the point is on its boundary


@pytest.mark.parametrize("call, named", [
    (lambda: c.detection_probability(-0.1, 2, 10), "distance must be >= 0"),
    (lambda: c.detection_probability(0.1, 0, 10), "dimension must be a whole number >= 1"),
    (lambda: c.hit_probability(1.0, 0.1, 1), "dimension must be a whole number >= 2"),
    (lambda: c.hit_probability(1.0, 0.0, 2), "radius must be a finite number > 0"),
    (lambda: c.depth_rate(2.0), "slope must be a number in"),
    (lambda: c.ball_points(3, 2, None), "rng must be a numpy.random.Generator"),
    (lambda: c.first_order_counts(random_network(0)[0], [[0.0]], 0.1), "points must have axes"),
])  # fmt: skip
def test_bad_input_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call()
