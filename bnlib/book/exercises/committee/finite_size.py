"""Exercise 2.3: from measured spreads to an exponent and to a number of replicas."""

import functools

import numpy as np

from bnlib.book.exercise import Check, Exercise, Mistake, close

SIZES = np.array([25.0, 100.0, 400.0])
HALVING = np.array([0.2, 0.1, 0.05])  # a spread that halves when N grows fourfold
START_REPLICAS = 4000


@functools.lru_cache(maxsize=1)
def _random_starts():
    """Measured spreads of J.B over random starts (components of variance 1/N, |B| = 1), one for each size."""
    rng = np.random.default_rng(7)
    return np.array([(rng.standard_normal((START_REPLICAS, int(N))) @ np.ones(int(N)) / N).std(ddof=1) for N in SIZES])


def _exponent_of_starts(answer):
    """Within four standard errors of -1/2: a spread over n replicas is known to a relative 1 / sqrt(2n)."""
    spread_of_logs = np.linalg.norm(np.log(SIZES) - np.log(SIZES).mean())
    error = 1 / np.sqrt(2 * START_REPLICAS) / spread_of_logs
    return abs(answer(SIZES, _random_starts(), 0.5, 100.0, 0.01)[0] + 0.5) < 4 * error


def _plan(answer, spreads=HALVING, mean=0.5, size=100.0, accuracy=0.01):
    return answer(SIZES, spreads, mean, size, accuracy)


def _enough_and_no_more(answer):
    replicas = _plan(answer)[1]
    return 399.5 <= replicas <= 401  # round-off in the fit must not count


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
    ask="Run train_overlaps at several sizes N and take the mean and the standard deviation ('spread') of R_11 "
    "over the replicas at one fixed time. Prove how the spread must shrink with N. Then write plan(sizes, spreads, "
    "mean, size, accuracy), returning two numbers: the exponent p of spread ~ N^p that fits the data best on a "
    "log-log scale, and how many replicas at N = size are needed so that the standard error of the mean is at most "
    "accuracy times |mean|.",
    arguments=lambda: (SIZES, HALVING, 0.5, 100.0, 0.01),
    shape=(2,),
    hints=(
        "In one unit of time there are N steps, each a random kick of size about 1/N. Add the variances "
        "of N independent kicks.",
        "A power law is a straight line in log N and log spread. The fitted line also gives the spread at `size`.",
        "The standard error of a mean over n replicas is spread / sqrt(n). Ask that it be accuracy times |mean|, "
        "solve for n, and round up.",
    ),
    checks=(
        Check(
            "a spread that halves when N grows fourfold has exponent -1/2",
            lambda answer: close(_plan(answer)[0], -0.5),
        ),
        Check(
            "a spread that does not change has exponent 0",
            lambda answer: close(_plan(answer, spreads=np.full(3, 0.1))[0], 0.0),
        ),
        Check(
            "measured spreads of 4000 random starts give -1/2 within four standard errors",
            _exponent_of_starts,
        ),
        Check("a spread of 0.1 around a mean of 0.5 needs 400 replicas for 1 percent", _enough_and_no_more),
        Check("the number of replicas is whole", _whole_number),
        Check(
            "a negative mean needs as many as a positive one",
            lambda answer: close(_plan(answer, mean=-0.5), _plan(answer)),
        ),
        Check(
            "at four times the size a quarter of the replicas is enough",
            lambda answer: 99.5 <= _plan(answer, size=400.0)[1] <= 101,
        ),
        Check("the units of R do not matter", _no_units),
    ),
    mistakes=(
        Mistake(
            "sign of the exponent",
            lambda answer: close(_plan(answer)[0], 0.5),
            "The spread falls as N grows, so that the exponent is negative.",
        ),
        Mistake(
            "variance in place of spread",
            lambda answer: close(_plan(answer)[0], -1.0),
            "That is the exponent of the variance. The spread is its root.",
        ),
        Mistake(
            "straight line without logarithms",
            lambda answer: close(_plan(answer, spreads=1000 * HALVING)[0], 1000 * _plan(answer)[0]),
            "Your exponent changes with the units of R: fit the logarithms, not the numbers.",
        ),
        Mistake(
            "square forgotten",
            lambda answer: 20 <= _plan(answer)[1] <= 21,
            "The standard error falls as the root of the number of replicas: ten times more exact takes a hundred "
            "times more of them.",
        ),
        Mistake(
            "absolute accuracy",
            lambda answer: 100 <= _plan(answer)[1] <= 101,
            "The accuracy is relative: the standard error is compared with accuracy times |mean|.",
        ),
        Mistake(
            "size ignored",
            lambda answer: close(_plan(answer, size=100.0)[1], _plan(answer, size=400.0)[1]),
            "The number of replicas does not depend on `size` in your answer: use the fitted line to "
            "find the spread there.",
        ),
    ),
)
