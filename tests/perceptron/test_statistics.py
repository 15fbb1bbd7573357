"""Laws of batch statistics: against quadrature, enumeration, and random batches."""

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from bnlib.perceptron import (
    LAWS,
    batch_statistics,
    draw_batches,
    gaussian_mean_inverse_sigma,
    gaussian_mean_inverse_square_sigma,
    gaussian_mean_sigma,
    moments,
    normalized_cdf,
    normalized_density,
    normalized_fourth_moment,
    replacement_factor,
    sigma_cdf,
    sigma_density,
    standardize,
)

SMALL = (2, 3, 4, 5, 8, 33)
LEVEL = 1e-4  # of a Kolmogorov-Smirnov test: a right law fails one of these 15 seeds in 700


def over_sigma(power, M):
    """E sigma_B^power by adaptive quadrature of scipy's own chi density, not ours."""
    chi = stats.chi(M - 1, scale=1 / math.sqrt(M))
    return (
        integrate.quad(lambda s: s**power * chi.pdf(s), 0, 1, epsabs=0, epsrel=1e-12, limit=200)[0]
        + integrate.quad(lambda s: s**power * chi.pdf(s), 1, math.inf, epsabs=0, epsrel=1e-12, limit=200)[0]
    )


@pytest.mark.parametrize("M", SMALL)
def test_gaussian_means_are_those_of_quadrature(M):
    assert gaussian_mean_sigma(M) == pytest.approx(over_sigma(1, M), rel=1e-10)
    if M > 2:
        assert gaussian_mean_inverse_sigma(M) == pytest.approx(over_sigma(-1, M), rel=1e-10)
    if M > 3:
        assert gaussian_mean_inverse_square_sigma(M) == pytest.approx(over_sigma(-2, M), rel=1e-10)


def test_infinite_means_are_infinite():
    """The integral above a lower end that goes to 0 grows without bound: like log(1/end), by the same step a decade."""
    assert gaussian_mean_inverse_sigma(2) == gaussian_mean_inverse_square_sigma(2) == math.inf
    assert gaussian_mean_inverse_square_sigma(3) == math.inf
    for M, power in ((2, -1), (3, -2)):
        above = [
            integrate.quad(lambda s, p, m: s**p * sigma_density(s, m), end, 10 * end, args=(power, M), epsrel=1e-10)[0]
            for end in (1e-4, 1e-5, 1e-6)
        ]
        assert above[2] > 0.99 * above[0] > 0.1


@pytest.mark.parametrize("M", SMALL)
def test_densities_integrate_to_their_distribution_functions(M):
    for s in (0.3, 1.0, 1.6):
        assert integrate.quad(sigma_density, 0, s, args=(M,), epsrel=1e-12)[0] == pytest.approx(
            sigma_cdf(s, M), rel=1e-9
        )
    if M > 3:
        for z in (-0.9, 0.2, 1.3):
            assert integrate.quad(normalized_density, -math.sqrt(M - 1), z, args=(M,), epsrel=1e-12)[
                0
            ] == pytest.approx(normalized_cdf(z, M), rel=1e-9)


def test_arcsine_and_uniform():
    z = np.linspace(-1.4, 1.4, 9)
    np.testing.assert_allclose(normalized_density(z, 3), 1 / (np.pi * np.sqrt(2 - z**2)), rtol=1e-13)
    np.testing.assert_allclose(normalized_cdf(z, 3), 0.5 + np.arcsin(z / math.sqrt(2)) / np.pi, rtol=1e-12)
    np.testing.assert_allclose(normalized_density(z, 4), 1 / (2 * math.sqrt(3)), rtol=1e-14)
    large = normalized_density(z, 10**6)  # the bell, up to O(1/M)
    np.testing.assert_allclose(large, stats.norm.pdf(z), rtol=5e-6)


@pytest.mark.parametrize("M", [2, 3, 4, 5, 8])
def test_small_batches_have_the_exact_laws(M, measure):
    """One value, the mean and the deviation of each of 20 000 batches, by Kolmogorov-Smirnov."""
    h = draw_batches("gaussian", M, 20_000, rng=np.random.default_rng(50 + M))
    mu, sigma = h.mean(axis=1), h.std(axis=1)
    z = (h[:, 0] - mu) / sigma
    if M == 2:
        np.testing.assert_allclose(np.abs(z), 1, rtol=1e-12)
        assert abs((z > 0).mean() - 0.5) < 4 * 0.5 / math.sqrt(len(z))
    p = {
        "own-normalized-law": 1.0 if M == 2 else stats.kstest(z, lambda at: normalized_cdf(at, M)).pvalue,
        "L19-prior-mean": stats.kstest(mu, stats.norm(scale=1 / math.sqrt(M)).cdf).pvalue,
        "own-deviation-law": stats.kstest(sigma, lambda at: sigma_cdf(at, M)).pvalue,
    }
    for claim, value in p.items():
        measure(claim, -math.log10(value), -math.log10(LEVEL))


@pytest.mark.parametrize("M", [3, 4, 8])
def test_a_normalized_value_knows_nothing_of_the_statistics(M):
    """Correlations of z^2 with mu_B^2 and sigma_B, of z with mu_B: 0 within 4 standard errors 1/sqrt(batches)."""
    h = draw_batches("gaussian", M, 40_000, rng=np.random.default_rng(100 + M))
    mu, sigma = h.mean(axis=1), h.std(axis=1)
    z = (h[:, 0] - mu) / sigma
    for a, b in ((z, mu), (z**2, mu**2), (z**2, sigma), (np.abs(z), sigma**2)):
        assert abs(np.corrcoef(a, b)[0, 1]) < 4 / math.sqrt(len(z))
    fourth = z**4
    assert abs(fourth.mean() - normalized_fourth_moment(M)) < 4 * fourth.std() / math.sqrt(len(z))


def test_gaussian_expansion_and_the_missing_bias():
    """g(M) = 1 - 3/(4M) - 7/(32 M^2) + O(1/M^3), by the remainder at M and 2M; and moments at rho = 0 is g."""
    rest = [(gaussian_mean_sigma(M) - 1 + 3 / (4 * M) + 7 / (32 * M**2)) * M**3 for M in (64, 128)]
    assert rest[0] == pytest.approx(rest[1], rel=0.02) and abs(rest[1]) < 1
    m = moments(8)
    assert m.mean_sigma == gaussian_mean_sigma(8)
    assert m.var_sigma == pytest.approx(over_sigma(2, 8) - over_sigma(1, 8) ** 2, rel=1e-10)


def test_moments_have_the_expansion_of_any_kurtosis():
    for rho in (-2.0, -1.2, 0.0, 3.0, 6.0):
        for M in (1000, 4000):
            m = moments(M, rho)
            assert m.mean_sigma == pytest.approx(1 - 1 / (2 * M) - (rho + 2) / (8 * M), abs=2 / M**2)
            assert m.var_sigma == pytest.approx((rho + 2) / (4 * M), abs=4 / M**2)
            assert m.var_mu == 1 / M


REST = {"gaussian": 1, "two-points": 1, "uniform": 1, "laplace": 5, "exponential": 13}
# M^2 times what the expansion leaves out, bounds: at M = 16 and 64 in 4 million draws it is 0.1, 0.4, 0.4, 3.3, 9.7.


@pytest.mark.parametrize("law", REST)
def test_moments_of_random_batches(law, measure):
    """Against 60 000 batches of 64: 4 standard errors, and the next order of the expansion."""
    M, batches = 64, 60_000
    mu, sigma = batch_statistics(law, M, batches, rng=np.random.default_rng(len(law)))
    m = moments(M, LAWS[law].excess_kurtosis, skewness=LAWS[law].skewness)
    deviation, rest = sigma - sigma.mean(), REST[law] / M**2
    for values, expected in (
        (sigma, m.mean_sigma),
        (mu**2, m.var_mu),
        (deviation**2, m.var_sigma),
        (mu * deviation, m.cov),
    ):
        tolerance = 4 * values.std() / math.sqrt(batches) + rest
        measure("L19-prior-deviation", abs(values.mean() - expected) / tolerance, 1)
    assert abs(sigma.mean() - 1) > 2 * (4 * sigma.std() / math.sqrt(batches) + rest)  # the prior's own mean is 1


def test_heavy_tails_come_late():
    """M Var sigma_B of exponential values is still far from its limit (rho+2)/4 = 2 at M = 16: about 1.5."""
    _, sigma = batch_statistics("exponential", 16, 100_000, rng=np.random.default_rng(1))
    assert 16 * sigma.var() == pytest.approx(1.50, abs=0.05)


def test_without_replacement_by_enumeration(measure):
    """All 1820 batches of 4 from 16 values: the variance of mu_B and the mean of sigma_B^2, exactly."""
    h = standardize(np.random.default_rng(3).standard_exponential(16))
    batches = h[np.array(list(itertools.combinations(range(16), 4)))]
    factor = replacement_factor(4, 16)
    gap = abs(batches.mean(axis=1).var() / (factor / 4) - 1)
    assert (batches.std(axis=1) ** 2).mean() == pytest.approx(1 - factor / 4, rel=1e-12)
    measure("own-without-replacement", gap, 1e-12)


@pytest.mark.parametrize("P", [40, 160, 640])
def test_without_replacement_the_bias_shrinks_too(P):
    """Bias and variance of sigma_B over batches of 32 from P Gaussian values: 4 standard errors plus O(1/M^2)."""
    h = standardize(stats.norm.ppf((np.arange(P) + 0.5) / P))
    rng = np.random.default_rng(P)
    chosen = np.argpartition(rng.random((20_000, P)), 31, axis=1)[:, :32]
    sigma = h[chosen].std(axis=1)
    m = moments(32, (h**4).mean() - 3, population_size=P)
    assert abs(sigma.mean() - m.mean_sigma) < 4 * sigma.std() / math.sqrt(len(sigma)) + 1 / 32**2
    squares = (sigma - sigma.mean()) ** 2
    assert abs(sigma.var() - m.var_sigma) < 4 * squares.std() / math.sqrt(len(sigma)) + 1 / 32**2
    assert moments(P, population_size=P).mean_sigma == 1 and moments(P, population_size=P).var_mu == 0


def test_laws_have_the_moments_they_say():
    """Four moments of 400 000 draws: 4 standard errors, from the draws (the heavy tail's higher ones from scipy)."""
    for name, law in LAWS.items():
        x = law.draw(np.random.default_rng(7), 400_000)
        moments_of = ((1, 0.0), (2, 1.0), (3, law.skewness), (4, law.excess_kurtosis + 3))
        for power, expected in moments_of[:2] if name == "student" else moments_of:  # its higher ones have no error
            error = (x**power).std() / math.sqrt(len(x)) + 1e-12
            assert abs((x**power).mean() - expected) < 4 * error, (name, power)
    assert LAWS["student"].excess_kurtosis == stats.t(5).stats(moments="k")


def test_infinite_batch_and_bad_input():
    m = moments(math.inf, 3.0)
    assert (m.mean_sigma, m.var_mu, m.var_sigma, m.cov) == (1, 0, 0, 0)
    for wrong, match in (
        (lambda: moments(1), "batch_size must be a whole number >= 2; got 1"),
        (lambda: moments(2.5), "batch_size"),
        (lambda: moments(math.nan), "batch_size"),
        (lambda: moments(8, -2.1), r"excess_kurtosis must be >= .* -2; got -2.1"),
        (lambda: moments(8, 1.0, skewness=2.0), "excess_kurtosis must be >= .* 2; got 1.0"),
        (lambda: moments(8, math.inf), "excess_kurtosis"),
        (lambda: moments(4, 100.0), "batch_size must be larger than about excess_kurtosis / 8"),
        (lambda: moments(8, population_size=7), "population_size must be at least batch_size = 8; got 7"),
        (lambda: gaussian_mean_sigma(math.inf), "batch_size"),
        (lambda: normalized_density(0.0, 2), "batch_size must be at least 3"),
        (lambda: normalized_density(math.sqrt(2), 3), "z must not be"),
        (lambda: normalized_cdf(math.nan, 3), "z must be numbers without NaN"),
        (lambda: batch_statistics("cauchy", 8, 3, rng=np.random.default_rng(0)), "law must be one of 'gaussian'"),
        (lambda: batch_statistics("gaussian", 8, 0, rng=np.random.default_rng(0)), "batches"),
        (lambda: batch_statistics("gaussian", 8, 3, rng=0), "rng must be a numpy.random.Generator"),
        (lambda: draw_batches("gaussian", 8, 3, rng=np.random.default_rng(0), population_size=7), "population_size"),
        (lambda: standardize([1.0, 1.0]), "must not be constant"),
        (lambda: standardize([1.0]), "at least two"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=match):
            wrong()


def test_numbers_that_chapter_5_tells():
    """How far the expansions are from the exact values, and three more numbers of the text."""
    above = {M: (1 - 3 / (4 * M)) / gaussian_mean_sigma(M) - 1 for M in (2, 3)}
    assert round(100 * above[2]) == 11 and round(100 * above[3]) == 4
    variance = {M: 1 / (2 * M) / moments(M).var_sigma - 1 for M in (6, 7)}
    assert variance[6] > 0.05 > variance[7]
    assert normalized_fourth_moment(9) == pytest.approx(0.8 * 3)
    _, sigma = batch_statistics("exponential", 16, 100_000, rng=np.random.default_rng(2))
    assert 16 * sigma.var() == pytest.approx(0.75 * 2, abs=0.05)  # a quarter below the limit
    assert 16 * sigma.var() == pytest.approx(0.8 * 16 * moments(16, 6.0).var_sigma, abs=0.05)  # a fifth below `moments`
