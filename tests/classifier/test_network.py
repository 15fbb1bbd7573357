"""Networks at test time: statistics, folding, starts, and the probes."""

import numpy as np
import pytest
from scipy.stats import norm

from bnlib.classifier import Noise, crossed_units, jitter, loss_and_accuracy, margins, random_network, split
from bnlib.classifier.normalization import EPSILON


def networks(kind, seeds=2, train=200, **options):
    images, rng = split("digits", train, seeds, test=300), np.random.default_rng(0)
    options = {"dtype": np.float64, **options}
    return random_network([64, 32, 24, 10], seeds, rng, normalization=kind, x=images.x, **options), images, rng


@pytest.mark.parametrize("kind", ["batch", "population", "weight", "frozen", "frozen-deviation", "mean-only"])
def test_folded_network_is_the_same_function(kind):
    network, images, _ = networks(kind, bias=0.5)
    network = network.with_statistics(images.x)
    for gain in network.gains:
        gain *= 1.7
    folded = network.folded()
    assert set(folded.normalization) == {"none"}
    gap = np.abs(folded.logits(images.test_x) - network.logits(images.test_x)).max()
    assert gap < 1e-12 * np.abs(network.logits(images.test_x)).max() * 64  # round-off of sums of up to 64 terms


def test_statistics_normalize_every_layer():
    """With unit gains and no shifts, pre-activations of the rows have mean 0 and variance v / (v + epsilon)."""
    network, images, _ = networks("batch")
    for h in network.with_statistics(images.x).preactivations(images.x):
        spread = h.var(1)
        assert np.abs(h.mean(1)).max() < 1e-12 and (spread <= 1 + 1e-12).all() and (spread > 1 - EPSILON / 0.05).all()


@pytest.mark.parametrize("kind", ["weight", "mean-only", "frozen"])
def test_start_is_normalized(kind):
    network, images, _ = networks(kind)
    network = network.with_statistics(images.x)
    for h in network.preactivations(images.x):
        assert np.abs(h.mean(1)).max() < 1e-12 and np.abs(h.std(1) - 1).max() < 1e-3


def test_frozen_parts_hold_one_statistic_each():
    whole, images, _ = networks("frozen")
    (mean, deviation), (zero, same) = whole.statistics[0], networks("frozen-deviation")[0].statistics[0]
    shift, one = networks("frozen-mean")[0].statistics[0]
    assert (same == deviation).all() and (shift == mean).all() and not zero.any() and (one == 1).all()


def test_frozen_statistics_stay():
    network, images, _ = networks("frozen")
    again = network.with_statistics(images.test_x)
    assert all((a[0] == b[0]).all() for a, b in zip(network.statistics, again.statistics))


def test_loss_of_no_knowledge():
    """Equal logits cost log 10 nats, and right answers are those of the first class."""
    network, images, _ = networks("none")
    network.weights[-1][:] = 0
    loss, accuracy = loss_and_accuracy(network, images.test_x, images.test_labels)
    assert np.abs(loss - np.log(10)).max() < 1e-12
    assert np.allclose(accuracy, (images.test_labels == 0).mean(1), atol=0)


def test_noise_has_the_variances_of_a_batch():
    """Moments of 400 000 draws within 4 standard errors: shift 1/M, and 1/factor^2 with mean 1 and variance 2/(M-1)."""
    noise, draws = Noise(16), 400_000
    shift, factor = noise.draw(1, 16 * draws, 1, np.random.default_rng(0), np.float64)
    shift, ratio = shift[0, ::16, 0], factor[0, ::16, 0] ** -2.0
    assert abs((shift**2).mean() - 1 / 16) < 4 * np.sqrt(2 / draws) / 16
    assert abs(ratio.mean() - 1) < 4 * np.sqrt(2 / 15 / draws)
    # the variance of a sample variance is (m4 - var^2) / n, and chi-square has excess kurtosis 12 / nu
    assert abs(ratio.var() - 2 / 15) < 4 * (2 / 15) * np.sqrt((2 + 12 / 15) / draws)


def test_noise_is_shared_within_a_batch_only():
    shift, factor = Noise(4).draw(2, 10, 3, np.random.default_rng(0), np.float64)
    assert shift.shape == (2, 10, 3) and (shift[:, 0] == shift[:, 3]).all() and (shift[:, 4] != shift[:, 3]).all()
    assert (factor[:, 8] == factor[:, 9]).all() and (factor[0] != factor[1]).all()


def test_no_jitter_from_the_whole_set():
    network, images, rng = networks("batch")
    assert not jitter(network, images, 200, 3, rng).any()
    small, large = (jitter(network, images, batch, 10, rng).mean() for batch in (4, 64))
    assert small > 2 * large > 0


def test_crossed_units_of_one_layer_follow_the_law_of_a_hyperplane():
    """Zero bias, one layer: a random direction crosses a plane at distance t r with probability P(u_1 > t) on the
    sphere; with one direction the share is the mean of that, which quadrature over the distances gives.

    At radius r the crossing needs <w, step> beyond -<w, x>, a Gaussian in high dimension: in 64 dimensions u_1 is
    within 1 % of N(0, 1/64), and 2 x 300 x 32 units give a standard error of some 0.003 (units share weights).
    """
    images, rng = split("digits", 200, 2, test=300), np.random.default_rng(1)
    network = random_network([64, 400, 10], 2, rng, normalization="none", dtype=np.float64)
    x, radius = images.test_x.astype(np.float64), 2.0
    weight = network.weights[0] / np.sqrt((network.weights[0] ** 2).sum(1, keepdims=True))
    expected = norm.sf(np.abs(x @ weight) / radius * 8).mean((1, 2))
    found = crossed_units(network, x, radius, 1, rng)[:, 0]
    assert np.abs(found - expected).max() < 0.01
    assert (crossed_units(network, x, radius, 8, rng)[:, 0] > found).all()


@pytest.mark.parametrize(
    "change, message",
    [
        ({"normalization": "layer"}, "normalization must be one of"),
        ({"normalization": ("batch",)}, "normalization must be one name, or 2"),
        ({"weights": "ones"}, "weights must be one of"),
        ({"bias": -1.0}, "bias must be a finite standard deviation >= 0; got -1.0"),
        ({"normalization": "frozen"}, "x must be the training inputs"),
        ({"normalization": "weight"}, "x must be the training inputs"),
    ],
)
def test_bad_networks(change, message):
    with pytest.raises(ValueError, match=message):
        random_network([64, 8, 8, 10], 2, np.random.default_rng(0), **change)


def test_bad_widths_and_probes():
    with pytest.raises(ValueError, match="widths must name inputs"):
        random_network([64, 10], 2, np.random.default_rng(0))
    network, images, rng = networks("none")
    with pytest.raises(ValueError, match="network must have layers with statistics"):
        jitter(network, images, 8, 1, rng)
    with pytest.raises(ValueError, match="batch must be at most the 200"):
        jitter(networks("batch")[0], images, 201, 1, rng)
    with pytest.raises(ValueError, match="strength must be below 5.61 for batch = 64; got 8"):
        Noise(64, 8)
    with pytest.raises(ValueError, match="radius must be"):
        crossed_units(network, images.test_x, 0.0, 1, rng)


@pytest.mark.parametrize("kind", ["batch", "none", "weight"])
def test_margins_against_differences(kind):
    """Slopes of logit differences by central differences of a step that stays within the region (1e-6)."""
    network, images, _ = networks(kind, bias=0.2)
    network, x = network.with_statistics(images.x), images.test_x[:, :5].astype(np.float64)
    labels = images.test_labels[:, :5]
    slopes = np.empty((2, 5, 64, 10))
    for place in range(64):
        step = np.zeros(64)
        step[place] = 1e-6
        slopes[:, :, place] = (network.logits(x + step) - network.logits(x - step)) / 2e-6
    logits, found = network.logits(x), margins(network, x, labels)
    for s, k in np.ndindex(2, 5):
        y = labels[s, k]
        expected = min(
            (logits[s, k, y] - logits[s, k, c]) / np.linalg.norm(slopes[s, k, :, y] - slopes[s, k, :, c])
            for c in range(10)
            if c != y
        )
        assert abs(found[s, k] - expected) < 1e-6 * abs(expected)
    assert ((found > 0) == (logits.argmax(2) == labels)).all()
