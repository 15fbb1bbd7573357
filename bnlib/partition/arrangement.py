"""How the chords of each cell cross one another.

That two chords cross is decided by the order of their ends round the cell, never by coordinates; these only order the
crossings along a chord. Crossings that are one point up to round-off become one vertex, with all its chords.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from bnlib.partition.chords import InconsistentError
from bnlib.partition.mesh import counting, cross, order_along

MERGE = 1e-11  # crossings this close to each other's lines, relative to the polygon, are one


@dataclass(frozen=True, eq=False)
class Crossings:
    """Inner vertices (N,) and how chords run through them.

    Vertex i lies at share ``share[i]`` of chord ``on[i]``. Meetings (M,) of a ``chord`` and a ``vertex`` are in order
    of the chord, then along it; ``by_vertex`` (M,) lists them vertex by vertex, each time in order of chords, of which
    ``chords_at`` (N,) meet there.
    """

    on: np.ndarray
    share: np.ndarray
    chord: np.ndarray
    vertex: np.ndarray
    by_vertex: np.ndarray
    chords_at: np.ndarray


def crossing_pairs(rank):
    """(a, b): pairs of chords whose ranks (C, 2), increasing in the first column, interleave: a0 < b0 < a1 < b1."""
    first = np.arange(len(rank))
    inside = np.searchsorted(rank[:, 0], rank[:, 1]) - first - 1
    a, b = np.repeat(first, inside), counting(first + 1, inside)
    both = rank[b, 1] > rank[a, 1]
    return a[both], b[both]


def find_crossings(rank, begin, along, size):
    """`Crossings` of chords with these ranks (C, 2), that begin at points (C, 2) and extend ``along`` (C, 2).

    ``size`` is the polygon's diameter. Raises InconsistentError where merged crossings are not those of lines.
    """
    a, b = crossing_pairs(rank)
    share_a, share_b, turn = _shares(a, b, begin, along)
    share, X, chord = _tamed(np.concatenate([share_a, share_b])), len(a), np.concatenate([a, b])
    order = order_along(chord, share)
    crossing = np.where(order < X, order, order - X)
    lengths = np.hypot(along[:, 0], along[:, 1])
    sine = np.abs(turn) / (lengths[a] * lengths[b])
    joined = _joined(chord[order], share[order], crossing, lengths, sine, size)
    if joined.shape[1]:
        return _merged(a, b, share, order, joined, sine)
    place = np.empty(2 * X, int)
    place[order] = np.arange(2 * X)
    return Crossings(a, share[:X], chord[order], crossing, place.reshape(2, X).T.ravel(), np.full(X, 2))


def count_crossings(rank, begin, along, size):
    """How many cells crossings add to those that the chords alone make: one for each chord beyond the first at each.

    Only where crossings come close together are they all placed along all chords, as `find_crossings` does.
    """
    a, b = crossing_pairs(rank)
    if len(a) < 2:
        return len(a)
    share, _, turn = _shares(a, b, begin, along)
    share, lengths = _tamed(share), np.hypot(along[:, 0], along[:, 1])
    order = np.argsort(a + share)
    if _joined(a[order], share[order], order, lengths, np.abs(turn) / (lengths[a] * lengths[b]), size).shape[1]:
        found = find_crossings(rank, begin, along, size)
        return len(found.chord) - len(found.on)
    return len(a)


def _shares(a, b, begin, along):
    """Where chords a and b cross, as a share of a and of b, and the cross product of their directions, never 0."""
    along_a, along_b = along.take(a, axis=0), along.take(b, axis=0)
    turn = cross(along_a, along_b)
    turn[turn == 0] = np.finfo(float).tiny
    between = begin.take(b, axis=0) - begin.take(a, axis=0)
    return cross(between, along_b) / turn, cross(between, along_a) / turn, turn


def _tamed(share):
    """Shares within [0, 1]: those of chords that are parallel up to round-off may be anything."""
    return share if len(share) == 0 or (share.min() >= 0 and share.max() <= 1) else np.clip(share, 0, 1)


def _joined(chord, share, crossing, lengths, sine, size):
    """Pairs (2, m) of crossings next to each other on a chord, of which each lies on the other's line."""
    gap = (share[1:] - share[:-1]) * lengths[chord[1:]]
    near = np.flatnonzero((chord[1:] == chord[:-1]) & (gap <= np.sqrt(MERGE) * size))  # few: spare the rest the sines
    one, other = crossing[near], crossing[near + 1]
    close = gap[near] * np.minimum(sine[one], sine[other]) <= MERGE * size
    return np.stack([one, other])[:, close]


def _merged(a, b, share, order, joined, sine):
    """`Crossings` with the joined ones made one vertex."""
    X = len(a)
    links = coo_array((np.ones(joined.shape[1], bool), tuple(joined)), shape=(X, X))
    N, label = connected_components(links, directed=False)
    best = np.lexsort((sine, label))  # the best conditioned crossing of each comes last
    best = best[np.append(label[best][1:] != label[best][:-1], True)]
    chord, vertex = np.concatenate([a, b])[order], label[order % X]
    new = np.append(True, (chord[1:] != chord[:-1]) | (vertex[1:] != vertex[:-1]))
    chord, vertex = chord[new], vertex[new]
    chords_at = np.bincount(vertex, minlength=N)
    if (np.bincount(label, minlength=N) != chords_at * (chords_at - 1) // 2).any():
        raise InconsistentError("chords that meet at one point do not all cross there, or cross twice")
    return Crossings(a[best], share[best], chord, vertex, np.argsort(vertex, kind="stable"), chords_at)
