"""Exercises of chapter 2, order parameters: an average, a rate of change, and the spread at finite size."""
import functools

import numpy as np
from scipy.special import erf

from bnlib.book.exercise import Check, Exercise, Mistake, close

TWO_OVER_PI = 2 / np.pi


@functools.lru_cache(maxsize=1)
def _nodes(count=80):
    """A Gauss-Hermite grid of two independent standard normal variables: points (2, count^2) and weights."""
    points, weights = np.polynomial.hermite_e.hermegauss(count)
    weights = weights / weights.sum()
    return np.stack([np.repeat(points, count), np.tile(points, count)]), np.outer(weights, weights).ravel()


def _average(function, C):
    """The average of function(z1, z2) over a Gaussian of covariance C, by quadrature; C may be singular."""
    values, vectors = np.linalg.eigh(np.asarray(C, float))
    points, weights = _nodes()
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
    ask="z1 and z2 are Gaussian with mean zero and covariance C, an array of shape (2, 2). Write I2(C), the average of "
        "erf(z1 / sqrt 2) erf(z2 / sqrt 2): one number, in closed form.",
    arguments=lambda: (np.array(COVARIANCES[0]),),
    shape=(),
    hints=(
        "An erf is a probability: erf(z / sqrt 2) = P(|u| < |z|) sign(z) for a standard normal u. So the average is one of the "
        "signs of two Gaussian variables. Which ones, and what are their variances?",
        "erf(z / sqrt 2) is the mean of sign(z + u) over a standard normal u. The sum z + u has variance C_11 + 1.",
        "For two Gaussian variables with correlation r the mean of the product of signs is a number times the angle whose sine "
        "is r (Sheppard). At r = 1 it must be 1.",
    ),
    checks=(
        Check("uncorrelated fields give 0", lambda answer: close(answer(np.diag([1.0, 2.0])), 0.0)),
        Check("the same field twice with variance 1 gives 1/3", lambda answer: _alike(answer, 1 / 3)),
        Check("turning the sign of one field turns the sign of the average", _odd),
        Check("for small variances, where erf is a straight line, it is 2 C_12 / pi", _linear_when_small),
        Check("for very large variances, where erf is a sign, the same field twice gives 1",
              lambda answer: close(answer(1e12 * ALIKE), 1.0, rtol=1e-5)),
        Check("Gauss-Hermite quadrature gives the same number at three covariances", _by_quadrature),
    ),
    mistakes=(
        Mistake("missing 1 +", lambda answer: _alike(answer, 1.0),
                "This is the average of two signs. A unit that saturates gradually behaves as a sign of the field plus a noise "
                "of variance 1."),
        Mistake("arccos in place of arcsin", lambda answer: _alike(answer, 2 / 3),
                "For uncorrelated fields the average is zero: which of arcsin and arccos vanishes there?"),
        Mistake("missing 2/pi", lambda answer: _alike(answer, np.pi / 6),
                "Two always equal signs have average 1, and arcsin(1) is pi/2. A factor is missing."),
        Mistake("missing square root", lambda answer: _alike(answer, 0.16086125) or _alike(answer, np.arcsin(1 / 4)),
                "A correlation is a covariance divided by two standard deviations, and you divided by two variances."),
    ),
)


# ---- 2.2: dR/dt, against the slope of the generalization error along the teacher.
STATES = ((0.8, 0.3, 1.0), (1.5, -0.4, 0.7), (0.4, 0.6, 2.0))  # Q, R, T


def _covariance(Q, R, T, tau):
    return tau * np.array([[Q, R], [R, T]])


def _error(Q, R, T, tau):
    return 0.5 * _average(lambda x, y: (_phi(x) - _phi(y)) ** 2, _covariance(Q, R, T, tau))


def _downhill(Q, R, T, tau, step=1e-4):
    """Minus the slope of the generalization error when J moves along B: J + s B has overlaps Q + 2sR + s^2 T and R + sT."""
    ahead, behind = (_error(Q + 2 * s * R + s * s * T, R + s * T, T, tau) for s in (step, -step))
    return (behind - ahead) / (2 * step)


def _is_rate(answer, expected, taus=(1.0, 1.8)):
    return all(close(answer(*state, 0.7, tau), 0.7 * expected(*state, tau), rtol=1e-5, atol=1e-7)
               for state in STATES for tau in taus)


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
    ask="One student unit J and one teacher unit B, erf units, no normalization, N large, steps of size eta / N on fresh "
        "inputs whose components have variance tau. Write dR_dt(Q, R, T, eta, tau) for the overlap R = J.B, time being "
        "steps / N. You may use I3 from bnlib.committee.",
    arguments=lambda: (*STATES[0], 0.7, 1.8),
    shape=(),
    hints=(
        "Write the step of J for one input, take its inner product with B, and average. Which three fields appear in the "
        "product?",
        "With x = J.xi and y = B.xi you need the average of (phi(y) - phi(x)) phi'(x) y: two averages of type I3.",
        "I3(C, 1)[0, k, p] is the average of phi'(x) z_k phi(z_p), fields in the order (x, y). C is the covariance of the "
        "fields, not the matrix of the overlaps: where does tau enter?",
    ),
    checks=(
        Check("a student that equals the teacher rests", lambda answer: close(answer(1.2, 1.2, 1.2, 1.0, 1.5), 0.0)),
        Check("the rate is proportional to eta", lambda answer: close(answer(*STATES[0], 1.4, 1.5),
                                                                      2 * answer(*STATES[0], 0.7, 1.5))),
        Check("overlaps twice as large with inputs of half the variance give the same fields, so the same rate",
              lambda answer: close(answer(1.6, 0.6, 2.0, 0.7, 0.75), answer(0.8, 0.3, 1.0, 0.7, 1.5))),
        Check("a student that starts from nothing (Q = R = 0), tau = T = 1, moves at eta sqrt(2) / pi",
              lambda answer: close(answer(0.0, 0.0, 1.0, 0.7, 1.0), 0.7 * np.sqrt(2) / np.pi)),
        Check("the rate is eta times minus the slope of the generalization error along B, by quadrature and differences, in "
              "six cases", lambda answer: _is_rate(answer, _downhill)),
    ),
    mistakes=(
        Mistake("sign", lambda answer: _is_rate(answer, lambda *state: -_downhill(*state)),
                "Your student runs away from the teacher. Descent goes against the gradient."),
        Mistake("slope of the unit dropped", lambda answer: _is_rate(answer, _without_slope),
                "The derivative phi'(x) of the unit is missing: your student learns as much from an input that saturates it as "
                "from one that does not."),
        Mistake("student's own output dropped", lambda answer: _is_rate(answer, _teacher_only),
                "Only the teacher's output is in your rate, so that the student would never stop. The error is the difference of "
                "two outputs."),
        Mistake("input variance forgotten", lambda answer: _is_rate(answer, lambda Q, R, T, tau: _downhill(Q, R, T, 1.0)),
                "Right at tau = 1 only. The fields' covariance is tau times the overlaps."),
        Mistake("input variance twice", lambda answer: _is_rate(answer, lambda *state: state[3] * _downhill(*state)),
                "A factor tau too many: the average is over the fields y = B.xi, which have it already."),
    ),
)


# ---- 2.3: from measured spreads to an exponent and to a number of replicas.
SIZES = np.array([25.0, 100.0, 400.0])
HALVING = np.array([0.2, 0.1, 0.05])  # a spread that halves when N grows fourfold
START_REPLICAS = 4000


@functools.lru_cache(maxsize=1)
def _random_starts():
    """Measured spreads of J.B over random starts (components of variance 1/N, |B| = 1), one for each size."""
    rng = np.random.default_rng(7)
    return np.array([(rng.standard_normal((START_REPLICAS, int(N))) @ np.ones(int(N)) / N).std(ddof=1) for N in SIZES])


def _exponent_of_starts(answer):
    """Within four standard errors of -1/2: a spread over n replicas has a relative standard error of 1 / sqrt(2n)."""
    spread_of_logs = np.linalg.norm(np.log(SIZES) - np.log(SIZES).mean())
    error = 1 / np.sqrt(2 * START_REPLICAS) / spread_of_logs
    return abs(answer(SIZES, _random_starts(), 0.5, 100.0, 0.01)[0] + 0.5) < 4 * error


def _plan(answer, spreads=HALVING, mean=0.5, size=100.0, accuracy=0.01):
    return answer(SIZES, spreads, mean, size, accuracy)


def _enough_and_no_more(answer):
    replicas = _plan(answer)[1]
    return 400 <= replicas <= 401


def _whole_number(answer):
    replicas = _plan(answer, mean=0.47)[1]
    return replicas == round(replicas)


def _no_units(answer):
    """The same in other units, where rounding up may move by one."""
    one, other = _plan(answer), _plan(answer, spreads=1000 * HALVING, mean=500.0)
    return close(one[0], other[0]) and abs(one[1] - other[1]) <= 1


FINITE_SIZE = Exercise(
    name="committee-2-3",
    title="How many replicas are enough",
    ask="Run train_overlaps at several sizes N and take the mean and the standard deviation ('spread') of R_11 over the "
        "replicas at one fixed time. Prove how the spread must shrink with N. Then write plan(sizes, spreads, mean, size, "
        "accuracy), returning two numbers: the exponent p of spread ~ N^p that fits the data best on a log-log scale, and how "
        "many replicas at N = size are needed so that the standard error of the mean is at most accuracy times |mean|.",
    arguments=lambda: (SIZES, HALVING, 0.5, 100.0, 0.01),
    shape=(2,),
    hints=(
        "In one unit of time there are N steps, each a random kick of size about 1/N. Add the variances of N independent kicks.",
        "A power law is a straight line in log N and log spread. The fitted line also gives the spread at `size`.",
        "The standard error of a mean over n replicas is spread / sqrt(n). Ask that it be accuracy times |mean|, solve for n, "
        "and round up.",
    ),
    checks=(
        Check("a spread that halves when N grows fourfold has exponent -1/2", lambda answer: close(_plan(answer)[0], -0.5)),
        Check("a spread that does not change has exponent 0",
              lambda answer: close(_plan(answer, spreads=np.full(3, 0.1))[0], 0.0)),
        Check("measured spreads of 4000 random starts give -1/2 within four standard errors", _exponent_of_starts),
        Check("a spread of 0.1 around a mean of 0.5 needs 400 replicas for 1 percent", _enough_and_no_more),
        Check("the number of replicas is whole", _whole_number),
        Check("a negative mean needs as many as a positive one",
              lambda answer: close(_plan(answer, mean=-0.5), _plan(answer))),
        Check("at four times the size a quarter of the replicas is enough",
              lambda answer: 100 <= _plan(answer, size=400.0)[1] <= 101),
        Check("the units of R do not matter", _no_units),
    ),
    mistakes=(
        Mistake("sign of the exponent", lambda answer: close(_plan(answer)[0], 0.5),
                "The spread falls as N grows, so that the exponent is negative."),
        Mistake("variance in place of spread", lambda answer: close(_plan(answer)[0], -1.0),
                "That is the exponent of the variance. The spread is its root."),
        Mistake("straight line without logarithms", lambda answer: close(_plan(answer, spreads=1000 * HALVING)[0],
                                                                         1000 * _plan(answer)[0]),
                "Your exponent changes with the units of R: fit the logarithms, not the numbers."),
        Mistake("square forgotten", lambda answer: 20 <= _plan(answer)[1] <= 21,
                "The standard error falls as the root of the number of replicas: ten times more exact takes a hundred times "
                "more of them."),
        Mistake("absolute accuracy", lambda answer: 100 <= _plan(answer)[1] <= 101,
                "The accuracy is relative: the standard error is compared with accuracy times |mean|."),
        Mistake("size ignored", lambda answer: close(_plan(answer, size=100.0)[1], _plan(answer, size=400.0)[1]),
                "The number of replicas does not depend on `size` in your answer: use the fitted line to find the spread there."),
    ),
)

EXERCISES = (I2, RATE, FINITE_SIZE)
