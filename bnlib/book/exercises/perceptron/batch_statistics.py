"""Exercises of chapter 5: the deviation of a batch, the law of a normalized value, and the noise of a training set."""

import functools
import itertools
import math

import numpy as np
from scipy import stats

from bnlib.book.exercise import Check, Exercise, Mistake, close


@functools.lru_cache(maxsize=8)
def _batches(M, count=40_000):
    """Random Gaussian batches, shape (count, M)."""
    return np.random.default_rng(M).standard_normal((count, M))


# ---- 5.1: E sigma_B.
def _agrees_with_batches(answer):
    for M in (3, 6):
        sigma = _batches(M).std(axis=1)
        if abs(float(answer(M)) - sigma.mean()) > 5 * sigma.std() / math.sqrt(len(sigma)):
            return False
    return True


def _neighbours(answer):
    """E sigma_M E sigma_(M+1) telescopes: the Gamma functions of the middle cancel."""
    return all(close(answer(M) * answer(M + 1), (M - 1) / math.sqrt(M * (M + 1)), rtol=1e-9) for M in (2, 5, 40))


DEVIATION = Exercise(
    name="perceptron-5-1",
    title="The deviation of a batch, on average",
    ask="M values are drawn from a Gaussian law of variance 1. Write mean_deviation(M), the mean of their deviation "
    "sigma_B, exactly; sigma_B is the root of the mean square about the batch's own mean, with the factor 1/M.",
    arguments=lambda: (4,),
    shape=(),
    hints=(
        "Which law does M sigma_B^2 have? How many degrees of freedom are left when the batch's own mean has been "
        "subtracted?",
        "M sigma_B^2 is chi-square with M - 1 degrees of freedom. You need the mean of its root.",
        "The mean of x^(1/2) under a Gamma law is a ratio of two Gamma functions whose arguments differ by 1/2. "
        "math.lgamma keeps large M from overflowing.",
    ),
    checks=(
        Check(
            "two values give 1/sqrt(pi), as sigma_B is half of their distance",
            lambda answer: close(answer(2), 1 / math.sqrt(math.pi), rtol=1e-9),
        ),
        Check("40 000 random batches of 3 and of 6 have this mean within 5 standard errors", _agrees_with_batches),
        Check("the product at M and M + 1 is (M-1)/sqrt(M(M+1))", _neighbours),
        Check(
            "M (1 - mean) comes to 3/4 in large batches",
            lambda answer: close(250 * (1 - answer(250)), 0.75, rtol=3e-3),
        ),
    ),
    mistakes=(
        Mistake(
            "factor 1/(M-1)",
            lambda answer: close(answer(2), math.sqrt(2 / math.pi), rtol=1e-3) and answer(250) > 0.9985,
            "You divide by M - 1. Batch normalization divides by M; the correction for the lost degree of freedom is "
            "what statisticians do, and even theirs leaves the deviation (not the variance) too small on average.",
        ),
        Mistake(
            "M degrees of freedom",
            lambda answer: close(answer(2), math.sqrt(math.pi) / 2, rtol=1e-3),
            "This is the root mean square about the population's mean. The batch's own mean is closer to its values "
            "and takes one degree of freedom away.",
        ),
        Mistake(
            "only the first order",
            lambda answer: close(answer(2), 1 - 3 / 8, rtol=1e-3) or close(answer(2), 1 - 1 / 4, rtol=1e-3),
            "This is the beginning of an expansion in 1/M. At M = 2 it is far off; the exact mean has Gamma functions.",
        ),
        Mistake(
            "root of the mean",
            lambda answer: close(answer(2), math.sqrt(0.5), rtol=1e-3) and close(answer(5), math.sqrt(0.8), rtol=1e-3),
            "This is the root of the mean of sigma_B^2. The mean of a root is smaller than the root of the mean.",
        ),
    ),
)


# ---- 5.2: the density of (h - mu_B)/sigma_B.
def _grid(M):
    """Points between the ends, not on them."""
    return np.linspace(-1, 1, 41)[1:-1] * math.sqrt(M - 1)


def _moment(answer, M, power):
    """The integral of z^power density, in the variable z = sqrt(M-1) sin(angle)."""
    angle, weight = np.polynomial.legendre.leggauss(200)
    angle, weight = angle * math.pi / 2, weight * math.pi / 2
    z = math.sqrt(M - 1) * np.sin(angle)
    return float(np.sum(weight * math.sqrt(M - 1) * np.cos(angle) * z**power * answer(z, M)))


def _shares(answer):
    """How many of the random values lie in [-1, 1], against the density's integral."""
    for M in (3, 5, 9):
        h = _batches(M)
        share = np.mean(np.abs((h[:, 0] - h.mean(axis=1)) / h.std(axis=1)) < 1)
        points, weights = np.polynomial.legendre.leggauss(60)
        if abs(float(weights @ answer(points, M)) - share) > 5 * 0.5 / math.sqrt(len(h)):
            return False
    return True


def _ratio(answer, expected):
    """Whether the density, up to its norm, is that function."""
    return all(close(answer(_grid(M), M) / answer(np.zeros(39), M), expected(_grid(M), M), rtol=1e-3) for M in (5, 8))


NORMALIZED = Exercise(
    name="perceptron-5-2",
    title="The law of a normalized value",
    ask="A Gaussian value is normalized by the mean and the deviation of the batch of M that it is in. Write "
    "density(z, M), the density of the result at the points z (an array), for M >= 3: an array of the same shape, 0 "
    "outside the ends.",
    arguments=lambda: (np.array([-3.0, -0.5, 0.0, 0.7]), 5),
    shape=(4,),
    hints=(
        "The normalized batch is a vector of M numbers of sum 0 and sum of squares M. For Gaussian values it is "
        "uniform on that sphere. What is the dimension of the space that the sphere lies in?",
        "One coordinate of a uniform point on a sphere in n dimensions has a density proportional to "
        "(1 - c^2)^((n-3)/2), |c| <= 1. Here n = M - 1, but a coordinate axis is not inside the space of sum 0: the "
        "largest possible value is not sqrt(M).",
        "The largest value is sqrt(M-1): one entry up, all others equal. The norm is a Beta function, "
        "scipy.special.beta(1/2, (M-2)/2) times sqrt(M-1).",
    ),
    checks=(
        Check(
            "in batches of 4 all values between -sqrt(3) and sqrt(3) are equally likely",
            lambda answer: close(answer(_grid(4), 4), np.full(39, 1 / math.sqrt(12)), rtol=1e-6),
        ),
        Check(
            "beyond sqrt(M-1) there is nothing",
            lambda answer: all(
                close(answer(np.array([-3.0, 3.0]) * math.sqrt(M - 1), M), np.zeros(2)) for M in (3, 4, 5, 8)
            ),
        ),
        Check(
            "the integral is 1",
            lambda answer: all(close(_moment(answer, M, 0), 1.0, rtol=1e-5) for M in (3, 5, 8, 30)),
        ),
        Check(
            "the mean square is 1, whatever M, as a normalized batch has it",
            lambda answer: all(close(_moment(answer, M, 2), 1.0, rtol=1e-5) for M in (3, 5, 8, 30)),
        ),
        Check("random batches of 3, 5 and 9 put as many values between -1 and 1, within 5 standard errors", _shares),
    ),
    mistakes=(
        Mistake(
            "the bell",
            lambda answer: _ratio(answer, lambda z, M: np.exp(-(z**2) / 2)),
            "This is the law of a value normalized by the population's statistics. The batch's own follow the value: a "
            "large value makes its own deviation large.",
        ),
        Mistake(
            "statistics of another batch",
            lambda answer: (
                _ratio(answer, lambda z, M: (1 + z**2 / (M + 1)) ** (-M / 2))
                or _ratio(answer, lambda z, M: (1 + z**2 / (M - 1)) ** (-M / 2))
            ),
            "Student's law is that of a value normalized by a batch that it is not in. Here it is in its batch, and "
            "so it can never be larger than sqrt(M-1).",
        ),
        Mistake(
            "dimension of the sphere",
            lambda answer: _ratio(answer, lambda z, M: np.abs(1 - z**2 / (M - 1)) ** ((M - 3) / 2)),
            "You took a sphere in M dimensions. The sum of a normalized batch is 0, which takes one away.",
        ),
        Mistake(
            "ends at sqrt(M)",
            lambda answer: (
                answer(np.array([1.75, 0.0]), 4)[0] > 0 and answer(np.array([math.sqrt(4) * 1.01, 0.0]), 4)[0] == 0
            ),
            "Your values reach sqrt(M). But when one value is that large, the sum of the batch is not 0: the largest "
            "possible is sqrt(M-1).",
        ),
    ),
)


# ---- 5.3: the noise of a training set.
def _training_set(P=600, scale=2.0):
    """Skewed values with light tails: quantiles of a Gamma law, not standardized."""
    return scale * stats.gamma(3).ppf((np.arange(P) + 0.5) / P) - 1


@functools.lru_cache(maxsize=1)
def _measured_variance(M=60):
    """Var sigma_B of batches of whole epochs of `_training_set`: about 1 % accurate."""
    h = np.tile(_training_set(), (2000, 1))
    return float(np.random.default_rng(0).permuted(h, axis=1).reshape(-1, M).std(axis=1).var())


def _enumerated(answer):
    h = np.array([0.3, -1.0, 2.2, 0.8, -0.4, 4.0, 1.1, -2.0])
    means = [np.mean(part) for part in itertools.combinations(h, 3)]
    return close(answer(h, 3)[0], np.var(means), rtol=1e-9)


def _gaussian_set():
    """10 000 quantiles of a standard Gaussian."""
    return stats.norm.ppf((np.arange(10_000) + 0.5) / 10_000)


def _is(answer, first=None, second=None, M=50, rtol=0.03):
    """Whether the answer for the Gaussian set, times M, is this."""
    value = M * np.asarray(answer(_gaussian_set(), M))
    return all(close(v, e, rtol=rtol) for v, e in zip(value, (first, second)) if e is not None)


NOISE = Exercise(
    name="perceptron-5-3",
    title="How noisy is this training set?",
    ask="h holds the pre-activations of one unit over a training set, shape (P,), and batches of M are drawn from it "
    "without replacement. Write noise(h, M): two numbers, the variance of mu_B (exact) and the variance of sigma_B (to "
    "leading order in 1/M, times the same factor for drawing without replacement).",
    arguments=lambda: (_training_set(), 60),
    shape=(2,),
    hints=(
        "With replacement the variances are sigma_P^2/M and sigma_P^2 (rho+2)/(4M), where rho is the excess kurtosis: "
        "the mean of z^4 minus 3. Why do both have the factor sigma_P^2?",
        "Without replacement, two values of a batch are not independent: Cov(h_i, h_j) = -sigma_P^2/(P-1), because the "
        "sum over the whole set is fixed. Put this into the variance of a mean.",
        "The factor is (P-M)/(P-1). At M = P it must be 0, and at M = 1 it must be 1.",
    ),
    checks=(
        Check("all 56 batches of 3 from 8 values have this variance of the mean, exactly", _enumerated),
        Check(
            "a batch that is the whole set has no noise",
            lambda answer: close(answer(_training_set(50), 50), np.zeros(2), atol=1e-12),
        ),
        Check(
            "values that are three times as large have nine times the variances",
            lambda answer: close(answer(3 * _training_set(), 60), 9 * answer(_training_set(), 60)),
        ),
        Check(
            "for Gaussian values and a large set they are 1/M and 1/(2M)",
            lambda answer: _is(answer, 1.0, 0.5),
        ),
        Check(
            "the deviations of 20 000 batches of 60 from a skewed set of 600 scatter so, within 7 % (the next order)",
            lambda answer: close(answer(_training_set(), 60)[1], _measured_variance(), rtol=0.07),
        ),
    ),
    mistakes=(
        Mistake(
            "kurtosis that is not excess",
            lambda answer: _is(answer, second=1.25),
            "You put the mean of z^4 itself, 3 for a Gaussian, where the excess over 3 belongs.",
        ),
        Mistake(
            "deviations in place of variances",
            lambda answer: _is(answer, math.sqrt(50), math.sqrt(25)),
            "These are standard deviations. Two variances are asked for.",
        ),
        Mistake(
            "with replacement",
            lambda answer: answer(_training_set(50), 50)[0] > 1e-3 and _is(answer, 1.0, 0.5),
            "A batch that is the whole training set still has noise in your formula. Without replacement the values of "
            "a batch know of each other.",
        ),
        Mistake(
            "1 - M/P",
            lambda answer: (
                close(answer(np.array([1.0, -1.0]), 1)[0], 0.5, rtol=1e-9)
                and close(answer(_training_set(50), 50)[0], 0.0, atol=1e-12)
            ),
            "The factor 1 - M/P is right for large P. Exactly, a batch of one has the whole variance.",
        ),
        Mistake(
            "unit of length forgotten",
            lambda answer: (
                _is(answer, second=0.5) and close(answer(3 * _training_set(), 60)[1], answer(_training_set(), 60)[1])
            ),
            "Your second number does not change when all values are three times as large. It is the variance of a "
            "deviation, so it needs a factor of that square.",
        ),
    ),
)

EXERCISES = (DEVIATION, NORMALIZED, NOISE)
