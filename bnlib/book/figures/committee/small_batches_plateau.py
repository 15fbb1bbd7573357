"""Figures of chapter 15 about the plateau: students that open and leave sooner, and who leaves first."""

import math

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter, Prediction
from bnlib.book.figures.committee.rules import CENTERED, number
from bnlib.book.records import load
from bnlib.book.records.escapes import MAP, MAP_SIZES, NORMS, OUT, crossing, near_start
from bnlib.committee import asymmetry, batch_plateau, delay, escape_rate, flow

SIZES = (10.0, 30.0, 100.0, math.inf)
LOOKS = (
    (style.ACCENT, style.SOLID, 2.4),
    (style.ACCENT, style.SOLID, 1.4),
    (style.ACCENT, style.DASHED, 1.2),
    (style.SECOND, style.DASHDOT, 1.6),
)
NAMES = ("b = 10", "b = 30", "b = 100", "b = ∞")


DRIFTS = {"exact": "exact", "first order": True}  # what `flow` calls them


def compute_escape(input_variance, squared_norm, batch_mean, drift):
    """Flows from near the plateau at four batch sizes, eta = 1, and without normalization (b = infinity)."""
    tau, center = input_variance, batch_mean == "subtracted"
    slow = 1.6 / escape_rate(2, tau, normalization="none")
    times = np.linspace(0, slow * max(1.0, delay(2, tau, squared_norm=squared_norm)), 61)
    settings = {"input_variance": tau, "rtol": 1e-5, "atol": 1e-8}
    start = near_start(2, tau, "batch", squared_norm)
    paths = [
        flow(start, times, normalization="batch", batch_size=b, finite_batch=DRIFTS[drift], center=center, **settings)
        for b in SIZES
    ]
    none = flow(near_start(2, tau, "none"), times, normalization="none", **settings)
    e = np.array([asymmetry(path) for path in [*paths, none]])
    opening = [1 - path.Q[:, 0, 1] / np.sqrt(path.Q[:, 0, 0] * path.Q[:, 1, 1]) for path in paths]
    return {
        "tau": tau, "Q": squared_norm, "center": center, "drift": drift, "times": times, "asymmetry": e,
        "opening": np.array(opening), "exits": crossing(times, e),
    }  # fmt: skip


def recorded_exits(r):
    """Recorded exit times of runs at this setting: {index of the curve: (mean, error)}."""
    if (r["tau"], r["Q"]) != (1.0, 1.0):
        return {}
    data = load("committee_batch_exits")["data"]
    keys = {n: f"batch{' centered' * r['center']} {b:g}" for n, b in enumerate(SIZES[:3])} | {4: "none 10"}
    return {n: (data[key]["mean"], data[key]["error"]) for n, key in keys.items()}


def draw_escape(r):
    """Asymmetry and opening against time."""
    figure, (out, fan) = style.panels(2, left=0.55, gap=1.0, right=0.72)
    last = r["times"][-1]
    lines = [*zip(NAMES, LOOKS, strict=True), ("no BN", (style.QUIET, style.DOTTED, 2.2))]
    for n, (_, (color, dash, width)) in enumerate(lines):
        out.plot(r["times"], r["asymmetry"][n], color=color, ls=dash, lw=width)
        if n < len(SIZES):
            fan.plot(r["times"], r["opening"][n], color=color, ls=dash, lw=width)
    for n, (mean, _) in recorded_exits(r).items():
        out.plot([mean], [OUT], "o", ms=6, mfc="none", mew=1.4, color=lines[n][1][0])
    style.log_axis(out.yaxis, 0.04, 1.2, [0.05, 0.2, 1])
    out.axhline(OUT, color=style.FAINT, lw=1)
    ticks = [tick for tick in (0, 20, 50, 100, 200, 400, 1000, 2000) if tick <= last]
    for ax in (out, fan):
        style.fixed_axis(ax.xaxis, 0, last, [ticks[0], *ticks[-2:]])
        ax.set_xlabel("time  t = steps / N")
    style.fixed_axis(fan.yaxis, 0, 1.05, [0, 0.5, 1])
    out.set_title("asymmetry" + ("; circles: runs leave" if recorded_exits(r) else ""))
    fan.set_title("1 − ρ: students open")
    names, colors = [*NAMES, "no BN"], [line[1][0] for line in lines]
    style.label(out, r["asymmetry"][:, -1] * np.linspace(1.004, 1.0, 5), names, colors)
    style.label(fan, r["opening"][:, -1], names[:-1], colors[:-1])
    return figure


def describe_escape(r):
    """When each leaves."""
    exits = [f"{t:.1f}" if math.isfinite(t) else "later than shown" for t in r["exits"]]
    runs = "; ".join(
        f"{(*NAMES, 'none')[n]}: {mean:.2f} ± {error:.2f}" for n, (mean, error) in recorded_exits(r).items()
    )
    said = f" Recorded runs leave at: {runs}." if runs else ""
    return (
        f"Two students, input variance {r['tau']:g}, |J|² = {r['Q']:g}, η = 1, the flow with its drift "
        f"{'exact' if r['drift'] == 'exact' else 'to first order in 1/b'}. The asymmetry grows from 0.05 to 0.2 by "
        f"t = {exits[0]} in batches of 10, {exits[1]} of 30, {exits[2]} of 100, {exits[3]} in infinite ones, and by "
        f"t = {exits[4]} without normalization.{said}"
    )


def _first(r):
    """Who leaves first: 0 batches of 10, 1 infinite batches."""
    return int(r["exits"][3] < r["exits"][0])


FINE = np.geomspace(6, 200, 25)


def compute_first(students, input_variance, learning_rate, start):
    """Where batch normalization leaves as soon as no normalization: by rates, by flows, and runs at drawn points."""
    data = load("committee_who_leaves_first")["data"]
    one = dict(zip(MAP, (students, input_variance, learning_rate, start)))
    ratio = np.array(data["maps"][" ".join(map(str, one.values()))])
    by_flow = np.array([_even(row) for row in ratio])
    by_rate = np.array([
        batch_plateau(students, input_variance, batch_size=b, center=False).escape_rate for b in FINE
    ]) / escape_rate(students, input_variance, normalization="none")  # fmt: skip
    here = [p for p in data["points"] if all(p[name] == value for name, value in one.items())]
    points = [{"b": p["batch_size"], "Q": p["squared_norm"], "runs": p["runs"]["batch"][1] / p["runs"]["none"][1],
               "flow": p["flow"]["batch"] / p["flow"]["none"]} for p in here]  # fmt: skip
    limit = 1 / delay(students, input_variance)
    return {**one, "by_flow": by_flow, "by_rate": by_rate, "limit": limit, "points": points}


def _even(ratio):
    """The squared norm at which the ratio of exit times is 1, between two of the map's; nan if it is nowhere."""
    above = np.flatnonzero(ratio > 1)
    if not len(above) or above[0] == 0:
        return math.nan
    pair = slice(above[0] - 1, above[0] + 1)
    return math.exp(np.interp(0.0, np.log(ratio[pair]), np.log(np.array(NORMS)[pair])))


def draw_first(r):
    """Border lines over batch size and squared norm."""
    figure, (ax,) = style.panels(1, left=0.6, right=1.25)
    ax.fill_between(MAP_SIZES, 0.05, r["by_flow"], color=style.ACCENT, alpha=0.12, lw=0)
    ax.plot(MAP_SIZES, r["by_flow"], color=style.ACCENT)
    ax.plot(FINE, r["by_rate"], color=style.SECOND, ls=style.DASHED, lw=1.3)
    ax.axhline(r["limit"], color=style.QUIET, ls=style.DOTTED, lw=1.3)
    for p in r["points"]:
        sooner = p["runs"] < 1
        ax.plot([p["b"]], [p["Q"]], "o" if sooner else "s", ms=8, color=style.INK, mfc=style.INK if sooner else "none")
    style.log_axis(ax.xaxis, 6, 100, [6, 10, 20, 40, 100])
    style.log_axis(ax.yaxis, 0.1, 4, [0.1, 0.3, 1, 3])
    names, colors = ["by flows", "by rates", "b = ∞, rates"], [style.ACCENT, style.SECOND, style.QUIET]
    ends = [r["by_flow"][-1], np.interp(100, FINE, r["by_rate"]), r["limit"]]
    kept = [n for n in range(3) if math.isfinite(ends[n])]
    style.label(ax, [ends[n] for n in kept], [names[n] for n in kept], [colors[n] for n in kept])
    where = {"transform": ax.transAxes, "fontsize": 9}
    falls = not r["by_flow"][-1] > r["by_flow"][0]  # then there is room on the left
    ax.text(*((0.03, 0.13) if falls else (0.97, 0.22)), "BN leaves sooner", color=style.ACCENT,
            ha="left" if falls else "right", **where)  # fmt: skip
    ax.text(0.97, 0.92, "BN leaves later", ha="right", **where)
    ax.text(0.97, 0.82, "runs: ● BN first  □ not", ha="right", **where)
    ax.set_xlabel("batch size b")
    ax.set_title("squared norm |J|² below which BN is first")
    return figure


def describe_first(r):
    """The borders at the ends, and what runs say."""
    low, high = (f"{norm:.2f}" if math.isfinite(norm) else "0.1" for norm in r["by_flow"][[0, -1]])
    where = "near the plateau" if r["start"] == "near" else "at random"
    runs = "".join(
        f" Runs at b = {p['b']}, |J|² = {p['Q']:g}: with batch normalization they take {number(p['runs'])} times as "
        f"long as without (flows: {number(p['flow'])})." for p in r["points"]
    )  # fmt: skip
    return (
        f"K = {r['K']}, input variance {r['tau']:g}, η = {r['eta']:g}, start {where}. Batch normalization leaves "
        f"sooner below |J|² = {low} at b = {MAP_SIZES[0]} and below {high} at b = "
        f"{MAP_SIZES[-1]}; rates at infinite batch size say {r['limit']:.2f}.{runs}"
    )


FIGURES = (
    Figure(
        "batch-escape",
        "Smaller batches leave the plateau sooner",
        (
            Parameter("input_variance", "τ", (0.5, 1.0, 2.0), 1.0),
            Parameter("squared_norm", "|J|²", (0.25, 0.5, 1.0), 1.0),
            CENTERED,
            Parameter("drift", "", tuple(DRIFTS), "exact"),
        ),
        compute_escape,
        draw_escape,
        describe_escape,
        Prediction(
            "Two students with batch normalization sit near the plateau. Smaller batches have noisier deviations. "
            "Which batches leave first?",
            ("batches of 10", "infinite batches"),
            _first,
        ),
    ),
    Figure(
        "who-leaves-first",
        "Does batch normalization leave the plateau sooner?",
        (
            Parameter("students", "K", MAP["K"], 2),
            Parameter("input_variance", "τ", MAP["tau"], 1.0),
            Parameter("learning_rate", "η", MAP["eta"], 1.0),
            Parameter("start", "", MAP["start"], "near"),
        ),
        compute_first,
        draw_first,
        describe_first,
    ),
)
