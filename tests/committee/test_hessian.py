"""Gradient and Hessian of the error against Cauchy's integral over the error of all fields, and T20's figures."""

import math

import numpy as np
import pytest

from bnlib.committee import (
    CHARTS,
    OrderParameters,
    chart_hessian,
    embed,
    error_gradient,
    error_hessian,
    escape_rate,
    fixed_point,
    flow,
    generalization_error,
    plateau_squared_norm,
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
def test_gradient_and_hessian_against_cauchys_integral(K, tau, norm, rule, measure):
    """To 1e-10 of the largest: rounding 1e-16 of K^2 terms over a squared relative radius of 1e-4 and more."""
    keywords = {"normalization": rule, "squared_norm": None if rule == "none" else norm}
    Q, C, R, S, *g = restrict(fixed_point(K, tau, **keywords))
    x = np.array([R, S, Q, *(g or [C])])
    gradient, hessian = cauchy(lambda point: error(point, K, tau, rule), x, min(0.05, 0.5 / K) * x)
    H = error_hessian(K, tau, **keywords)
    np.testing.assert_allclose(
        error_gradient(K, tau, **keywords), gradient, rtol=0, atol=1e-10 * np.abs(gradient).max()
    )
    measure("T20-hessian", np.abs(H - hessian).max() / np.abs(hessian).max(), 1e-10)
    values, others = np.linalg.eigvalsh(H), np.linalg.eigvalsh(hessian)
    measure("T20-hessian", np.abs(values - others).max() / np.abs(others).max(), 1e-10)
    np.testing.assert_allclose(H, H.T, rtol=0, atol=1e-12 * np.abs(H).max())


def lowest(K, tau, rule, norm=None):
    return np.linalg.eigvalsh(error_hessian(K, tau, normalization=rule, squared_norm=norm))


@pytest.mark.parametrize("claim, K, tau", [("T20-fig1", 50, 1.0), ("T20-fig2", 2, 50.0)])
def test_what_T20_reads_off_figures_1_and_2(claim, K, tau, measure):
    """With batch normalization the negative eigenvalues are far smaller at large K or tau, and some are nearly 0."""
    H = error_hessian(K, tau, normalization="none")
    tied = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]])
    with_bn = lowest(K, tau, "batch")
    for without in (lowest(K, tau, "none"), np.linalg.eigvalsh(tied @ H @ tied.T)):
        assert without[0] < -900 and with_bn[0] < 0
        measure(claim, with_bn[0] / without[0], 0.01)
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


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("K, tau, norm", [(2, 1.0, 1.0), (5, 0.3, 0.2), (3, 4.0, None)])
def test_hessians_in_other_charts_against_cauchys_integral(chart, K, tau, norm):
    """The error as a function of the chart's own coordinates, differentiated in the complex plane; 1e-10 as above."""
    Q, _, R, S, g = restrict(fixed_point(K, tau, normalization="batch", squared_norm=norm))
    length = math.sqrt(Q)
    at, old = {
        "orders": ([R, S, Q, g], lambda u: u),
        "lengths": ([R, S, length, math.log(g)], lambda u: (u[0], u[1], u[2] ** 2, np.exp(u[3]))),
        "cosines": (
            [R / length, S / length, math.log(length), math.log(g)],
            lambda u: (u[0] * np.exp(u[2]), u[1] * np.exp(u[2]), np.exp(2 * u[2]), np.exp(u[3])),
        ),
    }[chart]
    sizes = 0.3 / K * np.maximum(np.abs(at), 0.1)
    _, hessian = cauchy(lambda u: error(old(u), K, tau, "batch"), np.array(at), sizes)
    H = chart_hessian(K, tau, chart=chart, squared_norm=norm)
    np.testing.assert_allclose(H, hessian, rtol=0, atol=1e-10 * np.abs(hessian).max())


def test_charts_do_not_agree_on_how_many_eigenvalues_are_negative(measure):
    """Three in T20's coordinates, two in (R, S, sqrt Q, ln g): signs far beyond round-off. The network is one."""
    negative = [np.linalg.eigvalsh(chart_hessian(2, chart=c, squared_norm=1.0)) for c in CHARTS[:2]]
    assert [int(np.sum(values < -1e-3)) for values in negative] == [3, 2]
    assert [int(np.sum(values > 1e-3)) for values in negative] == [1, 2]
    slope = error_gradient(2, normalization="batch", squared_norm=1.0)
    by_hand = chart_hessian(2, chart="orders", squared_norm=1.0)[2, 2] * 4 + 2 * slope[2]  # Q = l^2 at l = 1
    measure(
        "T20-eigenvalues-and-escape", abs(by_hand - chart_hessian(2, chart="lengths", squared_norm=1.0)[2, 2]), 1e-12
    )


def test_at_the_usual_start_the_lowest_eigenvalue_and_the_escape_point_opposite_ways():
    """|J|^2 = 1: batch normalization has the lower eigenvalue of the two, and leaves three times more slowly."""
    assert lowest(2, 1.0, "batch", 1.0)[0] < lowest(2, 1.0, "none")[0] < 0
    ratio = escape_rate(2, normalization="none") / escape_rate(2, normalization="batch", squared_norm=1.0)
    assert ratio == pytest.approx(3)


def test_no_network_is_where_the_negative_eigenvalues_point():
    """T20 ties C to Q: then all students are one vector, and R = S. Overlaps with R != S are no Gram matrix."""
    Q, C, R, S = restrict(fixed_point(3, 1.5, normalization="none"))
    assert embed([Q, C, R, S], 3).K == 3
    for state in ([Q, C, R + 1e-3, S - 5e-4], [Q, C, 1.01 * R, 1.01 * S]):
        with pytest.raises(ValueError, match="positive semidefinite"):
            embed(state, 3)


def test_the_product_that_T20_takes_for_one_is_what_each_rule_makes_of_it(measure):
    """From |J|^2 = g^2 = 1 at tau = 4: T20's product Q g^2 is 1 only at the start. Tolerances of the integrator."""
    start = embed([1.0, 0.0, 0.11, 0.09, 1.0], 2)
    level = 4 / (2 + 4)  # g*^2
    gaps = []
    for rule, on_plateau in (("batch", level), ("batch-stop-gradient", level**2)):
        norm = plateau_squared_norm(2, 4.0, normalization=rule)
        assert norm * level == pytest.approx(on_plateau)
        path = flow(start, [0.0, 1e4], normalization=rule, input_variance=4.0)
        product = path.Q[-1, 0, 0] * path.gain[-1, 0] ** 2
        gaps.append(abs(product / {"batch": 4, "batch-stop-gradient": 16}[rule] - 1))  # g^2 = tau, |J|^2 = 1 or tau
    measure("T20-gauge", max(gaps), 1e-6)


def test_the_flattest_direction_of_figure_1_is_nearly_the_free_length():
    """Longer students, (R/2, S/2, Q, 0), against the eigenvector at K = 50; the chapter prints 0.9999."""
    values, vectors = np.linalg.eigh(error_hessian(50, normalization="batch"))
    Q, _, R, S, _ = restrict(fixed_point(50, normalization="batch"))
    longer = np.array([R / 2, S / 2, Q, 0]) / math.hypot(R / 2, S / 2, Q)
    assert abs(longer @ vectors[:, np.argmin(np.abs(values))]) == pytest.approx(0.99995, abs=5e-6)
