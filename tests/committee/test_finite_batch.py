"""The first order in 1/b by closed form, against quadrature at finite b, sampled batches, and what it must keep."""

import math

import numpy as np
import pytest

from bnlib.committee import (
    OrderParameters,
    batch_correction,
    correction_parts,
    effective_error,
    flow,
    flow_many,
    generalization_error,
    phi,
    train_twins,
    training_error,
)
from bnlib.committee.dynamics import velocity
from bnlib.committee.order_parameters import output_signs
from bnlib.committee.training import Rule
from tests.committee.setting import outputs, random_start, weights_of

CASES = {
    "2 2 1": (random_start(1, size=1.5), {"input_variance": 1.0}),
    "3 2 2": (random_start(2, K=3, size=1.2), {"input_variance": 2.0}),
    "1 3 0.5, two outputs": (random_start(3, K=1, M=3), {"input_variance": 0.5, **outputs(4, 1, 3, 2)}),
}
CENTERED = pytest.mark.parametrize("center", [False, True], ids=["uncentered", "centered"])
RULES = ("batch", "batch-stop-gradient")


def remainder(p, settings, center, b):
    """b^2 times what the first order leaves of the exact training-mode error."""
    exact = training_error(p, batch_size=b, center=center, **settings)
    return b * b * (exact - generalization_error(p, normalization="batch", **settings)
                    - batch_correction(p, center=center, **settings) / b)  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@CENTERED
def test_first_order_against_quadrature(case, center, measure):
    """b^2 times the remainder tends to a constant: a wrong P would make it grow as b. Between b = 200 and 400 the
    constant moves by O(1/b), so that the first-order coefficient is off by at most its change, over 200."""
    p, settings = CASES[case]
    values = [remainder(p, settings, center, b) for b in (100, 200, 400)]
    assert abs(values[2] - values[1]) < 0.6 * abs(values[1] - values[0]) + 1e-6  # 0.5 is what 1/b^3 gives
    change = abs(values[2] - values[1]) / 200
    size = max(abs(part) for part in correction_parts(p, center=center, **settings).values())
    measure("own-training-error", change / size, 2e-3)


@CENTERED
def test_slope_of_the_remainder_is_two(center, measure):
    """Slope of the remainder of error and gain gradient between b = 128 and 256, from quadrature: -2 + O(1/b)."""
    p, settings = CASES["2 2 1"]

    def at(b, step):
        moved = OrderParameters(p.Q, p.R, p.T, p.gain + np.array([step, 0]))
        return remainder(moved, settings, center, b) / b**2

    for f in (lambda b: at(b, 0), lambda b: at(b, 0.01) - at(b, -0.01)):
        slope = math.log2(abs(f(256) / f(128)))
        measure("own-remainder-slope", abs(slope + 2), 0.1)


@pytest.mark.parametrize("b", [5, 12])
@CENTERED
def test_quadrature_against_sampled_batches(b, center, measure):
    """Mean loss of 60 000 sampled batches, the real thing, batch mean subtracted or not: within 4 standard errors."""
    p, settings = CASES["3 2 2"]
    loss = sampled_loss(p, settings["input_variance"], b, center, 60_000, np.random.default_rng(b))
    gap = loss.mean() - training_error(p, batch_size=b, center=center, **settings)
    measure("own-centered-is-uncentered", abs(gap) / (loss.std() / math.sqrt(len(loss))), 4)


def sampled_fields(p, tau, b, batches, rng):
    rows = np.vstack(weights_of(p, p.K + p.M))
    z = math.sqrt(tau) * rng.standard_normal((batches, b, p.K + p.M)) @ rows.T
    return z[..., : p.K], z[..., p.K :]


def sampled_loss(p, tau, b, center, batches, rng):
    x, y = sampled_fields(p, tau, b, batches, rng)
    x = x - x.mean(axis=1, keepdims=True) if center else x
    h = p.gain * x / np.sqrt(np.mean(x * x, axis=1, keepdims=True))
    return np.mean(0.5 * (phi(y).sum(axis=-1) - phi(h).sum(axis=-1)) ** 2, axis=1)


@pytest.mark.parametrize("rule", RULES)
@CENTERED
def test_drift_against_sampled_batches(rule, center, measure):
    """Mean step of both rules at b = 30, from 60 000 batches through `Rule.backpropagate`: what is left of second
    order is below the error, and without the first order the largest gap is more than 6 errors."""
    p, tau, b, batches = random_start(1, size=1.5), 1.7, 30, 60_000
    rng, rule_ = np.random.default_rng(5), Rule(p, rule, b, 1.0, tau, center, True, None, None)
    steps, gains = [], []
    for _ in range(10):
        x, y = sampled_fields(p, tau, b, batches // 10, rng)
        c, dg = rule_.backpropagate(x, y, np.broadcast_to(p.gain, (batches // 10, 2)))
        steps.append(np.swapaxes(c, -1, -2) @ np.concatenate([x, y], axis=-1) / b)
        gains.append(dg)
    steps, gains = np.concatenate(steps), np.concatenate(gains)
    pulls = [steps[..., 2:].reshape(batches, -1), steps[:, 0, 1] + steps[:, 1, 0], gains]
    sampled = np.column_stack(pulls)
    error = sampled.std(axis=0) / math.sqrt(batches)
    gaps = [np.abs(sampled.mean(axis=0) - drift(p, tau, rule, small)) / error for small in (None, (1 / b, center))]
    assert gaps[0].max() > 6
    measure("own-drift" if rule == "batch" else "own-drift-stopped", gaps[1].max(), 4.5)


def drift(p, tau, rule, small):
    """dR, dQ_12 and dg of the flow, without the noise of the steps."""
    dQ, dR, dg = velocity(p.Q, p.R, p.gain, p.T, 1.0, tau, 0.0, output_signs(2, 2), rule == "batch", small)
    return np.concatenate([dR.ravel(), [dQ[0, 1]], dg])


@CENTERED
def test_mean_update_is_minus_the_gradient_at_a_finite_batch_size(center, measure):
    """No expansion: at b = 6 the mean gain step of 100 000 sampled batches, and J_1 . dJ_2 + J_2 . dJ_1, against
    differences of the exact training-mode error; and each batch's step is orthogonal to its student, to round-off."""
    p, tau, b, batches = random_start(1, size=1.5), 1.7, 6, 100_000
    rule, rng = Rule(p, "batch", b, 1.0, tau, center, True, None, None), np.random.default_rng(3)
    x, y = sampled_fields(p, tau, b, batches, rng)
    c, dg = rule.backpropagate(x, y, np.broadcast_to(p.gain, (batches, 2)))
    steps = np.swapaxes(c, -1, -2) @ x / b
    assert np.abs(np.diagonal(steps, axis1=-2, axis2=-1)).max() < 1e-9 * np.abs(steps).max()
    sampled = np.column_stack([dg, steps[:, 0, 1] + steps[:, 1, 0]])
    J, B = weights_of(p, 4)

    def error(h, turn, gains):
        q = OrderParameters.from_weights(J + h * turn, B, p.gain + h * gains)
        return training_error(q, batch_size=b, center=center, input_variance=tau)

    ways = [(0 * J, np.eye(2)[0]), (0 * J, np.eye(2)[1]), (J[::-1], np.zeros(2))]
    h = 1e-2
    for number, way in enumerate(ways):
        slope = (8 * (error(h, *way) - error(-h, *way)) - (error(2 * h, *way) - error(-2 * h, *way))) / (12 * h)
        values = sampled[:, number]
        measure("own-gradient", abs(values.mean() + slope) / (values.std() / math.sqrt(batches)), 4)


@pytest.mark.parametrize("case", CASES)
@CENTERED
def test_drift_is_minus_the_gradient_of_the_effective_error(case, center):
    """dJ/dt = -eta grad eps, dg/dt = -eta d eps/dg, with gradients by differences on real weights; these are off by
    h^4 = 1e-8 times a fifth derivative."""
    p, settings = CASES[case]
    b, c = 7.0, output_signs(p.K, p.M, *(settings.get(k) for k in ("student_output", "teacher_output")))
    tau = settings["input_variance"]
    _, dR, dg = velocity(p.Q, p.R, p.gain, p.T, 1.0, tau, 0.0, c, True, (1 / b, center))
    J, B = weights_of(p, p.K + p.M)

    def error(J, gain):
        q = OrderParameters.from_weights(J, B, gain)
        return effective_error(q, batch_size=b, center=center, **settings)

    def slope(f, h=1e-2):
        return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)

    for i in range(p.K):
        for n in range(p.M):
            away = np.outer(np.eye(p.K)[i], B[n])
            assert dR[i, n] == pytest.approx(-slope(lambda h, d=away: error(J + h * d, p.gain)), abs=1e-6)
        turn = np.eye(p.K)[i]
        assert dg[i] == pytest.approx(-slope(lambda h, d=turn: error(J, p.gain + h * d)), abs=1e-6)


def test_centering_is_a_shorter_teacher_to_first_order():
    """From eps_b,c(R) = eps_{b-1}(R sqrt(1 - 1/b)): P_c - P = -(1/2) R . d eps_g / dR, taken here by differences."""
    p, settings = CASES["3 2 2"]

    def error(h):
        return generalization_error(OrderParameters(p.Q, (1 + h) * p.R, p.T, p.gain), normalization="batch", **settings)

    h = 1e-3
    slope = (8 * (error(h) - error(-h)) - (error(2 * h) - error(-2 * h))) / (12 * h)
    gap = batch_correction(p, center=True, **settings) - batch_correction(p, center=False, **settings)
    assert gap == pytest.approx(-slope / 2, abs=1e-9)
    assert correction_parts(p, center=True, **settings)["mean"] == pytest.approx(gap, abs=1e-12)


@pytest.mark.parametrize("center, b, share", [(False, 5, 1 / 7), (True, 6, 0.3)])
def test_what_the_first_order_leaves_at_the_smallest_batch(center, b, share):
    """Of the shift in the gains' gradient, in the median of nine random networks: the number that the chapter gives, to
    a third of it, as nine networks are few. Gradients by differences."""

    def gradient(f, p):
        moves = 0.01 * np.eye(p.K)
        return np.array([f(OrderParameters(p.Q, p.R, p.T, p.gain + m)) - f(OrderParameters(p.Q, p.R, p.T, p.gain - m))
                         for m in moves])  # fmt: skip

    left = []
    for p in (random_start(seed, size=1.5) for seed in range(9)):
        shift = gradient(lambda q: training_error(q, batch_size=b, center=center), p)
        shift = shift - gradient(lambda q: generalization_error(q, normalization="batch"), p)
        rest = shift - gradient(lambda q: batch_correction(q, center=center), p) / b
        left.append(np.linalg.norm(rest) / np.linalg.norm(shift))
    assert np.median(left) == pytest.approx(share, rel=1 / 3)


def test_nothing_to_correct():
    """P is 0 where no student speaks; without normalization and at infinite batch size the flow stays as it is."""
    p = random_start(6)
    silent = {"student_output": np.zeros((2, 1)), "teacher_output": np.ones((2, 1))}
    assert batch_correction(p, **silent) == 0
    assert effective_error(p, batch_size=math.inf) == generalization_error(p, normalization="batch")
    assert training_error(p, batch_size=7, **silent) == pytest.approx(effective_error(p, batch_size=7, **silent))
    plain = random_start(6, gains=False)
    for start, settings in ((p, {"normalization": "batch"}), (plain, {"normalization": "none", "batch_size": 5})):
        one, other = (flow(start, [0, 3.0], finite_batch=kind, **settings) for kind in (False, True))
        np.testing.assert_array_equal(one.R, other.R)


def test_a_linear_student_has_no_error_of_its_own():
    """As g -> 0 the unit is linear, <h^2> is g^2 in every batch, and P's own term vanishes faster: as g^4."""
    own = [batch_correction(OrderParameters([[1.0]], [[0.0]], [[1.0]], [g])) for g in (0.02, 0.01)]
    assert own[0] / own[1] == pytest.approx(16, rel=0.01)


@pytest.mark.parametrize("rule, kept", [("batch", lambda r: r.Q), ("batch-stop-gradient", lambda r: r.Q - r.gain**2)])
def test_what_is_kept_at_every_batch_size(rule, kept):
    """Q_ii, or Q_ii - g_i^2 for the papers' update, to first order in eta, batch by batch: eta = 1e-6 leaves eta^2."""
    p = OrderParameters([[1.0]], [[0.4]], [[1.0]], [0.9])
    path = flow(p, np.array([0, 1, 10]) * 1e6, normalization=rule, learning_rate=1e-6, batch_size=8, finite_batch=True)
    values = kept(path).ravel() if rule == "batch" else (path.Q[:, 0, 0] - path.gain[:, 0] ** 2)
    np.testing.assert_allclose(values, values[0], atol=1e-5)
    assert abs(path.gain[-1] - path.gain[0]) > 0.01


@CENTERED
def test_many_flows_are_the_flows(center):
    starts = [random_start(seed) for seed in (8, 9)]
    settings = {"normalization": "batch-stop-gradient", "finite_batch": True, "center": center}
    many = flow_many(starts, [0, 2.0, 5.0], batch_size=[6, 20], **settings)
    for number, (start, b) in enumerate(zip(starts, (6, 20))):
        one = flow(start, [0, 2.0, 5.0], batch_size=b, **settings)
        np.testing.assert_allclose(many.R[number], one.R, atol=1e-7)
        np.testing.assert_allclose(many.gain[number], one.gain, atol=1e-7)


@CENTERED
def test_corrected_flow_against_runs(center, measure):
    """60 runs at N = 200, b = 25 to t = 2 minus their twins, against the difference of the flows: O(1/(bN)) and 1/b^2
    (0.1 of the shift) are below 4 standard errors, and the largest shift of a gain is more than 10 of them."""
    start = random_start(1, size=1.5)
    runs = train_twins(
        start, 200, 400, batch_size=25, center=center, replicas=60, record_every=400, rng=np.random.default_rng(2)
    )
    real, twin = (np.column_stack([run.R[:, -1].reshape(60, -1), run.gain[:, -1]]) for run in runs)
    settings = {"normalization": "batch", "batch_size": 25, "center": center}
    paths = [flow(start, [2.0], finite_batch=kind, **settings) for kind in (True, False)]
    corrected, plain = (np.concatenate([path.R[-1].ravel(), path.gain[-1]]) for path in paths)
    error = (real - twin).std(axis=0, ddof=1) / math.sqrt(60)
    gap = np.abs((real - twin).mean(axis=0) - (corrected - plain)) / error
    assert np.abs((corrected - plain) / error)[-2:].max() > 10
    measure("own-corrected-flow", gap.max(), 4.5)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda p: effective_error(p, batch_size=4, center=False), "batch_size must be >= 5 .*uncentered"),
        (lambda p: effective_error(p, batch_size=5), "batch_size must be >= 6"),
        (lambda p: flow(p, [1], normalization="batch", batch_size=3, finite_batch=True), "batch_size must be >= 6"),
        (lambda p: training_error(p, batch_size=3, center=False), "batch_size must be from 4 to 1000"),
        (lambda p: training_error(p, batch_size=1e4), "batch_size must be from 5 to 1000"),
        (lambda p: batch_correction(OrderParameters(p.Q, p.R, p.T, [0, 1])), "gain must be nonzero"),
        (lambda p: batch_correction(OrderParameters(p.Q, p.R, p.T)), "gain must be given"),
        (lambda p: batch_correction(p, input_variance=0), "input_variance must be"),
        (lambda p: train_twins(p, 5, 1, batch_size=9, rng=np.random.default_rng(0)), "dimension must be"),
    ],
)
def test_bad_input_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call(random_start(1))
