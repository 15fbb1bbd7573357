"""Figures of chapter 11 about width 1024, about normalization over units, and about counting by random points."""

import math
from functools import cache

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter, Prediction
from bnlib.book.figures.partition.marks import dots, heat
from bnlib.book.records import load
from bnlib.book.records.partition_networks import OFFSETS
from bnlib.partition import Network, concentration, shapes
from bnlib.partition.sample_norms import sample_levels, sign_network

ARMS = {
    "zero-bias": ("zero bias", style.SECOND, style.DASHED),
    "random-bias": ("random bias", style.THIRD, style.DASHDOT),
    "batch": ("batch", style.ACCENT, style.SOLID),
}
SHOWN = (1, 5, 11)
DIMENSIONS, SAMPLES = (2, 10, 100, 784, 3072), (100, 1000, 10_000)
NORMS, WIDTH, RADIUS, SHIFTS = ("batch", "layer", "rms"), 64, 0.1, (0.0, 1.0, 2.0, 4.0)
SIDE = np.linspace(-2, 6, 62)  # the origin itself is not on the grid


def compute_wide(layer, offset):
    """The recorded maps of one layer for the three starts, and the counts at the data and far away by layer."""
    record = load("partition_focus")
    config, side = record["config"], record["config"]["side"]
    points = shapes.shape("star", 50, OFFSETS[offset])
    arms = {name: record["data"][f"{name} {offset}"] for name in ARMS}
    return {
        "layer": layer, "points": points, "centre": points.mean(axis=0), "radius": config["radius"],
        "maps": {name: np.reshape(arm["maps"][str(layer)], (side, side)) for name, arm in arms.items()},
        "data": {name: np.array(arm["data"]) for name, arm in arms.items()},
        "far": {name: np.array(arm["far"]) for name, arm in arms.items()},
    }  # fmt: skip


def draw_wide(r):
    """Three maps, and the counts against depth."""
    margins = {"left": 0.45, "gap": 0.7, "right": 1.0, "below": 0.42}
    figure, axes = style.grid(1, 4, **margins) if style.is_narrow() else style.panels(4, **margins)
    low, high = r["centre"] - 2, r["centre"] + 2
    axes = axes.ravel()
    for ax, (name, (words, *_)) in zip(axes, ARMS.items()):
        heat(ax, np.sqrt(r["maps"][name] / 800), (low[0], high[0], low[1], high[1]))
        dots(ax, r["points"], style.SECOND, 1.8)
        ax.plot(0, 0, "x", color=style.INK, ms=5)
        ax.set_aspect("equal", anchor="W")
        style.fixed_axis(ax.xaxis, low[0] - 0.05, high[0] + 0.05, [t for t in (-2, -1, 0, 1, 2, 3) if t <= high[0]])
        style.fixed_axis(ax.yaxis, low[1] - 0.05, high[1] + 0.05, [t for t in (-2, -1, 0, 1, 2) if t >= low[1]])
        ax.set_title(f"{words}, layer {r['layer']}")
    curve, layers = axes[3], np.arange(1, len(r["data"]["batch"]) + 1)
    for name, (_, color, dash) in ARMS.items():
        curve.plot(layers, r["data"][name], color=color, ls=dash)
        curve.plot(layers, r["far"][name], color=color, ls=dash, lw=0.7, alpha=0.8)
    curve.axvline(r["layer"], color=style.QUIET, lw=0.7, ls=style.DOTTED)
    style.fixed_axis(curve.xaxis, 1, 11, [1, 5, 11])
    style.log_axis(curve.yaxis, 3, 1000, [10, 100, 1000])
    style.label(curve, [r["data"][n][-1] for n in ARMS], [a[0] for a in ARMS.values()], [a[1] for a in ARMS.values()])
    curve.set_title("near data (bold), far (thin)")
    curve.set_xlabel("layer")
    return figure


def describe_wide(r):
    """Counts at the data and far away."""
    k = r["layer"] - 1
    said = ", ".join(f"{r['data'][n][k]:.0f} ({r['far'][n][k]:.0f}) with {ARMS[n][0]}" for n in ARMS)
    return (
        f"Eleven ReLU layers of 1024 units, 50 points of a star. In layer {r['layer']} the boundaries within "
        f"{r['radius']:g} of a data point, and of a point at distance 2 in brackets, are {said}. From layer 1 to 11, "
        f"batch statistics multiply those at the data by {r['data']['batch'][-1] / r['data']['batch'][0]:.1f}."
    )


def compute_cones(norm, shift, layer):
    """Units of a layer within 0.1 of a grid and of the data, for a normalization over samples or over units."""
    weights = _weights(layer)
    points = shapes.shape("star", 50, (shift, 0.5 * shift))
    net = _network(norm, weights, points)
    grid = np.stack(np.meshgrid(SIDE, SIDE - 2), axis=-1).reshape(-1, 2)
    counts = concentration.first_order_counts(net, grid, RADIUS)[:, -1]
    differ = 0
    if norm != "batch":
        signs = [np.hstack(sample_levels(weights, grid, kind=norm)) > 0, np.hstack(net.preactivations(grid)) > 0]
        differ = int(np.sum(signs[0] != signs[1]))
    return {
        "norm": norm, "shift": shift, "layer": layer, "points": points, "counts": counts.reshape(len(SIDE), -1),
        "at_data": {name: np.array(found) for name, found in _at_data(layer).items()}, "differ": differ,
        "bits": len(grid) * sum(net.widths),
    }  # fmt: skip


@cache
def _at_data(layer):
    """Boundaries of a layer near the data for each normalization and each shift of the data."""
    weights, clouds = _weights(layer), [shapes.shape("star", 50, (s, 0.5 * s)) for s in SHIFTS]
    count = concentration.first_order_counts
    return {n: [count(_network(n, weights, c), c, RADIUS)[:, -1].mean() for c in clouds] for n in NORMS}


def _weights(layers):
    rng = np.random.default_rng(4)
    return [rng.standard_normal((WIDTH, d)) / math.sqrt(d) for d in [2] + (layers - 1) * [WIDTH]]


def _network(norm, weights, points):
    return Network.with_batch_norm(weights, points) if norm == "batch" else sign_network(weights, kind=norm)


def draw_cones(r):
    """The map, and the counts at the data against how far they are from the origin."""
    figure, (plane, curve) = style.panels(2, left=0.45, gap=0.75, right=0.62)
    heat(plane, np.sqrt(r["counts"] / 40), (SIDE[0], SIDE[-1], SIDE[0] - 2, SIDE[-1] - 2))
    dots(plane, r["points"], style.SECOND, 2.2)
    plane.plot(0, 0, "x", color=style.INK, ms=6)
    plane.set_aspect("equal")
    style.fixed_axis(plane.xaxis, -2, 6, [-2, 0, 2, 4, 6])
    style.fixed_axis(plane.yaxis, -4, 4, [-4, -2, 0, 2, 4])
    plane.set_title(f"layer {r['layer']}; × origin")
    looks = {"batch": (style.ACCENT, "-"), "layer": (style.SECOND, style.DASHED), "rms": (style.THIRD, style.DASHDOT)}
    for name, (color, dash) in looks.items():
        curve.plot(SHIFTS, np.maximum(r["at_data"][name], 0.2), color=color, ls=dash, marker="o", ms=3.5)
    curve.axvline(r["shift"], color=style.QUIET, lw=0.7, ls=style.DOTTED)
    style.fixed_axis(curve.xaxis, -0.2, 4.2, SHIFTS)
    style.log_axis(curve.yaxis, 0.2, 80, [0.3, 1, 3, 10, 30])
    style.label(
        curve, [r["at_data"][n][-1] for n in looks], [style.words(n) for n in looks], [c for c, _ in looks.values()]
    )
    curve.set_xlabel("shift of the data")
    curve.set_title("boundaries near the data")
    return figure


def describe_cones(r):
    """Counts for the three normalizations, and whether the signs agree with a network without bias."""
    k = SHIFTS.index(r["shift"])
    counts = ", ".join(f"{r['at_data'][n][k]:.1f} with {style.words(n)} normalization" for n in NORMS)
    same = (
        ""
        if r["norm"] == "batch"
        else f" Of {r['bits']} signs on the grid, {r['differ']} differ from those of the network without bias."
    )
    return (
        f"A star shifted by {r['shift']:g}, ReLU layers of {WIDTH} units; the map is for "
        f"{style.words(r['norm'])} normalization. Boundaries of layer {r['layer']} within "
        f"{RADIUS:g} of a data point: {counts}.{same}"
    )


@cache
def _recalls():
    return {m: [concentration.recall(n, m, 150) for n in DIMENSIONS] for m in SAMPLES}


def compute_sampling(dimension, samples):
    """Detection against distance with simulated clouds, and recall against dimension."""
    rng = np.random.default_rng([dimension, samples])
    half = concentration.half_detection_distance(dimension, samples)
    clouds = min(200, 200_000 // samples)
    near = rng.standard_normal((clouds, samples))  # one coordinate of a point in the ball, and all the others squared
    rest = rng.chisquare(dimension + 1, (clouds, samples))
    highest = np.max(near / np.sqrt(near**2 + rest), axis=1)
    at = np.linspace(0.6, 1.6, 11) * half
    at = at[at < 1]
    return {
        "n": dimension, "m": samples, "half": half, "clouds": clouds, "at": at,
        "found": (highest[:, None] > at).mean(axis=0),
        "recall": {m: np.array(found) for m, found in _recalls().items()},
    }  # fmt: skip


def draw_sampling(r):
    """Detection and recall."""
    figure, (curve, recall) = style.panels(2, left=0.5, gap=0.65, right=0.85)
    t = np.linspace(0, 1, 201)
    curve.plot(t, concentration.detection_probability(t, r["n"], r["m"]), color=style.ACCENT)
    curve.plot(r["at"], r["found"], "o", color=style.SECOND, ms=4)
    curve.axvline(r["half"], color=style.QUIET, ls=style.DOTTED, lw=1)
    style.fixed_axis(curve.xaxis, 0, 1.02, [0, 0.25, 0.5, 0.75, 1])
    style.fixed_axis(curve.yaxis, -0.03, 1.05, [0, 0.5, 1])
    curve.set_xlabel("distance over radius")
    curve.set_title("chance to find a boundary")
    for m, dash in zip(SAMPLES, (style.DOTTED, style.DASHED, style.SOLID)):
        color = style.ACCENT if m == r["m"] else style.QUIET
        recall.plot(DIMENSIONS, r["recall"][m], color=color, ls=dash, marker="o", ms=3)
    ends = [r["recall"][m][-1] for m in SAMPLES]
    colors = [style.ACCENT if m == r["m"] else style.QUIET for m in SAMPLES]
    style.label(recall, ends, [f"m = {style.power_words(m)}" for m in SAMPLES], colors)
    style.log_axis(recall.xaxis, 1.6, 4000, (2, 10, 100, 3072))
    style.fixed_axis(recall.yaxis, 0, 1.03, [0, 0.5, 1])
    recall.set_xlabel("dimension n")
    recall.set_title("share found")
    return figure


def describe_sampling(r):
    """Half-detection distance and recall."""
    share = r["recall"][r["m"]][DIMENSIONS.index(r["n"])]
    return (
        f"{r['m']} random points in a ball of dimension {r['n']}: a boundary at {r['half']:.3f} radii is found in half "
        f"of all cases (line: law; dots: {r['clouds']} simulated clouds). Of the boundaries that meet the ball, "
        f"{100 * share:.1f} % are found."
    )


FIGURES = (
    Figure(
        "focus-wide",
        "Focus at width 1024, after B22's figure 3",
        (Parameter("layer", "ℓ", SHOWN, 11), Parameter("offset", "", tuple(OFFSETS), "none")),
        compute_wide,
        draw_wide,
        describe_wide,
    ),
    Figure(
        "cones",
        "Normalization over units: a cone at the origin",
        (
            Parameter("norm", "", NORMS, "layer"),
            Parameter("shift", "", SHIFTS, 2.0),
            Parameter("layer", "ℓ", (1, 2, 3), 3),
        ),
        compute_cones,
        draw_cones,
        describe_cones,
    ),
    Figure(
        "sampling-trap",
        "What random points of a ball do not find",
        (Parameter("dimension", "n", DIMENSIONS, 100), Parameter("samples", "m", SAMPLES, 1000)),
        compute_sampling,
        draw_sampling,
        describe_sampling,
        Prediction(
            "1000 random points are drawn in a ball in 100 dimensions. How many of the boundaries that meet the ball "
            "do they find?",
            ("more than half", "from a sixth to a half", "fewer than a sixth"),
            lambda r: int(np.searchsorted([-1 / 2, -1 / 6], -r["recall"][r["m"]][DIMENSIONS.index(r["n"])])),
        ),
    ),
)
