"""Piecewise-affine networks of affine and batch-normalization layers (Balestriero and Baraniuk 2022, here B22).

Layer l maps z_l to z_{l+1} = a(h_l) with a(t) = t for t >= 0 and slope * t below: slope 0 is ReLU, a slope in (0, 1)
leaky ReLU, -1 the absolute value. Layers and units count from 0, as in B22.
"""

from dataclasses import dataclass, field

import numpy as np

from bnlib import checks

CONSTANT = 1e-12  # a unit whose deviation is below this, relative to its terms, does not vary over the data


@dataclass(frozen=True, eq=False)
class AffineLayer:
    """h = W z + c (B22 eq (1)); weight (n, d), bias (n,). With ``linear`` it has no activation: the decision layer.

    >>> AffineLayer([[1.0, 2.0]], [0.5]).preactivation(np.array([1.0, 1.0]))
    array([3.5])
    """

    weight: np.ndarray
    bias: np.ndarray
    linear: bool = field(default=False, kw_only=True)

    def __post_init__(self):
        weight = _weight(self.weight)
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "bias", _per_unit("bias", self.bias, len(weight)))

    def preactivation(self, z):
        """h at layer inputs z (..., d): (..., n)."""
        h = z @ self.weight.T
        h += self.bias
        return h

    def affine(self):
        """(W, c) with h = W z + c: shapes (n, d) and (n,)."""
        return self.weight, self.bias

    def magnitude(self, largest):
        """A bound (n,) on the terms that h adds up where |z_j| <= ``largest`` (d,); round-off is relative to it."""
        return np.abs(self.weight) @ largest + np.abs(self.bias)


@dataclass(frozen=True, eq=False)
class BatchNormLayer:
    """h = gamma (W z - mu) / sigma + beta (B22 eq (2)); weight (n, d), the others (n,) or one number for all units.

    gamma may be negative but not 0, where a unit has no hyperplane. B22's analysis has gamma = 1 and beta = 0.

    >>> BatchNormLayer([[2.0]], mu=[1.0], sigma=[4.0]).preactivation(np.array([2.5]))
    array([1.])
    """

    weight: np.ndarray
    mu: np.ndarray
    sigma: np.ndarray
    gamma: np.ndarray = 1.0
    beta: np.ndarray = 0.0
    linear: bool = field(default=False, kw_only=True)

    def __post_init__(self):
        weight = _weight(self.weight)
        object.__setattr__(self, "weight", weight)
        for name in ("mu", "sigma", "gamma", "beta"):
            object.__setattr__(self, name, _per_unit(name, getattr(self, name), len(weight)))
        if (self.sigma <= 0).any():
            raise ValueError(f"sigma must be > 0 for every unit; got {self.sigma!r}")
        if (self.gamma == 0).any():
            raise ValueError(f"gamma must not be 0, where a unit has no hyperplane; got {self.gamma!r}")

    def preactivation(self, z):
        """h at layer inputs z (..., d): (..., n)."""
        h = z @ self.weight.T
        h -= self.mu
        h *= self.gamma / self.sigma
        h += self.beta
        return h

    def affine(self):
        """(W', c') with h = W' z + c': shapes (n, d) and (n,)."""
        scale = self.gamma / self.sigma
        return self.weight * scale[:, None], self.beta - self.mu * scale

    def magnitude(self, largest):
        """A bound (n,) on the terms that h adds up where |z_j| <= ``largest`` (d,); round-off is relative to it."""
        terms = np.abs(self.weight) @ largest + np.abs(self.mu)
        return terms * np.abs(self.gamma / self.sigma) + np.abs(self.beta)


@dataclass(frozen=True, eq=False)
class Network:
    """Layers applied one after the other, with one activation; only the last layer may be ``linear``.

    >>> fold = Network([AffineLayer([[1.0, 0.0]], [-1.0])], slope=-1)
    >>> fold.forward([[0.0, 5.0], [3.0, 5.0]])
    array([[1.],
           [2.]])
    >>> fold.codes([[0.0, 5.0], [3.0, 5.0]])
    array([[False],
           [ True]])
    """

    layers: tuple
    slope: float = 0.0

    def __post_init__(self):
        layers = tuple(self.layers)
        if not layers or not all(isinstance(layer, AffineLayer | BatchNormLayer) for layer in layers):
            raise ValueError(f"layers must be one or more AffineLayer or BatchNormLayer; got {self.layers!r}")
        for index, (before, after) in enumerate(zip(layers, layers[1:]), 1):
            if before.linear:
                raise ValueError(f"layers: only the last may be linear; got a linear layer {index - 1}")
            if after.weight.shape[1] != len(before.weight):
                raise ValueError(
                    f"layers: layer {index} must take {len(before.weight)} inputs, as many as layer {index - 1} has "
                    f"units; its weight has shape {after.weight.shape}"
                )
        object.__setattr__(self, "layers", layers)
        object.__setattr__(self, "slope", slope_in_range(self.slope))

    @classmethod
    def with_batch_norm(cls, weights, data, slope=0.0, *, gamma=1.0, beta=0.0):
        """BN layers with these weights [(n_l, n_{l-1})] and the statistics of ``data`` (m, d), layer by layer (eq (3)).

        ``data`` may be a mini-batch. ``gamma`` and ``beta`` are numbers, or lists with an entry (n_l,) for each layer.
        Raises ValueError where a unit does not vary over the data: sigma = 0, all centred inputs orthogonal to it.
        """
        z, layers = checks.array("data", data, ("points", "inputs")), []
        slope = slope_in_range(slope)
        for index, weight in enumerate(weights):
            weight = _weight(weight, f"weights[{index}]", z.shape[1])
            mu, sigma = _statistics(weight, z, f"weights[{index}]")
            own = [value[index] if isinstance(value, list | tuple) else value for value in (gamma, beta)]
            layers.append(BatchNormLayer(weight, mu, sigma, *own))
            z = activate(layers[-1].preactivation(z), slope)
        return cls(layers, slope)

    @classmethod
    def with_bias(cls, weights, biases=None, slope=0.0):
        """Layers without normalization: weights [(n_l, n_{l-1})], biases [(n_l,)], or zero bias if None."""
        biases = [np.zeros(len(weight)) for weight in weights] if biases is None else biases
        if len(biases) != len(weights):
            raise ValueError(f"biases must be as many as weights, {len(weights)}; got {len(biases)}")
        return cls([AffineLayer(weight, bias) for weight, bias in zip(weights, biases)], slope)

    def with_decision(self, weight, bias=0.0):
        """This network with one more layer W z + c without activation, whose zeros are decision boundaries."""
        return Network([*self.layers, AffineLayer(weight, bias, linear=True)], self.slope)

    def with_statistics_of(self, data):
        """The same weights, gamma and beta with all BN statistics taken on ``data`` (m, d), such as a mini-batch."""
        z, layers = self._points("data", data), []
        for index, layer in enumerate(self.layers):
            if isinstance(layer, BatchNormLayer):
                mu, sigma = _statistics(layer.weight, z, f"layers[{index}].weight")
                layer = BatchNormLayer(layer.weight, mu, sigma, layer.gamma, layer.beta, linear=layer.linear)
            layers.append(layer)
            z = activate(layer.preactivation(z), self.slope)
        return Network(layers, self.slope)

    def up_to(self, layer):
        """The network of layers 0 to ``layer``, that one included."""
        return Network(self.layers[: self._layer(layer) + 1], self.slope)

    @property
    def inputs(self):
        """The dimension of the input."""
        return self.layers[0].weight.shape[1]

    @property
    def widths(self):
        """Units of every layer."""
        return tuple(len(layer.weight) for layer in self.layers)

    @property
    def units(self):
        """How many units have an activation, and so a bit in a code."""
        return sum(len(layer.weight) for layer in self.layers if not layer.linear)

    def forward(self, x):
        """Outputs (..., n) of the last layer at inputs x (..., d)."""
        h = self.preactivations(x)[-1]
        return h if self.layers[-1].linear else activate(h, self.slope)

    def preactivations(self, x):
        """[h_l (..., n_l)] of all layers at inputs x (..., d); eq (4) for BN layers."""
        z, found = self._points("x", x), []
        for layer in self.layers:
            found.append(layer.preactivation(z))
            z = activate(found[-1], self.slope)
        return found

    def layer_inputs(self, x):
        """[z_l (..., n_{l-1})], what every layer sees at inputs x (..., d): z_0 = x first."""
        x = self._points("x", x)
        return [x, *(activate(h, self.slope) for h in self.preactivations(x)[:-1])]

    def codes(self, x):
        """Codes (..., units) at inputs x (..., d): bit 1 where h > 0, layer after layer (eq (14))."""
        return np.concatenate([h > 0 for h, layer in zip(self.preactivations(x), self.layers) if not layer.linear], -1)

    def affine_map(self, code, layer=None):
        """(A, b): on the region of ``code`` (..., units), the output of ``layer`` (default: the last) is A x + b.

        B22 eqs (15)-(18), by recursion: A (..., n, d), b (..., n). Bits of later layers may be left out.
        """
        layer = self._layer(layer)
        code, needed = np.asarray(code), self.up_to(layer).units
        if code.ndim == 0 or code.shape[-1] not in (needed, self.units) or not np.isin(code, (0, 1)).all():
            raise ValueError(f"code must be bits of {needed} or {self.units} units; got {code!r}")
        A, b, first = np.eye(self.inputs), np.zeros(self.inputs), 0
        for part in self.layers[: layer + 1]:
            W, c = part.affine()
            A, b = W @ A, (W @ b[..., None])[..., 0] + c
            if not part.linear:
                q = np.where(code[..., first : first + len(W)] == 1, 1.0, self.slope)
                A, b, first = q[..., None] * A, q * b, first + len(W)
        return A, b

    def _points(self, name, x):
        x = np.asarray(x, dtype=np.float64)
        if x.ndim == 0 or x.shape[-1] != self.inputs or not np.isfinite(x).all():
            raise ValueError(f"{name} must be finite, axes (..., {self.inputs}); got shape {x.shape}: {x!r}")
        return x

    def _layer(self, layer):
        layer = len(self.layers) - 1 if layer is None else checks.whole("layer", layer, 0)
        if layer >= len(self.layers):
            raise ValueError(f"layer must be at most {len(self.layers) - 1}; got {layer}")
        return layer


def activate(h, slope, out=None):
    """a(h): h where it is >= 0 and ``slope`` * h below (entry by entry); into ``out`` if given, which may be h.

    >>> activate(np.array([-2.0, 3.0]), -1.0)
    array([2., 3.])
    """
    if slope == 0:
        return np.maximum(h, 0.0, out=out)
    return np.abs(h, out=out) if slope == -1 else np.maximum(h, slope * h, out=out)


def batch_statistics(weight, z):
    """(mu, sigma), each (n,): mean and biased deviation of W z over a batch z (m, d) (B22 eq (3)).

    >>> batch_statistics([[1.0, 0.0]], [[1.0, 7.0], [3.0, 7.0]])
    (array([2.]), array([1.]))
    """
    z = checks.array("z", z, ("points", "inputs"))
    projections = z @ _weight(weight, inputs=z.shape[1]).T
    mu = projections.mean(axis=0)
    return mu, np.sqrt(np.mean((projections - mu) ** 2, axis=0))


def slope_in_range(slope):
    """``slope`` as a float, if it is a number in [-1, 1]."""
    try:
        number = float(slope)
    except (TypeError, ValueError):
        number = np.nan
    if not -1 <= number <= 1:
        raise ValueError(f"slope must be a number in [-1, 1]; got {slope!r}")
    return number


def _statistics(weight, z, name):
    mu, sigma = batch_statistics(weight, z)
    flat = np.flatnonzero(sigma <= CONSTANT * (np.abs(weight) @ np.abs(z).max(axis=0)))
    if len(flat):
        raise ValueError(
            f"{name}: row {flat[0]} has sigma = 0, for all centred inputs of its layer are orthogonal to it; sigma "
            f"must be > 0"
        )
    return mu, sigma


def _weight(value, name="weight", inputs=None):
    weight = checks.array(name, value, ("units", "inputs"), **({} if inputs is None else {"inputs": inputs}))
    empty = np.flatnonzero(~weight.any(axis=1))
    if len(empty):
        raise ValueError(f"{name} must have no zero row, for it has no hyperplane; got one in row {empty[0]}")
    return weight


def _per_unit(name, value, units):
    value = np.asarray(value, dtype=np.float64)
    return checks.array(name, np.full(units, value) if value.ndim == 0 else value, ("units",), units=units)
