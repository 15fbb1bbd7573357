r"""Experiments at finite size: a linear student sees P = alpha N examples of a noisy linear teacher many times.

Least squares and ridge by linear algebra, and gradient descent on batches with a training-time axis. The functions take
what `bnlib.sweep.sweep` hands out: numbers and a generator.
"""

import math

import numpy as np
from scipy.linalg import solve as cholesky_solve

from bnlib import checks
from bnlib.perceptron.dynamics import not_negative
from bnlib.perceptron.statistics import gaussian_mean_inverse_sigma, gaussian_mean_inverse_square_sigma

NORMALIZATIONS = ("none", "weight", "batch", "batch-independent")


def draw_problem(load, noise_variance, dimension, rng, replicas=1):
    """Inputs X (replicas, P, N), noisy targets y (replicas, P) and teachers (replicas, N).

    P is alpha N rounded; inputs have variance 1/N, teachers |w*|^2 = N on average.

    >>> X, y, teacher = draw_problem(0.5, 0.25, 100, np.random.default_rng(0))
    >>> X.shape, y.shape, teacher.shape
    ((1, 50, 100), (1, 50), (1, 100))
    """
    alpha, noise = checks.positive("load", load), not_negative("noise_variance", noise_variance)
    N, r = checks.whole("dimension", dimension, 2), checks.whole("replicas", replicas, 1)
    P = max(2, round(alpha * N))
    checks.generator("rng", rng)
    X = rng.standard_normal((r, P, N)) / math.sqrt(N)
    teacher = rng.standard_normal((r, N))
    y = np.einsum("rpn,rn->rp", X, teacher) + math.sqrt(noise) * rng.standard_normal((r, P))
    return X, y, teacher


def ridge_experiment(load, noise_variance, decays, dimension, rng):
    r"""Ridge regression, and least squares of least norm at decay 0, on one random data set.

    Parameters
    ----------
    load, noise_variance : floats
    decays : list of floats
        lambda >= 0 of (X^T X + lambda).
    dimension : int
        N.
    rng : numpy.random.Generator

    Returns
    -------
    dict
        "error" and "training" (len(decays),): |u - w*|^2 / N, and the mean squared error on the P examples.

    Raises
    ------
    ValueError
        For arguments out of range.

    Notes
    -----
    O(N P min(N, P)) for all decays together and O(min(N, P)^3) for each.

    >>> run = ridge_experiment(0.5, 0.25, [0.0, 0.25], 400, np.random.default_rng(0))
    >>> run["training"][0] < 1e-20  # least squares interpolates
    np.True_
    """
    X, y, teacher = (part[0] for part in draw_problem(load, noise_variance, dimension, rng))
    decays = checks.array("decays", decays, ("decays",))
    if (decays < 0).any():
        raise ValueError(f"decays must be >= 0; got {decays!r}")
    wide = X.shape[0] <= X.shape[1]
    gram = X @ X.T if wide else X.T @ X
    errors, training = [], []
    for decay in decays:
        if decay == 0 and X.shape[0] == X.shape[1]:
            u = np.linalg.solve(X, y)  # the Gram matrix would square the condition number
        else:
            inner = cholesky_solve(gram + decay * np.eye(len(gram)), y if wide else X.T @ y, assume_a="pos")
            u = X.T @ inner if wide else inner
        errors.append(np.mean((u - teacher) ** 2))
        training.append(np.mean((y - X @ u) ** 2))
    return {"error": np.array(errors), "training": np.array(training)}


def independent_batch_solution(X, y, batch_size):
    r"""Where batch normalization ends if its statistics come from independent batches of the population: ridge.

    The minimum over gamma w of the loss averaged over those batches,
    (a1 / b2) (X^T X + (alpha / M) I)^-1 X^T y with a1 = <sigma_P / sigma_B> and b2 = M / (M - 3), evaluated with the
    population's statistics. Infinite moments exclude M <= 3. X (P, N) with population covariance I / N.

    >>> X, y, _ = draw_problem(1.0, 0.25, 50, np.random.default_rng(0))
    >>> independent_batch_solution(X[0], y[0], 16).shape
    (50,)
    """
    M = checks.whole("batch_size", batch_size, 4)
    P, N = X.shape
    scale = gaussian_mean_inverse_sigma(M) / gaussian_mean_inverse_square_sigma(M)
    return scale * np.linalg.solve(X.T @ X + P / (N * M) * np.eye(N), X.T @ y)


def descent_experiment(
    load,
    noise_variance,
    dimension,
    batch_size,
    times,
    normalization,
    learning_rate,
    rng,
    zeta=0.0,
    replicas=1,
    start_length=1.0,
):
    r"""Gradient descent on batches of a fixed data set, pass after pass, with errors along the way.

    The loss is (1/2) mean (y - output)^2 + (1/2) zeta gamma^2. "none": output w.x, from w = 0. Otherwise the output is
    gamma z, z the field w.x divided by its length ("weight"), or normalized by mean and deviation of its own batch
    ("batch") or of a new batch drawn from the population at each step ("batch-independent"), with the whole gradient
    through both; from gamma = 1 and w at random.

    Parameters
    ----------
    load, noise_variance : floats
    dimension, batch_size : ints
        N and M <= P; what is left of a pass after its last whole batch is dropped.
    times : list of floats
        Where to report, in learning rate * steps / N, increasing.
    normalization : {"none", "weight", "batch", "batch-independent"}
    learning_rate : float
        eta; the step of gamma is eta / N.
    rng : numpy.random.Generator
    zeta : float
        Gamma decay.
    replicas : int
        Data sets, each with its own run; the order of the examples is common.
    start_length : float
        L = |w| / sqrt N at the start of a normalized student, > 0. What of w is across all inputs stays as it is, so
        that for alpha < 1 the start matters: a short one is drowned by the first, long steps.

    Returns
    -------
    dict
        "training statistics" and "population statistics" (replicas, times): the generalization error |u - w*|^2 / N
        (plus the squared mean that is subtracted) when evaluated with either; "training" (replicas, times), the error
        on the training set with its own statistics; "least squares" and "ridge" (replicas,): the errors of the
        least-norm solution and of ridge with lambda = alpha / 2M on the same data.

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> run = descent_experiment(1.0, 0.25, 30, 10, [1.0, 5.0], "batch", 1.0, np.random.default_rng(0))
    >>> run["training statistics"].shape
    (1, 2)
    """
    checks.one_of("normalization", normalization, NORMALIZATIONS)
    times = checks.increasing("times", times)
    eta, zeta = checks.positive("learning_rate", learning_rate), not_negative("zeta", zeta)
    X, y, teacher = draw_problem(load, noise_variance, dimension, rng, replicas)
    M, P = checks.whole("batch_size", batch_size, 2), X.shape[1]
    if M > P:
        raise ValueError(f"batch_size must be at most the number of examples, {P}; got {batch_size!r}")
    if normalization == "batch-independent" and M < 4:
        raise ValueError(f"batch_size must be >= 4 with independent batches; got {batch_size!r}")
    student = _Student(X.shape, normalization, eta, zeta, rng)
    student.w *= checks.positive("start_length", start_length)
    report = np.round(times * dimension / eta).astype(int)
    found, step = [], 0
    order, place = rng.permutation(P), 0
    for goal in report:
        while step < goal:
            if place + M > P:
                order, place = rng.permutation(P), 0
            batch = order[place : place + M]
            student.step(X[:, batch], y[:, batch], rng)
            step, place = step + 1, place + M
        found.append(student.errors(X, y, teacher))
    names = ("training statistics", "population statistics", "training")
    result = {name: np.stack([one[k] for one in found], axis=1) for k, name in enumerate(names)}
    decay = P / (2 * M * dimension)
    return result | {
        "least squares": np.array([np.mean((solve(a, b, 0.0) - c) ** 2) for a, b, c in zip(X, y, teacher)]),
        "ridge": np.array([np.mean((solve(a, b, decay) - c) ** 2) for a, b, c in zip(X, y, teacher)]),
    }


def solve(X, y, decay):
    """The ridge solution (N,) of X (P, N), y (P,); of least norm at decay 0.

    >>> solve(np.array([[2.0, 0.0]]), np.array([1.0]), 0.0)
    array([0.5, 0. ])
    """
    if decay == 0:
        if X.shape[0] == X.shape[1]:
            return np.linalg.solve(X, y)
        return np.linalg.lstsq(X, y, rcond=None)[0]
    return X.T @ np.linalg.solve(X @ X.T + decay * np.eye(len(X)), y)


class _Student:
    """Weights (replicas, N) and gains (replicas,) of linear students, and one step of each learning rule."""

    def __init__(self, shape, normalization, eta, zeta, rng):
        r, _, self.N = shape
        self.rule, self.eta, self.zeta = normalization, eta, zeta
        self.w = np.zeros((r, self.N)) if normalization == "none" else rng.standard_normal((r, self.N))
        self.gain = np.ones(r)

    def step(self, x, y, rng):
        """One batch x (replicas, M, N), y (replicas, M)."""
        h = _fields(x, self.w)
        if self.rule == "none":
            self.w += self.eta * _mean(y - h, x)
            return
        if self.rule == "weight":
            scale = np.sqrt((self.w**2).mean(axis=1))
            z = h / scale[:, None]
            delta = y - self.gain[:, None] * z
            pull = _mean(delta, x)
            pull -= self.w * ((self.w * pull).sum(axis=1) / (self.w**2).sum(axis=1))[:, None]
        else:
            own = self.rule == "batch"
            other = x if own else rng.standard_normal(x.shape) / math.sqrt(self.N)
            field = h if own else _fields(other, self.w)
            mean, scale = field.mean(axis=1), field.std(axis=1)
            z, z_other = ((a - mean[:, None]) / scale[:, None] for a in (h, field))
            delta = y - self.gain[:, None] * z
            through = delta.mean(axis=1)[:, None] + (delta * z).mean(axis=1)[:, None] * z_other
            pull = _mean(delta - through, x) if own else _mean(delta, x) - _mean(through, other)
        along = (delta * z).mean(axis=1)
        self.w += (self.eta * self.gain / scale)[:, None] * pull
        self.gain = self.gain + self.eta / self.N * (along - self.zeta * self.gain)

    def errors(self, X, y, teacher):
        """Errors (replicas,) with the training set's and the population's statistics, and on the training set."""
        if self.rule == "none":
            error = ((self.w - teacher) ** 2).mean(axis=1)
            return error, error, ((y - _fields(X, self.w)) ** 2).mean(axis=1)
        h, length = _fields(X, self.w), np.sqrt((self.w**2).mean(axis=1))
        batch = self.rule.startswith("batch")
        mean, scale = (h.mean(axis=1), h.std(axis=1)) if batch else (0.0 * length, length)
        training = ((y - self.gain[:, None] * (h - mean[:, None]) / scale[:, None]) ** 2).mean(axis=1)
        own, population = self.gain / scale, self.gain / length
        with_own = ((own[:, None] * self.w - teacher) ** 2).mean(axis=1) + (own * mean) ** 2
        return with_own, ((population[:, None] * self.w - teacher) ** 2).mean(axis=1), training


def _fields(x, w):
    """w.x (replicas, M) of x (replicas, M, N)."""
    return np.matmul(x, w[:, :, None])[:, :, 0]


def _mean(e, x):
    """The mean over the batch of e x: (replicas, N)."""
    return np.matmul(e[:, None, :], x)[:, 0] / x.shape[1]
