"""I1, I2, I3 against quadrature, against part I's formulas for the same averages, and against their own differences."""

import math

import numpy as np
import pytest

from bnlib.committee import I3, I4
from bnlib.perceptron import I123, I123_slopes, mean_squared_error
from bnlib.perceptron.averages import activation_and_slope

GRID = [(Q, R) for Q in (0.3, 1.0, 1.7) for R in (-0.8, 0.0, 0.35, 0.95)]


def trapezium(Q, R, integrand):
    """Average over s, t on a grid of step 0.1 up to 9: for entire integrands exact to round-off."""
    x = np.linspace(-9, 9, 181)
    w = np.exp(-(x**2) / 2)
    w = w / w.sum()
    return w @ integrand(Q * x[:, None], R * x[:, None] + math.sqrt(1 - R**2) * x[None, :]) @ w


def polar(Q, R, integrand, count=40):
    """Average of a function of degree 2 along rays: <r^2> = 2 times the mean over the angle, kink by kink."""
    turn = math.acos(R)
    kinks = sorted({k * math.pi / 2 % (2 * math.pi) for k in (1, 3)} | {(turn + k * math.pi / 2) % (2 * math.pi)
                                                                    for k in (1, 3)} | {0.0, 2 * math.pi})  # fmt: skip
    x, w = np.polynomial.legendre.leggauss(count)
    total = 0.0
    for low, high in zip(kinks, kinks[1:]):
        angle = low + (high - low) * (x + 1) / 2
        total += (high - low) / 2 * w @ integrand(Q * np.cos(angle), np.cos(angle - turn))
    return total / math.pi


def integrands(activation):
    g, slope = activation_and_slope(activation)
    delta = lambda s, t: slope(s) * (g(t) - g(s))  # noqa: E731
    return (
        lambda s, t: delta(s, t) * s,
        lambda s, t: delta(s, t) ** 2,
        lambda s, t: delta(s, t) * t,
        lambda s, t: (g(t) - g(s)) ** 2,
    )


@pytest.mark.parametrize("activation", ["relu", "erf", "identity"])
def test_closed_forms_agree_with_quadrature(activation, measure):
    """To the 1e-10 that the issue asks; both quadratures are exact to round-off."""
    average = trapezium if activation == "erf" else polar
    gaps = []
    for Q, R in GRID:
        found = np.array([*I123(Q, R, activation), mean_squared_error(Q, R, activation)])
        gaps.append(abs(found - [average(Q, R, part) for part in integrands(activation)]).max())
    measure("L19-averages-relu" if activation != "erf" else "L19-averages-erf", max(gaps), 1e-10)


def test_error_function_averages_are_those_of_part_one():
    """The same averages, derived there for committees: two formulas and two modules."""
    for Q, R in GRID:
        C = np.array([[Q * Q, Q * R], [Q * R, 1.0]])
        of_three, of_four = I3(C, 1)[0], I4(C, 1)[0, 0]
        expected = [
            of_three[0, 1] - of_three[0, 0],
            of_four[1, 1] + of_four[0, 0] - 2 * of_four[0, 1],
            of_three[1, 1] - of_three[1, 0],
        ]
        assert np.allclose(I123(Q, R, "erf"), expected, rtol=0, atol=1e-14)


def test_two_arcsines_are_not_enough():
    """The form with 1/(1+3Q^2) alone in the second arcsine and no third does not vanish for a perfect student."""
    Q = R = 1.0
    E = 2 * (1 + 2 * Q**2) - 2 * Q**2 * R**2
    two = 4 / (math.pi**2 * math.sqrt(3)) * (math.asin(1 / 4) - math.asin(1 / math.sqrt(4 * E)))
    assert I123(1.0, 1.0, "erf")[1] == 0.0
    Q, R = 0.7, 0.3
    E = 2 * (1 + 2 * Q**2) - 2 * Q**2 * R**2
    front, F = 4 / (math.pi**2 * math.sqrt(1 + 2 * Q**2)), 1 + 3 * Q**2
    two = front * (math.asin(1 / F) - math.asin(1 / math.sqrt(F * E)))
    assert abs(two - I123(Q, R, "erf")[1]) > 0.01


@pytest.mark.parametrize("activation", ["relu", "erf", "identity"])
def test_slopes_are_the_differences_of_the_averages(activation):
    """Fourth-order differences with step 1e-3: error about 1e-12 times a fifth derivative."""
    weights, steps = np.array([1, -8, 8, -1]) / 12, np.array([-2, -1, 1, 2])
    for Q, R in GRID:
        on_Q, on_R = I123_slopes(Q, R, activation)
        h = 1e-3
        by_Q = weights @ [I123(Q + k * h, R, activation) for k in steps] / h
        by_R = weights @ [I123(Q, R + k * h, activation) for k in steps] / h
        assert np.allclose([on_Q, on_R], [by_Q, by_R], rtol=0, atol=1e-8)


def test_slopes_at_the_teacher():
    """At R = 1, by one-sided limits: L19's table needs them there."""
    for activation in ("relu", "erf", "identity"):
        limit = np.array(I123_slopes(0.8, 1 - 1e-10, activation))
        assert np.allclose(I123_slopes(0.8, 1.0, activation), limit, atol=1e-4)  # sqrt(1 - R^2) = 1.4e-5


def test_arrays_broadcast():
    Q, R = np.array([[0.5], [1.0]]), np.array([0.0, 0.5, 1.0])
    assert all(part.shape == (2, 3) for part in I123(Q, R, "relu"))
    assert all(part.shape == (2, 3) for parts in I123_slopes(Q, R, "identity") for part in parts)
    assert I123(Q, R, "erf")[1][1, 2] == 0.0


@pytest.mark.parametrize("wrong, name", [
    ((-0.1, 0.0, "relu"), "Q"), ((1.0, 1.2, "relu"), "R"), ((1.0, -1.01, "erf"), "R"),
    ((1.0, 0.0, "tanh"), "activation"), ((math.nan, 0.0, "relu"), "Q"), (("a", 0.0, "relu"), "Q"),
])  # fmt: skip
def test_bad_input_is_named(wrong, name):
    for function in (I123, I123_slopes, mean_squared_error):
        with pytest.raises(ValueError, match=f"^{name} must"):
            function(*wrong)
