"""What chapter 9 says about layers: the paper's figures 1 and 9, and what total least squares does not promise."""

import numpy as np
import pytest

from bnlib.book.figures.partition.hyperplanes import box
from bnlib.book.figures.partition.hyperplanes_deep import compute_fit, compute_layers
from bnlib.partition import AffineLayer, BatchNormLayer, Network, geometry, partition, shapes
from bnlib.partition.shapes import random_weights
from tests.partition.nets import BOX, SLOPES, crossings, random_network, star


def input_cost(network, layer, unit, offsets, points, polygon):
    """Mean squared distance in the input from points to a unit's folded hyperplane, for each of several offsets."""
    body, last = network.layers[:layer], network.layers[layer]
    if not body:
        return geometry.tls_parabola(points, last.weight[[unit]], np.reshape(offsets, (-1, 1)))[:, 0]
    lines = Network(body, network.slope).with_decision(np.tile(last.weight[unit], (len(offsets), 1)), -offsets)
    segments = partition(lines, polygon).segments
    far = [geometry.segment_distances(points, segments[layer, k]) for k in range(len(offsets))]
    return np.mean(np.square(far), axis=1)


def test_batch_normalization_is_best_in_the_layer_s_space_not_in_the_input(measure):
    """B22 section 1 says for the layer's and the network's inputs; the second is not so: the least cost is lower.

    The grid has 41 offsets within one deviation, so that the best of them costs at least the true minimum.
    """
    ratios, moves = [], []
    steps = np.linspace(-1, 1, 41)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        points = star(rng)
        network = Network.with_batch_norm(random_weights(rng, 2, 6, 1), points, SLOPES[seed % 3])
        last = network.layers[1]
        cost = input_cost(network, 1, 0, last.mu[0] + steps * last.sigma[0], points, box(points.mean(axis=0), 10.0))
        ratios.append(cost[20] / cost.min())
        moves.append(abs(steps[cost.argmin()]))
    measure("B22-tls-input", 1 / np.median(ratios), 0.999)
    assert max(ratios) > 1.05 and np.median(moves) >= 0.05


@pytest.mark.parametrize("slope", SLOPES)
def test_deviation_over_length_is_the_distance_in_the_layer_s_space(slope, measure):
    """B22 (8) at the batch's own means, at every depth."""
    rng = np.random.default_rng(4)
    points = star(rng)
    network = Network.with_batch_norm(random_weights(rng, 2, 9, 8, 7), points, slope)
    for layer, z in zip(network.layers, network.layer_inputs(points)):
        rho = layer.sigma / np.linalg.norm(layer.weight, axis=1)
        measured = geometry.mean_squared_distances(z, layer.weight, layer.mu)
        measure("B22-eq8", np.abs(rho**2 / measured - 1).max(), 1e-12)


def test_deviation_tells_the_fit_in_the_input_roughly(measure):
    """B22 figure 9: exactly in layer 0; in layers 1 and 2 there is a link, and a weak one.

    One correlation for each of layers 1 and 2, four draws and three activations. Each of the 24 correlations of 12
    units has an error of about 0.28, their mean one of 0.06: a mean of 0.3 would be five errors from none. The digits
    are the chapter's.
    """
    links = {}
    for activation in ("ReLU", "leaky ReLU", "absolute value"):
        for draw in (1, 2, 3, 4):
            r = compute_fit("star", activation, 12, draw)
            np.testing.assert_allclose(r["folded"][0], r["rho"][0], rtol=1e-9)
            own = [np.corrcoef(np.log(r["folded"][k]), np.log(r["rho"][k]))[0, 1] for k in (1, 2)]
            links.setdefault(activation, []).extend(own)
    every = np.array(list(links.values()))
    measure("B22-fig9", 1 - np.mean(every), 0.7)
    np.testing.assert_allclose(every.mean(axis=1), [0.50, 0.56, 0.35], atol=0.006)
    np.testing.assert_allclose([every.min(), every.max()], [-0.39, 0.84], atol=0.006)


def test_layers_with_and_without(measure):
    """B22 figure 1, 20 draws: 2n regions after layer 0, and always more regions than without after layers 2 and 3.

    Without, lines miss the square: 6 to 16 regions after layer 0, fewer than 10 in four draws, as the chapter says.
    """
    wins, ratios, first = [], [], []
    for draw in range(1, 21):
        r = compute_layers("leaky ReLU", 5, 1.0, draw)
        with_, without = r["regions"]["with"], r["regions"]["without"]
        assert with_[0] == 10 and without[0] <= 1 + 5 + 10
        wins.append([a > b for a, b in zip(with_, without)])
        ratios.append(with_[3] / without[3])
        first.append(without[0])
    measure("B22-fig1", 1 / np.median(ratios), 0.5)
    assert np.sum(wins, axis=0).tolist() == [4, 19, 20, 20]
    assert (min(first), max(first), np.sum(np.array(first) < 10)) == (6, 16, 4)


def test_boundary_is_where_codes_change():
    """B22 (6), (10) and (11): along paths, bits change exactly where their units' segments are crossed."""
    rng = np.random.default_rng(6)
    network = Network.with_batch_norm(random_weights(rng, 2, 5, 4), star(rng), 0.1)
    part = partition(network, BOX)
    paths = rng.uniform(-1, 1, (300, 2, 2))
    codes = network.codes(paths)
    for unit, key in enumerate([(0, k) for k in range(5)] + [(1, k) for k in range(4)]):
        crossed = np.array([crossings(part.segments[key], *path) for path in paths])
        np.testing.assert_array_equal(crossed % 2 == 1, codes[:, 0, unit] != codes[:, 1, unit])


def test_distance_to_a_folded_hyperplane_is_that_of_the_first_sign_change():
    """B22 (12): within the distance no sign changes, and at the nearest point the unit is zero."""
    rng = np.random.default_rng(7)
    points = star(rng)
    network = Network.with_batch_norm(random_weights(rng, 2, 6, 3), points)
    part = partition(network, 4 * np.array(BOX))
    for unit in range(3):
        far = geometry.segment_distances(points, part.segments[1, unit])
        turn = rng.uniform(0, 2 * np.pi, (50, 400))
        inside = 0.999 * far[:, None, None] * np.stack([np.cos(turn), np.sin(turn)], axis=2)
        signs = network.preactivations(points[:, None] + inside)[1][..., unit] > 0
        own = network.preactivations(points)[1][:, unit] > 0
        np.testing.assert_array_equal(signs, np.repeat(own[:, None], 400, axis=1))
        for x, d in zip(points, far):
            angle = np.linspace(0, 2 * np.pi, 20001)
            ring = x + 1.0001 * d * np.stack([np.cos(angle), np.sin(angle)], axis=1)
            assert len(set(network.preactivations(ring)[1][:, unit] > 0)) == 2  # just beyond it, both signs


def test_activation_regions_can_share_one_map():
    """Regions of one code each are not maximal: a dead unit's line separates regions that have the same affine map."""
    network = Network([AffineLayer([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), AffineLayer([[0.0, 1.0]], [0.0])])
    part = partition(network, BOX)
    A, b = part.maps
    assert len(part) == 4 and len(np.unique(np.column_stack([A.reshape(4, -1), b]), axis=0)) == 2


def test_weights_of_any_length_and_data_anywhere():
    """Means move the hyperplanes to the data wherever these are: the common point of layer 0 is their mean."""
    rng = np.random.default_rng(9)
    for place in ((0.0, 0.0), (100.0, -40.0)):
        data = star(rng, centre=place)
        layer = Network.with_batch_norm(random_weights(rng, 2, 20), data).layers[0]
        assert isinstance(layer, BatchNormLayer)
        assert geometry.distances(data.mean(axis=0)[None], layer.weight, layer.mu).max() < 1e-13 * (
            1 + np.hypot(*place)
        )


def test_zero_bias_and_random_bias_do_not_follow_the_data():
    """Moved by 3, a star has no line of a zero-bias layer among its points; the normalized layer moves with it."""
    points = shapes.shape("star", 40, (3.0, 0.0))
    rng = np.random.default_rng(10)
    weights = random_weights(rng, 2, 8)
    lines = random_network(rng, 2, 8).layers[0]
    normalized = Network.with_batch_norm(weights, points).layers[0]
    for layer, offset, near in ((normalized, normalized.mu, True), (lines, -lines.bias, False)):
        far = np.sqrt(geometry.mean_squared_distances(points, layer.weight, offset))
        assert (far.max() < 1) == near
