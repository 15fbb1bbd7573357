r"""One layer of a convolutional or fully connected network, with one switch for its normalization.

A layer computes :math:`\mathrm{ReLU}(\gamma\,\hat h + \beta)`, where h is linear in the input and :math:`\hat h` its
normalization, unit by unit (a unit is a channel where the layer is a convolution). The names of the normalizations, the
:math:`\epsilon` in the root and `Extras` are those of `bnlib.classifier`, and for fully connected layers so are all
numbers. Arrays are (B, units) or (B, units, height, width): statistics are taken over rows and pixels.
"""

import numpy as np
import torch
import torch.nn.functional as F

from bnlib import checks
from bnlib.classifier import NORMALIZATIONS
from bnlib.classifier.normalization import EPSILON, FROM_ROWS, FROZEN, UNIT_WEIGHTS

KINDS = tuple(kind for kind in NORMALIZATIONS if kind != "population")


class Layer(torch.nn.Module):
    """Linear map, normalization, gain and shift, ReLU, dropout; then the largest of each `pool` x `pool` pixels.

    Parameters
    ----------
    weight : tensor (units, inputs) or (units, channels, k, k) with odd k
        Fully connected, or a convolution that keeps height and width.
    shift : tensor (units,)
        beta.
    kind : str
        One of `KINDS`; ValueError for another.
    extras : bnlib.classifier.Extras
    pool : int

    Attributes
    ----------
    mean, deviation : tensors (units,)
        Used at test time, and always by the frozen kinds.
    """

    def __init__(self, weight, shift, kind, extras, pool=1):
        super().__init__()
        self.kind, self.extras, self.pool = checks.one_of("normalization", kind, KINDS), extras, pool
        self.weight = torch.nn.Parameter(weight)
        self.gain = torch.nn.Parameter(torch.ones_like(shift), requires_grad=extras.learn_affine and kind != "none")
        self.shift = torch.nn.Parameter(shift, requires_grad=extras.learn_affine)
        self.register_buffer("mean", torch.zeros_like(shift))
        self.register_buffer("deviation", torch.ones_like(shift))
        self.settling = None  # "start" or "test" while a pass over the training set sets the statistics
        self.draws = None  # where noise and dropout come from, see `Network.draw_from`
        self.seen = None  # what gamma decay needs of the last pass

    def acting_weight(self):
        """The weights as they act: with unit length for each unit under weight normalization."""
        if self.kind in UNIT_WEIGHTS:
            return self.weight / self._column(self.weight.flatten(1).norm(dim=1), self.weight.ndim)
        return self.weight

    def folded_weight(self):
        """The weights at test time with the normalization in them, W gamma / sigma."""
        return self.acting_weight() * self._column(self.gain / self.deviation, self.weight.ndim)

    def forward(self, x):
        """The layer's output."""
        weight = self.acting_weight()
        h = F.linear(x, weight) if weight.ndim == 2 else F.conv2d(x, weight, padding=weight.shape[-1] // 2)
        if self.settling:
            self._settle(h)
        y = self._affine(h)
        out = F.relu(y)
        if self.training and self.extras.dropout:
            drawn = torch.rand(out.shape, generator=self.draws.torch, device=out.device)
            out = out * ((drawn >= self.extras.dropout).to(out.dtype) / (1 - self.extras.dropout))
        return F.max_pool2d(out, self.pool) if self.pool > 1 else out

    def _affine(self, h):
        """gamma hat h + beta, with noise on hat h in training."""
        live, extras = self.training and self.kind in FROM_ROWS, self.extras
        plain = not (self.training and (extras.noise or extras.gamma_decay))
        if plain and not live:  # one multiplication and one addition
            scale = self.gain / self.deviation
            return torch.addcmul(_row(self.shift - self.mean * scale, h), h, _row(scale, h))
        if plain and self.kind == "batch":  # gain and shift within the framework's own function
            return self._by_groups(h, self.gain, self.shift)
        normal = self._live(h) if live else (h - _row(self.mean, h)) / _row(self.deviation, h)
        noisy = self._with_noise(normal) if extras.noise else normal
        y = _row(self.gain, h) * noisy + _row(self.shift, h)
        if self.training and extras.gamma_decay and self.kind != "none":
            y.retain_grad()
            self.seen = normal.detach(), y
        return y

    def _live(self, h):
        """Normalized by statistics of the batch, or of its groups of rows."""
        if self.kind == "batch":
            return self._by_groups(h)
        center, scale = FROM_ROWS[self.kind]
        size = self.extras.statistics_batch or len(h)
        groups = h.reshape(-1, size, *h.shape[1:])
        axes = (1, *range(3, groups.ndim))
        variance, mean = torch.var_mean(groups, axes, correction=0, keepdim=True)
        normal = groups - mean if center else groups
        return (normal * torch.rsqrt(variance + EPSILON) if scale else normal).reshape(h.shape)

    def _by_groups(self, h, gain=None, shift=None):
        """Batch normalization of each group of rows."""
        groups = h.split(self.extras.statistics_batch or len(h))
        done = [F.batch_norm(group, None, None, gain, shift, training=True, eps=EPSILON) for group in groups]
        return done[0] if len(done) == 1 else torch.cat(done)

    def _with_noise(self, normal):
        r"""(hat h - shift) * factor, one draw for each unit and `Noise.batch` rows.

        In a fully connected layer it is `bnlib.classifier.Noise`. In a convolution M images are M samples of an image's
        mean over pixels: the shift has variance :math:`\alpha^2 v_1/M` and the factor
        :math:`\nu = 2(M-1)/(v_2\alpha^2)`, with the variances over images :math:`v_1` of the mean over pixels of hat h
        and :math:`v_2` of that of its square (1 and 2 for independent Gaussian rows), taken as constants. nu is at
        least 3.
        """
        noise, rng, (rows, units) = self.extras.noise, self.draws.numpy, normal.shape[:2]
        if normal.ndim == 2:
            shift, factor = (part[0] for part in noise.draw(1, rows, units, rng, "float64"))
        else:
            pixels = tuple(range(2, normal.ndim))
            v1, v2 = (
                mean.var(0, correction=0).cpu().double().numpy()
                for mean in (normal.detach().mean(pixels), (normal.detach() ** 2).mean(pixels))
            )
            shape = (-(-rows // noise.batch), units)
            freedom = np.maximum(2 * noise.freedom / np.maximum(v2, 1e-12), 3)
            shift = noise.strength * np.sqrt(v1 / noise.batch) * rng.standard_normal(shape)
            factor = np.sqrt(freedom / rng.chisquare(freedom, shape))
            shift, factor = (np.repeat(part, noise.batch, axis=0)[:rows] for part in (shift, factor))
        ends = (rows, units) + (1,) * (normal.ndim - 2)
        shift, factor = (torch.from_numpy(part).to(normal).view(ends) for part in (shift, factor))
        return (normal - shift) * factor

    @torch.no_grad()
    def add_gamma_decay(self):
        r"""Add :math:`2\zeta\gamma` to the gradient by gamma, after the backward pass of a mean loss.

        :math:`\zeta=\frac1{2M}(\frac14\mathrm{Var}[\hat h^2]\,F_\gamma+\mathrm{Var}[\hat h]\,F_\beta)`, which is L19's
        theorem 1 for a fully connected layer. A convolution takes its statistics over pixels as well, so that M images
        are M samples of an image's mean: the two variances are those of the mean over pixels of :math:`\hat h^2` and of
        :math:`\hat h`, and F are mean squared gradients of an image's loss.
        """
        normal, y = self.seen
        own = y.grad * len(normal)
        pixels = tuple(range(2, normal.ndim))
        by_gain, by_shift, square, first = own * normal, own, normal**2, normal
        if pixels:
            by_gain, by_shift = by_gain.sum(pixels), by_shift.sum(pixels)
            square, first = square.mean(pixels), first.mean(pixels)
        spread = first.var(0, correction=0) if pixels else 1.0
        zeta = square.var(0, correction=0) / 8 * (by_gain**2).mean(0) + spread / 2 * (by_shift**2).mean(0)
        self.gain.grad += 2 * zeta / self.extras.gamma_decay * self.gain
        self.seen = None

    @torch.no_grad()
    def _settle(self, h):
        """Take statistics, and at the start gains and shifts, from all rows h of the training set."""
        starting = self.settling == "start"
        if starting and self.kind in UNIT_WEIGHTS:
            variance, mean = _moments(h)
            self.gain.copy_(torch.rsqrt(variance + EPSILON))
            if self.kind == "weight":
                self.shift.copy_(-mean * self.gain)
        if self.kind in FROM_ROWS:
            center, scale = FROM_ROWS[self.kind]
        elif starting and self.kind in FROZEN:
            center, scale = self.kind in ("frozen", "frozen-mean"), self.kind in ("frozen", "frozen-deviation")
        else:
            return
        variance, mean = _moments(h)
        self.mean.copy_(mean if center else torch.zeros_like(mean))
        self.deviation.copy_(torch.sqrt(variance + EPSILON) if scale else torch.ones_like(mean))

    @torch.no_grad()
    def fold(self):
        """Put the normalization into weights and shift, so that the function at test time stays the same."""
        weight, shift = self.folded_weight(), self.shift - self.mean * self.gain / self.deviation
        self.weight.copy_(weight)
        self.shift.copy_(shift)
        self.gain.fill_(1.0).requires_grad_(False)
        self.mean.zero_()
        self.deviation.fill_(1.0)
        self.kind = "none"

    @staticmethod
    def _column(values, ndim):
        """Values by unit (units,) in the shape of weights."""
        return values.view(-1, *(1,) * (ndim - 1))


def _row(values, h):
    """Values by unit (units,) in the shape of pre-activations."""
    return values.view(1, -1, *(1,) * (h.ndim - 2))


def _moments(h):
    """Variance and mean (units,) over rows and pixels."""
    return torch.var_mean(h, (0, *range(2, h.ndim)), correction=0)
