"""The flow against one step of the process itself, against conservation laws, symmetries and limits."""

import math

import numpy as np
import pytest

from bnlib.committee import NORMALIZATIONS, OrderParameters, flow, generalization_error, phi, phi_slope
from bnlib.committee.dynamics import velocity
from bnlib.committee.order_parameters import output_signs
from tests.committee.setting import outputs, random_start

TIMES = np.array([0.0, 0.5, 2.0, 10.0, 40.0])


def with_rule(rule, seed, **keywords):
    return random_start(seed, gains=rule != "none", **keywords)


def sampled_velocity(p, tau, eta, b, c, rule, samples, rng):
    """Mean and standard error of N times the change in one step, from samples of the fields: no closed form is used.

    The step of student i is dJ_i = (eta / N b) sum_u k_i^u, k_i = a_i e_i xi less, for the whole gradient, its mean
    part along J_i: k_i -> a_i (e_i xi - <e_i x_i> J_i / Q_ii), and to the order that survives N -> infinity |xi|^2 =
    tau N.
    """
    K = p.K
    joint = np.block([[p.Q, p.R], [p.R.T, p.T]])
    values, vectors = np.linalg.eigh(joint)
    z = (vectors * np.sqrt(np.maximum(values, 0) * tau)) @ rng.standard_normal((len(joint), samples))
    sigma = np.sqrt(tau * np.diag(p.Q))
    a = np.ones(K) if rule == "none" else p.gain / sigma
    h = a[:, None] * z[:K]
    delta = c[:K].T @ phi(h) + c[K:].T @ phi(z[K:])
    e = (-c[:K] @ delta) * phi_slope(h)
    unit = z[:K] / sigma[:, None]
    parts = {"R": eta * a[:, None, None] * e[:, None] * z[None, K:]}
    pull = eta * a[:, None, None] * e[:, None] * z[None, :K]
    noise = e
    if rule == "batch":
        radial = eta * a[:, None] * e * z[:K] / np.diag(p.Q)[:, None]
        parts["R"] -= radial[:, None] * p.R[:, :, None]
        pull -= radial[:, None] * p.Q[:, :, None]
        noise = e - unit * np.mean(e * unit, axis=1, keepdims=True)
    parts["Q"] = (
        pull + np.swapaxes(pull, 0, 1) + eta**2 * tau / b * (a[:, None] * noise)[:, None] * (a[:, None] * noise)
    )
    if rule != "none":
        parts["gain"] = eta * e * unit
    return {name: (v.mean(axis=-1), v.std(axis=-1) / math.sqrt(samples)) for name, v in parts.items()}


@pytest.mark.parametrize("rule", NORMALIZATIONS)
def test_velocity_against_samples(rule):
    """K = 3, M = 2, two outputs, tau = 0.7, eta = 1.3, b = 2: every term of every equation, within sampling error."""
    p, tau, eta, b = with_rule(rule, 5, K=3, M=2), 0.7, 1.3, 2
    w = outputs(6, 3, 2, 2)
    c = output_signs(3, 2, **w)
    dQ, dR, dg = velocity(p.Q, p.R, p.gain, p.T, eta, tau, eta**2 * tau / b, c, rule == "batch")
    sampled = sampled_velocity(p, tau, eta, b, c, rule, 1_000_000, np.random.default_rng(8))
    for name, closed in (("Q", dQ), ("R", dR), ("gain", dg)):
        if closed is not None:
            mean, error = sampled[name]
            assert np.all(
                np.abs(closed - mean) <= 4.5 * error + 1e-12
            )  # at most 18 z-scores of which the largest counts


def test_stop_gradient_conserves_Q_minus_squared_gain():
    """T19/T20's update keeps Q_ii - g_i^2 while b is infinite: both move by eta F_ii of their own."""
    path = flow(with_rule("batch-stop-gradient", 1), TIMES, normalization="batch-stop-gradient", input_variance=1.7)
    kept = np.diagonal(path.Q, axis1=1, axis2=2) - path.gain**2
    np.testing.assert_allclose(kept, np.broadcast_to(kept[0], kept.shape), atol=1e-6)  # rtol 1e-8 over some 100 steps


def test_whole_gradient_conserves_squared_norms():
    """Exact batch normalization keeps Q_ii to first order in eta, for any tau and any outputs."""
    w = outputs(3, 2, 2, 3)
    path = flow(with_rule("batch", 2), TIMES, normalization="batch", input_variance=0.6, **w)
    norms = np.diagonal(path.Q, axis1=1, axis2=2)
    np.testing.assert_allclose(norms, np.broadcast_to(norms[0], norms.shape), atol=1e-6)


def test_whole_gradient_norms_grow_at_second_order():
    """At finite b the norm only grows, by the noise of the steps: the change halves twice when eta does, at equal
    eta t."""
    p = with_rule("batch", 2)
    grown = [
        flow(p, [5 / eta], normalization="batch", learning_rate=eta, batch_size=50).Q[0, 0, 0] - p.Q[0, 0]
        for eta in (0.2, 0.1)
    ]
    assert grown[1] > 0
    assert grown[0] / grown[1] == pytest.approx(2.0, rel=0.02)  # eta^2 per step over 1/eta of time; next order is eta


def test_stop_gradient_can_be_no_normalization_at_all():
    """At tau = 1 and g^2 = Q_ii a_i = 1, and stays 1: the papers' update is the vanilla network's."""
    vanilla = with_rule("none", 4)
    normalized = OrderParameters(vanilla.Q, vanilla.R, vanilla.T, gain=np.sqrt(np.diag(vanilla.Q)))
    one = flow(vanilla, TIMES, normalization="none")
    other = flow(normalized, TIMES, normalization="batch-stop-gradient")
    for name in ("Q", "R", "error"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), atol=1e-6)


def test_whole_gradient_scales_time_by_squared_norm():
    """One student: the angle moves as 1/Q at fixed gain, so Q -> 4 Q slows its first motion by four exactly."""

    def turning(length):
        p = OrderParameters([[length**2]], [[0.3 * length]], [[1.0]], [1.0])
        dQ, dR, _ = velocity(p.Q, p.R, p.gain, p.T, 1.0, 1.0, 0.0, output_signs(1, 1), True)
        assert dQ[0, 0] == pytest.approx(0, abs=1e-15)
        return dR[0, 0] / length

    assert turning(2.0) == pytest.approx(turning(1.0) / 4, rel=1e-12)


@pytest.mark.parametrize("rule", NORMALIZATIONS)
def test_students_and_teachers_may_be_renumbered(rule):
    p = with_rule(rule, 9, K=3, M=2)
    i, n = [2, 0, 1], [1, 0]
    q = OrderParameters(p.Q[np.ix_(i, i)], p.R[np.ix_(i, n)], p.T[np.ix_(n, n)], None if p.gain is None else p.gain[i])
    w = outputs(10, 3, 2, 2)
    swapped = {"student_output": w["student_output"][i], "teacher_output": w["teacher_output"][n]}
    one = flow(p, TIMES, normalization=rule, batch_size=20, **w)
    other = flow(q, TIMES, normalization=rule, batch_size=20, **swapped)
    np.testing.assert_allclose(other.error, one.error, atol=1e-6)
    np.testing.assert_allclose(other.R, one.R[:, i][:, :, n], atol=1e-5)


@pytest.mark.parametrize("rule", NORMALIZATIONS)
def test_outputs_may_be_rotated(rule):
    """Only w.w, w.v and v.v count."""
    w = outputs(11, 2, 2, 3)
    turn = np.linalg.qr(np.random.default_rng(12).standard_normal((3, 3)))[0]
    turned = {name: value @ turn for name, value in w.items()}
    p = with_rule(rule, 13)
    one, other = (flow(p, TIMES, normalization=rule, batch_size=10, **keywords).R for keywords in (w, turned))
    np.testing.assert_allclose(other, one, atol=1e-6)


def test_units_of_the_inputs_do_not_matter_to_batch_normalization():
    """xi -> 2 xi with teachers halved leaves outputs alone, and exact BN's angles too: R / 2, while dJ doubles."""
    p = with_rule("batch", 14)
    q = OrderParameters(p.Q, p.R / 2, p.T / 4, p.gain)
    one = flow(p, TIMES, normalization="batch", input_variance=1.0)
    other = flow(q, TIMES, normalization="batch", input_variance=4.0)
    np.testing.assert_allclose(other.error, one.error, atol=1e-7)
    np.testing.assert_allclose(2 * other.R, one.R, atol=1e-6)


@pytest.mark.parametrize("rule", NORMALIZATIONS)
def test_stopping_on_the_way_changes_nothing(rule):
    """The flow to t1 and from there to t2 is the flow to t2, and reported times do not change it."""
    p = with_rule(rule, 15)
    path = flow(p, [3.0, 7.0], normalization=rule, batch_size=30)
    onward = flow(path.at(0), [4.0], normalization=rule, batch_size=30)
    np.testing.assert_allclose(onward.Q[0], path.Q[1], atol=1e-6)
    np.testing.assert_allclose(flow(p, [7.0], normalization=rule, batch_size=30).Q[0], path.Q[1], atol=1e-6)


@pytest.mark.parametrize("rule", NORMALIZATIONS)
def test_a_student_that_is_its_teacher_stays(rule):
    T = random_start(16).T
    gain = None if rule == "none" else np.sqrt(0.7 * np.diag(T))
    path = flow(OrderParameters(T, T, T, gain), [0, 50], normalization=rule, batch_size=5, input_variance=0.7)
    assert path.error.max() < 1e-13
    np.testing.assert_allclose(path.Q[1], T, atol=1e-9)


def test_infinite_batches_are_the_limit_of_large_ones():
    p = with_rule("none", 17)
    limit = flow(p, [10.0], normalization="none").Q
    gaps = [np.abs(flow(p, [10.0], normalization="none", batch_size=b).Q - limit).max() for b in (1e3, 1e4)]
    assert gaps[0] / gaps[1] == pytest.approx(10, rel=0.05)  # the noise is proportional to 1/b; next order 1/b^2


@pytest.mark.parametrize("rule", NORMALIZATIONS)
def test_error_against_samples(rule):
    p, tau, w = with_rule(rule, 18, K=3, M=2), 1.4, outputs(19, 3, 2, 2)
    rng = np.random.default_rng(20)
    values, vectors = np.linalg.eigh(np.block([[p.Q, p.R], [p.R.T, p.T]]))
    z = (vectors * np.sqrt(np.maximum(values, 0) * tau)) @ rng.standard_normal((5, 500_000))
    a = np.ones(3) if rule == "none" else p.gain / np.sqrt(tau * np.diag(p.Q))
    loss = 0.5 * np.sum(
        (w["teacher_output"].T @ phi(z[3:]) - w["student_output"].T @ phi(a[:, None] * z[:3])) ** 2, axis=0
    )
    closed = generalization_error(p, normalization=rule, input_variance=tau, **w)
    assert abs(closed - loss.mean()) < 4 * loss.std() / math.sqrt(loss.size)


def test_a_flow_that_runs_away_is_an_error():
    """At a rate far too large for batches of one, the vanilla student's norm grows without bound."""
    with pytest.raises(RuntimeError, match="could not be followed to t = 1e"):
        flow(with_rule("none", 21), [1e300], normalization="none", learning_rate=1e6, batch_size=1)


def test_the_papers_update_can_shrink_a_student_to_nothing(measure):
    """From g^2 > Q_ii the kept Q_ii - g_i^2 is negative: J reaches zero. Only the noise of the steps, ~ 1/b, holds
    it up."""
    p = OrderParameters(np.eye(2), [[0.11, 0.09], [0.09, 0.11]], np.eye(2), [2.0, 2.0])
    with pytest.raises(RuntimeError, match="shrink a student to nothing"):
        flow(p, [20.0], normalization="batch-stop-gradient")
    norms = [flow(p, [20.0], normalization="batch-stop-gradient", batch_size=b).Q[0, 0, 0] for b in (100, 1000)]
    measure("own-shrinks-to-nothing", abs(norms[0] / norms[1] / 10 - 1), 0.05)  # next order 1/b, with norms of 0.7 / b


GOOD = {"Q": np.eye(2), "R": np.zeros((2, 2)), "T": np.eye(2)}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"Q": [[1.0, 0.3], [0.1, 1.0]]}, "symmetric"),
        ({"R": 2 * np.eye(2)}, "positive semidefinite"),
        ({"Q": np.eye(3)}, "Q must have axes"),
        ({"T": np.eye(3)}, "T must have axes"),
        ({"R": np.zeros((0, 2))}, "R must have axes"),
        ({"gain": [1.0]}, "gain must have axes"),
        ({"gain": [1.0, np.nan]}, "gain must be finite"),
        ({"Q": "many"}, "Q must be an array"),
    ],
)
def test_bad_order_parameters_are_refused(change, says):
    with pytest.raises(ValueError, match=says):
        OrderParameters(**{**GOOD, **change})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"normalization": "layer"}, "normalization must be one of 'none', 'batch'"),
        ({"normalization": "batch"}, "gain must be given"),
        ({"times": [0, 2, 1]}, "times must start at or above 0 and never decrease"),
        ({"times": [-1, 2]}, "times must start"),
        ({"learning_rate": 0}, "learning_rate must be a finite number > 0"),
        ({"batch_size": -1}, "batch_size must be a number > 0"),
        ({"batch_size": np.nan}, "batch_size must be a number"),
        ({"input_variance": -1.0}, "input_variance must be"),
        ({"student_output": np.ones((3, 1))}, "student_output must have axes"),
        ({"teacher_output": np.ones((2, 2))}, "teacher_output must have axes"),
    ],
)
def test_bad_settings_are_refused(change, says):
    with pytest.raises(ValueError, match=says):
        flow(OrderParameters(**GOOD), **{"times": [0.0, 1.0], "normalization": "none", **change})


def test_gains_without_normalization_are_refused():
    with pytest.raises(ValueError, match="gain must be left out"):
        flow(OrderParameters(**GOOD, gain=[1.0, 1.0]), [1.0], normalization="none")


def test_students_of_length_zero_are_refused_under_batch_normalization():
    with pytest.raises(ValueError, match="Q must have a diagonal > 0"):
        flow(
            OrderParameters(np.diag([1.0, 0.0]), np.zeros((2, 2)), np.eye(2), [1.0, 1.0]), [1.0], normalization="batch"
        )
