"""What the figures of chapters 5, 6 and 8 claim about themselves: answers to their questions, laws that they draw."""

import re
from itertools import product

import numpy as np
import pytest

from bnlib.book.figures import find
from bnlib.perceptron.statistics import gaussian_mean_inverse_sigma, gaussian_mean_inverse_square_sigma
from tests.stray import leaves, panels, stray


@pytest.mark.parametrize("name, settings, choice", [
    ("to-two", {}, "uniform"),
    ("to-two", {"batch_size": 2}, "a valley"),
    ("to-two", {"batch_size": 50}, "nearly a bell"),
    ("to-two", {"statistics": "of-another-batch"}, "a bell with heavy tails"),
    ("theorem-one", {}, "near the teacher's gain only"),
    ("theorem-one", {"activation": "identity", "teacher_gain": 2.0}, "near the teacher's gain only"),
    ("theorem-one", {"activation": "logistic"}, "at nearly all of them"),
    ("theorem-one", {"first_order": "kept"}, "at nearly all of them"),
])  # fmt: skip
def test_right_answers(name, settings, choice):
    figure = find(name)
    assert figure.predict.choices[figure.predict.right(figure.result(**settings))].startswith(choice)


@pytest.mark.parametrize("batch_size", [3, 5, 20])
@pytest.mark.parametrize("statistics", ["of-its-own-batch", "of-another-batch"])
def test_drawn_density_is_that_of_the_samples(batch_size, statistics):
    """Counts of 6000 samples in bins of 0.16: within 5 standard errors of the density drawn (away from its ends)."""
    r = find("to-two").result(batch_size=batch_size, statistics=statistics)
    middle, width = (r["edges"][1:] + r["edges"][:-1]) / 2, r["edges"][1] - r["edges"][0]
    inside = np.abs(middle) < 1.2
    expected = np.interp(middle, r["grid"], r["density"])[inside]
    error = np.sqrt(expected / (6000 * width))
    assert np.all(np.abs(r["found"][inside] - expected) < 5 * error)
    share = np.sqrt(r["beyond"] * (1 - r["beyond"]) / 6000)
    assert abs(r["found_beyond"] - r["beyond"]) <= 5 * share


def test_epoch_points_are_on_their_lines():
    """All but the whole set within 4.5 standard errors, 42 comparisons."""
    for law in ("Gaussian", "uniform", "exponential"):
        r = find("one-epoch").result(law=law)
        assert np.all(np.abs(r["variance"] - r["expected"])[:-1] < 4.5 * r["variance_error"][:-1])
        assert abs(r["variance"][-1]) < 1e-12 and abs(r["bias"][-1]) < 1e-12


def test_theorem_1_does_well_for_the_logistic_unit():
    """It misses a twentieth of the largest addition for its own batch, and for softplus more than all of it."""
    share = {}
    for activation in ("logistic", "softplus"):
        r = find("theorem-one").result(activation=activation)
        share[activation] = r["miss"]["batch"] / np.abs(r["exact"]["batch"]).max()
    assert share["logistic"] == pytest.approx(1 / 20, abs=0.005) and share["softplus"] > 1


def test_what_theorem_1_and_the_corrected_one_leave_of_an_independent_batch():
    """Chapter 6: 0.38 of 0.83 (logistic, theorem 1), and 0.24 of 4.5 (softplus, corrected), a quarter of it at 4 M."""
    r = find("theorem-one").result(activation="logistic")
    assert (r["miss"]["independent"], r["exact"]["independent"].max()) == pytest.approx((0.38, 0.83), abs=0.005)
    r = find("theorem-one").result(first_order="kept")
    assert r["miss"]["independent"] == pytest.approx(0.24, abs=0.005)
    assert np.abs(r["exact"]["independent"]).max() == pytest.approx(4.5, abs=0.05)
    larger = find("theorem-one").result(first_order="kept", batch_size=256)
    assert larger["miss"]["independent"] / r["miss"]["independent"] == pytest.approx(1 / 4, abs=0.02)


def test_relative_shifts_of_the_logistic_gain():
    """Chapter 6: M times the relative shift, for large M; the next order at the largest size is below 0.005."""
    for gain, batch, theorem in ((1.0, -1.18, -1.50), (2.0, -1.92, -1.83)):
        shifts = find("gamma-landscape").result(activation="logistic", teacher_gain=gain)["shifts"]
        assert (shifts["batch"][-1], shifts["theorem"][-1]) == pytest.approx((batch, theorem), abs=0.01)


def test_landscape_dots_are_minima_of_their_curves():
    r = find("gamma-landscape").result(activation="logistic", teacher_gain=1.4)
    for kind, loss in r["loss"].items():
        assert r["height"][kind] <= loss.min() + 1e-12
        assert abs(r["gains"][loss.argmin()] - r["best"][kind]) <= r["gains"][1] - r["gains"][0]


def test_what_independent_batches_and_population_statistics_leave_at_load_1():
    """Chapter 8: ridge with alpha/M is shrunk by 0.88 at M = 16; with population statistics the runs end at 1.55."""
    assert gaussian_mean_inverse_sigma(16) / gaussian_mean_inverse_square_sigma(16) == pytest.approx(0.88, abs=0.005)
    r = find("to-the-end").result(statistics="population")
    assert r["middle"][-1] == pytest.approx(1.55, abs=0.005)
    words = find("to-the-end").text(load=1.5, time=17800.0)
    assert "At t = 1000, where the runs end, the error is" in words


def every(name):
    """All settings of a figure."""
    parameters = find(name).parameters
    return [dict(zip([p.name for p in parameters], at)) for at in product(*(p.values for p in parameters))]


def test_what_is_said_to_climb_climbs_in_the_words():
    """The caption's end against its lowest, two digits each; ridge itself, with independent batches, does not climb."""
    figure = find("to-the-end")
    for setting in every("to-the-end")[:: len(figure.parameters[-1].values)]:  # the time moves a dot only
        r = figure.result(**setting)
        end, lowest = map(
            float, re.search(r"at the end ([\d.]+); its lowest is ([\d.]+),", figure.describe(r)).groups()
        )
        climbs = figure.predict.choices[figure.predict.right(r)] == "it falls, and then climbs"
        assert climbs == (end > 1.1 * lowest) == (setting["rule"] != "batch-independent"), setting
        assert climbs or end < r["ridge"]


def test_ridge_and_its_dot_are_in_sight_at_every_noise():
    """Least squares (dashed) may leave, for the caption calls it infinite; the right line only if it says how far."""
    figure = find("double-descent")
    chosen = {"noise": (0.25, 2.25), "reading": ("alpha-zeta",), "measure": ("error", "with-noise")}
    for setting in every("double-descent"):
        if any(setting[name] not in values for name, values in chosen.items()):
            continue
        r = figure.result(**setting)
        main, cut = panels(figure, r)
        assert not [line for line in main.get_lines() if line.get_linestyle() != "--" and leaves(line, main)], setting
        line, dot = cut.get_lines()[:2]
        assert not leaves(dot, cut)
        assert leaves(line, cut) == ("the right line goes on to" in figure.describe(r)), setting


def test_all_exponents_of_the_remainder_are_in_sight():
    figure = find("residual")
    for setting in every("residual"):
        assert not stray(figure, figure.result(**setting)), setting
