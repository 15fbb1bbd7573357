"""Networks of `Layer`s: fully connected ones, L19's CNN, and the ResNet9 of B22's experiments.

All begin with Gaussian weights from an explicit generator, in the order of the layers and then of the shifts, so that
networks of different normalizations begin with the same weights.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from bnlib import checks
from bnlib.classifier import Extras
from bnlib.deep.layers import Layer

VARIANCES = {"he": 2.0, "uniform-variance": 1 / 3}


@dataclass
class Draws:
    """Where noise (NumPy) and dropout (PyTorch) come from."""

    numpy: np.random.Generator
    torch: torch.Generator


class Network(torch.nn.Module):
    """Layers in a row, and an affine map to the classes.

    Attributes
    ----------
    layers : ModuleList of Layer
    weight, bias : Parameters (classes, features) and (classes,)
    """

    def __init__(self, layers, weight):
        super().__init__()
        self.layers = torch.nn.ModuleList(layers)
        self.weight = torch.nn.Parameter(weight)
        self.bias = torch.nn.Parameter(torch.zeros_like(weight[:, 0]))

    def features(self, x):
        """What the last affine map gets, (B, features)."""
        for layer in self.layers:
            x = layer(x.flatten(1) if layer.weight.ndim == 2 else x)
        return x.flatten(1)

    def forward(self, x):
        """Logits (B, classes) of inputs (B, ...)."""
        return F.linear(self.features(x), self.weight, self.bias)

    def draw_from(self, seed, device="cpu"):
        """Draw noise and dropout from generators with that seed, a list of whole numbers."""
        rng = np.random.default_rng(seed)
        draws = Draws(rng, torch.Generator(device).manual_seed(int(rng.integers(2**63))))
        for layer in self.layers:
            layer.draws = draws

    @torch.no_grad()
    def settle(self, x, starting=False):
        """Take test-time statistics of all rows of x, layer after layer, and return their logits.

        With `starting`, frozen layers take theirs, and weight-normalized ones begin with normalized pre-activations.
        """
        training = self.training
        self.eval()
        for layer in self.layers:
            layer.settling = "start" if starting else "test"
        logits = self(x)
        for layer in self.layers:
            layer.settling = None
        self.train(training)
        return logits

    def squared_norms(self):
        """Squared length of each layer's weights with normalization folded in, a tensor (layers,)."""
        return torch.stack([(layer.folded_weight() ** 2).sum() for layer in self.layers])


class ResNet9(Network):
    """Eight convolutions, two pairs of them with a shortcut, and the largest pixel of each channel."""

    def features(self, x):
        """What the last affine map gets, (B, features)."""
        first, wide, inner, outer, third, last, deep, deepest = self.layers
        x = wide(first(x))
        x = x + outer(inner(x))
        x = last(third(x))
        x = x + deepest(deep(x))
        return x.amax((2, 3))


def mlp(widths, rng, **options):
    """Fully connected network of those widths: inputs, hidden layers, classes. For the options see `resnet9`.

    >>> net = mlp([64, 32, 10], np.random.default_rng(0))
    >>> net(torch.zeros(5, 64)).shape
    torch.Size([5, 10])
    """
    widths = [checks.whole("widths", width, 1) for width in widths]
    if len(widths) < 3:
        raise ValueError(f"widths must name inputs, at least one hidden layer, and classes; got {widths!r}")
    shapes = [(after, before) for before, after in zip(widths, widths[1:])]
    return _network(Network, shapes, [1] * (len(shapes) - 1), rng, **options)


def cnn(shape, width, rng, **options):
    """L19's CNN (its appendix B): conv w, conv w, conv 2w, conv 2w, pool 2, fully connected 8w or 16w, 10 classes.

    Parameters
    ----------
    shape : (channels, height, width) of an image
    width : int
        w; 32 in the paper, with 16w = 512 fully connected units. Below 32 there are 8w.
    rng : numpy.random.Generator
    **options
        As of `resnet9`.

    >>> net = cnn((1, 14, 14), 8, np.random.default_rng(0))
    >>> sum(value.numel() for value in net.parameters())
    55154
    """
    channels, height, across = (checks.whole("shape", size, 1) for size in shape)
    width = checks.whole("width", width, 1)
    hidden = width * (16 if width >= 32 else 8)
    sizes = [channels, width, width, 2 * width, 2 * width]
    shapes = [(after, before, 3, 3) for before, after in zip(sizes, sizes[1:])]
    shapes += [(hidden, 2 * width * (height // 2) * (across // 2)), (10, hidden)]
    return _network(Network, shapes, [1, 1, 1, 2, 1], rng, **options)


def resnet9(shape, width, rng, **options):
    """The ResNet9 of nine weight layers with w, 2w, 4w and 8w channels (w = 64 as a rule).

    Parameters
    ----------
    shape : (channels, height, width) of an image
    width : int
        w.
    rng : numpy.random.Generator
    normalization : str, or one for each layer
        Names of `bnlib.deep.layers.KINDS`.
    extras : bnlib.classifier.Extras
        Ghost batches, gamma decay, noise, dropout, fixed gamma and beta.
    weights : {"he", "uniform-variance"}
        Gaussian weights of variance 2/D_in, or 1/(3 D_in), the variance of PyTorch's default.
    bias : float
        Standard deviation of the shifts.
    dtype : torch.dtype

    Raises ValueError for arguments out of range.

    >>> net = resnet9((1, 14, 14), 8, np.random.default_rng(0), normalization="none")
    >>> net(torch.zeros(5, 1, 14, 14)).shape
    torch.Size([5, 10])
    """
    channels, width = checks.whole("shape", shape[0], 1), checks.whole("width", width, 1)
    sizes = [(channels, 1), (1, 2), (2, 2), (2, 2), (2, 4), (4, 8), (8, 8), (8, 8)]
    shapes = [(after * width, before * width if n else before, 3, 3) for n, (before, after) in enumerate(sizes)]
    return _network(ResNet9, [*shapes, (10, 8 * width)], [1, 2, 1, 1, 2, 2, 1, 1], rng, **options)


ARCHITECTURES = {"cnn": cnn, "resnet9": resnet9}


def _network(
    cls, shapes, pools, rng, *, normalization="batch", extras=None, weights="he", bias=0.0, dtype=torch.float32
):
    """A network with weights of those shapes, the last of them the affine map's."""
    rng, count = checks.generator("rng", rng), len(pools)
    kinds = (normalization,) * count if isinstance(normalization, str) else tuple(normalization)
    if len(kinds) != count:
        raise ValueError(f"normalization must be one name, or {count} for the hidden layers; got {kinds!r}")
    if not (np.isfinite(bias) and bias >= 0):
        raise ValueError(f"bias must be a finite standard deviation >= 0; got {bias!r}")
    variance = VARIANCES[checks.one_of("weights", weights, tuple(VARIANCES))]
    drawn = [rng.standard_normal(shape) * np.sqrt(variance / np.prod(shape[1:])) for shape in shapes]
    shifts = [bias * rng.standard_normal(shape[0]) for shape in shapes[:-1]]
    drawn, shifts = ([torch.tensor(value, dtype=dtype) for value in values] for values in (drawn, shifts))
    extras = extras or Extras()
    return cls([Layer(*parts, extras, pool) for *parts, pool in zip(drawn, shifts, kinds, pools)], drawn[-1])
