"""Exercises of chapter 13: paired differences, folding a normalization into weights, and how many seeds to run."""

import functools
import math

import numpy as np
from scipy.special import ndtr, ndtri

from bnlib.book.exercise import Check, Exercise, Mistake, close

A = np.array([0.20, 0.30, 0.25, 0.41])
B = np.array([0.18, 0.27, 0.24, 0.37])
LUCK = np.array([0.0, 10.0, -5.0, 2.0])  # what a seed's split adds to both arms
SQUARE = np.array([[1.0, 2.0], [3.0, 4.0]])


PAIRED = Exercise(
    name="classifier-13-1",
    title="The difference of two arms that share their seeds",
    ask="Two arms were run with the same seeds: the same splits, weights and orders. Write paired(a, b) for the arrays "
    "of their results, shape (S,), returning two numbers: the mean of a - b and its standard error.",
    arguments=lambda: (A, B),
    shape=(2,),
    hints=(
        "What is random here, given that each seed's luck is in both arms? Form one number a seed.",
        "The standard error of a mean of S numbers is their standard deviation over the root of S.",
        "The standard deviation of a sample divides by S - 1, since the mean was fitted to the same numbers: "
        "np.std(..., ddof=1).",
    ),
    checks=(
        Check("the first number is the mean of a - b", lambda answer: close(answer(A, B)[0], 0.025)),
        Check(
            "luck that both arms share does not matter",
            lambda answer: close(answer(A + LUCK, B + LUCK), answer(A, B)),
        ),
        Check(
            "differences 1, 2, 3 have standard error 1 / sqrt(3)",
            lambda answer: close(answer(np.array([1.0, 2, 3]), np.zeros(3)), [2.0, 3**-0.5]),
        ),
        Check(
            "differences -1, 1, 3 have mean 1 and standard error 2 / sqrt(3)",
            lambda answer: close(answer(np.array([-1.0, 1, 3]), np.zeros(3)), [1.0, 2 * 3**-0.5]),
        ),
        Check(
            "exchanging the arms changes the sign of the mean only",
            lambda answer: close(answer(B, A), [-1, 1] * answer(A, B)),
        ),
    ),
    mistakes=(
        Mistake(
            "not paired",
            lambda answer: not close(answer(A + LUCK, B + LUCK)[1], answer(A, B)[1], rtol=1e-3),
            "You combine the spreads of the two arms. That is right for independent arms; here each seed's luck is in "
            "both, and goes out of the difference.",
        ),
        Mistake(
            "divided by S",
            lambda answer: close(answer(np.array([1.0, 2, 3]), np.zeros(3))[1], (2 / 9) ** 0.5),
            "You divide the sum of squares by S. The mean was fitted to the same numbers: divide by S - 1.",
        ),
        Mistake(
            "spread in place of standard error",
            lambda answer: close(answer(np.array([1.0, 2, 3]), np.zeros(3))[1], 1.0),
            "That is the spread of one difference. The mean of S of them is known better, by the root of S.",
        ),
        Mistake(
            "root forgotten",
            lambda answer: close(answer(np.array([1.0, 2, 3]), np.zeros(3))[1], 1 / 3),
            "That is the square of the standard error. Take the root.",
        ),
        Mistake(
            "order",
            lambda answer: close(answer(A, B)[1], 0.025),
            "The mean comes first and its standard error second.",
        ),
        Mistake(
            "size of the differences",
            lambda answer: close(answer(np.array([-1.0, 1, 3]), np.zeros(3))[1], 2 / 3, rtol=1e-3),
            "Differences below zero count as such: take the deviation of a - b, not of its size.",
        ),
        Mistake(
            "sign",
            lambda answer: close(answer(A, B)[0], -0.025),
            "The difference asked for is a - b.",
        ),
    ),
)


@functools.lru_cache(maxsize=1)
def _layer():
    rng = np.random.default_rng(0)
    W, mu = rng.standard_normal((5, 3)), rng.standard_normal(3)
    gamma, beta, variance = rng.uniform(0.5, 2, 3), rng.standard_normal(3), rng.uniform(0.1, 2, 3)
    return W, gamma, beta, mu, variance, 0.1


def _normalized(x, W, gamma, beta, mu, variance, epsilon):
    return gamma * (x @ W - mu) / np.sqrt(variance + epsilon) + beta


def _same_function(answer):
    x = np.random.default_rng(1).standard_normal((7, 5))
    folded = answer(*_layer())
    return close(x @ folded[:-1] + folded[-1], _normalized(x, *_layer()))


def _is(expected):
    """Recognise an answer by what it makes of one layer."""
    return lambda answer: close(answer(*_layer()), expected(*_layer()))


def _rows(W, b):
    return np.vstack([W, b])


FOLD = Exercise(
    name="classifier-13-2",
    title="Fold a normalization into the weights",
    ask="At test time a layer computes gamma (x W - mu) / sqrt(variance + epsilon) + beta with fixed statistics. "
    "Write fold(W, gamma, beta, mu, variance, epsilon) for W of shape (D, n) and the others of shape (n,), returning "
    "one array of shape (D + 1, n): new weights in the first D rows and a bias in the last, such that x W' + b' is the "
    "same function. When this network then learns without normalization, what is no longer kept by the gradient?",
    arguments=lambda: _layer(),
    shape=(6, 3),
    hints=(
        "Write the layer as x times something plus something that does not depend on x.",
        "The factor gamma / sqrt(variance + epsilon) belongs to each unit, that is to each column of W.",
        "The mean goes into the bias: b' = beta - mu gamma / sqrt(variance + epsilon).",
    ),
    checks=(
        Check("both layers give the same for random inputs", _same_function),
        Check(
            "with unit statistics and gain nothing happens to W",
            lambda answer: close(
                answer(SQUARE, np.ones(2), np.zeros(2), np.zeros(2), np.ones(2), 0.0), _rows(SQUARE, np.zeros(2))
            ),
        ),
        Check(
            "a shift of mu by c moves the bias alone",
            lambda answer: close(
                answer(SQUARE, np.ones(2), np.zeros(2), np.ones(2), np.ones(2), 0.0), _rows(SQUARE, -np.ones(2))
            ),
        ),
    ),
    mistakes=(
        Mistake(
            "epsilon outside the root",
            _is(lambda W, g, b, m, v, e: _rows(W * g / (np.sqrt(v) + e), b - m * g / (np.sqrt(v) + e))),
            "epsilon stands inside the root.",
        ),
        Mistake(
            "mean forgotten",
            _is(lambda W, g, b, m, v, e: _rows(W * g / np.sqrt(v + e), b)),
            "The mean is subtracted before anything else, and must come back in the bias.",
        ),
        Mistake(
            "epsilon forgotten",
            _is(lambda W, g, b, m, v, e: _rows(W * g / np.sqrt(v), b - m * g / np.sqrt(v))),
            "Nearly: epsilon stands under the root and belongs to the function that must stay the same.",
        ),
        Mistake(
            "sign of the mean",
            _is(lambda W, g, b, m, v, e: _rows(W * g / np.sqrt(v + e), b + m * g / np.sqrt(v + e))),
            "The layer subtracts the mean: what does it make of x = 0?",
        ),
        Mistake(
            "bias first",
            lambda answer: _same_function(lambda *layer: np.roll(answer(*layer), -1, axis=0)),
            "The weights come first, and the bias is the last row.",
        ),
        Mistake(
            "mean not scaled",
            _is(lambda W, g, b, m, v, e: _rows(W * g / np.sqrt(v + e), b - m)),
            "The mean is subtracted before the division and the gain: both act on it.",
        ),
        Mistake(
            "variance in place of deviation",
            _is(lambda W, g, b, m, v, e: _rows(W * g / (v + e), b - m * g / (v + e))),
            "The layer divides by the root of the variance.",
        ),
    ),
)


def _found(seeds, difference=0.5):
    """How often a difference is beyond two standard errors, for Gaussian seeds of spread 1 (s.e. known)."""
    return ndtr(difference * math.sqrt(seeds) - 2)


def _needed(power, difference=0.5):
    """What is to be rounded up."""
    return (2 + ndtri(power)) ** 2 / difference**2


SEEDS = Exercise(
    name="classifier-13-3",
    title="How many seeds to look for a difference",
    ask="An experiment that finds nothing must say what it could have found. Paired differences are Gaussian with "
    "standard deviation `spread`. You will call a positive difference found if its mean is more than two standard "
    "errors above zero. Prove how the chance to find a true difference depends on the number of seeds, and write "
    "seeds_needed(difference, spread, power): the smallest number of seeds with which a true difference of that size "
    "is found at least with probability `power`. (Take the standard error as known.) Then measure: for the smallest "
    "difference that 20 seeds find with probability 0.8, simulate.",
    arguments=lambda: (0.5, 1.0, 0.8),
    shape=(),
    hints=(
        "The mean of S differences is Gaussian around the true one with standard deviation spread / sqrt(S). Draw it, "
        "and the threshold 2 spread / sqrt(S).",
        "In units of the standard error: the threshold is at 2, the true value at difference sqrt(S) / spread.",
        "The chance to be above is Phi(difference sqrt(S) / spread - 2). Set it to the power, solve for S, round up.",
    ),
    checks=(
        Check(
            "it finds the difference at least with that probability",
            lambda answer: all(_found(answer(0.5, 1.0, power)) >= power - 1e-9 for power in (0.5, 0.8, 0.95)),
        ),
        Check(
            "one seed fewer would not do",
            lambda answer: all(_found(answer(0.5, 1.0, power) - 1) < power for power in (0.5, 0.8, 0.95)),
        ),
        Check(
            "it is a whole number of seeds",
            lambda answer: all(float(answer(0.5, 1.0, power)).is_integer() for power in (0.5, 0.8, 0.95)),
        ),
        Check(
            "half the difference takes four times as many, up to rounding",
            lambda answer: abs(answer(0.005, 1.0, 0.8) / answer(0.01, 1.0, 0.8) - 4) < 1e-3,
        ),
        Check(
            "units do not matter",
            lambda answer: close(answer(0.5, 1.0, 0.8), answer(0.05, 0.1, 0.8)),
        ),
    ),
    mistakes=(
        Mistake(
            "not rounded up",
            lambda answer: any(
                all(close(answer(0.5, 1.0, power), made(_needed(power))) for power in (0.8, 0.95))
                for made in (float, math.floor)
            ),
            "Nearly: the smallest whole number that is large enough. Round up.",
        ),
        Mistake(
            "power forgotten",
            lambda answer: answer(0.5, 1.0, 0.8) == answer(0.5, 1.0, 0.95) == 16,
            "With these seeds the true difference stands exactly at the threshold: it is found every other time.",
        ),
        Mistake(
            "threshold of one standard error",
            lambda answer: answer(0.5, 1.0, 0.8) == math.ceil((2 * (1 + ndtri(0.8))) ** 2),
            "The threshold is two standard errors.",
        ),
        Mistake(
            "not squared",
            lambda answer: answer(0.5, 1.0, 0.8) == math.ceil(2 * (2 + ndtri(0.8))),
            "The standard error falls as the root of the number of seeds.",
        ),
        Mistake(
            "two-sided power",
            lambda answer: answer(0.5, 1.0, 0.8) == math.ceil((2 * (2 + ndtri(0.9))) ** 2),
            "Only the chance to be above the threshold is asked: use the quantile of `power` itself.",
        ),
    ),
)

EXERCISES = (PAIRED, FOLD, SEEDS)
