"""Exercises of chapter 12, jitter: the shift of a layer, the variance of a variance, and a batch on both sides."""

import functools
import itertools
import math

import numpy as np

from bnlib.book.exercise import Check, Exercise, Mistake, close

# ---- 12.1: the rigid shift, drawn without replacement.
POINTS = np.array([[0.0, 0.0], [2.0, 1.0], [4.0, -1.0], [1.0, 3.0], [-2.0, 2.0], [1.0, -5.0]])


def _over_all_batches(points, B, replace=False):
    """The mean squared distance of a batch's mean from the mean of all, over every possible batch."""
    if (len(points) ** B if replace else math.comb(len(points), B)) > 10_000:
        raise ValueError(f"B = {B!r} of {len(points)} points are more than 10 000 batches")
    draw = itertools.product(range(len(points)), repeat=B) if replace else itertools.combinations(range(len(points)), B)
    means = np.array([points[list(batch)].mean(axis=0) for batch in draw])
    return float(np.mean(np.sum((means - points.mean(axis=0)) ** 2, axis=1)))


def _unbiased(points, B):
    return math.sqrt(np.sum(np.var(points, axis=0, ddof=1)) / B * (len(points) - B) / (len(points) - 1))


SHIFT = Exercise(
    name="partition-12-1",
    title="How far a batch moves the first layer",
    ask="A batch of B of the N points (shape (N, D)) is drawn without replacement. All first-layer hyperplanes shift "
    "together with its mean. Write shift(points, B), the root mean squared length of this shift.",
    arguments=lambda: (POINTS, 3),
    shape=(),
    hints=(
        "For B = 1 it is the root of the points' total variance (divisor N), for B = N it is zero.",
        "The variance of a mean of B independent draws is the variance over B. Draws without replacement are "
        "correlated: two different ones have covariance -variance / (N - 1).",
        "Variance / B (1 - (B - 1) / (N - 1)), summed over the coordinates; then the root.",
    ),
    checks=(
        Check("a batch of everything does not move", lambda shift: close(shift(POINTS, 6), 0.0)),
        Check(
            "a batch of one moves by the spread of the points",
            lambda shift: close(shift(POINTS, 1), math.sqrt(POINTS.var(axis=0).sum())),
        ),
        Check(
            "it is the mean over all batches of 2, 3, 4 and 5 of the six points",
            lambda shift: all(close(shift(POINTS, B) ** 2, _over_all_batches(POINTS, B)) for B in (2, 3, 4, 5)),
        ),
        Check("it does not know where the points are", lambda shift: close(shift(POINTS + 9, 3), shift(POINTS, 3))),
    ),
    mistakes=(
        Mistake(
            "with replacement",
            lambda shift: close(shift(POINTS, 3) ** 2, _over_all_batches(POINTS, 3, replace=True)),
            "That is the spread for draws with replacement. An epoch uses every point once.",
        ),
        Mistake(
            "root forgotten",
            lambda shift: close(shift(POINTS, 3), _over_all_batches(POINTS, 3)),
            "That is the mean squared shift; its root is asked for.",
        ),
        Mistake(
            "unbiased variance",
            lambda shift: close(shift(POINTS, 3), _unbiased(POINTS, 3)),
            "The factor (N - B) / (N - 1) goes with the variance that has divisor N. With divisor N - 1 it is "
            "(N - B) / N.",
        ),
        Mistake(
            "N for N - 1",
            lambda shift: close(shift(POINTS, 3) ** 2, _over_all_batches(POINTS, 3) * 5 / 6),
            "Look at B = 1: the factor for a finite population must be 1 there.",
        ),
    ),
)


# ---- 12.2: the variance of the batch variance, with divisor B.
def _variance_of_two(m2, m4):
    """B = 2: the variance is (u - v)^2 / 4, whose square has mean (2 m4 + 6 m2^2) / 16 and mean m2 / 2."""
    return (2 * m4 + 6 * m2**2) / 16 - m2**2 / 4


def _of_all(values, B):
    return np.array(list(itertools.product(values, repeat=B))).var(axis=1).var()


DICE = np.array([-1.0, -1.0, 0.0, 2.0])
DICE_2, DICE_4 = float(np.mean((DICE - DICE.mean()) ** 2)), float(np.mean((DICE - DICE.mean()) ** 4))

SPREAD = Exercise(
    name="partition-12-2",
    title="The variance of a variance",
    ask="A batch of B independent projections with variance m2 and fourth central moment m4 has the variance s2, with "
    "divisor B as batch normalization has it. Write spread(m2, m4, B), the variance of s2.",
    arguments=lambda: (1.0, 3.0, 8),
    shape=(),
    hints=(
        "Begin with the unbiased estimate, divisor B - 1: its variance is (m4 - m2^2 (B - 3) / (B - 1)) / B. Derive it "
        "by expanding the square, or look it up and check it at B = 2.",
        "From divisor B - 1 to divisor B the estimate is multiplied by (B - 1) / B. What happens to its variance?",
        "((B - 1) / B)^2 times the first hint's. For a normal law m4 = 3 m2^2 leaves 2 m2^2 (B - 1) / B^2.",
    ),
    checks=(
        Check(
            "for a normal law it is 2 m2^2 (B - 1) / B^2, from chi-squared",
            lambda spread: all(close(spread(2.0, 12.0, B), 8 * (B - 1) / B**2) for B in (2, 5, 64)),
        ),
        Check("batches of two agree", lambda spread: close(spread(1.3, 4.0, 2), _variance_of_two(1.3, 4.0))),
        Check(
            "all batches of 3 and 5 throws of a die with faces -1, -1, 0, 2 agree",
            lambda spread: all(close(spread(DICE_2, DICE_4, B), _of_all(DICE, B)) for B in (3, 5)),
        ),
        Check("a batch of one has no variance", lambda spread: close(spread(1.0, 3.0, 1 + 1e-12), 0.0, atol=1e-9)),
    ),
    mistakes=(
        Mistake(
            "unbiased variance",
            lambda spread: close(spread(1.0, 2.0, 4), (2 - 1 / 3) / 4),
            "That is the variance of the unbiased estimate, divisor B - 1. Batch normalization divides by B: at B = 4 "
            "the two differ by a factor 1.78.",
        ),
        Mistake(
            "scale applied once",
            lambda spread: close(spread(1.0, 2.0, 4), (2 - 1 / 3) / 4 * 3 / 4),
            "A factor (B - 1) / B on s2 is its square on the variance of s2.",
        ),
        Mistake(
            "normal law assumed",
            lambda spread: close(spread(1.0, 2.0, 4), 2 * 3 / 16),
            "Your answer does not feel m4: it is right for a normal law only.",
        ),
        Mistake(
            "leading order only",
            lambda spread: close(spread(1.0, 2.0, 4), 1 / 4),
            "(m4 - m2^2) / B is the limit for large batches. At B = 2 it is off.",
        ),
    ),
)


# ---- 12.3: batches of two and the boundary between them.
@functools.lru_cache(maxsize=1)
def _wide_layers(tries=4000, width=200):
    """Signs of the levels of the first of two points, and last weights: numbers enough for an error of 0.008."""
    rng = np.random.default_rng(8)
    return rng.choice([-1.0, 1.0], (tries, width)), rng.standard_normal((tries, width))


def _frequency(slope):
    signs, row = _wide_layers()
    one = np.sum(row * np.where(signs > 0, 1.0, -slope), axis=1)
    other = np.sum(row * np.where(signs > 0, -slope, 1.0), axis=1)
    return np.mean(one * other < 0)


def _correlated(slope):
    return -2 * slope / (1 + slope**2)


STRADDLE = Exercise(
    name="partition-12-3",
    title="A batch of two on both sides",
    ask="Two points make a batch. Every unit of the last hidden layer is normalized over it, so that its level is +1 "
    "on one of them and -1 on the other. The layer is wide, its activation has a slope from -1 to 1 below zero, and "
    "the logit is a sum over its units with independent weights of mean zero, without bias. Derive "
    "straddle(slope), the chance that the two logits differ in sign.",
    arguments=lambda: (0.1,),
    shape=(),
    hints=(
        "A unit gives 1 to one point and -slope to the other. Add many of them with random weights: the two logits are "
        "jointly Gaussian.",
        "Their correlation is -2 slope / (1 + slope^2). Two Gaussians of correlation r differ in sign with "
        "probability arccos(r) / pi.",
        "arcsin(2 s / (1 + s^2)) = 2 arctan(s) for |s| <= 1.",
    ),
    checks=(
        Check("for ReLU it is a coin", lambda straddle: close(straddle(0.0), 0.5)),
        Check("a straight line always straddles", lambda straddle: close(straddle(1.0), 1.0)),
        Check("the absolute value never does", lambda straddle: close(straddle(-1.0), 0.0)),
        Check(
            "4000 random layers of 200 units agree, within four standard errors",
            lambda straddle: all(abs(float(straddle(s)) - _frequency(s)) < 0.032 for s in (-0.5, 0.1, 0.4, 0.7)),
        ),
        Check(
            "two Gaussians of that correlation agree",
            lambda straddle: all(close(straddle(s), math.acos(_correlated(s)) / math.pi) for s in (-0.8, 0.2, 0.9)),
        ),
    ),
    mistakes=(
        Mistake(
            "every batch straddles",
            lambda straddle: close(straddle(0.1), 1.0) and close(straddle(0.0), 1.0),
            "Each unit has both signs, but a sum of them need not. Try the points 1 and -1, W = (1, -1), w = (1, 1).",
        ),
        Mistake(
            "linear in the slope",
            lambda straddle: close(straddle(0.1), 0.55),
            "(1 + slope) / 2 has the right ends and the wrong middle.",
        ),
        Mistake(
            "correlation of the wrong sign",
            lambda straddle: close(straddle(0.1), 0.5 - 2 / math.pi * math.atan(0.1)),
            "Where one point gets 1, the other gets -slope: the correlation is negative for a slope above zero.",
        ),
        Mistake(
            "factor 2 lost",
            lambda straddle: close(straddle(0.1), 0.5 + math.atan(0.1) / math.pi),
            "arcsin(2 s / (1 + s^2)) is twice arctan(s).",
        ),
    ),
)

EXERCISES = (SHIFT, SPREAD, STRADDLE)
