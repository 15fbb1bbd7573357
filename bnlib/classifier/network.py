r"""Fully connected ReLU networks for classification, one a seed, with one switch for the normalization.

A hidden layer is :math:`a_{l+1} = \mathrm{ReLU}(\gamma_l\,\hat h_l + \beta_l)` with :math:`h_l = a_l W_l` and
:math:`\hat h_l` its normalization; the last layer is affine, and the loss is the mean cross-entropy.
"""

from dataclasses import dataclass, replace

import numpy as np

from bnlib import checks
from bnlib.classifier.normalization import (
    FROM_ROWS,
    FROZEN,
    NORMALIZATIONS,
    UNIT_WEIGHTS,
    Fixed,
    population,
    unit_columns,
)


@dataclass(frozen=True)
class Network:
    """S networks of the same widths.

    Attributes
    ----------
    weights : list of arrays (S, D_l, D_{l+1})
    biases : list of arrays (S, 1, D_{l+1})
        beta of the hidden layers, and the bias of the last one.
    gains : list of arrays (S, 1, D_{l+1})
        gamma of the hidden layers.
    normalization : tuple of str
        One name of `NORMALIZATIONS` for each hidden layer.
    statistics : list of pairs of arrays (S, 1, D_{l+1})
        Mean and deviation of each hidden layer that are used at test time, and always by the frozen kinds.
    """

    weights: list
    biases: list
    gains: list
    normalization: tuple
    statistics: list

    @property
    def depth(self):
        """Number of hidden layers."""
        return len(self.gains)

    def weight(self, layer):
        """The weights of a layer as they act: with unit columns under weight normalization."""
        if layer < self.depth and self.normalization[layer] in UNIT_WEIGHTS:
            return unit_columns(self.weights[layer])[0]
        return self.weights[layer]

    def logits(self, x):
        """Outputs (S, B, classes) at test time, with the stored statistics, for inputs (S, B, D)."""
        return self.hidden(x)[-1] @ self.weights[-1] + self.biases[-1]

    def preactivations(self, x):
        """What each hidden layer's ReLU gets at test time, a list of arrays (S, B, D_l)."""
        found = []
        for layer in range(self.depth):
            h = x @ self.weight(layer)
            h = Fixed(h, *self.statistics[layer]).forward() * self.gains[layer] + self.biases[layer]
            found.append(h)
            x = np.maximum(h, 0)
        return found

    def hidden(self, x):
        """Inputs and hidden activations at test time, a list of arrays (S, B, D_l)."""
        return [x, *(np.maximum(h, 0) for h in self.preactivations(x))]

    def with_statistics(self, x, frozen=False):
        """The networks with test-time statistics of all rows of x (S, N, D), layer after layer.

        Frozen layers keep theirs, unless `frozen` asks for new ones.
        """
        statistics = []
        for layer, kind in enumerate(self.normalization):
            h = x @ self.weight(layer)
            if kind in FROM_ROWS or (frozen and kind in FROZEN):
                statistics.append(population(h, kind))
            else:
                statistics.append(self.statistics[layer])
            h = Fixed(h, *statistics[layer]).forward() * self.gains[layer] + self.biases[layer]
            x = np.maximum(h, 0)
        return replace(self, statistics=statistics)

    def folded(self):
        """The same functions at test time without any normalization: W gamma / sigma and beta - gamma mu / sigma."""
        weights, biases = list(self.weights), list(self.biases)
        for layer, (mean, deviation) in enumerate(self.statistics):
            factor = self.gains[layer] / deviation
            weights[layer] = self.weight(layer) * factor
            biases[layer] = self.biases[layer] - mean * factor
        ones = [np.ones_like(gain) for gain in self.gains]
        return Network(weights, biases, ones, ("none",) * self.depth, _no_statistics(ones))


def random_network(widths, seeds, rng, *, normalization="batch", x=None, weights="he", bias=0.0, dtype=np.float32):
    """Networks with random weights and unit gains.

    Parameters
    ----------
    widths : sequence of int
        Inputs, hidden layers, classes.
    seeds : int
        S.
    rng : numpy.random.Generator
    normalization : str, or one for each hidden layer
        Names of `NORMALIZATIONS`: ``"none"``; ``"batch"``; ``"population"`` (statistics of the whole training set, with
        the gradient through them); ``"weight"``; ``"mean-only"`` (weight normalization and the batch mean);
        ``"variance-only"`` (the batch deviation, no mean); ``"frozen"``, ``"frozen-mean"``, ``"frozen-deviation"``
        (statistics of the training set before the first step, held from then on; the last two hold one of them).
    x : array (S, N, D), optional
        Training inputs, needed by frozen and weight-normalized layers: the former take their statistics from them, the
        latter the gains and shifts with which every layer starts with normalized pre-activations.
    weights : {"he", "uniform-variance"}
        Gaussian weights of variance 2/D_in, or 1/(3 D_in), the variance of PyTorch's default.
    bias : float
        Standard deviation of the hidden biases.
    dtype : float32 or float64

    Returns
    -------
    Network

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> net = random_network([64, 128, 10], 3, np.random.default_rng(0), normalization="none")
    >>> net.logits(np.zeros((3, 5, 64), np.float32)).shape
    (3, 5, 10)
    """
    widths = [checks.whole("widths", width, 1) for width in widths]
    if len(widths) < 3:
        raise ValueError(f"widths must name inputs, at least one hidden layer, and classes; got {widths!r}")
    seeds, rng = checks.whole("seeds", seeds, 1), checks.generator("rng", rng)
    kinds = (normalization,) * (len(widths) - 2) if isinstance(normalization, str) else tuple(normalization)
    if len(kinds) != len(widths) - 2:
        raise ValueError(f"normalization must be one name, or {len(widths) - 2} for the hidden layers; got {kinds!r}")
    for kind in kinds:
        checks.one_of("normalization", kind, NORMALIZATIONS)
    variance = {"he": 2.0, "uniform-variance": 1 / 3}[checks.one_of("weights", weights, ("he", "uniform-variance"))]
    if not (np.isfinite(bias) and bias >= 0):
        raise ValueError(f"bias must be a finite standard deviation >= 0; got {bias!r}")
    W = [
        (rng.standard_normal((seeds, before, after)) * np.sqrt(variance / before)).astype(dtype)
        for before, after in zip(widths, widths[1:])
    ]
    b = [(bias * rng.standard_normal((seeds, 1, width))).astype(dtype) for width in widths[1:-1]]
    b.append(np.zeros((seeds, 1, widths[-1]), dtype))
    gains = [np.ones((seeds, 1, width), dtype) for width in widths[1:-1]]
    network = Network(W, b, gains, kinds, _no_statistics(gains))
    return _fitted(network, x) if any(kind in FROZEN + UNIT_WEIGHTS for kind in kinds) else network


def _fitted(network, x):
    """The network with what its layers take from the training inputs before the first step."""
    if x is None:
        raise ValueError("x must be the training inputs (S, N, D) for frozen and weight-normalized layers; got None")
    network = network.with_statistics(x, frozen=True)
    for layer, kind in enumerate(network.normalization):
        if kind in UNIT_WEIGHTS:
            mean, deviation = population(network.hidden(x)[layer] @ network.weight(layer), "batch")
            network.gains[layer][:] = 1 / deviation
            if kind == "weight":
                network.biases[layer][:] = -mean / deviation
            network = network.with_statistics(x)
    return network


def _no_statistics(gains):
    return [(np.zeros_like(gain), np.ones_like(gain)) for gain in gains]


def loss_and_accuracy(network, x, labels):
    """Mean cross-entropy and share of right answers at test time, arrays (S,), in float64."""
    logits = network.logits(x).astype(np.float64)
    losses = log_sum_exp(logits) - np.take_along_axis(logits, labels[..., None], 2)[..., 0]
    return losses.mean(1), (logits.argmax(2) == labels).mean(1)


def log_sum_exp(logits):
    """Logarithm of the sum of exponentials over the last axis."""
    top = logits.max(-1)
    return top + np.log(np.exp(logits - top[..., None]).sum(-1))
