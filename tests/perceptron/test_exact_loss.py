"""The exact loss at finite batch size: three roads, limits, minima."""

import math

import numpy as np
import pytest
from scipy import special, stats

from bnlib.perceptron import exact_loss, exact_minimizer, gaussian_mean_sigma, identity_minimizer, log_partition
from bnlib.perceptron.quadrature import independent_nodes, normalized_nodes, shared_nodes, sigma_nodes
from tests.perceptron.gaussian import by_random_batches, by_three_integrals, teacher

CASES = [("softplus", 1.4, 1.0, 0.3), ("logistic", 0.7, 1.6, -1.0), ("identity", 1.2, 0.8, 0.5)]


@pytest.mark.parametrize("activation, teacher_gamma, gamma, beta", CASES)
@pytest.mark.parametrize("statistics, sizes", [("batch", (2, 5, 8, 9, 32)), ("independent", (5, 8, 32))])
def test_one_integral_is_three(activation, teacher_gamma, gamma, beta, statistics, sizes):
    """Reduced to one integral and kept as three, to 1e-10; the reduction changes its method between M = 8 and 9."""
    target = teacher(activation, teacher_gamma, 0.2)
    for M in sizes:
        loss = exact_loss(M, target, activation=activation, gamma=gamma, beta=beta, statistics=statistics)
        assert loss == pytest.approx(by_three_integrals(M, target, activation, gamma, beta, statistics), abs=1e-10)


@pytest.mark.parametrize("activation, teacher_gamma, gamma, beta", CASES)
@pytest.mark.parametrize("M", [2, 3, 4, 16])
def test_random_batches_agree(activation, teacher_gamma, gamma, beta, M, measure):
    """Batch normalization on 3 million random values, within 4 standard errors of the quadrature."""
    target = teacher(activation, teacher_gamma, 0.2)
    h = np.random.default_rng([M, len(activation)]).standard_normal((600_000 // M, M))
    mean, error = by_random_batches(h, target, activation, gamma, beta)
    settings = {"activation": activation, "gamma": gamma, "beta": beta}
    exact, plain = (exact_loss(M, target, statistics=s, **settings) for s in ("batch", "population"))
    measure("L19-eq1", abs(mean - (exact - plain)) / error, 4)


def test_independent_batches_agree():
    rng, M = np.random.default_rng(5), 8
    h, others = rng.standard_normal(400_000), rng.standard_normal((400_000, M))
    target, A = teacher("softplus", 1.4, 0.2), log_partition("softplus").value
    normalized = 0.9 * (h - others.mean(axis=1)) / others.std(axis=1) + 0.1
    loss = A(normalized) - target(h) * normalized
    exact = exact_loss(M, target, activation="softplus", gamma=0.9, beta=0.1, statistics="independent")
    assert abs(loss.mean() - exact) < 4 * loss.std() / math.sqrt(len(loss))


def test_large_batches_are_the_population():
    """M times the gap tends to a constant: what is left falls 4 times from M = 64 to 256 to 1024, up to O(1/M)."""
    target = teacher("logistic", 1.5)
    for statistics in ("batch", "independent"):
        settings = {"activation": "logistic", "gamma": 0.7}
        plain = exact_loss(8, target, statistics="population", **settings)
        gaps = [M * (exact_loss(M, target, statistics=statistics, **settings) - plain) for M in (64, 256, 1024)]
        assert (gaps[0] - gaps[1]) / (gaps[1] - gaps[2]) == pytest.approx(4, rel=0.1)


def test_kinked_relu_has_half_of_the_linear_loss():
    """By symmetry of z, if neither the student nor the teacher is shifted; so have theorem 1 and the corrected one."""
    for statistics in ("population", "batch", "independent"):
        kinked, linear = (
            exact_loss(12, teacher(activation, 1.3), activation=activation, gamma=0.8, statistics=statistics)
            for activation in ("hard-relu", "identity")
        )
        assert kinked == pytest.approx(linear / 2, rel=1e-12)


def test_infinite_losses_are_infinite_and_the_logistic_one_is_not():
    target = teacher("identity", 1.0)
    for activation in ("identity", "softplus"):
        assert exact_loss(3, target, activation=activation, statistics="independent") == math.inf
        assert math.isfinite(exact_loss(4, target, activation=activation, statistics="independent"))
    bounded = teacher("logistic", 1.0)
    assert math.isfinite(exact_loss(3, bounded, activation="logistic", statistics="independent"))
    assert (
        exact_loss(2, bounded, activation="logistic", gamma=[1.0, 2.0], statistics="independent").tolist()
        == [math.inf] * 2
    )
    with pytest.raises(ValueError, match="batch_size must be larger"):
        exact_minimizer(3, target, activation="identity", statistics="independent")


@pytest.mark.parametrize("M", [4, 8, 33, 256])
def test_identity_minimizers_in_closed_form(M, measure):
    for statistics in ("batch", "independent", "population"):
        found = exact_minimizer(M, lambda h: h, activation="identity", statistics=statistics)
        measure("own-minimizers", abs(found - identity_minimizer(M, statistics)), 1e-10)
    assert identity_minimizer(M) == pytest.approx(gaussian_mean_sigma(M), rel=1e-13)


def test_a_linear_unit_prefers_a_small_gain_in_small_batches():
    assert identity_minimizer(2) == pytest.approx(1 / math.sqrt(math.pi), rel=1e-14)
    assert identity_minimizer(3, "independent") == 0
    assert exact_minimizer(2, lambda h: h, activation="identity") == pytest.approx(1 / math.sqrt(math.pi), rel=1e-10)


def test_nodes_against_the_laws_of_scipy():
    """E of a smooth function over each law, by our nodes and by scipy's laws, to 1e-10."""

    def f(x):
        return special.expit(1.3 * x + 0.4)

    for M in (3, 6, 40):
        chi, student = stats.chi(M - 1, scale=1 / math.sqrt(M)), stats.t(M - 1, scale=math.sqrt((M + 1) / (M - 1)))
        shape = (M - 2) / 2
        beta = stats.beta(shape, shape, loc=-math.sqrt(M - 1), scale=2 * math.sqrt(M - 1))
        for (x, w), law in (
            (sigma_nodes(M), chi), (independent_nodes(M, 1), student), (normalized_nodes(M), beta)
        ):  # fmt: skip
            p = (np.arange(1000) + 0.5) / 1000
            assert w @ f(x) == pytest.approx(law.expect(f, epsabs=1e-12, epsrel=1e-11, limit=400), abs=1e-9)
            assert w @ f(x) == pytest.approx(f(law.ppf(p)).mean(), abs=1e-4)  # a crude third road: 1000 quantiles


def test_shared_nodes_are_odd_and_kept():
    h, q = shared_nodes(5)
    np.testing.assert_array_equal(q, -q[::-1])
    assert shared_nodes(5)[1] is q and not q.flags.writeable


@pytest.mark.parametrize("wrong, match", [
    (lambda: exact_loss(1, np.abs, activation="identity"), "batch_size"),
    (lambda: exact_loss(8, np.abs, activation="tanh"), "activation must be one of 'relu', .* got 'tanh'"),
    (lambda: exact_loss(8, np.abs, activation="identity", statistics="moving"), "statistics must be one of"),
    (lambda: exact_loss(8, np.abs, activation="identity", gamma=math.nan), "gamma must be finite"),
    (lambda: exact_loss(8, np.abs, activation="identity", beta=math.inf), "beta"),
    (lambda: exact_loss(8, lambda h: 1.0, activation="identity"), "target"),
    (lambda: exact_loss(8, lambda h: h * math.nan, activation="identity"), "target"),
    (lambda: exact_minimizer(8, lambda h: -h, activation="identity"), "bracket must hold a minimum"),
    (lambda: sigma_nodes(3, singularity=2), "batch_size must be > 3"),
    (lambda: independent_nodes(3), "batch_size must be > 3"),
    (lambda: identity_minimizer(1), "batch_size"),
])  # fmt: skip
def test_bad_input_is_named(wrong, match):
    with pytest.raises(ValueError, match=match):
        wrong()
