"""Figures of chapter 3 drawn from records: T20's figure 3, and the map of leaving times over rates and batch sizes."""

import math

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter
from bnlib.book.figures.committee.rules import RULES, number
from bnlib.book.records import load
from bnlib.book.records.plateau import BATCH_SIZES, MANY_UNITS, RATE_RULES, RATES, STEPS, VARIANCES, read_times
from bnlib.committee import NORMALIZATIONS, critical_rate, plateau_error

FEWEST, NEVER = 50, 40_000  # steps of the lightest cell, and where runs that never leave are drawn
NAMES = {"none": "no normalization", "batch": "batch normalization", "batch-stop-gradient": "the papers' update"}


def compute_figure_3(students, input_variance):
    """Recorded errors of ten seeds for many units (tau = 1) and for large inputs (K = 2), under three rules."""
    record = load("committee_figure_3")["data"]
    cases = {"units": (students, 1.0), "variance": (2, input_variance)}
    runs, left = {}, {}
    for name, (K, tau) in cases.items():
        for rule in NORMALIZATIONS:
            stored = record["runs"][f"{K} {tau:g} {rule}"]
            runs[f"{name} {rule}"] = np.array(stored["error"])
            left[f"{name} {rule}"] = read_times(stored["left"])
    return {"K": students, "tau": input_variance, "times": np.array(record["times"]), "runs": runs, "left": left}


def draw_figure_3(r):
    """Median and quartiles over seeds of the error against time."""
    figure, axes = style.panels(2, left=0.5, gap=0.7, right=1.02)
    shown = {"units": 200, "variance": {1.0: 200, 5.0: 100, 20.0: 50}[r["tau"]]}  # until all have left, or the end
    for ax, (name, last) in zip(axes, shown.items()):
        ends = []
        for rule, (_, color, dash) in RULES.items():
            runs = np.maximum(r["runs"][f"{name} {rule}"], 1e-9)
            low, middle, high = np.quantile(runs, [0.25, 0.5, 0.75], axis=0)
            ax.fill_between(r["times"], low, high, color=color, alpha=0.18, lw=0)
            ax.plot(r["times"], middle, color=color, ls=dash)
            ends.append(np.interp(last, r["times"], middle))
        style.fixed_axis(ax.xaxis, 0, last, np.linspace(0, last, 6))
        style.log_axis(ax.yaxis, 1e-4, 4)
        ax.set_xlabel("time  t = steps / N")
        if ax is axes[1] or style.is_narrow():  # in the wide layout there is room on the right only
            names, colors, _ = zip(*(RULES[rule] for rule in RULES))
            style.label(ax, np.maximum(ends, 1e-4), names, colors)
    axes[0].set_title(f"error, K = M = {r['K']}, τ = 1")
    axes[1].set_title(f"error, K = M = 2, τ = {r['tau']:g}")
    return figure


def describe_figure_3(r):
    """Median leaving times, and median errors at the end."""

    def part(name):
        return ", ".join(f"{_left(r['left'][f'{name} {rule}'])} with {NAMES[rule]}" for rule in NORMALIZATIONS)

    count = len(next(iter(r["left"].values())))
    ends = ", ".join(_size(np.median(r["runs"][f"units {rule}"][:, -1]), "") for rule in NORMALIZATIONS)
    return (
        f"{count} seeds at N = 100, b = 100, η = 1, 20 000 steps; line: median, band: middle half. K moves the "
        f"left panel only, τ the right one only. The asymmetry passes a half for good at these median times: for K = "
        f"{r['K']}, τ = 1 at {part('units')}; for K = 2, τ = "
        f"{r['tau']:g} at {part('variance')}. The errors at the end on the left have medians {ends}, in the same order."
    )


def _left(times):
    """The median, and how many never leave if some do not."""
    middle, never = np.median(times), int(np.isinf(times).sum())
    told = "no time before 200" if math.isinf(middle) else number(middle)
    return told + (f" (never in {never})" if never else "")


def compute_map(batch_size, rule):
    """Steps to leave the plateau over rates and batch sizes for one rule; and both rules at one batch size."""
    steps = {
        name: np.array([[_leaving_steps(name, b, eta) for eta in RATES] for b in BATCH_SIZES]) for name in RATE_RULES
    }
    row = BATCH_SIZES.index(batch_size)
    return {
        "b": batch_size, "rule": rule, "medians": steps[rule][:, :, 1],
        "lines": {name: quartiles[row] for name, quartiles in steps.items()},
        "floors": {name: np.array([_late_error(name, batch_size, eta) for eta in RATES]) for name in RATE_RULES},
        "critical": critical_rate(2, 1.0, batch_size=batch_size),
    }  # fmt: skip


def _record(rule, batch_size, rate):
    return load("committee_learning_rates")["data"]["runs"][f"{rule} {batch_size} {rate:g}"]


def _leaving_steps(*setting):
    """Quartiles of the steps to leave for good; inf for runs that do not, or that end above the plateau's error.

    The middle one is the median; the others are the medians of the earlier and the later half.
    """
    run = _record(*setting)
    steps = np.where(np.array(run["error"]) < plateau_error(2), read_times(run["left"]), math.inf)
    early, late = np.split(np.sort(steps), 2)
    return np.array([np.median(early), np.median(steps), np.median(late)])


def _late_error(*setting):
    return np.median(_record(*setting)["error"])


def draw_map(r):
    """The map for one rule; steps and late error of both at one batch size."""
    figure, (plane, steps, error) = style.panels(3, left=0.54, gap=0.64, right=0.86)
    _cells(plane, r)
    for rule in RATE_RULES:
        _, color, dash = RULES[rule]
        low, middle, high = r["lines"][rule].T
        left, shift = np.isfinite(middle), 1 + 0.04 * (2 * RATE_RULES.index(rule) - 1)
        x = np.array(RATES) * shift
        bars = np.abs(middle[left] - [low[left], np.minimum(high[left], STEPS)])
        steps.errorbar(x[left], middle[left], bars, color=color, ls=dash, lw=1.4, elinewidth=1, marker="o", ms=2.6)
        steps.plot(x[~left], np.full(np.sum(~left), NEVER), "x", color=color, ms=4, mew=1.2)
        error.plot(RATES, np.maximum(r["floors"][rule], 1e-7), color=color, ls=dash, lw=1.6)
    style.log_axis(steps.yaxis, 40, 60_000, [100, 1000, 10_000, NEVER], ["100", "1000", "10⁴", "never"])
    style.log_axis(error.yaxis, 1e-7, 1, [1e-6, 1e-4, 1e-2, 1])
    error.axhline(plateau_error(2), color=style.QUIET, lw=0.8)
    for ax in (steps, error):
        ax.axvline(r["critical"], color=style.QUIET, ls=style.DOTTED, lw=1.4)
        style.log_axis(ax.xaxis, 0.4, 650, [1, 10, 100])
        ax.set_xlabel("learning rate η")
    steps.set_title(f"steps to leave, b = {r['b']}")
    error.set_title(f"error late, b = {r['b']}")
    ends = [max(r["floors"][rule][-1], 1e-7) for rule in RATE_RULES]
    style.label(error, ends, [RULES[rule][0] for rule in RATE_RULES], [RULES[rule][1] for rule in RATE_RULES])
    return figure


def _cells(ax, r):
    """Rates across, batch sizes up; the more steps the stronger the colour; crosses where half the runs never leave."""
    gone = np.isfinite(r["medians"])
    depth = np.log(np.clip(r["medians"], FEWEST, STEPS) / FEWEST) / math.log(STEPS / FEWEST)
    corners = 0.47 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    cells = np.argwhere(gone)[:, None, ::-1] + corners
    ax.add_collection(PolyCollection(cells, facecolors=[to_rgba(style.ACCENT, 0.12 + 0.8 * d) for d in depth[gone]]))
    never = np.argwhere(~gone)
    ax.plot(never[:, 1], never[:, 0], "x", color=style.QUIET, ms=4, mew=1.1)
    critical = np.interp(
        np.log([critical_rate(2, batch_size=b) for b in BATCH_SIZES]), np.log(RATES), range(len(RATES))
    )
    ax.plot(critical, range(len(BATCH_SIZES)), color=style.INK, ls=style.DOTTED, lw=1.4)
    row = BATCH_SIZES.index(r["b"])
    ax.plot([-0.55, len(RATES) - 0.45], [[row - 0.5, row + 0.5]] * 2, color=style.SECOND, lw=1)
    across, up = range(1, len(RATES), 3), range(len(BATCH_SIZES))
    style.fixed_axis(ax.xaxis, -0.6, len(RATES) - 0.4, across, [f"{RATES[k]:g}" for k in across])
    style.fixed_axis(ax.yaxis, -0.6, len(BATCH_SIZES) - 0.4, up, [str(b) for b in BATCH_SIZES])
    ax.set_xlabel("learning rate η")
    ax.set_title(f"batch size b; rule: {RULES[r['rule']][0]}")


def _size(error, of="of "):
    """An error in words; far down it is round-off."""
    return "below 10⁻⁶" if error < 1e-6 else f"{of}{number(error)}"


def describe_map(r):
    """The largest rate at which each rule leaves, the fewest steps, and the error that is left."""
    parts = []
    for rule in RATE_RULES:
        middle = r["lines"][rule][:, 1]
        leaves = np.flatnonzero(np.isfinite(middle))
        best = leaves[np.argmin(middle[leaves])]
        who = "without normalization" if rule == "none" else "with batch normalization"
        parts.append(
            f"{who} runs leave up to η = {RATES[leaves[-1]]:g}, soonest at η = {RATES[best]:g} "
            f"({number(middle[best])} steps), with a late error {_size(r['floors'][rule][best])} there"
        )
    return (
        f"Batch size {r['b']}, N = 100, K = 2, τ = 1, 20 000 steps; medians of 16 runs with quartiles: "
        f"{'; '.join(parts)}. Theory says that without normalization nothing is learned above η = "
        f"{number(r['critical'])} (dotted). The map shows {NAMES[r['rule']]}: the stronger the colour, the more "
        f"steps; a cross where half of the runs never leave."
    )


FIGURES = (
    Figure(
        "figure-3",
        "T20's figure 3, with the gradient that it needs",
        (
            Parameter("students", "K", MANY_UNITS, 10),
            Parameter("input_variance", "τ", VARIANCES, 20.0),
        ),
        compute_figure_3,
        draw_figure_3,
        describe_figure_3,
    ),
    Figure(
        "rates-and-batches",
        "Leaving the plateau at any rate",
        (Parameter("batch_size", "b", BATCH_SIZES, 16), Parameter("rule", "", RATE_RULES, "batch")),
        compute_map,
        draw_map,
        describe_map,
    ),
)
