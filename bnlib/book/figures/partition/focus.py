"""Figure of chapter 11 about guaranteed crossing: every normalized unit cuts an edge of the data's spanning tree."""

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter, Prediction
from bnlib.book.figures.partition.marks import dots, lines
from bnlib.book.records.partition_networks import OFFSETS, STARTS, rough, started
from bnlib.partition import geometry, partition, shapes

WIDTH, LAYERS, REACH = 12, 4, 2.0
FARTHEST = 1.0  # distances beyond this are shown as this: half the reach is left to the edge of the square


def compute_crossing(data, start_from, layer, offset):
    """Every unit of a layer: its folded hyperplane in a square and its distance to the nearest data point."""
    points = rough(data, offset)
    net = started(start_from, [2] + layer * [WIDTH], points, 0.0, np.random.default_rng(6))
    square = points.mean(axis=0) + REACH * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    segments = partition(net, square).segments
    own = [segments[layer - 1, unit] for unit in range(WIDTH)]
    nearest = np.array([geometry.segment_distances(points, part).min() for part in own])
    pairs, lengths = geometry.spanning_tree(points)
    there = np.where(np.isinf(nearest), -1.0, nearest)  # units without a boundary here do not count
    worst = int(np.argmax(there > there.max() - 1e-9))  # of several at the same distance the first
    values = net.preactivations(points)[-1]
    cut = values[pairs[:, 0], worst] * values[pairs[:, 1], worst] < 0
    return {
        "data": data, "start": start_from, "layer": layer, "offset": offset, "points": points, "square": square,
        "segments": own,
        "missing": int(np.isinf(nearest).sum()), "nearest": np.sort(np.minimum(nearest, FARTHEST)), "worst": worst,
        "tree": points[pairs], "cut": cut, "bound": lengths[-1] / 2, "beyond": int(np.sum(nearest > lengths[-1] / 2)),
    }  # fmt: skip


def draw_crossing(r):
    """The boundaries of the layer with the unit that is farthest from the data, and all units' distances."""
    figure, (plane, units) = style.panels(2, left=0.45, gap=0.75, right=0.35)
    for unit, part in enumerate(r["segments"]):
        if unit != r["worst"]:
            lines(plane, part, style.QUIET, 0.6)
    lines(plane, r["tree"], style.SECOND, 0.9)
    lines(plane, r["tree"][r["cut"]], style.SECOND, 3.5, zorder=3)
    lines(plane, r["segments"][r["worst"]], style.ACCENT, 2.0, zorder=3)
    dots(plane, r["points"], style.INK, 2.4, zorder=4)
    low, high = r["square"][0], r["square"][2]
    plane.set_aspect("equal")
    style.fixed_axis(plane.xaxis, low[0], high[0], [t for t in (-1, 0, 1, 2) if low[0] < t < high[0]])
    style.fixed_axis(plane.yaxis, low[1], high[1], [t for t in (-1, 0, 1, 2) if low[1] < t < high[1]])
    plane.set_title("bold: the unit farthest from the data")
    above = r["nearest"] > r["bound"]
    order = np.arange(1, WIDTH + 1)
    units.axhline(r["bound"], color=style.ACCENT, lw=1.2)
    if above.any():  # the last ones are above the line: there is room below it
        units.text(WIDTH + 0.5, r["bound"] / 1.12, "half the longest edge", color=style.ACCENT, va="top", ha="right")
    else:
        units.text(0.6, r["bound"] * 1.12, "half the longest edge", color=style.ACCENT, va="bottom")
    units.plot(order[~above], np.maximum(r["nearest"][~above], 1e-3), "o", color=style.INK, ms=4.5, clip_on=False)
    if r["nearest"][0] < 1e-3:
        units.text(
            WIDTH + 0.5, 1.15e-3, "at the foot: 0.001 or less", color=style.QUIET, va="bottom", ha="right", fontsize=8.5
        )
    units.plot(order[above], r["nearest"][above], "^", color=style.SECOND, ms=5.5)
    style.fixed_axis(units.xaxis, 0.4, WIDTH + 0.6, [1, 4, 8, 12])
    style.log_axis(units.yaxis, 1e-3, 1.3, [0.001, 0.01, 0.1, 1])
    units.set_xlabel(f"units of layer {r['layer']}, in order")
    units.set_title("distance to the nearest data point")
    return figure


def describe_crossing(r):
    """The bound, and who breaks it."""
    place = "around the origin" if r["offset"] == "none" else "beside the origin"
    start = {"batch": "batch statistics", "zero-bias": "zero bias", "random-bias": "random bias"}[r["start"]]
    if r["beyond"]:
        some = f"{r['missing']} of them {'has' if r['missing'] == 1 else 'have'} no boundary in the square"
        missing = f", and {some}" if r["missing"] else ""
        found = f"{r['beyond']} of {WIDTH} units {'stays' if r['beyond'] == 1 else 'stay'} farther away{missing}."
    else:
        found = f"All {WIDTH} units come within it; the farthest is {r['nearest'][-1]:.3f} away."
    return (
        f"{style.words(r['data']).capitalize()} of 50 points {place}, layer {r['layer']} of a ReLU network of {WIDTH} "
        f"units a layer, {start}. Half the longest edge of the spanning tree is {r['bound']:.3f}. {found}"
    )


FIGURES = (
    Figure(
        "guaranteed-crossing",
        "No normalized unit misses the data",
        (
            Parameter("data", "", shapes.SHAPES, "star"),
            Parameter("start_from", "", STARTS, "batch"),
            Parameter("layer", "ℓ", tuple(range(1, LAYERS + 1)), 3),
            Parameter("offset", "", tuple(OFFSETS), "aside"),
        ),
        compute_crossing,
        draw_crossing,
        describe_crossing,
        Prediction(
            "Batch statistics, twelve units in layer 3. How many of them keep farther from the data than half the "
            "longest edge of the spanning tree?",
            ("none", "one to three", "four or more"),
            lambda r: 0 if r["beyond"] == 0 else 1 if r["beyond"] < 4 else 2,
        ),
    ),
)
