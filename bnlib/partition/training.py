"""Training a small classifier with batch normalization in plain NumPy, for chapters on what its boundary does.

Hidden layers are W z, normalized over the batch, with gain 1 and shift 0 as in B22's analysis; the last layer is affine
with one logit. The loss is the logistic loss with labels +1 and -1, the gradient whole (through mu_B and sigma_B), the
steps Adam's.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from bnlib.checks import array, generator, one_of, positive, whole
from bnlib.partition.network import AffineLayer, Network, activate, slope_in_range
from bnlib.partition.shapes import random_weights

STATISTICS = ("batch", "data")


@dataclass(frozen=True)
class Classifier:
    """Weights of the hidden layers [(n_l, n_{l-1})], last row (n,), last bias, and the slope below zero."""

    weights: tuple
    row: np.ndarray
    bias: float
    slope: float = 0.0

    def network(self, points):
        """The `Network` with the batch statistics of ``points`` (m, d): all data, or a mini-batch."""
        hidden = Network.with_batch_norm(self.weights, points, self.slope)
        return Network([*hidden.layers, AffineLayer(self.row[None], [self.bias], linear=True)], self.slope)

    def logits(self, points, statistics_of=None):
        """Logits (m,) of points, with the batch statistics of ``statistics_of`` (default: the points themselves)."""
        return self.network(points if statistics_of is None else statistics_of).forward(points)[:, 0]


def random_classifier(widths, rng, *, inputs=2, slope=0.0):
    """A classifier with Gaussian weights of variance 2 / fan-in, last row 1 / fan-in, and zero bias.

    >>> random_classifier([8, 8], np.random.default_rng(0)).row.shape
    (8,)
    """
    weights = tuple(random_weights(rng, whole("inputs", inputs, 1), *widths))
    last = [inputs, *widths][-1]
    return Classifier(weights, rng.standard_normal(last) / np.sqrt(last), 0.0, slope_in_range(slope))


def loss_and_gradient(classifier, points, labels, counted=None):
    """Mean logistic loss over points normalized by themselves, and its gradients (weights, row, bias).

    With indices ``counted`` only those points enter the loss, while all of them enter the statistics.
    """
    z, seen = points, []
    for weight in classifier.weights:
        u = z @ weight.T
        sigma = u.std(axis=0)
        h = (u - u.mean(axis=0)) / sigma
        seen.append((z, h, sigma))
        z = activate(h, classifier.slope)
    margin = labels * (z @ classifier.row + classifier.bias)
    share = np.full(len(points), 1 / len(points))
    if counted is not None:
        share = np.bincount(counted, minlength=len(points)) / len(counted)
    from_logit = -labels * expit(-margin) * share
    row, bias = from_logit @ z, from_logit.sum()
    back, gradients = np.outer(from_logit, classifier.row), []
    for weight, (z, h, sigma) in zip(reversed(classifier.weights), reversed(seen)):
        back = back * np.where(h > 0, 1.0, classifier.slope)
        back = (back - back.mean(axis=0) - h * np.mean(back * h, axis=0)) / sigma
        gradients.append(back.T @ z)
        back = back @ weight
    return float(share @ np.logaddexp(0, -margin)), (tuple(reversed(gradients)), row, float(bias))


def train(classifier, points, labels, steps, *, batch_size, learning_rate=0.01, statistics="batch", rng):
    """Adam on random batches, without replacement inside an epoch: the trained classifier and its losses (steps,).

    ``statistics`` "batch" normalizes each batch by itself, "data" by all points (which removes the jitter and leaves
    the random gradients). The last batch of an epoch is dropped if it is not full. Adam has its usual 0.9, 0.999, 1e-8.

    >>> rng = np.random.default_rng(0)
    >>> start, labels = random_classifier([4], rng), np.repeat([1.0, -1.0], 8)
    >>> _, losses = train(start, rng.standard_normal((16, 2)) + labels[:, None], labels, 50, batch_size=8, rng=rng)
    >>> bool(losses[-1] < losses[0])
    True
    """
    points = array("points", points, ("N", "d"))
    labels = array("labels", labels, ("N",), N=len(points))
    if not np.isin(labels, (-1, 1)).all():
        raise ValueError(f"labels must be +1 or -1; got {np.unique(labels)!r}")
    B, rate = whole("batch_size", batch_size, 2), positive("learning_rate", learning_rate)
    if B > len(points):
        raise ValueError(f"batch_size must be at most the {len(points)} points; got {B}")
    generator("rng", rng)
    one_of("statistics", statistics, STATISTICS)
    values = [*classifier.weights, classifier.row, np.array(classifier.bias)]
    means, squares = [np.zeros_like(v) for v in values], [np.zeros_like(v) for v in values]
    losses, order = np.empty(whole("steps", steps, 1)), np.empty(0, dtype=int)
    for step in range(len(losses)):
        if len(order) < B:
            order = rng.permutation(len(points))
        batch, order = order[:B], order[B:]
        current = _from_values(values, classifier.slope)
        seen = (points[batch], labels[batch]) if statistics == "batch" else (points, labels, batch)
        losses[step], (weights, row, bias) = loss_and_gradient(current, *seen)
        for i, gradient in enumerate([*weights, row, np.array(bias)]):
            means[i] = 0.9 * means[i] + 0.1 * gradient
            squares[i] = 0.999 * squares[i] + 0.001 * gradient**2
            ahead = means[i] / (1 - 0.9 ** (step + 1))
            values[i] = values[i] - rate * ahead / (np.sqrt(squares[i] / (1 - 0.999 ** (step + 1))) + 1e-8)
    return _from_values(values, classifier.slope), losses


def _from_values(values, slope):
    return Classifier(tuple(values[:-2]), values[-2], float(values[-1]), slope)
