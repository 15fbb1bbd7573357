"""Where units change sign in the cells of a mesh: one chord for each unit and each cell that it crosses.

A chord ends where its unit's zero crosses an edge, or at an old vertex where the unit is zero. Which vertices are zero
is decided once, before anything else, and all cells see the same decision.
"""

from dataclasses import dataclass

import numpy as np

from bnlib.partition.mesh import counting, order_along, starts
from bnlib.partition.signs import Signs, set_bits


class InconsistentError(ArithmeticError):
    """Round-off made signs or crossings that no lines can have."""


@dataclass(frozen=True, eq=False)
class Slots:
    """New vertices on the edges, and the boundary pieces of the cells that they make.

    New vertex i lies on ``edge[i]`` at share ``t[i]`` between tail and head; ``count[e]`` of them from ``first[e]`` on
    lie on edge e in this order. Half-edge h has the pieces ("slots") begin[h], ..., begin[h] + count[edge of h].
    """

    edge: np.ndarray
    t: np.ndarray
    count: np.ndarray
    first: np.ndarray
    begin: np.ndarray
    total: int


@dataclass(frozen=True, eq=False)
class Chords:
    """Chords (C,) in the cells of a mesh, in order of the slot where they begin.

    ``slots`` (C, 2) and ``vertices`` (C, 2) of both ends; ``rank`` (C, 2) tells ends at one slot apart, so that chords
    of one cell cross if and only if their ranks interleave. ``group`` (C,) is equal for chords that are one and the
    same (duplicate units), and ``leads`` (C,) says which of a group comes first.
    """

    cell: np.ndarray
    unit: np.ndarray
    slots: np.ndarray
    vertices: np.ndarray
    rank: np.ndarray
    group: np.ndarray
    leads: np.ndarray

    def __len__(self):
        return len(self.cell)


def find_chords(mesh, values, tolerance):
    """(signs, slots, chords) of the units with these ``values`` (V, n) at the mesh's vertices."""
    signs = Signs(values, tolerance)
    edge, unit = set_bits(signs.differing(mesh.tail, mesh.head))
    slots, vertex = _slots(mesh, edge, unit, values, tolerance)
    ends = _ends_on_edges(mesh, slots, edge, unit, vertex)
    if signs.below is not None:
        ends = np.concatenate([ends, _ends_at_vertices(mesh, signs, slots)], axis=1)
    return signs, slots, _paired(ends, len(tolerance))


def _slots(mesh, edge, unit, values, tolerance):
    """The new vertices, and for each crossing (edge, unit) which of them it is; crossings too close are one vertex."""
    flat, n = values.ravel(), values.shape[1]
    at_tail, at_head = flat.take(mesh.tail[edge] * n + unit), flat.take(mesh.head[edge] * n + unit)
    change = at_tail - at_head
    t = at_tail / change
    order, same = np.arange(len(edge)), np.zeros(len(edge), bool)
    shared = np.zeros(len(edge), bool)
    shared[1:] = edge[1:] == edge[:-1]
    if shared.any():
        shared[:-1] |= shared[1:]
        shared = np.flatnonzero(shared)
        order[shared] = shared[order_along(edge[shared], t[shared])]
        later, earlier = order[shared[1:]], order[shared[:-1]]
        unsure = np.maximum(tolerance[unit] / np.abs(change), 0)
        close = t[later] - t[earlier] <= np.maximum(unsure[later], unsure[earlier])
        same[shared[1:]] = close & (edge[later] == edge[earlier])
    vertex = np.empty(len(edge), int)
    vertex[order] = np.cumsum(~same) - 1
    kept = order[~same]
    count = np.bincount(edge[kept], minlength=len(mesh.tail))
    pieces = count[mesh.edge] + 1
    return Slots(edge[kept], t[kept], count, starts(count), starts(pieces), int(pieces.sum())), vertex


def _ends_on_edges(mesh, slots, edge, unit, vertex):
    """Rows cell, unit, slot, vertex of all chord ends on edges; each crossing is an end in both cells of its edge."""
    place = vertex - slots.first[edge]
    cells, parts = mesh.cell_of_half_edge(), []
    for back in (False, True):
        half = np.full(len(mesh.tail), -1)
        which = np.flatnonzero(mesh.back == back)
        half[mesh.edge[which]] = which
        half = half[edge]
        there = half >= 0
        steps = slots.count[edge] - place if back else place + 1
        rows = np.stack([cells[half], unit, slots.begin[half] + steps, len(mesh.points) + vertex])
        parts.append(rows if there.all() else rows[:, there])
    return np.concatenate(parts, axis=1)


def _ends_at_vertices(mesh, signs, slots):
    """The same rows for chords that end at old vertices: a run of zeros between unequal signs, at its first vertex."""
    half, unit, before, after = zero_runs(mesh, signs)[:4]
    through = before * after < 0
    half, unit = half[through], unit[through]
    return np.stack([mesh.cell_of_half_edge()[half], unit, slots.begin[half], mesh.vertex[half]])


def zero_runs(mesh, signs):
    """Runs of zero vertices round cells: (half-edge where it starts, unit, sign before, sign after, length).

    Cells where the unit is zero everywhere have none.
    """
    at_vertex, unit = signs.zeros
    counts = np.bincount(mesh.vertex, minlength=len(mesh.points))
    by_vertex = np.argsort(mesh.vertex, kind="stable")
    half = by_vertex[counting(starts(counts)[at_vertex], counts[at_vertex])]
    unit = np.repeat(unit, counts[at_vertex])
    following = mesh.following()
    preceding = np.empty_like(following)
    preceding[following] = np.arange(len(following))
    before = signs.at(mesh.vertex[preceding[half]], unit)
    half, unit, before = half[before != 0], unit[before != 0], before[before != 0]
    after, length, there = np.zeros_like(before), np.ones(len(half), int), following[half]
    open_ = np.arange(len(half))
    while len(open_):
        after[open_] = signs.at(mesh.vertex[there[open_]], unit[open_])
        open_ = open_[after[open_] == 0]
        length[open_] += 1
        there[open_] = following[there[open_]]
    return half, unit, before, after, length


def _paired(ends, n):
    """The chords with these ends (rows cell, unit, slot, vertex); every cell and unit must have two ends or none."""
    key = ends[0] * n + ends[1]
    order = np.argsort(key)
    key = key[order]
    if len(key) % 2 or (key[::2] != key[1::2]).any() or (key[1:-1:2] == key[2::2]).any():
        raise InconsistentError("a unit's zero meets the boundary of a cell other than twice")
    one, other = order[::2], order[1::2]
    swap = ends[2, one] > ends[2, other]
    one, other = np.where(swap, other, one), np.where(swap, one, other)
    order = np.argsort(ends[2, one], kind="stable")
    one, other = one[order], other[order]
    pairs = np.stack([one, other], axis=1)
    cell, unit, slots, vertices = ends[0, one], ends[1, one], ends[2][pairs], ends[3][pairs]
    if (slots[:, 0] == slots[:, 1]).any():
        raise InconsistentError("a chord begins where it ends")
    return _ranked(cell, unit, slots, vertices)


def _ranked(cell, unit, slots, vertices):
    """Chords with ranks. Where all slots differ they are the ranks; else see `Chords`."""
    C, flat = len(cell), np.sort(slots, axis=None)
    if not (flat[1:] == flat[:-1]).any():
        everyone = np.arange(C)
        return Chords(cell, unit, slots, vertices, slots, everyone, np.ones(C, bool))
    order = np.lexsort((unit, -slots[:, 1], slots[:, 0]))
    cell, unit, slots, vertices = cell[order], unit[order], slots[order], vertices[order]
    leads = np.ones(C, bool)
    leads[1:] = (slots[1:] != slots[:-1]).any(axis=1)
    group = np.cumsum(leads) - 1
    # At one slot, the first chord is the one whose other end is farthest counter-clockwise: of the ends that finish
    # a chord, for which the other end comes after a full turn, the one with the largest other slot; then likewise of
    # those that begin one.
    at = slots.T.ravel()
    beyond = np.concatenate([slots[:, 1], slots[:, 0]])
    order = np.lexsort((np.tile(group, 2), -beyond, np.repeat([1, 0], C), at))
    rank = np.empty(2 * C, int)
    new = np.ones(2 * C, bool)
    same_group = np.tile(group, 2)[order]
    new[1:] = (same_group[1:] != same_group[:-1]) | (at[order][1:] != at[order][:-1])
    rank[order] = np.cumsum(new) - 1
    return Chords(cell, unit, slots, vertices, rank.reshape(2, C).T, group, leads)
