"""Back-propagation through every normalization against central differences of the same loss, in float64.

The step h = 1e-6 leaves h^2 f''' / 6 ~ 1e-12 and round-off 1e-16 / h ~ 1e-10 of losses of order 1; the largest entry of
a gradient here is of order 0.1 to 1, so agreement to 1e-7 of it is expected. A ReLU that switches within h would break
this by far; the seed is one where none does.
"""

import numpy as np
import pytest

from bnlib.classifier import NORMALIZATIONS, Extras, Noise, loss_gradient, random_network

STEP = 1e-6


def setting(kind, rows=12):
    rng = np.random.default_rng(5)
    x, labels = rng.standard_normal((2, rows, 5)), rng.integers(0, 3, (2, rows))
    network = random_network([5, 4, 6, 3], 2, rng, normalization=kind, x=x, bias=0.3, dtype=np.float64)
    for gain, shift in zip(network.gains, network.biases):
        gain += 0.3 * rng.standard_normal(gain.shape)
        shift += 0.2 * rng.standard_normal(shift.shape)
    return network, x, labels, rng.standard_normal((2, 20, 5))


def largest_gap(network, *arguments, learned=("weights", "biases", "gains"), **options):
    def loss():
        return loss_gradient(network, *arguments, rng=np.random.default_rng(3), **options)[0].sum()

    gradient = loss_gradient(network, *arguments, rng=np.random.default_rng(3), **options)[1]
    gap = size = 0.0
    for name in learned:
        for value, part in zip(getattr(network, name), gradient[name]):
            for place in np.ndindex(value.shape):
                kept = value[place]
                value[place] = kept + STEP
                above = loss()
                value[place] = kept - STEP
                below = loss()
                value[place] = kept
                gap = max(gap, abs((above - below) / (2 * STEP) - part[place]))
                size = max(size, abs(part[place]))
    return gap / size


@pytest.mark.parametrize("kind", [*NORMALIZATIONS, ("batch", "none"), ("none", "variance-only")])
def test_gradient(kind):
    network, x, labels, reference = setting(kind)
    learned = ("weights", "biases") if "none" in kind else ("weights", "biases", "gains")
    options = {"reference": reference} if kind == "population" else {}
    assert largest_gap(network, x, labels, learned=learned, **options) < 1e-7


@pytest.mark.parametrize("kind", ["batch", "mean-only", "variance-only"])
def test_gradient_of_ghost_batches(kind):
    network, x, labels, _ = setting(kind)
    assert largest_gap(network, x, labels, extras=Extras(statistics_batch=4)) < 1e-7


@pytest.mark.parametrize("kind", ["batch", "weight", "population"])
def test_gradient_under_noise_and_dropout(kind):
    network, x, labels, reference = setting(kind)
    options = {"reference": reference} if kind == "population" else {}
    assert largest_gap(network, x, labels, extras=Extras(noise=Noise(4), dropout=0.25), **options) < 1e-7


def test_plain_layers_learn_no_gain():
    network, x, labels, _ = setting("none")
    assert not any(gain.any() for gain in loss_gradient(network, x, labels)[1]["gains"])


def test_fixed_gain_and_shift():
    network, x, labels, _ = setting("batch")
    gradient = loss_gradient(network, x, labels, extras=Extras(learn_affine=False))[1]
    assert not any(part.any() for part in [*gradient["gains"], *gradient["biases"][:-1]])
    assert gradient["biases"][-1].any() and all(part.any() for part in gradient["weights"])


def test_population_of_the_batch_itself_is_batch_normalization():
    """Twice the same rows, once as batch and once as reference: the statistics agree, and so do the losses.

    The gradients are alike as well: half of what flows back through the statistics reaches each copy, and both copies
    stand on the same weights.
    """
    batch, x, labels, _ = setting("batch")
    population, _, _, _ = setting("population")
    one, two = loss_gradient(batch, x, labels), loss_gradient(population, x, labels, reference=x)
    assert np.abs(one[0] - two[0]).max() < 1e-14
    for name in one[1]:
        assert all(np.abs(a - b).max() < 1e-13 for a, b in zip(one[1][name], two[1][name]))


def test_ghost_batches_of_the_whole_batch_change_nothing():
    network, x, labels, _ = setting("batch")
    one, two = loss_gradient(network, x, labels), loss_gradient(network, x, labels, extras=Extras(statistics_batch=12))
    assert (one[0] == two[0]).all() and all((a == b).all() for a, b in zip(one[1]["weights"], two[1]["weights"]))


def test_ghost_batches_are_independent():
    """A row changes the loss of its own ghost batch only: by symmetry the batch loss is the mean over ghosts."""
    network, x, labels, _ = setting("batch")
    whole = loss_gradient(network, x, labels, extras=Extras(statistics_batch=4))[0]
    parts = [loss_gradient(network, x[:, k : k + 4], labels[:, k : k + 4])[0] for k in (0, 4, 8)]
    assert np.abs(whole - np.mean(parts, 0)).max() < 1e-14


@pytest.mark.parametrize("kind", ["batch", "variance-only", "population", "weight", "mean-only"])
def test_length_of_weights_does_not_matter(kind):
    """The gradient is at right angles to each unit's weights, as the output does not change along them.

    Exactly, up to round-off, for unit columns. Where a deviation is sqrt(variance + 1e-5), the output changes along
    them by 1e-5 / variance relative to the change under a shift of the whole layer; variances here are above 0.05.
    """
    network, x, labels, reference = setting(kind)
    options = {"reference": reference} if kind == "population" else {}
    gradient = loss_gradient(network, x, labels, **options)[1]["weights"]
    for value, part in list(zip(network.weights, gradient))[:-1]:
        sizes = np.sqrt((value**2).sum(1) * (part**2).sum(1))
        bound = 1e-12 if kind in ("weight", "mean-only") else 1e-5 / 0.05
        assert (np.abs((value * part).sum(1)) <= bound * sizes).all()


def test_gamma_decay_adds_two_zeta_gamma():
    """zeta from its formula, with sample gradients by an independent road: one sample at a time."""
    network, x, labels, _ = setting(("none", "frozen"))
    plain = loss_gradient(network, x, labels)[1]["gains"][1]
    added = loss_gradient(network, x, labels, extras=Extras(gamma_decay=8))[1]["gains"][1] - plain
    samples = [loss_gradient(network, x[:, k : k + 1], labels[:, k : k + 1])[1] for k in range(x.shape[1])]
    F_gamma = np.mean([sample["gains"][1] ** 2 for sample in samples], 0)
    F_beta = np.mean([sample["biases"][1] ** 2 for sample in samples], 0)
    normal = (network.preactivations(x)[1] - network.biases[1]) / network.gains[1]
    zeta = ((normal**2).var(1, keepdims=True) * F_gamma / 8 + F_beta / 2) / 8
    assert np.abs(added - 2 * zeta * network.gains[1]).max() < 1e-14
