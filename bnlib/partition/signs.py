"""Signs of many units at many vertices, packed in machine words: one row a vertex, one bit a unit."""

import numpy as np

WORD = 64


def pack(bits):
    """Booleans (m, n) as words (m, w); the bits beyond n are 0."""
    packed = np.packbits(bits, axis=1)
    words = -(-bits.shape[1] // WORD)
    padded = np.zeros((len(bits), 8 * words), np.uint8)
    padded[:, : packed.shape[1]] = packed
    return padded.view(np.uint64)


def unpack(words, n):
    """The first n bits of each row of words (m, w): booleans (m, n)."""
    return np.unpackbits(words.view(np.uint8), axis=1, count=n).view(bool) if len(words) else np.zeros((0, n), bool)


def set_bits(words):
    """(row, bit) of every bit that is set in words (m, w), in order of row, then of bit.

    >>> set_bits(pack(np.array([[False, True, True], [True, False, False]])))
    (array([0, 0, 1]), array([1, 2, 0]))
    """
    some = np.flatnonzero(words)
    octets = words.ravel()[some].view(np.uint8)
    set_octets = np.flatnonzero(octets != 0)
    bit = np.flatnonzero(np.unpackbits(octets[set_octets]).view(bool))
    octet = set_octets[bit >> 3]
    row, column = np.divmod(some[octet >> 3], words.shape[1])
    return row, WORD * column + 8 * (octet & 7) + (bit & 7)


def one_bit(columns, w):
    """Rows (m, w) of words with the one bit ``columns`` (m,) set."""
    row = np.zeros((len(columns), 8 * w), np.uint8)
    row[np.arange(len(columns)), columns // 8] = 128 >> (columns % 8)
    return row.view(np.uint64)


class Signs:
    """Which units are above, below or on zero at the vertices: |value| <= tolerance counts as zero.

    ``above`` (V, w), and ``below`` likewise or None where nothing is zero.
    """

    def __init__(self, values, tolerance):
        self.n = values.shape[1]
        widest = tolerance.max()  # comparisons with one number are faster, and mostly enough
        above, below = values > widest, values < -widest
        generic = np.count_nonzero(above) + np.count_nonzero(below) == above.size
        if not generic:
            above, below = values > tolerance, values < -tolerance
        self.above = pack(above)
        beyond = ~pack(np.ones((1, self.n), bool))  # bits without a unit count as below
        self.below = None if generic else pack(below) | beyond

    @property
    def zeros(self):
        """(vertex, unit) of every zero."""
        if self.below is None:
            return np.zeros(0, int), np.zeros(0, int)
        return set_bits(~(self.above | self.below))

    def differing(self, tail, head):
        """Words (E, w): units that are strictly above zero at one end of an edge and strictly below at the other."""
        if self.below is None:
            return self.above.take(tail, axis=0) ^ self.above.take(head, axis=0)
        above, below = self.above, self.below
        return (above[tail] & below[head]) | (below[tail] & above[head])

    def at(self, vertex, unit):
        """-1, 0 or 1 at (vertex, unit) pairs (m,)."""
        above = _bit(self.above, vertex, unit)
        below = ~above if self.below is None else _bit(self.below, vertex, unit)
        return above.astype(np.int8) - below

    def first_in_loops(self, mesh):
        """Words (F, w): the first sign that is not zero from each cell's first corner on; 0 where all are zero."""
        first = mesh.start[:-1]
        found = self.above[mesh.vertex[first]]
        if self.below is None:
            return found
        open_ = ~(found | self.below[mesh.vertex[first]])
        for step in range(1, mesh.sizes().max()):
            inside = np.flatnonzero((first + step < mesh.start[1:]) & open_.any(axis=1))
            corner = mesh.vertex[first[inside] + step]
            found[inside] |= self.above[corner] & open_[inside]
            open_[inside] &= ~(self.above[corner] | self.below[corner])
        return found

    def met(self, mesh):
        """Words (F, w) twice: units above zero, and below zero, at some corner of the cell."""
        below = ~self.above if self.below is None else self.below
        both = [np.bitwise_or.reduceat(words[mesh.vertex], mesh.start[:-1], axis=0) for words in (self.above, below)]
        return tuple(both)


def _bit(words, row, column):
    octet = words.view(np.uint8)[row, column // 8]
    return (octet >> (7 - column % 8).astype(np.uint8) & 1).astype(bool)
