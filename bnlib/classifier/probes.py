"""Probes of a network: how much a mini-batch's statistics move its decisions, and how much of its partition is near."""

import numpy as np

from bnlib import checks
from bnlib.classifier.normalization import FROM_ROWS


def jitter(network, images, batch, draws, rng):
    """Share (S,) of test images whose class changes when one training batch gives the statistics instead of all.

    Each of `draws` batches of `batch` rows is drawn without replacement, as in an epoch (B22 section 5, figure 6).

    Raises ValueError for a batch beyond the training set and for networks without statistics of rows.
    """
    count = images.labels.shape[1]
    batch, draws = checks.whole("batch", batch, 2), checks.whole("draws", draws, 1)
    if batch > count:
        raise ValueError(f"batch must be at most the {count} training images; got {batch!r}")
    if not any(kind in FROM_ROWS for kind in network.normalization):
        raise ValueError(f"network must have layers with statistics of rows; got {network.normalization!r}")
    usual = network.with_statistics(images.x).logits(images.test_x).argmax(2)
    changed = np.zeros(len(usual))
    for _ in range(draws):
        rows = np.argsort(rng.random(images.labels.shape), axis=1)[:, :batch]
        seen = network.with_statistics(images.x[np.arange(len(rows))[:, None], rows])
        changed += (seen.logits(images.test_x).argmax(2) != usual).mean(1)
    return changed / draws


def crossed_units(network, x, radius, directions, rng):
    """Share (S, hidden layers) of units whose folded hyperplane is met within `radius` of an input, mean over inputs.

    Counted as in B22's figure 4: the unit's sign differs between the centre and one of `directions` random points on
    the sphere around it. That misses thin caps, so it is a lower bound (chapter 11 says by how much).

    x has axes (S, B, D). Cost: `directions` forward passes.
    """
    radius, directions = checks.positive("radius", radius), checks.whole("directions", directions, 1)
    at_centre = [h > 0 for h in network.preactivations(x)]
    crossed = [np.zeros_like(sign) for sign in at_centre]
    for _ in range(directions):
        step = rng.standard_normal(x.shape).astype(x.dtype)
        step *= radius / np.sqrt((step**2).sum(-1, keepdims=True))
        for found, sign, h in zip(crossed, at_centre, network.preactivations(x + step)):
            found |= sign != (h > 0)
    return np.stack([found.mean((1, 2)) for found in crossed], 1)


def margins(network, x, labels):
    """First-order distance (S, B) of each input to the decision boundary, negative where the answer is wrong.

    The least of (z_y - z_k) / |gradient of z_y - z_k by the input| over the other classes k, at test time. Exact where
    the boundary is met in the input's own region of the partition. Memory: S B classes D floats.
    """
    a, derivative = x, None
    for layer, h in enumerate(network.preactivations(x)):
        gate = ((h > 0) * (network.gains[layer] / network.statistics[layer][1])).astype(x.dtype)
        step = network.weight(layer)[:, None] * gate[:, :, None, :]  # (S, B, D_in, D_out)
        derivative = step if derivative is None else derivative @ step
        a = np.maximum(h, 0)
    logits = a @ network.weights[-1] + network.biases[-1]
    slopes = derivative @ network.weights[-1][:, None]  # (S, B, D, classes)
    own = np.take_along_axis(logits, labels[..., None], 2)
    own_slope = np.take_along_axis(slopes, labels[..., None, None], 3)
    lengths = np.sqrt(((own_slope - slopes) ** 2).sum(2))
    others = np.arange(logits.shape[2]) != labels[..., None]
    ratio = np.divide(own - logits, lengths, out=np.full_like(logits, np.inf), where=others & (lengths > 0))
    return ratio.min(2)
