"""From chords and their crossings to the cells between them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from bnlib.partition.arrangement import Crossings, find_crossings
from bnlib.partition.chords import Chords, InconsistentError, Slots
from bnlib.partition.mesh import Mesh, falls, starts
from bnlib.partition.signs import Signs


class Pieces:
    """Numbers the half-edges between cuts: slots first, then pieces of chords forwards, then the same backwards."""

    def __init__(self, slots, crossings, C):
        self.B, self.C, self.M = slots.total, C, len(crossings.chord)
        self.Q = C + self.M
        self.meetings = np.bincount(crossings.chord, minlength=C)
        self.first = starts(self.meetings) + np.arange(C)  # of each chord
        self.last = self.first + self.meetings
        self.before = np.arange(self.M) + crossings.chord  # the piece that ends in each meeting

    def forth(self, piece):
        """The half-edge that runs along a piece from its chord's first end to its second."""
        return self.B + piece

    def back(self, piece):
        """The other half-edge of a piece."""
        return self.B + self.Q + piece


@dataclass(frozen=True, eq=False)
class Cut:
    """A cut of a mesh, and what questions asked later need of it."""

    mesh: Mesh  # before
    signs: Signs
    slots: Slots
    chords: Chords
    lead: np.ndarray  # chords (C,) that lead their group: the others lie on them
    crossings: Crossings  # of the leading chords
    where: np.ndarray  # one half-edge of each new cell, numbered as `Pieces` does

    @cached_property
    def pieces(self):
        """The half-edges' numbers."""
        return Pieces(self.slots, self.crossings, len(self.lead))

    @cached_property
    def chord(self):
        """For each new cell, the leading chord that its half-edge ``where`` runs along, or -1 on the old boundary."""
        inside = self.where >= self.pieces.B
        chord = np.full(len(self.where), -1)
        along = np.repeat(np.arange(len(self.lead)), self.pieces.meetings + 1)
        chord[inside] = along[(self.where[inside] - self.pieces.B) % max(self.pieces.Q, 1)]
        return chord

    @cached_property
    def parent(self):
        """The old cell in which each new one lies."""
        first_slot = self.slots.begin[self.mesh.start[:-1]]
        on_boundary = np.searchsorted(first_slot, self.where, "right") - 1
        return np.where(self.chord < 0, on_boundary, np.append(self.chords.cell[self.lead], 0)[self.chord])


def cut_mesh(mesh, signs, slots, chords, values, size):
    """(new mesh, values at its vertices, `Cut`); ``values`` (V, n) at the old vertices, or None to carry none on."""
    lead = np.flatnonzero(chords.leads)
    ends = chords.vertices.take(lead, axis=0)
    tails, heads = mesh.tail[slots.edge], mesh.head[slots.edge]
    from_tail = mesh.points.take(tails, axis=0)
    on_edges = from_tail + slots.t[:, None] * (mesh.points.take(heads, axis=0) - from_tail)
    points = np.concatenate([mesh.points, on_edges])
    begin = points.take(ends[:, 0], axis=0)
    along = points.take(ends[:, 1], axis=0) - begin
    crossings = find_crossings(chords.rank.take(lead, axis=0), begin, along, size)
    on, share = crossings.on, crossings.share
    points = np.concatenate([points, begin.take(on, axis=0) + share[:, None] * along.take(on, axis=0)])
    if values is not None:
        values = _mixing(len(mesh.points), tails, heads, slots.t, ends[on], share) @ values
    pieces = Pieces(slots, crossings, len(lead))
    following = _following(mesh, slots, chords, lead, crossings, pieces)
    half_edges = _half_edges(mesh, slots, ends, along, crossings, pieces)
    new, where = _traced(points, following, *half_edges, mesh.cells + pieces.Q - len(on))
    return new, values, Cut(mesh, signs, slots, chords, lead, crossings, where)


def _mixing(V, tail, head, t, ends, share):
    """The sparse matrix (V + K + N, V) that takes values at old vertices to those at old, new on edges, and inner ones.

    Inner vertices lie at ``share`` (N,) between two ``ends`` (N, 2), which are old vertices or on edges at share ``t``.
    """
    old = np.arange(V)
    low, high = np.concatenate([old, tail])[ends], np.concatenate([old, head])[ends]
    mid = np.concatenate([np.zeros(V), t])[ends]
    weight = np.stack([1 - share, share], axis=1)
    columns = [old, np.stack([tail, head], axis=1).ravel(), np.stack([low, high], axis=2).ravel()]
    entries = [
        np.ones(V),
        np.stack([1 - t, t], axis=1).ravel(),
        np.stack([weight * (1 - mid), weight * mid], 2).ravel(),
    ]
    lengths = np.repeat([1, 2, 4], [V, len(t), len(share)])
    pointers = np.append(0, np.cumsum(lengths))
    return csr_array((np.concatenate(entries), np.concatenate(columns), pointers), shape=(len(lengths), V))


def _following(mesh, slots, chords, lead, crossings, pieces):
    """The next half-edge of the same new cell, for all of them."""
    following = np.arange(1, pieces.B + 2 * pieces.Q + 1)
    first_slot = slots.begin[mesh.start[:-1]]
    last_slot = np.append(first_slot[1:], pieces.B) - 1
    following[last_slot] = first_slot
    # Round a slot, from one end to the next in order of rank; the first is reached from the slot before.
    order = np.argsort(chords.rank.take(lead, axis=0).T.ravel())
    at, cell = chords.slots.take(lead, axis=0).T.ravel()[order], np.tile(chords.cell[lead], 2)[order]
    leaving = np.concatenate([pieces.forth(pieces.first), pieces.back(pieces.last)])[order]
    arriving = np.concatenate([pieces.back(pieces.first), pieces.forth(pieces.last)])[order]
    new = np.append(True, at[1:] != at[:-1])[: len(at)]
    before = np.where(at == first_slot[cell], last_slot[cell], at - 1)
    following[before[new]] = leaving[new]
    following[arriving] = np.where(np.append(new[1:], True)[: len(at)], at, np.append(leaving[1:], 0)[: len(at)])
    # Round an inner vertex: all chords' first ends in order, then all second ends in the same order.
    meeting, last = crossings.by_vertex, np.cumsum(crossings.chords_at) - 1
    piece = pieces.before[meeting]
    other = np.append(0, piece[:-1])[: len(piece)]
    wraps = starts(crossings.chords_at)
    other[wraps] = piece[last]
    to_first, to_second = pieces.back(other), pieces.forth(other + 1)
    onward, backward = to_first.copy(), to_second.copy()
    onward[wraps], backward[wraps] = to_second[wraps], to_first[wraps]
    following[pieces.forth(piece)], following[pieces.back(piece + 1)] = onward, backward
    return following


def _half_edges(mesh, slots, ends, along, crossings, pieces):
    """(vertex, edge, back) of all half-edges and (tail, head, falling) of all edges."""
    V, K, E = len(mesh.points), len(slots.edge), len(mesh.tail) + len(slots.edge)
    half = np.repeat(np.arange(len(mesh.edge)), slots.count[mesh.edge] + 1)
    step = np.arange(pieces.B) - slots.begin[half]
    edge, back = mesh.edge[half], mesh.back[half]
    place = np.where(back, slots.count[edge] - step, step)
    vertex = np.where(step == 0, mesh.vertex[half], V + slots.first[edge] + place - ~back)
    begin, end = np.empty(pieces.Q, int), np.empty(pieces.Q, int)
    begin[pieces.first], end[pieces.last] = ends.T
    begin[pieces.before + 1] = end[pieces.before] = V + K + crossings.vertex
    tail, head = np.empty(E + pieces.Q, int), np.empty(E + pieces.Q, int)
    first = slots.first + np.arange(len(mesh.tail))  # of the pieces of each old edge
    tail[first], head[first + slots.count] = mesh.tail, mesh.head
    before = np.arange(K) + slots.edge
    head[before] = tail[before + 1] = V + np.arange(K)
    tail[E:], head[E:] = begin, end
    falling = np.concatenate([np.repeat(mesh.falling, slots.count + 1), np.repeat(falls(along), pieces.meetings + 1)])
    piece = E + np.arange(pieces.Q)
    return (
        np.concatenate([vertex, begin, end]),
        np.concatenate([first[edge] + place, piece, piece]),
        np.concatenate([back, np.zeros(pieces.Q, bool), np.ones(pieces.Q, bool)]),
        tail, head, falling,
    )  # fmt: skip


def _traced(points, following, vertex, edge, back, tail, head, falling, cells):
    """The mesh of the loops that ``following`` makes, which must be as many as ``cells``, and one half-edge of each.

    Euler's formula gives the number of cells of a drawing in the plane; a wrong order of crossings gives fewer loops.
    """
    turned = falling[edge] ^ back
    where = following[turned & ~turned[following]]  # each convex cell is entered from the left once
    if len(where) != cells:
        where = _smallest_of_loops(following)
    if len(where) != cells:
        raise InconsistentError(f"the chords make {len(where)} cells where there should be {cells}")
    loops, place = [where], [np.arange(cells)]
    while len(loops[-1]):
        there = following[loops[-1]]
        open_ = there != where[place[-1]]
        loops.append(there[open_])
        place.append(place[-1][open_])
    cell = np.concatenate(place)
    if len(cell) != len(following):
        raise InconsistentError("the loops of the cells are not those of a partition")
    start = np.append(0, np.cumsum(np.bincount(cell, minlength=cells)))
    loop = np.empty(len(following), int)
    for step, (who, half_edge) in enumerate(zip(place, loops)):
        loop[start[who] + step] = half_edge
    return Mesh(points, start, vertex[loop], edge[loop], back[loop], tail, head, falling), where


def _smallest_of_loops(following):
    """The half-edges that are the smallest of their loops, by doubling steps."""
    smallest, jump = np.arange(len(following)), following
    while True:
        smaller = np.minimum(smallest, smallest[jump])
        if (smaller == smallest).all():
            return np.flatnonzero(smallest == np.arange(len(following)))
        smallest, jump = smaller, jump[jump]
