"""Chapter 3 by two roads: the flow of five numbers, T20's fixed point, what updates keep, and the largest rate."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq

from bnlib.committee import (
    NORMALIZATIONS,
    OrderParameters,
    critical_rate,
    embed,
    escape_rate,
    find_plateau,
    fixed_point,
    flow,
    flow_jacobian,
    plateau_error,
    reduced_flow,
    reduced_velocity,
    restrict,
    train_overlaps,
)
from bnlib.committee.dynamics import pack, unpack, velocity
from bnlib.committee.order_parameters import output_signs

TIGHT = {"rtol": 1e-10, "atol": 1e-12}


@pytest.mark.parametrize("rule", NORMALIZATIONS)
@pytest.mark.parametrize("K, tau", [(2, 1.0), (4, 2.5)])
def test_the_flow_of_five_numbers_is_the_flow(rule, K, tau, measure):
    """All order parameters stay in the symmetric set: two integrators at 1e-10 a step over some 10^3 steps."""
    state = [0.8, 0.1, 0.2, 0.15, *([] if rule == "none" else [0.7])]
    times = np.array([0.0, 1.0, 7.0, 40.0])
    full = flow(embed(state, K), times, normalization=rule, input_variance=tau, learning_rate=1.3, **TIGHT)
    few = reduced_flow(state, times, K, tau, normalization=rule, learning_rate=1.3, **TIGHT)
    gaps = [np.abs(getattr(full, name) - getattr(few, name)).max() for name in ("Q", "R", "error")]
    gaps += [] if rule == "none" else [np.abs(full.gain - few.gain).max()]
    measure("T20-reduction", max(gaps), 1e-7)


@pytest.mark.parametrize("rule", NORMALIZATIONS)
def test_a_tiny_asymmetry_keeps_its_digits(rule):
    """From the fixed point e grows as exp(lambda t), here by e^8 from 1e-7: at rtol 1e-8 a step, and e^2 < 1e-6."""
    K, tau, e = 2, 2.0, 1e-7
    point = restrict(fixed_point(K, tau, normalization=rule, squared_norm=None if rule == "none" else 0.7))
    rate = escape_rate(K, tau, normalization=rule, squared_norm=0.7)
    start = point + e * np.array([0, 0, 1 - 1 / K, -1 / K, 0])[: len(point)]
    path = reduced_flow(start, [0, 8 / rate], K, tau, normalization=rule)
    apart = path.R[:, 0, 0] - path.R[:, 0, 1]
    assert math.log(apart[1] / apart[0]) == pytest.approx(8, abs=1e-5)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"start": [1.0, 0.0, 0.1]}, "state must end in an axis of length 4"),
        ({"start": [[1.0, 0.0, 0.1, 0.1]]}, "start must have axes"),
        ({"K": 1}, "K must be"),
        ({"times": [1.0, 0.0]}, "times must start"),
        ({"normalization": "layer"}, "normalization must be"),
        ({"learning_rate": 0.0}, "learning_rate must be"),
    ],
)
def test_bad_settings_are_refused(change, says):
    good = {"start": [1.0, 0.0, 0.1, 0.1], "times": [0.0, 1.0], "K": 2, "normalization": "none"}
    with pytest.raises(ValueError, match=says):
        reduced_flow(**{**good, **change})


@pytest.mark.parametrize("rule", NORMALIZATIONS)
def test_equal_students_stay_equal_at_first_order_only(rule):
    """T20 ties C to Q: a step off the fixed point with C = Q keeps C = Q at first order, and not at second."""
    for K, tau in ((2, 1.0), (5, 3.0)):
        point = restrict(fixed_point(K, tau, normalization=rule))
        J = flow_jacobian(K, tau, normalization=rule)
        tied = np.eye(len(point))[1:]
        tied[0, 0] = 1  # Q and C together; R, S and g each on its own
        assert np.abs(tied @ (J[0] - J[1])).max() < 1e-13  # round-off of terms of order 1
        e = 1e-3
        off = point + e * np.array([0, 0, 1 - 1 / K, -1 / K, 0])[: len(point)]
        parting = np.subtract(*reduced_velocity(off, K, tau, normalization=rule)[:2])
        assert 3e-3 * e**2 < abs(parting) < e**2


def _parts(state, K):
    p = embed(state, K)
    return p.Q, p.R, p.gain


@pytest.mark.parametrize("rule", NORMALIZATIONS[1:])
def test_T20s_fixed_point_rests_and_so_does_every_other_length(rule, measure):
    """Velocity of the full flow at T20's point, and at the points with R*^2 = Q*/K for other Q*."""
    for K, tau in ((2, 1.0), (6, 0.3), (3, 20.0)):
        printed = [(K + (K - 1) * tau) / tau] * 2 + [math.sqrt((K + (K - 1) * tau) / (tau * K))] * 2
        gain = math.sqrt(tau / (K + (K - 1) * tau))
        for scale in (1.0, 0.01, 7.0):  # 1: as printed; else |J|^2 scaled and R with its root
            point = np.array(printed) * [scale, scale, math.sqrt(scale), math.sqrt(scale)]
            parts = velocity(*_parts([*point, gain], K), np.eye(K), 1.0, tau, 0.0, output_signs(K, K), rule == "batch")
            measure("T20-fixed-point", max(np.abs(part).max() for part in parts), 1e-11)


def test_what_stays_is_no_product(measure):
    """T20's Q g^2 = 1 against the flow: the papers' update keeps Q - g^2 and the whole gradient Q; the product moves.

    Infinitely large batches, unit lengths and gains. Both have Q g^2 = 1 at the start and again when all is learned.
    """
    for rule, on_plateau in (("batch", 1 / 3), ("batch-stop-gradient", 1 / 9)):
        path = reduced_flow([1.0, 0.0, 0.105, 0.095, 1.0], np.linspace(0, 800, 401), 2, normalization=rule)
        Q, g2 = path.Q[:, 0, 0], path.gain[:, 0] ** 2
        kept = Q if rule == "batch" else Q - g2
        measure("own-product-moves", np.abs(kept - kept[0]).max(), 1e-6)
        assert (Q * g2)[[0, -1]] == pytest.approx(1, abs=1e-3) and (Q * g2).min() < 0.42
        alike = reduced_flow([1.0, 1.0, 0.1, 0.1, 1.0], [200.0], 2, normalization=rule)  # these cannot leave
        assert alike.Q[0, 0, 0] * alike.gain[0, 0] ** 2 == pytest.approx(on_plateau, rel=1e-4)


@pytest.mark.parametrize("rule, on_plateau", [("batch", 1 / 3), ("batch-stop-gradient", 1 / 9)])
def test_runs_have_that_product_too(rule, on_plateau):
    """Runs at N = 1000, b = 200 from students alike: Q g^2 at eta t = 32. 1/b and eta/b shift it by some percent."""
    start = OrderParameters(np.ones((2, 2)), np.full((2, 2), 0.3), np.eye(2), [1.0, 1.0])
    run = train_overlaps(
        start, 1000, 4000, normalization=rule, batch_size=200, learning_rate=8.0, center=False, replicas=2,
        record_every=4000, rng=np.random.default_rng(5),
    )  # fmt: skip
    product = (np.diagonal(run.Q[:, -1], axis1=-2, axis2=-1) * run.gain[:, -1] ** 2).mean()
    assert product == pytest.approx(on_plateau, rel=0.08)


@pytest.mark.parametrize("K, tau", [(2, 1.0), (3, 0.2), (10, 1.0), (50, 30.0)])
def test_the_error_of_the_plateau_in_one_line(K, tau, measure):
    """(K/pi) [asin(tau/(1+tau)) - K asin(tau/(K(1+tau)))] against T20 eq (13) at the fixed point."""
    one_line = K / math.pi * (math.asin(tau / (1 + tau)) - K * math.asin(tau / (K * (1 + tau))))
    measure("own-plateau-error", abs(plateau_error(K, tau) / one_line - 1), 1e-11)


@pytest.mark.parametrize("rule", NORMALIZATIONS)
@pytest.mark.parametrize("K, tau", [(2, 1.0), (4, 3.0)])
def test_ten_times_less_asymmetry_costs_ln_10_over_lambda(rule, K, tau, measure):
    """Lengths by find_plateau, from students that are alike on the plateau: what is left out is of order e_0."""
    point = restrict(fixed_point(K, tau, normalization=rule, squared_norm=None if rule == "none" else 0.5))
    rate = escape_rate(K, tau, normalization=rule, squared_norm=0.5)
    lengths = []
    for e in (1e-4, 1e-5, 1e-6):
        apart = math.sqrt(point[0]) * e * np.array([0, 0, 1 - 1 / K, -1 / K, 0])[: len(point)]
        path = reduced_flow(point + apart, np.linspace(0, 17 / rate, 3001), K, tau, normalization=rule)
        lengths.append(find_plateau(path, input_variance=tau).length)
    measure("own-plateau-length", np.abs(np.diff(lengths) * rate / math.log(10) - 1).max(), 2e-3)


@pytest.mark.parametrize("K, tau", [(1, 1.0), (2, 1.0), (2, 5.0), (3, 0.5), (5, 1.0)])
def test_above_the_critical_rate_the_teacher_repels(K, tau, measure):
    """Largest eigenvalue of the full flow at the teacher, I4 noise and all, by central differences (error 1e-9)."""
    x, signs = pack(np.eye(K), np.eye(K), None), output_signs(K, K)

    def largest(rate):
        def change(states):
            return pack(*velocity(*unpack(states, K, K), np.eye(K), 1.0, tau, rate * tau, signs, False))

        h = 1e-5 * np.eye(len(x))
        return np.linalg.eigvals((change(x + h) - change(x - h)).T / 2e-5).real.max()

    found = brentq(largest, 0.3 * critical_rate(K, tau), 3 * critical_rate(K, tau), xtol=1e-9)
    measure("own-critical-rate", abs(critical_rate(K, tau) / found - 1), 1e-6)
    assert critical_rate(K, tau, batch_size=30) == pytest.approx(30 * critical_rate(K, tau))


@pytest.mark.parametrize("share, grows", [(0.8, False), (1.25, True)])
def test_runs_leave_or_find_the_teacher_as_the_critical_rate_says(share, grows):
    """Descent on overlaps at N = 3000 from students close to their teachers: the deviation D_11 falls or grows."""
    B = np.eye(2, 3000)
    J = B + 0.05 * np.eye(2, 3000, 5)
    run = train_overlaps(
        OrderParameters.from_weights(J, B), 3000, 6000, normalization="none", batch_size=4,
        learning_rate=share * critical_rate(2, batch_size=4), replicas=4, record_every=6000,
        rng=np.random.default_rng(2),
    )  # fmt: skip
    D = np.diagonal(run.Q - 2 * run.R + np.eye(2), axis1=-2, axis2=-1).mean(axis=(0, -1))
    assert (D[-1] > 1.5 * D[0]) == grows and (D[-1] < 0.7 * D[0]) != grows


@pytest.mark.parametrize("share", [3, 30])
def test_in_the_flow_batch_normalization_has_no_largest_rate(share):
    """Noise makes students long until the rate of their direction is small enough; else nothing stops the noise."""
    rate, R = share * critical_rate(2, batch_size=4), [[0.11, 0.09], [0.09, 0.11]]
    settings = {"batch_size": 4, "learning_rate": rate}
    start = OrderParameters(np.eye(2), R, np.eye(2), [1.0, 1.0])
    path = flow(start, [0, 1000], normalization="batch", **settings)
    assert path.error[-1] < 1e-8 < 1e-3 * plateau_error(2) and path.Q[-1, 0, 0] > share
    plain = flow(OrderParameters(np.eye(2), R, np.eye(2)), [0, 50], normalization="none", **settings)
    assert plain.error[-1] > 10 * plateau_error(2) and plain.Q[-1, 0, 0] > 10
