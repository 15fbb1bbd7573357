"""Exercises of chapter 15, small batches: shared noise, a linear neuron, and how far two students open."""

import functools
import math

import numpy as np

from bnlib.book.exercise import Check, Exercise, Mistake, close
from bnlib.committee import batch_plateau

# ---- 15.1: the noise of two deviations.
BATCHES = 40_000


@functools.lru_cache(maxsize=4)
def _sampled_covariance(percent, b=5):
    """Covariance of the mean squares of two fields of correlation percent/100 over a batch of b, and its error."""
    rng, rho = np.random.default_rng(percent), percent / 100
    x, z = rng.standard_normal((2, BATCHES, b))
    y = rho * x + math.sqrt(1 - rho**2) * z
    product = (np.mean(x * x, axis=1) - 1) * (np.mean(y * y, axis=1) - 1)
    return product.mean(), product.std() / math.sqrt(BATCHES)


def _as_sampled(answer):
    return all(
        abs(answer(percent / 100, 5) - value) < 4.5 * error
        for percent in (50, 90)
        for value, error in [_sampled_covariance(percent)]
    )


SHARED = Exercise(
    name="committee-15-1",
    title="Noise that two students share",
    ask="Two fields of variance 1 and correlation rho are seen in a batch of b: s_i^2 = (1/b) sum_u (x_i^u)^2. Write "
    "shared_noise(rho, b), the covariance of s_1^2 and s_2^2, exactly. A quarter of it is, to first order in 1/b, the "
    "covariance of ln s_1 and ln s_2.",
    arguments=lambda: (0.5, 10),
    shape=(),
    hints=(
        "The b samples are independent: the covariance of two means over b is the covariance of one pair, over b.",
        "One pair: <x_1^2 x_2^2> - <x_1^2><x_2^2>. The average of four Gaussian factors is a sum over three pairings.",
        "The pairing (x_1 x_1)(x_2 x_2) is what you subtract; the other two are alike.",
    ),
    checks=(
        Check("one and the same field has the variance of a chi-square, 2/b", lambda f: close(f(1.0, 10), 0.2)),
        Check("independent fields share nothing", lambda f: close(f(0.0, 10), 0.0)),
        Check("fields that are each other's mirror image share all", lambda f: close(f(-1.0, 10), f(1.0, 10))),
        Check("ten times the batch leaves a tenth", lambda f: close(f(0.6, 50), 0.1 * f(0.6, 5))),
        Check("40 000 sampled batches of 5 agree within 4.5 standard errors", _as_sampled),
    ),
    mistakes=(
        Mistake(
            "correlation not squared",
            lambda f: close(f(0.5, 10), 2 * 0.5 / 10),
            "Deviations know no signs: turning x_2 into -x_2 changes neither of them.",
        ),
        Mistake(
            "one pairing forgotten",
            lambda f: close(f(0.5, 10), 0.25 / 10),
            "x_1 x_2 can be paired in two ways with the other x_1 x_2.",
        ),
        Mistake(
            "logarithms already",
            lambda f: close(f(0.5, 10), 0.25 / 20),
            "That is the covariance of the logarithms. The one of the squares is asked for.",
        ),
        Mistake(
            "no mean over the batch",
            lambda f: close(f(0.5, 10), 0.5) and close(f(0.5, 20), 0.5),
            "That is one sample. The mean over b independent ones fluctuates less.",
        ),
    ),
)

# ---- 15.2: one linear neuron.
BY_HAND = {(1, False): math.sqrt(2 / math.pi), (2, True): 1 / math.sqrt(math.pi)}


@functools.lru_cache(maxsize=4)
def _sampled_gain(b, centered):
    """The least-squares gain of h = g x / s for y = x, over sampled batches: <h y> / <h h> at g = 1, and its error."""
    x = np.random.default_rng([b, int(centered)]).standard_normal((BATCHES, b))
    seen = x - centered * x.mean(axis=1, keepdims=True)
    overlap = np.mean(seen / np.sqrt(np.mean(seen**2, axis=1, keepdims=True)) * x, axis=1)
    return overlap.mean(), overlap.std() / math.sqrt(BATCHES)


def _as_sampled_gain(answer):
    return all(
        abs(answer(b, centered) - value) < 4.5 * error
        for b, centered in ((4, False), (4, True))
        for value, error in [_sampled_gain(b, centered)]
    )


def _slope(answer, centered):
    """b ln g at b = 10^4."""
    return 1e4 * math.log(answer(10_000, centered))


LINEAR = Exercise(
    name="committee-15-2",
    title="A linear neuron in a small batch",
    ask="One linear unit h = g x / s learns y = x, x standard normal, in batches of b; s is the batch's root mean "
    "square, about the batch mean if `centered` (which is then subtracted from x first, not from y). Find "
    "linear_gain(b, centered), the gain at which the mean training loss <(h - y)^2> is smallest, exactly.",
    arguments=lambda: (10, False),
    shape=(),
    hints=(
        "The loss is a parabola in g. With w = x/s its minimum is at <w y> / <w^2>, and the mean of w^2 over any batch "
        "is 1.",
        "Average over the batch first: (1/b) sum_u w^u x^u is the deviation s itself, centered or not. So g = <s>.",
        "b s^2 is a chi-square of b degrees of freedom, or of b - 1 if centered; the mean of its root is a ratio of "
        "two gamma functions (math.lgamma).",
    ),
    checks=(
        Check(
            "batches of one, and centered ones of two, give what integrals by hand give",
            lambda f: all(close(f(*case), value) for case, value in BY_HAND.items()),
        ),
        Check("40 000 sampled batches of 4 agree within 4.5 standard errors", _as_sampled_gain),
        Check("in large batches the gain is 1 - 1/(4b)", lambda f: abs(_slope(f, False) + 0.25) < 1e-3),
        Check("in large centered batches it is 1 - 3/(4b)", lambda f: abs(_slope(f, True) + 0.75) < 1e-3),
    ),
    mistakes=(
        Mistake(
            "root of the mean",
            lambda f: close(f(10, False), 1.0),
            "That is the root of <s^2>. The mean of the root is less, as the root is concave.",
        ),
        Mistake(
            "first order",
            lambda f: close(f(10, False), 1 - 0.25 / 10) or close(f(10, False), math.exp(-0.25 / 10)),
            "That is the first order in 1/b, and the exact gain is asked for. It is the mean of a root: which law has "
            "b s^2?",
        ),
        Mistake(
            "mean of the inverse",
            lambda f: abs(_slope(f, False) + 0.75) < 1e-2 or abs(_slope(f, False) - 0.75) < 1e-2,
            "You took the mean of 1/s at a fixed x. But x is one of the samples that s is made of: a large x makes its "
            "own s large.",
        ),
        Mistake(
            "mean subtracted without a loss",
            lambda f: close(f(10, True), f(9, False)) or close(f(10, True), f(10, False)),
            "A centered batch keeps b - 1 degrees of freedom, and still b is what the squares are divided by.",
        ),
    ),
)

# ---- 15.3: two students.
TAUS = (0.5, 1.0, 3.0)


@functools.lru_cache(maxsize=1)
def _openings():
    """b (1 - rho) at the first-order fixed point, b = 2 10^5 and 4 10^5, extrapolated, for each of TAUS."""
    return [
        float(np.dot([-2e5, 8e5], [1 - batch_plateau(2, tau, batch_size=b).correlation for b in (2e5, 4e5)]))
        for tau in TAUS
    ]


OPENING = Exercise(
    name="committee-15-3",
    title="How far two students open",
    ask="Prove and measure, K = M = 2, eta -> 0. At infinite batch size motion of the students outside the teachers' "
    "space costs nothing. At finite b the plateau is where (1/b) d/drho of P balances the curvature of eps_g. Write "
    "opening(tau, b), the first-order 1 - rho* in closed form, and compare it with batch_plateau at b = 30 and 3000: "
    "where does the series stop?",
    arguments=lambda: (1.0, 1000.0),
    shape=(),
    hints=(
        "Write eps_g + P/b as a function of q = g^2 and rho alone, with r^2 = q tau (1 + rho) / 4. At 1/b = 0 both "
        "slopes vanish at rho = 1, q = tau / (2 + tau).",
        "Expand around that point: linear terms from P/b, and the 2 x 2 matrix of second derivatives of eps_g. Its "
        "determinant is small, for the valley is nearly flat, and that makes the answer large.",
        "The answer is 1/b times a rational function of tau: (1 + tau)(2 + tau) / tau^2 times a whole number that "
        "b (1 - rho) = 24 at tau = 1 fixes.",
    ),
    checks=(
        Check("twice the batch opens them half as far", lambda f: close(f(1.0, 2000.0), 0.5 * f(1.0, 1000.0))),
        Check(
            "the fixed point of the corrected flow agrees at three input variances",
            lambda f: all(abs(1e6 * f(tau, 1e6) / value - 1) < 2e-3 for tau, value in zip(TAUS, _openings())),
        ),
        Check(
            "for a large input variance b (1 - rho) tends to 4",
            lambda f: abs(1e4 * f(1e6, 1e4) - 4) < 1e-3,
        ),
    ),
    mistakes=(
        Mistake(
            "input variance of 1",
            lambda f: close(f(1.0, 1000.0), 0.024) and close(f(3.0, 1000.0), 0.024),
            "Right at tau = 1 only: the gain on the plateau, tau / (2 + tau), depends on the input variance.",
        ),
        Mistake(
            "square of K forgotten",
            lambda f: close(f(1.0, 1000.0), 0.006) or close(f(1.0, 1000.0), 0.012),
            "The overlap m with each of K teachers obeys K^2 m^2 = 1 + (K - 1) rho: the square of K is not all there.",
        ),
        Mistake(
            "square root",
            lambda f: close(f(1.0, 4000.0), 0.5 * f(1.0, 1000.0)),
            "1 - rho is the square of an angle; it is itself proportional to 1/b.",
        ),
    ),
)

EXERCISES = (SHARED, LINEAR, OPENING)
