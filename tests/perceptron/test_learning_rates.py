"""Fixed points and learning rates: closed forms, differences, the flow's own behaviour, and the propositions."""

import itertools
import math

import numpy as np
import pytest

from bnlib.perceptron import (
    I123,
    I123_slopes,
    effective_learning_rate,
    eigenvalues,
    fixed_point,
    flow,
    jacobian,
    max_learning_rate,
    noise_floor,
    plain_flow,
    saddle_node,
)
from bnlib.perceptron.averages import FORMS
from bnlib.perceptron.dynamics import plain_velocity, velocity
from bnlib.perceptron.learning_rates import LAST_ERF_FLOOR, _rate_at

ACTIVATIONS = ("relu", "erf", "identity")
ZETAS = (1e-3, 0.01, 0.1, 0.5, 1.0, 3.0, 10.0)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("zeta", ZETAS)
def test_gain_and_cosine_rest_at_the_fixed_point(activation, zeta):
    gamma, R = fixed_point(activation, zeta=zeta, normalization="batch")
    I1, _, I3 = I123(gamma, R, activation)
    assert R == 1 and abs(I1 / gamma - zeta * gamma) < 1e-12
    assert abs(gamma * I3 - R * I1) < 1e-12  # the first-order part of dR/dt


def test_closed_forms_of_the_gain():
    gaps = [abs(fixed_point("relu", zeta=z, normalization="batch")[0] - 1 / (1 + 2 * z)) for z in ZETAS]
    assert max(gaps) < 1e-15
    assert abs(fixed_point("erf", zeta=0.25, normalization="batch")[0] - 0.5093993532) < 1e-10
    assert abs(fixed_point("erf", zeta=0.25, normalization="batch")[0] - 1 / 1.5) > 0.1
    for normalization in ("none", "weight"):
        assert fixed_point("erf", zeta=0.25, normalization=normalization) == (1.0, 1.0)
    ends = [flow((0.7, 0.3, 1), [3000.0], activation=a, learning_rate=0.05, zeta=0.25)[0, 0] for a in ACTIVATIONS]
    rest = [fixed_point(a, zeta=0.25, normalization="batch")[0] for a in ACTIVATIONS]
    assert np.allclose(ends, rest, atol=1e-3)  # 1 - R, and with it the gain's lag, is still of this order


@pytest.mark.parametrize("zeta", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_jacobian_is_the_derivative_of_the_flow(activation, zeta):
    """Central differences with step 1e-5: error 1e-10 times a third derivative, round-off 1e-11."""
    state, h = np.array([0.8, 0.6, 1.3]), 1e-5
    numeric = np.empty((3, 3))
    for k in range(3):
        move = h * np.eye(3)[k]
        ahead, behind = (velocity(state + sign * move, FORMS[activation], 1.7, zeta) for sign in (1, -1))
        numeric[:, k] = (np.array(ahead) - behind) / (2 * h)
    exact = jacobian(state, activation=activation, learning_rate=1.7, zeta=zeta)
    assert np.allclose(exact, numeric, atol=1e-8)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_eigenvalues_are_those_of_the_jacobian(activation, measure):
    """At R = 1 without I2 the matrix is triangular (proposition 1); with I2 the row of R still is, in R alone.

    With zeta > 0 the exact matrix has a small entry in (R, gamma) and (R, L) from I2; at zeta = 0 it has none.
    """
    gaps = []
    for zeta in (0.0, 0.1, 0.5):
        gamma, _ = fixed_point(activation, zeta=zeta, normalization="batch")
        J = jacobian((gamma, 1.0, 1.2), activation=activation, learning_rate=0.9, zeta=zeta)
        rates = eigenvalues(activation, learning_rate=0.9, length=1.2, zeta=zeta, with_noise=True)
        gaps += [abs(J[0, 0] - rates[0]), abs(J[1, 1] - rates[1])]
        paper = eigenvalues(activation, learning_rate=0.9, length=1.2, zeta=zeta)
        I2 = I123(gamma, 1.0, activation)[1]
        effective = effective_learning_rate(0.9, 1.2, gamma0=gamma, normalization="batch")
        gaps.append(abs(rates[1] - (paper[1] - effective**2 * I2 / 2)))
        printed = I123_slopes(gamma, 1.0, activation)[1][1] / 2 * effective
        largest = max_learning_rate(activation, zeta=zeta, normalization="batch")
        gaps.append(abs(paper[1] - printed * (largest - effective)))
        if zeta == 0:
            assert np.allclose(sorted(np.linalg.eigvals(J).real), sorted(rates), atol=1e-8)
            assert abs(J[1, 0]) < 1e-12 and abs(J[1, 2]) < 1e-12
    measure("L19-prop1", max(gaps), 1e-10)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_stable_exactly_below_the_maximum(activation, measure):
    """Proposition 2, on a scan of zeta: dI2/dR < 0, lambda_Q < 0, and lambda_R changes sign at eta_max."""
    worst = -math.inf
    for zeta in (0.0, *ZETAS):
        gamma, _ = fixed_point(activation, zeta=zeta, normalization="batch")
        largest = max_learning_rate(activation, zeta=zeta, normalization="batch")
        below, above = (
            eigenvalues(activation, learning_rate=factor * largest / gamma, zeta=zeta) for factor in (0.999, 1.001)
        )
        assert below[1] < 0 < above[1]
        worst = max(worst, below[0], I123_slopes(gamma, 1.0, activation)[1][1])
    measure("L19-prop2", worst, 0)


@pytest.mark.parametrize("eta, grows", [(1.98, False), (2.02, True)])
def test_the_flow_itself_leaves_where_the_maximum_says(eta, grows):
    """Plain ReLU descent from R = 1 - 1e-6: lambda_R = -eta + eta^2/2 is -0.02 or +0.02."""
    R = plain_flow((1.0, 1 - 1e-6), [0.0, 100.0], activation="relu", learning_rate=eta)[:, 1]
    assert (1 - R[1] > 1 - R[0]) == grows


def test_largest_rates_in_closed_form(measure):
    gaps = []
    for zeta in (0.0, *ZETAS):
        gaps.append(abs(max_learning_rate("relu", zeta=zeta, normalization="batch") - (2 + 4 * zeta)))
        gaps.append(abs(max_learning_rate("identity", zeta=zeta, normalization="batch") - (2 + 2 * zeta)))
    for activation, expected in (("relu", 2.0), ("identity", 2.0), ("erf", 4.0557786760)):
        for normalization in ("none", "weight"):
            gaps.append(abs(max_learning_rate(activation, zeta=0.3, normalization=normalization) - expected))
    measure("L19-table1-rates", max(gaps), 1e-9)


def test_batch_normalization_gains_at_least_two_zeta(measure):
    """Proposition 3, and how much more than it says: ReLU 4 zeta, identity just 2 zeta, erf at least 4 zeta."""
    short = -math.inf
    for activation, factor in (("relu", 4), ("identity", 2), ("erf", 4)):
        plain = max_learning_rate(activation, normalization="weight")
        for zeta in (0.0, *ZETAS):
            gain = max_learning_rate(activation, zeta=zeta, normalization="batch") - plain
            short = max(short, 2 * zeta - gain)
            assert gain >= factor * zeta * (1 - 1e-12) - 1e-12
    measure("L19-prop3", max(short, 0.0), 1e-12)


def test_bound_with_the_noise_kept():
    """ReLU: 1/(gamma0/2 - (1-gamma0)^2/4), infinite from zeta = (1 + sqrt 3)/2 on; equal to the paper's at zeta = 0."""
    for zeta in (0.0, 0.1, 1.0, 1.36):
        gamma = 1 / (1 + 2 * zeta)
        exact = max_learning_rate("relu", zeta=zeta, normalization="batch", with_noise=True)
        assert abs(exact * (gamma / 2 - (1 - gamma) ** 2 / 4) - 1) < 1e-12
    edge = (1 + math.sqrt(3)) / 2
    assert math.isfinite(max_learning_rate("relu", zeta=edge - 1e-6, normalization="batch", with_noise=True))
    assert math.isinf(max_learning_rate("relu", zeta=edge + 1e-6, normalization="batch", with_noise=True))


def test_effective_rate_of_batch_normalization_is_the_smaller_one(measure):
    """At equal eta and L it is gamma0 < 1 times that of weight normalization; against plain descent L decides."""
    gamma, _ = fixed_point("relu", zeta=0.05, normalization="batch")
    batch, weight, none = (
        effective_learning_rate(1.0, 1.2, gamma0=gamma, normalization=name) for name in ("batch", "weight", "none")
    )
    measure("L19-larger-rates", abs(batch / weight - gamma), 1e-12)
    assert batch < weight < none
    assert effective_learning_rate(1.0, 0.9, gamma0=gamma, normalization="batch") > none  # L^2 = 0.81 < 0.909


def plain_jacobian(activation, eta, Q, R, h=1e-6):
    """By central differences."""
    columns = []
    for move in ((h, 0), (0, h)):
        ahead, behind = (plain_velocity((Q + s * move[0], R + s * move[1]), FORMS[activation], eta) for s in (1, -1))
        columns.append((np.array(ahead) - behind) / (2 * h))
    return np.array(columns).T


@pytest.mark.parametrize("activation, eta, Q, R", [
    ("relu", 2.2, 1.28430, 0.70833), ("erf", 4.2, 1.0620, 0.98595), ("erf", 5.0, 1.4596, 0.9392),
    ("erf", 8.0, 7.0892, 0.9587),
])  # fmt: skip
def test_noise_floors(activation, eta, Q, R):
    """At rest, stable, and at the values found before by long runs of the flow (to the digits noted then)."""
    found = noise_floor(activation, eta)
    assert np.allclose(found, (Q, R), atol=6e-5)
    assert np.allclose(plain_velocity(found, FORMS[activation], eta), 0, atol=1e-11)
    assert np.linalg.eigvals(plain_jacobian(activation, eta, *found)).real.max() < 0


def test_the_flow_ends_on_the_noise_floor():
    end = plain_flow((0.7, 0.3), [2000.0], activation="relu", learning_rate=2.2)[0]
    assert np.allclose(end, noise_floor("relu", 2.2), atol=1e-8)
    back = plain_flow((2.5, 0.3), [2000.0], activation="relu", learning_rate=2.2)[0]
    assert np.allclose(back, end, atol=1e-8)
    assert np.isinf(plain_flow((3.0, 0.2), [2000.0], activation="relu", learning_rate=2.2)[0, 0])


def test_saddle_node(measure):
    """One eigenvalue is 0 there; the flow settles just below and runs away just above."""
    eta, Q, R = saddle_node()
    assert abs(np.linalg.det(plain_jacobian("relu", eta, Q, R))) < 1e-6
    below = plain_flow((Q - 0.1, R), [1e4], activation="relu", learning_rate=eta - 1e-3)[0]
    above = plain_flow((Q - 0.1, R), [1e4], activation="relu", learning_rate=eta + 1e-3)[0]
    assert np.isfinite(below).all() and np.isinf(above[0])
    with pytest.raises(ValueError, match="learning_rate must be below 2.2465"):
        noise_floor("relu", 2.25)
    measure("own-saddle-node", abs(eta - 2.24649922), 1e-7)


def test_beyond_the_saddle_node_all_run_away():
    """From 42 starts, the teacher's neighbourhood among them, at two rates beyond."""
    for start in itertools.product((0.05, 0.3, 0.7, 1.0, 1.7, 3.0, 8.0), (-0.9, -0.3, 0.1, 0.5, 0.9, 0.99)):
        for eta in (2.26, 6.0):
            assert np.isinf(plain_flow(start, [3000.0], activation="relu", learning_rate=eta)[0, 0])


def test_error_function_floors_end_at_pi_over_arcsin_of_a_third(measure):
    """The limit on the curve, an existing floor just below, growth as t^(1/3) just above."""
    assert noise_floor("erf", 9.24)[0] > 1000
    with pytest.raises(ValueError, match="below 9.2444"):
        noise_floor("erf", 9.3)
    times = [1e7, 1e9]
    Q = plain_flow((1.0, 0.5), times, activation="erf", learning_rate=12.0)[:, 0]
    power = math.log(Q[1] / Q[0]) / math.log(100)
    assert abs(power - 1 / 3) < 0.02
    # I1 ~ -sqrt2/(pi Q) and I2 ~ 4 arcsin(1/3)/(pi^2 sqrt2 Q) on I3 = 0
    rates = [_rate_at("erf", Q) for Q in (100.0, 200.0)]
    measure("own-erf-floor", abs(2 * rates[1] - rates[0] - LAST_ERF_FLOOR), 1e-3)  # 1/Q taken out, 1/Q^2 left


def test_no_floor_for_the_identity():
    with pytest.raises(ValueError, match="activation"):
        noise_floor("identity", 2.1)
    assert noise_floor("relu", 1.9) == (1.0, 1.0)


@pytest.mark.parametrize("call, name", [
    (lambda: fixed_point("relu", zeta=-0.1, normalization="batch"), "zeta"),
    (lambda: fixed_point("relu", normalization="layer"), "normalization"),
    (lambda: max_learning_rate("tanh", normalization="batch"), "activation"),
    (lambda: effective_learning_rate(-1.0, 1.0, normalization="none"), "learning_rate"),
    (lambda: effective_learning_rate(1.0, 0.0, normalization="none"), "length"),
    (lambda: jacobian((1, 2, 1), activation="relu", learning_rate=1.0), "R in state"),
    (lambda: noise_floor("relu", -2.0), "learning_rate"),
])  # fmt: skip
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} must"):
        call()
