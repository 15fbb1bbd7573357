"""Exercises of chapter 4, the Hessian: an escape rate, a chart, and the delay law."""

import functools

import numpy as np

from bnlib.book.exercise import Check, Exercise, Mistake, close
from bnlib.committee import escape_times, flow_jacobian, plateau_start, restrict

VARIANCES = (0.3, 1.0, 4.0)


@functools.cache
def _eigenvalue(K, tau, squared_norm=None):
    """The largest eigenvalue of the linearised flow; without a squared norm, without normalization."""
    rule = "none" if squared_norm is None else "batch"
    return float(np.linalg.eigvals(flow_jacobian(K, tau, normalization=rule, squared_norm=squared_norm)).real.max())


# ---- 4.1: the escape rate of two students.
def _is_rate(answer, expected):
    return all(close(answer(tau, 0.7), 0.7 * expected(tau), rtol=1e-6) for tau in VARIANCES)


ESCAPE = Exercise(
    name="committee-4-1",
    title="How fast two students part",
    ask="K = M = 2, no normalization, orthonormal teachers, large batches. Write escape(tau, eta), the rate at which "
    "the difference R - S grows at the symmetric fixed point Q = C, R = S.",
    arguments=lambda: (1.0, 0.7),
    shape=(),
    hints=(
        "At the fixed point both students are J = j (B_1 + B_2) / sqrt 2. Turn them apart: R -> R + e, S -> S - e. To "
        "first order in e, which of the averages in dR/dt = eta F_R feel e at all?",
        "Q and C do not change at first order, and neither does F_q. In F_R = tau U - A r - B s - F_q r three things "
        "do: U = [(1+q)(1+tau) - r^2]^(-1/2), through r; then - A r and - B s, and there A = B.",
        "So de/dt = (2 eta / pi) tau (dU/dr) (dr/dR) e with dU/dr = r U^3 and r = tau R. Put in "
        "q = tau / (2 + tau) and r^2 = tau q / 2.",
    ),
    checks=(
        Check(
            "the rate is proportional to eta",
            lambda answer: close(answer(1.7, 1.4), 2 * answer(1.7, 0.7)) and not close(answer(1.7, 1.4), 0.0),
        ),
        Check(
            "for small variances it is eta tau^3 / pi",
            lambda answer: close(answer(1e-4, 1.0) / 1e-12, 1 / np.pi, rtol=1e-3),
        ),
        Check(
            "for large variances it is 4 eta tau / (pi 3^(3/2))",
            lambda answer: close(answer(1e6, 1.0) / 1e6, 4 / np.pi / 3**1.5, rtol=1e-4),
        ),
        Check(
            "it is the positive eigenvalue of the linearised flow at tau = 0.3, 1 and 4",
            lambda answer: _is_rate(answer, lambda tau: _eigenvalue(2, tau)),
        ),
    ),
    mistakes=(
        Mistake(
            "one factor tau too few",
            lambda answer: _is_rate(answer, lambda tau: _eigenvalue(2, tau) / tau),
            "Right at tau = 1 only. A unit sees r = tau R, so that a change of R reaches it tau times as large.",
        ),
        Mistake(
            "input variance forgotten",
            lambda answer: _is_rate(answer, lambda tau: _eigenvalue(2, 1.0)),
            "Right at tau = 1 only. The variance is in the fields' covariance, tau Q and tau R, and in the point.",
        ),
        Mistake(
            "2/pi dropped",
            lambda answer: _is_rate(answer, lambda tau: _eigenvalue(2, tau) * np.pi / 2),
            "Every average I_3 carries a factor 2/pi.",
        ),
        Mistake(
            "sign",
            lambda answer: _is_rate(answer, lambda tau: -_eigenvalue(2, tau)),
            "With this sign the students would grow alike, and nobody would ever leave the plateau.",
        ),
        Mistake(
            "a mode that decays",
            lambda answer: _is_rate(answer, _fastest),
            "This is the most negative eigenvalue: how fast students come to the plateau, not how they leave it.",
        ),
    ),
)


def _fastest(tau):
    return float(np.linalg.eigvals(flow_jacobian(2, tau, normalization="none")).real.min())


# ---- 4.2: a Hessian in another chart, against differences of a function.
def _error(x):
    """Some smooth function of two numbers."""
    return np.sin(x[0]) * np.exp(0.4 * x[1]) + 0.3 * x[0] ** 2 * x[1]


def _chart(u):
    """Old coordinates as functions of new ones."""
    return np.array([u[0] * np.exp(u[1]), np.exp(2 * u[1]) + 0.3 * u[0]])


def _central(function, u, step=1e-4):
    """First (..., n) and second (..., n, n) derivatives of a function of n numbers, by central differences."""
    axes = step * np.eye(len(u))
    first = np.stack([(function(u + a) - function(u - a)) / (2 * step) for a in axes], axis=-1)
    second = np.stack([
        np.stack([
            function(u + a + b) - function(u + a - b) - function(u - a + b) + function(u - a - b) for b in axes
        ], axis=-1)
        for a in axes
    ], axis=-1) / (4 * step**2)  # fmt: skip
    return first, second


@functools.cache
def _cases():
    """Gradient and Hessian in the old coordinates, the chart's derivatives, and the Hessian in the new ones."""
    cases = []
    for u in ([0.3, -0.2], [-0.7, 0.4]):
        slope, H = _central(_error, _chart(np.array(u)))
        J, second = _central(_chart, np.array(u))
        cases.append((H, slope, J, second, _central(lambda v: _error(_chart(v)), np.array(u))[1]))
    return cases


def _in_chart(answer, expected):
    return all(close(answer(*case[:4]), expected(*case), rtol=1e-4, atol=1e-5) for case in _cases())


def _gradient_term(slope, second):
    return np.tensordot(slope, second, 1)


CHART = Exercise(
    name="committee-4-2",
    title="A Hessian in another chart",
    ask="A function has gradient g, shape (n,), and Hessian H, shape (n, n), in coordinates x. New coordinates u have "
    "x = x(u) with J[a, b] = dx_a / du_b and second[a, b, c] = d2 x_a / du_b du_c. Write in_chart(H, g, J, second), "
    "the Hessian in u.",
    arguments=lambda: _cases()[0][:4],
    shape=(2, 2),
    hints=(
        "Take one variable first: f(x(u)). What is its second derivative?",
        "f'' (x')^2 + f' x''. The second part is there wherever f' is not zero.",
        "With several variables the first part becomes J^T H J, and the second a sum over a of g_a times the matrix "
        "second[a].",
    ),
    checks=(
        Check(
            "coordinates that stay as they are change nothing",
            lambda answer: all(close(answer(H, g, np.eye(2), np.zeros((2, 2, 2))), H) for H, g, *_ in _cases()),
        ),
        Check(
            "the result is symmetric",
            lambda answer: all(close(value, value.T, rtol=1e-5) for value in (answer(*c[:4]) for c in _cases())),
        ),
        Check(
            "where the gradient vanishes the chart's second derivatives do not count",
            lambda answer: all(close(answer(H, 0 * g, J, s), answer(H, 0 * g, J, 0 * s)) for H, g, J, s, _ in _cases()),
        ),
        Check(
            "central differences of the function of u give the same matrix at two points",
            lambda answer: _in_chart(answer, lambda H, g, J, second, wanted: wanted),
        ),
    ),
    mistakes=(
        Mistake(
            "gradient term dropped",
            lambda answer: _in_chart(answer, lambda H, g, J, s, _: J.T @ H @ J),
            "J^T H J is all only where the gradient is zero. At the plateau, in order parameters, it is not.",
        ),
        Mistake(
            "J on the wrong side",
            lambda answer: _in_chart(answer, lambda H, g, J, s, _: J @ H @ J.T + _gradient_term(g, s)),
            "Rows of J belong to old coordinates, columns to new ones: H must meet the rows.",
        ),
        Mistake(
            "inverse chart",
            lambda answer: _in_chart(
                answer, lambda H, g, J, s, _: np.linalg.inv(J).T @ H @ np.linalg.inv(J) + _gradient_term(g, s)
            ),
            "You went from the new coordinates to the old ones.",
        ),
        Mistake(
            "sign of the gradient term",
            lambda answer: _in_chart(answer, lambda H, g, J, s, _: J.T @ H @ J - _gradient_term(g, s)),
            "Both parts of the second derivative of f(x(u)) have a plus.",
        ),
    ),
)


# ---- 4.3: the delay law, against eigenvalues and against measured escapes.
SETTINGS = ((2, 1.0, 1.0), (2, 4.0, 0.2), (3, 0.5, 0.1), (5, 2.0, 0.03))
GROWTH = (1e-3, 1e-5)  # from the second asymmetry a run needs ln 100 e-foldings more than from the first


@functools.cache
def _measured(K, tau, squared_norm):
    """BN / none of the time that an asymmetry takes to grow a hundredfold, on the flow."""
    times = []
    for rule, norm in (("batch", squared_norm), ("none", None)):
        late, early = (
            escape_times(
                [restrict(plateau_start(K, tau, normalization=rule, squared_norm=norm, asymmetry=e))],
                K,
                tau,
                normalization=rule,
            )[0]
            for e in reversed(GROWTH)
        )
        times.append(late - early)
    return times[0] / times[1]


def _is_delay(answer, expected):
    return all(close(answer(K, tau, norm), expected(K, tau, norm), rtol=1e-6) for K, tau, norm in SETTINGS)


def _law(case):
    K, tau, norm = case
    return _eigenvalue(K, tau) / _eigenvalue(K, tau, norm)


DELAY = Exercise(
    name="committee-4-3",
    title="The delay",
    ask="Prove it and measure it: how many times longer is a plateau with exact batch normalization than without? "
    "Write ratio(K, tau, squared_norm) for K = M, orthonormal teachers and students of that squared norm.",
    arguments=lambda: SETTINGS[0],
    shape=(),
    hints=(
        "With batch normalization a unit sees h = rho u.xi with u = J / |J| and rho = g / sigma. Without it, it sees "
        "h = |J| u.xi. How fast does u turn in the two cases, at the same fields h?",
        "Chapter 1: a step of J turns u by the step's part across J, over |J|. Batch normalization's step across J is "
        "g / (sigma |J|) times what a plain network with the same fields would do.",
        "So du/dt carries rho / |J|^2 with and 1 / rho without: a factor rho^2 / |J|^2 between the rates. At the fixed "
        "point rho^2 = g*^2 / tau.",
    ),
    checks=(
        Check(
            "two students, tau = 1, |J|^2 = 1: three times longer",
            lambda answer: close(answer(2, 1.0, 1.0), 3.0),
        ),
        Check(
            "twice the squared norm, twice the delay",
            lambda answer: close(answer(4, 0.7, 0.6), 2 * answer(4, 0.7, 0.3)),
        ),
        Check(
            "it is the ratio of the linearised flows' positive eigenvalues in four cases",
            lambda answer: _is_delay(answer, lambda *case: _law(case)),
        ),
        Check(
            "measured on the flow, a hundredfold growth of the asymmetry takes that many times longer, within 1 %",
            lambda answer: all(close(answer(*case), _measured(*case), rtol=0.01) for case in SETTINGS),
        ),
    ),
    mistakes=(
        Mistake(
            "upside down",
            lambda answer: _is_delay(answer, lambda *case: 1 / _law(case)),
            "This is how many times shorter the plateau is.",
        ),
        Mistake(
            "length in place of its square",
            lambda answer: _is_delay(answer, lambda *case: _law(case) / np.sqrt(case[2])),
            "The step across J goes as 1 / |J|, and so does the angle by which a given step turns J.",
        ),
        Mistake(
            "T20's squared norm",
            lambda answer: _is_delay(answer, lambda *case: (_law(case) / case[2]) ** 2 / case[1]),
            "You put |J|^2 = 1 / g*^2, as T20 does. The flow keeps the squared norm that it started with.",
        ),
        Mistake(
            "gain left out",
            lambda answer: _is_delay(answer, lambda K, tau, norm: norm),
            "The gain has come down to g* on the plateau, and the step of J carries it.",
        ),
        Mistake(
            "input variance forgotten",
            lambda answer: _is_delay(answer, lambda K, tau, norm: (2 * K - 1) * norm),
            "Right at tau = 1 only. What is the gain at the fixed point?",
        ),
    ),
)

EXERCISES = (ESCAPE, CHART, DELAY)
