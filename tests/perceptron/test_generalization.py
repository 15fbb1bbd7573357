"""Generalization at finite load: closed forms against random matrices, exact finite sizes, and limits."""

import math

import numpy as np
import pytest

from bnlib.perceptron import (
    descent_error,
    generalization_gap,
    least_squares_error,
    optimal_decay,
    population_statistics_error,
    ridge_decay,
    ridge_error,
    ridge_experiment,
    shrunk_error,
    training_error,
)

LOADS, NOISES, DECAYS, N, SEEDS = (0.4, 0.8, 1.3, 2.5), (0.0, 0.25, 1.0), (0.0, 0.1, 0.5), 240, 24


@pytest.fixture(scope="module")
def runs():
    """Errors and training errors of random data sets: (loads, noises, seeds, decays) each."""
    shape = (len(LOADS), len(NOISES), SEEDS, len(DECAYS))
    result = {"error": np.empty(shape), "training": np.empty(shape)}
    for i, load in enumerate(LOADS):
        for j, noise in enumerate(NOISES):
            for seed in range(SEEDS):
                one = ridge_experiment(load, noise, list(DECAYS), N, np.random.default_rng([seed, i, j]))
                for name, values in one.items():
                    result[name][i, j, seed] = values
    return result


def standard_errors(values, theory, bias):
    """Distance of the means from theory in standard errors, the bias O(1/N) of the limit added in quadrature."""
    error = values.std(axis=2, ddof=1) / math.sqrt(SEEDS)
    return abs(values.mean(axis=2) - theory) / np.sqrt(error**2 + bias**2 + 1e-24)


@pytest.mark.parametrize("name, law", [("error", ridge_error), ("training", training_error)])
def test_curves_are_within_three_standard_errors_of_random_matrices(runs, name, law, measure):
    """A grid of 36 loads, noises and decays at N = 240. The limit is off by about 1/(N |1 - alpha|) of itself."""
    alpha, noise, decay = np.meshgrid(LOADS, NOISES, DECAYS, indexing="ij")
    theory = law(alpha, noise, decay)
    z = standard_errors(runs[name], theory, theory / (N * abs(1 - alpha)))
    if name == "error":
        measure("L19-plain-error", z[:, :, 0].max(), 3)
        measure("L19-ridge-error", z[:, :, 1:].max(), 3)
    assert z.max() < 3


@pytest.mark.parametrize("load", [0.5, 2.0])
def test_least_squares_at_finite_size_has_an_exact_law(load):
    """Gaussian inputs: delta^2 N/(P-N-1) above load 1, 1 - P/N + delta^2 P/(N-P-1) below; 200 sets of 40 inputs."""
    N, P = 40, round(40 * load)
    errors = [ridge_experiment(load, 0.25, [0.0], N, np.random.default_rng([9, s]))["error"][0] for s in range(200)]
    exact = 0.25 * N / (P - N - 1) if load > 1 else 1 - load + 0.25 * P / (N - P - 1)
    assert abs(np.mean(errors) - exact) < 3 * np.std(errors, ddof=1) / math.sqrt(200)


def test_ridge_is_the_papers_formula():
    """delta^2 d(lambda G)/d lambda - lambda^2 dG/d lambda with the printed G, by central differences (step 1e-5)."""

    def G(alpha, decay):
        a, b = math.sqrt(decay + (1 + math.sqrt(alpha)) ** 2), math.sqrt(decay + (1 - math.sqrt(alpha)) ** 2)
        return (1 - alpha - decay + a * b) / (2 * decay)

    h = 1e-5
    for alpha in (0.3, 1.0, 2.0):
        for decay in (0.05, 0.25, 2.0):
            up, down = decay + h, decay - h
            slope = (G(alpha, up) - G(alpha, down)) / (2 * h)
            of_product = (up * G(alpha, up) - down * G(alpha, down)) / (2 * h)
            assert abs(ridge_error(alpha, 0.25, decay) - (0.25 * of_product - decay**2 * slope)) < 1e-7


def test_no_decay_is_least_squares():
    """Continuous to 1e-12 decay, without loss of digits, on both sides of the peak."""
    for alpha in (0.2, 0.9, 1.1, 5.0):
        expected = 1 - alpha + alpha * 0.25 / (1 - alpha) if alpha < 1 else 0.25 / (alpha - 1)
        assert abs(least_squares_error(alpha, 0.25) / expected - 1) < 1e-13
        assert abs(ridge_error(alpha, 0.25, 1e-12) / expected - 1) < 1e-8


def test_the_peak_is_infinite_and_said_so():
    assert least_squares_error(1.0, 0.25) == math.inf and ridge_error(1.0, 1e-9, 0.0) == math.inf
    assert least_squares_error(1.0, 0.0) == 0.0 and training_error(1.0, 0.25) == 0.0
    assert np.isinf(least_squares_error(np.array([0.5, 1.0, 2.0]), 0.25)).tolist() == [False, True, False]
    assert shrunk_error(1.0, 0.25, 0.9) == math.inf and shrunk_error(1.0, 0.25, 0.0) == 1.0
    assert not math.isnan(generalization_gap(1.0, 0.25)) and population_statistics_error(1.0, 0.25) == 2.25
    assert population_statistics_error(1.0, 0.0) == 0.0


def test_extremes():
    assert abs(ridge_error(0.7, 0.3, 1e9) - 1) < 1e-8  # the student stays at zero
    assert abs(ridge_error(1e-9, 0.3, 0.1) - 1) < 1e-8  # no examples
    assert ridge_error(1e6, 0.3, 0.0) < 1e-6
    assert abs(training_error(1e6, 0.3) - 0.3) < 1e-6


@pytest.mark.parametrize("load", [0.3, 1.0, 1.7])
def test_optimal_decay_is_the_noise(load):
    decays = np.linspace(0.01, 1.0, 199)
    best = decays[np.argmin(ridge_error(load, 0.3, decays))]
    assert abs(best - optimal_decay(0.3)) < 0.005


def test_least_squares_dips_below_load_one_only_for_small_noise():
    """'First decreases, then increases' on (0, 1): minimum at alpha = 1 - delta, so for delta < 1."""
    alpha = np.linspace(0.001, 0.999, 999)
    for noise in (0.04, 0.25):
        assert abs(alpha[np.argmin(least_squares_error(alpha, noise))] - (1 - math.sqrt(noise))) < 1e-3
    assert (np.diff(least_squares_error(alpha, 1.5)) > 0).all()


def test_gap_is_not_the_error():
    """L19's squares are validation minus training: at load 2, lambda = 0.25 it is .2785 where the error is .1754."""
    assert abs(generalization_gap(2.0, 0.25, 0.25) - 0.2785) < 5e-5
    assert abs(ridge_error(2.0, 0.25, 0.25) - 0.1754) < 5e-5
    assert generalization_gap(0.5, 0.25) == least_squares_error(0.5, 0.25) + 0.25


def test_decay_of_gamma_is_alpha_zeta():
    assert ridge_decay(0.25, 2.0) == 0.5


@pytest.mark.parametrize("load", [0.5, 1.0, 2.0])
def test_stopped_descent(load):
    """Against full-batch descent by eigenvectors, 40 data sets of 200 inputs, within 3 standard errors."""
    times, rows = np.array([0.5, 3.0, 20.0]), []
    for seed in range(40):
        rng = np.random.default_rng([5, seed])
        P = round(200 * load)
        X = rng.standard_normal((P, 200)) / math.sqrt(200)
        teacher = rng.standard_normal(200)
        values, vectors = np.linalg.eigh(X.T @ X)
        values = np.maximum(values, 1e-300)
        part, noise = vectors.T @ teacher, vectors.T @ (X.T @ (0.5 * rng.standard_normal(P)))
        left = np.exp(-np.outer(times, values) / load)
        rows.append(np.mean((-left * part + (1 - left) * noise / np.where(values > 1e-9, values, np.inf)) ** 2, axis=1))
    rows = np.array(rows)
    error = rows.std(axis=0, ddof=1) / math.sqrt(40)
    assert (abs(rows.mean(axis=0) - descent_error(load, 0.25, times)) / error).max() < 3


def test_descent_ends_at_least_squares_and_its_peak_grows_with_time(measure):
    """At load 1 the error grows as the square root of the time: between t = 1e3 and 1e5 by 10."""
    for load in (0.5, 2.0):
        assert abs(descent_error(load, 0.25, 1e5) - least_squares_error(load, 0.25)) < 1e-6
    errors = descent_error(1.0, 0.25, np.array([1e3, 1e5]))
    measure("own-growing-peak", abs(math.log10(errors[1] / errors[0]) / 2 - 0.5), 0.01)


def test_quadrature_over_the_spectrum_is_converged():
    from bnlib.perceptron.generalization import _spectrum

    for load in (0.25, 1.0, 3.0):
        s, weight = _spectrum(load)
        fine_s, fine_weight = _spectrum(load, 700)
        for t in (1.0, 1e3, 3e4):
            coarse, fine = ((-np.expm1(-a * t / load)) ** 2 / a @ w for a, w in ((s, weight), (fine_s, fine_weight)))
            assert abs(coarse / fine - 1) < 1e-9


@pytest.mark.parametrize("function", [least_squares_error, population_statistics_error, training_error])
@pytest.mark.parametrize("load, noise, name", [(0.0, 0.1, "load"), (-1.0, 0.1, "load"), (1.0, -0.1, "noise_variance"),
                                               (math.nan, 0.1, "load"), ("half", 0.1, "load")])  # fmt: skip
def test_bad_input_is_named(function, load, noise, name):
    with pytest.raises(ValueError, match=f"^{name} must"):
        function(load, noise)


@pytest.mark.parametrize("call, name", [
    (lambda: ridge_error(1.0, 0.1, -0.1), "decay"), (lambda: ridge_decay(-0.1, 1.0), "zeta"),
    (lambda: descent_error(1.0, 0.1, -1.0), "time"), (lambda: optimal_decay(-0.1), "noise_variance"),
    (lambda: descent_error(0.0, 0.1, 1.0), "load"),
])  # fmt: skip
def test_bad_input_elsewhere_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} must"):
        call()
