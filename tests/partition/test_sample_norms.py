"""Layer and RMS normalization make the partition of a network without bias."""

import numpy as np
import pytest

from bnlib.partition import Network
from bnlib.partition.sample_norms import KINDS, sample_levels, sign_network


def random_weights(rng, sizes=(3, 24, 24, 24)):
    return [rng.standard_normal((n, d)) for d, n in zip(sizes, sizes[1:])]


@pytest.mark.parametrize("epsilon", [0.0, 0.1])
@pytest.mark.parametrize("slope", [0.0, 0.1, -1.0])
@pytest.mark.parametrize("kind", KINDS)
def test_signs_are_those_of_a_network_without_bias(kind, slope, epsilon, measure):
    """2 000 points, 72 units: not one sign may differ, but for levels below 1e-12 where round-off decides."""
    rng = np.random.default_rng(1)
    weights, points = random_weights(rng), 3 * rng.standard_normal((2000, 3)) + 1
    normed = np.hstack(sample_levels(weights, points, slope, kind=kind, epsilon=epsilon))
    plain = np.hstack(sign_network(weights, slope, kind=kind).preactivations(points))
    clear = np.abs(normed) > 1e-12
    assert clear.mean() > 0.999
    differ = int(np.sum((normed > 0) != (plain > 0), where=clear))
    measure("own-layer-norm", differ, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_partition_is_a_cone_at_the_origin(kind):
    """Signs do not change along a ray, at five distances."""
    rng = np.random.default_rng(2)
    weights, points = random_weights(rng), rng.standard_normal((200, 3))
    signs = [np.hstack(sample_levels(weights, s * points, kind=kind)) > 0 for s in (1e-3, 0.1, 1.0, 10.0, 1e3)]
    assert all((sign == signs[0]).all() for sign in signs)


def test_batch_statistics_make_no_cone():
    """The same along rays with batch normalization on data beside the origin: many signs change."""
    rng = np.random.default_rng(3)
    points = rng.standard_normal((200, 3)) + 2
    net = Network.with_batch_norm(random_weights(rng), points, 0.0)
    assert np.mean(net.codes(points) != net.codes(0.1 * points)) > 0.1


def test_a_skip_connection_breaks_the_cone():
    """The signs of layer 2 of z + LN(W z) change along a ray, for the two parts scale differently."""
    rng = np.random.default_rng(4)
    first, second = random_weights(rng, (8, 8, 8))
    points = rng.standard_normal((100, 8))

    def signs(x):
        z = x + np.maximum(sample_levels([first], x)[0], 0)
        return sample_levels([second], z)[0] > 0

    assert np.mean(signs(points) != signs(10 * points)) > 0.05


def test_the_map_is_not_affine_inside_a_region():
    """Scaling the input by ten leaves the output as it is: constant along rays, not linear."""
    rng = np.random.default_rng(5)
    weights, points = random_weights(rng), rng.standard_normal((20, 3))
    one, ten = (sample_levels(weights, s * points)[-1] for s in (1, 10))
    np.testing.assert_allclose(one, ten, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("call, named", [
    (lambda: sample_levels([[[1.0], [1.0]]], [[1.0]]), "points: sample 0 has no spread"),
    (lambda: sample_levels([[[1.0], [2.0]]], [[1.0]], kind="batch"), "kind must be one of 'layer', 'rms'"),
    (lambda: sign_network([[[1.0], [1.0]]]), "weight must have no zero row"),
])  # fmt: skip
def test_bad_input_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call()
