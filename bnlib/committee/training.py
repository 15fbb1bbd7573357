r"""Stochastic gradient descent on the weights, and the same process on the overlaps alone.

A step draws b fresh inputs and moves every student by :math:`\Delta J_i = \frac{\eta}{Nb}\sum_u c_i^u\,\xi^u`. Both
trainings share :func:`backpropagate`, which turns a batch of fields into the coefficients c; they differ in where the
fields come from. Time is steps / N.
"""

import warnings

import numpy as np

from bnlib import checks
from bnlib.committee.gaussian import phi, phi_slope
from bnlib.committee.order_parameters import OrderParameters, Trajectory, check_gain, error_of, output_signs
from bnlib.committee.overlap_walk import OverlapWalk


def train(
    student,
    teacher,
    steps,
    *,
    normalization,
    batch_size,
    learning_rate=1.0,
    input_variance=1.0,
    gain=None,
    center=True,
    scale=True,
    student_output=None,
    teacher_output=None,
    record_every=1,
    rng,
    progress=False,
):
    r"""Online stochastic gradient descent on the weights of a student network.

    T19 eqs (4)-(5) and T20 eqs (2)-(3) with the statistics of the actual mini-batch, for Gaussian inputs. With
    "batch" the gradient is the whole one of the batch's mean loss, through the batch's mean and standard deviation;
    with "batch-stop-gradient" the standard deviation is held constant in the gradient, as in the papers.

    Parameters
    ----------
    student : array (K, N)
        Weights J at the start.
    teacher : array (M, N)
        Weights B, which stay as they are.
    steps : int
        Number of steps; each takes `batch_size` fresh inputs, N components of variance `input_variance`.
    normalization : {"none", "batch", "batch-stop-gradient"}
    batch_size : int
        b >= 1; at least 2 with batch normalization, 3 if it both centers and scales (else nothing is left of a batch).
    learning_rate : float
        eta; a step is eta / N times the gradient of the batch's mean loss.
    input_variance : float
        tau = sigma^2.
    gain : array (K,), optional
        Gains g at the start, exactly if `normalization` is not "none".
    center, scale : bool
        Subtract the batch mean; divide by the batch's root mean square (about that mean). The papers leave out the
        first. Without `scale` a unit sees g_i times its (centered) field.
    student_output, teacher_output : arrays (K, O) and (M, O), optional
        Output weights w and v, which stay as they are; ones if left out.
    record_every : int
        Steps from one record to the next; the start is recorded, too.
    rng : numpy.random.Generator
    progress : bool
        Show a progress bar.

    Returns
    -------
    Trajectory
        With Q (times, K, K), R (times, K, M), gain (times, K) or None, error (times,): the generalization error with
        the population's statistics, as at test time. Interrupted from the keyboard, it warns and returns what is
        recorded.

    Raises
    ------
    ValueError
        For arguments out of range.

    Notes
    -----
    A step costs O(b N (K + M)), mostly random numbers: about 1 ms at N = 1000, b = 100. `train_overlaps` is the same
    process at a cost that does not depend on N.

    >>> rng = np.random.default_rng(0)
    >>> J, B = rng.standard_normal((2, 2, 50)) / 50**0.5
    >>> run = train(J, B, 100, normalization="none", batch_size=10, record_every=50, rng=rng)
    >>> run.times
    array([0., 1., 2.])
    """
    J = checks.array("student", student, ("K", "N")).copy()
    B = checks.array("teacher", teacher, ("M", "N"), N=J.shape[1])
    start = OrderParameters.from_weights(J, B, gain)
    rule = Rule(
        start, normalization, batch_size, learning_rate, input_variance, center, scale, student_output, teacher_output
    )
    rng = checks.generator("rng", rng)
    N = J.shape[1]
    g = None if start.gain is None else start.gain.copy()
    sigma = np.sqrt(rule.tau)

    def step():
        X = sigma * rng.standard_normal((rule.b, N))
        c, dg = rule.backpropagate(X @ J.T, X @ B.T, g)
        np.add(J, rule.eta / (N * rule.b) * (c.T @ X), out=J)
        if g is not None:
            np.add(g, rule.eta / N * dg, out=g)

    def state():
        return J @ J.T, J @ B.T, None if g is None else g.copy()

    return _follow(step, state, steps, record_every, N, start.T, rule, progress)


def train_overlaps(
    start,
    dimension,
    steps,
    *,
    normalization,
    batch_size,
    learning_rate=1.0,
    input_variance=1.0,
    center=True,
    scale=True,
    student_output=None,
    teacher_output=None,
    replicas=1,
    record_every=1,
    rng,
    progress=False,
):
    r"""The same process as :func:`train` on the overlaps alone: equal in law for Gaussian inputs, at every finite N.

    For Gaussian inputs the overlaps of students and teachers are a Markov chain of their own: what a batch does to
    them depends on the inputs inside the span of the weights, K + M numbers an input, and outside it only on the
    Wishart matrix of the part of the step that leaves the span.

    Parameters
    ----------
    start : OrderParameters
        The state at time 0, with gains exactly if `normalization` is not "none". All replicas start there.
    dimension : int
        N >= K + M, the number of inputs.
    replicas : int
        Independent runs, advanced side by side.
    steps, normalization, batch_size, learning_rate, input_variance, center, scale, student_output, teacher_output,
    record_every, rng, progress
        As in :func:`train`.

    Returns
    -------
    Trajectory
        With Q (replicas, times, K, K), R (replicas, times, K, M), gain (replicas, times, K) or None, error
        (replicas, times).

    Raises
    ------
    ValueError
        For arguments out of range.

    Notes
    -----
    A step costs O(b (K + M)^2) a replica, whatever N is. A student that has learned the teacher perfectly, collinear
    students and repeated teachers are no special cases: the chain carries a factor of the overlaps, not the overlaps.

    >>> start = OrderParameters(Q=[[0.5]], R=[[0.1]], T=[[1.0]])
    >>> rng = np.random.default_rng(0)
    >>> run = train_overlaps(start, 10**6, 20, normalization="none", batch_size=10, replicas=3, rng=rng)
    >>> run.R.shape
    (3, 21, 1, 1)
    """
    rule = Rule(
        start, normalization, batch_size, learning_rate, input_variance, center, scale, student_output, teacher_output
    )
    walk = OverlapWalk(
        start, checks.whole("dimension", dimension, start.K + start.M), checks.whole("replicas", replicas, 1), rule
    )
    rng = checks.generator("rng", rng)
    return _follow(lambda: walk.step(rng), walk.state, steps, record_every, walk.N, start.T, rule, progress)


class Rule:
    """The learning rule: checked settings, and the coefficients of a step from a batch of fields."""

    def __init__(
        self,
        start,
        normalization,
        batch_size,
        learning_rate,
        input_variance,
        center,
        scale,
        student_output,
        teacher_output,
    ):
        check_gain(normalization, start.gain, start.Q)
        self.normalization, self.center, self.scale = normalization, bool(center), bool(scale)
        smallest = 1 if normalization == "none" else 1 + self.center + self.scale
        self.b = checks.whole("batch_size", batch_size, smallest)
        self.eta = checks.positive("learning_rate", learning_rate)
        self.tau = checks.positive("input_variance", input_variance)
        self.c = output_signs(start.K, start.M, student_output, teacher_output)
        self.w = -self.c[: start.K]

    def backpropagate(self, x, y, gain):
        """Coefficients c (..., b, K) of the step (eta / N b) sum_u c^u xi^u, and the mean gain gradient (..., K) or
        None.

        `x` (..., b, K) are the students' raw fields, `y` (..., b, M) the teachers'. -c / b is the gradient of the
        batch's mean loss with respect to x.
        """
        if self.normalization == "none":
            return self._errors(x, y), None
        seen = x - x.mean(axis=-2, keepdims=True) if self.center else x
        deviation = np.sqrt(self._batch_mean(seen, seen)) if self.scale else 1.0
        unit = seen / deviation
        e = self._errors(unit * gain[..., None, :], y)
        along = self._batch_mean(e, unit)
        if self.scale and self.normalization == "batch":  # the gradient through the standard deviation
            e = e - unit * along
        if self.center:
            e = e - e.mean(axis=-2, keepdims=True)
        return e * (gain[..., None, :] / deviation), along[..., 0, :]

    def _batch_mean(self, a, b):
        """The mean of a product over the batch, (..., 1, K)."""
        return np.einsum("...uk,...uk->...k", a, b)[..., None, :] / self.b

    def _errors(self, h, y):
        """Back-propagated errors e_i = (w_i . delta) phi'(h_i), (..., b, K)."""
        K = h.shape[-1]
        delta = phi(h) @ self.c[:K] + phi(y) @ self.c[K:]
        return (delta @ self.w.T) * phi_slope(h)


def _counted(steps, progress):
    """The steps, with a bar on request; tqdm is imported only then, as the browser's Python does without it."""
    if not progress:
        return steps
    from tqdm import tqdm

    return tqdm(steps, unit="step")


def _follow(step, state, steps, record_every, N, T, rule, progress):
    """Run `steps` steps and return the Trajectory."""
    times, Q, R, gain = recorded(step, state, steps, record_every, N, progress)
    return Trajectory(times, Q, R, T, gain, error_of(Q, R, T, gain, rule.tau, rule.c))


def recorded(step, state, steps, record_every, N, progress):
    """Run `steps` steps, record `state()` now and every `record_every` steps: times, and Q, R and gain with an axis of
    times."""
    steps, record_every = checks.whole("steps", steps, 0), checks.whole("record_every", record_every, 1)
    records = [state()]
    try:
        for done in _counted(range(1, steps + 1), progress):
            step()
            if done % record_every == 0:
                records.append(state())
    except KeyboardInterrupt:
        warnings.warn(f"interrupted: {len(records)} of {steps // record_every + 1} records are kept", stacklevel=4)
    Q, R, gain = (
        None if parts[0] is None else np.stack(parts, axis=parts[0].ndim - rank)
        for parts, rank in zip(zip(*records), (2, 2, 1))
    )
    return np.arange(len(records)) * (record_every / N), Q, R, gain
