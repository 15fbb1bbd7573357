"""Networks: forward pass, statistics, codes and affine maps, each by a road of its own; and bad input by name."""

import numpy as np
import pytest

from bnlib.partition import AffineLayer, BatchNormLayer, Network, batch_statistics

SLOPES = (0.0, 0.1, -1.0)


def weights(rng, *widths):
    """Random weights between layers of these widths, the input first."""
    return [rng.standard_normal((n, d)) for d, n in zip(widths, widths[1:])]


def plain_forward(layers, slope, x):
    """One input, unit by unit with Python floats; layers are (W, mu, sigma, gamma, beta)."""
    z = list(map(float, x))
    for W, mu, sigma, gamma, beta in layers:
        h = [g * (sum(w * v for w, v in zip(row, z)) - m) / s + b for row, m, s, g, b in zip(W, mu, sigma, gamma, beta)]
        z = [t if t >= 0 else slope * t for t in h]
    return z


@pytest.mark.parametrize("slope", SLOPES)
def test_forward_pass_is_the_definition(slope):
    rng = np.random.default_rng(1)
    W = weights(rng, 3, 5, 4)
    numbers = [(w, rng.standard_normal(len(w)), rng.uniform(0.5, 2, len(w)), rng.uniform(0.5, 2, len(w)),
                rng.standard_normal(len(w))) for w in W]  # fmt: skip
    network = Network([BatchNormLayer(*row) for row in numbers], slope)
    plain = Network([AffineLayer(*layer.affine()) for layer in network.layers], slope)
    for x in rng.standard_normal((20, 3)):
        expected = plain_forward(numbers, slope, x)
        np.testing.assert_allclose(network.forward(x), expected, rtol=1e-12, atol=1e-12)  # 20 rounded sums
        np.testing.assert_allclose(plain.forward(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("slope", SLOPES)
def test_statistics_are_those_of_the_data_in_every_layer(slope):
    """After BN every unit has mean 0 and mean square 1 over the data, whatever the data's place and scale."""
    rng = np.random.default_rng(2)
    data = rng.standard_normal((50, 2)) * [3.0, 0.5] + [10.0, -4.0]
    network = Network.with_batch_norm(weights(rng, 2, 6, 5, 4), data, slope)
    for h in network.preactivations(data):
        np.testing.assert_allclose(h.mean(axis=0), 0, atol=1e-13)
        np.testing.assert_allclose((h**2).mean(axis=0), 1, rtol=1e-12)
    batch = data[:9]
    for h in network.with_statistics_of(batch).preactivations(batch):
        np.testing.assert_allclose((h**2).mean(axis=0), 1, rtol=1e-12)


def test_gamma_and_beta_move_scale_and_mean():
    rng = np.random.default_rng(3)
    data = rng.standard_normal((30, 2))
    gamma, beta = [np.array([2.0, -3.0])], [np.array([0.5, 1.0])]
    h = Network.with_batch_norm(weights(rng, 2, 2), data, gamma=gamma, beta=beta).preactivations(data)[0]
    np.testing.assert_allclose(h.mean(axis=0), beta[0], rtol=1e-12)
    np.testing.assert_allclose(h.std(axis=0), np.abs(gamma[0]), rtol=1e-12)


def test_deviation_is_the_biased_one():
    mu, sigma = batch_statistics([[2.0]], [[0.0], [1.0], [5.0]])
    assert mu[0] == pytest.approx(4.0) and sigma[0] ** 2 == pytest.approx((16 + 4 + 36) / 3)


@pytest.mark.parametrize("slope", SLOPES)
def test_affine_map_is_value_and_derivative(slope):
    """A x + b is the output, and A its difference quotient (exact: the step stays in the region)."""
    rng = np.random.default_rng(4)
    data = rng.standard_normal((40, 3))
    network = Network.with_batch_norm(weights(rng, 3, 6, 5), data, slope).with_decision(rng.standard_normal((2, 5)))
    for x in rng.standard_normal((20, 3)):
        A, b = network.affine_map(network.codes(x))
        np.testing.assert_allclose(A @ x + b, network.forward(x), atol=1e-12)
        if min(np.abs(h).min() for h in network.preactivations(x)[:-1]) > 1e-3:
            quotient = [(network.forward(x + step) - network.forward(x)) / 1e-6 for step in 1e-6 * np.eye(3)]
            np.testing.assert_allclose(A, np.transpose(quotient), atol=1e-7)  # 1e-6 of round-off 1e-15 twice, and room


def test_affine_maps_of_many_codes_and_inner_layers():
    rng = np.random.default_rng(5)
    network = Network.with_bias(weights(rng, 2, 4, 3), [rng.standard_normal(4), rng.standard_normal(3)], 0.1)
    x = rng.standard_normal((7, 2))
    for layer, z in zip((0, 1), (network.layer_inputs(x)[1], network.forward(x))):
        A, b = network.affine_map(network.codes(x), layer)
        np.testing.assert_allclose(np.einsum("rij,rj->ri", A, x) + b, z, atol=1e-13)
        shorter = network.affine_map(network.codes(x)[:, : (4, 7)[layer]], layer)
        np.testing.assert_array_equal(shorter[0], A)


def test_units_on_their_hyperplane_have_bit_zero():
    assert not Network([AffineLayer([[1.0, 0.0]], [0.0])]).codes([0.0, 3.0]).any()


GOOD = np.eye(2)
DATA = np.arange(10.0).reshape(5, 2) ** 2
BAD = {
    "zero row": (lambda: AffineLayer([[1, 0], [0, 0]], [0, 0]), "row 1"),
    "NaN weight": (lambda: AffineLayer([[np.nan, 1]], [0]), "weight must be finite"),
    "bias of another length": (lambda: AffineLayer(GOOD, [0, 0, 0]), "bias"),
    "infinite mean": (lambda: BatchNormLayer(GOOD, [np.inf, 0], 1.0), "mu must be finite"),
    "sigma zero": (lambda: BatchNormLayer(GOOD, 0.0, [1.0, 0.0]), "sigma must be > 0"),
    "sigma negative": (lambda: BatchNormLayer(GOOD, 0.0, -1.0), "sigma must be > 0"),
    "gamma zero": (lambda: BatchNormLayer(GOOD, 0.0, 1.0, 0.0), "gamma must not be 0"),
    "no layers": (lambda: Network([]), "layers must be one or more"),
    "not a layer": (lambda: Network([GOOD]), "layers must be one or more"),
    "widths": (lambda: Network([AffineLayer(GOOD, 0.0), AffineLayer(np.ones((2, 3)), 0.0)]), "layer 1 must take 2"),
    "linear inside": (lambda: Network([AffineLayer(GOOD, 0.0, linear=True)] * 2), "only the last"),
    "slope above": (lambda: Network([AffineLayer(GOOD, 0.0)], 1.5), r"slope must be a number in \[-1, 1\]"),
    "slope below": (lambda: Network.with_batch_norm([GOOD], DATA, -1.01), "slope must be"),
    "slope NaN": (lambda: Network([AffineLayer(GOOD, 0.0)], np.nan), "slope must be"),
    "one point": (lambda: Network.with_batch_norm([GOOD], [[1.0, 2.0]]), "sigma = 0"),
    "orthogonal data": (lambda: Network.with_batch_norm([[[1, 0]]], [[1, 0], [1, 5]]), r"weights\[0\]: row 0"),
    "data widths": (lambda: Network.with_batch_norm([GOOD], np.ones((4, 3))), r"weights\[0\] must have axes"),
    "data NaN": (lambda: Network.with_batch_norm([GOOD], [[np.nan, 0], [0, 0]]), "data must be finite"),
    "point": (lambda: Network([AffineLayer(GOOD, 0.0)]).forward([1, 2, 3]), "x must be finite"),
    "code": (lambda: Network([AffineLayer(GOOD, 0.0)]).affine_map([0, 2]), "code must be bits"),
    "layer": (lambda: Network([AffineLayer(GOOD, 0.0)]).up_to(1), "layer must be at most 0"),
    "biases": (lambda: Network.with_bias([GOOD], []), "biases must be as many"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(name):
    make, says = BAD[name]
    with pytest.raises(ValueError, match=says):
        make()


def test_orthogonal_to_centred_inputs_not_to_inputs():
    """B22 says below eq (4) that sigma > 0 unless all inputs are orthogonal to w; the centred ones are what counts."""
    mu, sigma = batch_statistics([[1.0, 0.0]], [[1.0, 0.0], [1.0, 5.0]])
    assert mu[0] == 1.0 and sigma[0] == 0.0
