"""Exercises of chapter 2, order parameters: an average, a rate of change, and the spread at finite size."""

import numpy as np
from scipy.special import erf

from bnlib.book.exercise import Check, Exercise, Mistake, close
from bnlib.book.exercises.committee.finite_size import FINITE_SIZE
from bnlib.book.exercises.quadrature import nodes

TWO_OVER_PI = 2 / np.pi


def _average(function, C):
    """The average of function(z1, z2) over a Gaussian of covariance C, by quadrature; C may be singular."""
    values, vectors = np.linalg.eigh(np.asarray(C, float))
    points, weights = nodes()
    return float(weights @ function(*(vectors * np.sqrt(values.clip(0)) @ points)))


def _phi(x):
    return erf(x / np.sqrt(2))


# ---- 2.1: the average of two erf units.
COVARIANCES = ([[1.0, 0.5], [0.5, 1.0]], [[0.3, -0.4], [-0.4, 1.7]], [[2.0, 1.1], [1.1, 0.8]])
ALIKE = np.ones((2, 2))  # one and the same field twice: the average is 1/3


def _by_quadrature(answer):
    return all(close(answer(np.array(C)), _average(lambda x, y: _phi(x) * _phi(y), C), rtol=1e-5) for C in COVARIANCES)


def _odd(answer):
    turned = np.array([[0.3, 0.4], [0.4, 1.7]])
    return close(answer(turned), -answer(np.array(COVARIANCES[1])))


def _linear_when_small(answer):
    C = 1e-5 * np.array(COVARIANCES[2])
    return close(answer(C), TWO_OVER_PI * C[0, 1], rtol=1e-4, atol=0)


def _alike(answer, value):
    return close(answer(ALIKE), value)


I2 = Exercise(
    name="committee-2-1",
    title="Two error-function units",
    ask="z1 and z2 are Gaussian with mean zero and covariance C, an array of shape (2, 2). Write I2(C), the "
    "average of erf(z1 / sqrt 2) erf(z2 / sqrt 2): one number, in closed form.",
    arguments=lambda: (np.array(COVARIANCES[0]),),
    shape=(),
    hints=(
        "An erf is a probability: erf(z / sqrt 2) = P(|u| < |z|) sign(z) for a standard normal u. So the average "
        "is one of the signs of two Gaussian variables. Which ones, and what are their variances?",
        "erf(z / sqrt 2) is the mean of sign(z + u) over a standard normal u. The sum z + u has variance C_11 + 1.",
        "For two Gaussian variables with correlation r the mean of the product of signs is a number times the "
        "angle whose sine is r (Sheppard). At r = 1 it must be 1.",
    ),
    checks=(
        Check("uncorrelated fields give 0", lambda answer: close(answer(np.diag([1.0, 2.0])), 0.0)),
        Check("the same field twice with variance 1 gives 1/3", lambda answer: _alike(answer, 1 / 3)),
        Check("turning the sign of one field turns the sign of the average", _odd),
        Check("for small variances, where erf is a straight line, it is 2 C_12 / pi", _linear_when_small),
        Check(
            "for very large variances, where erf is a sign, the same field twice gives 1",
            lambda answer: close(answer(1e12 * ALIKE), 1.0, rtol=1e-5),
        ),
        Check("Gauss-Hermite quadrature gives the same number at three covariances", _by_quadrature),
    ),
    mistakes=(
        Mistake(
            "missing 1 +",
            lambda answer: _alike(answer, 1.0),
            "This is the average of two signs. A unit that saturates gradually behaves as a sign of the field plus "
            "a noise of variance 1.",
        ),
        Mistake(
            "arccos in place of arcsin",
            lambda answer: _alike(answer, 2 / 3),
            "For uncorrelated fields the average is zero: which of arcsin and arccos vanishes there?",
        ),
        Mistake(
            "missing 2/pi",
            lambda answer: _alike(answer, np.pi / 6),
            "Two always equal signs have average 1, and arcsin(1) is pi/2. A factor is missing.",
        ),
        Mistake(
            "missing square root",
            lambda answer: _alike(answer, 0.16086125) or _alike(answer, np.arcsin(1 / 4)),
            "A correlation is a covariance divided by two standard deviations, and you divided by two variances.",
        ),
    ),
)


# ---- 2.2: dR/dt, against the slope of the generalization error along the teacher.
STATES = ((0.8, 0.3, 1.0), (1.5, -0.4, 0.7), (0.4, 0.6, 2.0))  # Q, R, T


def _covariance(Q, R, T, tau):
    return tau * np.array([[Q, R], [R, T]])


def _error(Q, R, T, tau):
    return 0.5 * _average(lambda x, y: (_phi(x) - _phi(y)) ** 2, _covariance(Q, R, T, tau))


def _downhill(Q, R, T, tau, step=1e-4):
    """Minus the error's slope when J moves along B: J + s B has overlaps Q + 2sR + s^2 T and R + sT."""
    ahead, behind = (_error(Q + 2 * s * R + s * s * T, R + s * T, T, tau) for s in (step, -step))
    return (behind - ahead) / (2 * step)


def _is_rate(answer, expected, taus=(1.0, 1.8)):
    return all(
        close(answer(*state, 0.7, tau), 0.7 * expected(*state, tau), rtol=1e-5, atol=1e-7)
        for state in STATES
        for tau in taus
    )


def _without_slope(Q, R, T, tau):
    return _average(lambda x, y: (_phi(y) - _phi(x)) * y, _covariance(Q, R, T, tau))


def _teacher_only(Q, R, T, tau):
    """Downhill on the teacher's part of the error, - <phi(x) phi(y)>, alone."""
    step, terms = 1e-4, []
    for s in (step, -step):
        C = _covariance(Q + 2 * s * R + s * s * T, R + s * T, T, tau)
        terms.append(_average(lambda x, y: _phi(x) * _phi(y), C))
    return (terms[0] - terms[1]) / (2 * step)


RATE = Exercise(
    name="committee-2-2",
    title="How fast the student finds the teacher",
    ask="One student unit J and one teacher unit B, erf units, no normalization, N large, steps of size eta / N on "
    "fresh inputs whose components have variance tau. Write dR_dt(Q, R, T, eta, tau) for the overlap R = J.B, time "
    "being steps / N. You may use I3 from bnlib.committee.",
    arguments=lambda: (*STATES[0], 0.7, 1.8),
    shape=(),
    hints=(
        "Write the step of J for one input, take its inner product with B, and average. Which three fields appear "
        "in the product?",
        "With x = J.xi and y = B.xi you need the average of (phi(y) - phi(x)) phi'(x) y: two averages of type I3.",
        "I3(C, 1)[0, k, p] is the average of phi'(x) z_k phi(z_p), fields in the order (x, y). C is the covariance "
        "of the fields, not the matrix of the overlaps: where does tau enter?",
    ),
    checks=(
        Check(
            "a student that equals the teacher rests",
            lambda answer: close(answer(1.2, 1.2, 1.2, 1.0, 1.5), 0.0),
        ),
        Check(
            "the rate is proportional to eta",
            lambda answer: close(answer(*STATES[0], 1.4, 1.5), 2 * answer(*STATES[0], 0.7, 1.5)),
        ),
        Check(
            "overlaps twice as large with inputs of half the variance give the same fields, so the same rate",
            lambda answer: close(answer(1.6, 0.6, 2.0, 0.7, 0.75), answer(0.8, 0.3, 1.0, 0.7, 1.5)),
        ),
        Check(
            "a student that starts from nothing (Q = R = 0), tau = T = 1, moves at eta sqrt(2) / pi",
            lambda answer: close(answer(0.0, 0.0, 1.0, 0.7, 1.0), 0.7 * np.sqrt(2) / np.pi),
        ),
        Check(
            "the rate is eta times minus the slope of the generalization error along B, by quadrature and "
            "differences, in six cases",
            lambda answer: _is_rate(answer, _downhill),
        ),
    ),
    mistakes=(
        Mistake(
            "sign",
            lambda answer: _is_rate(answer, lambda *state: -_downhill(*state)),
            "Your student runs away from the teacher. Descent goes against the gradient.",
        ),
        Mistake(
            "slope of the unit dropped",
            lambda answer: _is_rate(answer, _without_slope),
            "The derivative phi'(x) of the unit is missing: your student learns as much from an input that "
            "saturates it as from one that does not.",
        ),
        Mistake(
            "student's own output dropped",
            lambda answer: _is_rate(answer, _teacher_only),
            "Only the teacher's output is in your rate, so that the student would never stop. The error is the "
            "difference of two outputs.",
        ),
        Mistake(
            "input variance forgotten",
            lambda answer: _is_rate(answer, lambda Q, R, T, tau: _downhill(Q, R, T, 1.0)),
            "Right at tau = 1 only. The fields' covariance is tau times the overlaps.",
        ),
        Mistake(
            "input variance twice",
            lambda answer: _is_rate(answer, lambda *state: state[3] * _downhill(*state)),
            "A factor tau too many: the average is over the fields y = B.xi, which have it already.",
        ),
    ),
)

EXERCISES = (I2, RATE, FINITE_SIZE)
