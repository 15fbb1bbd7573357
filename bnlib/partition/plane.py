"""The exact partition that a network makes of a convex polygon in the plane of its inputs, or of a slice through them.

Layer by layer, all cells at once: signs of the layer's units at the vertices, chords in the cells that they cross, and
the cells between the chords. Within a cell a unit is affine, so that a layer's values at new vertices are interpolated
and never computed from the input again.
"""

from dataclasses import dataclass

import numpy as np

from bnlib import checks, memory  # noqa: F401
from bnlib.partition.arrangement import count_crossings
from bnlib.partition.chords import InconsistentError, find_chords
from bnlib.partition.mesh import polygon_mesh
from bnlib.partition.network import Network, activate
from bnlib.partition.result import LayerCuts, Partition
from bnlib.partition.stitching import cut_mesh

TOLERANCE = 1e-11  # pre-activations below this, relative to the terms they add up, are zero
WIDENINGS = 4  # how often the tolerance grows tenfold where round-off makes signs that no line can have


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane in the space of inputs: origin + x basis[0] + y basis[1], with an orthonormal ``basis`` (2, D).

    >>> Plane.through([[0, 0, 1], [2, 0, 1], [5, 3, 1]]).coordinates([[1, 1, 1]])
    array([[1., 1.]])
    """

    origin: np.ndarray
    basis: np.ndarray

    @classmethod
    def through(cls, points):
        """The plane through three points (3, D): the first is its origin, the second lies on its x axis."""
        points = checks.array("points", points, ("points", "inputs"), points=3)
        if points.shape[1] < 2:
            raise ValueError(f"points must have at least 2 inputs; got shape {points.shape}")
        sides = points[1:] - points[0]
        basis, sizes = np.linalg.qr(sides.T)
        if not np.abs(np.diag(sizes)).min() > 1e-12 * np.abs(sizes).max():
            raise ValueError(f"points must not lie on one line; got {points!r}")
        return cls(points[0], (basis * np.sign(np.diag(sizes))).T)

    def inputs(self, xy):
        """The inputs (..., D) at plane coordinates (..., 2)."""
        return self.origin + np.asarray(xy, dtype=np.float64) @ self.basis

    def coordinates(self, x):
        """Plane coordinates (..., 2) of the points of the plane nearest to inputs (..., D)."""
        return (np.asarray(x, dtype=np.float64) - self.origin) @ self.basis.T


def partition(network, polygon, plane=None, *, one_by_one=False):
    """The `Partition` of a convex polygon (m, 2) by a network of two inputs, or by any network on a `Plane`.

    Every unit with an activation splits; a ``linear`` last layer only leaves its zeros as segments. A clockwise polygon
    is turned round; one that is not convex raises ValueError. About 1e6 regions a second; memory is 8 bytes for each
    unit of a layer and each vertex before it, about one vertex a region. ``one_by_one`` cuts by one unit after the
    other, which takes longer, needs no merging of crossings, and gives the same partition.

    >>> from bnlib.partition import AffineLayer
    >>> cross = Network([AffineLayer([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0])])
    >>> cut = partition(cross, [[-1, -1], [2, -1], [2, 2], [-1, 2]])
    >>> sorted(zip(cut.areas.tolist(), cut.codes.astype(int).tolist()))
    [(1.0, [0, 0]), (2.0, [0, 1]), (2.0, [1, 0]), (4.0, [1, 1])]
    """
    walk = _Walk(network, polygon, plane)
    outline = walk.mesh.points
    for layer in network.layers:
        walk.take(layer, one_by_one)
    return Partition(network, plane, outline, walk.mesh, tuple(walk.done))


def cut_layer(mesh, h, tolerance, size, carry, one_by_one=False):
    """(mesh, h, `LayerCuts`) after all units with pre-activations h (V, n) at its vertices have cut a mesh.

    h at the new vertices is interpolated if ``carry``, else None. Where the crossings of chords are too close together
    to be told apart all at once, the units cut one after the other.
    """
    signs, slots, chords = _find_chords(h, mesh, tolerance)
    if not one_by_one:
        try:
            after, carried, cut = cut_mesh(mesh, signs, slots, chords, h if carry else None, size)
            return after, carried, LayerCuts(mesh, signs, slots, chords, (cut,))
        except InconsistentError:
            pass
    after, cuts = mesh, []
    for unit in range(h.shape[1]):
        found = _find_chords(h[:, [unit]], after, tolerance[[unit]])
        after, h, cut = cut_mesh(after, *found, h, size)
        cuts.append(cut)
    return after, h if carry else None, LayerCuts(mesh, signs, slots, chords, tuple(cuts))


def count_regions(network, polygon, plane=None):
    """How many regions `partition` makes, without placing the vertices of the last layer's cells.

    Crossings are looked for along one chord of each two, so that the two may differ where lines miss one another by
    about the tolerance, 1e-11.

    >>> from bnlib.partition import AffineLayer
    >>> lines = AffineLayer([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [0.0, 0.0, 0.5])
    >>> square = [[-1, -1], [1, -1], [1, 1], [-1, 1]]
    >>> count_regions(Network([lines]), square), count_regions(Network([AffineLayer(lines.weight, 0.0)]), square)
    (7, 6)
    """
    *before, last = [layer for layer in network.layers if not layer.linear] or [None]
    walk = _Walk(network, polygon, plane)
    for layer in before:
        walk.take(layer)
    return walk.mesh.cells if last is None else walk.mesh.cells + walk.added(last)


class _Walk:
    """A mesh on its way through the layers, with the layer inputs ``z`` at its vertices."""

    def __init__(self, network, polygon, plane):
        if not isinstance(network, Network):
            raise ValueError(f"network must be a Network; got {network!r}")
        if plane is None and network.inputs != 2:
            raise ValueError(f"network must have 2 inputs where no plane is given; got {network.inputs}")
        if plane is not None and len(plane.origin) != network.inputs:
            raise ValueError(f"plane must lie in a space of {network.inputs} inputs; got {len(plane.origin)}")
        self.network, self.mesh, self.done = network, polygon_mesh(polygon), []
        self.z = self.mesh.points if plane is None else plane.inputs(self.mesh.points)
        self.largest = np.abs(self.z).max(axis=0)
        self.size = float(np.hypot(*np.ptp(self.mesh.points, axis=0)))

    def values(self, layer):
        """The layer's pre-activations h (V, n), and what is zero among them."""
        return layer.preactivation(self.z), TOLERANCE * layer.magnitude(self.largest)

    def take(self, layer, one_by_one=False):
        """Cut by a layer, or, if it is linear, only find its segments."""
        h, tolerance = self.values(layer)
        if layer.linear:
            self.done.append(LayerCuts(self.mesh, *_find_chords(h, self.mesh, tolerance), ()))
            return
        carry = layer is not self.network.layers[-1]
        self.mesh, self.z, cuts = cut_layer(self.mesh, h, tolerance, self.size, carry, one_by_one)
        self.done.append(cuts)
        if carry:
            self.largest = _largest(h)  # at the old vertices, which bounds it at the new ones
            activate(self.z, self.network.slope, out=self.z)

    def added(self, layer):
        """How many cells a last layer adds."""
        h, tolerance = self.values(layer)
        found = LayerCuts(self.mesh, *_find_chords(h, self.mesh, tolerance), ())
        lead = np.flatnonzero(found.chords.leads)
        begin, end = found.points[lead].transpose(1, 0, 2)
        try:
            return len(lead) + count_crossings(found.chords.rank[lead], begin, end - begin, self.size)
        except InconsistentError:
            return cut_layer(self.mesh, h, tolerance, self.size, False, one_by_one=True)[0].cells - self.mesh.cells


def _find_chords(h, mesh, tolerance):
    """(signs, slots, chords), with as narrow a tolerance as gives every cell and unit two ends or none."""
    for widening in range(WIDENINGS + 1):
        try:
            return find_chords(mesh, h, tolerance * 10.0**widening)
        except InconsistentError:
            if widening == WIDENINGS:
                raise


def _largest(h, rows=16):
    """The largest |h| (n,) of each column of h (V, n); NumPy is quick at this in long rows only."""
    cut = len(h) // rows * rows
    long = h[:cut].reshape(-1, rows * h.shape[1])
    parts = [h[cut:], *((end.reshape(rows, -1) for end in (long.max(axis=0), long.min(axis=0))) if cut else ())]
    return np.abs(np.concatenate(parts)).max(axis=0)
