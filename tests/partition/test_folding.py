"""What chapter 10 says about folds: theorem 2 and its limits, theorem 3 on exact partitions, figures 2 and 8."""

import numpy as np
import pytest

from bnlib.book.figures.partition.folding import OUT, TOY, compute_moves, compute_pulled_back
from bnlib.book.figures.partition.hyperplanes import CENTRE, box
from bnlib.partition import Network, folds, geometry, partition, shapes
from bnlib.partition.shapes import random_weights
from tests.partition.nets import SLOPES, star

WIDE = 50 * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def distances_by_offset(body, row, offsets, points):
    """Distances (points, offsets) in the input to the folded lines {<row, z> = offset}, within a wide square."""
    lines = body.with_decision(np.tile(row, (len(offsets), 1)), -offsets)
    segments = partition(lines, WIDE).segments
    last = len(lines.layers) - 1
    return np.stack([geometry.segment_distances(points, segments[last, k]) for k in range(len(offsets))], axis=1)


@pytest.mark.parametrize("slope", SLOPES)
def test_theorem_2_between_offsets_on_one_side(slope, measure):
    """Never farther, by the intermediate value theorem, which holds within the square as well; no tolerance but 1e-9.

    Across z(x) the order is often the other way: that is what the theorem's words leave out.
    """
    same, other, violations, breaks = 0, 0, 0, 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        points = star(rng, 12)
        body = Network.with_batch_norm(random_weights(rng, 2, *([5] if seed % 2 else [5, 4])), points, slope)
        row = rng.standard_normal(body.widths[-1])
        values = body.forward(points) @ row
        offsets = np.sort(rng.normal(values.mean(), 2 * values.std(), 10))
        far = distances_by_offset(body, row, offsets, points)
        for value, d in zip(values, far):
            for i in range(10):
                for j in range(10):
                    near, away = abs(value - offsets[i]), abs(value - offsets[j])
                    if not near < away:
                        continue
                    one_side = (offsets[i] - value) * (offsets[j] - value) > 0
                    wrong = not d[i] <= d[j] + 1e-9
                    same, other = same + one_side, other + (not one_side)
                    violations, breaks = violations + (wrong and one_side), breaks + (wrong and not one_side)
    assert same > 2500 and other > 1500
    measure("B22-theorem2", violations / same, 0)
    assert 0.05 < breaks / other < 0.5


def test_theorem_2_breaks_in_one_dimension():
    """Leaky ReLU of slope 0.1 at x = 0: mu = -0.5 is nearer than 1 in the layer, and pulled back to -5."""
    assert abs(0 - -0.5) < abs(0 - 1.0)
    assert abs(0 - -0.5 / 0.1) > abs(0 - 1.0 / 1)


def test_corollary_1_points_of_the_folded_line_are_sent_to_the_line(measure):
    """On F the layer's input lies on H; and F is straight within regions, so the middles of chords do as well."""
    for activation in ("ReLU", "leaky ReLU", "absolute value"):
        for tilt in (0, 60, 150):
            r = compute_pulled_back(activation, 0.5, tilt)
            points = np.concatenate([r["folded"].reshape(-1, 2), r["folded"].mean(axis=1)])
            below = Network.with_batch_norm([np.array([[1.0, 0.35], [-0.3, 1.0]])], r["points"], _slope(activation))
            measure("B22-corollary1", np.abs(below.forward(points) @ r["w"] - r["mu"]).max(), 1e-12)


def _slope(activation):
    return {"ReLU": 0.0, "leaky ReLU": 0.1, "absolute value": -1.0}[activation]


def test_folded_lines_bend_on_earlier_lines_only(measure):
    """B22 figure 8: every end of a chord is on a line of layer 0 or on the square's side."""
    rng = np.random.default_rng(3)
    points = star(rng)
    network = Network.with_batch_norm(random_weights(rng, 2, 6, 4), points, 0.1)
    square = box(points.mean(axis=0), 2.0)
    part = partition(network, square)
    ends = np.concatenate([part.segments[1, k].reshape(-1, 2) for k in range(4)])
    first = network.layers[0]
    to_lines = geometry.distances(ends, first.weight, first.mu).min(axis=1)
    to_sides = np.abs(np.abs(ends - points.mean(axis=0)) - 2.0).min(axis=1)
    assert 0 < (to_sides < 1e-12).sum() < len(ends)
    measure("B22-fig8", np.minimum(to_lines, to_sides).max(), 1e-11)


@pytest.mark.parametrize("slope", SLOPES)
def test_theorem_3_on_exact_partitions(slope, measure):
    """The angle between two chords of F that meet on a line of layer 0, against (26) from weights and deviations."""
    checked = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        points = star(rng)
        network = Network.with_batch_norm(random_weights(rng, 2, 6, 1), points, slope)
        first, last = network.layers
        ends = partition(network, WIDE).segments[1, 0]
        corners = ends.reshape(-1, 2)
        for unit in range(6):
            on = np.flatnonzero(geometry.distances(corners, first.weight[[unit]], first.mu[[unit]])[:, 0] < 1e-10)
            for i in on:
                for j in on:
                    if i // 2 >= j // 2 or np.hypot(*(corners[i] - corners[j])) > 1e-10:
                        continue
                    one, other = corners[i ^ 1] - corners[i], corners[j ^ 1] - corners[j]
                    measured = np.pi - folds.fold_angle(one, other)
                    slopes = np.where(first.preactivation(corners[i] + 1e-6 * one) > 0, 1.0, slope)
                    normals = folds.facet_normals(first.weight, first.sigma, last.weight[0], slopes, unit, slope)
                    short = min(np.hypot(*one), np.hypot(*other))
                    assert abs(measured - folds.fold_angle(*normals)) < 1e-12 / min(short, 1) + 1e-9
                    checked += 1
                    if short > 1e-2:
                        measure("B22-theorem3", abs(measured - folds.fold_angle(*normals)), 1e-10)
    assert checked >= 10


def test_means_translate_facets_and_deviations_turn_them(measure):
    """B22 figure 2: within the regions of layer 0, facets keep their direction when layer 1's mean moves, not when a
    deviation of layer 0 does."""
    points = shapes.shape("star", 40, CENTRE)
    network = Network.with_batch_norm([TOY, OUT], points, 0.1)
    normals = {}
    for varied in ("mean of layer 1", "deviation of layer 0"):
        for amount in (0.0, 1.0):
            segments = compute_moves(varied, amount, "star", "leaky ReLU")["folded"]
            along = segments[:, 1] - segments[:, 0]
            codes = network.up_to(0).codes(segments.mean(axis=1))
            normals[varied, amount] = {tuple(c): np.arctan2(a[1], a[0]) % np.pi for c, a in zip(codes.tolist(), along)}
    turns = {}
    for varied in ("mean of layer 1", "deviation of layer 0"):
        still, moved = normals[varied, 0.0], normals[varied, 1.0]
        common = set(still) & set(moved)
        assert len(common) >= 2
        turns[varied] = [abs(np.sin(still[c] - moved[c])) for c in common]
    measure("B22-fig2", max(turns["mean of layer 1"]), 1e-12)
    assert max(turns["deviation of layer 0"]) > 0.1


def test_angles_know_deviations_only_up_to_a_common_factor():
    """Large deviations do not fold less by themselves: all of them times t leaves every angle as it is."""
    rng = np.random.default_rng(8)
    W, sigma, row = rng.standard_normal((4, 2)), rng.uniform(0.5, 2, 4), rng.standard_normal(4)
    one = folds.facet_normals(W, sigma, row, np.ones(4), 2, 0.1)
    other = folds.facet_normals(W, 100 * sigma, row, np.ones(4), 2, 0.1)
    assert folds.fold_angle(*one) == pytest.approx(folds.fold_angle(*other), rel=1e-12)
    alone = sigma * np.where(np.arange(4) == 2, 100, 1)
    assert folds.fold_angle(*folds.facet_normals(W, alone, row, np.ones(4), 2, 0.1)) < 0.1 * folds.fold_angle(*one)


def test_a_relu_boundary_can_be_empty_or_in_two_pieces():
    """Examples that the chapter names: |x| - 1 has two pieces, and ReLU + 1 has none."""
    two = Network.with_bias([[[1.0, 0.0], [-1.0, 0.0]], [[1.0, 1.0]]], [np.zeros(2), [-0.5]])
    assert len(partition(two, box((0, 0), 1.0)).segments[1, 0]) == 2
    none = Network.with_bias([[[1.0, 0.0]], [[1.0]]], [np.zeros(1), [1.0]])
    assert len(partition(none, box((0, 0), 1.0)).segments[1, 0]) == 0
