"""What the figures of chapters 3, 4 and 15 claim about themselves: directions, signs, answers, and what is in sight."""

import re

import numpy as np
import pytest

from bnlib.book.figures import find
from bnlib.book.figures.committee.rules import compared
from tests.stray import stray


def values(figure, name):
    return next(parameter.values for parameter in find(figure).parameters if parameter.name == name)


@pytest.mark.parametrize("norm", values("escape-rate", "squared_norm"))
@pytest.mark.parametrize("students, input_variance", [(2, 1.0), (2, 3.0), (50, 50.0)])
def test_the_escape_rates_words_have_the_right_direction(norm, students, input_variance):
    """K = 2, tau = 3 and |J|^2 = 0.2 is the border, where the law's ratio [K + (K - 1) tau] |J|^2 is 1."""
    words = find("escape-rate").text(squared_norm=norm, students=students, input_variance=input_variance)
    ratio = (students + (students - 1) * input_variance) * norm  # eq-hessian-rate-bn
    if abs(ratio - 1) < 1e-9:
        assert "with it, the same." in words
        return
    times, way = re.search(r"with it, (\S+) times (less|more)\.", words).groups()
    assert way == ("less" if ratio > 1 else "more")
    assert float(times) == pytest.approx(max(ratio, 1 / ratio), rel=5e-3)  # three digits


def test_a_ratio_is_compared_from_both_sides():
    assert compared(4) == "4 times less" and compared(1 / 4) == "4 times more"


@pytest.mark.parametrize("coordinate", values("edge", "coordinate"))
@pytest.mark.parametrize("rule", values("edge", "rule"))
def test_the_step_that_the_slope_asks_for_lowers_the_error(coordinate, rule):
    """The error one thousandth of that step further is lower by a thousandth of itself, to second order."""
    for students in values("edge", "students"):
        for tau in values("edge", "input_variance"):
            setting = {"coordinate": coordinate, "rule": rule, "students": students, "input_variance": tau}
            r, words = find("edge").result(**setting), find("edge").text(**setting)
            step = re.search(r"one of ([+−][\d.]+) % would bring it below zero", words)
            if step is None:
                assert r["slope"] < 1 and "not even Q = 0 would bring it to zero" in words
                continue
            share = float(step[1].replace("−", "-")) / 100
            assert share > -1
            small = 0.005 * np.sign(share)  # the first point of the drawn curve on that side
            change = np.interp(small, r["steps"], r["along"])
            assert change < 0 and change * share / small == pytest.approx(-1, abs=0.15)


def test_the_delay_law_is_asked_of_the_flow_and_answered_by_it():
    """Ratios within 5 % of 1 are called the same time. Descent at finite batches may differ: its words are its own."""
    figure = find("delay-law")
    assert "flow" in figure.predict.question
    for norm, choice in ((0.05, "sooner"), (0.2, "at the same time, within 5 %"), (1.0, "later")):
        r = figure.result(squared_norm=norm)
        assert figure.predict.choices[figure.predict.right(r)] == choice
        assert f"{r['ends']['batch'] / r['ends']['none']:.2f} times as long; the law says" in figure.describe(r)


@pytest.mark.parametrize("coordinates", values("t20-eigenvalues", "coordinates"))
@pytest.mark.parametrize("setting", [{}, {"input_variance": 3.0}, {"input_variance": 50.0}, {"students": 50}])
def test_all_eigenvalues_are_in_sight(setting, coordinates):
    figure = find("t20-eigenvalues")
    result = figure.result(coordinates=coordinates, **setting)
    assert not stray(figure, result, "wide") and not stray(figure, result, "narrow")


def test_figure_3_gives_small_errors_a_bound():
    for students in values("figure-3", "students"):
        words = find("figure-3").text(students=students)
        assert not re.search(r"(medians|,) 0[,.]? ", words) and f"K = {students}" in words


@pytest.mark.parametrize("tau", values("neuron-gain", "input_variance"))
@pytest.mark.parametrize("batch_mean", values("neuron-gain", "batch_mean"))
def test_the_answer_about_gamma_decay_is_that_of_the_words(tau, batch_mean):
    figure = find("neuron-gain")
    r = figure.result(input_variance=tau, batch_mean=batch_mean)
    said = float(re.search(r"Gamma decay alone[^−\d]*(−?[\d.]+\d)", figure.describe(r))[1].replace("−", "-"))
    choice = figure.predict.choices[figure.predict.right(r)].split()[1] if said else "neither"
    assert choice == {-1: "lowers", 0: "neither", 1: "raises"}[int(np.sign(said))]
