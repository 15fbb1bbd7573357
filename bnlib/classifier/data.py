"""Small sets of real images, split anew for every seed.

Seeds stand in the leading axis of every array of this wing: one network a seed, all trained at once.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from bnlib import checks

FOLDER = Path(__file__).parent / "images"
SHA256 = {
    "digits": "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826",
    "fashion": "4879d6217fca089ff5d1f22ac6dcf5ba55b7694cd8d75fcb269fa74fe220b9b2",
}
CLASSES = 10


@dataclass(frozen=True)
class Images:
    """Training and test images of S splits.

    Attributes
    ----------
    x, test_x : float32 arrays (S, N, D) and (S, N_test, D)
        Pixels, with mean 0 and variance 1 over the whole set.
    labels, test_labels : int arrays (S, N) and (S, N_test)
        From 0 to 9. A share of the training labels may be wrong; test labels never are.
    """

    x: np.ndarray
    labels: np.ndarray
    test_x: np.ndarray
    test_labels: np.ndarray


@cache
def load(name):
    """Pixels (images, D) as float32 with mean 0 and variance 1 over the set, and labels (images,).

    ``"digits"``: 1797 hand-written digits of 8 x 8 pixels. ``"fashion"``: 4000 pieces of clothing of 14 x 14 pixels,
    the first 2000 of the training and of the test file of Fashion-MNIST. ``images/NOTICE.md`` says where they come
    from.

    Raises ValueError for another name, and if a file was damaged.

    >>> x, labels = load("digits")
    >>> x.shape, [int(label) for label in labels[:5]]
    ((1797, 64), [0, 1, 2, 3, 4])
    """
    checks.one_of("name", name, tuple(SHA256))
    with np.load(FOLDER / f"{name}.npz") as stored:
        images, labels = stored["images"], stored["labels"]
    if hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest() != SHA256[name]:
        raise ValueError(f"name: the images of {name!r} are not the ones that the book was made with")
    pixels = images.astype(np.float64)
    x, labels = ((pixels - pixels.mean()) / pixels.std()).astype(np.float32), labels.astype(np.int64)
    x.flags.writeable = labels.flags.writeable = False  # they are kept for the next caller
    return x, labels


def split(name, train, seeds, *, test=None, wrong_labels=0.0, first_seed=0):
    """Training and test images for several seeds, drawn without replacement and independently for each.

    Parameters
    ----------
    name : {"digits", "fashion"}
    train : int
        N, training images a seed; those that remain are for testing.
    seeds : int
        S. Split number s depends on ``first_seed + s`` alone, so that a smaller study is a part of a larger one.
    test : int, optional
        At most so many test images; all that remain if left out.
    wrong_labels : float
        Share of the training labels, in [0, 1), that are replaced by one of the nine wrong ones.
    first_seed : int

    Returns
    -------
    Images

    >>> clean, noisy = split("digits", 300, 2), split("digits", 300, 2, wrong_labels=0.3)
    >>> clean.x.shape, clean.test_x.shape, float((clean.labels != noisy.labels).mean())
    ((2, 300, 64), (2, 1497, 64), 0.3)
    """
    x, labels = load(name)
    train, seeds = checks.whole("train", train, 1), checks.whole("seeds", seeds, 1)
    first_seed = checks.whole("first_seed", first_seed, 0)
    if train >= len(x):
        raise ValueError(f"train must be below the {len(x)} images of {name!r}; got {train!r}")
    test = len(x) - train if test is None else min(checks.whole("test", test, 1), len(x) - train)
    wrong_labels = checks.between("wrong_labels", wrong_labels, 0, 1, "[)")
    orders, taught = [], []
    for seed in range(first_seed, first_seed + seeds):
        rng = np.random.default_rng([seed, 7])
        order = rng.permutation(len(x))
        orders.append(order)
        taught.append(with_errors(labels[order[:train]], wrong_labels, rng))
    orders = np.array(orders)
    trained, tested = orders[:, :train], orders[:, train : train + test]
    return Images(x[trained], np.array(taught), x[tested], labels[tested])


def with_errors(labels, share, rng):
    """Labels of which that share (rounded to whole labels) is wrong."""
    labels = labels.copy()
    wrong = rng.permutation(len(labels))[: round(share * len(labels))]
    labels[wrong] = (labels[wrong] + rng.integers(1, CLASSES, len(wrong))) % CLASSES
    return labels
