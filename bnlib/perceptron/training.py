r"""One unit learns online from a teacher by stochastic gradient descent: on the weights, or on its overlaps alone.

Inputs have Gaussian components of variance 1/N, the teacher has |w*|^2 = N, and each example is used once.
"""

import math

import numpy as np

from bnlib import checks
from bnlib.perceptron.averages import ACTIVATIONS, activation_and_slope
from bnlib.perceptron.dynamics import CEILING, _start, not_negative

NORMALIZATIONS = ("none", "weight", "batch")
PARTS = {"none": ("Q", "R"), "weight": ("gamma", "R", "L"), "batch": ("gamma", "R", "L")}


def train(
    start,
    dimension,
    steps,
    *,
    activation,
    normalization,
    learning_rate,
    zeta=0.0,
    batch_size=1,
    literal_gain=False,
    replicas=1,
    record_every=1,
    rng,
):
    r"""Stochastic gradient descent on N weights, each batch new: the process whose limit the flows describe.

    With weight normalization these are L19's updates (5),

        w += eta delta (gamma x / L - (w~.x / |w|^2) w),   gamma += (eta / N) (delta w.x / L - zeta gamma),

    the step of gamma divided by N, without which gamma has no flow: it walks at random. Batch normalization is the
    exact gradient through the mean and the deviation of the batch.

    Parameters
    ----------
    start : (gamma, R, L), or (Q, R) without normalization
    dimension : int
        N >= 2.
    steps : int
        Batches seen; time is steps / N.
    activation : {"relu", "erf", "identity"}
    normalization : {"none", "weight", "batch"}
    learning_rate : float
    zeta : float
        Gamma decay, for "weight" and "batch".
    batch_size : int
        M; at least 2 with batch normalization.
    literal_gain : bool
        Take (5) as printed, without the 1/N in the step of gamma.
    replicas : int
        Independent runs from the same start.
    record_every : int
        Steps between recorded states.
    rng : numpy.random.Generator

    Returns
    -------
    array (replicas, 1 + steps // record_every, 3 or 2)
        The states, that at time 0 first.

    Raises
    ------
    ValueError
        For arguments out of range.

    Notes
    -----
    A step costs some 20 us and 20 ns for each of the replicas * batch_size * N numbers of its inputs.

    >>> run = train((0.7, 0.3, 1.0), 100, 200, activation="relu", normalization="weight", learning_rate=1.0,
    ...             record_every=100, rng=np.random.default_rng(0))
    >>> run.shape
    (1, 3, 3)
    """
    state, eta, zeta, steps, every = _arguments(
        start, dimension, steps, activation, normalization, learning_rate, zeta, record_every, rng
    )
    M = checks.whole("batch_size", batch_size, 2 if normalization == "batch" else 1)
    unit = _Unit(state, dimension, checks.whole("replicas", replicas, 1), normalization, activation)
    states = [unit.state()]
    for step in range(1, steps + 1):
        x = rng.standard_normal((unit.replicas, M, dimension)) / math.sqrt(dimension)
        unit.step(x, eta, zeta, eta if literal_gain else eta / dimension)
        if step % every == 0:
            states.append(unit.state())
    return np.stack(states, axis=1)


class _Unit:
    """Weights w (replicas, N) and gains (replicas,) of students, and the teacher e_1 sqrt N."""

    def __init__(self, state, dimension, replicas, normalization, activation):
        length, R = (state[0] if normalization == "none" else state[2]), state[1]
        self.normalization, self.replicas = normalization, replicas
        self.g, self.slope = activation_and_slope(activation)
        self.w = np.zeros((replicas, dimension))
        self.w[:, 0], self.w[:, 1] = R * length, math.sqrt(1 - R**2) * length
        self.w *= math.sqrt(dimension)
        self.root = math.sqrt(dimension)
        self.gain = np.full(replicas, state[0])

    def step(self, x, eta, zeta, eta_gain):
        """One step on the inputs x (replicas, M, N)."""
        h = np.einsum("rmn,rn->rm", x, self.w)
        target, gain = self.g(self.root * x[:, :, 0]), self.gain[:, None]
        if self.normalization == "none":
            delta = self.slope(h) * (target - self.g(h))
            self.w += eta / h.shape[1] * np.einsum("rm,rmn->rn", delta, x)
            return
        if self.normalization == "weight":
            scale = np.sqrt((self.w**2).mean(axis=1, keepdims=True))
            z = h / scale
        else:
            scale = h.std(axis=1, keepdims=True)
            z = (h - h.mean(axis=1, keepdims=True)) / scale
        delta = self.slope(gain * z) * (target - self.g(gain * z))
        along = (delta * z).mean(axis=1)
        if self.normalization == "weight":
            pull = np.einsum("rm,rmn->rn", delta / h.shape[1], x)
            pull -= self.w * ((self.w * pull).sum(axis=1) / (self.w**2).sum(axis=1))[:, None]
        else:
            error = delta - delta.mean(axis=1, keepdims=True) - z * along[:, None]
            pull = np.einsum("rm,rmn->rn", error / h.shape[1], x)
        self.w += eta * gain / scale * pull
        self.gain = self.gain + eta_gain * (along - zeta * self.gain)

    def state(self):
        """(replicas, 3 or 2)."""
        length = np.sqrt((self.w**2).mean(axis=1))
        R = self.w[:, 0] / (self.root * length)
        parts = [length, R] if self.normalization == "none" else [self.gain, R, length]
        return np.stack(parts, axis=1)


def train_overlaps(
    start,
    dimension,
    steps,
    *,
    activation,
    normalization,
    learning_rate,
    zeta=0.0,
    literal_gain=False,
    record_every=1,
    rng,
):
    r"""The same process on the order parameters alone, one example a step: exact in law at every N.

    An example enters through two Gaussian numbers and |x|^2 through a chi-squared one, so that the cost of a step, some
    3 us, does not depend on N.

    Parameters
    ----------
    start, dimension, steps, activation, learning_rate, zeta, literal_gain, record_every, rng
        As in `train`; `dimension` is at least 3.
    normalization : {"none", "weight"}

    Returns
    -------
    array (1 + steps // record_every, 3 or 2)
        The states. Without normalization a student that passes Q = 10^6 has run away: Q is infinite from then on.

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> train_overlaps((0.7, 0.3, 1.0), 1000, 10_000, activation="relu", normalization="weight", learning_rate=1.0,
    ...                record_every=5000, rng=np.random.default_rng(0)).round(2)
    array([[0.7 , 0.3 , 1.  ],
           [0.74, 0.8 , 1.16],
           [0.92, 0.97, 1.23]])
    """
    checks.one_of("normalization", normalization, ("none", "weight"))
    checks.whole("dimension", dimension, 3)
    state, eta, zeta, steps, every = _arguments(
        start, dimension, steps, activation, normalization, learning_rate, zeta, record_every, rng
    )
    fields = rng.standard_normal((2, steps))
    rest = rng.chisquare(dimension - 2, steps) / dimension
    draws = zip(*fields.tolist(), rest.tolist())
    eta_gain = eta if literal_gain else eta / dimension
    walk = _plain_walk if normalization == "none" else _weight_walk
    return np.array(walk(state, draws, dimension, _error_of(activation), eta, zeta, eta_gain, every))


def _weight_walk(state, draws, N, error, eta, zeta, eta_gain, every):
    gamma, R, L = state
    states = [state]
    for step, (u, b, rest) in enumerate(draws, 1):
        t = R * u + math.sqrt(max(0.0, 1 - R * R)) * b
        delta = error(gamma * u, t)
        across = eta * delta * gamma / L
        overlap = R * L + across * (t - R * u) / N
        L = math.sqrt(L * L + across * across * (b * b / N + rest) / N)
        R = max(-1.0, min(1.0, overlap / L))
        gamma += eta_gain * (delta * u - zeta * gamma)
        if step % every == 0:
            states.append([gamma, R, L])
    return states


def _plain_walk(state, draws, N, error, eta, zeta, eta_gain, every):
    Q, R = state
    states = [state]
    for step, (u, b, rest) in enumerate(draws, 1):
        if Q < CEILING:
            t = R * u + math.sqrt(max(0.0, 1 - R * R)) * b
            move = eta * error(Q * u, t)
            overlap = R * Q + move * t / N
            Q = math.sqrt(Q * Q + 2 * move * Q * u / N + move * move * ((u * u + b * b) / N + rest) / N)
            R = max(-1.0, min(1.0, overlap / Q))
        if step % every == 0:
            states.append([Q if Q < CEILING else math.inf, R])
    return states


def _error_of(activation):
    """delta = g'(s) (g(t) - g(s)) of two numbers."""
    if activation == "relu":
        return lambda s, t: (t if t > 0 else 0.0) - s if s > 0 else 0.0
    if activation == "identity":
        return lambda s, t: t - s
    half, front = math.sqrt(0.5), math.sqrt(2 / math.pi)
    return lambda s, t: front * math.exp(-s * s / 2) * (math.erf(half * t) - math.erf(half * s))


def _arguments(start, dimension, steps, activation, normalization, learning_rate, zeta, record_every, rng):
    """What both ways of training ask of their arguments."""
    checks.one_of("activation", activation, ACTIVATIONS)
    checks.one_of("normalization", normalization, NORMALIZATIONS)
    checks.whole("dimension", dimension, 2)
    checks.generator("rng", rng)
    zeta = not_negative("zeta", zeta)
    if zeta and normalization == "none":
        raise ValueError(f"zeta must be 0 without normalization, for there is no gamma; got {zeta!r}")
    state = _start("start", start, PARTS[normalization])
    eta = checks.positive("learning_rate", learning_rate)
    return state, eta, zeta, checks.whole("steps", steps, 1), checks.whole("record_every", record_every, 1)
