"""The signs of a layer's units in its cells, from where the cells lie between the chords.

No pre-activation is evaluated: going round an old cell, a bit flips where one passes the end of its unit's chord, and
going along a chord, bits flip where other chords cross it. So the bits are right, and differ from cell to cell, however
small the cells are.
"""

import numpy as np

from bnlib.partition.mesh import starts
from bnlib.partition.signs import one_bit, unpack


def cell_bits(cut):
    """Bits (F, n) of all units of a `Cut` in its new cells: 1 where the unit is above zero, 0 where it is flat."""
    n = cut.signs.n
    first = cut.signs.first_in_loops(cut.mesh)
    flips = one_bit(cut.chords.unit, first.shape[1])
    if len(cut.lead):
        flips = np.bitwise_xor.reduceat(flips, cut.lead, axis=0)
    order = np.argsort(cut.chords.rank[cut.lead].T.ravel())
    words = np.empty((len(cut.where), first.shape[1]), np.uint64)
    for column in range(first.shape[1]):  # one machine word at a time keeps the memory small
        words[:, column] = _cell_words(cut, first[:, column], flips[:, column], order)
    return unpack(words, n)


def _cell_words(cut, first, flips, order):
    """One word (F,) of the new cells; ``first`` (F_old,) just after each old cell's first corner, ``flips`` (C,)."""
    chords, pieces, C = cut.chords, cut.pieces, len(cut.lead)
    at, cell = chords.slots[cut.lead].T.ravel()[order], np.tile(chords.cell[cut.lead], 2)[order]
    passed = np.bitwise_xor.accumulate(np.tile(flips, 2)[order])  # 0 after each cell, for a chord's ends are two
    base = first.copy()
    corner = at == cut.slots.begin[cut.mesh.start[:-1]][cell]
    base[cell[corner]] = first[cell[corner]] ^ passed[corner]  # the last end at a corner counts
    after = np.empty(2 * C, np.uint64)
    after[order] = base[cell] ^ passed
    left = np.zeros(pieces.Q, np.uint64)  # what to flip, then the bits left of each piece
    left[pieces.first] = after[:C] ^ flips
    left[pieces.first[1:]] ^= after[C:][:-1]
    crossings, met = cut.crossings, cut.crossings.by_vertex
    if len(met):
        together = np.bitwise_xor.reduceat(flips[crossings.chord[met]], starts(crossings.chords_at))
        left[pieces.before + 1] = together[crossings.vertex] ^ flips[crossings.chord]
    left = np.bitwise_xor.accumulate(left)
    words = np.empty(len(cut.where), np.uint64)
    inside = cut.chord >= 0
    piece = cut.where[inside] - pieces.B
    words[inside] = left[piece % max(pieces.Q, 1)] ^ np.where(piece >= pieces.Q, flips[cut.chord[inside]], 0)
    outside = np.flatnonzero(~inside)
    ends_before = np.searchsorted(at, cut.where[outside], "right")
    words[outside] = base[cut.parent[outside]] ^ np.append(np.uint64(0), passed)[ends_before]
    return words
