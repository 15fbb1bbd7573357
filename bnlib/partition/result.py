"""What `partition` returns. Most of it is worked out when it is first asked for."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bnlib.partition.cell_codes import cell_bits
from bnlib.partition.chords import Chords, Slots
from bnlib.partition.degenerate import degenerate_cases
from bnlib.partition.mesh import Mesh
from bnlib.partition.signs import Signs


@dataclass(frozen=True, eq=False)
class LayerCuts:
    """What one layer's units do to the cells before it.

    ``cuts`` is one `Cut` by all units, one by each unit in turn where they were too close together for that, and none
    for a decision layer, which does not split.
    """

    mesh: Mesh  # before the layer
    signs: Signs
    slots: Slots
    chords: Chords
    cuts: tuple

    @cached_property
    def parent(self):
        """Cell before the layer, for each cell after it."""
        parent = np.arange(self.mesh.cells)
        for cut in self.cuts:
            parent = parent[cut.parent]
        return parent

    @cached_property
    def bits(self):
        """Bits (F, n) of the layer's units in the cells after it."""
        if len(self.cuts) == 1:
            return cell_bits(self.cuts[0])
        columns = []
        for cut in self.cuts:
            columns = [column[cut.parent] for column in columns] + [cell_bits(cut)[:, 0]]
        return np.stack(columns, axis=1)

    @cached_property
    def points(self):
        """Ends (C, 2, 2) of the chords in the plane."""
        mesh, edge, t = self.mesh, self.slots.edge, self.slots.t[:, None]
        tail, head = mesh.points[mesh.tail[edge]], mesh.points[mesh.head[edge]]
        return np.concatenate([mesh.points, tail + t * (head - tail)])[self.chords.vertices]


@dataclass(frozen=True, eq=False)
class Partition:
    """A convex polygon cut into the regions where a network is affine; regions are numbered from 0.

    ``polygon`` is counter-clockwise, ``plane`` None or the `Plane` in which everything here is drawn.
    """

    network: object
    plane: object
    polygon: np.ndarray
    mesh: Mesh  # the regions as cells that share vertices and edges
    layers: tuple  # `LayerCuts`

    def __len__(self):
        return self.mesh.cells

    @cached_property
    def regions(self):
        """The regions as a list of corner arrays (k, 2), counter-clockwise. Neighbours' corners on a side count too."""
        return np.split(self.mesh.points[self.mesh.vertex], self.mesh.start[1:-1])

    @cached_property
    def areas(self):
        """Areas (R,)."""
        return self.mesh.areas()

    @cached_property
    def codes(self):
        """Codes (R, units), all different: bit 1 where a unit is above zero (B22 eq (14)), layer after layer.

        They follow from where regions lie between the units' zeros, so that round-off cannot change one.
        """
        return self.codes_up_to(len(self.layers) - 1)

    @cached_property
    def maps(self):
        """(A, b): the network's output in region r is A[r] x + b[r], A (R, n, inputs), b (R, n) (B22 eqs (16)-(18))."""
        return self.network.affine_map(self.codes)

    @cached_property
    def segments(self):
        """{(layer, unit): ends (s, 2, 2)}: where its zero (B22's folded hyperplane) crosses cells of earlier layers.

        One segment for each such cell, which may be none. Zeros that run along old edges or fill whole cells are no
        segments; see `degenerate`.
        """
        return self._by_unit([layer.points for layer in self.layers])

    @cached_property
    def segment_codes(self):
        """{(layer, unit): codes (s, units of earlier layers)} of the cells that the `segments` cross."""
        return self._by_unit([self.codes_up_to(i - 1)[layer.chords.cell] for i, layer in enumerate(self.layers)])

    @cached_property
    def regions_up_to_layer(self):
        """[regions of the partition by layers 0 to l], for every layer l that splits."""
        after = [layer.mesh.cells for layer in self.layers[1:]] + [len(self)]
        return [cells for cells, layer in zip(after, self.layers) if layer.cuts]

    @cached_property
    def degenerate(self):
        """[`Degenerate`]: every case in which lines are not in general position, by name."""
        return degenerate_cases(self.layers)

    def up_to(self, layer):
        """The mesh of the regions up to a layer, that one included."""
        return self.layers[layer + 1].mesh if layer + 1 < len(self.layers) else self.mesh

    def codes_up_to(self, layer):
        """Codes (cells, units) of the regions up to a layer; before layer 0, that is -1, one region without bits."""
        ancestor = np.arange(self.up_to(layer).cells)
        columns = [np.zeros((len(ancestor), 0), bool)]
        for cuts in reversed([cuts for cuts in self.layers[: layer + 1] if cuts.cuts]):
            columns.append(cuts.bits[ancestor])
            ancestor = cuts.parent[ancestor]
        return np.concatenate(columns[::-1], axis=1)

    def _by_unit(self, of_chords):
        """{(layer, unit): rows}, from an array for each layer with one row a chord."""
        found = {}
        for index, (layer, rows) in enumerate(zip(self.layers, of_chords)):
            order = np.argsort(layer.chords.unit, kind="stable")
            counts = np.bincount(layer.chords.unit, minlength=layer.signs.n)
            parts = np.split(rows[order], np.cumsum(counts)[:-1])
            found.update({(index, unit): part for unit, part in enumerate(parts)})
        return found
