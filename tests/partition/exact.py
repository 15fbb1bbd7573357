"""An independent slow partition in rational arithmetic: every cell is clipped by one unit after the other.

Floats are rational numbers, so that nothing is rounded here: no tolerance, no vertices shared, no order of crossings.
"""

from fractions import Fraction

import numpy as np


class Cell:
    """A convex polygon with its code and the exact affine map (rows, offsets) of what the layers so far put out."""

    def __init__(self, corners, code, rows, offsets):
        self.corners, self.code, self.rows, self.offsets = corners, code, rows, offsets

    @property
    def area(self):
        """The exact area."""
        pairs = zip(self.corners, self.corners[1:] + self.corners[:1])
        return sum(p[0] * q[1] - p[1] * q[0] for p, q in pairs) / 2


def exact_partition(network, polygon):
    """(cells, {(layer, unit): [chord as a pair of points]}, cells after each layer) for a network of two inputs."""
    corners = [(Fraction(float(x)), Fraction(float(y))) for x, y in polygon]
    one, zero = Fraction(1), Fraction(0)
    cells, chords, counts = [Cell(corners, (), [[one, zero], [zero, one]], [zero, zero])], {}, []
    slope = Fraction(network.slope)
    for index, layer in enumerate(network.layers):
        W, c = exact_affine(layer)
        for unit in range(len(W)):
            chords[index, unit] = []
        after = []
        for cell in cells:
            rows = [[sum(w * row[i] for w, row in zip(ws, cell.rows)) for i in (0, 1)] for ws in W]
            offsets = [sum(w * b for w, b in zip(ws, cell.offsets)) + k for ws, k in zip(W, c)]
            for unit, (g, b) in enumerate(zip(rows, offsets)):
                chord = crossing(cell.corners, g, b)
                chords[index, unit] += [chord] if chord else []
            parts = [cell.corners], [()]
            for g, b in zip(rows, offsets):
                parts = split_all(*parts, g, b)
            for corners, bits in zip(*parts):
                q = [one if bit else slope for bit in bits]
                after.append(Cell(corners, cell.code + bits, [[s * r for r in row] for s, row in zip(q, rows)],
                                  [s * b for s, b in zip(q, offsets)]))  # fmt: skip
        cells = after
        counts.append(len(cells))
    return cells, chords, counts


def exact_affine(layer):
    """The layer's weight and offset as rational numbers, from its own parameters and not from `affine`."""
    rational = np.vectorize(Fraction, otypes=[object])
    W = rational(layer.weight)
    if hasattr(layer, "bias"):
        return W.tolist(), rational(layer.bias).tolist()
    scale = rational(layer.gamma) / rational(layer.sigma)
    return (W * scale[:, None]).tolist(), (rational(layer.beta) - rational(layer.mu) * scale).tolist()


def value(g, b, point):
    """The affine function g . x + b."""
    return g[0] * point[0] + g[1] * point[1] + b


def split_all(polygons, codes, g, b):
    """All polygons split by one unit, and their codes with its bit; a unit that is zero on a polygon has bit 0."""
    parts, bits = [], []
    for polygon, code in zip(polygons, codes):
        for side in (1, -1):
            part = clip(polygon, g, b, side)
            if part is not None:
                parts.append(part)
                bits.append((*code, int(side == 1)))
    return parts, bits


def clip(polygon, g, b, side):
    """The part where side * (g . x + b) >= 0 if it has an inside, else None; where all is zero, side -1 has it."""
    values = [value(g, b, p) for p in polygon]
    if not any(side * v > 0 for v in values):
        return polygon if side == -1 and not any(values) else None
    kept = []
    for p, q, v, w in zip(polygon, polygon[1:] + polygon[:1], values, values[1:] + values[:1]):
        if side * v >= 0:
            kept.append(p)
        if v * w < 0:
            t = v / (v - w)
            kept.append((p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])))
    return kept


def crossing(polygon, g, b):
    """The chord of a polygon on which g . x + b changes sign, or None."""
    values = [value(g, b, p) for p in polygon]
    if not (min(values) < 0 < max(values)):
        return None
    part = clip(polygon, g, b, 1)
    ends = [p for p in part if value(g, b, p) == 0]
    return max(((p, q) for p in ends for q in ends), key=lambda e: (e[0][0] - e[1][0]) ** 2 + (e[0][1] - e[1][1]) ** 2)


def length(chord):
    """The length of a chord as a float."""
    (x, y), (u, v) = chord
    return float((x - u) ** 2 + (y - v) ** 2) ** 0.5
