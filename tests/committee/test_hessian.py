"""Gradient and Hessian of the error against Cauchy's integral over the error of all fields, and T20's figures."""

import math

import numpy as np
import pytest

from bnlib.committee import (
    OrderParameters,
    error_gradient,
    error_hessian,
    fixed_point,
    generalization_error,
    restrict,
)

CASES = [(2, 1.0, None), (5, 0.3, None), (50, 1.0, None), (2, 50.0, None), (3, 4.0, 0.7)]


def error(point, K, tau, rule):
    """T20 eq (13) for complex coordinates: the sum over all pairs of the 2K fields, nothing reduced."""
    R, S, Q, last = point
    own = np.eye(K, dtype=bool)
    C, a = (last, 1) if rule == "none" else (Q, last / np.sqrt(tau * Q))
    cross = a * tau * np.where(own, R, S)
    students, teachers = a * a * tau * np.where(own, Q, C), tau * np.eye(K)
    joint = np.block([[students, cross], [cross.T, teachers]])
    scale = 1 / np.sqrt(1 + np.diag(joint))
    signs = np.repeat([-1, 1], K)
    return np.sum(np.outer(signs, signs) * np.arcsin(joint * np.outer(scale, scale))) / math.pi


def cauchy(function, x, sizes, nodes=32):
    """Gradient and Hessian by Cauchy's integral along lines in the complex plane; the error falls as r^nodes."""
    turns = np.exp(2j * math.pi * np.arange(nodes) / nodes)

    def along(direction):
        values = np.array([function(x + turn * direction) for turn in turns])
        return np.mean(values / turns).real, 2 * np.mean(values / turns**2).real

    axes = np.diag(sizes)
    gradient = np.array([along(axis)[0] for axis in axes])
    hessian = np.array([[(along(a + b)[1] - along(a - b)[1]) / 4 for b in axes] for a in axes])
    return gradient / sizes, hessian / np.outer(sizes, sizes)


@pytest.mark.parametrize("rule", ["none", "batch"])
@pytest.mark.parametrize("K, tau, norm", CASES)
def test_gradient_and_hessian_against_cauchys_integral(K, tau, norm, rule):
    """To 1e-10 of the largest entry: 1e-16 of rounding over squared radii of 1e-2, times condition."""
    keywords = {"normalization": rule, "squared_norm": None if rule == "none" else norm}
    Q, C, R, S, *g = restrict(fixed_point(K, tau, **keywords))
    x = np.array([R, S, Q, *(g or [C])])
    gradient, hessian = cauchy(lambda point: error(point, K, tau, rule), x, 0.1 * x / K)
    H = error_hessian(K, tau, **keywords)
    np.testing.assert_allclose(error_gradient(K, tau, **keywords), gradient, atol=1e-10 * np.abs(gradient).max())
    np.testing.assert_allclose(H, hessian, atol=1e-10 * np.abs(hessian).max())
    np.testing.assert_allclose(H, H.T, atol=1e-12 * np.abs(H).max())


def lowest(K, tau, rule, norm=None):
    return np.linalg.eigvalsh(error_hessian(K, tau, normalization=rule, squared_norm=norm))


@pytest.mark.parametrize("K, tau", [(50, 1.0), (2, 50.0)])
def test_what_T20_reads_off_figures_1_and_2(K, tau):
    """With batch normalization the negative eigenvalues are far smaller at large K or tau, and some are nearly 0."""
    H = error_hessian(K, tau, normalization="none")
    tied = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]])
    with_bn = lowest(K, tau, "batch")
    for without in (lowest(K, tau, "none"), np.linalg.eigvalsh(tied @ H @ tied.T)):
        assert without[0] < -900 and without[0] < 100 * with_bn[0] < 0
    assert np.abs(with_bn).min() < 0.1 * abs(with_bn[0])


def test_the_reading_changes_with_the_length_that_the_error_does_not_feel():
    """The same network with |J|^2 = 1 in place of 1/g*^2 = 99: an eigenvalue 75 times larger, the same error."""
    assert lowest(50, 1.0, "batch", 1.0)[0] < 50 * lowest(50, 1.0, "batch")[0]


@pytest.mark.parametrize("rule", ["none", "batch"])
def test_the_error_is_stationary_in_the_weights_and_not_in_order_parameters(rule):
    """Change of the error with the weights is second order (ratio 4 at half the step), with R alone first order."""
    p = fixed_point(3, 1.5, normalization=rule)
    J = math.sqrt(p.Q[0, 0]) * np.full((3, 3), 3**-0.5)
    V = np.random.default_rng(2).standard_normal((3, 3))

    def change(h):
        moved = OrderParameters.from_weights(J + h * V, np.eye(3), p.gain)
        rest = generalization_error(p, normalization=rule, input_variance=1.5)
        return generalization_error(moved, normalization=rule, input_variance=1.5) - rest

    assert change(1e-3) / change(5e-4) == pytest.approx(4, rel=0.02)  # next order h
    assert np.abs(error_gradient(3, 1.5, normalization=rule)[:2]).min() > 0.05
