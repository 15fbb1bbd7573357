"""Stochastic gradient descent with momentum for many seeds at once, and what is recorded on the way."""

import warnings
from dataclasses import dataclass, fields, replace

import numpy as np

from bnlib import checks
from bnlib.classifier.gradient import Extras, loss_gradient
from bnlib.classifier.network import loss_and_accuracy


@dataclass(frozen=True)
class History:
    """What training went through; S seeds in the last axis but where layers follow.

    Attributes
    ----------
    epochs : int array (records,)
    train_loss, train_accuracy, test_loss, test_accuracy : arrays (records, S)
        In test mode, with statistics of the whole training set. Training labels are the given ones, wrong or not.
    squared_gain, squared_norm : arrays (records, S, hidden layers)
        Mean over units of gamma^2; and the squared length of all weights of a layer as they act at test time, with
        normalization folded in (`Network.folded`).
    """

    epochs: np.ndarray
    train_loss: np.ndarray
    train_accuracy: np.ndarray
    test_loss: np.ndarray
    test_accuracy: np.ndarray
    squared_gain: np.ndarray
    squared_norm: np.ndarray


def train(
    network,
    images,
    epochs,
    *,
    batch_size,
    learning_rate,
    momentum=0.9,
    rng,
    record_every=1,
    progress=False,
    **extras,
):
    """Train all seeds; each passes through its own images in its own random order.

    Parameters
    ----------
    network : Network
        It is left as it was.
    images : Images
    epochs : int
    batch_size : int
        Rows of a step. What is left over at the end of an epoch is not used in it.
    learning_rate, momentum : float
        v <- momentum v - learning_rate gradient; parameters <- parameters + v. Momentum is in [0, 1).
    rng : numpy.random.Generator
        Orders, noise and dropout.
    record_every : int
        Epochs from one record to the next; start and end are recorded, too.
    progress : bool
        Show a progress bar.
    **extras
        The attributes of `Extras`: ghost batches, gamma decay, noise, dropout, fixed gamma and beta.

    Returns
    -------
    network : Network
        Trained, with test-time statistics of the whole training set.
    history : History
        Interrupted from the keyboard, it warns and returns what is recorded.

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> from bnlib.classifier import random_network, split
    >>> images, rng = split("digits", 320, 2), np.random.default_rng(0)
    >>> net, history = train(random_network([64, 32, 10], 2, rng), images, 3, batch_size=64, learning_rate=0.1, rng=rng)
    >>> bool((history.test_accuracy[-1] > 0.8).all())
    True
    """
    extras = Extras(**extras)
    epochs, record_every = checks.whole("epochs", epochs, 0), checks.whole("record_every", record_every, 1)
    _check_batch(batch_size, images, extras)
    learning_rate, rng = checks.positive("learning_rate", learning_rate), checks.generator("rng", rng)
    momentum = checks.between("momentum", momentum, 0, 1, "[)")
    records = [_record(network, images, 0)]
    descent = Descent(network, learning_rate, momentum)
    try:
        for epoch in _epochs(epochs, progress):
            for rows in _batches(images, batch_size, rng):
                descent.step(_take(images.x, rows), np.take_along_axis(images.labels, rows, 1), images.x, extras, rng)
            if epoch % record_every == 0 or epoch == epochs:
                records.append(_record(descent.network, images, epoch))
    except KeyboardInterrupt:
        warnings.warn(f"interrupted after {records[-1]['epochs']} recorded epochs", RuntimeWarning, stacklevel=2)
    history = History(**{field.name: np.array([record[field.name] for record in records]) for field in fields(History)})
    return descent.network.with_statistics(images.x), history


def _epochs(count, progress):
    """The epochs, with a bar on request; tqdm is imported only then, as the browser's Python does without it."""
    if not progress:
        return range(1, count + 1)
    from tqdm import tqdm

    return tqdm(range(1, count + 1), unit="epoch")


class Descent:
    """Gradient descent with momentum on a copy of the networks' parameters."""

    def __init__(self, network, learning_rate, momentum):
        copies = {name: [array.copy() for array in getattr(network, name)] for name in ("weights", "biases", "gains")}
        self.network = replace(network, **copies)
        self.speeds = {name: [np.zeros_like(array) for array in arrays] for name, arrays in copies.items()}
        self.learning_rate, self.momentum = learning_rate, momentum

    def step(self, x, labels, reference, extras, rng):
        """One step on the rows x (S, B, D); `reference` are those that population statistics come from."""
        if "population" not in self.network.normalization:
            reference = None
        _, gradient = loss_gradient(self.network, x, labels, extras=extras, reference=reference, rng=rng)
        for name, parts in gradient.items():
            for value, speed, part in zip(getattr(self.network, name), self.speeds[name], parts):
                speed *= self.momentum
                speed -= self.learning_rate * part
                value += speed


def _record(network, images, epoch):
    """What `History` keeps of one moment."""
    network = network.with_statistics(images.x)
    train_loss, train_accuracy = loss_and_accuracy(network, images.x, images.labels)
    test_loss, test_accuracy = loss_and_accuracy(network, images.test_x, images.test_labels)
    return {
        "epochs": epoch,
        "train_loss": train_loss,
        "train_accuracy": train_accuracy,
        "test_loss": test_loss,
        "test_accuracy": test_accuracy,
        "squared_gain": np.stack([(gain[:, 0] ** 2).mean(1) for gain in network.gains], 1),
        "squared_norm": np.stack([(weight**2).sum((1, 2)) for weight in network.folded().weights[:-1]], 1),
    }


def _batches(images, batch_size, rng):
    """Rows (S, B) of one epoch's steps, in a random order for each seed."""
    seeds, count = images.labels.shape
    order = np.argsort(rng.random((seeds, count)), axis=1)
    for start in range(0, count - batch_size + 1, batch_size):
        yield order[:, start : start + batch_size]


def _take(x, rows):
    return x[np.arange(len(x))[:, None], rows]


def _check_batch(batch_size, images, extras):
    checks.whole("batch_size", batch_size, 2)
    if batch_size > images.labels.shape[1]:
        raise ValueError(f"batch_size must be at most the {images.labels.shape[1]} training images; got {batch_size!r}")
    if extras.statistics_batch and batch_size % extras.statistics_batch:
        raise ValueError(f"statistics_batch must divide batch_size = {batch_size}; got {extras.statistics_batch!r}")


def paired_difference(a, b):
    """Mean of a - b over seeds, and its standard error; a and b (..., S) come from the same splits.

    >>> paired_difference(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0]))
    (1.0, 0.0)
    """
    difference = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    if difference.shape[-1] < 2:
        raise ValueError(f"a and b must have at least two seeds; got shape {difference.shape}")
    error = difference.std(-1, ddof=1) / np.sqrt(difference.shape[-1])
    mean = difference.mean(-1)
    return (float(mean), float(error)) if difference.ndim == 1 else (mean, error)
