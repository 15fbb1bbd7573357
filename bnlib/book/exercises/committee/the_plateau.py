"""Exercises of chapter 3, the plateau: where it rests, when it ends, and what the papers' update keeps on the way."""

import functools
import math

import numpy as np
from scipy.special import erf

from bnlib.book.exercise import Check, Exercise, Mistake, close
from bnlib.book.exercises.quadrature import nodes
from bnlib.committee import reduced_flow

# ---- 3.1: the variance of what a student sees on the plateau, against quadrature.
SETTINGS = ((2, 2, 1.0), (2, 3, 4.0), (3, 2, 0.5), (5, 7, 2.0))  # students, teachers, tau


def _push(q, K, M, tau):
    """The mean pull <(sum phi(y_n) - K phi(h)) phi'(h) h> / q on students that see h = sqrt(q / (M tau)) sum y."""
    (u, v), weights = nodes()
    h, share = math.sqrt(q) * u, 1 / math.sqrt(M)
    y = math.sqrt(tau) * (share * u + math.sqrt(1 - share**2) * v)
    slope = math.sqrt(2 / math.pi) * np.exp(-h * h / 2)
    return float(weights @ ((M * erf(y / math.sqrt(2)) - K * erf(h / math.sqrt(2))) * slope * h)) / q


def _rests(answer):
    found = [(answer(*setting), *setting) for setting in SETTINGS]
    return all(0 < q < 20 and abs(_push(float(q), *setting)) < 1e-6 for q, *setting in found)


def _law(answer, law, settings):
    return all(close(answer(*setting), law(*setting)) for setting in settings)


RESTING = Exercise(
    name="committee-3-1",
    title="Where the plateau is",
    ask="K students that are all alike face M orthonormal teachers. Each sees the same field h, proportional to the "
    "sum of the teachers' fields y_n, whose variance is tau. Write variance(K, M, tau), the variance q of h at which "
    "the mean step vanishes: one number.",
    arguments=lambda: SETTINGS[0],
    shape=(),
    hints=(
        "h = c (y_1 + ... + y_M). Express c and the covariance r of h with one y_n by q, M and tau.",
        "The mean of (sum_n phi(y_n) - K phi(h)) phi'(h) h must vanish, so M I3(h, h, y_1) = K I3(h, h, h). I3 is in "
        "chapter 2.",
        "The condition is M r / sqrt((1+q)(1+tau) - r^2) = K q / sqrt(1 + 2q) with r^2 = tau q / M. Square it, divide "
        "by q, and solve a quadratic equation.",
    ),
    checks=(
        Check("one student with one teacher sees what the teacher sees", lambda answer: close(answer(1, 1, 1.7), 1.7)),
        Check(
            "with K = M = 2 and tau = 1 it is g*^2 = 1/3, as in the text",
            lambda answer: close(answer(2, 2, 1.0), 1 / 3),
        ),
        Check(
            "for tiny inputs, where erf is a straight line, the students' sum is the teachers' sum",
            lambda answer: close(answer(4, 2, 1e-6), 2e-6 / 16, rtol=1e-4, atol=0),
        ),
        Check("the mean step is zero, by Gauss-Hermite quadrature, at four settings", _rests),
    ),
    mistakes=(
        Mistake(
            "a teacher of its own",
            lambda answer: _law(answer, lambda K, M, tau: tau, SETTINGS),
            "With q = tau each student would be as loud as one teacher. But K students that all say the same "
            "would shout together.",
        ),
        Mistake(
            "straight units",
            lambda answer: _law(answer, lambda K, M, tau: M * tau / K**2, SETTINGS),
            "That is right for units that are straight lines. What does saturation do to the sum of the teachers?",
        ),
        Mistake(
            "K = M only",
            lambda answer: _law(answer, lambda K, M, tau: tau / (K + (K - 1) * tau), SETTINGS),
            "That is the text's formula, and it needs K = M. With K and M apart the quadratic does not factor.",
        ),
        Mistake(
            "overlap in place of variance",
            lambda answer: close(answer(2, 2, 1.0), 1 / 3) and close(answer(2, 2, 4.0), 1 / 6),
            "That is the overlap |J|^2 without normalization. The variance of the field is tau times it.",
        ),
        Mistake(
            "other root",
            lambda answer: close(answer(2, 2, 1.0), -1.0),
            "A variance is not negative: take the other root of the quadratic equation.",
        ),
    ),
)


# ---- 3.2: from a stretch of the plateau to its end.
TIMES = np.array([0.0, 3.0, 4.0, 10.0, 15.0])
GROWING = 1e-4 * np.exp(0.2 * TIMES)


@functools.lru_cache(maxsize=1)
def _plateau_run():
    """A flow that starts on the plateau, K = 3, tau = 2: times, R - S, and when R - S passes 0.02."""
    K, tau = 3, 2.0
    Q = 1 / (K + (K - 1) * tau)
    R = math.sqrt(Q / K)
    times = np.linspace(0, 60, 1201)
    path = reduced_flow([Q, Q, R + 2e-6, R - 1e-6], times, K, tau, normalization="none")
    apart = path.R[:, 0, 0] - path.R[:, 0, 1]
    return times, apart, float(np.interp(math.log(0.02), np.log(apart), times))


def _foresees(answer):
    """Early records of a real flow; the end is found to 2 percent (what is beyond the straight law is of order e)."""
    times, apart, reached = _plateau_run()
    early = (apart > 1e-5) & (apart < 1e-3)
    return abs(answer(times[early], apart[early], 0.02)[1] - reached) < 0.02 * reached


def _exact(answer):
    return close(answer(TIMES, GROWING, 0.01), [0.2, 5 * math.log(100)])


PREDICT = Exercise(
    name="committee-3-2",
    title="When will it end?",
    ask="A run is still on the plateau. You have times t and asymmetries e, two arrays, and want to know when the "
    "asymmetry will reach `target`. Write predict(t, e, target), returning two numbers: the rate lambda at which e "
    "grows, and the time at which it reaches the target.",
    arguments=lambda: (TIMES, GROWING, 0.01),
    shape=(2,),
    hints=(
        "On the plateau e = e_0 exp(lambda t). What is a straight line then?",
        "Fit a straight line to ln e against t (numpy.polyfit). Its slope is lambda.",
        "The line reaches ln(target) at the time you want: not a length counted from the first record.",
    ),
    checks=(
        Check("an exact exponential is recognised, unevenly spaced records too", _exact),
        Check(
            "counting time in steps (N = 100) divides the rate by 100 and multiplies the time by 100",
            lambda answer: close(answer(100 * TIMES, GROWING, 0.01) * [100, 0.01], answer(TIMES, GROWING, 0.01)),
        ),
        Check(
            "a clock that starts later moves the time, not the rate",
            lambda answer: close(answer(TIMES + 7, GROWING, 0.01) - answer(TIMES, GROWING, 0.01), [0.0, 7.0]),
        ),
        Check(
            "ten times less asymmetry costs ln(10) / lambda more",
            lambda answer: close(answer(TIMES, GROWING / 10, 0.01)[1] - 5 * math.log(100), 5 * math.log(10)),
        ),
        Check("from early records of a flow (K = 3, tau = 2) the time is right to 2 percent", _foresees),
    ),
    mistakes=(
        Mistake(
            "logarithm to base 10",
            lambda answer: close(answer(TIMES, GROWING, 0.01)[0], 0.2 / math.log(10)),
            "Your rate is too small by ln 10: e grows as exp(lambda t), so use natural logarithms.",
        ),
        Mistake(
            "no logarithm",
            lambda answer: close(answer(TIMES, GROWING, 0.01)[0], np.polyfit(TIMES, GROWING, 1)[0]),
            "You fitted a straight line to e itself. It is the logarithm of e that grows evenly.",
        ),
        Mistake(
            "length in place of time",
            lambda answer: close(answer(TIMES + 7, GROWING, 0.01), answer(TIMES, GROWING, 0.01)),
            "Your time does not notice when the clock was started: it is a length counted from the first record.",
        ),
        Mistake(
            "time constant in place of rate",
            lambda answer: close(answer(TIMES, GROWING, 0.01)[0], 5.0),
            "That is 1 / lambda, the time in which e grows by a factor of e.",
        ),
    ),
)


# ---- 3.3: what the papers' update keeps, and the length that it brings to the plateau.
STARTS = ((1.0, 1.0, 2, 1.0), (1.0, 0.5, 2, 1.0), (2.0, 0.7, 3, 4.0))  # |J|^2, g, K, tau


@functools.cache
def _arrived(start):
    """|J|^2 after a flow under the papers' update to the plateau; students alike, so that none can leave."""
    norm, gain, K, tau = start
    R = 0.1 * math.sqrt(norm)
    path = reduced_flow([norm, norm, R, R, gain], [0.0, 600.0], K, tau, normalization="batch-stop-gradient")
    return float(path.Q[-1, 0, 0])


def _squared_gain(start):
    """g*^2 where the plateau of that start is."""
    _, _, K, tau = start
    return tau / (K + (K - 1) * tau)


KEPT = Exercise(
    name="committee-3-3",
    title="What the papers' update keeps",
    ask="Students start with squared length `norm` and gain `gain`, all alike, and learn by the papers' update "
    "(standard deviation held constant) in the limit of many inputs and large batches. Prove that the flow conserves "
    "Q_ii - g_i^2. Then write norm_on_plateau(norm, gain, K, tau), the squared length with which they arrive at the "
    "plateau, where g^2 = tau / (K + (K-1) tau).",
    arguments=lambda: STARTS[1],
    shape=(),
    hints=(
        "Write d Q_ii / dt = 2 J_i . dJ_i / dt with the papers' update, and d(g_i^2)/dt = 2 g_i dg_i / dt.",
        "Both hold the same average, <e_i x_i>. Which factors stand in front of it?",
        "If Q - g^2 is kept, its value at the start and on the plateau are the same, and on the plateau you know g^2.",
    ),
    checks=(
        Check(
            "unit length and unit gain arrive with |J|^2 = g^2",
            lambda answer: close(answer(*STARTS[0]), _squared_gain(STARTS[0])),
        ),
        Check(
            "a start on the plateau stays there",
            lambda answer: close(answer(0.8, math.sqrt(2 / 7), 3, 2.0), 0.8),
        ),
        Check(
            "the flow, followed to t = 600 from three starts, arrives there",
            lambda answer: all(close(answer(*start), _arrived(start), rtol=1e-5) for start in STARTS),
        ),
    ),
    mistakes=(
        Mistake(
            "the whole gradient",
            lambda answer: _law(answer, lambda norm, gain, K, tau: norm, STARTS),
            "That is what the whole gradient keeps. The papers' update has a part along J_i.",
        ),
        Mistake(
            "product kept",
            lambda answer: _law(
                answer, lambda norm, gain, K, tau: norm * gain**2 / _squared_gain((norm, gain, K, tau)), STARTS
            ),
            "You kept the product Q g^2, as T20 assumes. Multiply the updates by J_i and g_i and compare: is it a "
            "product or a difference that stays?",
        ),
        Mistake(
            "ratio kept",
            lambda answer: _law(
                answer, lambda norm, gain, K, tau: norm * _squared_gain((norm, gain, K, tau)) / gain**2, STARTS
            ),
            "You kept the ratio Q / g^2. d(ln Q)/dt and d(ln g^2)/dt differ unless Q = g^2.",
        ),
        Mistake(
            "sign",
            lambda answer: _law(
                answer, lambda norm, gain, K, tau: norm + gain**2 - _squared_gain((norm, gain, K, tau)), STARTS
            ),
            "You kept the sum Q + g^2. Both terms move the same way: when the gain falls the student shrinks with it.",
        ),
        Mistake(
            "gain in place of its square",
            lambda answer: _law(
                answer, lambda norm, gain, K, tau: norm - gain + math.sqrt(_squared_gain((norm, gain, K, tau))), STARTS
            ),
            "You kept Q - g. The factor g_i in d(g_i^2)/dt = 2 g_i dg_i/dt is what makes the two sides equal.",
        ),
        Mistake(
            "first gain not squared",
            lambda answer: _law(
                answer, lambda norm, gain, K, tau: norm - gain + _squared_gain((norm, gain, K, tau)), STARTS
            ),
            "Q - g^2 is the same at both ends. You have the square of the gain on the plateau; look at the start.",
        ),
    ),
)

EXERCISES = (RESTING, PREDICT, KEPT)
