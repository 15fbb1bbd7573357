"""Exercises of chapter 6: theorem 1's coefficient, the best gain of a linear unit, and what the theorem leaves out."""

import functools
import math

import numpy as np
from scipy import special

from bnlib.book.exercise import Check, Exercise, Mistake, close

# ---- 6.1: the two parts of zeta.
VALUES = np.array([0.2, -1.1, 3.0, 0.9, -0.3, 1.6, -2.2, 0.1])
PAIR = np.array([-1.0, 1.0])  # excess kurtosis -2


def _integral(h):
    """-Li2(-e^h), whose slope is softplus."""
    return -special.spence(1 + np.exp(h))


def _rises(h, step=1e-3):
    """How fast the mean of A rises when z is shifted and when it is stretched, per squared step: second differences."""
    z = (h - h.mean()) / h.std()

    def rise(up, down):
        return np.mean(_integral(up) + _integral(down) - 2 * _integral(z)) / (2 * step**2)

    return np.array([rise(z + step, z - step), rise(z * (1 + step), z * (1 - step))])


def _shaken(answer):
    """The noise of mu_B shifts z by a variance 1/M, that of sigma_B stretches it by (rho+2)/(4M)."""
    for h in (VALUES, VALUES**2):
        fourth = np.mean((h - h.mean()) ** 4) / h.var() ** 2
        if not close(answer(h, 8), _rises(h) * [1 / 8, (fourth - 1) / 32], rtol=1e-4):
            return False
    return True


DECAY = Exercise(
    name="perceptron-6-1",
    title="Theorem 1's coefficient",
    ask="h holds the pre-activations of a softplus unit over a training set, shape (P,). Write decay(h, M): two "
    "numbers, the part of zeta that comes from mu_B and the one that comes from sigma_B, at gamma = 1 and beta = 0, in "
    "the convention of the loss A(h) - y h.",
    arguments=lambda: (VALUES, 8),
    shape=(2,),
    hints=(
        "Both parts are half of a second derivative times a variance: of A under a shift of z for mu_B, of A under a "
        "stretch of z for sigma_B. What is the second derivative of A when its first one is softplus?",
        "A'' is the sigmoid, taken at z = (h - mu_P)/sigma_P. The stretch brings a factor z^2 and the variance "
        "(rho+2)/(4M).",
        "Try the values -1 and 1. Their z^4 has mean 1, so the excess kurtosis is -2, and the second part must be 0.",
    ),
    checks=(
        Check(
            "for the values -1 and 1 they are 1/(4M) and 0, as the deviation of such batches has no noise of order 1/M",
            lambda answer: close(answer(PAIR, 8), [1 / 32, 0.0]),
        ),
        Check(
            "pre-activations that are stretched and moved give the same",
            lambda answer: close(answer(3 * VALUES + 1, 8), answer(VALUES, 8)),
        ),
        Check("both are proportional to 1/M", lambda answer: close(answer(VALUES, 16), answer(VALUES, 8) / 2)),
        Check(
            "shaking and stretching z a little raises the mean of A by as much, by second differences",
            _shaken,
        ),
    ),
    mistakes=(
        Mistake(
            "logistic unit",
            lambda answer: close(answer(PAIR, 8)[0], special.expit(1) * special.expit(-1) / 16),
            "Your A'' is sigmoid (1 - sigmoid): that is the logistic unit, whose A is softplus. Here the unit, A', is "
            "softplus.",
        ),
        Mistake(
            "convention without one half",
            lambda answer: close(answer(PAIR, 8)[0], 1 / 16),
            "Twice too much: this is the convention of the squared error without the factor 1/2.",
        ),
        Mistake(
            "kurtosis that is not excess",
            lambda answer: close(answer(PAIR, 8), [1 / 32, 3 / 64 * 0.5]),
            "For -1 and 1 the mean of z^4 is 1, and the excess kurtosis -2. You forgot to subtract 3.",
        ),
        Mistake(
            "raw pre-activations",
            lambda answer: (
                close(answer(PAIR, 8), [1 / 32, 0.0]) and not close(answer(3 * VALUES + 1, 8), answer(VALUES, 8))
            ),
            "Your numbers change when h is stretched and moved. The unit sees h about the population's mean, in units "
            "of its deviation.",
        ),
    ),
)


# ---- 6.2: the best gain of a linear unit.
@functools.lru_cache(maxsize=8)
def _noise(M, own):
    """Nodes (z normalized, z raw, weights) for Gaussian values and their own or another batch."""
    u, p = np.polynomial.hermite_e.hermegauss(12)
    p = p / p.sum()
    t = np.linspace(-9, 2, 1201)
    log = (M - 1) * t - M * np.expm1(2 * t) / 2
    s, v = np.exp(t), np.exp(log - log.max())
    v = v / v.sum()
    if own:  # h = mu_B + sigma_B z with independent parts, of which a quadratic loss needs E z^2 = 1 only
        z, w = np.array([-1.0, 1.0]), np.array([0.5, 0.5])
        return z, u[:, None, None] / math.sqrt(M) + s[:, None] * z, np.einsum("i,j,k->ijk", p, v, w)
    shifted = u - u[:, None, None] / math.sqrt(M)
    return shifted / s[:, None], np.broadcast_to(u, (12, len(s), 12)), np.einsum("i,j,k->ijk", p, v, p)


def _slope(gamma, M, own):
    """The derivative of the mean squared error in the gain."""
    z, raw, w = _noise(M, own)
    return float(np.sum(w * (gamma * z - raw) * z))


def _minimal(answer):
    for M in (5, 8, 20):
        for gain, own in zip(answer(M), (True, False)):
            if abs(_slope(gain, M, own)) > 1e-6:
                return False
    return True


GAIN = Exercise(
    name="perceptron-6-2",
    title="The best gain of a linear unit",
    ask="A linear unit gamma z learns from the raw value itself (a teacher of gain 1); values are Gaussian, of mean 0 "
    "and variance 1. Write best_gains(M) for M > 3: the gain with the least mean squared error if z is normalized by "
    "its own batch of M, and the one if it is normalized by another batch of M, both exactly.",
    arguments=lambda: (8,),
    shape=(2,),
    hints=(
        "The best gain of a linear fit is E[z h] / E[z^2]. What is E[z^2] when z is normalized by its own batch?",
        "Own batch: h = mu_B + sigma_B z with the three independent, so that E[z h] = E sigma_B. Another batch: "
        "z = (h - mu_B)/sigma_B with h, mu_B, sigma_B independent.",
        "You need E sigma_B, E 1/sigma_B and E 1/sigma_B^2 = M/(M-3); the noise of mu_B adds 1/M to the variance of "
        "h - mu_B.",
    ),
    checks=(
        Check(
            "the slope of the mean squared error is 0 there, by quadrature, at M = 5, 8 and 20",
            _minimal,
        ),
        Check(
            "in large batches they are 1 - 3/(4M) and 1 - 11/(4M)",
            lambda answer: close(300 * (1 - answer(300)), [0.75, 2.75], rtol=0.03),
        ),
    ),
    mistakes=(
        Mistake(
            "theorem 1",
            lambda answer: close(answer(300)[0], 1 / (1 + 1.5 / 300), rtol=1e-6),
            "This is where theorem 1 has its minimum. Its height there is right, but what it leaves out has a slope.",
        ),
        Mistake(
            "only the first order",
            lambda answer: close(answer(5), [1 - 3 / 20, 1 - 11 / 20], rtol=1e-6),
            "This is the expansion to order 1/M. The exact means of sigma_B and of its inverse have Gamma functions.",
        ),
        Mistake(
            "mean of the batch forgotten",
            lambda answer: close(answer(5)[1], _inverse(5) * 2 / 5, rtol=1e-6),
            "With another batch, h - mu_B has the variance 1 + 1/M: your second gain misses the noise of the mean.",
        ),
        Mistake(
            "inverse of the mean inverse",
            lambda answer: close(answer(5)[0], 1 / _inverse(5), rtol=1e-6),
            "E sigma_B is not 1 / E[1/sigma_B].",
        ),
    ),
)


def _inverse(M):
    """E 1/sigma_B."""
    return math.sqrt(M / 2) * math.exp(math.lgamma((M - 2) / 2) - math.lgamma((M - 1) / 2))


# ---- 6.3: what theorem 1 leaves out.
@functools.lru_cache(maxsize=4)
def _means(law, M=40, count=20_000):
    """M times the means of sigma_B - 1, 1/sigma_B - 1, 1/sigma_B^2 - 1, the next order removed by a second size, 2M.

    As E sigma_B^2 = 1 - 1/M, each is a multiple of 1/M plus the mean of (sigma_B - 1)^2 times something, which has a
    hundredth of the variance.
    """
    found = []
    for size in (M, 2 * M):
        rng, shape = np.random.default_rng(size), (count, size)
        h = rng.uniform(-math.sqrt(3), math.sqrt(3), shape) if law == "uniform" else rng.standard_normal(shape)
        s = h.std(axis=1)
        square = (s - 1) ** 2
        mean = -1 / (2 * size) - square.mean() / 2
        found.append(
            size * np.array([mean, np.mean(square / s) - mean, np.mean(square * (2 * s + 1) / s**2) - 2 * mean])
        )
    return 2 * found[1] - found[0]


def _measured(gamma, kurtosis):
    """M times (exact - theorem 1) of a linear unit with teacher 1, from random batches."""
    own, inverse, square = _means("uniform" if kurtosis < -1 else "gaussian")
    theorem = ((kurtosis + 2) / 8 + 0.5) * gamma**2
    return np.array([-gamma * own - theorem, gamma**2 * (square + 1) / 2 - gamma * inverse - theorem])


def _random_batches_agree(answer):
    return all(
        np.all(np.abs(answer(gamma, rho) - _measured(gamma, rho)) < 0.03 * (1 + gamma**2))
        for gamma in (0.5, 1.0, 1.6)
        for rho in (0.0, -1.2)
    )


def _is_missing(answer, first, second):
    """Whether the coefficients of gamma (1 - gamma) and gamma (gamma - 1) are these functions of rho."""
    return all(close(answer(0.5, rho), [0.25 * first(rho), -0.25 * second(rho)], rtol=1e-6) for rho in (0.0, 1.0, -1.2))


MISSING = Exercise(
    name="perceptron-6-3",
    title="What theorem 1 leaves out",
    ask="A linear unit has gain gamma and a teacher of gain 1; pre-activations have excess kurtosis rho, no skewness. "
    "Write missing(gamma, rho): M times (mean loss - what theorem 1 predicts) in large batches, for the statistics of "
    "its own batch and for those of another batch: two numbers. The loss is gamma^2 z^2 / 2 - gamma z h.",
    arguments=lambda: (0.7, 0.0),
    shape=(2,),
    hints=(
        "Expand 1/sigma_B to second order about 1. You need two moments of sigma_B - 1 to order 1/M: its variance, and "
        "its mean, which is not 0.",
        "E sigma_B = 1 - b with b = 1/(2M) + (rho+2)/(8M), and Var sigma_B = v = (rho+2)/(4M). Then E 1/sigma_B = "
        "1 + b + v and E 1/sigma_B^2 = 1 + 2b + 3v. With its own batch, E z^2 = 1 and E z h = E sigma_B hold exactly.",
        "Put these into the mean loss for each of the two, subtract gamma^2/2 - gamma and theorem 1's zeta gamma^2. "
        "What is left must vanish at gamma = 0 and at gamma = 1.",
    ),
    checks=(
        Check(
            "at the teacher's gain nothing is missing",
            lambda answer: all(close(answer(1.0, rho), np.zeros(2), atol=1e-9) for rho in (0.0, 3.0, -1.2)),
        ),
        Check("at gain 0 nothing is missing", lambda answer: close(answer(0.0, 1.0), np.zeros(2), atol=1e-9)),
        Check(
            "random batches of Gaussian and of uniform values give the same at three gains, up to their noise",
            _random_batches_agree,
        ),
    ),
    mistakes=(
        Mistake(
            "nothing",
            lambda answer: close(answer(0.5, 0.0), np.zeros(2), atol=1e-9),
            "This is the claim that R_f vanishes. It does at the teacher's gain, and only there.",
        ),
        Mistake(
            "bias of the deviation forgotten",
            lambda answer: all(close(answer(0.5, rho)[1], -(rho + 2) / 16, rtol=1e-6) for rho in (0.0, 1.0)),
            "You took sigma_P for the mean of sigma_B, as the paper's prior does. It is less, by a term of order 1/M.",
        ),
        Mistake(
            "sign",
            lambda answer: _is_missing(answer, lambda r: -(0.5 + (r + 2) / 8), lambda r: -(0.5 + 3 * (r + 2) / 8)),
            "The signs are turned: the exact loss minus the prediction is asked for.",
        ),
        Mistake(
            "kurtosis ignored",
            lambda answer: _is_missing(answer, lambda r: 0.75, lambda r: 1.25),
            "Right for Gaussian values. For others the bias and the variance of sigma_B depend on rho.",
        ),
    ),
)

EXERCISES = (DECAY, GAIN, MISSING)
