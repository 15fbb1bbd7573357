"""Experiments at finite size: what each learning rule ends at, and what the records say."""

import math

import numpy as np
import pytest

from bnlib.book.records import load as load_record
from bnlib.book.records import perceptron_descent as recipes
from bnlib.perceptron import (
    descent_error,
    descent_experiment,
    draw_problem,
    independent_batch_solution,
    least_squares_error,
    population_statistics_error,
    ridge_error,
    ridge_experiment,
)
from bnlib.perceptron.finite_size import _Student, solve
from tests.perceptron.mean_deviation import mean_batch_deviation


def problem(load, N, seed, replicas=1):
    return draw_problem(load, 0.25, N, np.random.default_rng(seed), replicas)


def student(X, rule, eta=1.0, zeta=0.0, seed=0):
    return _Student(X.shape, rule, eta, zeta, np.random.default_rng(seed))


@pytest.mark.parametrize("rule", ["weight", "batch", "batch-independent"])
def test_step_is_the_gradient(rule):
    """Central differences of (1/2) mean (y - gamma z)^2 over all weights and gamma, step 1e-6."""
    X, y, _ = problem(1.2, 6, 1)
    one = student(X, rule, eta=0.7)
    w, gamma, h = one.w[0].copy(), 1.0, 1e-6

    def loss(w, gamma):
        other = np.random.default_rng(5).standard_normal(X[0].shape) / math.sqrt(6)
        field = X[0] @ w if rule != "batch-independent" else other @ w
        mean, scale = (0.0, math.sqrt(np.mean(w**2))) if rule == "weight" else (field.mean(), field.std())
        return 0.5 * np.mean((y[0] - gamma * (X[0] @ w - mean) / scale) ** 2)

    slopes = np.array([(loss(w + h * e, gamma) - loss(w - h * e, gamma)) / (2 * h) for e in np.eye(6)])
    slope = (loss(w, gamma + h) - loss(w, gamma - h)) / (2 * h)
    one.step(X, y, np.random.default_rng(5))
    assert np.allclose(one.w[0] - w, -0.7 * slopes, atol=1e-8)
    assert abs(one.gain[0] - gamma + 0.7 / 6 * slope) < 1e-8


def test_plain_step_is_the_gradient():
    X, y, _ = problem(1.2, 6, 1)
    one = student(X, "none", eta=0.7)
    one.step(X, y, None)
    assert np.allclose(one.w[0], 0.7 * y[0] @ X[0] / X.shape[1], atol=1e-14)


@pytest.mark.parametrize("load", [0.5, 2.0])
def test_weight_normalization_with_decay_is_ridge(load):
    """Whole batches, to rest: ridge with lambda = alpha zeta, and not with lambda = zeta."""
    X, y, _ = problem(load, 20, 3)
    one = student(X, "weight", eta=2.0, zeta=0.25)
    for _ in range(4000):
        one.step(X, y, None)
    u = one.gain[0] * one.w[0] / math.sqrt(np.mean(one.w[0] ** 2))
    assert np.allclose(u, solve(X[0], y[0], load * 0.25), atol=1e-6)
    assert abs(u - solve(X[0], y[0], 0.25)).max() > 1e-3


@pytest.mark.parametrize("load", [0.6, 1.0])
def test_least_squares_rests_under_every_batch(load):
    """Up to load 1: fields like the targets, plus any constant. No batch of any size moves w, whatever the gain."""
    X, y, _ = problem(load, 20, 4)
    one = student(X, "batch")
    rng = np.random.default_rng(1)
    for size in (2, 3, 7):
        for gain in (0.3, 1.0, 2.0):
            batch = rng.choice(X.shape[1], size, replace=False)
            one.w, one.gain = 1.7 * solve(X[0], y[0] + gain, 0.0)[None], np.array([gain])
            before = one.w.copy()
            one.step(X[:, batch], y[:, batch], rng)
            assert abs(one.w - before).max() < 1e-9


def test_converged_batch_normalization_is_shrunk_least_squares(measure):
    """Eight inputs at load 1, no mode slower than 0.06, whole passes at a constant rate until nothing moves but gamma.

    In the end the fields are the targets, up to the scale and a constant that batch normalization does not see: u is
    c times the least-squares fit of y + constant, with c the mean deviation of a batch of targets over that of all.
    """
    M, N = 4, 8
    X, y, teacher = problem(1.0, N, 24)
    assert np.linalg.eigvalsh(X[0] @ X[0].T)[0] > 0.06
    one, rng = student(X, "batch", eta=1.0), np.random.default_rng(2)
    found = []
    for turn in range(6_000):
        order = rng.permutation(N)
        for batch in (order[:M], order[M:]):
            one.step(X[:, batch], y[:, batch], rng)
        if turn >= 2_000:
            found.append(one.gain[0])
    h = X[0] @ one.w[0]
    assert np.corrcoef(h, y[0])[0, 1] > 1 - 1e-9
    shift = (h.mean() / h.std()) * y[0].std() - y[0].mean()
    exact = mean_batch_deviation(y[0], M)
    one.gain = np.array([np.mean(found)])
    u = exact / y[0].std() * solve(X[0], y[0] + shift, 0.0)
    shrunk = np.mean((u - teacher[0]) ** 2) + (exact / y[0].std() * (y[0].mean() + shift)) ** 2
    measure("L19-batch-numerics", abs(one.errors(X, y, teacher)[0][0] / shrunk - 1), 0.02)


def test_shrink_factor_to_first_order():
    """The mean deviation over batches without replacement: 1 - 3/4M (1 - M/P), Gaussian targets, M = 16, P = 64.

    The next order, about 1/M^2 = 0.004, and the target's own kurtosis (0.6 / 8M = 0.005) are left.
    """
    rng = np.random.default_rng(1)
    ratios = []
    for _ in range(40):
        y = rng.standard_normal(64)
        batches = rng.permuted(np.tile(y, (400, 1)), axis=1)[:, :16]
        ratios.append(batches.std(axis=1).mean() / y.std())
    assert abs(np.mean(ratios) - (1 - 3 / 64 * (1 - 16 / 64))) < 0.01


def test_independent_batches_give_ridge():
    """At the claimed solution the mean step over 40 000 independent batches is zero, within 4.5 standard errors."""
    M = P = 8
    X, y, _ = problem(8 / 6, 6, 5)
    v = independent_batch_solution(X[0], y[0], M)
    copies = 40_000
    many = student(np.broadcast_to(X, (copies, P, 6)), "batch-independent")
    many.w, many.gain = np.tile(v, (copies, 1)), np.full(copies, math.sqrt(np.mean(v**2)))
    many.step(np.broadcast_to(X, (copies, P, 6)), np.broadcast_to(y, (copies, P)), np.random.default_rng(6))
    moves = np.column_stack([many.w - v, many.gain - math.sqrt(np.mean(v**2))])
    z = abs(moves.mean(axis=0)) / (moves.std(axis=0) / math.sqrt(copies))
    assert z.max() < 4.5
    wrong = solve(X[0], y[0], 0.0)
    assert abs(wrong - v).max() > 0.1


@pytest.mark.parametrize("load", [0.5, 1.0, 1.6])
def test_population_statistics_make_a_cusp(load):
    """The least-squares direction with the gain that fits the training set: 30 data sets of 200 inputs.

    3 standard errors and the limit's bias, of order 1/N away from load 1 and 1/sqrt N at it.
    """
    errors = []
    for seed in range(30):
        X, y, teacher = (part[0] for part in problem(load, 200, [seed, 3]))
        u = solve(X, y, 0.0)
        u *= math.sqrt(np.mean((X @ u) ** 2) / np.mean(u**2))  # gain over the population's deviation
        errors.append(np.mean((u - teacher) ** 2))
    theory = population_statistics_error(load, 0.25)
    allowed = 3 * np.std(errors, ddof=1) / math.sqrt(30) + (3 / 200 if load != 1 else 4 / math.sqrt(200))
    assert abs(np.mean(errors) - theory) < allowed and math.isfinite(theory)


def test_stopped_plain_descent_is_on_its_curve():
    """Small steps, 20 data sets of 80 inputs at load 1: within 3 standard errors and 2/N of the integral."""
    times = [1.0, 5.0, 10.0]
    run = descent_experiment(1.0, 0.25, 80, 80, times, "none", 0.5, np.random.default_rng(3), replicas=20)
    error = run["training statistics"]
    gap = abs(error.mean(axis=0) - descent_error(1.0, 0.25, np.array(times)))
    assert (gap < 3 * error.std(axis=0, ddof=1) / math.sqrt(20) + 2 / 80).all()


# ---- the records
@pytest.fixture(scope="module")
def figure_1():
    return load_record("perceptron_figure_1")


def test_recorded_figure_1_lies_on_the_curves(figure_1, measure):
    """N = 256: 3 standard errors and the bias 1/(N |1 - alpha|), away from load 1. N = 4096: one data set a point."""
    data, config = figure_1["data"], figure_1["config"]
    theory = {
        name: np.array([[ridge_error(a, 0.25, a * z) for z in recipes.ZETAS] for a in config[key]])
        for name, key in (("middle", "middle loads"), ("paper", "loads"))
    }
    away = np.array([a != 1 for a in config["middle loads"]])
    mean, error = (np.array(data["middle ridge"]["error"][part])[away] for part in ("mean", "error"))
    expected = theory["middle"][away]
    bias = expected / (256 * abs(1 - np.array(config["middle loads"])[away, None]))
    measure("L19-fig1-top", (abs(mean - expected) / np.sqrt(error**2 + bias**2)).max(), 3)
    single = np.array(data["paper ridge"]["error"]["mean"])
    for load, found, curve in zip(config["loads"], single, theory["paper"]):
        kept = slice(1, None) if load == 1 else slice(None)
        assert abs(found[kept] / curve[kept] - 1).max() < 0.12, load  # a data set scatters by a few percent
    assert single[config["loads"].index(1.0), 0] > 20  # the peak of least squares


def test_squares_lie_on_the_curve_when_stopped_in_time(figure_1):
    """N = 4096, t = 30: within 5 % of the curve of decay 1/2M from load 1 on; below load 1 far above.

    From a short start they lie between that curve and least squares there.

    One data set a point scatters by a few percent. Plain descent at the same time stays within 15 % of that curve.
    """
    data, loads = figure_1["data"], np.array(figure_1["config"]["loads"])
    curve = ridge_error(loads, 0.25, loads / 64)
    usual = np.array(data["paper batch"]["training statistics"]["mean"])
    short = np.array(load_record("perceptron_short_start")["data"]["paper batch"]["training statistics"]["mean"])
    plain = np.array(data["paper none"]["training statistics"]["mean"])
    high, low = loads >= 1, loads < 1
    assert abs(usual[high, 2] / curve[high] - 1).max() < 0.05
    least = least_squares_error(loads[low], 0.25)
    assert (usual[low, 2] / curve[low] > 1.4).all()
    assert (curve[low] < short[low, 2]).all() and (short[low, 2] < least).all()
    assert abs(plain[:, 2] / curve - 1).max() < 0.15
    one = int(np.argmin(abs(loads - 1)))  # the numbers of chapter 8
    assert np.allclose(usual[one], [0.60, 0.63, 0.96], atol=0.006)
    assert np.allclose(plain[one], [0.40, 0.54, 0.87], atol=0.006)
    assert np.allclose(usual[low, 2], [1.31, 1.18], atol=0.006) and np.allclose(short[low, 2], [0.74, 0.95], atol=0.006)
    assert abs(short[one, 2] - 1.29) < 0.006


def test_a_piece_of_the_record_is_made_again(figure_1):
    """The first stop at load 0.5 and N = 256, from the recipe."""
    config = figure_1["config"]["middle"]
    rng = np.random.default_rng([1, 256, 500])
    run = descent_experiment(0.5, 0.25, 256, 32, [3.0], "batch", config["learning_rate"], rng, replicas=8)
    stored = figure_1["data"]["middle batch"]["training statistics"]["mean"][1][0]
    assert abs(run["training statistics"][:, 0].mean() - stored) < 1e-4
    again = [
        ridge_experiment(0.5, 0.25, [0.0], 256, np.random.default_rng([s, 256, 500]))["error"][0] for s in range(1, 21)
    ]
    assert abs(np.mean(again) - figure_1["data"]["middle ridge"]["error"]["mean"][1][0]) < 1e-4


def test_stopped_at_the_same_time_both_are_alike(figure_1, measure):
    """N = 4096, load 1: batch normalization and plain descent stopped together, from t = 10 on."""
    data, where = figure_1["data"], figure_1["config"]["loads"].index(1.0)
    batch, plain = (np.array(data[f"paper {rule}"]["training statistics"]["mean"][where]) for rule in ("batch", "none"))
    measure("L19-fig1-bottom", abs(batch / plain - 1)[1:].max(), 0.2)
    assert (np.diff(batch)[1:] > 0).all() and (np.diff(plain) > 0).all()


def test_recorded_runs_climb_at_load_one():
    """Both dip, then climb far beyond ridge; those of well-conditioned data sets end at shrunk least squares."""
    data = load_record("perceptron_training_time")["data"]
    for rule in ("batch", "none"):
        median = np.array(data[f"{rule} 1"]["training statistics"][1])
        assert median[-1] > 10 * median.min()
        assert median[-1] > 10 * np.median(data[f"{rule} 1"]["ridge"])
    independent = np.array(data["batch-independent 1"]["training statistics"][1])
    assert independent[-1] < np.median(data["batch-independent 1"]["ridge"])
    population = np.array(data["batch 1"]["population statistics"][1])
    assert 1.2 < population[-1] < population_statistics_error(1.0, 0.25)
    ratios = np.array(data["batch 1"]["last"]) / data["batch 1"]["least squares"]
    assert ratios.max() < 0.97 and np.sum(ratios > 0.9) >= 4  # (1 - 3/4M (1 - M/P))^2 = 0.93 where it has converged


@pytest.mark.parametrize(
    "key, ratio", [("batch 0.75", 1.21), ("none 0.75", 1.0), ("batch 1.5", 0.91), ("none 1.5", 1.01)]
)
def test_recorded_ends_away_from_load_one(key, ratio):
    """The numbers of chapter 8: the part of w across the inputs stays below load 1, and some noise is left above it."""
    run = load_record("perceptron_training_time")["data"][key]
    assert abs(np.median(np.array(run["last"]) / run["least squares"]) - ratio) < 0.006


@pytest.mark.parametrize("changes, name", [
    ({"load": 0.0}, "load"), ({"noise_variance": -1.0}, "noise_variance"), ({"batch_size": 99}, "batch_size"),
    ({"batch_size": 1}, "batch_size"), ({"normalization": "layer"}, "normalization"), ({"times": [2.0, 1.0]}, "times"),
    ({"zeta": -1.0}, "zeta"), ({"rng": 0}, "rng"), ({"start_length": 0.0}, "start_length"),
    ({"normalization": "batch-independent", "batch_size": 3}, "batch_size"),
])  # fmt: skip
def test_bad_input_is_named(changes, name):
    arguments = {
        "load": 1.0, "noise_variance": 0.25, "dimension": 20, "batch_size": 5, "times": [1.0], "normalization": "batch",
        "learning_rate": 1.0, "rng": np.random.default_rng(0),
    } | changes  # fmt: skip
    with pytest.raises(ValueError, match=f"^{name} must"):
        descent_experiment(**arguments)


def test_bad_decay_is_named():
    with pytest.raises(ValueError, match="^decays must"):
        ridge_experiment(1.0, 0.25, [-0.1], 20, np.random.default_rng(0))
