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
