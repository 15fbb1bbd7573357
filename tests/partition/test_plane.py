"""The exact partition against rational clipping, counts known beforehand, forward passes, and linear programming."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from bnlib.partition import AffineLayer, Network, Plane, count_regions, partition
from bnlib.partition.shapes import random_weights
from tests.partition.exact import exact_partition, length
from tests.partition.nets import BOX, SLOPES, check_mesh, crossings, interior_points, random_network, star


def compare(network, polygon=BOX, **how):
    """All of a partition against the rational one: codes, areas, maps, counts by layer, and segments."""
    part, (cells, chords, counts) = partition(network, polygon, **how), exact_partition(network, polygon)
    expected = {cell.code: cell for cell in cells}
    codes = [tuple(code) for code in part.codes.astype(int).tolist()]
    assert sorted(codes) == sorted(expected)
    assert part.regions_up_to_layer == counts and count_regions(network, polygon) == len(part) == len(cells)
    areas = [float(expected[code].area) for code in codes]
    np.testing.assert_allclose(part.areas, areas, atol=1e-13 * sum(areas), rtol=1e-9)
    A, b = part.maps
    np.testing.assert_allclose(A, np.array([expected[c].rows for c in codes], float), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(b, np.array([expected[c].offsets for c in codes], float), rtol=1e-12, atol=1e-12)
    for key, exact in chords.items():
        found = part.segments[key]
        lengths = np.sort(np.hypot(*(found[:, 0] - found[:, 1]).T))
        np.testing.assert_allclose(lengths, sorted(map(length, exact)), atol=1e-9)  # near-zero lengths lose half
    check_mesh(part.mesh, sum(areas))
    return part


@pytest.mark.parametrize("slope", SLOPES)
@pytest.mark.parametrize("widths", [(2, 5), (2, 4, 3), (2, 3, 3, 3)], ids=str)
def test_random_networks_are_those_of_rational_arithmetic(widths, slope):
    for seed in range(3):
        network = random_network(np.random.default_rng(seed), *widths, slope=slope)
        compare(network)
        compare(network, one_by_one=True)


@pytest.mark.parametrize("slope", SLOPES)
def test_batch_normalized_networks_are_those_of_rational_arithmetic(slope):
    """Two lines in layer 0, for three that meet at one rounded point do not meet in rational arithmetic."""
    rng = np.random.default_rng(1)
    compare(Network.with_batch_norm(random_weights(rng, 2, 2, 4, 3), star(rng), slope, beta=[0.0, 0.1, 0.1]))


small = st.integers(-2, 2).map(float)


@st.composite
def whole_networks(draw):
    """Networks of small whole numbers: duplicate, parallel and concurrent units, flat cells and empty zeros abound."""
    widths = [2, *draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))]
    layers = []
    for d, n in zip(widths, widths[1:]):
        row = st.lists(small, min_size=d, max_size=d).filter(any)
        layers.append(AffineLayer(draw(st.lists(row, min_size=n, max_size=n)),
                                  draw(st.lists(small, min_size=n, max_size=n))))  # fmt: skip
    return Network(layers, draw(st.sampled_from([0.0, 0.5, -1.0, -0.5, 1.0])))


@settings(max_examples=120, deadline=None, derandomize=True)
@given(whole_networks(), st.sampled_from([BOX, [[-2, -1], [2, -1], [0, 3]], [[-2, -2], [0, -2], [2, -2], [2, 2]]]))
def test_degenerate_networks_are_those_of_rational_arithmetic(network, polygon):
    compare(network, polygon)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(whole_networks())
def test_degenerate_networks_one_unit_after_the_other(network):
    compare(network, one_by_one=True)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 12), min_size=1, max_size=3), st.sampled_from(SLOPES))
def test_all_at_once_is_one_by_one(seed, widths, slope):
    rng = np.random.default_rng(seed)
    data = star(rng)
    weights = random_weights(rng, 2, *widths)
    for network in (Network.with_batch_norm(weights, data, slope), Network.with_bias(weights, None, slope)):
        one, other = partition(network, BOX), partition(network, BOX, one_by_one=True)
        order, same = np.lexsort(one.codes.T), np.lexsort(other.codes.T)
        np.testing.assert_array_equal(one.codes[order], other.codes[same])
        np.testing.assert_allclose(one.areas[order], other.areas[same], atol=1e-10)  # merged vertices: 1e-11 of the box
        assert count_regions(network, BOX) == len(one)
        check_mesh(one.mesh, 4.0)


@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_lines_in_general_position_make_zaslavsky_s_count(n):
    """1 + n + n (n - 1) / 2 if the polygon holds all crossings: lines tangent to a small circle in a large box."""
    angle = np.random.default_rng(n).uniform(0, 2 * np.pi, n)
    lines = AffineLayer(np.stack([np.cos(angle), np.sin(angle)], axis=1), np.full(n, -0.1))
    box = 1e4 * np.array(BOX)
    assert len(partition(Network([lines]), box)) == 1 + n + n * (n - 1) // 2 == count_regions(Network([lines]), box)


@pytest.mark.parametrize("n", [2, 8, 64, 512])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_batch_normalized_layer_makes_2n_regions(n, seed):
    """B22 corollary 2: all lines meet at the mean of the data, so that n of them make 2n regions and no slivers."""
    rng = np.random.default_rng(seed)
    data = star(rng)
    network = Network.with_batch_norm(random_weights(rng, 2, n), data)
    part = partition(network, BOX)

    assert len(part) == 2 * n == count_regions(network, BOX)
    if n > 2:
        (case,) = [case for case in part.degenerate if case.kind == "concurrent"]
        assert len(case.units) == n
        np.testing.assert_allclose(case.points[0], data.mean(axis=0), atol=1e-12)


def test_rational_arithmetic_on_rounded_means_sees_slivers():
    """Why merging is needed: the means are rounded, so that exactly computed, eight lines miss one another by 1e-17."""
    rng = np.random.default_rng(0)
    network = Network.with_batch_norm(random_weights(rng, 2, 8), star(rng))
    cells = exact_partition(network, BOX)[0]
    assert len(cells) > 16 == len(partition(network, BOX))
    assert sum(sorted(float(cell.area) for cell in cells)[:-16]) < 1e-25


def test_folds_of_absolute_values_double_in_every_layer():
    """x -> |x| - 1/2 halves the square's two axes again and again: 4, 16, 64 regions."""
    layers = [AffineLayer(np.eye(2), [0.0, 0.0])] + [AffineLayer(np.eye(2), [-(0.5**k)] * 2) for k in (1, 2)]
    assert partition(Network(layers, -1.0), BOX).regions_up_to_layer == [4, 16, 64]


def test_a_grid_of_parallel_lines():
    layer = AffineLayer([[1.0, 0.0]] * 4 + [[0.0, 1.0]] * 3, [0.1, 0.3, 0.5, -0.2, 0.0, 0.25, -0.5])
    part = partition(Network([layer]), BOX)
    assert len(part) == 5 * 4
    assert {case.units for case in part.degenerate if case.kind == "parallel"} == {(0, 1, 2, 3), (4, 5, 6)}


@pytest.mark.parametrize("slope", SLOPES)
def test_forward_pass_at_random_interior_points(slope):
    rng = np.random.default_rng(7)
    data = star(rng)
    network = Network.with_batch_norm(random_weights(rng, 2, 16, 16, 16), data, slope).with_decision(np.ones((1, 16)))
    part = partition(network, BOX)
    check_mesh(part.mesh, 4.0)
    large = np.flatnonzero(part.areas > 1e-9)  # in smaller regions a point is too near a boundary for round-off
    x = interior_points(rng, part)[large]
    np.testing.assert_array_equal(network.codes(x), part.codes[large])
    A, b = part.maps
    np.testing.assert_allclose(np.einsum("rij,rj->ri", A[large], x) + b[large], network.forward(x), atol=1e-10)
    assert len(np.unique(part.codes, axis=0)) == len(part)


def feasible(network, code):
    """Whether a code has an open region in the box, by linear programming: the largest margin, at most 1."""
    rows, limits, first = [], [], 0
    for index, layer in enumerate(network.layers):
        W, c = layer.affine()
        A, b = network.affine_map(code, index - 1) if index else (np.eye(2), np.zeros(2))
        sign = np.where(np.array(code[first : first + len(W)]), -1.0, 1.0)
        rows.append(np.column_stack([sign[:, None] * (W @ A), np.ones(len(W))]))
        limits.append(-sign * (W @ b + c))
        first += len(W)
    answer = linprog([0, 0, -1], np.concatenate(rows), np.concatenate(limits), bounds=[(-1, 1), (-1, 1), (None, 1)])
    return answer.status == 0 and answer.x[2] > 1e-9


@pytest.mark.parametrize("slope", SLOPES)
def test_codes_are_those_that_linear_programming_finds(slope):
    network = random_network(np.random.default_rng(3), 2, 4, 3, slope=slope)
    found = {code for code in itertools.product((0, 1), repeat=7) if feasible(network, code)}
    assert found == {tuple(code) for code in partition(network, BOX).codes.astype(int).tolist()}


def test_decision_boundary_is_where_the_output_is_zero():
    rng = np.random.default_rng(5)
    body = random_network(rng, 2, 8, 8)
    network = body.with_decision(rng.standard_normal((1, 8)), 0.1)
    part, plain = partition(network, BOX), partition(body, BOX)
    assert len(part) == len(plain) == count_regions(network, BOX) and part.codes.shape[1] == 16
    ends = part.segments[2, 0]
    assert len(ends) > 5
    np.testing.assert_allclose(network.forward(ends), 0, atol=1e-12)
    # As a fourth layer with an activation the same unit would split exactly the regions that it crosses.
    split = Network([*body.layers, AffineLayer(network.layers[-1].weight, [0.1])])
    assert len(partition(split, BOX)) == len(part) + len(ends)
    x = rng.uniform(-1, 1, (400, 2))
    signs = np.sign(network.forward(x)[:, 0])
    crossed = np.array([crossings(ends, x[i], x[i + 1]) for i in range(399)])
    assert ((signs[1:] * signs[:-1] < 0) == (crossed % 2 == 1)).all()  # paths change sign at the boundary only


def test_segments_lie_across_their_unit_s_gradient_in_their_cells():
    rng = np.random.default_rng(9)
    network = Network.with_batch_norm(random_weights(rng, 2, 7, 6), star(rng), 0.1).with_decision(np.ones((1, 6)))
    part = partition(network, BOX)
    for (layer, unit), segments in part.segments.items():
        codes = part.segment_codes[layer, unit]
        assert codes.shape == (len(segments), sum(network.widths[:layer]))
        assert len(np.unique(codes, axis=0)) == len(segments)  # one chord a cell
        W, _ = network.layers[layer].affine()
        A = network.affine_map(codes, layer - 1)[0] if layer else np.tile(np.eye(2), (len(segments), 1, 1))
        along = segments[:, 1] - segments[:, 0]
        np.testing.assert_allclose(np.einsum("d,sde,se->s", W[unit], A, along), 0, atol=1e-12)


def test_slice_of_a_space_of_more_inputs():
    rng = np.random.default_rng(8)
    data = rng.standard_normal((60, 5))
    network = Network.with_batch_norm(random_weights(rng, 5, 9, 7), data, 0.1)
    plane = Plane.through(data[:3])
    np.testing.assert_allclose(plane.basis @ plane.basis.T, np.eye(2), atol=1e-14)
    xy = plane.coordinates(data[:3])
    np.testing.assert_allclose(plane.inputs(xy), data[:3], atol=1e-14)
    part = partition(network, 3 * np.array(BOX), plane)
    x = plane.inputs(interior_points(rng, part))
    large = part.areas > 1e-9
    np.testing.assert_array_equal(network.codes(x)[large], part.codes[large])
    W, c = network.layers[0].affine()
    plain = Network([AffineLayer(W @ plane.basis.T, W @ plane.origin + c), network.layers[1]], 0.1)
    assert len(partition(plain, 3 * np.array(BOX))) == len(part) == count_regions(network, 3 * np.array(BOX), plane)
