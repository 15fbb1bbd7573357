"""Evidence for chapter 13: the recorded experiments, and one of them again with other seeds.

A claim "a is above b" is measured as two standard errors over the paired difference, at most 1 where it holds.
"""

import numpy as np
import pytest

from bnlib.book.figures.classifier import seeds
from bnlib.book.records import load
from bnlib.classifier import paired_difference, random_network, split, train

CLEAN, WRONG = seeds.REGIMES


def arms(record):
    return load(f"classifier_{record}")["data"]


def doubt(a, b):
    """Two standard errors over the mean of a - b: between 0 and 1 if a is clearly above b, negative if it is below."""
    mean, error = paired_difference(a, b)
    return 2 * error / mean


def surely_above(measure, claim, *pairs):
    """Every a is above its b: the largest doubt is recorded, and a negative one fails as well."""
    doubts = [doubt(a, b) for a, b in pairs]
    assert min(doubts) > 0
    measure(claim, max(doubts), 1.0)


def loss(arm):
    return np.array(arm["test_loss"])


def accuracy(arm):
    return np.array(arm["test_accuracy"])


def test_order_of_five_normalizations(measure):
    """Clean labels: batch normalization has the lowest loss at all rates, clearly below three of the other four."""
    data, rates = arms("normalizations"), (0.01, 0.03, 0.1)
    for rate in rates:
        means = {kind: loss(data[f"{CLEAN} {kind} {rate}"]).mean() for kind in ("none", "weight", "mean-only", "batch")}
        assert min(means, key=means.get) == "batch"
    pairs = [
        (loss(data[f"{CLEAN} {kind} {rate}"]), loss(data[f"{CLEAN} batch {rate}"]))
        for kind in ("none", "weight", "variance-only")
        for rate in rates
    ]
    surely_above(measure, "L19-fig3", *pairs)
    # with wrong labels the order is the other way round at the middle rate
    for kind in ("weight", "none"):
        assert 0 < doubt(loss(data[f"{WRONG} batch 0.03"]), loss(data[f"{WRONG} {kind} 0.03"])) < 1
        assert 0 < doubt(accuracy(data[f"{WRONG} {kind} 0.03"]), accuracy(data[f"{WRONG} batch 0.03"])) < 1


def test_the_order_again_with_other_seeds():
    """Six new splits, no record: plain descent loses to batch normalization by two standard errors."""
    images, found = split("digits", 320, 6, first_seed=1000), {}
    for kind in ("none", "batch"):
        rng = np.random.default_rng(2)
        network = random_network([64, 128, 128, 10], 6, rng, normalization=kind)
        _, history = train(network, images, 25, batch_size=32, learning_rate=0.03, rng=rng, record_every=25)
        found[kind] = history.test_loss[-1]
    assert 0 < doubt(found["none"], found["batch"]) < 1


def test_noise_regularizes(measure):
    data = arms("batch_size")
    best, population = data[f"{CLEAN} M=16"], data[f"{CLEAN} population"]
    too_much = loss(data[f"{CLEAN} M=4"])
    pairs = [(loss(population), loss(best)), (accuracy(best), accuracy(population)), (too_much, loss(best))]
    surely_above(measure, "L19-fig2-noise", *pairs)
    # with wrong labels there is no gain at 16, and a large one at 4
    assert not 0 < doubt(loss(data[f"{WRONG} population"]), loss(data[f"{WRONG} M=16"])) < 1
    assert accuracy(data[f"{WRONG} M=4"]).mean() - accuracy(data[f"{WRONG} M=16"]).mean() > 0.1


def test_gamma_decay_does_not_replace_the_noise(measure):
    """The share of the noise's gain that gamma decay brings back, and what real noise brings back."""
    data = arms("batch_size")
    population = loss(data[f"{CLEAN} population"])
    gain = (population - loss(data[f"{CLEAN} M=16"])).mean()
    share = (population - loss(data[f"{CLEAN} population + decay"])).mean() / gain
    noise = (population - loss(data[f"{CLEAN} population + noise"])).mean() / gain
    assert share > 0 and noise > 0.3
    measure("L19-fig2-decay", share, 0.1)


@pytest.mark.parametrize("layer", [1, 2])
def test_gain_against_rows(layer, measure):
    """gamma^2 falls with M where labels are clean, and rises where they are wrong."""
    data = arms("gain")
    clean, wrong = (
        np.array([data[f"{regime} layer {layer} M={M}"]["squared_gain"][layer - 1] for M in (4, last)])
        for regime, last in ((CLEAN, 64), (WRONG, 128))
    )
    assert 0 < doubt(clean[0], clean[1]) < 1
    surely_above(measure, "L19-fig4-gain", (wrong[1], wrong[0]))


def test_loss_against_rows(measure):
    data = arms("gain")
    pairs = [
        (loss(data[f"{regime} layer {layer} M={last}"]), loss(data[f"{regime} layer {layer} M=4"]))
        for layer in (1, 2)
        for regime, last in ((CLEAN, 64), (WRONG, 128))
    ]
    surely_above(measure, "L19-fig4-loss", *pairs)


@pytest.mark.parametrize("kind, claim", [("batch", "L19-fig5-batch"), ("weight", "L19-fig5-weight")])
def test_dropout(kind, claim, measure):
    data = arms("dropout")
    pairs = [
        (accuracy(data[f"{regime} {kind} 0.25"]), accuracy(data[f"{regime} {kind} 0.0"])) for regime in (CLEAN, WRONG)
    ]
    surely_above(measure, claim, *pairs)


def test_without_batch_normalization(measure):
    """After the fold: norms grow, but less than with batch normalization kept, and the test loss falls."""
    data = arms("without")
    growth = {}
    for arm in ("without", "with", "held still, noise put back"):
        first, last = (np.sqrt(np.array(record)) for record in data[f"{WRONG} {arm}"]["squared_norm"])
        growth[arm] = last / first - 1  # (layers, seeds)
        assert (growth[arm] > 0).all()
    changes = {arm: change(data[f"{WRONG} {arm}"], "test_loss") for arm in ("without", "with")}
    assert 0 < doubt(np.zeros(20), changes["without"]) < 1 and 0 < doubt(changes["with"], np.zeros(20)) < 1
    assert (change(data[f"{WRONG} without"], "train_loss") < 0).all()
    ratios = [growth["without"].mean(1) / growth[arm].mean(1) for arm in growth if arm != "without"]
    measure("L19-fig7", np.max(ratios), 0.2)


def change(arm, name):
    return np.array(arm[name]) - np.array(arm[f"{name} at first"])
