r"""The training loss of a batch and its gradient by back-propagation, through every normalization.

Two things are constants in the gradient, on purpose: the drawn noise and dropout masks, and the coefficient of gamma
decay. All else is differentiated, the statistics of batch and population included.
"""

from dataclasses import dataclass

import numpy as np

from bnlib import checks
from bnlib.classifier.network import log_sum_exp
from bnlib.classifier.normalization import (
    FROM_ROWS,
    UNIT_WEIGHTS,
    Fixed,
    Rows,
    unit_columns,
    unit_columns_backward,
)


@dataclass(frozen=True)
class Noise:
    r"""Noise on normalized pre-activations like that of batches of `batch` rows, drawn for each unit and such a batch.

    :math:`\hat h \to (\hat h - \alpha\,\xi)/\sqrt{\chi^2_\nu/\nu}` with :math:`\xi\sim N(0, 1/M)`, M = `batch`,
    :math:`\nu = (M-1)/\alpha^2` and :math:`\alpha` = `strength`: at 1 the variances of mean and deviation are those of
    a Gaussian batch to first order in 1/M (B22's noise experiment, L19's priors). ValueError unless nu > 2: the factor
    has no finite variance below.
    """

    batch: int
    strength: float = 1.0

    def __post_init__(self):
        checks.whole("batch", self.batch, 2)
        checks.positive("strength", self.strength)
        if self.freedom <= 2:
            bound = ((self.batch - 1) / 2) ** 0.5
            raise ValueError(f"strength must be below {bound:.3g} for batch = {self.batch}; got {self.strength!r}")

    @property
    def freedom(self):
        """Degrees of freedom nu of the multiplied noise."""
        return (self.batch - 1) / self.strength**2

    def draw(self, seeds, rows, units, rng, dtype):
        """Shifts and factors (S, rows, units): hat -> (hat - shift) * factor."""
        groups = -(-rows // self.batch)
        shape = (seeds, groups, units)
        shift = self.strength * rng.standard_normal(shape) / np.sqrt(self.batch)
        factor = np.sqrt(self.freedom / rng.chisquare(self.freedom, shape))
        return [np.repeat(part, self.batch, axis=1)[:, :rows].astype(dtype) for part in (shift, factor)]


@dataclass(frozen=True)
class Extras:
    """What else happens in training.

    Attributes
    ----------
    statistics_batch : int or None
        Rows that share statistics (a ghost batch); None for all rows of the batch.
    gamma_decay : int or None
        M of L19's penalty: adds 2 zeta gamma to the gradient by gamma, with zeta from theorem 1 (see `decay`).
    noise : Noise or None
    dropout : float
        Share of hidden activations set to 0, the others divided by what is left; in [0, 1).
    learn_affine : bool
        Whether gamma and beta of the hidden layers learn.
    """

    statistics_batch: int | None = None
    gamma_decay: int | None = None
    noise: Noise | None = None
    dropout: float = 0.0
    learn_affine: bool = True

    def __post_init__(self):
        if self.statistics_batch is not None:
            checks.whole("statistics_batch", self.statistics_batch, 2)
        if self.gamma_decay is not None:
            checks.whole("gamma_decay", self.gamma_decay, 2)
        checks.between("dropout", self.dropout, 0, 1, "[)")


class Layer:
    """One hidden layer in training: its forward pass, with what the way back needs.

    The last `reference` rows of x only give statistics.
    """

    def __init__(self, network, index, x, reference, extras, rng):
        self.kind, self.x, self.reference, self.extras = network.normalization[index], x, reference, extras
        self.weight, self.length = network.weights[index], None
        if self.kind in UNIT_WEIGHTS:
            self.weight, self.length = unit_columns(network.weights[index])
        h = x @ self.weight
        if self.kind in FROM_ROWS:
            rows = reference if self.kind == "population" else 0
            self.statistics = Rows(h, *FROM_ROWS[self.kind], extras.statistics_batch or h.shape[1], rows)
        else:
            self.statistics = Fixed(h, *network.statistics[index])
        self.normal = noisy = self.statistics.forward()
        self.factor = self.kept = 1.0
        if extras.noise:
            shift, self.factor = _padded(extras.noise.draw(*_own(h, reference), rng, h.dtype), reference)
            noisy = (noisy - shift) * self.factor
        self.noisy, self.gain = noisy, network.gains[index]
        y = self.gain * noisy + network.biases[index]
        self.active = y > 0
        self.out = np.where(self.active, y, 0)
        if extras.dropout:
            self.kept = (rng.random(y.shape, dtype=np.float32) >= extras.dropout).astype(y.dtype) / (1 - extras.dropout)
            self.out = self.out * self.kept

    def backward(self, d):
        """Gradients by the inputs, the weights, the gain and beta, given the one by the outputs."""
        d = np.where(self.active, d * self.kept, 0)
        by_beta = d.sum(1, keepdims=True)
        by_gain = (d * self.noisy).sum(1, keepdims=True)
        if self.kind == "none" or not self.extras.learn_affine:
            by_gain = np.zeros_like(by_gain)
        if not self.extras.learn_affine:
            by_beta = np.zeros_like(by_beta)
        elif self.extras.gamma_decay and self.kind != "none":
            by_gain += 2 * self.decay(d) * self.gain
        d = self.statistics.backward(d * self.gain * self.factor)
        by_weight = self.x.swapaxes(1, 2) @ d
        if self.length is not None:
            by_weight = unit_columns_backward(by_weight, self.weight, self.length)
        return d @ self.weight.swapaxes(1, 2), by_weight, by_gain, by_beta

    def decay(self, d):
        r"""zeta (S, 1, D) of this batch: :math:`\frac{\rho+2}{8M}F_\gamma + \frac1{2M}F_\beta` (L19 theorem 1).

        F are mean squared gradients of a sample's loss by gamma and beta, and rho is the excess kurtosis.
        """
        rows = d.shape[1] - self.reference
        own, normal = d[:, :rows] * rows, self.normal[:, :rows]
        F_gamma, F_beta = ((own * normal) ** 2).mean(1, keepdims=True), (own**2).mean(1, keepdims=True)
        fourth = (normal**2).var(1, keepdims=True)  # rho + 2 for variables of mean 0 and variance 1
        return (fourth / 8 * F_gamma + F_beta / 2) / self.extras.gamma_decay


def _own(h, reference):
    return h.shape[0], h.shape[1] - reference, h.shape[2]


def _padded(parts, reference):
    """Shifts with zeros and factors with ones for the reference rows, which get no noise."""
    edges = [(0, 0), (0, reference), (0, 0)]
    return [np.pad(part, edges, constant_values=value) for part, value in zip(parts, (0.0, 1.0))]


def loss_gradient(network, x, labels, *, extras=None, reference=None, rng=None):
    """Mean cross-entropy of a batch in training mode, and its gradient.

    Parameters
    ----------
    network : Network
    x : array (S, B, D)
    labels : int array (S, B)
    extras : Extras, optional
    reference : array (S, P, D), optional
        Rows whose statistics the "population" layers use, the whole training set as a rule; needed by these alone.
    rng : numpy.random.Generator, optional
        For noise and dropout.

    Returns
    -------
    loss : array (S,)
    gradient : dict
        ``"weights"``, ``"biases"``, ``"gains"``: lists of arrays like the network's own.
    """
    extras = extras or Extras()
    rows, count = x.shape[1], 0
    if reference is not None:
        count, x = reference.shape[1], np.concatenate([x, reference], axis=1)
    layers, a = [], x
    for index in range(network.depth):
        layers.append(Layer(network, index, a, count, extras, rng))
        a = layers[-1].out
    a_rows = a[:, :rows]
    logits = a_rows @ network.weights[-1] + network.biases[-1]
    right = np.take_along_axis(logits, labels[..., None], 2)[..., 0]
    top = log_sum_exp(logits)
    d = np.exp(logits - top[..., None])
    np.put_along_axis(d, labels[..., None], np.take_along_axis(d, labels[..., None], 2) - 1, 2)
    d /= rows
    gradient = {"weights": [a_rows.swapaxes(1, 2) @ d], "biases": [d.sum(1, keepdims=True)], "gains": []}
    d = d @ network.weights[-1].swapaxes(1, 2)
    if count:
        d = np.concatenate([d, np.zeros((d.shape[0], count, d.shape[2]), d.dtype)], axis=1)
    for layer in reversed(layers):
        d, by_weight, by_gain, by_beta = layer.backward(d)
        for name, part in (("weights", by_weight), ("gains", by_gain), ("biases", by_beta)):
            gradient[name].insert(0, part)
    return (top - right).mean(1), gradient
