"""Networks and checks that several tests of partitions share."""

import numpy as np

from bnlib.partition import AffineLayer, Network
from bnlib.partition.shapes import random_weights

BOX = [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]
SLOPES = (0.0, 0.1, -1.0)


def random_network(rng, *widths, slope=0.0):
    """The network that the timings use: weights as above, biases of variance 1 / d."""
    weights = random_weights(rng, *widths)
    return Network([AffineLayer(W, rng.standard_normal(len(W)) / np.sqrt(W.shape[1])) for W in weights], slope)


def crossings(ends, p, q):
    """How many segments (s, 2, 2) the path from p to q crosses."""
    u, v = ends[:, 0], ends[:, 1]
    return int(((_side(p, q, u) != _side(p, q, v)) & (_side(u, v, p) != _side(u, v, q))).sum())


def _side(a, b, c):
    return np.sign((b - a)[..., 0] * (c - a)[..., 1] - (b - a)[..., 1] * (c - a)[..., 0])


def star(rng, points=50, centre=(0.3, -0.2), noise=0.02):
    """Samples (points, 2) of a five-pointed outline."""
    angle = rng.uniform(0, 2 * np.pi, points)
    radius = 0.5 + 0.2 * np.cos(5 * angle)
    outline = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return outline + centre + noise * rng.standard_normal((points, 2))


def interior_points(rng, part, of=slice(None)):
    """A random point (R, 2) inside every region: a mean of its corners with random weights that are never small."""
    chosen = [corners for corners in part.regions[of]]
    shares = [rng.uniform(0.5, 1.5, len(corners)) for corners in chosen]
    return np.array([share @ corners / share.sum() for share, corners in zip(shares, chosen)])


def check_mesh(mesh, area):
    """What every partition of a convex polygon is: shared edges, convex cells, Euler's formula, the polygon's area."""
    uses = np.bincount(mesh.edge, minlength=len(mesh.tail))
    assert set(uses) <= {1, 2}
    assert len(mesh.points) - len(mesh.tail) + mesh.cells == 1  # Euler, without the outer face
    start = np.where(mesh.back, mesh.head[mesh.edge], mesh.tail[mesh.edge])
    assert (start == mesh.vertex).all()
    end = np.where(mesh.back, mesh.tail[mesh.edge], mesh.head[mesh.edge])
    assert (end == mesh.vertex[mesh.following()]).all()
    areas = mesh.areas()
    # A cell's area is rounded at the scale of its own sides: cells of almost no width may come out at minus that.
    assert areas.min() > -1e-13 * area
    assert abs(areas.sum() - area) < 1e-12 * area
