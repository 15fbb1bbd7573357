"""Figures of chapter 3 that show single plateaus: on the flow, and in single runs beside it."""

import math

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter, Prediction
from bnlib.book.figures.committee.plateau_records import FIGURES as RECORDED
from bnlib.book.figures.committee.plateau_records import NAMES
from bnlib.book.figures.committee.rules import number
from bnlib.book.records import load
from bnlib.book.records.plateau import ASYMMETRIES, DIMENSIONS, HALF, LEAVING_RULES, plateau_bound, read_times
from bnlib.committee import (
    NORMALIZATIONS,
    asymmetry,
    escape_rate,
    find_plateau,
    plateau_error,
    plateau_squared_norm,
    reduced_flow,
    restrict,
)

BAND = 0.05


def compute_plateau(students, input_variance, asymmetry, rule):
    """Two flows from students of length 1 at right angles: one with that asymmetry, one with a tenth of it."""
    K, tau = students, input_variance
    norm = plateau_squared_norm(K, tau, normalization=rule)
    rate = escape_rate(K, tau, normalization=rule, squared_norm=norm)
    runs = [_run(K, tau, e, rule, rate) for e in (asymmetry, asymmetry / 10)]
    return {
        "K": K, "tau": tau, "asymmetry": asymmetry, "rule": rule, "rate": rate, "level": plateau_error(K, tau),
        "runs": runs,
    }  # fmt: skip


def _run(K, tau, e, rule, rate):
    """Times, error and asymmetry of one flow, and the plateau on it."""
    common = 0.1 * math.sqrt(2 / K)
    start = [1.0, 0.0, common + e * (1 - 1 / K), common - e / K] + ([] if rule == "none" else [1.0])
    last = (math.log(1 / e) + 9) / rate + 60
    times = np.unique(np.concatenate([np.linspace(0, 60, 121), np.linspace(0, last, 361)]))
    path = reduced_flow(start, times, K, tau, normalization=rule)
    found = find_plateau(path, input_variance=tau, band=BAND)
    return {
        "times": times, "error": path.error, "e": asymmetry(path), "start": found.start, "end": found.end,
        "e0": found.asymmetry_at_start, "e1": found.asymmetry_at_end,
    }  # fmt: skip


def draw_plateau(r):
    """Error and asymmetry against time; the second run is dashed."""
    figure, (error, e) = style.panels(2, left=0.52, gap=0.72, right=0.2)
    first, second = r["runs"]
    last, ticks = _round_axis(1.12 * second["end"])
    error.axvspan(first["start"], first["end"], color=style.FAINT, alpha=0.6, lw=0)
    error.axhline(r["level"], color=style.QUIET, lw=0.8)
    for run, look in ((second, {"color": style.SECOND, "ls": style.DASHED}), (first, {"color": style.ACCENT})):
        error.plot(run["times"], np.maximum(run["error"], 1e-6), **look)
        e.plot(run["times"], run["e"], **look)
        e.plot([run["start"], run["end"]], [run["e0"], run["e1"]], "o", color=look["color"], ms=4.5)
    law = first["e0"] * np.exp(r["rate"] * (first["times"] - first["start"]))
    e.plot(first["times"], np.where(law < 3, law, np.nan), color=style.QUIET, ls=style.DOTTED, lw=1.6)
    middle = min(max((first["start"] + first["end"]) / 2, 0.12 * last), 0.88 * last)
    error.text(middle, 1.6, "plateau", ha="center", color=style.QUIET)
    at = 0.56 * last  # below the right end of the dashed curve nothing else is drawn
    under = (at, float(np.interp(at, second["times"], second["e"])))
    e.annotate("from a tenth of it", under, (4, -9), textcoords="offset points", va="top", color=style.SECOND)
    style.log_axis(error.yaxis, 1e-4, 4)
    style.log_axis(e.yaxis, 1e-8, 2, [1e-8, 1e-6, 1e-4, 1e-2, 1])
    for ax in (error, e):
        style.fixed_axis(ax.xaxis, 0, last, ticks)
        ax.set_xlabel("time  t = steps / N")
    error.set_title("generalization error")
    e.set_title("asymmetry e; dotted: growth at rate λ")
    return figure


def _round_axis(end):
    """A last time that reads well, at or after `end`, and its ticks."""
    power = 10.0 ** math.floor(math.log10(end))
    steps = next(
        (m, n) for m, n in ((1, 4), (1.5, 3), (2, 4), (3, 3), (4, 4), (6, 3), (8, 4), (10, 4)) if m * power >= end
    )
    last = steps[0] * power
    return last, np.linspace(0, last, steps[1] + 1)


def describe_plateau(r):
    """The plateau in numbers, and what the law says."""
    first, second = r["runs"]
    length, longer = (run["end"] - run["start"] for run in r["runs"])
    law = math.log(first["e1"] / first["e0"]) / r["rate"]
    return (
        f"K = M = {r['K']}, τ = {r['tau']:g}, {NAMES[r['rule']]}, |J|² = 1 and R − S = {number(r['asymmetry'])} at the "
        f"start. The error comes within 5 % of the plateau's {number(r['level'])} at t = {number(first['start'])} and "
        f"is 5 % below it at t = {number(first['end'])}: a plateau of {number(length)}. Meanwhile e grows from "
        f"{number(first['e0'])} to {number(first['e1'])}, for which the rate λ = {number(r['rate'])} asks "
        f"{number(law)}. From a tenth of the asymmetry (dashed) the plateau lasts {number(longer)}, longer by "
        f"{number(longer - length)}; ln(10)/λ is {number(math.log(10) / r['rate'])}."
    )


def _answer(r):
    """0: about ten times as long; 1: longer by a fixed time; 2: the same."""
    length, longer = (run["end"] - run["start"] for run in r["runs"])
    if longer > 5 * length and longer - length > 5 * math.log(10) / r["rate"]:
        return 0
    return 1 if longer - length > 0.1 * math.log(10) / r["rate"] else 2


def compute_single(dimension, asymmetry, rule):
    """Recorded runs at one number of inputs beside the flow, when the runs of all sizes leave, and what theory says."""
    record = load("committee_leaving")
    data, config = record["data"]["runs"], record["config"]
    paths = np.array(data[f"{rule} {asymmetry:g} {dimension}"]["asymmetry"])
    left = {N: read_times(data[f"{rule} {asymmetry:g} {N}"]["left"]) for N in DIMENSIONS}
    last, tau = config["last_times"][rule], config["input_variance"]
    times = np.linspace(0, last, paths.shape[1])
    path = reduced_flow(restrict(plateau_bound(rule, asymmetry)), times, 2, tau, normalization=rule)
    return {
        "N": dimension, "asymmetry": asymmetry, "rule": rule, "tau": tau, "times": times, "paths": paths,
        "flow": np.abs(path.R[:, 0, 0] - path.R[:, 0, 1]) / np.sqrt(path.Q[:, 0, 0]), "left": left, "last": last,
        "theory": _theory(left, np.log(config["flow_asymmetries"]), np.array(record["data"]["flows"][rule])),
    }  # fmt: skip


def _theory(left, log_starts, flow_left):
    """Quartiles (sizes, 3) of the leaving times of runs that start with asymmetry c |z| / sqrt N, z standard normal.

    A run with that asymmetry leaves when the flow does. c is the one number that is fitted, to the medians.
    """
    middles = [np.median(times) for times in left.values()]
    seen = np.interp(middles, flow_left[::-1], log_starts[::-1])  # asymmetries with which the flow leaves then
    sizes = np.log(list(left))
    constant = np.mean(seen + sizes / 2) - LOG_QUARTILES[1]
    return np.interp(constant + LOG_QUARTILES - sizes[:, None] / 2, log_starts, flow_left)


LOG_QUARTILES = np.log([1.150349, 0.674490, 0.318639])  # of |z|, the largest first: it leaves first


def draw_single(r):
    """Asymmetry of a dozen runs and of the flow; leaving times of all runs against N."""
    figure, (paths, size) = style.panels(2, left=0.52, gap=0.72, right=0.2)
    last, ticks = _round_axis(1.4 * _leaves(r)) if r["asymmetry"] else (r["last"], np.linspace(0, r["last"], 5))
    for path in r["paths"]:
        paths.plot(r["times"], np.maximum(path, 1e-5), color=style.SECOND, lw=0.8, alpha=0.75)
    if r["asymmetry"]:
        paths.plot(r["times"], r["flow"], color=style.ACCENT, lw=3, zorder=1)
        size.axhline(_leaves(r), color=style.ACCENT, lw=1.2)
    else:
        low, middle, high = r["theory"].T
        size.fill_between(DIMENSIONS, low, high, color=style.ACCENT, alpha=0.2, lw=0)
        size.plot(DIMENSIONS, middle, color=style.ACCENT, lw=1.2)
    for N, times in r["left"].items():
        shown = np.minimum(times, 0.985 * last)  # what has not left is at the top
        size.plot(np.full(len(shown), N), shown, "o", color=style.SECOND, ms=3, alpha=0.45, mec="none")
        size.plot([N], [np.median(times)], "s", color=style.INK, ms=7 if N == r["N"] else 4)
    paths.axhline(HALF, color=style.QUIET, lw=0.8)
    style.log_axis(paths.yaxis, 1e-3, 2, [1e-3, 1e-2, 1e-1, 1])
    style.log_axis(size.xaxis, 80, 1250, list(DIMENSIONS))
    style.fixed_axis(paths.xaxis, 0, last, ticks)
    style.fixed_axis(size.yaxis, 0, last, ticks)
    paths.set_xlabel("time  t = steps / N")
    size.set_xlabel("inputs N")
    paths.set_title("asymmetry e: runs, and flow (thick)" if r["asymmetry"] else "asymmetry e of runs; the flow's is 0")
    size.set_title("leaving times; " + ("line: flow" if r["asymmetry"] else "band: theory's middle half"))
    return figure


def _leaves(r):
    """When the flow's asymmetry passes a half."""
    return float(np.interp(math.log(HALF), np.log(r["flow"]), r["times"]))


def describe_single(r):
    """Median and spread of the leaving times, and what the flow and theory say."""
    left, low, middle, high = r["left"][r["N"]], *r["theory"][DIMENSIONS.index(r["N"])]
    first, half, third = np.quantile(left, [0.25, 0.5, 0.75], method="median_unbiased")
    says = f"leaves at t = {number(_leaves(r))}" if r["asymmetry"] else "never leaves"
    text = (
        f"{len(left)} runs at N = {r['N']}, K = M = 2, τ = {r['tau']:g}, b = 100, {NAMES[r['rule']]}, R − S = "
        f"{r['asymmetry']:g} at the start. The flow {says}. Half of the runs have left by t = {number(half)}, the "
        f"middle half between {number(first)} and {number(third)}"
    )
    if r["asymmetry"]:
        return f"{text}: the more inputs, the closer they are."
    return (
        f"{text}. Theory, with one number fitted for all N: {number(middle)}, between {number(low)} and {number(high)}."
    )


RULE = Parameter("rule", "", NORMALIZATIONS, "none")

FIGURES = (
    Figure(
        "plateau",
        "Stuck, and off again",
        (
            Parameter("students", "K", (2, 3, 5, 10), 2),
            Parameter("input_variance", "τ", (0.5, 1.0, 2.0, 5.0, 10.0), 1.0),
            Parameter("asymmetry", "R − S", (1e-1, 1e-2, 1e-3, 1e-4, 1e-6), 1e-3),
            RULE,
        ),
        compute_plateau,
        draw_plateau,
        describe_plateau,
        Prediction(
            "The students start with R − S = 0.001, a preference for their own teacher of one part in a thousand. "
            "Start again with a tenth of that: how long is the plateau then?",
            ("about ten times as long", "longer by some fixed time", "the same"),
            _answer,
        ),
    ),
    *RECORDED,
    Figure(
        "single-runs",
        "What the flow says and what single runs do",
        (
            Parameter("dimension", "N", DIMENSIONS, 1000),
            Parameter("asymmetry", "R − S", ASYMMETRIES, 0.0),
            Parameter("rule", "", LEAVING_RULES, "none"),
        ),
        compute_single,
        draw_single,
        describe_single,
    ),
)
