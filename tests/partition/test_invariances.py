"""What must not change a partition, or change it in a known way (B22 proposition 1 among them)."""

import numpy as np
import pytest

from bnlib.partition import AffineLayer, BatchNormLayer, Network, partition
from bnlib.partition.shapes import random_weights
from tests.partition.nets import BOX, SLOPES, star


def same(one, other, scale=1.0, atol=1e-11):
    """The same codes with the same areas, times ``scale``."""
    order, other_order = np.lexsort(one.codes.T), np.lexsort(other.codes.T)
    np.testing.assert_array_equal(one.codes[order], other.codes[other_order])
    np.testing.assert_allclose(scale * one.areas[order], other.areas[other_order], atol=atol * scale, rtol=1e-7)


@pytest.fixture(params=SLOPES)
def setting(request):
    """A generator, weights for three layers, data away from the origin, and a slope."""
    rng = np.random.default_rng(11)
    return rng, random_weights(rng, 2, 7, 6, 5), star(rng), request.param


def test_row_scaling_changes_nothing(setting):
    rng, weights, data, slope = setting
    network = Network.with_batch_norm(weights, data, slope)
    powers = [2.0 ** rng.integers(-3, 4, len(W)) for W in weights]
    scaled = Network([BatchNormLayer(c[:, None] * layer.weight, c * layer.mu, c * layer.sigma)
                      for c, layer in zip(powers, network.layers)], slope)  # fmt: skip
    one, other = partition(network, BOX), partition(scaled, BOX)
    np.testing.assert_array_equal(one.mesh.points, other.mesh.points)  # powers of two round nothing
    np.testing.assert_array_equal(one.codes, other.codes)
    any_scale = [rng.uniform(0.1, 10, (len(W), 1)) * W for W in weights]
    same(one, partition(Network.with_batch_norm(any_scale, data, slope), BOX))


def test_translation_with_the_data(setting):
    _, weights, data, slope = setting
    shift = np.array([5.0, -3.0])
    one = partition(Network.with_batch_norm(weights, data, slope), BOX)
    same(one, partition(Network.with_batch_norm(weights, data + shift, slope), np.array(BOX) + shift))


def test_rotation_with_the_data(setting):
    _, weights, data, slope = setting
    turn = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    one = partition(Network.with_batch_norm(weights, data, slope), BOX)
    turned = [weights[0] @ turn.T, *weights[1:]]
    same(one, partition(Network.with_batch_norm(turned, data @ turn.T, slope), np.array(BOX) @ turn.T))


def absorbed(layers):
    """The same network with gamma = 1 except in the last layer's sign: |gamma| goes into the next layer's columns.

    h = gamma v + beta has the sign of v + beta / |gamma| if gamma > 0, and a(|gamma| t) = |gamma| a(t).
    """
    columns, done = 1.0, []
    for layer in layers:
        size, sign = np.abs(layer.gamma), np.sign(layer.gamma)
        weight = layer.weight * columns
        done.append(BatchNormLayer(sign[:, None] * weight, sign * layer.mu, layer.sigma, 1.0, layer.beta / size))
        columns = size
    return done


def test_gamma_is_absorbed_by_the_next_layer(setting):
    """B22 proposition 1, with beta / |gamma| for beta; a negative gamma turns the unit's row round."""
    rng, weights, data, slope = setting
    gamma = [rng.uniform(0.3, 3, len(W)) * rng.choice([-1, 1], len(W)) for W in weights]
    beta = [0.3 * rng.standard_normal(len(W)) for W in weights]
    network = Network.with_batch_norm(weights, data, slope, gamma=gamma, beta=beta)
    plain = Network(absorbed(network.layers), slope)
    x = rng.uniform(-1, 1, (200, 2))
    gap = np.abs(network.forward(x) - np.abs(gamma[-1]) * plain.forward(x)).max()
    assert gap < 1e-11  # three layers of round-off, outputs up to about 10
    same(partition(network, BOX), partition(plain, BOX))


def test_gamma_is_not_absorbed_across_a_skip_connection():
    """Why proposition 1 says plain networks: BN(x) + x with gamma = 2 is no BN(x) + x with gamma = 1, rows scaled."""
    x = np.linspace(-1, 1, 5)[:, None]
    doubled = BatchNormLayer([[1.0]], 0.0, 1.0, gamma=2.0)
    rates = [(BatchNormLayer([[w]], 0.0, 1.0).preactivation(x) + x).ravel() for w in (1.0, -1.0)]  # w absorbs no scale:
    scaled = (
        Network.with_batch_norm([[[2.0]]], x).layers[0].preactivation(x) + x
    ).ravel()  # the deviation takes it out
    plain = (Network.with_batch_norm([[[1.0]]], x).layers[0].preactivation(x) + x).ravel()
    np.testing.assert_allclose(scaled, plain)
    assert not any(np.allclose(rate, (doubled.preactivation(x) + x).ravel()) for rate in rates)


def test_sigma_does_not_move_the_layer_s_own_hyperplanes(setting):
    """B22 below eq (5): true for beta = 0 only; with beta the hyperplane is <w, z> = mu - beta sigma / gamma."""
    _, weights, data, _ = setting
    layer = Network.with_batch_norm(weights[:1], data).layers[0]
    wider = BatchNormLayer(layer.weight, layer.mu, 3 * layer.sigma)
    same(partition(Network([layer]), BOX), partition(Network([wider]), BOX))
    moved = Network([BatchNormLayer(layer.weight, layer.mu, layer.sigma, 2.0, 0.4)])
    line = AffineLayer(layer.weight, -(layer.mu - 0.4 * layer.sigma / 2))
    same(partition(moved, BOX), partition(Network([line]), BOX))


def test_regions_of_a_later_layer_refine_those_before(setting):
    _, weights, data, slope = setting
    network = Network.with_batch_norm(weights, data, slope)
    part = partition(network, BOX)
    assert part.regions_up_to_layer == [len(partition(network.up_to(layer), BOX)) for layer in range(3)]
    assert part.regions_up_to_layer == sorted(part.regions_up_to_layer)
    assert [part.up_to(layer).cells for layer in range(3)] == part.regions_up_to_layer
    parent = part.layers[2].parent
    areas = np.bincount(parent, part.areas)
    np.testing.assert_allclose(areas, part.up_to(1).areas(), atol=1e-13)
