"""Statements of L19's sections 1, 2 and C.3 that are more than a formula: likelihoods, small batches, several units."""

import math
from fractions import Fraction

import numpy as np
import pytest

from bnlib.perceptron import (
    batch_normalize,
    batch_statistics,
    gamma_decay,
    gaussian_sigma_part,
    log_partition,
)
from tests.perceptron.gaussian import W, Z


def test_one_unit_forgets_scale_and_shift():
    """Eq (1): the unit's output does not change when all its pre-activations are stretched and moved."""
    h = np.random.default_rng(0).standard_normal(9)
    np.testing.assert_allclose(batch_normalize(h, 0.7, 0.2), batch_normalize(5 * h - 3, 0.7, 0.2), rtol=1e-12)
    out = batch_normalize(h, 0.7, 0.2)
    assert out.mean() == pytest.approx(0.2, abs=1e-14) and out.std() == pytest.approx(0.7, rel=1e-14)


def test_logistic_and_squared_error_are_likelihoods(measure):
    """Eq (2): A(h) - y h is -log p(y|h) for a coin of probability sigmoid(h), and for a Gaussian of mean h."""
    h = np.linspace(-4, 4, 9)
    coin = [-np.log(1 / (1 + np.exp(-(2 * y - 1) * h))) for y in (0, 1)]
    logistic = [log_partition("logistic").value(h) - y * h for y in (0, 1)]
    gap = abs(np.array(coin) - logistic).max()
    for y in (-1.3, 0.4):
        identity = log_partition("identity").value(h) - y * h
        gap = max(gap, np.ptp(identity - (h - y) ** 2 / 2))  # equal up to a constant in h
    measure("L19-eq2", gap, 1e-12)


def power_series_of_exp_A(count):
    """e^A = sum c_n e^(nh) for softplus, where A = sum (-1)^(k+1) e^(kh)/k^2, in exact arithmetic."""
    a = [Fraction(0)] + [Fraction((-1) ** (k + 1), k * k) for k in range(1, count)]
    c = [Fraction(1)]
    for n in range(1, count):
        c.append(sum(k * a[k] * c[n - k] for k in range(1, n + 1)) / n)
    return c


def test_no_law_has_the_softplus_for_its_mean(measure):
    """A law with -log p = A - y h has e^A for its generating function, so weights c_n >= 0 at y = 0, 1, 2, ...

    The fifth weight is -1/288. The series is that of our A: at h = -3 its first 14 terms have it to e^(-42).
    """
    c = power_series_of_exp_A(14)
    assert [c[n] for n in range(5)] == [1, 1, Fraction(1, 4), Fraction(1, 36), Fraction(-1, 288)]
    value = sum(float(weight) * math.exp(-3 * n) for n, weight in enumerate(c))
    assert value == pytest.approx(math.exp(log_partition("softplus").value(-3.0)), rel=1e-14)
    measure("own-no-softplus-likelihood", float(c[4]) + 1 / 288, 1e-15)


def test_small_independent_batches_have_no_mean_and_true_ones_a_bound(measure):
    """M = 2. Among n batches the largest 1/sigma_B grows like n, its mean like log n; (h - mu_B)/sigma_B is +-1."""
    _, sigma = batch_statistics("gaussian", 2, 1_000_000, rng=np.random.default_rng(12))
    largest = [np.max(1 / sigma[:n]) for n in (1_000, 1_000_000)]
    assert largest[1] > 100 * largest[0]
    h = np.random.default_rng(13).standard_normal((100_000, 5))
    z = (h - h.mean(axis=1, keepdims=True)) / h.std(axis=1, keepdims=True)
    measure("L19-small-batches", abs(z).max() / 2, 1 + 1e-9)  # sqrt(M - 1) = 2 at M = 5
    assert abs(z).max() > 1.99


def test_the_mean_adds_twice_what_the_deviation_adds(measure):
    """A linear unit at its optimum, squared error without 1/2: 1/M from mu_B, E (1/sigma_B - 1)^2 from sigma_B."""
    M, rng = 64, np.random.default_rng(14)
    mu, sigma = batch_statistics("gaussian", M, 400_000, rng=rng)
    z = rng.standard_normal(400_000)
    for added, expected in ((mu**2, 1 / M), ((z / sigma - z) ** 2, gaussian_sigma_part(M))):
        measure("L19-mean-neglected", abs(added.mean() - expected) / (added.std() / math.sqrt(added.size)), 4)
    zeta = gamma_decay(M, Z, activation="identity", weights=W)
    assert zeta.mu == pytest.approx(2 * zeta.sigma, rel=1e-12)


@pytest.mark.parametrize("r", [0.0, 0.6])
def test_noise_of_two_units(r, measure):
    """Covariances r/M of the means, r^2/(2M) of the deviations: within 4 standard errors, plus 1/M^2 for the last."""
    M, batches = 64, 40_000
    rng = np.random.default_rng(15)
    a, other = rng.standard_normal((2, batches, M))
    b = r * a + math.sqrt(1 - r**2) * other
    means = a.mean(axis=1) * b.mean(axis=1)
    measure("L19-correlations", abs(means.mean() - r / M) / (means.std() / math.sqrt(batches)), 4)
    da, db = (x.std(axis=1) - x.std(axis=1).mean() for x in (a, b))
    deviations = da * db
    assert abs(deviations.mean() - r**2 / (2 * M)) < 4 * deviations.std() / math.sqrt(batches) + 1 / M**2
