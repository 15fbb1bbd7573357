"""What studies of a partition begin with: data in the plane with a shape to see, and random weights."""

import numpy as np

from bnlib.checks import array, generator, one_of, whole

SHAPES = ("star", "ring", "moons", "spiral")


def shape(name, count, offset=(0.0, 0.0)):
    """Points (N, 2) at equal steps along an outline of about unit size, moved by ``offset``; no randomness.

    "star" has five points of radius 1, inner corners at 0.45; "ring" is the unit circle, "spiral" two turns from
    radius 0.1 to 1, "moons" two half circles of radius 0.6 that reach into each other.

    >>> shape("ring", 4, offset=(1.0, 0.0)).round(12).tolist()
    [[2.0, 0.0], [1.0, 1.0], [0.0, 0.0], [1.0, -1.0]]
    """
    one_of("name", name, SHAPES)
    count = whole("count", count, 2)
    centre = array("offset", offset, ("xy",), xy=2)
    if name == "moons":
        first = count - count // 2
        return np.concatenate([_moon(first, 1), _moon(count - first, -1)]) + centre
    closed = name != "spiral"
    return _equal_steps(_outline(name), count, closed) + centre + 0.0


def moons(count, noise, rng):
    """Two half circles of unit radius that reach into each other, with Gaussian noise: points (N, 2), labels +1 and -1.

    >>> points, labels = moons(6, 0.0, np.random.default_rng(0))
    >>> points.shape, labels.tolist()
    ((6, 2), [1.0, 1.0, 1.0, -1.0, -1.0, -1.0])
    """
    generator("rng", rng)
    count = whole("count", count, 2)
    if not 0 <= noise < np.inf:
        raise ValueError(f"noise must be finite and >= 0; got {noise!r}")
    first = count - count // 2
    points = np.concatenate([_moon(first, 1), _moon(count - first, -1)]) / 0.6
    return points + noise * rng.standard_normal(points.shape), np.repeat([1.0, -1.0], [first, count - first])


def random_weights(rng, *widths):
    """Weights [(n_l, n_{l-1})], Gaussian with variance 2 / fan-in, between layers of these widths, the inputs first.

    >>> [W.shape for W in random_weights(np.random.default_rng(0), 2, 8, 3)]
    [(8, 2), (3, 8)]
    """
    generator("rng", rng)
    sizes = [whole("widths", width, 1) for width in widths]
    return [rng.standard_normal((n, d)) * np.sqrt(2 / d) for d, n in zip(sizes, sizes[1:])]


def _moon(count, sign):
    """Half a circle of radius 0.6: the upper one left of the middle, the lower one right."""
    angle = np.linspace(0, np.pi, count)
    return 0.6 * np.stack([sign * (np.cos(angle) - 0.5), sign * (np.sin(angle) - 0.25)], axis=1)


def _outline(name):
    """A fine polygon through the outline, closed for the star and the ring."""
    if name == "star":
        radius, angle = np.tile([1.0, 0.45], 5), np.pi / 2 + np.arange(10) * np.pi / 5
        return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    if name == "ring":
        angle = np.arange(4096) * 2 * np.pi / 4096
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    turn = np.linspace(0, 1, 2000)
    radius, angle = 0.1 + 0.9 * turn, 4 * np.pi * turn
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _equal_steps(polygon, count, closed):
    """Points at equal steps of arc length along a polygon."""
    path = np.concatenate([polygon, polygon[:1]]) if closed else polygon
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    at = np.linspace(0, length[-1], count, endpoint=not closed)
    return np.stack([np.interp(at, length, path[:, k]) for k in range(2)], axis=1)
