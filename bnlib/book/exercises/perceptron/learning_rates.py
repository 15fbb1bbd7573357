"""Exercises of chapter 7: an average for ReLU, a length that creeps, and the largest rate of a linear neuron."""

import functools

import numpy as np

from bnlib.book.exercise import Check, Exercise, Mistake, close
from bnlib.perceptron.averages import FORMS
from bnlib.perceptron.dynamics import velocity

# ---- 7.1: I1 of ReLU, against the average over the angle.
STATES = ((0.7, 0.3), (1.4, -0.6), (1.0, 0.9))


def _over_angles(integrand, Q, R, count=60):
    """Mean of a function of degree 2 of the fields s, t, half-turn by half-turn so that kinks fall on ends."""
    turn = np.arccos(R)
    ends = np.unique(np.array([0, np.pi / 2, 3 * np.pi / 2, 2 * np.pi, turn + np.pi / 2, (turn + 3 * np.pi / 2)]))
    ends = np.unique(np.append(ends % (2 * np.pi), 2 * np.pi))
    x, w = np.polynomial.legendre.leggauss(count)
    total = 0.0
    for low, high in zip(ends, ends[1:]):
        a = low + (high - low) * (x + 1) / 2
        total += (high - low) / 2 * w @ integrand(Q * np.cos(a), np.cos(a - turn))
    return total / np.pi


@functools.lru_cache(maxsize=8)
def _average(state):
    Q, R = state
    return _over_angles(lambda s, t: (s > 0) * (np.maximum(t, 0) - np.maximum(s, 0)) * s, Q, R)


def _everywhere(answer, expected):
    return all(close(answer(*state), expected(state)) for state in STATES)


def _teacher_part(state):
    return _average(state) + state[0] ** 2 / 2


I1 = Exercise(
    name="perceptron-7-1",
    title="The pull along the student",
    ask="s and t are Gaussian with mean zero, <s^2> = Q^2, <t^2> = 1, <s t> = Q R. Write I1(Q, R), the average of "
    "g'(s) (g(t) - g(s)) s for ReLU, g(x) = max(x, 0): one number, in closed form.",
    arguments=lambda: STATES[0],
    shape=(),
    hints=(
        "Two averages: <[s]+ [t]+> and <[s]+^2>, for g'(s) s = [s]+. The second is half a variance.",
        "For the first write s = Q r cos(a), t = r cos(a - b) with cos(b) = R. The radius gives <r^2> = 2; what is "
        "left is an integral over the angles at which both cosines are positive, a stretch of length pi - b.",
        "The integral of cos(a) cos(a - b) from b - pi/2 to pi/2 is (sin b + (pi - b) cos b) / 2.",
    ),
    checks=(
        Check("a student that equals its teacher feels no pull", lambda answer: close(answer(1.0, 1.0), 0.0)),
        Check(
            "an opposite teacher answers where the student is silent: -Q^2/2",
            lambda answer: close(answer(0.8, -1.0), -0.32),
        ),
        Check(
            "an unrelated teacher pulls with Q/(2 pi) - Q^2/2",
            lambda answer: close(answer(0.8, 0.0), 0.8 / (2 * np.pi) - 0.32),
        ),
        Check(
            "the average over the angle, by quadrature, is the same in three cases",
            lambda answer: _everywhere(answer, _average),
        ),
    ),
    mistakes=(
        Mistake(
            "student's own output dropped",
            lambda answer: _everywhere(answer, _teacher_part),
            "Only the teacher's part is there: your student would grow for ever.",
        ),
        Mistake(
            "whole variance in place of half",
            lambda answer: _everywhere(answer, lambda state: _average(state) - state[0] ** 2 / 2),
            "The student is silent on half of the inputs: the average of [s]+^2 is half of Q^2.",
        ),
        Mistake(
            "linear unit",
            lambda answer: _everywhere(answer, lambda state: state[0] * state[1] - state[0] ** 2),
            "That is the average for a linear unit, without the kinks.",
        ),
        Mistake(
            "length forgotten",
            lambda answer: _everywhere(answer, lambda state: _teacher_part(state) / state[0] - state[0] ** 2 / 2),
            "The average of [s]+ [t]+ grows with Q. Yours does not: a factor Q is lost in it.",
        ),
    ),
)


# ---- 7.2: the length under gamma decay.
CASE = (50.0, 1.2, 0.8, 0.7, 0.05)  # t, L0, eta, gamma, I2


def _rate(answer, t, *rest):
    """dL/dt by central differences of relative step 1e-4."""
    h = 1e-4 * t
    return (answer(t + h, *rest) - answer(t - h, *rest)) / (2 * h)


def _obeys(answer):
    t, L0, eta, gamma, I2 = CASE
    return close(_rate(answer, *CASE), eta**2 * gamma**2 * I2 / (2 * answer(*CASE) ** 3), rtol=1e-5)


CREEP = Exercise(
    name="perceptron-7-2",
    title="A length that creeps",
    ask="Gain and direction rest at gamma and R = 1, but the student is too short, so that I2 > 0 stays constant. "
    "Write "
    "length(t, L0, eta, gamma, I2), the length at time t of a student that starts with L0 at time 0: one number.",
    arguments=lambda: CASE,
    shape=(),
    hints=(
        "The flow has dL/dt = eta^2 gamma^2 I2 / (2 L^3), and on its right only L depends on time.",
        "Multiply by 4 L^3: what is the time derivative of L^4?",
        "L^4 grows by 2 eta^2 gamma^2 I2 in each unit of time, from L0^4.",
    ),
    checks=(
        Check("at time 0 the length is L0", lambda answer: close(answer(0.0, *CASE[1:]), CASE[1])),
        Check("without noise, I2 = 0, nothing moves", lambda answer: close(answer(*CASE[:4], 0.0), CASE[1])),
        Check(
            "after a very long time sixteen times the time gives twice the length",
            lambda answer: close(answer(1.6e13, *CASE[1:]) / answer(1e12, *CASE[1:]), 2.0, rtol=1e-5),
        ),
        Check("its slope is eta^2 gamma^2 I2 / (2 L^3), by differences", _obeys),
    ),
    mistakes=(
        Mistake(
            "start forgotten",
            lambda answer: close(answer(0.0, *CASE[1:]), 0.0),
            "Your length starts at zero. That is the law for long times only.",
        ),
        Mistake(
            "diffusion",
            lambda answer: close(answer(1.6e13, *CASE[1:]) / answer(1e12, *CASE[1:]), 4.0, rtol=1e-4),
            "Your length grows as the square root of time. But steps get shorter as L grows: each is eta gamma / L.",
        ),
        Mistake(
            "factor 4",
            lambda answer: close(answer(*CASE) ** 4 - CASE[1] ** 4, np.prod(np.array(CASE)[[0, 4]]) * 0.56**2 / 2),
            "Integrating L^3 dL gives L^4 / 4: a factor 4 is missing.",
        ),
    ),
)


# ---- 7.3: the largest rates of a linear neuron.
ZETAS = (0.05, 0.4, 1.5)


def _growth(zeta, effective, with_noise):
    """How fast 1 - R grows near R = 1 under the flow (linear unit), by a difference; I2 taken out or kept."""
    gamma, small = 1 / (1 + zeta), 1e-6

    def form(Q, R):
        I1, I2, I3 = FORMS["identity"](Q, R)
        return I1, I2 if with_noise else I2 - (1 - Q) ** 2, I3

    rates = [velocity((gamma, 1 - k * small, 1.0), form, effective / gamma, zeta)[1] for k in (1, 0)]
    return (rates[1] - rates[0]) / small


def _changes_sign(answer, which, with_noise):
    return all(
        _growth(zeta, 0.999 * answer(zeta)[which], with_noise) < 0
        and _growth(zeta, 1.001 * answer(zeta)[which], with_noise) > 0
        for zeta in ZETAS
    )


def _both(answer, first, second=None):
    return all(
        close(answer(zeta)[0], first(zeta)) and (second is None or close(answer(zeta)[1], second(zeta)))
        for zeta in ZETAS
    )


LARGEST = Exercise(
    name="perceptron-7-3",
    title="The largest rate of a linear neuron",
    ask="g(x) = x, gamma decay zeta < 1 + sqrt(3). Write largest_rates(zeta), returning two numbers: the largest "
    "effective rate eta gamma0 / L^2 at which R = 1 is stable, first as in L19's table 1, leaving out the term with I2 "
    "itself, then with it.",
    arguments=lambda: (0.4,),
    shape=(2,),
    hints=(
        "I1 = Q R - Q^2, I2 = 1 + Q^2 - 2 Q R, I3 = 1 - Q R. The gain rests where I1 = zeta gamma^2 at R = 1.",
        "Take the derivative of dR/dt with respect to R at R = 1. The first part is proportional to the effective "
        "rate, "
        "the second to its square.",
        "The first part is -2 times the effective rate, whatever zeta is. In the second stands the derivative of R I2: "
        "table 1 keeps R dI2/dR and drops I2.",
    ),
    checks=(
        Check("without decay both are 2", lambda answer: close(answer(0.0), np.array([2.0, 2.0]))),
        Check(
            "just below the first number 1 - R shrinks, just above it grows, by differences of the flow without I2 at "
            "R = 1",
            lambda answer: _changes_sign(answer, 0, False),
        ),
        Check(
            "just below the second number 1 - R shrinks in the whole flow, just above it grows",
            lambda answer: _changes_sign(answer, 1, True),
        ),
    ),
    mistakes=(
        Mistake(
            "ReLU",
            lambda answer: _both(answer, lambda z: 2 + 4 * z),
            "2 + 4 zeta belongs to ReLU. Where does the gain of a linear neuron rest?",
        ),
        Mistake(
            "gain at rest taken for 1",
            lambda answer: all(close(answer(zeta)[0], 2.0) for zeta in ZETAS),
            "You have 2 at every zeta: at rest the gain is 1 / (1 + zeta).",
        ),
        Mistake(
            "learning rate in place of the effective one",
            lambda answer: _both(answer, lambda z: 2 * (1 + z) ** 2),
            "This is the learning rate itself, at L = 1. The effective one has the factor gamma0.",
        ),
        Mistake(
            "sign of the noise",
            lambda answer: _both(answer, lambda z: 2 + 2 * z, lambda z: 2 / (1 / (1 + z) + (z / (1 + z)) ** 2 / 2)),
            "The first is right. In the second the term with I2 works against you in your answer; dI2/dR is negative "
            "and I2 is positive.",
        ),
    ),
)

EXERCISES = (I1, CREEP, LARGEST)
