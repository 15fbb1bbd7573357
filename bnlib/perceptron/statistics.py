"""How the statistics of a batch scatter: laws of its mean, its deviation, and a normalized pre-activation.

A batch holds M values h of a population of mean mu_P and deviation sigma_P; mu_B is its mean and sigma_B its deviation
with the factor 1/M, as batch normalization takes it. All results are in units of sigma_P and about mu_P.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from bnlib.checks import real, whole


@dataclass(frozen=True)
class Moments:
    """Means, variances and the covariance of mu_B and sigma_B, in units of sigma_P; mu_B has mean 0."""

    batch_size: float
    mean_sigma: float
    var_mu: float
    var_sigma: float
    cov: float = 0.0


def moments(batch_size, excess_kurtosis=0.0, *, skewness=0.0, population_size=math.inf) -> Moments:
    """Moments of the mean and the deviation of a batch.

    var_mu = 1/M is exact. mean_sigma = g(M) - rho/(8M), with g(M) the exact mean for Gaussian values, so that it is
    exact for these and 1 - 1/(2M) - (rho+2)/(8M) up to O(1/M^2) for others (not in L19, whose prior has the mean
    sigma_P). var_sigma = (1 - 1/M) - mean_sigma^2, as E sigma_B^2 = 1 - 1/M exactly: (rho+2)/(4M) up to O(1/M^2), L19
    section 2. cov = skewness/(2M). The O(1/M^2) is large for heavy tails.

    batch_size: a whole number >= 2, or ``math.inf``. excess_kurtosis: rho >= skewness^2 - 2; 0 for a Gaussian.
    population_size: P >= M if batches are drawn without replacement from P values; the deviations from
    (mean_sigma, var_mu, var_sigma, cov) = (1, 0, 0, 0) then shrink by `replacement_factor`, exactly for var_mu.
    Raises ValueError for arguments outside, and for batches so small that the expansion has no sense (rho >= 8M g(M)).

    >>> m = moments(32)
    >>> round(m.mean_sigma, 6), m.var_mu, round(32 * m.var_sigma, 4)
    (0.976347, 0.03125, 0.4959)
    >>> round(32 * moments(32, 6.0).var_sigma, 2)
    1.94
    """
    skewness = real("skewness", skewness)
    kurtosis = _kurtosis(excess_kurtosis, skewness)
    M = batch(batch_size, allow_infinity=True)
    P = population_size if population_size == math.inf else whole("population_size", population_size, 2)
    if P < M:
        raise ValueError(f"population_size must be at least batch_size = {M}; got {population_size!r}")
    if M == math.inf:
        return Moments(M, 1.0, 0.0, 0.0, 0.0)
    factor = replacement_factor(M, P)
    mean = gaussian_mean_sigma(M) - kurtosis / (8 * M)
    if mean <= 0:
        raise ValueError(
            f"batch_size must be larger than about excess_kurtosis / 8 for the expansion in 1/M; got batch_size = {M} "
            f"with excess_kurtosis = {kurtosis:g}"
        )
    variance = (1 - 1 / M) - mean**2
    return Moments(M, 1 - factor * (1 - mean), factor / M, factor * variance, factor * skewness / (2 * M))


def replacement_factor(batch_size, population_size) -> float:
    """(P - M)/(P - 1): what drawing a batch of M without replacement from P values leaves of Var mu_B = sigma_P^2/M.

    Exact for mu_B (survey sampling); about 1 - M/P, and right to leading order for the bias and variance of sigma_B.

    >>> replacement_factor(32, 156), replacement_factor(32, float("inf"))
    (0.8, 1.0)
    """
    M = batch(batch_size)
    if population_size == math.inf:
        return 1.0
    P = whole("population_size", population_size, M)
    return (P - M) / (P - 1)


def gaussian_mean_sigma(batch_size) -> float:
    """E sigma_B for Gaussian values, exact: sqrt(2/M) Gamma(M/2) / Gamma((M-1)/2) = 1 - 3/(4M) + O(1/M^2).

    >>> round(gaussian_mean_sigma(4), 12) == round(math.sqrt(2 / math.pi), 12)
    True
    """
    M = batch(batch_size)
    return math.sqrt(2 / M) * _half_step((M - 1) / 2)


def gaussian_mean_inverse_sigma(batch_size) -> float:
    """E 1/sigma_B for Gaussian values, exact (L19 C.3): sqrt(M/2) Gamma((M-2)/2) / Gamma((M-1)/2) = 1 + 5/(4M) + ...

    Infinite at M = 2, where sigma_B has a positive density at 0; ``math.inf`` is returned.

    >>> round(gaussian_mean_inverse_sigma(32), 6), gaussian_mean_inverse_sigma(2)
    (1.041437, inf)
    """
    M = batch(batch_size)
    return math.inf if M == 2 else math.sqrt(M / 2) / _half_step((M - 2) / 2)


def gaussian_mean_inverse_square_sigma(batch_size) -> float:
    """E 1/sigma_B^2 for Gaussian values, exact (L19 C.3): M/(M-3), and ``math.inf`` for M <= 3.

    >>> gaussian_mean_inverse_square_sigma(6), gaussian_mean_inverse_square_sigma(3)
    (2.0, inf)
    """
    M = batch(batch_size)
    return M / (M - 3) if M > 3 else math.inf


def sigma_density(sigma, batch_size):
    """Density of sigma_B for Gaussian values, exact: sqrt(M) sigma_B is chi-distributed with M - 1 degrees of freedom.

    sigma: any shape; 0 is returned below 0.

    >>> round(float(sigma_density(1.0, 2)), 6)
    0.415107
    """
    M, s = batch(batch_size), _values("sigma", sigma)
    inside = s > 0
    log = special.xlogy(M - 2, np.where(inside, s, 1.0)) - M * s**2 / 2
    log += (M - 1) / 2 * math.log(M) - (M - 3) / 2 * math.log(2) - special.gammaln((M - 1) / 2)
    return np.where(inside, np.exp(log), 0.0)


def sigma_cdf(sigma, batch_size):
    """P(sigma_B <= sigma) for Gaussian values, exact; sigma has any shape.

    >>> round(float(sigma_cdf(1.0, 3)), 6) == round(1 - math.exp(-1.5), 6)
    True
    """
    M, s = batch(batch_size), _values("sigma", sigma)
    return special.gammainc((M - 1) / 2, M * np.maximum(s, 0.0) ** 2 / 2)


def normalized_density(z, batch_size):
    """Density of (h - mu_B)/sigma_B for a Gaussian h that is in its batch of M >= 3, exact.

    Proportional to (1 - z^2/(M-1))^((M-4)/2) on |z| <= sqrt(M-1), where it ends (Thompson 1935): arcsine at M = 3,
    uniform at M = 4, a bell only beyond. It is independent of mu_B and sigma_B. z has any shape. Raises ValueError at
    M = 2, where z is +1 or -1 and has no density, and at M = 3 for |z| = sqrt(2), where the density is infinite.

    >>> normalized_density([0.0, 1.0, 2.0], 4).round(6).tolist()
    [0.288675, 0.288675, 0.0]
    """
    M, z = batch(batch_size), _values("z", z)
    if M == 2:
        raise ValueError("batch_size must be at least 3 for a density (at 2 the values are +1 and -1); got 2")
    rest = 1 - z**2 / (M - 1)
    if M == 3 and (np.abs(rest) < 1e-15).any():
        raise ValueError("z must not be +-sqrt(2) at batch_size 3, where the density is infinite")
    power = np.where(rest > 0, np.abs(rest), 1.0) ** ((M - 4) / 2)
    return np.where(rest > 0, power, 0.0) / (math.sqrt(M - 1) * special.beta(0.5, (M - 2) / 2))


def normalized_cdf(z, batch_size):
    """P((h - mu_B)/sigma_B <= z) for a Gaussian h that is in its batch of M >= 2, exact; z has any shape.

    >>> normalized_cdf([-1.5, 0.0, 1.5], 2).tolist(), float(normalized_cdf(1.0, 3).round(6))
    ([0.0, 0.5, 1.0], 0.75)
    """
    M, z = batch(batch_size), _values("z", z)
    if M == 2:
        return 0.5 * (z >= -1) + 0.5 * (z >= 1)
    share = np.clip((1 + z / math.sqrt(M - 1)) / 2, 0, 1)
    return special.betainc((M - 2) / 2, (M - 2) / 2, share)


def normalized_fourth_moment(batch_size) -> float:
    """E z^4 of z = (h - mu_B)/sigma_B for a Gaussian h in its batch: 3 (M-1)/(M+1), against 3 for the Gaussian itself.

    >>> normalized_fourth_moment(2), normalized_fourth_moment(5)
    (1.0, 2.0)
    """
    M = batch(batch_size)
    return 3 * (M - 1) / (M + 1)


def batch(batch_size, *, allow_infinity=False):
    """`batch_size` as an int >= 2 (or ``math.inf``, where allowed); one value alone has no deviation."""
    if allow_infinity and batch_size == math.inf:
        return math.inf
    return whole("batch_size", batch_size, 2)


def _half_step(x):
    """Gamma(x + 1/2)/Gamma(x) to the last digit, where a difference of log Gammas loses three: Stirling's series."""
    shrink = 1.0
    while x < 25:
        shrink, x = shrink * x / (x + 0.5), x + 1
    coefficients = (39325 / 33554432, 869 / 4194304, -399 / 262144, -21 / 32768, 5 / 1024, 1 / 128, -1 / 8, 1.0)
    return shrink * math.sqrt(x) * float(np.polyval(coefficients, 1 / x))


def _kurtosis(excess_kurtosis, skewness):
    kurtosis = real("excess_kurtosis", excess_kurtosis)
    if kurtosis < skewness**2 - 2:
        raise ValueError(f"excess_kurtosis must be >= skewness^2 - 2 = {skewness**2 - 2:g}; got {excess_kurtosis!r}")
    return kurtosis


def _values(name, value):
    values = np.asarray(value, dtype=np.float64)
    if np.isnan(values).any():
        raise ValueError(f"{name} must be numbers without NaN; got {value!r}")
    return values
