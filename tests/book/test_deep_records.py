"""Evidence for what chapters 13 and 14 say about convolutional networks: the records of `bnlib.deep` at the scale cpu.

A claim "a is above b" is measured as two standard errors over the paired difference, at most 1 where it holds.
"""

import json

import numpy as np
import pytest

from bnlib.book.figures.classifier import convolutions
from bnlib.book.records import load
from bnlib.classifier import paired_difference
from bnlib.deep import data, results
from bnlib.deep.experiments import EXPERIMENTS

VIEWS = convolutions.REGULARIZATION | convolutions.INITIALISATION


def doubt(a, b):
    """Two standard errors over the mean of a - b: between 0 and 1 if a is clearly above b, negative if it is below."""
    mean, error = paired_difference(a, b)
    return 2 * error / mean


def surely_above(measure, claim, *pairs):
    """Every a is above its b: the largest doubt is recorded, and a negative one fails as well."""
    doubts = [doubt(a, b) for a, b in pairs]
    assert min(doubts) > 0
    measure(claim, max(doubts), 1.0)


def unclear(a, b):
    """No difference beyond two standard errors."""
    return abs(doubt(a, b)) > 1


def last(name, arm, curve="test_loss"):
    """Final values of an arm's seeds."""
    return np.array(load(f"deep_{name}")["data"][arm][curve])[:, -1]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_records_are_results_of_the_experiments_as_they_are(name):
    record = load(f"deep_{name}")
    results.check(record)
    assert record["scale"] == "cpu" and record["device"] == "cpu"
    assert record["config"] == json.loads(json.dumps(EXPERIMENTS[name]("cpu")))
    assert record["images_hash"] == data.digest("fashion")


@pytest.mark.parametrize("view", VIEWS.values(), ids=list(VIEWS))
def test_views_show_all_arms_of_a_record(view):
    shown = {view.prefix + arm for arm in view.arms}
    known = set(load(view.record)["data"])
    assert shown <= known and all(arm in shown for arm in known if arm.startswith(view.prefix))
    references = {reference for _, _, reference in view.arms.values()} - {None}
    assert references <= set(view.arms)


def test_noise_in_convolutions(measure):
    """Statistics of 8 rows against those of all 256: a lower loss, and no clear difference in accuracy."""
    surely_above(measure, "L19-fig2-cnn", (last("ghost", "M=256"), last("ghost", "M=8")))
    assert unclear(last("ghost", "M=8", "test_accuracy"), last("ghost", "M=256", "test_accuracy"))
    losses = {arm: last("ghost", arm).mean() for arm in ("M=8", "M=16", "M=64", "M=256", "all + decay")}
    assert losses["M=8"] < losses["M=16"] < losses["M=64"] < losses["M=256"]
    share = (losses["M=256"] - losses["all + decay"]) / (losses["M=256"] - losses["M=16"])
    assert 0 < share < 0.3  # of what 16 rows gain, decay with the coefficient of 16 rows brings back


def test_five_normalizations_in_convolutions(measure):
    """Both kinds with a deviation are below the three without; the batch mean adds nothing to weight normalization."""
    with_deviation, without = ("batch", "variance-only"), ("none", "weight", "mean-only")
    pairs = [(last("decomposition", high), last("decomposition", low)) for high in without for low in with_deviation]
    surely_above(measure, "L19-fig3-cnn", *pairs)
    assert unclear(last("decomposition", "mean-only"), last("decomposition", "weight"))


def test_gain_and_loss_in_convolutions(measure):
    """At one normalized layer: gamma^2 and the loss are higher with 256 rows than with 8, labels clean or wrong."""
    gains = {
        arm: quantity[:, -1] for arm, curves in load("deep_gain")["data"].items()
        for quantity in [convolutions.quantity(curves, convolutions.GAIN)]
    }  # fmt: skip
    pairs = [(gains[f"{labels} M=256"], gains[f"{labels} M=8"]) for labels in ("clean", "wrong labels")]
    losses = [(last("gain", f"{labels} M=256"), last("gain", f"{labels} M=8")) for labels in ("clean", "wrong labels")]
    surely_above(measure, "L19-fig4-cnn", *pairs, *losses)


def test_dropout_in_convolutions(measure):
    """A lower loss for batch normalization at both shares; weight normalization loses accuracy."""
    surely_above(
        measure, "L19-fig5-cnn", *((last("dropout", "batch 0"), last("dropout", f"batch {p}")) for p in (0.125, 0.25))
    )
    accuracy = "test_accuracy"
    assert 0 < doubt(last("dropout", "weight 0", accuracy), last("dropout", "weight 0.25", accuracy)) < 1


def since_fold(arm, curve):
    """First and last values of an arm's seeds after batch normalization was folded in."""
    curves = load("deep_without")["data"][arm]
    values = np.array(curves[curve])
    return values[:, curves["phase"].index(2)], values[:, -1]


def test_removed_in_convolutions(measure):
    """Norms rise in all layers and seeds, the training loss falls, and the test loss rises more than where it stays."""
    pairs = []
    for labels in ("clean", "wrong labels"):
        first, last_norms = since_fold(f"{labels} without", "squared_norm")
        assert (last_norms > first).all()
        first, final = since_fold(f"{labels} without", "train_loss")
        assert (final < first).all()
        rises = [np.subtract(*since_fold(f"{labels} {arm}", "test_loss")[::-1]) for arm in ("without", "with")]
        assert (rises[0] > 0).all()
        pairs.append(tuple(rises))
    surely_above(measure, "L19-fig7-cnn", *pairs)
    # the noise is not what is missed: with it put back the test loss rises no less
    noisy = np.subtract(*since_fold("wrong labels held still, noise put back", "test_loss")[::-1])
    assert noisy.mean() > pairs[1][0].mean()
    # and all weights together grow more where batch normalization stays
    growth = {}
    for arm in ("without", "with"):
        first, final = (np.sqrt(values.sum(1)) for values in since_fold(f"clean {arm}", "squared_norm"))
        growth[arm] = final / first
    assert 0 < doubt(growth["with"], growth["without"]) < 1


def accuracy(arm, epoch):
    """Test accuracy in % of a start's seeds after so many epochs."""
    return 100 * np.array(load("deep_start")["data"][arm]["test_accuracy"])[:, epoch]


def test_held_statistics_in_resnet9(measure):
    """Ahead of zero biases after one epoch for both sizes of weights; at the end for the small ones alone.

    With He weights the mean does it and the deviation alone is behind; with small ones it takes both.
    """
    pairs = [(accuracy(f"{w} batch statistics", 1), accuracy(f"{w} zero bias", 1)) for w in ("he", "uniform-variance")]
    small = [accuracy(f"uniform-variance {arm}", -1) for arm in ("batch statistics", "zero bias")]
    surely_above(measure, "B22-fig5-resnet9", *pairs, tuple(small))
    assert unclear(accuracy("he batch statistics", -1), accuracy("he zero bias", -1))
    assert 0 < doubt(accuracy("he mean only", 1), accuracy("he zero bias", 1)) < 1
    assert 0 < doubt(accuracy("he zero bias", 1), accuracy("he deviation only", 1)) < 1
    for arm in ("mean only", "deviation only"):
        assert unclear(accuracy(f"uniform-variance {arm}", 1), accuracy("uniform-variance zero bias", 1))


def test_gain_and_shift_in_convolutions(measure):
    """No clear difference in accuracy, and a lower loss with both held."""
    mean, error = paired_difference(last("noise", "held", "test_accuracy"), last("noise", "learned", "test_accuracy"))
    measure("B22-table1-cnn", 100 * (abs(mean) + 2 * error), 1.0)
    assert 0 < doubt(last("noise", "learned"), last("noise", "held")) < 1


def test_added_noise_in_convolutions(measure):
    """The loss falls at eight times a batch's own deviation, and nothing is clear below; accuracy never gains."""
    surely_above(measure, "B22-noise-cnn", (last("noise", "learned"), last("noise", "noise 8")))
    for strength in (1, 4):
        assert unclear(last("noise", f"noise {strength}"), last("noise", "learned"))
    for strength in (1, 4, 8):
        gain = doubt(last("noise", f"noise {strength}", "test_accuracy"), last("noise", "learned", "test_accuracy"))
        assert not 0 < gain < 1
