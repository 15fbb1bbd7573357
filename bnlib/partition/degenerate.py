"""Lines that are not in general position: each case gets its name, and none is dropped."""

from dataclasses import dataclass

import numpy as np

from bnlib.partition.chords import zero_runs
from bnlib.partition.mesh import cross
from bnlib.partition.signs import set_bits

KINDS = ("concurrent", "duplicate", "parallel", "vertex", "edge", "flat", "empty")
PARALLEL = 1e-11  # the sine below which chords of one cell are parallel ...
LONG = 1e-4  # ... if they are this long, relative to the polygon: of shorter ones the direction is not known so well
NEAR = 1e-9  # how far from a chord a vertex may lie that is on it, relative to the polygon


@dataclass(frozen=True, eq=False)
class Degenerate:
    """One case, at a ``layer`` and for its ``units``.

    kind          means
    "concurrent"  three or more zeros meet at ``points`` (1, 2): these units', or two and an edge of an earlier layer
    "duplicate"   the units' zeros are one and the same in some cells (``cells``, how many)
    "parallel"    the units' zeros are parallel and apart in some cells
    "vertex"      the unit's zero passes through vertices of earlier layers, at ``points``
    "edge"        the unit's zero lies on edges of earlier layers, where it does not change sign
    "flat"        the unit is zero on whole cells: its folded hyperplane has an inside (bit 0)
    "empty"       the unit's zero does not meet the polygon's inside
    """

    kind: str
    layer: int
    units: tuple
    cells: int = 0
    points: np.ndarray | None = None


def degenerate_cases(layers):
    """[`Degenerate`] of all `LayerCuts`, layer after layer, in the order of ``KINDS``."""
    found = []
    for index, layer in enumerate(layers):
        flat, edge, vertex = _of_old_cells(layer)
        found += [Degenerate("concurrent", index, *case) for case in _concurrent(layer)]
        found += _in_common(index, layer)
        found += [Degenerate("vertex", index, (u,), points=points) for u, points in sorted(vertex.items())]
        found += [Degenerate("edge", index, (u,), cells) for u, cells in sorted(edge.items())]
        found += [Degenerate("flat", index, (u,), cells) for u, cells in sorted(flat.items())]
        absent = set(range(layer.signs.n)) - set(layer.chords.unit.tolist()) - set(flat) - set(edge)
        found += [Degenerate("empty", index, (u,)) for u in sorted(absent)]
    return found


def _of_old_cells(layer):
    """({unit: flat cells}, {unit: cells with the zero along a side}, {unit: points}) of zeros at old vertices."""
    flat, edge, vertex = {}, {}, {}
    mesh, signs = layer.mesh, layer.signs
    if signs.below is None:
        return flat, edge, vertex
    above, below = signs.met(mesh)
    flat_cell, flat_unit = set_bits(~(above | below))
    half, run_unit, before, after, length = zero_runs(mesh, signs)
    along = length > 1
    explained = [np.stack([mesh.vertex[mesh.start[f] : mesh.start[f + 1]], np.full(mesh.sizes()[f], u)])
                 for f, u in zip(flat_cell, flat_unit)]  # fmt: skip
    following = mesh.following()
    there, units, left = half[along], run_unit[along], length[along]
    while len(there):
        explained.append(np.stack([mesh.vertex[there], units]))
        there, units, left = following[there[left > 1]], units[left > 1], left[left > 1] - 1
    told = {tuple(pair) for part in explained for pair in part.T.tolist()}
    for unit in flat_unit.tolist():
        flat[unit] = flat.get(unit, 0) + 1
    for unit in run_unit[along & (before == after)].tolist():
        edge[unit] = edge.get(unit, 0) + 1
    alone = sorted(pair for pair in zip(*(part.tolist() for part in signs.zeros)) if pair not in told)
    for unit in {unit for _, unit in alone}:
        vertex[unit] = mesh.points[[v for v, u in alone if u == unit]]
    return flat, edge, vertex


def _concurrent(layer):
    """(units, cells, point) of the new vertices where the zeros of this layer meet as three lines or more."""
    points, chords, size = _crowded(layer), layer.points, np.ptp(layer.mesh.points, axis=0).max()
    begin, along = chords[:, 0], chords[:, 1] - chords[:, 0]
    squared = np.maximum(np.einsum("ij,ij->i", along, along), np.finfo(float).tiny)
    for point in points:
        share = np.clip(np.einsum("ij,ij->i", point - begin, along) / squared, 0, 1)
        distance = np.hypot(*(begin + share[:, None] * along - point).T)
        units = np.unique(layer.chords.unit[distance <= NEAR * size])
        yield tuple(units.tolist()), 0, point[None]


def _crowded(layer):
    """The new vertices (m, 2) at which more than two lines meet."""
    if len(layer.cuts) > 1:  # one after the other: where a later unit passed through a vertex that an earlier one made
        made = len(layer.mesh.points)
        found = [np.unique(c.chords.vertices[(c.chords.vertices >= made) & (c.chords.vertices < len(c.mesh.points))])
                 for c in layer.cuts]  # fmt: skip
        last = layer.cuts[-1].mesh.points
        return last[np.unique(np.concatenate(found))]
    lead, ends = np.flatnonzero(layer.chords.leads), layer.points
    cell = np.repeat(layer.chords.cell[lead], 2)
    vertex, place = layer.chords.vertices[lead].ravel(), ends[lead].reshape(-1, 2)
    new = vertex >= len(layer.mesh.points)
    key, first, count = np.unique(np.stack([cell, vertex])[:, new], axis=1, return_index=True, return_counts=True)[:3]
    shared, once = np.unique(key[1, count > 1], return_index=True)
    points = [place[new][first[count > 1]][once]]
    for cut in layer.cuts:
        many = cut.crossings.chords_at > 2
        begin, end = ends[cut.lead[cut.crossings.on[many]]].transpose(1, 0, 2)
        points.append(begin + cut.crossings.share[many][:, None] * (end - begin))
    return np.concatenate(points)


def _in_common(index, layer):
    """ "duplicate" and "parallel" cases of a layer, by the set of units."""
    chords = layer.chords
    leads = np.flatnonzero(chords.leads)
    sets = {"duplicate": {}, "parallel": {}}
    for group in np.split(np.arange(len(chords)), leads[1:]) if not chords.leads.all() else ():
        if len(group) > 1:
            _count(sets["duplicate"], chords.unit[group])
    along = (layer.points[:, 1] - layer.points[:, 0])[leads]
    lengths = np.hypot(*along.T)
    size = np.ptp(layer.mesh.points, axis=0).max()
    long = lengths > LONG * size
    cell, unit, along = chords.cell[leads][long], chords.unit[leads][long], along[long] / lengths[long, None]
    along[along[:, 1] < -PARALLEL] *= -1
    along[(np.abs(along[:, 1]) <= PARALLEL) & (along[:, 0] < 0)] *= -1
    order = np.lexsort((np.arctan2(along[:, 1], along[:, 0]), cell))
    cell, unit, along = cell[order], unit[order], along[order]
    same = (cell[1:] == cell[:-1]) & (np.abs(cross(along[1:], along[:-1])) <= PARALLEL)
    for run in np.split(np.arange(len(cell)), np.flatnonzero(~same) + 1) if same.any() else ():
        if len(run) > 1:
            _count(sets["parallel"], unit[run])
    return [Degenerate(kind, index, units, cells) for kind in sets for units, cells in sorted(sets[kind].items())]


def _count(cases, units):
    key = tuple(sorted(units.tolist()))
    cases[key] = cases.get(key, 0) + 1
