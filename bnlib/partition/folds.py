"""Fold angles: how a hyperplane of the second layer bends where it crosses one of the first (B22 theorem 3).

The first layer has weights W (n, d) and deviations sigma (n,), the second layer's unit the row u (n,). In a region with
slopes s (1 for a unit above zero, `slope` below), the facet of its folded hyperplane has the normal
v = W^T diag(s / sigma) u; across the first layer's hyperplane k only s_k changes. Angles are in radians.
"""

import math

import numpy as np

from bnlib.checks import array, finite, positive, real, whole
from bnlib.partition.network import slope_in_range


def facet_normals(weight, sigma, row, slopes, unit, slope):
    """The normals (v, v') of the two facets that meet on the first layer's hyperplane ``unit``.

    v belongs to its positive side, v' to the other; ``slopes`` (n,) are those of the region for the other units.

    >>> v, below = facet_normals([[1, 0], [0, 1]], [1, 1], [1, 1], [1, 1], 0, 0.0)
    >>> v.tolist(), below.tolist()
    ([1.0, 1.0], [0.0, 1.0])
    """
    weight, scaled = _scaled(weight, sigma, row)
    slopes, unit = array("slopes", slopes, ("n",), n=len(weight)), _unit(unit, weight)
    others = (slopes * scaled) @ weight - slopes[unit] * scaled[unit] * weight[unit]
    fold = scaled[unit] * weight[unit]
    return others + fold, others + slope_in_range(slope) * fold


def fold_angle(normal, other):
    """The fold (26), the angle between two facets' normals with their signs: 0 goes straight on, pi is a hairpin.

    The interior dihedral angle is pi less the fold. Axes (..., d) -> (...). A cosine of absolute values would show a
    fold of more than 90 degrees as a small one. Computed by an arctangent, exact to round-off for all angles.

    >>> float(fold_angle([1.0, 0.0], [-1.0, 1e-8]).round(6))
    3.141593
    """
    one, two = _directions("normal", normal), _directions("other", other)
    return 2 * np.arctan2(np.linalg.norm(one - two, axis=-1), np.linalg.norm(one + two, axis=-1))


def wall_angle(normal, wall):
    """Angles (24) and (25): between a facet and the hyperplane that it meets, from 0 (aligned) to pi/2.

    >>> float(wall_angle([1.0, 1.0], [-1.0, 0.0])) == math.pi / 4
    True
    """
    one, two = _directions("normal", normal), _directions("wall", wall)
    near, far = np.linalg.norm(one - two, axis=-1), np.linalg.norm(one + two, axis=-1)
    return 2 * np.arctan2(np.minimum(near, far), np.maximum(near, far))


def fold_parameters(weight, sigma, row, slopes, unit):
    """What the fold depends on: b = u_k |w_k|, and the other units' part along (c) and across (t >= 0) w_k.

    The normals are c + b / sigma_k and c + slope b / sigma_k along w_k, and t across.

    >>> fold_parameters([[2, 0], [0, 1]], [1, 1], [3, 4], [1, 1], 0)
    (6.0, 0.0, 4.0)
    """
    weight, scaled = _scaled(weight, sigma, row)
    slopes, unit = array("slopes", slopes, ("n",), n=len(weight)), _unit(unit, weight)
    direction = weight[unit] / np.linalg.norm(weight[unit])
    keep = np.arange(len(weight)) != unit
    others = (slopes[keep] * scaled[keep]) @ weight[keep]
    c = float(others @ direction)
    b = scaled[unit] * float(np.asarray(sigma, dtype=float)[unit]) * np.linalg.norm(weight[unit])
    return float(b), c, float(np.linalg.norm(others - c * direction))


def fold_of_sigma(sigma, b, c, t, slope):
    """The fold as a function of the deviation sigma of the unit that folds, with the others fixed (theorem 3, solved).

    delta = |arccot((c + slope b / sigma) / t) - arccot((c + b / sigma) / t)|, arccot in (0, pi); any shape of sigma.

    >>> float(np.degrees(fold_of_sigma(0.1**0.5, 1, 0, 1, 0.1)).round(1))
    54.9
    """
    sigma, t, slope = finite("sigma", sigma, above=0), positive("t", t), slope_in_range(slope)
    b, c = real("b", b), real("c", c)
    return np.abs(np.arctan2(t, c + slope * b / sigma) - np.arctan2(t, c + b / sigma))


def sharpest_fold(b, c, t, slope):
    """The sigma at which `fold_of_sigma` is largest, and that fold.

    For 0 < slope < 1 it is reached at sigma = |b| sqrt(slope / (c^2 + t^2)): a smaller sigma folds less again. For a
    slope <= 0 the fold grows as sigma falls, and (0.0, its limit) is returned: pi for a slope below zero, the angle of
    the other facet to the hyperplane for ReLU. Slope 1 folds nothing: (0.0, 0.0). b must not be 0.

    >>> sigma, fold = sharpest_fold(1, 0, 1, 0.1)
    >>> round(sigma, 4), round(math.degrees(fold), 2)
    (0.3162, 54.9)
    """
    slope, t = slope_in_range(slope), positive("t", t)
    b, c = real("b", b), real("c", c)
    if b == 0:
        raise ValueError(f"b must be finite and not 0; got {b!r}")
    if slope == 1:
        return 0.0, 0.0
    if slope < 0:
        return 0.0, math.pi
    if slope == 0:
        return 0.0, math.atan2(t, math.copysign(1, b) * c)
    sigma = abs(b) * math.sqrt(slope / (c * c + t * t))
    return sigma, float(fold_of_sigma(sigma, b, c, t, slope))


def _scaled(weight, sigma, row):
    """Weights (n, d) without zero rows, and u / sigma."""
    weight = array("weight", weight, ("n", "d"))
    sigma = array("sigma", sigma, ("n",), n=len(weight))
    if not (sigma > 0).all():
        raise ValueError(f"sigma must be > 0 everywhere; got {sigma!r}")
    if not np.linalg.norm(weight, axis=1).all():
        raise ValueError(f"weight must have no zero row; got {weight!r}")
    return weight, array("row", row, ("n",), n=len(weight)) / sigma


def _unit(unit, weight):
    unit = whole("unit", unit, 0)
    if unit >= len(weight):
        raise ValueError(f"unit must be below {len(weight)}; got {unit}")
    return unit


def _directions(name, vectors):
    vectors = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if not (np.isfinite(vectors).all() and (lengths > 0).all()):
        raise ValueError(f"{name} must be finite and not 0; got {vectors!r}")
    return vectors / lengths
