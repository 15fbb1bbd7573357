"""Images for convolutional networks: the stored subset of Fashion-MNIST, or a full public set."""

import hashlib
from dataclasses import dataclass
from functools import cache

import numpy as np

from bnlib import checks
from bnlib.classifier import data as small
from bnlib.classifier import split
from bnlib.deep import downloads

SETS = ("fashion", *downloads.FILES)


@dataclass(frozen=True)
class Images:
    """Training and test images of one seed.

    Attributes
    ----------
    x, test_x : float32 arrays (N, channels, height, width)
    labels, test_labels : int64 arrays (N,)
        From 0 to 9. A share of the training labels may be wrong; test labels never are.
    """

    x: np.ndarray
    labels: np.ndarray
    test_x: np.ndarray
    test_labels: np.ndarray


def images(name, seed, train, test, wrong_labels=0.0):
    """Images of one seed.

    Parameters
    ----------
    name : {"fashion", "fashion-mnist", "cifar10"}
        ``"fashion"`` is what comes with this package: 4000 pieces of clothing of 14 x 14 pixels, split anew for every
        seed, as `bnlib.classifier.split` does. The others are the full sets, fetched once (see `downloads.fetch`) and
        split as they are published; pixels have mean 0 and variance 1 over the training images of each channel.
    seed : int
    train, test : int
        Number of images.
    wrong_labels : float
        Share of the training labels, in [0, 1), that are replaced by one of the nine wrong ones.

    >>> found = images("fashion", 0, 100, 50, wrong_labels=0.3)
    >>> found.x.shape, found.test_labels.shape
    ((100, 1, 14, 14), (50,))
    """
    checks.one_of("name", name, SETS)
    if name == "fashion":
        found = split("fashion", train, 1, test=test, wrong_labels=wrong_labels, first_seed=seed)
        x, test_x = (pixels[0].reshape(-1, 1, 14, 14) for pixels in (found.x, found.test_x))
        return Images(x, found.labels[0], test_x, found.test_labels[0])
    rng = np.random.default_rng([checks.whole("seed", seed, 0), 7])
    x, labels, test_x, test_labels = _normalized(name)
    chosen = rng.permutation(len(x))[: checks.whole("train", train, 1)]
    test = checks.whole("test", test, 1)
    taught = small.with_errors(labels[chosen], wrong_labels, rng)
    return Images(x[chosen], taught, test_x[:test], test_labels[:test])


@cache
def _normalized(name):
    """A full set with pixels of mean 0 and variance 1 in each channel."""
    x, labels, test_x, test_labels = downloads.load(name)
    axes = (0, 2, 3)
    mean, deviation = x.mean(axes, keepdims=True), x.std(axes, keepdims=True)
    x, test_x = (((pixels - mean) / deviation).astype(np.float32) for pixels in (x, test_x))
    return x, labels, test_x, test_labels


def digest(name):
    """The hash that tells which images these are: of the stored arrays, or of the published files."""
    if checks.one_of("name", name, SETS) == "fashion":
        return f"sha256:{small.SHA256['fashion']}"
    hashes = [known for _, known in downloads.FILES[name].values()]
    return hashes[0] if len(hashes) == 1 else f"sha256:{hashlib.sha256(' '.join(hashes).encode()).hexdigest()}"
