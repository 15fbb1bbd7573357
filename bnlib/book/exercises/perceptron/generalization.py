"""Exercises of chapter 8: least squares, a penalty that does not regularize, and batches that all agree."""

import functools

import numpy as np

from bnlib.book.exercise import Check, Exercise, Mistake, close

# ---- 8.1: the curve of least squares, as the limit of ridge and against random data.
LOADS = (0.3, 0.8, 1.25, 3.0)


def _ridge(alpha, noise, decay):
    """L19's formula in the printed form, with exact derivatives of G from its quadratic equation."""
    G = (
        1 - alpha - decay + np.sqrt(decay + (1 + np.sqrt(alpha)) ** 2) * np.sqrt(decay + (1 - np.sqrt(alpha)) ** 2)
    ) / (2 * decay)
    slope = -(G**2 + G) / (2 * decay * G + decay + alpha - 1)
    return noise * (G + decay * slope) - decay**2 * slope


def _limit(answer):
    return all(close(answer(a, 0.3), _ridge(a, 0.3, 1e-6), rtol=1e-4) for a in LOADS)


@functools.lru_cache(maxsize=2)
def _measured(load, N=120, count=30):
    """Mean error of least squares over random data sets, noise 0.25, and its standard error."""
    errors = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        X, teacher = rng.standard_normal((round(load * N), N)) / np.sqrt(N), rng.standard_normal(N)
        y = X @ teacher + 0.5 * rng.standard_normal(len(X))
        errors.append(np.mean((np.linalg.lstsq(X, y, rcond=None)[0] - teacher) ** 2))
    return np.mean(errors), np.std(errors, ddof=1) / np.sqrt(count)


def _agrees_with_data(answer):
    """Within 4 standard errors and the bias of finite size, 1/(N |1 - alpha|)."""
    return all(
        abs(answer(a, 0.25) - _measured(a)[0]) < 4 * _measured(a)[1] + answer(a, 0.25) / (120 * abs(1 - a))
        for a in (0.5, 2.0)
    )


def _is(answer, below, above):
    return all(close(answer(a, 0.3), (below if a < 1 else above)(a)) for a in LOADS)


LEAST_SQUARES = Exercise(
    name="perceptron-8-1",
    title="The peak of least squares",
    ask="Inputs of variance 1/N, P = alpha N examples, noise variance noise, |w*|^2 = N. Write "
    "least_squares(alpha, noise), the error |u - w*|^2 / N of the least-norm least-squares solution for N to "
    "infinity and "
    "alpha other than 1: the limit of the ridge formula for lambda to 0, one number.",
    arguments=lambda: (0.8, 0.3),
    shape=(),
    hints=(
        "In the ridge formula let lambda be small. Below alpha = 1 lambda G tends to 1 - alpha, above it tends to 0: "
        "why? (X^T X has rank P.)",
        "Without noise: below alpha = 1 only the part of w* in the span of the inputs is seen, above all of it.",
        "The noise is multiplied by the mean of 1/s over the eigenvalues s of X^T X that are not zero: "
        "alpha / (1 - alpha) per input below 1, 1 / (alpha - 1) above.",
    ),
    checks=(
        Check(
            "without noise it is 1 - alpha, or 0 above alpha = 1",
            lambda answer: close(answer(0.3, 0.0), 0.7) and close(answer(1.7, 0.0), 0.0),
        ),
        Check(
            "with hardly any example the student stays at zero", lambda answer: close(answer(1e-9, 0.3), 1.0, rtol=1e-6)
        ),
        Check("it is never negative", lambda answer: all(answer(a, 0.3) >= 0 for a in LOADS)),
        Check("the ridge formula at lambda = 10^-6 gives the same at four loads", _limit),
        Check("thirty random data sets at loads 1/2 and 2 give the same", _agrees_with_data),
    ),
    mistakes=(
        Mistake(
            "sign above load 1",
            lambda answer: close(answer(3.0, 0.3), -0.15),
            "For alpha > 1 your error is negative: the denominator is alpha - 1 there.",
        ),
        Mistake(
            "noise floor included",
            lambda answer: _is(answer, lambda a: 1 - a + 0.3 / (1 - a), lambda a: 0.3 * a / (a - 1)),
            "You have the error on noisy targets, larger by the noise variance. Here the target is w*.x itself.",
        ),
        Mistake(
            "unseen part forgotten",
            lambda answer: all(close(answer(a, 0.3), 0.3 * a / (1 - a)) for a in (0.3, 0.8)),
            "Below alpha = 1 the part of w* across the inputs is never seen and adds its own error.",
        ),
    ),
)


# ---- 8.2: population normalization with gamma decay on the training set's own moments.
def _data(P, N, seed=3):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((P, N)) / np.sqrt(N)
    return X, X @ rng.standard_normal(N) + 0.5 * rng.standard_normal(P)


def _many():
    return _data(30, 8)


def _few():
    return _data(12, 20)


def _loss(u, X, y, zeta):
    """mean (y - gamma z)^2 + zeta gamma^2, where gamma is the root mean square of the fields u.x."""
    return np.mean((y - X @ u) ** 2) + zeta * np.mean((X @ u) ** 2)


def _is_lowest(answer, zeta=0.3):
    X, y = _many()
    u, rng = answer(X, y, zeta), np.random.default_rng(1)
    low = _loss(u, X, y, zeta)
    return all(_loss(u + 1e-3 * rng.standard_normal(8), X, y, zeta) > low for _ in range(200))


def _solution(data, decay=0.0):
    X, y = data
    return np.linalg.solve(X.T @ X + decay * np.eye(X.shape[1]), X.T @ y)


NO_RIDGE = Exercise(
    name="perceptron-8-2",
    title="A penalty that does not regularize",
    ask="Population normalization takes its moments from the training set: the output is gamma z with z = w.x "
    "divided by "
    "its root mean square over the P examples (means are left out). Prove what w and gamma minimize mean((y - gamma "
    "z)^2) "
    "+ zeta gamma^2, P > N, and write fit(X, y, zeta), which returns u with u.x = gamma z: N numbers.",
    arguments=lambda: (*_many(), 0.3),
    shape=(8,),
    hints=(
        "With u.x = gamma z, what is gamma^2 in terms of u and X?",
        "gamma^2 = mean((X u)^2): the penalty is a multiple of the data's own quadratic form, and not of |u|^2.",
        "The gradient is -2 X^T y / P + 2 (1 + zeta) X^T X u / P. Which known solution is u a multiple of?",
    ),
    checks=(
        Check(
            "without decay it is least squares",
            lambda answer: close(answer(*_many(), 0.0), _solution(_many())),
        ),
        Check("two hundred small moves in random directions all raise the loss", _is_lowest),
        Check(
            "decay does not turn the solution: its direction is the same at zeta = 0.1 and 10",
            lambda answer: close(
                answer(*_many(), 0.1) / np.linalg.norm(answer(*_many(), 0.1)),
                answer(*_many(), 10.0) / np.linalg.norm(answer(*_many(), 10.0)),
            ),
        ),
    ),
    mistakes=(
        Mistake(
            "ridge",
            lambda answer: any(
                close(answer(*_many(), 0.3), _solution(_many(), 0.3 * scale)) for scale in (1, 30 / 8, 30)
            ),
            "That is ridge, where |u|^2 is punished. Here gamma^2 is the mean square of the fields on the training "
            "set.",
        ),
        Mistake(
            "first order in zeta",
            lambda answer: close(answer(*_many(), 0.3), 0.7 * _solution(_many())),
            "Right for small zeta only: set the whole gradient to zero.",
        ),
        Mistake(
            "decay ignored",
            lambda answer: close(answer(*_many(), 0.3), _solution(_many())),
            "The decay does shorten u.",
        ),
    ),
)


# ---- 8.3: one direction that is best in every batch.
def _batch_losses(w, X, y, count=60):
    """The least loss over gamma and beta of random batches of 3 to 8, in units of the targets' variance there."""
    rng, losses = np.random.default_rng(2), []
    for _ in range(count):
        batch = rng.choice(len(X), rng.integers(3, 9), replace=False)
        h, t = X[batch] @ w, y[batch]
        h, t = h - h.mean(), t - t.mean()
        losses.append(1 - (h @ t) * abs(h @ t) / ((h @ h) * (t @ t) + 1e-300))
    return np.array(losses)


def _agreed(answer, seed=5):
    X, y = _data(12, 20, seed)
    return _batch_losses(answer(X, y), X, y).max() < 1e-8


def _same_direction(one, other):
    return abs(one @ other) > (1 - 1e-9) * np.linalg.norm(one) * np.linalg.norm(other)


EVERY_BATCH = Exercise(
    name="perceptron-8-3",
    title="All batches agree",
    ask="P <= N: fewer examples than inputs. Batch normalization (own batch, beta = 0, linear unit) has the loss "
    "mean((y - gamma z)^2) on a batch. Prove that one and the same direction minimizes it for every batch of every "
    "size "
    "and every gamma > 0, so that nothing pushes w away from there, and write best_direction(X, y), which returns "
    "such a w: "
    "N numbers, of any length.",
    arguments=lambda: _few(),
    shape=(20,),
    hints=(
        "Write the loss of a batch as mean(y^2) + gamma^2 - 2 gamma mean(y z). Only the last term depends on w.",
        "mean(y z) is the deviation of y over the batch times the correlation of y and the field. When is it largest?",
        "When the fields w.x are the targets, up to a positive factor and a constant. With P <= N there is a w with "
        "X w = y.",
    ),
    checks=(
        Check("it is not zero", lambda answer: np.linalg.norm(answer(*_few())) > 1e-9),
        Check("in sixty random batches of 3 to 8 examples fields and targets are perfectly correlated", _agreed),
        Check("with other data they are so, too", lambda answer: _agreed(answer, 6)),
    ),
    mistakes=(
        Mistake(
            "first step of descent",
            lambda answer: _same_direction(answer(*_few()), _few()[0].T @ _few()[1]),
            "X^T y is where descent goes first. It fits no batch exactly.",
        ),
        Mistake(
            "ridge",
            lambda answer: any(
                _same_direction(answer(*_few()), _solution(_few(), decay)) for decay in (0.01, 0.1, 0.25, 1.0)
            ),
            "Ridge gives up a part of the fit. Nothing in the loss of a batch asks for that.",
        ),
        Mistake(
            "sign",
            lambda answer: _batch_losses(-answer(*_few()), *_few()).max() < 1e-8,
            "Perfectly anticorrelated: with gamma > 0 this is the worst direction.",
        ),
    ),
)

EXERCISES = (LEAST_SQUARES, NO_RIDGE, EVERY_BATCH)
