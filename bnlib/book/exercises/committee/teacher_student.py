"""Exercises of chapter 1, teacher and student: what a mini-batch does to one unit and to its gradient."""

import numpy as np
from scipy.special import erf

from bnlib.book.exercise import Check, Exercise, Mistake, close

ONE_UNIT = np.ones(1)


def _fields(batch=7, units=3, seed=1):
    """Pre-activations of unequal means and widths."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((batch, units)) * [0.5, 1.0, 3.0] + [2.0, -1.0, 0.3]


# ---- 1.1: the forward pass. Two columns small enough to do by hand carry most of the checks.
SWING = np.array([[5.0], [1.0], [5.0], [1.0]])  # mean 3, deviations +2 and -2
HALF = np.array([[0.5], [-0.5], [0.5], [-0.5]])  # what it becomes with epsilon = 12


def _centred(answer, axis):
    return close(answer(_fields(), np.ones(3), 0.0).mean(axis=axis), np.zeros(7 if axis else 3), atol=1e-8)


def _unit_power(answer):
    gain = np.array([1.0, 0.5, 2.0])
    return close((answer(_fields(), gain, 0.0) ** 2).mean(axis=0), gain**2)


def _blind_to_offset_and_scale(answer):
    x, gain = _fields(), np.array([1.0, 0.5, 2.0])
    return close(answer(x * [4.0, 0.5, 1.5] + [1.0, -7.0, 0.2], gain, 0.0), answer(x, gain, 0.0))


def _units_apart(answer):
    x, gain = _fields(), np.ones(3)
    other = x.copy()
    other[:, 2] = np.arange(7.0)
    return close(answer(x, gain, 0.1)[:, :2], answer(other, gain, 0.1)[:, :2])


FORWARD = Exercise(
    name="committee-1-1",
    title="Batch normalization by hand",
    ask="Write batch_norm(x, gain, epsilon): x has shape (b, K), a mini-batch of b inputs seen by K units; gain "
    "has shape (K,). Subtract from each unit its mean over the batch, divide by its standard deviation over the "
    "batch (variance with 1/b, epsilon added to the variance), multiply by its gain. Return shape (b, K).",
    arguments=lambda: (_fields(), np.ones(3), 1e-5),
    shape=(7, 3),
    hints=(
        "Which axis is the batch? A statistic of a unit is one number a column, so there are K means and K deviations.",
        "Do the column 5, 1, 5, 1 by hand: mean 3, variance 4. With epsilon = 12 and gain 1 every entry "
        "becomes +1/2 or -1/2.",
        "Let numpy broadcast: an array of shape (K,) lines up with the last axis of one of shape (b, K).",
    ),
    checks=(
        Check(
            "with gain 1 and epsilon = 12 the column 5, 1, 5, 1 becomes 1/2, -1/2, 1/2, -1/2",
            lambda answer: close(answer(SWING, ONE_UNIT, 12.0), HALF),
        ),
        Check("each unit has mean 0 over the batch", lambda answer: _centred(answer, 0)),
        Check("with epsilon = 0 each unit's mean square over the batch is its gain squared", _unit_power),
        Check(
            "with epsilon = 0 an offset or a positive factor on a unit's inputs changes nothing",
            _blind_to_offset_and_scale,
        ),
        Check("one unit's inputs do not reach another unit's outputs", _units_apart),
        Check(
            "a constant column with epsilon = 1 gives zeros",
            lambda answer: close(answer(np.full((4, 1), 3.0), ONE_UNIT, 1.0), np.zeros((4, 1))),
        ),
    ),
    mistakes=(
        Mistake(
            "statistics over the units",
            lambda answer: _centred(answer, 1),
            "Your outputs have mean zero over the units, for each input: that is layer normalization. Batch "
            "statistics are taken over the batch, for each unit.",
        ),
        Mistake(
            "mean not subtracted",
            lambda answer: not _centred(answer, 0),
            "A unit's outputs still have a mean over the batch. The numerator is the deviation from the batch mean.",
        ),
        Mistake(
            "epsilon outside the root",
            lambda answer: close(answer(SWING, ONE_UNIT, 12.0), HALF * 2 / 7),
            "Epsilon is added to the variance, before the root. Outside the root it acts on another scale, and "
            "published numbers no longer match.",
        ),
        Mistake(
            "epsilon forgotten",
            lambda answer: close(answer(SWING, ONE_UNIT, 12.0), 2 * HALF),
            "With epsilon = 12 the column comes out as with epsilon = 0. Add it to the variance, under the root.",
        ),
        Mistake(
            "unbiased variance",
            lambda answer: close(answer(SWING, ONE_UNIT, 12.0), HALF * 4 * np.sqrt(3 / 52)),
            "Your variance divides by b - 1. Batch normalization uses 1/b in training; frameworks keep b - 1 for "
            "the running average only.",
        ),
        Mistake(
            "divided by the variance",
            lambda answer: close(answer(SWING, ONE_UNIT, 12.0), HALF / 4),
            "You divided by the variance. Its root has the units of x; with the variance the result would still "
            "depend on the scale of x.",
        ),
    ),
)


# ---- 1.2: the gradient through the batch standard deviation, against differences of the loss itself.
def _case(seed=2):
    """A weight vector, a gain, a mini-batch of inputs and its targets."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal(4), 1.3, rng.standard_normal((6, 4)), rng.uniform(-1, 1, 6)


def _loss(J, gain, X, y, width=None):
    x = X @ J
    width = np.sqrt(np.mean(x**2)) if width is None else width
    return 0.5 * np.mean((erf(gain * x / width / np.sqrt(2)) - y) ** 2)


def _differences(J, gain, X, y, width=None, step=1e-5):
    """Central differences of the loss in every component of J; `width` holds the standard deviation still."""
    return np.array(
        [
            (_loss(J + e, gain, X, y, width) - _loss(J - e, gain, X, y, width)) / (2 * step)
            for e in step * np.eye(len(J))
        ]
    )


def _batch_width(case):
    return np.sqrt(np.mean((case[2] @ case[0]) ** 2))


def _is_gradient(answer, factor=lambda case: 1.0, frozen=False):
    for case in (_case(2), _case(3)):
        slope = _differences(*case, width=_batch_width(case) if frozen else None)
        if not close(answer(*case), factor(case) * slope, rtol=1e-5, atol=1e-7):
            return False
    return True


def _projected(answer):
    """The gradient at constant s, less its part along J."""
    case = _case()
    J, slope = case[0], _differences(*case, width=_batch_width(case))
    return close(answer(*case), slope - J * (J @ slope) / (J @ J), rtol=1e-5, atol=1e-7)


def _orthogonal(answer):
    J, gain, X, y = _case()
    gradient = answer(J, gain, X, y)
    return abs(gradient @ J) <= 1e-9 * np.linalg.norm(gradient) * np.linalg.norm(J)


def _shrinks_with_length(answer):
    J, gain, X, y = _case()
    return close(3.0 * answer(3.0 * J, gain, X, y), answer(J, gain, X, y))


GRADIENT = Exercise(
    name="committee-1-2",
    title="The gradient through the batch",
    ask="One unit with output erf(h / sqrt 2), h = gain x / s, x = X J, where s is the root of the mean of x "
    "squared over the batch (no mean is subtracted here, as in the papers). Write gradient(J, gain, X, y), the "
    "derivative in J, shape (N,), of the batch loss, the mean over the b inputs of (output - y)^2 / 2. J has shape "
    "(N,), X (b, N), y (b,).",
    arguments=_case,
    shape=(4,),
    hints=(
        "J enters twice: through each x, and through s, which all inputs of the batch share. Write both "
        "derivatives down.",
        "Let e be the vector of loss derivatives in h. If s were a constant, you would have a plain chain rule; s "
        "itself has a gradient in J, a batch average of something times X.",
        "The result must be orthogonal to J, since the loss does not change when J is made longer. Take the inner "
        "product of your result with J and see which term is missing or has the wrong factor.",
    ),
    checks=(
        Check("the gradient agrees with central differences of the loss", _is_gradient),
        Check("the gradient is orthogonal to J, since the loss does not know the length of J", _orthogonal),
        Check("three times longer J has a three times smaller gradient", _shrinks_with_length),
    ),
    mistakes=(
        Mistake(
            "population's projection",
            _projected,
            "You took the part along J away, as equation (4) does. That is the limit of large batches; here the batch "
            "has its own s, whose gradient is a mean of x times X over these inputs, and not along J.",
        ),
        Mistake(
            "gradient stopped at the standard deviation",
            lambda answer: _is_gradient(answer, frozen=True),
            "You held s constant. This is the update of T19 and T20; back-propagation also goes through s, for s "
            "is a function of J.",
        ),
        Mistake(
            "sign",
            lambda answer: _is_gradient(answer, lambda case: -1.0),
            "This is the direction in which the loss falls. The gradient points the other way.",
        ),
        Mistake(
            "sum over the batch",
            lambda answer: _is_gradient(answer, lambda case: 6.0),
            "You summed over the batch where the loss is a mean: a factor 1/b is missing.",
        ),
        Mistake(
            "factor 1/s dropped",
            lambda answer: _is_gradient(answer, _batch_width),
            "The derivative of h = gain x / s in x is gain / s; your 1/s is lost.",
        ),
        Mistake(
            "gain dropped",
            lambda answer: _is_gradient(answer, lambda case: 1 / 1.3),
            "The derivative of h = gain x / s in x is gain / s; your gain is lost.",
        ),
    ),
)


# ---- 1.3: how fast the direction turns, measured on one small step of real gradient descent.
def _turn(J, case, rate):
    """The change of the direction of J in one step of gradient descent through the batch."""
    _, gain, X, y = case
    after = J - rate * _differences(J, gain, X, y, step=1e-5 * np.linalg.norm(J))
    return after / np.linalg.norm(after) - J / np.linalg.norm(J)


def _turns_alike(answer, squared_norm):
    case = _case(5)
    direction = case[0] / np.linalg.norm(case[0])
    rate = 1e-3 * min(1.0, squared_norm)
    measured = _turn(np.sqrt(squared_norm) * direction, case, rate)
    predicted = _turn(direction, case, float(answer(rate, squared_norm)))
    return np.linalg.norm(measured - predicted) <= 2e-3 * np.linalg.norm(measured)


def _says(answer, value):
    return close(answer(1.0, 4.0), value)


DIRECTION = Exercise(
    name="committee-1-3",
    title="The learning rate of the direction",
    ask="Under exact batch normalization only the direction of J matters, and its length sets the pace. Prove, "
    "from the result of the exercise before, at which learning rate a student of length 1 would turn as fast as a "
    "student of length |J| does at learning rate eta (same gain, same batch, small eta). Then write "
    "effective_rate(eta, squared_norm), where squared_norm is |J|^2.",
    arguments=lambda: (0.1, 2.0),
    shape=(),
    hints=(
        "Write J = |J| u. What does a small step dJ, orthogonal to J, do to u?",
        "By exercise 1.2 the gradient at J is the gradient at u divided by |J|. The step dJ carries this factor.",
        "Turning J by a given angle takes a step that is |J| times longer. This factor multiplies the "
        "one of the gradient.",
    ),
    checks=(
        Check("nothing changes for a student of length 1", lambda answer: close(answer(0.3, 1.0), 0.3)),
        Check("the rate is proportional to eta", lambda answer: close(answer(0.6, 2.5), 2 * answer(0.3, 2.5))),
        Check(
            "one step of gradient descent turns a student with |J|^2 = 4 as much as it turns one of length 1 at "
            "your rate, to 0.2 percent",
            lambda answer: _turns_alike(answer, 4.0),
        ),
        Check(
            "the same is measured at |J|^2 = 1/4, where the direction turns faster",
            lambda answer: _turns_alike(answer, 0.25),
        ),
    ),
    mistakes=(
        Mistake(
            "only the gradient's factor",
            lambda answer: _says(answer, 0.5),
            "One factor 1/|J| is there: the smaller gradient. The other is geometry: the same step turns a longer "
            "vector by a smaller angle.",
        ),
        Mistake(
            "length without effect",
            lambda answer: _says(answer, 1.0),
            "The loss does not depend on the length, but the pace does: the gradient shrinks as J grows.",
        ),
        Mistake(
            "argument squared again",
            lambda answer: _says(answer, 1 / 16),
            "The argument is |J|^2 already, and you squared it again.",
        ),
        Mistake(
            "upside down",
            lambda answer: _says(answer, 4.0) or _says(answer, 2.0),
            "Your longer student turns faster. Look at what exercise 1.2 says of its gradient.",
        ),
    ),
)

EXERCISES = (FORWARD, GRADIENT, DIRECTION)
