r"""What a normalization does to the pre-activations of a layer, forwards and backwards.

Arrays are (S, B, D): seeds, rows of a batch, units. Normalizing takes a *group* of rows to
:math:`\hat h = (h - \mu)/\sigma`, where mean and deviation may come from the group itself (batch normalization), from
other rows (population normalization), or stand still.
"""

import numpy as np

EPSILON = 1e-5  # within the root, as in the frameworks
# name: (centred by a mean of rows, divided by their deviation)
FROM_ROWS = {
    "batch": (True, True),
    "population": (True, True),
    "mean-only": (True, False),
    "variance-only": (False, True),
}
FROZEN = ("frozen", "frozen-mean", "frozen-deviation")
UNIT_WEIGHTS = ("weight", "mean-only")  # weights divided by their length
NORMALIZATIONS = ("none", *FROM_ROWS, "weight", *FROZEN)


class Rows:
    """Mean and deviation of rows of the same pass, and the gradient through both.

    ``size`` rows form a group that has its own statistics. With ``reference`` > 0 there is one group, and its
    statistics come from its last ``reference`` rows.
    """

    def __init__(self, h, center, scale, size, reference=0):
        seeds, rows, units = h.shape
        shape = (seeds, 1, rows, units) if reference else (seeds, rows // size, size, units)
        self.rows = slice(rows - reference, rows) if reference else slice(None)
        self.center, self.scale = center, scale
        groups = h.reshape(shape)
        source = groups[:, :, self.rows]
        mean = source.mean(2, keepdims=True)
        self.centred = source - mean
        self.deviation = np.sqrt((self.centred**2).mean(2, keepdims=True) + EPSILON) if scale else 1.0
        self.normal = (groups - mean if center else groups) / self.deviation

    def forward(self):
        """The normalized pre-activations (S, B, D)."""
        return self.normal.reshape(self.normal.shape[0], -1, self.normal.shape[-1])

    def backward(self, d):
        """The gradient by h (S, B, D), given the one by the normalized pre-activations."""
        inner = d.reshape(self.normal.shape) / self.deviation
        back = inner.copy()
        count = self.centred.shape[2]
        if self.center:
            back[:, :, self.rows] -= inner.sum(2, keepdims=True) / count
        if self.scale:
            along = (inner * self.normal).sum(2, keepdims=True) / count
            back[:, :, self.rows] -= self.centred / self.deviation * along
        return back.reshape(d.shape)


class Fixed:
    """Mean and deviation (S, 1, D) that stand still."""

    def __init__(self, h, mean, deviation):
        self.mean, self.deviation, self.h = mean, deviation, h

    def forward(self):
        """The normalized pre-activations (S, B, D)."""
        return (self.h - self.mean) / self.deviation

    def backward(self, d):
        """The gradient by h (S, B, D), given the one by the normalized pre-activations."""
        return d / self.deviation


def population(h, kind):
    """Mean and deviation (S, 1, D) of all rows, as far as the normalization `kind` uses them; else 0 and 1."""
    if kind in FROM_ROWS:
        center, scale = FROM_ROWS[kind]
    else:
        center, scale = kind in ("frozen", "frozen-mean"), kind in ("frozen", "frozen-deviation")
    mean, deviation = h.mean(1, keepdims=True), np.sqrt(h.var(1, keepdims=True) + EPSILON)
    return mean if center else np.zeros_like(mean), deviation if scale else np.ones_like(deviation)


def unit_columns(weight):
    """Weights (S, D_in, D_out) with columns of length 1, and the lengths (S, 1, D_out)."""
    length = np.sqrt((weight**2).sum(1, keepdims=True))
    return weight / length, length


def unit_columns_backward(gradient, unit, length):
    """The gradient by the weights, given the one by their unit columns."""
    return (gradient - unit * (unit * gradient).sum(1, keepdims=True)) / length
