"""Figures of chapter 12 about whole networks: boundaries from batch to batch, flips of sign, margins."""

from functools import cache

import numpy as np
from contourpy import contour_generator
from matplotlib.collections import LineCollection

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter, Prediction
from bnlib.book.figures.partition.marks import dots
from bnlib.book.records import load
from bnlib.book.records.partition_networks import BATCH_SIZES, restored
from bnlib.partition import activate, jitter

GRID = np.linspace(-2.2, 2.2, 41), np.linspace(-1.8, 1.8, 35)
SHOWN, COUNTED = 8, 32  # boundaries drawn; batches whose flips are counted
DEPTH, UNITS, PROBES, ROUNDS = 5, 48, 40, 120
FLIP_SIZES = (4, 8, 16, 32, 64)


@cache
def _moons():
    data = load("partition_moons")["data"]
    networks = {key: restored(data[key]) for key in ("initial", *map(str, BATCH_SIZES))}
    return np.array(data["points"]), np.array(data["labels"]), networks


def compute_boundaries(batch_size, trained_with):
    """Logits on a grid for the statistics of all data and of several batches, before and after training."""
    points, labels, networks = _moons()
    batches = jitter.draw_batches(len(points), batch_size, COUNTED, np.random.default_rng(batch_size))
    places = np.stack(np.meshgrid(*GRID), axis=-1).reshape(-1, 2)
    found = {}
    for stage, classifier in (("initial", networks["initial"]), ("learned", networks[str(trained_with)])):
        own = [classifier.network(points[batch]) for batch in batches]
        whole = classifier.network(points)
        sides = whole.forward(points)[:, 0] > 0
        flips = [np.mean((net.forward(points)[:, 0] > 0) != sides) for net in own]
        found[stage] = {
            "whole": whole.forward(places)[:, 0], "each": np.stack([net.forward(places)[:, 0] for net in own[:SHOWN]]),
            "flips": float(np.mean(flips)), "right": float(np.mean(sides == (labels > 0))),
        }  # fmt: skip
    return {"B": batch_size, "with": trained_with, "points": points, "labels": labels, "stages": found}


def draw_boundaries(r):
    """The boundary of every batch, faint, and that of all data."""
    figure, axes = style.panels(2, left=0.35, gap=0.4, right=0.15, below=0.3)
    for ax, (stage, own) in zip(axes, r["stages"].items()):
        for label, color in ((1, style.SECOND), (-1, style.THIRD)):
            dots(ax, r["points"][r["labels"] == label][::2], color, 2.2, square=label < 0, alpha=0.6)
        _zeros(ax, own["each"], style.QUIET, 0.7)
        _zeros(ax, [own["whole"]], style.ACCENT, 2.0)
        style.fixed_axis(ax.xaxis, -2.2, 2.2, [-2, -1, 0, 1, 2])
        style.fixed_axis(ax.yaxis, -1.8, 1.8, [-1, 0, 1])
        name = "before training" if stage == "initial" else f"trained with B = {r['with']}"
        ax.set_title(f"{name}: {100 * own['flips']:.1f} % flips")
    return figure


def _zeros(ax, networks, color, width):
    """Where networks' outputs on the grid are zero, all in one collection: Matplotlib's contour is slow at many."""
    heights = [logits.reshape(len(GRID[1]), -1) for logits in networks]
    lines = [line for height in heights for line in contour_generator(*GRID, height).lines(0.0)]
    ax.add_collection(LineCollection(lines, colors=color, linewidths=width), autolim=False)


def describe_boundaries(r):
    """Flips and accuracy."""
    before, after = r["stages"]["initial"], r["stages"]["learned"]
    return (
        f"Two moons of {len(r['points'])} points, a network 2-32-32-1, {SHOWN} boundaries from batches of {r['B']} "
        f"(thin) and the one of all data (bold). Over {COUNTED} batches {100 * before['flips']:.1f} % of the data "
        f"change sides before training and {100 * after['flips']:.1f} % after training with batches of {r['with']}. By "
        f"the statistics of all data the trained network has {100 * after['right']:.1f} % right."
    )


@cache
def _population():
    """A random network of 5 layers on 400 points in 10 dimensions: weights, points, probes and their levels."""
    rng = np.random.default_rng(12)
    sizes = [10] + DEPTH * [UNITS]
    weights = [rng.standard_normal((n, d)) for d, n in zip(sizes, sizes[1:])]
    points = rng.standard_normal((400, 10))
    probes = rng.standard_normal((PROBES, 10))
    return weights, points, probes


def _levels(weights, batch, probes):
    """Normalized levels of the probes, by layer, with the statistics of batches (T, B, d): arrays (T, P, n)."""
    found = []
    for weight in weights:
        u, v = batch @ weight.T, probes @ weight.T
        mean, deviation = u.mean(axis=1, keepdims=True), u.std(axis=1, keepdims=True)
        found.append((v - mean) / deviation)
        batch, probes = activate((u - mean) / deviation, 0.0), activate(found[-1], 0.0)
    return found


@cache
def _flips(batch_size):
    """For each layer, the levels of the probes with all statistics, and how often their signs flip."""
    weights, points, probes = _population()
    rng = np.random.default_rng([7, batch_size])
    batches = jitter.draw_batches(len(points), batch_size, ROUNDS, rng, replace=True)
    every = np.broadcast_to(probes, (ROUNDS, *probes.shape))
    whole = _levels(weights, points[None], probes[None])
    each = _levels(weights, points[batches], every)
    flips = [np.mean((h > 0) != (all_data > 0), axis=0) for h, all_data in zip(each, whole)]
    return [h[0] for h in whole], flips


def compute_flips(batch_size, depth):
    """How often signs flip against the level, in twelve groups of equally many."""
    whole, flips = _flips(batch_size)
    level, often = np.abs(whole[depth - 1]).ravel(), flips[depth - 1].ravel()
    groups = np.array_split(np.argsort(level, kind="stable"), 12)
    return {
        "B": batch_size, "depth": depth, "level": np.array([level[g].mean() for g in groups]),
        "often": np.array([often[g].mean() for g in groups]), "all": often.mean(),
        "laws": np.array([jitter.flip_probability(np.abs(h), batch_size).mean() for h in whole]),
        "by_depth": np.array([f.mean() for f in flips]),
    }  # fmt: skip


def draw_flips(r):
    """Frequency of flips against the level, and in all against depth, with the first layer's law at the same levels."""
    figure, (curve, depth) = style.panels(2, left=0.5, gap=0.7, right=0.3)
    fine = np.linspace(0, 2, 101)
    curve.plot(fine, jitter.flip_probability(fine, r["B"]), color=style.ACCENT)
    curve.plot(r["level"], r["often"], "o", color=style.SECOND, ms=4)
    style.fixed_axis(curve.xaxis, 0, 2, [0, 0.5, 1, 1.5, 2])
    style.fixed_axis(curve.yaxis, -0.02, 0.52, [0, 0.1, 0.2, 0.3, 0.4, 0.5])
    curve.text(0.97, 0.95, "line: Φ(−√B |h|)", color=style.ACCENT, transform=curve.transAxes, ha="right", va="top")
    curve.text(0.97, 0.84, f"dots: depth {r['depth']}", color=style.SECOND, transform=curve.transAxes, ha="right",
               va="top")  # fmt: skip
    curve.set_xlabel("level |h| with the statistics of all data")
    curve.set_title("how often the sign flips")
    layers = np.arange(1, DEPTH + 1)
    depth.plot(layers, r["laws"], color=style.ACCENT, lw=1.2)
    depth.text(DEPTH + 0.2, r["laws"].min() - 0.012, "the first layer's law", color=style.ACCENT, ha="right", va="top")
    depth.plot(layers, r["by_depth"], "o-", color=style.SECOND, ms=4, lw=1)
    depth.plot([r["depth"]], [r["all"]], "o", mfc="none", color=style.SECOND, ms=11)
    style.fixed_axis(depth.xaxis, 0.7, DEPTH + 0.3, layers)
    style.fixed_axis(depth.yaxis, -0.02, 0.52, [0, 0.1, 0.2, 0.3, 0.4, 0.5])
    depth.set_xlabel("depth of the layer")
    depth.set_title("share of all signs that flip")
    return figure


def describe_flips(r):
    """Shares of signs that flip, and what the first layer's law says at the levels of the same layer."""
    shares = ", ".join(f"{100 * share:.1f}" for share in r["by_depth"])
    return (
        f"{ROUNDS} batches of {r['B']}, a random ReLU network of {DEPTH} layers of {UNITS} units, {PROBES} new points "
        f"in 10 dimensions. At depth {r['depth']}, {100 * r['all']:.1f} % of all signs flip, where the first layer's "
        f"law, at the levels of this layer, says {100 * r['laws'][r['depth'] - 1]:.1f} %. At depths 1 to {DEPTH} it is "
        f"{shares} %."
    )


MEASURES = {
    "median": "median margin",
    "closest_tenth": "margin, closest tenth",
    "test_accuracy": "test accuracy",
}


def compute_margins(batch_size, measure):
    """One number for each seed with the statistics of the batch and of all data; mean differences for both sizes."""
    record = load("partition_margins")["data"]
    column = list(MEASURES).index(measure)
    arms = {key: np.array(rows)[:, column] for key, rows in record["arms"].items()}
    paired = {B: arms[f"{B} batch"] - arms[f"{B} data"] for B in (8, 32)}
    return {
        "B": batch_size, "measure": measure, "batch": arms[f"{batch_size} batch"], "data": arms[f"{batch_size} data"],
        "mean": np.array([d.mean() for d in paired.values()]),
        "error": np.array([d.std(ddof=1) / np.sqrt(len(d)) for d in paired.values()]),
    }  # fmt: skip


def draw_margins(r):
    """With jitter against without, seed by seed; the mean differences."""
    figure, (pairs, means) = style.panels(2, left=0.75, gap=0.85, right=0.25)
    both = np.concatenate([r["batch"], r["data"]])
    low, high = both.min() - 0.05 * np.ptp(both), both.max() + 0.05 * np.ptp(both)
    pairs.plot([low, high], [low, high], color=style.QUIET, lw=0.8, ls=style.DASHED)
    dots(pairs, np.stack([r["data"], r["batch"]], axis=1), style.ACCENT, 3.5)
    step = next(step for step in (0.01, 0.02, 0.05, 0.1) if (high - low) / step < 5)
    ticks = np.arange(np.ceil(low / step), high / step) * step + 0.0  # no negative zero
    style.fixed_axis(pairs.xaxis, low, high, ticks)
    style.fixed_axis(pairs.yaxis, low, high, ticks)
    pairs.set_aspect("equal", anchor="W")
    pairs.set_xlabel("→ statistics of all data")
    pairs.set_ylabel("↑ statistics of batches")
    pairs.yaxis.set_label_coords(-0.02, 0.5)
    pairs.set_title(MEASURES[r["measure"]])
    chosen = [8, 32].index(r["B"])
    for k, (mean, error) in enumerate(zip(r["mean"], r["error"])):
        color = style.ACCENT if k == chosen else style.QUIET
        means.errorbar([k], [mean], [2 * error], fmt="o", color=color, ms=6, lw=2)
    means.axhline(0, color=style.INK, lw=0.8)
    style.fixed_axis(means.xaxis, -0.6, 1.6, [0, 1], ["B = 8", "B = 32"])
    top = 1.25 * np.max(r["mean"] + 2 * r["error"])
    step = 0.02 if top > 0.03 else 0.005
    style.fixed_axis(means.yaxis, -0.25 * top, top, np.arange(0, top, step))
    means.set_title("gain by jitter, ± 2 SE")
    return figure


def describe_margins(r):
    """The paired difference and its standard error."""
    k = [8, 32].index(r["B"])
    higher = int(np.sum(r["batch"] > r["data"]))
    return (
        f"Moons of 128 points, networks 2-32-32-1 trained with batches of {r['B']}, {len(r['batch'])} seeds, each with "
        f"the statistics of the batch and with those of all data. {MEASURES[r['measure']].capitalize()}: "
        f"{r['batch'].mean():.3f} with jitter and {r['data'].mean():.3f} without, a gain of {r['mean'][k]:.4f} ± "
        f"{r['error'][k]:.4f} (one standard error); it is positive for {higher} of {len(r['batch'])} seeds."
    )


def _sign(r):
    k = [8, 32].index(r["B"])
    return 1 + int(r["mean"][k] > 2 * r["error"][k]) - int(r["mean"][k] < -2 * r["error"][k])


FIGURES = (
    Figure(
        "boundary-jitter",
        "A boundary for every batch, after B22's figure 6",
        (Parameter("batch_size", "B", BATCH_SIZES, 16), Parameter("trained_with", "B", BATCH_SIZES, 16)),
        compute_boundaries,
        draw_boundaries,
        describe_boundaries,
    ),
    Figure(
        "flip-law",
        "How often a sign flips, and how depth adds to it",
        (Parameter("batch_size", "B", FLIP_SIZES, 16), Parameter("depth", "ℓ", tuple(range(1, DEPTH + 1)), 1)),
        compute_flips,
        draw_flips,
        describe_flips,
    ),
    Figure(
        "margin-pilot",
        "Does jitter widen the margin?",
        (Parameter("batch_size", "B", (8, 32), 8), Parameter("measure", "", tuple(MEASURES), "median")),
        compute_margins,
        draw_margins,
        describe_margins,
        Prediction(
            "The same networks learn the same data in batches of 8, with the jitter of these batches and without. With "
            "it the median margin is, on average over the seeds, ...",
            ("smaller", "no different by 2 standard errors", "larger"),
            _sign,
        ),
    ),
)
