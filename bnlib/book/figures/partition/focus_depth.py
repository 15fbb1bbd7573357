"""Figures of chapter 11 about density: where the boundaries of each layer go, and how depth and sampling count them."""

import math
from functools import cache

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter, Prediction
from bnlib.book.figures.committee.rules import number
from bnlib.book.figures.partition.marks import dots, heat
from bnlib.book.records.partition_networks import OFFSETS, rough, started
from bnlib.partition import concentration, shapes

STARTS = {
    "batch": ("batch statistics", style.ACCENT, style.SOLID),
    "zero-bias": ("zero bias", style.SECOND, style.DASHED),
    "random-bias": ("random bias", style.THIRD, style.DASHDOT),
}
RADIUS, WIDTH, LAYERS = 0.1, 64, 4
SIDE = np.linspace(-2.1, 2.1, 60)  # no point of the grid is the mean, where signs hang on round-off
CLOUDS = {
    "normal-10": "a Gaussian cloud in 10 dimensions",
    "normal-2": "a Gaussian cloud in the plane",
    "star": "a star",
}
SLOPES, WIDTHS, DEPTH = (-1.0, 0.0, 0.1, 0.5), (16, 32, 64, 128), 8


def compute_map(data, start_from, layer, offset):
    """Units of one layer within 0.1 of the points of a grid; and, for all layers, of the data, their mean, and far.

    For the mean a circle of radius 0.02 stands in: at batch statistics all lines of layer 1 pass through the mean, and
    which side of them it is on is a matter of round-off.
    """
    points = rough(data, offset)
    sizes = [2] + LAYERS * [WIDTH]
    net = started(start_from, sizes, points, 0.0, np.random.default_rng(3))
    centre = points.mean(axis=0)
    grid = np.stack(np.meshgrid(centre[0] + SIDE, centre[1] + SIDE), axis=-1).reshape(-1, 2)
    ring = shapes.shape("ring", 60)
    near = [net.up_to(LAYERS - 1), net.up_to(layer - 1)]
    counts = concentration.first_order_counts(near[1], grid, RADIUS)[:, -1]
    places = {"data": points, "mean": centre + 0.02 * ring, "far": centre + 2 * ring}
    profile = {k: concentration.first_order_counts(near[0], p, RADIUS).mean(axis=0) for k, p in places.items()}
    return {
        "data": data, "start": start_from, "layer": layer, "offset": offset, "points": points, "centre": centre,
        "counts": counts.reshape(len(SIDE), -1), "profile": profile,
    }  # fmt: skip


def draw_map(r):
    """The map with the data; the three profiles."""
    figure, (plane, curve) = style.panels(2, left=0.45, gap=0.75, right=0.62)
    low, high = r["centre"] + SIDE[0], r["centre"] + SIDE[-1]
    heat(plane, np.sqrt(r["counts"] / 40), (low[0], high[0], low[1], high[1]))
    dots(plane, r["points"], style.SECOND, 2.6)
    plane.plot(*r["centre"], "+", color=style.INK, ms=7)
    plane.plot(0, 0, "x", color=style.INK, ms=5)
    plane.set_aspect("equal")
    style.fixed_axis(plane.xaxis, low[0], high[0], [-1, 0, 1, 2, 3][: 5 if high[0] > 3 else 3])
    style.fixed_axis(plane.yaxis, low[1], high[1], [-1, 0, 1, 2][: 4 if high[1] > 2.2 else 3])
    plane.set_title(f"layer {r['layer']}; + mean, × origin")
    layers = np.arange(1, LAYERS + 1)
    looks = {"data": (style.ACCENT, style.SOLID), "mean": (style.INK, style.DOTTED), "far": (style.QUIET, style.DASHED)}
    for name, (color, dash) in looks.items():
        curve.plot(layers, np.maximum(r["profile"][name], 0.3), color=color, ls=dash, marker="o", ms=3.5)
    style.fixed_axis(curve.xaxis, 0.8, LAYERS + 0.2, layers)
    style.log_axis(curve.yaxis, 0.3, 80, [0.3, 1, 3, 10, 30])
    at = [max(r["profile"][name][-1], 0.3) for name in looks]
    style.label(curve, at, list(looks), [color for color, _ in looks.values()])
    curve.set_xlabel("layer")
    curve.set_title(f"boundaries within {RADIUS:g}")
    return figure


def describe_map(r):
    """Counts at the data, at their mean, and far away."""
    data, mean, far = (r["profile"][k] for k in ("data", "mean", "far"))
    place, k = "around the origin" if r["offset"] == "none" else "beside the origin", r["layer"] - 1
    return (
        f"{style.words(r['data']).capitalize()} of 50 points {place}, ReLU layers of {WIDTH} units, "
        f"{STARTS[r['start']][0]}. In layer {r['layer']}, {data[k]:.1f} boundaries pass within {RADIUS:g} of a data "
        f"point, {mean[k]:.0f} within that of their mean, and {far[k]:.1f} of a point at distance 2. Near a data point "
        f"there are {data[0]:.1f} in layer 1 and {data[-1]:.1f} in layer {LAYERS}."
    )


@cache
def _samples(data):
    if data == "star":
        return shapes.shape("star", 100)
    return np.random.default_rng(5).standard_normal((100, 10 if data == "normal-10" else 2))


def compute_depth(slope, width, data, start_from):
    """Length of the gradients and count of near boundaries by layer, both relative to layer 1."""
    points, rng = _samples(data), np.random.default_rng([width, 8])
    net = started(start_from, [points.shape[1]] + DEPTH * [width], points, slope, rng)
    levels, lengths = concentration.levels_and_gradients(net, points)
    spread = [math.sqrt(np.mean(h**2)) for h in levels]
    gradient = np.array([math.sqrt(np.mean(g**2)) / s for g, s in zip(lengths, spread)])
    near = np.array([np.mean(np.abs(h) <= 0.05 / gradient[0] * g) for h, g in zip(levels, lengths)])
    rate = 1.0 if start_from == "zero-bias" else concentration.depth_rate(slope)
    late = (gradient[-1] / gradient[2]) ** (1 / (DEPTH - 3))
    return {
        "slope": slope, "width": width, "data": data, "start": start_from, "gradient": gradient / gradient[0],
        "near": near / near[0], "rate": rate, "late": late,
    }  # fmt: skip


def draw_depth(r):
    """Both against depth on a logarithmic axis, with the law's slope from layer 3 on."""
    figure, (ax,) = style.panels(1, left=0.55, right=1.5)
    layers = np.arange(1, DEPTH + 1)
    law = r["gradient"][2] * r["rate"] ** (layers - 3.0)
    ax.plot(layers, law, color=style.ACCENT)
    ax.plot(layers, r["gradient"], "o", color=style.SECOND, ms=5)
    ax.plot(layers, r["near"], "s", mfc="none", color=style.THIRD, ms=5)
    style.fixed_axis(ax.xaxis, 0.7, DEPTH + 0.3, layers)
    style.log_axis(ax.yaxis, 0.3, 100, [0.3, 1, 3, 10, 30, 100])
    ends = [law[-1], r["gradient"][-1], r["near"][-1]]
    names = [f"r = {r['rate']:.3f} a layer", "● gradient", "□ boundaries"]
    style.label(ax, ends, names, [style.ACCENT, style.SECOND, style.THIRD], gap=12)
    ax.set_xlabel("layer")
    ax.set_title("relative to layer 1")
    return figure


def describe_depth(r):
    """Measured and predicted rate."""
    return (
        f"{DEPTH} layers of {r['width']} units, slope {style.words(r['slope'])}, {STARTS[r['start']][0]}, "
        f"{CLOUDS[r['data']]}. From layer 3 on the gradient grows by {r['late']:.3f} a layer, and "
        f"{r['rate']:.3f} is predicted. In layer {DEPTH} there are {number(r['near'][-1])} times as many boundaries "
        f"near the data as in layer 1."
    )


FIGURES = (
    Figure(
        "focus-map",
        "Where the boundaries of a layer lie",
        (
            Parameter("data", "", shapes.SHAPES, "ring"),
            Parameter("start_from", "", tuple(STARTS), "batch"),
            Parameter("layer", "ℓ", tuple(range(1, LAYERS + 1)), 1),
            Parameter("offset", "", tuple(OFFSETS), "none"),
        ),
        compute_map,
        draw_map,
        describe_map,
        Prediction(
            "The data are a ring. Where are the boundaries of layer 1 densest, with batch statistics?",
            ("along the data", "at the mean of the data", "far from the data"),
            lambda r: int(np.argmax([r["profile"][k][r["layer"] - 1] for k in ("data", "mean", "far")])),
        ),
    ),
    Figure(
        "depth-law",
        "Denser with every layer",
        (
            Parameter("slope", "η", SLOPES, 0.0),
            Parameter("width", "n", WIDTHS, 64),
            Parameter("data", "", tuple(CLOUDS), "normal-10"),
            Parameter("start_from", "", ("batch", "zero-bias"), "batch"),
        ),
        compute_depth,
        draw_depth,
        describe_depth,
    ),
)
