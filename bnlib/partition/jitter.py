"""Laws of the batch statistics on projections, and what their jitter does to hyperplanes (B22 section 5).

A unit sees the projection u = <w, z> of its input. Over a batch of B inputs its mean is mu_B and its standard deviation
sigma_B, with divisor B as in B22 eq (3) unless ``unbiased``. ``variance`` and ``fourth`` are the second and fourth
central moments of u (units u^2 and u^4); any law will do, with no assumption on the coordinates of z. `population` is
the number N of inputs from which batches are drawn without replacement, as an epoch draws them; then the moments are
those of the N inputs, with divisor N. All of it broadcasts.
"""

import math

import numpy as np
from scipy.special import gammaln, ndtr

from bnlib.checks import array, between, finite, generator, whole


def projection_moments(points, weight):
    """Mean, variance and fourth central moment of <w, z> over the points, with divisor N; axes (n,) each.

    >>> [moment.tolist() for moment in projection_moments([[0], [2]], [[3]])]
    [[3.0], [9.0], [81.0]]
    """
    points = array("points", points, ("N", "D"))
    values = points @ array("weight", weight, ("n", "D"), D=points.shape[1]).T
    centred = values - values.mean(axis=0)
    return values.mean(axis=0), np.mean(centred**2, axis=0), np.mean(centred**4, axis=0)


def fourth_moment(weight, deviations, excess_kurtosis):
    """m_4 of <w, z> for independent coordinates: 3 sigma^4 + sum_d w_d^4 kappa_d rho_d^4, rho the deviations (D,).

    Uncorrelated coordinates are not enough: then it is the projection's own fourth moment that counts.

    >>> float(fourth_moment([1.0, 1.0], [1.0, 1.0], [-2.0, -2.0]))  # two fair signs: (16 + 0 + 0 + 16) / 4
    8.0
    """
    weight = array("weight", weight, ("D",))
    deviations = array("deviations", deviations, ("D",), D=len(weight))
    excess = array("excess_kurtosis", excess_kurtosis, ("D",), D=len(weight))
    scaled = weight * deviations
    return 3 * np.sum(scaled**2) ** 2 + np.sum(excess * scaled**4)


def variance_of_mean(variance, batch_size, *, population=None):
    """Var mu_B = variance / B, times (N - B) / (N - 1) without replacement (B22 proposition 2, first half).

    >>> variance_of_mean(1.0, 4), variance_of_mean(1.0, 4, population=4)
    (0.25, 0.0)
    """
    B, N = _sizes(batch_size, population)
    return _moment("variance", variance) / B * (1 if N is None else (N - B) / max(N - 1, 1))


def mean_of_variance(variance, batch_size, *, population=None, unbiased=False):
    """E sigma_B^2 = variance (B - 1) / B, or the variance if ``unbiased``; times N / (N - 1) without replacement.

    >>> mean_of_variance(1.0, 4), mean_of_variance(1.0, 4, unbiased=True), mean_of_variance(1.0, 4, population=4)
    (0.75, 1.0, 1.0)
    """
    B, N = _sizes(batch_size, population, least=2)
    factor = (1 if unbiased else (B - 1) / B) * (1 if N is None else N / (N - 1))
    return _moment("variance", variance) * factor


def variance_of_variance(variance, fourth, batch_size, *, population=None, unbiased=False):
    """Var sigma_B^2 (B22 proposition 2, second half): (m_4 - sigma^4 (B - 3) / (B - 1)) / B if ``unbiased``.

    With divisor B, as in eq (3), it is ((B - 1) / B)^2 times that. Without replacement, from the k-statistics K_2, K_4
    and the polykay K_22 of the N >= 4 inputs: (1/B - 1/N) K_4 + 2 (1/(B - 1) - 1/(N - 1)) K_22, exactly.

    >>> variance_of_variance(1.0, 3.0, 5), variance_of_variance(1.0, 3.0, 5, unbiased=True)
    (0.32000000000000006, 0.5)
    """
    B, N = _sizes(batch_size, population, least=2)
    m2, m4 = _moment("variance", variance), _moment("fourth", fourth)
    if N is None:
        spread = (m4 - m2**2 * (B - 3) / (B - 1)) / B
    else:
        if N < 4:
            raise ValueError(f"population must be at least 4 here; got {N}")
        K2 = m2 * N / (N - 1)
        K4 = N**2 * ((N + 1) * m4 - 3 * (N - 1) * m2**2) / ((N - 1) * (N - 2) * (N - 3))
        K22 = (K2**2 - K4 / N) * (N - 1) / (N + 1)
        spread = (1 / B - 1 / N) * K4 + 2 * (1 / (B - 1) - 1 / (N - 1)) * K22
    return spread if unbiased else spread * ((B - 1) / B) ** 2


def deviation_of_sigma(variance, fourth, batch_size):
    """The standard deviation of sigma_B to first order, sqrt((m_4 - sigma^4) / (4 B sigma^2)).

    >>> round(float(deviation_of_sigma(1.0, 3.0, 50)), 3)
    0.1
    """
    B, _ = _sizes(batch_size, None)
    m2, m4 = _moment("variance", variance), _moment("fourth", fourth)
    return np.sqrt((m4 - m2**2) / (4 * B * m2))


def gaussian_mean_density(values, mean, sigma, batch_size):
    """Density of mu_B for Gaussian projections, N(mean, sigma^2 / B).

    >>> round(float(gaussian_mean_density(0.0, 0.0, 1.0, 4)), 4)
    0.7979
    """
    B, _ = _sizes(batch_size, None)
    spread = finite("sigma", sigma, above=0) / math.sqrt(B)
    return np.exp(-0.5 * ((np.asarray(values) - mean) / spread) ** 2) / (math.sqrt(2 * math.pi) * spread)


def gaussian_sigma_density(values, sigma, batch_size):
    """Density of sigma_B for Gaussian projections: B sigma_B^2 / sigma^2 is chi-squared with B - 1 degrees of freedom.

    >>> round(float(gaussian_sigma_density(0.5, 1.0, 2)), 4)  # twice a normal density, as sigma_B = |z| / sqrt(2)
    0.8788
    """
    B, _ = _sizes(batch_size, None, least=2)
    scale = finite("sigma", sigma, above=0) / math.sqrt(B)
    values = np.asarray(values, dtype=np.float64)
    chi = np.maximum(values, np.finfo(float).tiny) / scale
    log = (B - 2) * np.log(chi) - chi**2 / 2 - (B - 3) / 2 * math.log(2) - gammaln((B - 1) / 2)
    return np.where(values >= 0, np.exp(log) / scale, 0.0)


def flip_probability(level, batch_size, *, in_batch=False):
    """How often the sign of a normalized level h(x) flips from batch to batch: Phi(-sqrt(B) |h|).

    Gaussian projection, batches of independent inputs, first layer. If x itself is in the batch, Phi(-sqrt(B - 1) |h|).

    >>> float(flip_probability(0.5, 16).round(4)), float(flip_probability(0.5, 17, in_batch=True).round(4))
    (0.0228, 0.0228)
    """
    B, _ = _sizes(batch_size, None)
    return ndtr(-np.sqrt(B - 1 if in_batch else B) * np.abs(np.asarray(level, dtype=np.float64)))


def straddling_probability(slope):
    """How often a batch of two has a point on either side of the zero-bias boundary: 1/2 + (2 / pi) arctan(slope).

    The layer before is batch-normalized and wide, the last weights are independent with mean 0, the slope below zero is
    in [-1, 1] (corrects B22 proposition 3). The two logits are Gaussian with correlation -2 slope / (1 + slope^2).

    >>> [round(float(straddling_probability(slope)), 3) for slope in (-1, 0, 0.1, 1)]
    [0.0, 0.5, 0.563, 1.0]
    """
    return 0.5 + 2 / np.pi * np.arctan(between("slope", slope, -1, 1))


def mean_logit(levels, weight, slope):
    """The batch mean of the logit <w, a(h)> for normalized levels h (B, n): (1 - slope)/2 sum_k w_k mean |h_k|.

    It is what keeps a batch from straddling the boundary: 0 only by accident, or if slope = 1.

    >>> float(mean_logit([[1.0, -1.0], [-1.0, 1.0]], [1.0, 1.0], 0.1))
    0.9
    """
    levels = array("levels", levels, ("B", "n"))
    weight = array("weight", weight, ("n",), n=levels.shape[1])
    return (1 - slope) / 2 * np.mean(np.abs(levels), axis=0) @ weight


def straddles(logits, axis=-1):
    """Whether a batch's logits take both signs, along an axis.

    >>> straddles([[0.9, 0.9], [-0.1, 2.0]])
    array([False,  True])
    """
    logits = np.asarray(logits, dtype=np.float64)
    return (logits > 0).any(axis=axis) & (logits < 0).any(axis=axis)


def draw_batches(population, batch_size, count, rng, *, replace=False):
    """Indices (count, B) of random batches from N inputs; without replacement inside a batch unless ``replace``.

    >>> sorted(draw_batches(4, 4, 1, np.random.default_rng(0))[0].tolist())
    [0, 1, 2, 3]
    """
    generator("rng", rng)
    N, B, count = whole("population", population, 1), whole("batch_size", batch_size, 1), whole("count", count, 1)
    if replace:
        return rng.integers(N, size=(count, B))
    if B > N:
        raise ValueError(f"batch_size must be at most the population {N} without replacement; got {B}")
    return np.argsort(rng.random((count, N)), axis=1)[:, :B]


def statistics_of_batches(points, weight, batches):
    """mu_B and sigma_B (divisor B) of the projections for batches of indices (count, B); axes (count, n) each.

    >>> mu, sigma = statistics_of_batches([[0.0], [2.0], [4.0]], [[1.0]], [[0, 1], [0, 2]])
    >>> mu.ravel().tolist(), sigma.ravel().tolist()
    ([1.0, 2.0], [1.0, 2.0])
    """
    points = array("points", points, ("N", "D"))
    values = points @ array("weight", weight, ("n", "D"), D=points.shape[1]).T
    seen = values[np.asarray(batches, dtype=int)]
    return seen.mean(axis=1), seen.std(axis=1)


def shift_covariance(points, batch_size, *, replace=False):
    """Covariance (D, D) of the batch mean of the inputs: the rigid shift of the first layer's whole arrangement.

    All first-layer hyperplanes of a batch pass through its mean, so that at fixed weights a new batch only moves them
    along: by a vector with covariance Sigma / B (N - B) / (N - 1), Sigma with divisor N (no last factor if
    ``replace``). Unit k then moves by the standard deviation rho_k / sqrt(B) (times the root of that factor).

    >>> shift_covariance([[-1.0], [1.0]], 1), shift_covariance([[-1.0], [1.0]], 2)
    (array([[1.]]), array([[0.]]))
    """
    points = array("points", points, ("N", "D"))
    centred = points - points.mean(axis=0)
    covariance = centred.T @ centred / len(points)
    return covariance * variance_of_mean(1.0, batch_size, population=None if replace else len(points))


def _sizes(batch_size, population, least=1):
    B = whole("batch_size", batch_size, least)
    if population is None:
        return B, None
    N = whole("population", population, least)
    if B > N:
        raise ValueError(f"batch_size must be at most the population {N}; got {B}")
    return B, N


def _moment(name, value):
    number = finite(name, value, least=0)
    return number if number.ndim else float(number)
