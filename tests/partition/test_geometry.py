"""Distances, total least squares and the guaranteed crossing, each against a brute-force or numerical road."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.linalg import null_space
from scipy.optimize import linprog, minimize, minimize_scalar

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


def random_layer(seed, points=40, dimension=3, units=5):
    rng = np.random.default_rng(seed)
    mixing, shift = rng.standard_normal((dimension, dimension)), 3 * rng.standard_normal(dimension)
    return rng.standard_normal((points, dimension)) @ mixing + shift, rng.standard_normal((units, dimension))


def test_distance_is_the_shortest_way_onto_the_hyperplane():
    """Least squares over the hyperplane, written as a point and a basis of its directions: round-off only."""
    points, weight = random_layer(0)
    offset = np.arange(5.0)
    by_formula = distances(points, weight, offset)
    for unit, w in enumerate(weight):
        foot, basis = w * offset[unit] / (w @ w), null_space(w[None])
        for point, found in zip(points, by_formula[:, unit]):
            along = np.linalg.lstsq(basis, point - foot, rcond=None)[0]
            assert found == pytest.approx(np.linalg.norm(point - foot - basis @ along), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_mean_minimizes_total_least_squares(seed):
    """BFGS on eq (9) from elsewhere finds the mean; its gradient tolerance 1e-6 and curvature 2/|w|^2 leave 1e-5."""
    points, weight = random_layer(seed)
    mu, rho = best_offset(points, weight)
    found = minimize(lambda offset: total_least_squares(points, weight, offset), mu + 1.0, options={"gtol": 1e-7})
    assert np.abs(found.x - mu).max() < 1e-5
    assert found.fun == pytest.approx(np.sum(rho**2), rel=1e-10)


def test_the_parabola_is_the_mean_squared_distance():
    points, weight = random_layer(6)
    offset = np.linspace(-4, 4, 35).reshape(7, 5)
    direct = [mean_squared_distances(points, weight, row) for row in offset]
    np.testing.assert_allclose(tls_parabola(points, weight, offset), direct, rtol=1e-12)


def test_rho_does_not_know_the_length_of_a_row_nor_where_the_data_are():
    points, weight = random_layer(7)
    mu, rho = best_offset(points, weight)
    scaled = best_offset(points, weight * np.array([[2.0], [0.1], [5.0], [1.0], [7.0]]))
    np.testing.assert_allclose(scaled[1], rho, rtol=1e-12)
    moved = best_offset(points + [1, -2, 3], weight)
    np.testing.assert_allclose(moved[0], mu + weight @ [1, -2, 3], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(moved[1], rho, rtol=1e-12)


def test_the_nearest_of_all_hyperplanes_is_another_matter():
    """Two clusters, two parallel units: the sum is smallest with both in the middle, the union with one on each."""
    points, weight = np.array([[-1.0], [1.0]]), np.ones((2, 1))
    mu, _ = best_offset(points, weight)
    assert mu.tolist() == [0.0, 0.0] and union_squared_distance(points, weight, mu) == 1.0
    apart = np.array([-1.0, 1.0])
    assert union_squared_distance(points, weight, apart) == 0.0
    assert total_least_squares(points, weight, apart) == total_least_squares(points, weight, mu) + 2.0


def test_the_mean_minimum_over_directions_is_the_mean_variance():
    """Isotropic rows in R^D: the mean of rho^2 is tr S / D; within four standard errors of 4000 rows."""
    points, _ = random_layer(8)
    rows = np.random.default_rng(1).standard_normal((4000, 3))
    squares = best_offset(points, rows)[1] ** 2
    error = squares.std(ddof=1) / math.sqrt(len(squares))
    covariance = np.cov(points.T, bias=True)
    assert abs(squares.mean() - np.trace(covariance) / 3) < 4 * error
    smallest = np.linalg.eigvalsh(covariance)[0]
    assert squares.min() >= smallest * (1 - 1e-12)


def test_segment_distance_is_a_minimum_along_each_segment():
    """A bounded scalar minimization along each; it stops within 1e-9 of the place, where the distance is flat."""
    rng = np.random.default_rng(3)
    points, segments = rng.standard_normal((12, 2)), rng.standard_normal((7, 2, 2))
    segments[3, 1] = segments[3, 0]  # a segment that is a point

    def along(point, segment):
        best = minimize_scalar(
            lambda s: np.linalg.norm(point - segment[0] - s * (segment[1] - segment[0])),
            bounds=(0, 1), method="bounded", options={"xatol": 1e-10},
        )  # fmt: skip
        ends = np.linalg.norm(point - segment, axis=1)
        return min(best.fun, ends.min())

    brute = [min(along(point, segment) for segment in segments) for point in points]
    np.testing.assert_allclose(segment_distances(points, segments), brute, rtol=1e-8)
    assert np.isposinf(segment_distances(points, np.empty((0, 2, 2)))).all()


def smallest_gap_of_the_widest_split(points):
    """The largest, over all ways to split the points in two, of the smallest distance between the two sides."""
    between = np.linalg.norm(points[:, None] - points, axis=2)
    return max(
        between[np.ix_(side, ~side)].min()
        for bits in range(1, 2 ** (len(points) - 1))
        for side in [np.array([bool(bits >> i & 1) for i in range(len(points))])]
    )


@pytest.mark.parametrize("seed", range(4))
def test_the_longest_edge_of_the_tree_is_the_widest_split(seed):
    """All 255 splits of 9 points: no bound below half that edge could hold for every one of them."""
    points = np.random.default_rng(seed).standard_normal((9, 2))
    assert 2 * guaranteed_distance(points) == pytest.approx(smallest_gap_of_the_widest_split(points), rel=1e-13)


def test_the_tree_is_the_shortest_of_all_trees():
    """All 6^4 trees on 6 points by their Pruefer codes."""
    points = np.random.default_rng(5).standard_normal((6, 2))
    between = np.linalg.norm(points[:, None] - points, axis=2)
    pairs, lengths = spanning_tree(points)
    np.testing.assert_allclose(lengths, between[tuple(pairs.T)])
    shortest = min(sum(between[edge] for edge in tree(code)) for code in itertools.product(range(6), repeat=4))
    assert lengths.sum() == pytest.approx(shortest, rel=1e-13)


def tree(code):
    """The edges of the labelled tree that has this Pruefer code."""
    degree = [1 + code.count(i) for i in range(len(code) + 2)]
    for node in code:
        leaf = degree.index(1)
        yield leaf, node
        degree[leaf], degree[node] = 0, degree[node] - 1
    yield tuple(i for i, d in enumerate(degree) if d == 1)


@settings(max_examples=60, deadline=None)
@given(arrays(float, (7, 2), elements=st.integers(-4, 4).map(float)), st.integers(0, 2**16))
def test_no_normalized_unit_beats_the_bound(points, seed):
    """Random features of lattice points, duplicates included: a unit with some spread is within the bound."""
    rng = np.random.default_rng(seed)
    values = np.maximum(points @ rng.standard_normal((2, 6)) + rng.standard_normal(6), 0) @ rng.standard_normal((6, 9))
    values = values[:, values.std(axis=0) > 1e-9]
    if values.shape[1]:
        bounds = crossing_bound(points, values, values.mean(axis=0))
        assert (bounds <= guaranteed_distance(points) * (1 + 1e-12)).all()


def test_two_points_attain_the_bound():
    points = np.array([[0.0, 0.0], [3.0, 4.0]])
    mu, _ = best_offset(points, [[3.0, 4.0]])
    assert distances(points, [[3.0, 4.0]], mu).ravel() == pytest.approx([2.5, 2.5], rel=1e-14)
    assert guaranteed_distance(points) == 2.5


def test_points_that_coincide_have_no_edge():
    assert guaranteed_distance(np.ones((4, 2))) == 0.0
    assert len(spanning_tree(np.ones((4, 2)))[1]) == 0


def regions_by_linear_programs(weight, offset):
    """Codes whose open cell is not empty, by maximizing the smallest slack in a large box."""
    n, d = weight.shape
    count = bounded = 0
    for code in itertools.product((-1, 1), repeat=n):
        signs = np.array(code)[:, None]
        rows = np.hstack([-signs * weight, np.ones((n, 1))])
        limit = -(signs[:, 0] * offset)
        box = [(-1e4, 1e4)] * d
        cell = linprog([*np.zeros(d), -1], rows, limit, bounds=[*box, (None, 1)])
        if cell.x is not None and cell.x[-1] > 1e-9:
            count += 1
            bounded += _is_bounded(signs * weight)
    return count, bounded


def _is_bounded(inward):
    """No direction stays inside: the recession cone {x : inward x >= 0} is the origin alone."""
    d = inward.shape[1]
    for sign, axis in itertools.product((-1, 1), range(d)):
        goal = np.zeros(d)
        goal[axis] = sign
        if linprog(goal, -inward, np.zeros(len(inward)), bounds=[(-1, 1)] * d).fun < -1e-9:
            return False
    return True


@pytest.mark.parametrize("n, d", [(1, 1), (4, 1), (5, 2), (5, 3), (2, 3)])
def test_counts_of_regions_by_linear_programming(n, d):
    """Zaslavsky's counts for one random arrangement, generic and central (moved off the origin)."""
    rng = np.random.default_rng(10 * n + d)
    weight, centre = rng.standard_normal((n, d)), rng.standard_normal(d)
    count, bounded = regions_by_linear_programs(weight, rng.standard_normal(n))
    assert count == arrangement_regions(n, d) and bounded == bounded_regions(n, d)
    assert regions_by_linear_programs(weight, weight @ centre)[0] == arrangement_regions(n, d, central=True)


@pytest.mark.parametrize("call, named", [
    (lambda: distances([[1.0, 2.0]], [[0.0, 0.0]], [0.0]), "weight must have no zero row"),
    (lambda: distances([[1.0, 2.0]], [[1.0]], [0.0]), "weight must have axes"),
    (lambda: distances([[1.0, np.nan]], [[1.0, 0.0]], [0.0]), "points must be finite"),
    (lambda: tls_parabola([[1.0], [2.0]], [[1.0]], [1.0, 2.0]), "offset must be finite with axes"),
    (lambda: segment_distances([[1.0, 2.0]], [[[0.0, 0.0]]]), "segments must have axes"),
    (lambda: crossing_bound([[1.0]], [[1.0], [2.0]], [0.0]), "values must have axes"),
    (lambda: arrangement_regions(-1, 2), "hyperplanes must be a whole number >= 0; got -1"),
    (lambda: bounded_regions(3, 0), "dimension must be a whole number >= 1; got 0"),
])  # fmt: skip
def test_bad_input_is_named(call, named):
    with pytest.raises(ValueError, match=named.replace("(", r"\(")):
        call()
