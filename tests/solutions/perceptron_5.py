"""Solutions of chapter 5's exercises: a reference, another style, and one wrong answer for each known mistake."""

import math

import numpy as np
from scipy import special


def mean_deviation(M):
    return math.sqrt(2 / M) * math.exp(math.lgamma(M / 2) - math.lgamma((M - 1) / 2))


def mean_deviation_by_recursion(M):
    mean = 1 / math.sqrt(math.pi)
    for m in range(2, int(M)):
        mean = (m - 1) / math.sqrt(m * (m + 1)) / mean
    return np.float64(mean)


DEVIATION_MISTAKES = {
    "factor 1/(M-1)": lambda M: mean_deviation(M) * math.sqrt(M / (M - 1)),
    "M degrees of freedom": lambda M: math.sqrt(2 / M) * math.exp(math.lgamma((M + 1) / 2) - math.lgamma(M / 2)),
    "only the first order": lambda M: 1 - 3 / (4 * M),
    "root of the mean": lambda M: math.sqrt(1 - 1 / M),
}


def density(z, M):
    inside = np.abs(z) < math.sqrt(M - 1)
    rest = np.where(inside, 1 - z**2 / (M - 1), 1.0)
    return inside * rest ** ((M - 4) / 2) / (math.sqrt(M - 1) * special.beta(0.5, (M - 2) / 2))


def density_one_by_one(z, M):
    values = []
    for x in z:
        rest = 1 - x * x / (M - 1)
        log_norm = math.lgamma((M - 1) / 2) - math.lgamma((M - 2) / 2) - 0.5 * math.log(math.pi * (M - 1))
        values.append(math.exp(log_norm + (M - 4) / 2 * math.log(rest)) if rest > 0 else 0.0)
    return values


def _power(z, M, size, power):
    """Proportional to (1 - z^2/size)^power with the norm of its Beta function."""
    rest = 1 - z**2 / size
    return np.where(rest > 0, np.abs(rest) ** power, 0.0) / (math.sqrt(size) * special.beta(0.5, power + 1))


DENSITY_MISTAKES = {
    "the bell": lambda z, M: np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi),
    "statistics of another batch": lambda z, M: (
        (1 + z**2 / (M + 1)) ** (-M / 2)
        * math.exp(math.lgamma(M / 2) - math.lgamma((M - 1) / 2))
        / math.sqrt(math.pi * (M + 1))
    ),
    "dimension of the sphere": lambda z, M: _power(z, M, M - 1, (M - 3) / 2),
    "ends at sqrt(M)": lambda z, M: _power(z, M, M, (M - 4) / 2),
}


def noise(h, M):
    P, variance = len(h), h.var()
    kurtosis = np.mean((h - h.mean()) ** 4) / variance**2 - 3
    return variance / M * (P - M) / (P - 1) * np.array([1, (kurtosis + 2) / 4])


def noise_by_sums(h, M):
    mean = sum(h) / len(h)
    centred = [x - mean for x in h]
    second, fourth = (sum(x**power for x in centred) / len(h) for power in (2, 4))
    factor = 1 - (M - 1) / (len(h) - 1)
    return second * factor / M, (fourth - second**2) / (4 * second) * factor / M


NOISE_MISTAKES = {
    "kurtosis that is not excess": lambda h, M: noise(h, M) + [0, 0.75 * noise(h, M)[0]],
    "deviations in place of variances": lambda h, M: np.sqrt(noise(h, M)) * h.std() ** 0,
    "with replacement": lambda h, M: (
        noise(h, M) * (len(h) - 1) / max(len(h) - M, 1e-9) if len(h) > M else noise(h, 1) / M
    ),
    "1 - M/P": lambda h, M: noise(h, 1) / M * (1 - M / len(h)),
    "unit of length forgotten": lambda h, M: noise(h, M) / [1, h.var()],
}

SOLUTIONS = {
    "perceptron-5-1": (mean_deviation, mean_deviation_by_recursion, DEVIATION_MISTAKES),
    "perceptron-5-2": (density, density_one_by_one, DENSITY_MISTAKES),
    "perceptron-5-3": (noise, noise_by_sums, NOISE_MISTAKES),
}
