"""Descent with momentum on one network, and what is recorded on the way."""

import numpy as np
import torch
import torch.nn.functional as F

from bnlib import checks

EVALUATED = 500  # rows of one evaluating pass
SETTLED = 10_000  # training images at most that give statistics for tests, all in one pass
CURVES = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")


def train(
    network, images, epochs, *, batch_size, learning_rate, momentum=0.9, decay=0.0, seed, record_every=1, device="cpu"
):
    """Train a network in place; batches are drawn in a random order without replacement.

    Parameters
    ----------
    network : Network
        On that device.
    images : Images
    epochs : int
    batch_size : int
        Rows of a step. What is left over at the end of an epoch is not used in it.
    learning_rate, momentum : float
        v <- momentum v + gradient; parameters <- parameters - learning_rate v.
    decay : float
        Share by which the learning rate falls with each step, in [0, 1); L19 has 1e-4.
    seed : list of int
        Of orders, noise and dropout.
    record_every : int
        Epochs from one record to the next; start and end are recorded, too.
    device : str

    Returns
    -------
    dict of arrays
        ``"epochs"`` (records,); the four `CURVES` (records,), in test mode with statistics of the whole training set
        or its first `SETTLED` images, on which training loss and accuracy are taken, too;
        ``"squared_gain"`` and ``"squared_norm"`` (records, layers), the mean of gamma^2 over a layer's units and the
        squared length of its weights with normalization folded in.

    Raises
    ------
    ValueError
        For arguments out of range.
    FloatingPointError
        If the training loss is no longer finite.

    >>> from bnlib.deep.data import images
    >>> from bnlib.deep.networks import cnn
    >>> few, net = images("fashion", 0, 100, 100), cnn((1, 14, 14), 4, np.random.default_rng(0))
    >>> curves = train(net, few, 3, batch_size=20, learning_rate=0.05, seed=[0])
    >>> curves["epochs"].tolist(), bool(curves["test_accuracy"][-1] > 0.3)
    ([0, 1, 2, 3], True)
    """
    epochs, record_every = checks.whole("epochs", epochs, 0), checks.whole("record_every", record_every, 1)
    _check(network, images, batch_size, momentum, decay)
    rng = np.random.default_rng(seed)
    network.draw_from([*seed, 1], device)
    network.to(memory_format=torch.channels_last)
    parts = {name: torch.from_numpy(getattr(images, name)).to(device) for name in images.__dataclass_fields__}
    for name in ("x", "test_x"):
        if parts[name].ndim == 4:
            parts[name] = parts[name].contiguous(memory_format=torch.channels_last)
    learned = [value for value in network.parameters() if value.requires_grad]
    descent = torch.optim.SGD(learned, checks.positive("learning_rate", learning_rate), momentum)
    fall = torch.optim.lr_scheduler.ExponentialLR(descent, 1 - decay)
    records = [_record(network, parts, 0)]
    for epoch in range(1, epochs + 1):
        network.train()
        for rows in _batches(len(images.labels), batch_size, rng):
            _step(network, parts["x"][rows], parts["labels"][rows], descent)
            fall.step()
        if epoch % record_every == 0 or epoch == epochs:
            records.append(_record(network, parts, epoch))
    return {name: np.array([record[name] for record in records]) for name in records[0]}


def _step(network, x, labels, descent):
    """One step of descent."""
    descent.zero_grad()
    F.cross_entropy(network(x), labels).backward()
    for layer in network.layers:
        if layer.extras.gamma_decay and layer.seen:
            layer.add_gamma_decay()
    descent.step()


@torch.no_grad()
def _record(network, parts, epoch):
    """What is kept of one moment."""
    logits = network.settle(parts["x"][:SETTLED])
    network.eval()
    found = {"epochs": epoch}
    tested = torch.cat([network(rows) for rows in parts["test_x"].split(EVALUATED)])
    for name, outputs, labels in (
        ("train", logits, parts["labels"][:SETTLED]), ("test", tested, parts["test_labels"])
    ):  # fmt: skip
        found[f"{name}_loss"] = F.cross_entropy(outputs.double(), labels).item()
        found[f"{name}_accuracy"] = (outputs.argmax(1) == labels).double().mean().item()
    if not np.isfinite(found["train_loss"]):
        raise FloatingPointError(f"the training loss is not finite after {epoch} epochs; lower learning_rate")
    found["squared_gain"] = [(layer.gain**2).mean().item() for layer in network.layers]
    found["squared_norm"] = network.squared_norms().tolist()
    return found


def _batches(count, batch_size, rng):
    """Rows of one epoch's steps."""
    order = torch.from_numpy(rng.permutation(count))
    for start in range(0, count - batch_size + 1, batch_size):
        yield order[start : start + batch_size]


def _check(network, images, batch_size, momentum, decay):
    batch_size, count = checks.whole("batch_size", batch_size, 2), len(images.labels)
    if batch_size > count:
        raise ValueError(f"batch_size must be at most the {count} training images; got {batch_size!r}")
    for layer in network.layers:
        group = layer.extras.statistics_batch
        if group and batch_size % group:
            raise ValueError(f"statistics_batch must divide batch_size = {batch_size}; got {group!r}")
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum must be in [0, 1); got {momentum!r}")
    if not 0 <= decay < 1:
        raise ValueError(f"decay must be in [0, 1); got {decay!r}")
