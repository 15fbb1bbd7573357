"""Lines that are not in general position are named, and bad polygons refused."""

import numpy as np
import pytest

from bnlib.partition import AffineLayer, Network, Plane, count_regions, partition
from bnlib.partition.degenerate import KINDS
from bnlib.partition.shapes import random_weights
from tests.partition.nets import BOX, check_mesh, star


def cases(network, polygon=BOX, **how):
    """{(kind, layer, units): cells} of a partition."""
    found = partition(network, polygon, **how).degenerate
    assert all(case.kind in KINDS for case in found)
    return {(case.kind, case.layer, case.units): case.cells for case in found}


def one_layer(rows, offsets, slope=0.0):
    return Network([AffineLayer(rows, offsets)], slope)


BOTH_WAYS = pytest.mark.parametrize("how", [{}, {"one_by_one": True}], ids=["at once", "one by one"])


@BOTH_WAYS
def test_three_lines_through_a_point(how):
    network = one_layer([[1, 0], [0, 1], [1, 1], [1, -0.3]], [-0.25, -0.5, -0.75, 0.0])
    assert cases(network, **how) == {("concurrent", 0, (0, 1, 2)): 0}
    (case,) = partition(network, BOX, **how).degenerate
    np.testing.assert_allclose(case.points, [[0.25, 0.5]], atol=1e-15)
    assert len(partition(network, BOX, **how)) == 1 + 4 + 6 - 1


@BOTH_WAYS
def test_two_lines_that_meet_on_an_edge(how):
    """A point of the polygon's side, or of an earlier layer's line, is where three lines meet."""
    on_the_side = one_layer([[1, 1], [1, -1]], [-1.0, -1.0])
    assert cases(on_the_side, **how) == {("concurrent", 0, (0, 1)): 0}
    assert len(partition(on_the_side, BOX, **how)) == 3
    before = AffineLayer([[1.0, 0.0], [0.0, 1.0]], [2.0, 2.0])  # both on everywhere: layer 1 sees x + 2 and y + 2
    network = Network(
        [AffineLayer([[1, 0], [0, 1], [1, 0]], [2.0, 2.0, 0.0]), AffineLayer([[1, 1, 0], [1, -1, 0]], [-4, 0])]
    )
    assert len(before.weight) == 2 and ("concurrent", 1, (0, 1)) in cases(network, **how)
    assert len(partition(network, BOX, **how)) == 6


@BOTH_WAYS
def test_duplicate_and_parallel_units(how):
    rows, offsets = [[1, 2], [2, 4], [-1, -2], [1, 2], [0, 1]], [0.1, 0.2, -0.1, 0.7, 0.3]
    network = one_layer(rows, offsets)
    found = cases(network, **how)
    assert found[("duplicate", 0, (0, 1, 2))] == 1
    assert ("parallel", 0, (0, 3)) in found and len(found) == 2  # of the duplicates one stands for all
    part = partition(network, BOX, **how)
    assert len(part) == 3 * 2
    assert all(len(part.segments[0, unit]) == 1 for unit in range(5))
    np.testing.assert_array_equal(part.codes[:, 0], part.codes[:, 1])
    np.testing.assert_array_equal(part.codes[:, 0], ~part.codes[:, 2])


@BOTH_WAYS
def test_duplicate_of_an_earlier_unit_lies_on_an_edge(how):
    """Layer 1 repeats the zero of a layer 0 unit of an absolute value: it touches it from both sides."""
    network = Network([AffineLayer([[1.0, 0.0]], [0.0]), AffineLayer([[1.0]], [0.0])], -1.0)
    assert cases(network, **how) == {("edge", 1, (0,)): 2}
    assert partition(network, BOX, **how).codes.astype(int).tolist() in ([[0, 1], [1, 1]], [[1, 1], [0, 1]])


@BOTH_WAYS
def test_flat_unit(how):
    """Left of the line the ReLU is dead, and layer 1 without bias is zero on half of the box: bit 0 there."""
    network = Network([AffineLayer([[1.0, 0.0]], [0.0]), AffineLayer([[1.0], [-1.0]], [0.0, 0.0])])
    found = cases(network, **how)
    assert found[("flat", 1, (0,))] == found[("flat", 1, (1,))] == 1
    part = partition(network, BOX, **how)
    assert sorted(part.codes.astype(int).tolist()) == [[0, 0, 0], [1, 1, 0]]
    assert len(part.segments[1, 0]) == 0


@BOTH_WAYS
def test_empty_folded_hyperplane(how):
    network = Network([AffineLayer([[1.0, 0.0]], [0.0]), AffineLayer([[1.0]], [1.0])])
    assert cases(network, **how) == {("empty", 1, (0,)): 0}
    touching = one_layer([[1, 1]], [-2.0])  # meets the box in a corner only
    assert set(cases(touching, **how)) == {("vertex", 0, (0,)), ("empty", 0, (0,))}
    along = one_layer([[1, 0]], [-1.0])  # lies along a side of it
    assert cases(along, **how) == {("edge", 0, (0,)): 1}
    assert len(partition(along, BOX, **how)) == 1


@BOTH_WAYS
def test_line_through_an_existing_vertex(how):
    diagonal = one_layer([[1, -1]], [0.0])
    (case,) = partition(diagonal, BOX, **how).degenerate
    assert case.kind == "vertex" and sorted(case.points.tolist()) == [[-1.0, -1.0], [1.0, 1.0]]
    assert len(partition(diagonal, BOX, **how)) == 2


def test_zero_bias_is_a_cone_at_the_origin():
    """All zeros of all layers pass through the origin, whatever the data: regions are cones, unchanged by scaling."""
    rng = np.random.default_rng(2)
    network = Network.with_bias(random_weights(rng, 2, 6, 6))
    part = partition(network, BOX)
    assert {case.kind for case in part.degenerate} <= {"concurrent", "vertex", "flat", "edge", "empty", "parallel"}
    assert any(case.units == tuple(range(6)) for case in part.degenerate if case.kind == "concurrent")
    touching = [(np.abs(corners).max(axis=1) < 1e-15).any() for corners in part.regions]
    assert all(touching)
    other = partition(network, 7.5 * np.array(BOX))
    order, same = np.lexsort(part.codes.T), np.lexsort(other.codes.T)
    np.testing.assert_array_equal(part.codes[order], other.codes[same])
    np.testing.assert_allclose(7.5**2 * part.areas[order], other.areas[same], rtol=1e-9, atol=1e-12)


def test_nearly_degenerate_networks_stay_partitions():
    """Lines apart by 1e-7 to 1e-16: whatever counts as one line, the cells tile the box and their codes differ."""
    rng = np.random.default_rng(3)
    for noise in 10.0 ** -np.arange(7, 17):
        layers = []
        for d, n in [(2, 7), (7, 5)]:
            W = rng.integers(-1, 2, (n, d)) + noise * rng.standard_normal((n, d))
            layers.append(AffineLayer(W, rng.integers(0, 2, n) + noise * rng.standard_normal(n)))
        for slope in (0.0, -1.0):
            part = partition(Network(layers, slope), BOX)
            check_mesh(part.mesh, 4.0)
            assert len(np.unique(part.codes, axis=0)) == len(part) == count_regions(Network(layers, slope), BOX)


def test_clockwise_polygon_is_turned_round():
    network = Network.with_batch_norm(random_weights(np.random.default_rng(1), 2, 5), star(np.random.default_rng(1)))
    one, other = partition(network, BOX), partition(network, BOX[::-1])
    assert len(one) == len(other) and other.areas.min() > 0


NET = Network([AffineLayer(np.eye(2), 0.0)])
STAR = [[np.cos(4 * np.pi * k / 5), np.sin(4 * np.pi * k / 5)] for k in range(5)]
BAD = {
    "not convex": (lambda: partition(NET, [[0, 0], [2, 0], [0.5, 0.5], [0, 2]]), "polygon must be convex"),
    "winding twice": (lambda: partition(NET, STAR), "wind once"),
    "bow tie": (lambda: partition(NET, [[0, 0], [1, 1], [1, 0], [0, 1]]), "polygon must"),
    "no area": (lambda: partition(NET, [[0, 0], [1, 1], [2, 2]]), "polygon must"),
    "two corners": (lambda: partition(NET, [[0, 0], [1, 1]]), "at least 3 corners"),
    "corner twice": (lambda: partition(NET, [[0, 0], [0, 0], [1, 0], [0, 1]]), "no repeated corner"),
    "NaN corner": (lambda: partition(NET, [[0, 0], [np.nan, 0], [1, 1]]), "polygon must be finite"),
    "corners in space": (lambda: partition(NET, np.eye(3)), "polygon must have axes"),
    "not a network": (lambda: partition([NET], BOX), "network must be a Network"),
    "three inputs": (lambda: count_regions(Network([AffineLayer(np.eye(3), 0.0)]), BOX), "network must have 2 inputs"),
    "another space": (lambda: partition(NET, BOX, Plane.through(np.eye(3))), "plane must lie in a space of 2"),
    "points on a line": (lambda: Plane.through([[0, 0, 0], [1, 1, 1], [2, 2, 2]]), "points must not lie on one line"),
    "two points": (lambda: Plane.through(np.eye(2)), "points must have axes"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(name):
    make, says = BAD[name]
    with pytest.raises(ValueError, match=says):
        make()
