"""A convex polygon cut into convex cells: vertices, edges that two cells share, and a loop of half-edges a cell.

Cells run counter-clockwise. All arrays count from 0; "half-edge" h of a cell starts at ``vertex[h]`` and runs along
``edge[h]``, against its direction where ``back[h]``.
"""

from dataclasses import dataclass

import numpy as np

from bnlib import checks

FLAT_CORNER = 1e-12  # how far a corner may turn the wrong way, relative to its two sides


@dataclass(frozen=True, eq=False)
class Mesh:
    """Points (V, 2), loops (H,) of the cells start[f]:start[f + 1], and edges (E,) from tail to head."""

    points: np.ndarray
    start: np.ndarray
    vertex: np.ndarray
    edge: np.ndarray
    back: np.ndarray
    tail: np.ndarray
    head: np.ndarray
    falling: np.ndarray  # whether the edge's direction goes to smaller x, or straight down

    @property
    def cells(self):
        """The number of cells."""
        return len(self.start) - 1

    def cell_of_half_edge(self):
        """Cell (H,) of every half-edge."""
        return np.repeat(np.arange(self.cells), np.diff(self.start))

    def following(self):
        """The next half-edge (H,) of the same cell."""
        following = np.arange(1, len(self.vertex) + 1)
        following[self.start[1:] - 1] = self.start[:-1]
        return following

    def areas(self):
        """Areas (F,) of the cells, each by the shoelace formula from its own first corner."""
        corner = self.points[self.vertex] - np.repeat(self.points[self.vertex[self.start[:-1]]], self.sizes(), axis=0)
        after = corner[self.following()]
        doubled = corner[:, 0] * after[:, 1] - corner[:, 1] * after[:, 0]
        return np.add.reduceat(doubled, self.start[:-1]) / 2

    def sizes(self):
        """Corners (F,) of the cells."""
        return np.diff(self.start)


def polygon_mesh(polygon):
    """The mesh of one cell, a convex polygon (m, 2) in either sense; a clockwise one is turned round.

    Corners of 180 degrees are allowed. Raises ValueError if the polygon is not convex, winds twice or has no area.

    >>> polygon_mesh([[0, 0], [0, 1], [1, 1], [1, 0]]).points[:2].tolist()  # was clockwise
    [[1.0, 0.0], [1.0, 1.0]]
    """
    corners = checks.array("polygon", polygon, ("corners", "xy"), xy=2)
    if len(corners) < 3:
        raise ValueError(f"polygon must have at least 3 corners; got {len(corners)}")
    sides = np.roll(corners, -1, axis=0) - corners
    lengths = np.hypot(*sides.T)
    if not lengths.min() > FLAT_CORNER * lengths.max():
        raise ValueError(f"polygon must have no repeated corner; got {polygon!r}")
    if cross(corners - corners[0], np.roll(corners, -1, axis=0) - corners[0]).sum() < 0:
        return polygon_mesh(corners[::-1])
    turns = cross(sides, np.roll(sides, -1, axis=0)) / (lengths * np.roll(lengths, -1))
    angles = np.arctan2(
        turns, np.einsum("ij,ij->i", sides, np.roll(sides, -1, axis=0)) / lengths / np.roll(lengths, -1)
    )
    if turns.min() < -FLAT_CORNER or not np.isclose(angles.sum(), 2 * np.pi) or not turns.max() > FLAT_CORNER:
        raise ValueError(f"polygon must be convex, wind once and have an area; got {polygon!r}")
    m = len(corners)
    return Mesh(
        corners, np.array([0, m]), np.arange(m), np.arange(m), np.zeros(m, bool), np.arange(m),
        np.roll(np.arange(m), -1), falls(sides),
    )  # fmt: skip


def cross(u, v):
    """The third component of u x v, for vectors (..., 2)."""
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]


def falls(direction):
    """Whether directions (..., 2) go to smaller x, or straight down."""
    dx, dy = direction[..., 0], direction[..., 1]
    return (dx < 0) | ((dx == 0) & (dy < 0))


def starts(counts):
    """Where each of consecutive groups of these sizes begins."""
    return np.cumsum(counts) - counts


def counting(first, counts):
    """The whole numbers first[i], ..., first[i] + counts[i] - 1 of all i in a row.

    >>> counting(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    return np.arange(counts.sum()) + np.repeat(first - starts(counts), counts)


def order_along(line, share):
    """The order (m,) by line, then by share in [0, 1]: one sort of their sum, and two where that is too coarse.

    >>> order_along(np.array([1, 0, 0]), np.array([0.5, 0.75, 0.25])).tolist()
    [2, 1, 0]
    """
    order = np.argsort(line + share)
    first, then = line[order], share[order]
    if ((first[1:] < first[:-1]) | ((first[1:] == first[:-1]) & (then[1:] < then[:-1]))).any():
        order = np.lexsort((share, line))
    return order
