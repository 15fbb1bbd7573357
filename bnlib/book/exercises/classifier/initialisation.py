"""Exercises of chapter 14: margins, held statistics as learning rates, and how jitter falls with the batch."""

import functools

import numpy as np

from bnlib.book.exercise import Check, Exercise, Mistake, close

W = np.array([[1.0, 0.0, -1.0], [0.0, 2.0, 0.0]])  # two inputs, three classes
B = np.array([0.0, -1.0, 0.5])
X = np.array([1.0, 0.25])


@functools.lru_cache(maxsize=1)
def _cases():
    """Random linear classifiers with an input and a label each."""
    rng = np.random.default_rng(3)
    return [
        (rng.standard_normal((4, 3)), rng.standard_normal(3), rng.standard_normal(4), int(rng.integers(3)))
        for _ in range(8)
    ]


def _walls(W, b, x, y):
    """Signed distances of x to all walls z_y = z_k."""
    z = x @ W + b
    return [(z[y] - z[k]) / np.linalg.norm(W[:, y] - W[:, k]) for k in range(len(b)) if k != y]


def _distance(case):
    """The least of the distances to the walls."""
    return min(_walls(*case))


def _to_runner_up(W, b, x, y):
    """The distance to the wall of the class that has the largest z of the others."""
    z = x @ W + b
    k = max((k for k in range(len(b)) if k != y), key=lambda k: z[k])
    return (z[y] - z[k]) / np.linalg.norm(W[:, y] - W[:, k])


def _walked(answer, sign):
    """Inputs moved by a little less or more than the margin towards the nearest wall keep or change their class."""
    for W, b, x, _ in _cases():
        y = int((x @ W + b).argmax())
        margin, moved = float(answer(W, b, x, y)), False
        for k in range(len(b)):
            if k != y:
                direction = (W[:, k] - W[:, y]) / np.linalg.norm(W[:, k] - W[:, y])
                moved |= int(((x + (1 + sign * 1e-6) * margin * direction) @ W + b).argmax()) != y
        if moved != (sign > 0):
            return False
    return True


def _as(distance):
    """Recognise an answer that gives another distance for all cases."""
    return lambda answer: all(close(answer(*case), distance(*case)) for case in _cases())


MARGIN = Exercise(
    name="classifier-14-1",
    title="The margin of a linear classifier",
    ask="A linear classifier answers with the class of the largest z = x W + b, for W of shape (D, classes). Write "
    "margin(W, b, x, y): the signed distance of the input x, shape (D,), to the set where class y stops to be the "
    "answer; positive where the answer is y, negative where it is another class.",
    arguments=lambda: (W, B, X, 0),
    shape=(),
    hints=(
        "Between class y and another class k the boundary is a hyperplane, z_y = z_k: chapter 9 has the distance.",
        "The distance to that wall is (z_y - z_k) / |w_y - w_k|, with the columns of W.",
        "Class y stops to be the answer at the nearest wall: take the least over all k other than y.",
    ),
    checks=(
        Check("a step just short of the margin keeps the class", lambda answer: _walked(answer, -1)),
        Check("a step just beyond it changes the class", lambda answer: _walked(answer, 1)),
        Check(
            "a wrong label has a negative margin",
            lambda answer: all(
                (float(answer(W, b, x, y)) > 0) == (int((x @ W + b).argmax()) == y) for W, b, x, y in _cases()
            ),
        ),
        Check(
            "logits ten times larger have the same margin",
            lambda answer: all(close(answer(10 * W, 10 * b, x, y), answer(W, b, x, y)) for W, b, x, y in _cases()),
        ),
        Check("it is the least distance to the walls", _as(lambda *case: _distance(case))),
    ),
    mistakes=(
        Mistake(
            "logit gap",
            _as(lambda W, b, x, y: min((x @ W + b)[y] - (x @ W + b)[k] for k in range(3) if k != y)),
            "That is a gap of logits, which grows when all weights do. Divide by how fast the gap changes with x.",
        ),
        Mistake(
            "one weight vector",
            _as(
                lambda W, b, x, y: min(
                    ((x @ W + b)[y] - (x @ W + b)[k]) / np.linalg.norm(W[:, y]) for k in range(3) if k != y
                )
            ),
            "The gap z_y - z_k changes with w_y - w_k, not with w_y alone.",
        ),
        Mistake(
            "squared length",
            _as(
                lambda W, b, x, y: min(
                    ((x @ W + b)[y] - (x @ W + b)[k]) / np.sum((W[:, y] - W[:, k]) ** 2) for k in range(3) if k != y
                )
            ),
            "A step of length s along w_y - w_k changes the gap by s |w_y - w_k|, not by s |w_y - w_k|^2.",
        ),
        Mistake(
            "runner-up only",
            _as(lambda *case: _to_runner_up(*case)),
            "The class with the next largest z need not have the nearest wall: compare the distances to all of them.",
        ),
        Mistake(
            "largest in place of least",
            _as(
                lambda W, b, x, y: max(
                    ((x @ W + b)[y] - (x @ W + b)[k]) / np.linalg.norm(W[:, y] - W[:, k]) for k in range(3) if k != y
                )
            ),
            "The first wall on the way counts: take the least of the distances.",
        ),
        Mistake(
            "sign lost",
            lambda answer: any(
                _as(distance)(answer)
                for distance in (lambda *case: abs(_distance(case)), lambda *case: min(map(abs, _walls(*case))))
            ),
            "A wrong answer has a negative margin.",
        ),
    ),
)


def _slope_of_angle(sigma):
    """How fast one unit's weights turn under descent on a fixed loss, with its pre-activation divided by sigma.

    The loss is that of the layer's function f(x . w / sigma); w starts where w / sigma is the same for all sigma.
    """
    eta, x, unit = 1e-6, np.array([1.0, 2.0]), np.array([0.6, -0.8])
    w = sigma * unit
    d = np.tanh(w @ x / sigma) * (1 - np.tanh(w @ x / sigma) ** 2)  # derivative of tanh(h)^2 / 2 by h
    moved = w - eta * d * x / sigma
    return (moved / sigma - unit)[0] / eta


HELD = Exercise(
    name="classifier-14-2",
    title="A held deviation is a learning rate",
    ask="A layer computes f((x W - mu) / sigma) with mu and sigma held at what the data gave at the start. Prove that "
    "gradient descent on W with learning rate eta moves the function as descent on V = W / sigma (no normalization) "
    "does with another learning rate for each unit, and write effective_rate(eta, sigma) for an array sigma of "
    "shape (n,). What does that say about comparing starts at one learning rate?",
    arguments=lambda: (0.1, np.array([0.5, 1.0, 4.0])),
    shape=(3,),
    hints=(
        "Write the loss as a function of V = W / sigma, column by column; use the chain rule for the gradient by W.",
        "The gradient by W is the gradient by V over sigma. How far does V move when W moves by -eta times that?",
        "V = W / sigma, so that the step of V is the step of W over sigma: a second factor 1 / sigma.",
    ),
    checks=(
        Check("sigma = 1 changes nothing", lambda answer: close(answer(0.3, np.ones(2)), [0.3, 0.3])),
        Check(
            "a real step of descent, for several sigma, turns the function as fast",
            lambda answer: close(
                answer(1.0, np.array([0.5, 2.0, 5.0])),
                np.array([_slope_of_angle(s) for s in (0.5, 2.0, 5.0)]) / _slope_of_angle(1.0),
                rtol=1e-4,
            ),
        ),
        Check(
            "it is in proportion to eta",
            lambda answer: close(answer(0.2, np.array([0.7])), 2 * answer(0.1, np.array([0.7]))),
        ),
    ),
    mistakes=(
        Mistake(
            "one factor only",
            lambda answer: close(answer(1.0, np.array([0.5, 2.0])), [2.0, 0.5]),
            "The gradient brings one factor 1 / sigma. V = W / sigma brings another when W has moved.",
        ),
        Mistake(
            "upside down",
            lambda answer: any(close(answer(1.0, np.array([0.5, 2.0])), [0.5**p, 2.0**p]) for p in (1, 2)),
            "A large deviation divides the pre-activation: the same step of W then does less.",
        ),
        Mistake(
            "no change",
            lambda answer: close(answer(1.0, np.array([0.5, 2.0])), [1.0, 1.0]),
            "The function is the same at the start, but W and V do not move alike.",
        ),
    ),
)


def _spread(batch, count):
    """Standard deviation of the mean of `batch` of `count` numbers of deviation 1, without replacement, by counting."""
    values = np.arange(count, dtype=float)
    values = (values - values.mean()) / values.std()
    rng = np.random.default_rng(4)
    order = np.argsort(rng.random((40_000, count)), axis=1)[:, :batch]
    return values[order].mean(1).std()


JITTER = Exercise(
    name="classifier-14-3",
    title="How the jitter falls with the batch",
    ask="The boundary of a normalized unit lies at the batch mean of its pre-activation. Prove by how much it scatters "
    "when batches of M are drawn without replacement from N training samples, and write jitter(M, N): the standard "
    "deviation of the batch mean in units of the deviation over all N samples. Then measure: does the share of images "
    "that change class fall in the same way in the figure above, untrained and trained?",
    arguments=lambda: (16, 320),
    shape=(),
    hints=(
        "With replacement it would be 1 / sqrt(M). What must it be for M = N?",
        "Two samples of one batch are not independent: their covariance is -1 / (N - 1), as the sum over all is fixed.",
        "Add M variances and M (M - 1) covariances, and divide by M squared.",
    ),
    checks=(
        Check("a batch of all has no jitter", lambda answer: abs(answer(320, 320)) < 1e-9),
        Check("one sample scatters as the samples do", lambda answer: close(answer(1, 320), 1.0)),
        Check(
            "in a very large set it is 1 / sqrt(M)",
            lambda answer: abs(answer(16, 10**9) - 0.25) < 1e-6,
        ),
        Check(
            # the deviation of 40 000 means is known to a relative 1 / sqrt(80 000) = 0.35 %
            "it is what 40 000 draws of 8 from 20 show, within four standard errors",
            lambda answer: abs(answer(8, 20) / _spread(8, 20) - 1) < 4 * 0.0036,
        ),
    ),
    mistakes=(
        Mistake(
            "with replacement",
            lambda answer: close(answer(16, 320), 0.25),
            "That is the law for draws with replacement. A batch that is the whole set always has the same mean.",
        ),
        Mistake(
            "variance",
            lambda answer: close(answer(16, 320), (320 - 16) / (16 * 319)) or close(answer(16, 320), 1 / 16),
            "That is a variance. The standard deviation is its root.",
        ),
        Mistake(
            "N in place of N - 1",
            lambda answer: close(answer(16, 320), ((320 - 16) / (16 * 320)) ** 0.5, rtol=1e-7),
            "Nearly: for M = 1 it must be 1. The covariance of two samples is -1 / (N - 1).",
        ),
    ),
)

EXERCISES = (MARGIN, HELD, JITTER)
