"""Decision boundaries in the plane, exactly: those that batches make, and how far points are from them.

For a network of two inputs whose last layer is ``linear`` with one unit, the logit. The boundary is the logit's folded
hyperplane, found by the exact partition of a square around the points.
"""

import numpy as np

from bnlib.checks import array, positive
from bnlib.partition.geometry import segment_distances
from bnlib.partition.plane import partition

SQUARE = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def boundary(network, polygon):
    """Segments (s, 2, 2) of the decision boundary in a convex polygon (m, 2).

    >>> from bnlib.partition import AffineLayer, Network
    >>> line = Network([AffineLayer([[1.0, 0.0]], [0.5], linear=True)])
    >>> boundary(line, SQUARE)[..., 0].tolist()
    [[-0.5, -0.5]]
    """
    last = network.layers[-1]
    if not last.linear or len(last.weight) != 1:
        raise ValueError(f"network must end in a linear layer of one unit; its last layer is {last!r}")
    return partition(network, polygon).segments[len(network.layers) - 1, 0]


def boundaries_by_batch(network, points, batches, polygon):
    """The decision boundary with the statistics of each batch: a list of segments (s, 2, 2).

    ``batches`` are indices (count, B) into ``points`` (N, 2), such as `bnlib.partition.jitter.draw_batches` gives.
    """
    points = array("points", points, ("N", "xy"), xy=2)
    return [boundary(network.with_statistics_of(points[batch]), polygon) for batch in np.asarray(batches, dtype=int)]


def margins(network, points, labels, reach=4.0):
    """Signed distances (N,) of points to the decision boundary, above zero where the logit has the label's sign.

    ``labels`` are +1 or -1. The boundary is followed in a square around the points that reaches ``reach`` times as far
    as they do; what lies beyond is not seen, and without any boundary in the square the distance is infinite.

    >>> from bnlib.partition import AffineLayer, Network
    >>> line = Network([AffineLayer([[1.0, 0.0]], [0.0], linear=True)])
    >>> margins(line, [[2.0, 0.0], [-1.0, 3.0]], [1, 1]).tolist()
    [2.0, -1.0]
    """
    points = array("points", points, ("N", "xy"), xy=2)
    labels = array("labels", labels, ("N",), N=len(points))
    if not np.isin(labels, (-1, 1)).all():
        raise ValueError(f"labels must be +1 or -1; got {np.unique(labels)!r}")
    centre = points.mean(axis=0)
    size = positive("reach", reach) * max(np.abs(points - centre).max(), 1e-9)
    distance = segment_distances(points, boundary(network, centre + size * SQUARE))
    return np.where(labels * network.forward(points)[:, 0] > 0, distance, -distance)
