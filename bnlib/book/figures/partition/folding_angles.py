"""Figures of chapter 10 about theorems 3 and 2: how sharply a facet folds, and when a fold comes nearer to a point."""

import math

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter, Prediction
from bnlib.book.figures.committee.rules import number
from bnlib.book.figures.partition.folding import OUT, TOY
from bnlib.book.figures.partition.hyperplanes import CENTRE, box
from bnlib.book.figures.partition.hyperplanes_deep import SLOPES
from bnlib.book.figures.partition.marks import dots, lines
from bnlib.partition import Network, folds, geometry, partition, shapes

SIGMAS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
CURVE = np.geomspace(0.003, 30, 121)
B, T = 1.0, 1.0


def compute_fold(sigma, slope, along):
    """Two facets that meet on a line of layer 0 (b = t = 1), and their angle for every deviation of its unit."""
    normals = [np.array([along + s * B / sigma, T]) for s in (1.0, slope)]
    best_sigma, best = folds.sharpest_fold(B, along, T, slope)
    return {
        "sigma": sigma, "slope": slope, "along": along, "normals": normals,
        "fold": float(np.degrees(folds.fold_angle(*normals))),
        "curve": np.degrees(folds.fold_of_sigma(CURVE, B, along, T, slope)),
        "best_sigma": best_sigma, "best": math.degrees(best),
        "walls": [math.degrees(folds.wall_angle(n, np.array([1.0, 0.0]))) for n in normals],
    }  # fmt: skip


def draw_fold(r):
    """The wall with both facets and the way straight on, and the fold for every deviation."""
    figure, (plane, curve) = style.panels(2, right=0.3, left=0.5, gap=0.75)
    lines(plane, [[[0, -2], [0, 2]]], style.QUIET, 1.4, dash=style.DASHED)
    ends = []
    for normal, side in zip(r["normals"], (1, -1)):
        facet = np.array([normal[1], -normal[0]]) / np.hypot(*normal)
        ends.append(side * 2.2 * facet)  # facets run to larger x above the wall's zero, to smaller x below
    lines(plane, [[[0, 0], -ends[0]]], style.FAINT, 2.0)
    for end in ends:
        lines(plane, [[[0, 0], end]], style.ACCENT, 2.6, zorder=2)
    plane.plot([0], [0], "o", color=style.SECOND, ms=6, zorder=3)
    plane.text(0.9, -1.95, "unit on", ha="center", va="top", color=style.QUIET)
    plane.text(-0.9, -1.95, "unit off", ha="center", va="top", color=style.QUIET)
    style.fixed_axis(plane.xaxis, -1.8, 1.8, [])
    style.fixed_axis(plane.yaxis, -1.8, 1.8, [])
    plane.set_aspect("equal")
    for spine in plane.spines.values():
        spine.set_visible(False)
    plane.set_title("F at a line of layer 0 (dashed)")
    curve.plot(CURVE, r["curve"], color=style.QUIET, lw=1.5)
    curve.plot([r["sigma"]], [r["fold"]], "o", color=style.SECOND, ms=7)
    if 0 < r["slope"] < 1:
        curve.plot([r["best_sigma"]] * 2, [0, r["best"]], color=style.ACCENT, lw=1.0, ls=style.DOTTED)
    style.log_axis(curve.xaxis, 0.003, 30, [0.01, 0.1, 1, 10])
    style.fixed_axis(curve.yaxis, 0, 185, [0, 45, 90, 135, 180])
    curve.set_xlabel("deviation σ of that line's unit")
    curve.set_title("fold, degrees")
    return figure


def describe_fold(r):
    """The fold here and where it is largest."""
    if 0 < r["slope"] < 1:
        most = (
            f"No deviation folds more than {r['best']:.1f}°, at σ = {number(r['best_sigma'])}: smaller ones fold less."
        )
    elif r["slope"] == 0:
        most = f"As σ falls the fold grows to {r['best']:.1f}°: one facet aligns with the line, the other stays."
    else:
        most = (
            f"As σ falls the fold grows to {r['best']:.0f}°: both facets align with the line, on the same side of it."
        )
    return (
        f"Slope {number(r['slope'])}, deviation {number(r['sigma'])}: the folded line turns by {r['fold']:.1f}°, its "
        f"facets stand at {r['walls'][0]:.1f}° and {r['walls'][1]:.1f}° to the line of layer 0. {most}"
    )


POINTS = {"inner": (0.45, 0.0), "tip": (0.5, 1.3), "side": (1.4, 0.6), "outside": (-0.9, -0.7)}
STEPS = np.arange(-8, 9) / 4  # offsets in deviations
FAR = 12.0


def compute_nearer(activation, point, offset):
    """How far a point is from the folded line for every offset of its line, in the layer's space and in the input."""
    slope, data = SLOPES[activation], shapes.shape("star", 40, CENTRE)
    below = Network.with_batch_norm([TOY], data, slope)
    w = OUT[0]
    values, x = below.forward(data) @ w, np.array(POINTS[point])
    at, deviation = float(below.forward(x) @ w), float(values.std())
    offset = at + offset * deviation
    fine = at + deviation * np.concatenate([STEPS, np.linspace(-2.2, 2.2, 45)])
    asked = np.array([offset, 2 * at - offset, *np.sort(fine)])
    part = partition(below.with_decision(np.tile(w, (len(asked), 1)), -asked), box(CENTRE, FAR))
    found = [part.segments[1, k] for k in range(len(asked))]
    near = np.array([geometry.segment_distances(x[None], segments)[0] for segments in found])
    return {
        "activation": activation, "point": point, "x": x, "data": data, "deviation": deviation, "at": at,
        "walls": np.concatenate([part.segments[0, k] for k in range(4)]), "here": found[0], "mirror": found[1],
        "near": near[:2], "layer": abs(offset - at) / float(np.hypot(*w) if len(w) == 2 else np.linalg.norm(w)),
        "offsets": (asked[2:] - at) / deviation, "curve": near[2:], "offset": (offset - at) / deviation,
    }  # fmt: skip


def draw_nearer(r):
    """Two folded lines at the same distance in the layer's space, and the distance in the input for all offsets."""
    figure, (plane, curve) = style.panels(2, right=0.3, left=0.45, gap=0.75)
    lines(plane, r["walls"], style.FAINT, 0.9)
    dots(plane, r["data"], style.QUIET, 1.8, zorder=1)
    for segments, near, color, dash in ((r["mirror"], r["near"][1], style.SECOND, style.DASHED),
                                        (r["here"], r["near"][0], style.ACCENT, style.SOLID)):  # fmt: skip
        lines(plane, segments, color, 2.0, dash=dash, zorder=2)
        if near < 3:
            turn = np.linspace(0, 2 * np.pi, 61)
            circle = r["x"] + near * np.stack([np.cos(turn), np.sin(turn)], axis=1)
            plane.plot(*circle.T, color=color, lw=0.8, ls=dash)
    plane.plot(*r["x"], "o", color=style.INK, ms=6, zorder=4)
    style.fixed_axis(plane.xaxis, CENTRE[0] - 2.2, CENTRE[0] + 2.2, [-1, 0, 1, 2])
    style.fixed_axis(plane.yaxis, CENTRE[1] - 2.2, CENTRE[1] + 2.2, [-1, 0, 1, 2])
    plane.set_aspect("equal")
    plane.set_title("F, its mirror (dashed), and x (●)")
    top = 2.0
    shown = np.where(r["curve"] <= top, r["curve"], np.nan)
    curve.plot(r["offsets"], shown, color=style.QUIET, lw=1.5)
    for near, offset, color, mark in ((r["near"][0], r["offset"], style.ACCENT, "o"),
                                      (r["near"][1], -r["offset"], style.SECOND, "s")):  # fmt: skip
        if near <= top:
            curve.plot([offset], [near], mark, color=color, ms=7)
    for side, align in ((-1, "left"), (1, "right")):
        if np.isinf(r["curve"][r["offsets"] * side > 0]).any():
            curve.text(side * 2.25, 0.06, "empty\nbeyond", color=style.QUIET, ha=align, va="bottom", fontsize=8.5)
    style.fixed_axis(curve.xaxis, -2.3, 2.3, [-2, -1, 0, 1, 2])
    style.fixed_axis(curve.yaxis, 0, top, [0, 1, 2])
    curve.set_xlabel("offset of H beyond x, in σ")
    curve.set_title("distance from x to F in the input")
    return figure


def describe_nearer(r):
    """The two distances in the input at one distance in the layer's space."""
    here, mirror = (
        f"{near:.3f} away in the input" if np.isfinite(near) else "empty in the input" for near in r["near"]
    )
    order = None
    if not np.isclose(*r["near"]):
        order = "nearer" if r["near"][0] < r["near"][1] else "farther"
    start = f"{r['activation'][0].upper()}{r['activation'][1:]}, x: {r['point']}"
    side = "above" if r["offset"] > 0 else "below"
    verdict = "F and its mirror are equally far" if order is None else f"F is {order} than its mirror"
    return (
        f"{start}. With H {number(abs(r['offset']))} σ {side} the value at x, F is {here}; with H as far on the other "
        f"side, its mirror is {mirror}. One distance in the layer's space, two in the input: {verdict}. On each side "
        f"alone, moving H away moves F away."
    )


FIGURES = (
    Figure(
        "fold-angle",
        "How sharply a facet folds",
        (
            Parameter("sigma", "σ", SIGMAS, 1.0),
            Parameter("slope", "η", (-1.0, 0.0, 0.1, 0.3, 0.5), 0.1),
            Parameter("along", "c", (-2.0, -1.0, 0.0, 1.0, 2.0), 0.0),
        ),
        compute_fold,
        draw_fold,
        describe_fold,
        Prediction(
            "A leaky ReLU of slope 0.1 folds a line by 39° where its unit has deviation 1. Make the deviation smaller "
            "and smaller, down to 0.01. What does the fold do?",
            ("grow and level off below 180°", "grow to 180°", "grow, then shrink to almost nothing"),
            lambda r: 2 if 0 < r["slope"] < 1 else 0 if r["slope"] == 0 else 1,
        ),
    ),
    Figure(
        "nearer-or-farther",
        "When a folded line comes nearer to a point",
        (
            Parameter("offset", "", tuple(s for s in STEPS.tolist() if s and abs(4 * s) % 2 == 0), 1.5),
            Parameter("point", "", tuple(POINTS), "side"),
            Parameter("activation", "", tuple(SLOPES), "leaky ReLU"),
        ),
        compute_nearer,
        draw_nearer,
        describe_nearer,
    ),
)
