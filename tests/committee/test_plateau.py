"""The plateau by two roads: closed forms against the flow's Jacobian, the full flow, and plateaus measured on it."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from bnlib.committee import (
    NORMALIZATIONS,
    OrderParameters,
    asymmetry,
    delay,
    embed,
    escape_rate,
    find_plateau,
    fixed_point,
    flow,
    flow_jacobian,
    flow_many,
    generalization_error,
    plateau_error,
    plateau_length,
    plateau_squared_norm,
    reduced_velocity,
    restrict,
    slowing_exponent,
)
from bnlib.committee.dynamics import pack, unpack, velocity
from bnlib.committee.order_parameters import output_signs

NORMALIZED = NORMALIZATIONS[1:]
TAUS = np.geomspace(0.1, 50, 7)


def full_velocity(p, tau, eta, rule):
    return velocity(p.Q, p.R, p.gain, p.T, eta, tau, 0.0, output_signs(p.K, p.M), rule == "batch")


def near_fixed_point(K, tau, rule, norm, e, seed=0):
    """Order parameters of real weights: at the fixed point, and then each cosine off by a doubly centred e X."""
    X = np.random.default_rng(seed).standard_normal((K, K))
    X -= X.mean(axis=0)
    X -= X.mean(axis=1, keepdims=True)
    X *= math.sqrt(K - 1) / np.linalg.norm(X)
    p = fixed_point(K, tau, normalization=rule, squared_norm=None if rule == "none" else norm)
    J = math.sqrt(p.Q[0, 0]) * (np.full((K, K), K**-0.5) + e * X)
    return OrderParameters.from_weights(J, np.eye(K), p.gain)


@pytest.mark.parametrize("rule", NORMALIZATIONS)
@pytest.mark.parametrize("K", [2, 3, 6])
def test_the_reduced_flow_is_the_full_one_on_the_symmetric_set(rule, K):
    rng = np.random.default_rng(K)
    for _ in range(5):
        Q, g = rng.uniform(0.5, 1.5, 2)
        state = [Q, Q * rng.uniform(0, 0.4), *rng.uniform(0, 0.2, 2), *([] if rule == "none" else [g])]
        p, tau, eta = embed(state, K), rng.uniform(0.3, 3), rng.uniform(0.5, 2)
        dQ, dR, dg = full_velocity(p, tau, eta, rule)
        full = [dQ[0, 0], dQ[0, 1], dR[0, 0], dR[0, 1], *([] if dg is None else dg[:1])]
        reduced = reduced_velocity(state, K, tau, normalization=rule, learning_rate=eta)
        np.testing.assert_allclose(reduced, full, atol=1e-12)  # round-off of some 10 K terms of order 1


@pytest.mark.parametrize("rule", NORMALIZATIONS)
def test_the_fixed_point_rests_in_the_full_flow_with_the_error_of_the_plateau(rule):
    for K, tau, norm in ((2, 1.0, None), (3, 0.2, 0.3), (5, 8.0, 2.0)):
        p = fixed_point(K, tau, normalization=rule, squared_norm=None if rule == "none" else norm)
        for part in full_velocity(p, tau, 1.0, rule):
            assert part is None or np.abs(part).max() < 1e-13  # round-off of terms of order 1
        error = generalization_error(p, normalization=rule, input_variance=tau)
        assert error == pytest.approx(plateau_error(K, tau), rel=1e-12)


def test_T20s_point_has_the_values_of_its_section_3_2():
    for K, tau in ((2, 1.0), (7, 0.3)):
        p = fixed_point(K, tau, normalization="batch")
        assert p.Q[0, 0] == pytest.approx((K + (K - 1) * tau) / tau)
        assert p.R[0, 1] == pytest.approx(math.sqrt((K + (K - 1) * tau) / (tau * K)))
        assert p.gain[0] == pytest.approx(math.sqrt(tau / (K + (K - 1) * tau)))


@pytest.mark.parametrize("rule", NORMALIZATIONS)
def test_escape_rate_is_the_positive_eigenvalue_of_the_jacobian(rule, measure):
    """K = 2..50, tau = 0.1..50, three lengths: 1e-9 relative; the eigenvalues' round-off is some 1e-10 of lambda."""
    gap = 0.0
    for K in range(2, 51):
        for tau in TAUS:
            for norm in (None,) if rule == "none" else (None, 1.0, 0.01):
                at = fixed_point(K, tau, normalization=rule, squared_norm=norm).Q[0, 0]
                rate = escape_rate(K, tau, normalization=rule, learning_rate=1.7, squared_norm=at)
                J = flow_jacobian(K, tau, normalization=rule, learning_rate=1.7, squared_norm=norm)
                values = np.sort(np.linalg.eigvals(J).real)
                gap = max(gap, abs(values[-1] / rate - 1))
                assert values[-2] < 1e-6 * rate  # no other direction leaves
    measure("own-escape-rate", gap, 1e-9)


@pytest.mark.parametrize("rule", NORMALIZATIONS)
def test_nothing_outside_the_symmetric_set_leaves_faster(rule):
    """Jacobian of the full flow, K = 3, by central differences (error h^2 = 1e-8): lambda, (K-1)^2 = 4 times."""
    p, tau = fixed_point(3, 1.4, normalization=rule, squared_norm=None if rule == "none" else 0.6), 1.4
    x, h = pack(p.Q, p.R, p.gain), 1e-4

    def rate_of_change(states):
        return pack(*velocity(*unpack(states, 3, 3), p.T, 1.0, tau, 0.0, output_signs(3, 3), rule == "batch"))

    J = ((rate_of_change(x + h * np.eye(len(x))) - rate_of_change(x - h * np.eye(len(x)))) / (2 * h)).T
    values = np.sort(np.linalg.eigvals(J).real)
    np.testing.assert_allclose(values[-4:], escape_rate(3, tau, normalization=rule, squared_norm=0.6), rtol=1e-5)
    assert values[-5] < 0.01 * values[-1]


SETTINGS = [
    (2, 1.0, 1.0),
    (2, 1.0, 1 / 3),
    (2, 1.0, 0.1),
    (2, 5.0, 1.0),
    (2, 20.0, 1.0),
    (3, 1.0, 1.0),
    (3, 0.5, 0.5),
    (4, 2.0, 0.2),
    (4, 0.5, 0.05),
    (5, 1.0, 1.0),
]


@pytest.mark.parametrize("K, tau, norm", SETTINGS)
def test_measured_plateaus_obey_the_delay_law(K, tau, norm, measure):
    """From e_0 = 1e-4 and 1e-6 the full flow's plateaus are longer by the delay.

    The end costs ln(e_1) +- 1 e-foldings, whatever e_0 is: the error bar of a ratio is 1 / ln(e_1/e_0), and the gain in
    length from one e_0 to the other, 1/lambda ln 100, is free of it (1e-4 from e_0^2 and from 2000 records).
    """
    lengths = {}
    for rule in NORMALIZATIONS:
        rate = escape_rate(K, tau, normalization=rule, squared_norm=norm)
        starts = [near_fixed_point(K, tau, rule, norm, e) for e in (1e-4, 1e-6)]
        times = np.linspace(0, 15.5 / rate, 2001)
        paths = flow_many(starts, times, normalization=rule, input_variance=tau, rtol=1e-9, atol=1e-12)
        lengths[rule] = plateau_length(paths, input_variance=tau)
        assert np.diff(lengths[rule])[0] * rate == pytest.approx(math.log(100), rel=2e-4)
        found = find_plateau(paths.run(1), input_variance=tau)
        assert found.length == lengths[rule][1] and found.start == 0
    bar = 1 / math.log(found.asymmetry_at_end / found.asymmetry_at_start)
    for rule in NORMALIZED:
        ratio = lengths[rule][1] / lengths["none"][1]
        measure("T20-conclusion", abs(ratio / delay(K, tau, squared_norm=norm) - 1) / bar, 1)


@pytest.mark.parametrize("tau", [1.0, 4.0])
def test_the_papers_update_brings_a_length_of_its_own(tau):
    """From |J|^2 = g^2 = 1 it has g*^2 on the plateau, and leaves at lambda / tau: measured on the full flow."""
    rate = escape_rate(2, tau, normalization="none") / tau
    J = np.full((2, 2), 0.5**0.5) + 1e-7 * np.array([[1, -1], [-1, 1]])
    start = OrderParameters.from_weights(J / np.linalg.norm(J[0]), np.eye(2), [1.0, 1.0])
    path = flow(
        start,
        [0, 5 / rate, 7 / rate],
        normalization="batch-stop-gradient",
        input_variance=tau,
        rtol=1e-11,
        atol=1e-14,
    )
    norm = plateau_squared_norm(2, tau, normalization="batch-stop-gradient")
    assert path.Q[1, 0, 0] == pytest.approx(norm, rel=1e-5)
    assert rate == pytest.approx(escape_rate(2, tau, normalization="batch-stop-gradient", squared_norm=norm))
    grown = math.log(asymmetry(path)[2] / asymmetry(path)[1])
    assert grown == pytest.approx(2.0, rel=1e-3)  # transients e^-5 and less of modes that decay faster than lambda


@pytest.mark.parametrize("rule", NORMALIZATIONS)
@pytest.mark.parametrize("K, tau", [(2, 1.0), (3, 1.0), (5, 0.3), (3, 10.0)])
def test_students_grow_alike_as_a_power_of_time(rule, K, tau, measure):
    """Spread x: d(1/x)/dt = 2 lambda / K and d ln e / dt = lambda (1 - 2 p x / K), each with a next order x.

    The reduced flow relaxes from x_0 to its slow motion; a complex step in R - S is an infinitesimal asymmetry.
    """
    norm = 0.4
    p = restrict(fixed_point(K, tau, normalization=rule, squared_norm=None if rule == "none" else norm))
    rate = escape_rate(K, tau, normalization=rule, squared_norm=norm)

    p_wanted = slowing_exponent(K, tau, normalization=rule, squared_norm=norm)

    def change(_, y):
        return reduced_velocity(y, K, tau, normalization=rule)

    for x0 in (0.02, 0.002):
        start = p * np.array([1, 1 - x0, 1, 1, 1][: len(p)])
        y = solve_ivp(change, [0, 4 / rate], start, "LSODA", rtol=1e-11, atol=1e-14).y[:, -1]
        Q, C, dQ, dC = *y[:2], *change(0, y)[:2]
        x, dx = 1 - C / Q, (C * dQ - Q * dC) / Q**2
        tilt = 1e-40j * np.array([0, 0, 1, -1 / (K - 1), 0][: len(p)])
        grown = change(0, y + tilt)[2].imag / 1e-40 - dQ / (2 * Q)
        assert -dx / x**2 == pytest.approx(2 * rate / K, rel=4 * x0)
        assert (1 - grown / rate) / x * K / 2 == pytest.approx(p_wanted, abs=4 * x0)
    measure("own-slowing", abs((1 - grown / rate) / x * K / 2 - p_wanted), 0.008)


def test_asymmetry_sees_specialization_only():
    """0 for the symmetric point, 1 for students that are teachers; lengths and numbering do not count."""
    rng = np.random.default_rng(3)
    J, B = rng.standard_normal((2, 4, 9))
    e = asymmetry(OrderParameters.from_weights(J, B))
    scaled = OrderParameters.from_weights(J[[2, 0, 3, 1]] * rng.uniform(0.5, 2, (4, 1)), 3 * B[::-1])
    assert asymmetry(scaled) == pytest.approx(float(e), rel=1e-12)
    assert asymmetry(fixed_point(4, normalization="none")) == pytest.approx(0, abs=1e-15)
    assert asymmetry(OrderParameters(np.eye(4), np.eye(4)[::-1], np.eye(4))) == pytest.approx(1)


def test_plateaus_that_have_not_ended_or_begun():
    path = flow(near_fixed_point(2, 1.0, "none", None, 1e-3), np.linspace(0, 20, 21), normalization="none")
    assert find_plateau(path).length == math.inf
    assert math.isnan(find_plateau(path, level=1e-6).length)


BAD = {
    fixed_point: [
        ({"K": 1}, "K must be"),
        ({"input_variance": 0}, "input_variance must"),
        ({}, "squared_norm must be"),
    ],
    escape_rate: [({"learning_rate": -1}, "learning_rate must"), ({"normalization": "no"}, "normalization must be")],
    plateau_squared_norm: [({"gain": 5.0, "normalization": "batch-stop-gradient"}, "squared_norm must be more")],
}


@pytest.mark.parametrize(
    ("function", "change", "says"), [(f, change, says) for f, cases in BAD.items() for change, says in cases]
)
def test_bad_settings_are_refused(function, change, says):
    with pytest.raises(ValueError, match=says):
        function(**{"K": 2, "normalization": "none", "squared_norm": 1.0, **change})


@pytest.mark.parametrize("keywords", [{"band": 0}, {"band": 1.5}, {"level": -1}])
def test_bad_bands_are_refused(keywords):
    path = flow(near_fixed_point(2, 1.0, "none", None, 0.1), [0, 1], normalization="none")
    with pytest.raises(ValueError, match=next(iter(keywords))):
        find_plateau(path, **keywords)
