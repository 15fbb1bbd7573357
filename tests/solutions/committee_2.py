"""Chapter 2: reference, another style, and each mistake under the name that the exercise gives it."""

import math

import numpy as np

from bnlib.committee import I3


# ---- committee-2-1
def average_of_two(C):
    return 2 / np.pi * np.arcsin(C[0, 1] / np.sqrt((1 + C[0, 0]) * (1 + C[1, 1])))


def average_of_two_by_angle(C):
    """The angle between two vectors, by arctan, in plain floats."""
    (a, c), (_, b) = C.tolist()
    return 2 / math.pi * math.atan2(c, math.sqrt((1 + a) * (1 + b) - c * c))


AVERAGE_MISTAKES = {
    "missing 1 +": lambda C: 2 / np.pi * np.arcsin(C[0, 1] / np.sqrt(C[0, 0] * C[1, 1])),
    "arccos in place of arcsin": lambda C: 2 / np.pi * np.arccos(C[0, 1] / np.sqrt((1 + C[0, 0]) * (1 + C[1, 1]))),
    "missing 2/pi": lambda C: np.arcsin(C[0, 1] / np.sqrt((1 + C[0, 0]) * (1 + C[1, 1]))),
    "missing square root": lambda C: 2 / np.pi * np.arcsin(C[0, 1] / ((1 + C[0, 0]) * (1 + C[1, 1]))),
}


# ---- committee-2-2
def _averages(Q, R, T, tau):
    return I3(tau * np.array([[Q, R], [R, T]]), 1)[0]


def rate(Q, R, T, eta, tau):
    averages = _averages(Q, R, T, tau)
    return eta * (averages[1, 1] - averages[1, 0])


def rate_written_out(Q, R, T, eta, tau):
    q, r, t = tau * Q, tau * R, tau * T
    teacher = (t * (1 + q) - r * r) / ((1 + q) * math.sqrt((1 + q) * (1 + t) - r * r))
    student = r / ((1 + q) * math.sqrt(1 + 2 * q))
    return 2 * eta / math.pi * (teacher - student)


def _without_slope(Q, R, T, eta, tau):
    q, r, t = tau * Q, tau * R, tau * T
    return eta * math.sqrt(2 / math.pi) * (t / math.sqrt(1 + t) - r / math.sqrt(1 + q))


RATE_MISTAKES = {
    "sign": lambda *state: -rate(*state),
    "slope of the unit dropped": _without_slope,
    "student's own output dropped": lambda Q, R, T, eta, tau: eta * _averages(Q, R, T, tau)[1, 1],
    "input variance forgotten": lambda Q, R, T, eta, tau: rate(Q, R, T, eta, 1.0),
    "input variance twice": lambda Q, R, T, eta, tau: tau * rate(Q, R, T, eta, tau),
}


# ---- committee-2-3
def plan(sizes, spreads, mean, size, accuracy):
    exponent, offset = np.polyfit(np.log(sizes), np.log(spreads), 1)
    spread = np.exp(offset + exponent * np.log(size))
    return exponent, math.ceil((spread / (accuracy * abs(mean))) ** 2 - 1e-9)


def plan_by_sums(sizes, spreads, mean, size, accuracy):
    x = [math.log10(N) - math.log10(size) for N in sizes]
    y = [math.log10(s) for s in spreads]
    centre, height = sum(x) / len(x), sum(y) / len(y)
    slope = sum((a - centre) * (b - height) for a, b in zip(x, y)) / sum((a - centre) ** 2 for a in x)
    spread = 10 ** (height - slope * centre)
    return [slope, float(np.ceil(round((spread / accuracy / mean) ** 2, 6)))]


def _replicas(spread, allowed):
    return math.ceil((spread / allowed) ** 2 - 1e-9)


def _linear(sizes, spreads, mean, size, accuracy):
    slope, offset = np.polyfit(sizes, spreads, 1)
    return slope, _replicas(offset + slope * size, accuracy * abs(mean))


def _changed(exponent=lambda p: p, replicas=lambda n, spread, mean, accuracy: n):
    def wrong(sizes, spreads, mean, size, accuracy):
        p, n = plan(sizes, spreads, mean, size, accuracy)
        spread = np.exp(np.polyval(np.polyfit(np.log(sizes), np.log(spreads), 1), np.log(size)))
        return exponent(p), replicas(n, spread, mean, accuracy)

    return wrong


PLAN_MISTAKES = {
    "sign of the exponent": _changed(exponent=lambda p: -p),
    "variance in place of spread": _changed(exponent=lambda p: 2 * p),
    "straight line without logarithms": _linear,
    "square forgotten": _changed(
        replicas=lambda n, spread, mean, accuracy: math.ceil(spread / (accuracy * abs(mean)) - 1e-9)
    ),
    "absolute accuracy": _changed(replicas=lambda n, spread, mean, accuracy: _replicas(spread, accuracy)),
    "size ignored": lambda sizes, spreads, mean, size, accuracy: plan(sizes, spreads, mean, sizes[0], accuracy),
}

SOLUTIONS = {
    "committee-2-1": (average_of_two, average_of_two_by_angle, AVERAGE_MISTAKES),
    "committee-2-2": (rate, rate_written_out, RATE_MISTAKES),
    "committee-2-3": (plan, plan_by_sums, PLAN_MISTAKES),
}
