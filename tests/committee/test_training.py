"""Descent on the weights against central differences, and descent on the overlaps against descent on the weights."""

import warnings

import numpy as np
import pytest

from bnlib.committee import NORMALIZATIONS, OrderParameters, generalization_error, phi, train, train_overlaps
from bnlib.committee.overlap_walk import semidefinite_root
from bnlib.committee.training import Rule
from tests.committee.setting import outputs, random_start, weights_of

SWITCHES = [(center, scale) for center in (True, False) for scale in (True, False)]


def batch_loss(J, B, X, gain, center, scale, w, v, deviation=None):
    """Mean loss of a batch, written out on its own; a `deviation` from elsewhere is held constant."""
    x = X @ J.T
    if gain is not None:
        x = x - x.mean(axis=0) if center else x
        if scale:
            x = x / (np.sqrt(np.mean(x**2, axis=0)) if deviation is None else deviation)
        x = x * gain
    return 0.5 * np.mean(np.sum((phi(X @ B.T) @ v - phi(x) @ w) ** 2, axis=1))


def slope(function, at, step=1e-5):
    """Central differences of a scalar function of an array."""
    result = np.empty(at.shape)
    for index in np.ndindex(at.shape):
        bump = np.zeros(at.shape)
        bump[index] = step
        result[index] = (function(at + bump) - function(at - bump)) / (2 * step)
    return result


@pytest.mark.parametrize("rule", NORMALIZATIONS)
@pytest.mark.parametrize(("center", "scale"), SWITCHES)
def test_steps_are_gradients_of_the_batch_loss(rule, center, scale):
    """K = 3, M = 2, two outputs, a batch of 5 in 7 dimensions; for the papers' update with the deviation held."""
    rng = np.random.default_rng(1)
    J, B, X = rng.standard_normal((3, 7)), rng.standard_normal((2, 7)), rng.standard_normal((5, 7))
    gain = None if rule == "none" else rng.uniform(0.5, 1.5, 3)
    w = outputs(2, 3, 2, 2)
    start = OrderParameters.from_weights(J, B, gain)
    engine = Rule(start, rule, 5, 1.0, 1.0, center, scale, w["student_output"], w["teacher_output"])
    c, dg = engine.backpropagate(X @ J.T, X @ B.T, gain)
    held = None
    if rule == "batch-stop-gradient":
        x = X @ J.T
        held = np.sqrt(np.mean((x - x.mean(axis=0) if center else x) ** 2, axis=0))
    fixed = (center, scale, w["student_output"], w["teacher_output"], held)
    wanted = -slope(lambda J: batch_loss(J, B, X, gain, *fixed), J)
    np.testing.assert_allclose(c.T @ X / 5, wanted, atol=1e-9)  # central differences: step^2 and round-off / step
    if gain is not None:
        np.testing.assert_allclose(dg, -slope(lambda g: batch_loss(J, B, X, g, *fixed), gain), atol=1e-9)


def one_of_each(rule, N, K, M, steps, runs, **keywords):
    """Last Q, R (and gain) of `runs` runs on weights and as many on overlaps, as rows of numbers."""
    p = random_start(3, K=K, M=M, gains=rule != "none")
    J, B = weights_of(p, N)
    settings = {
        "normalization": rule,
        "batch_size": 4,
        "learning_rate": 1.5,
        "input_variance": 0.8,
        "record_every": steps,
        **keywords,
    }
    rng = np.random.default_rng(4)
    weights = [train(J, B, steps, gain=p.gain, rng=rng, **settings) for _ in range(runs)]
    overlaps = train_overlaps(p, N, steps, replicas=4 * runs, rng=rng, **settings)
    i, j = np.triu_indices(K)

    def rows(Q, R, gain):
        return np.hstack([Q[:, i, j], R.reshape(len(R), -1), *([] if gain is None else [gain])])

    first = rows(
        *(
            None if parts[0] is None else np.stack(parts)
            for parts in zip(*((r.Q[-1], r.R[-1], None if r.gain is None else r.gain[-1]) for r in weights))
        )
    )
    return first, rows(overlaps.Q[:, -1], overlaps.R[:, -1], None if overlaps.gain is None else overlaps.gain[:, -1])


def mean_and_spread_scores(a, b):
    """z-scores of the differences in mean and in variance of two sets of rows."""

    def moments(x):
        centered = x - x.mean(axis=0)
        variance = np.mean(centered**2, axis=0)
        return x.mean(axis=0), variance / len(x), variance, (np.mean(centered**4, axis=0) - variance**2) / len(x)

    (ma, ea, va, fa), (mb, eb, vb, fb) = moments(a), moments(b)
    return np.concatenate([(ma - mb) / np.sqrt(ea + eb), (va - vb) / np.sqrt(fa + fb)])


@pytest.mark.parametrize(
    ("rule", "N", "K", "M", "keywords"),
    [
        ("none", 12, 2, 2, {}),
        ("batch", 12, 2, 2, {"center": True}),
        ("batch", 12, 2, 2, {"center": False}),
        ("batch-stop-gradient", 12, 2, 2, {"center": False}),
        ("batch", 7, 3, 2, {"center": True, "scale": False}),
        ("none", 7, 3, 2, outputs(5, 3, 2, 2)),
        ("none", 5, 3, 2, {}),  # N = K + M: nothing lies outside the span
        ("none", 6, 3, 2, {}),  # one dimension outside, fewer than students
    ],
)
def test_overlaps_follow_the_law_of_weights(rule, N, K, M, keywords, measure):
    """Means and variances after 12 steps with batches of 4, over 400 runs on weights and 1600 on overlaps."""
    scores = mean_and_spread_scores(*one_of_each(rule, N, K, M, 12, 400, **keywords))
    # 14 to 30 scores: about one in a thousand such tests would see one above 4.2
    measure("own-overlaps-alone", np.max(np.abs(scores)), 4.2)


def test_a_student_that_has_learned_stays_learned():
    """The Gram matrix is singular from the first step; without normalization the error must stay zero."""
    T = random_start(6).T
    run = train_overlaps(
        OrderParameters(T, T, T), 50, 200, normalization="none", batch_size=3, replicas=4, rng=np.random.default_rng(7)
    )
    assert run.error.max() < 1e-14
    np.testing.assert_allclose(run.Q[:, -1], np.broadcast_to(T, (4, 2, 2)), atol=1e-12)


def test_a_student_learns_to_the_last_digit():
    """The error falls by fifteen orders of magnitude with no trouble on the way."""
    p = OrderParameters([[0.5]], [[0.2]], [[1.0]])
    run = train_overlaps(
        p, 10, 2000, normalization="none", batch_size=10, replicas=5, record_every=200, rng=np.random.default_rng(8)
    )
    assert run.error[:, -1].max() < 1e-15 < 1e-6 < run.error[:, 1].max()


@pytest.mark.parametrize("rule", NORMALIZATIONS)
def test_collinear_students_and_repeated_teachers(rule):
    """Two equal students have equal gradients: they stay equal."""
    p = OrderParameters(np.ones((2, 2)), 0.3 * np.ones((2, 2)), np.ones((2, 2)), None if rule == "none" else [1.0, 1.0])
    run = train_overlaps(p, 100, 300, normalization=rule, batch_size=5, replicas=3, rng=np.random.default_rng(9))
    Q = run.Q[:, -1]
    np.testing.assert_allclose(Q[:, 0, 1] ** 2 / (Q[:, 0, 0] * Q[:, 1, 1]), 1, atol=1e-6)
    np.testing.assert_allclose(run.R[:, -1, 0, 0], run.R[:, -1, 1, 1], atol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_semidefinite_root(n):
    A = np.random.default_rng(10).standard_normal((20, 4, n))
    G = A @ np.swapaxes(A, -1, -2)
    L = semidefinite_root(G)
    np.testing.assert_allclose(L @ np.swapaxes(L, -1, -2), G, atol=1e-13 * G.max())
    assert np.all(np.triu(L, 1) == 0)


def test_the_same_seed_gives_the_same_run():
    p = random_start(11)
    keywords = {"normalization": "batch", "batch_size": 4, "record_every": 5}
    one, other = (train_overlaps(p, 30, 20, rng=np.random.default_rng(12), **keywords) for _ in range(2))
    np.testing.assert_array_equal(one.Q, other.Q)


def test_records_and_times():
    p = random_start(13, gains=False)
    J, B = weights_of(p, 20)
    run = train(J, B, 45, normalization="none", batch_size=2, record_every=20, rng=np.random.default_rng(14))
    np.testing.assert_allclose(run.times, [0, 1, 2])
    np.testing.assert_allclose(run.Q[0], p.Q, atol=1e-12)
    assert run.error[0] == pytest.approx(generalization_error(p, normalization="none"), rel=1e-10)
    assert run.gain is None
    np.testing.assert_array_equal(run.at(2).R, run.R[2])


def test_inputs_are_not_changed():
    p = random_start(15)
    J, B = weights_of(p, 20)
    gain = np.ones(2)
    kept = J.copy(), gain.copy()
    train(J, B, 5, normalization="batch", batch_size=4, gain=gain, rng=np.random.default_rng(16))
    np.testing.assert_array_equal(J, kept[0])
    np.testing.assert_array_equal(gain, kept[1])


def test_an_interrupted_run_keeps_what_it_has():
    """Ctrl-C in the middle: a warning that says how much, and the records so far."""

    class Stops(np.random.Generator):
        calls = 0

        def standard_normal(self, *args, **keywords):
            Stops.calls += 1
            if Stops.calls > 6:
                raise KeyboardInterrupt
            return super().standard_normal(*args, **keywords)

    J, B = weights_of(random_start(17, gains=False), 20)
    rng = Stops(np.random.PCG64(18))
    with pytest.warns(UserWarning, match="interrupted: 4 of 6 records"):
        run = train(J, B, 10, normalization="none", batch_size=2, record_every=2, rng=rng)
    assert run.error.shape == (4,)


def test_a_progress_bar_can_be_asked_for(capsys):
    p = random_start(19, gains=False)
    train_overlaps(p, 20, 10, normalization="none", batch_size=2, rng=np.random.default_rng(20), progress=True)
    assert "10/10" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"batch_size": 2}, "batch_size must be a whole number >= 3"),
        ({"batch_size": 1, "center": False}, "batch_size must be a whole number >= 2"),
        ({"batch_size": 2.5, "center": False}, "batch_size must be a whole number"),
        ({"steps": -1}, "steps must be"),
        ({"record_every": 0}, "record_every must be"),
        ({"dimension": 3}, "dimension must be a whole number >= 4"),
        ({"replicas": 0}, "replicas must be"),
        ({"learning_rate": -1}, "learning_rate must be"),
        ({"input_variance": 0}, "input_variance must be"),
        ({"normalization": "none"}, "gain must be left out"),
        ({"normalization": "bn"}, "normalization must be one of"),
        ({"rng": 7}, "rng must be a numpy.random.Generator"),
    ],
)
def test_bad_settings_are_refused(change, says):
    keywords = {
        "dimension": 20,
        "steps": 3,
        "normalization": "batch",
        "batch_size": 4,
        "rng": np.random.default_rng(0),
        **change,
    }
    with pytest.raises(ValueError, match=says):
        train_overlaps(random_start(21), **keywords)


def test_bad_weights_are_refused():
    with pytest.raises(ValueError, match="teacher must have axes"):
        train(np.ones((2, 5)), np.ones((2, 4)), 1, normalization="none", batch_size=1, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="student must have axes"):
        train(np.ones((0, 5)), np.ones((2, 5)), 1, normalization="none", batch_size=1, rng=np.random.default_rng(0))


def test_no_warning_without_an_interruption():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train_overlaps(random_start(22), 20, 3, normalization="batch", batch_size=4, rng=np.random.default_rng(0))
