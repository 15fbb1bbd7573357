"""Figures of chapter 8: double descent, training to the end, and L19's figure 1."""

import numpy as np

from bnlib.book import records, style
from bnlib.book.figure import Figure, Parameter, Prediction
from bnlib.book.figures.committee.rules import number
from bnlib.perceptron import (
    descent_error,
    generalization_gap,
    population_statistics_error,
    ridge_error,
)

NEAR_ONE = [0.99, 0.996, 0.999, 1.001, 1.004, 1.01]
ALPHAS = np.concatenate([np.linspace(0.02, 0.98, 49), NEAR_ONE, np.linspace(1.02, 3, 100)])
DECAYS = np.geomspace(1e-3, 10, 81)
RULES = ("batch", "none", "batch-independent")
STATISTICS = {"training": "training statistics", "population": "population statistics"}
NAMES = {
    "batch": "batch normalization",
    "none": "plain descent",
    "batch-independent": "batch normalization with independent batches",
}
TIMES = (1.0, 3.2, 10.0, 32.0, 100.0, 320.0, 1000.0, 3200.0, 10000.0, 17800.0)
TOPS = {3: [0, 1, 2, 3], 6: [0, 2, 4, 6], 12: [0, 4, 8, 12], 20: [0, 5, 10, 15, 20], 40: [0, 10, 20, 30, 40]}
TITLES = {"error": "generalization error", "with-noise": "error + noise floor δ²", "gap": "validation − training"}


def compute_double(noise, zeta, reading, measure):
    """Least squares, ridge at one decay and at the best one, against the load; and at load 1 against the decay."""
    scale = ALPHAS if reading == "alpha-zeta" else np.ones_like(ALPHAS)

    def curve(alpha, decay):
        if measure == "gap":
            return generalization_gap(alpha, noise, decay)
        return ridge_error(alpha, noise, decay) + (noise if measure == "with-noise" else 0.0)

    return {
        "noise": noise, "zeta": zeta, "reading": reading, "measure": measure,
        "plain": curve(ALPHAS, 0.0), "ridge": curve(ALPHAS, scale * zeta), "best": curve(ALPHAS, noise),
        "at one": curve(1.0, DECAYS), "here": float(curve(1.0, zeta)),
        "two": float(curve(2.0, zeta * (2 if reading == "alpha-zeta" else 1))), "two plain": float(curve(2.0, 0.0)),
    }  # fmt: skip


def _top(r):
    """The lowest of the axes' ends that leaves ridge, the best decay and the dot in sight."""
    high = max(r["ridge"].max(), r["best"].max(), r["here"])
    return next(top for top in TOPS if high < 0.95 * top)


def draw_double(r):
    """Error against load, and at load 1 against the decay."""
    figure, (main, cut) = style.panels(2, left=0.42, gap=0.62, right=0.3)
    top = _top(r)
    for part in (ALPHAS < 1, ALPHAS > 1):
        main.plot(ALPHAS[part], np.minimum(r["plain"][part], 2 * top), color=style.QUIET, ls=style.DASHED)
    main.plot(ALPHAS, r["best"], color=style.SECOND, ls=style.DOTTED)
    main.plot(ALPHAS, r["ridge"], color=style.ACCENT)
    main.plot([1], [r["here"]], "o", color=style.ACCENT, ms=5)
    style.fixed_axis(main.xaxis, 0, 3, [0, 1, 2, 3])
    style.fixed_axis(main.yaxis, 0, top, TOPS[top])
    main.set_xlabel("load α = P / N")
    main.set_title(TITLES[r["measure"]])
    beside = ALPHAS[(ALPHAS > 1) & (r["plain"] < 0.85 * top)].min()
    main.text(beside + 0.08, 0.97 * top, "no decay", color=style.QUIET, va="top")
    cut.plot(DECAYS, r["at one"], color=style.ACCENT)
    cut.plot([r["zeta"]], [r["here"]], "o", color=style.ACCENT, ms=5, clip_on=False)
    cut.axvline(r["noise"], color=style.SECOND, ls=style.DOTTED)
    style.log_axis(cut.xaxis, 1e-3, 10, [0.001, 0.01, 0.1, 1, 10])
    style.fixed_axis(cut.yaxis, 0, top, TOPS[top])
    cut.set_xlabel("decay ζ (dotted: δ²)")
    cut.set_title("the same at load α = 1")
    return figure


def describe_double(r):
    """Errors at load 1 and 2."""
    rule = f"λ = {style.words(r['reading'])}"
    high = r["at one"].max()
    beyond = f"; the right line goes on to {number(high)} at ζ = 0.001" if high > _top(r) else ""
    return (
        f"Noise δ² = {r['noise']:g}, decay ζ = {number(r['zeta'])} with {rule}; shown: {TITLES[r['measure']]}. "
        f"Least squares (dashed) is infinite at load 1, where ridge (line) has {r['here']:.3f}. At load 2 it is "
        f"{r['two plain']:.3f} without decay and {r['two']:.3f} with it; dotted: λ = δ², best for "
        f"the error at each load{beyond}."
    )


def compute_end(rule, load, statistics, time):
    """The recorded errors along the training time, with quartiles, and the curve of plain descent."""
    data = records.load("perceptron_training_time")["data"]
    part, plain = data[f"{rule} {load:g}"], data[f"none {load:g}"]
    times = np.array(part["times"])
    low, middle, high = (np.array(row) for row in part[STATISTICS[statistics]])
    where = int(np.argmin(abs(np.log(times / time))))
    return {
        "rule": rule, "load": load, "statistics": statistics, "time": time, "times": times,
        "low": low, "middle": middle, "high": high, "where": where, "plain times": np.array(plain["times"]),
        "plain": np.array(plain["training statistics"][1]),
        "law": descent_error(load, 0.25, np.array(plain["times"])),
        "least": float(np.median(part["least squares"])), "ridge": float(np.median(part["ridge"])),
        "last": np.array(part["last"]), "least squares": np.array(part["least squares"]),
    }  # fmt: skip


def draw_end(r):
    """Errors along the training time, and the end of every run against its least squares."""
    figure, (path, end) = style.panels(2, left=0.45, gap=0.75, right=0.5)
    path.fill_between(r["times"], r["low"], r["high"], color=style.ACCENT, alpha=0.18, lw=0)
    path.plot(r["plain times"], r["plain"], color=style.SECOND, ls=style.DASHED)
    path.plot(r["plain times"], r["law"], color=style.QUIET, ls=style.DOTTED, lw=1.3)
    path.plot(r["times"], r["middle"], color=style.ACCENT)
    path.plot([r["times"][r["where"]]], [r["middle"][r["where"]]], "o", color=style.ACCENT, ms=6)
    style.log_axis(path.xaxis, 0.3, 4e4, [1, 10, 100, 1e3, 1e4])
    style.log_axis(path.yaxis, 0.2, 60, [0.3, 1, 3, 10, 30])
    levels, colors = [r["ridge"]], [style.INK]
    path.axhline(r["ridge"], color=style.INK, lw=0.8)
    style.label(path, levels, ["ridge"], colors)
    path.set_xlabel("training time t = η · steps / N")
    path.set_title("error; plain descent dashed")
    end.plot([0.1, 1e4], [0.1, 1e4], color=style.QUIET, lw=0.8)
    end.plot(r["least squares"], r["last"], "o", color=style.ACCENT, ms=4)
    style.log_axis(end.xaxis, 0.15, 5000, [1, 10, 100, 1000])
    style.log_axis(end.yaxis, 0.15, 5000, [1, 10, 100, 1000])
    end.set_xlabel("error of least squares, same data")
    end.set_title("error at the end, training statistics")
    return figure


def describe_end(r):
    """The error at the chosen time and at the end."""
    t, k = r["times"][r["where"]], r["where"]
    plain = r["plain"][int(np.argmin(abs(np.log(r["plain times"] / t))))]
    evaluated = "" if r["rule"] == "none" else f", evaluated with {r['statistics']} statistics"
    until = ", where the runs end," if t < 0.9 * r["time"] else ""
    return (
        f"{NAMES[r['rule']].capitalize()} at load {r['load']:g}{evaluated}: median "
        f"over 24 data sets (N = 64, M = 16), band: quartiles. At t = {t:g}{until} the error is {r['middle'][k]:.2f} "
        f"(plain descent {plain:.2f}), at the end {r['middle'][-1]:.2f}; its lowest is {r['middle'].min():.2f}, at "
        f"t = {r['times'][r['middle'].argmin()]:g}. Ridge with λ = α/2M has {r['ridge']:.2f} and "
        f"least squares {r['least']:.2f}; dotted, the law of plain descent for N → ∞. On the right each data set's "
        f"error at the end stands over that of its least squares."
    )


def _climbs(r):
    """Whether the error at the end is above that of the best time by more than a tenth."""
    return int(r["middle"][-1] > 1.1 * r["middle"].min())


def compute_figure_1(inputs, stop, start, statistics, measure):
    """Recorded points of figure 1 and its curves, and what batch normalization and plain descent have at load 1."""
    record = records.load("perceptron_figure_1")
    data, config = record["data"], record["config"]
    name = "paper" if inputs == 4096 else "middle"
    loads = np.array(config["loads" if inputs == 4096 else "middle loads"])
    stops = list(config["stops"])
    k, one = stops.index(stop), int(np.argmin(abs(loads - 1)))
    points, bars = {}, {}
    for rule in ("batch", "none"):
        short = rule == "batch" and start == "short"
        part = (records.load("perceptron_short_start")["data"] if short else data)[f"{name} {rule}"]
        points[rule], bars[rule] = _points(part, STATISTICS[statistics] if rule == "batch" else STATISTICS["training"],
                                           measure)  # fmt: skip
    ridge = data[f"{name} ridge"]
    exact = np.array(ridge["error"]["mean"])
    if measure == "gap":
        exact = exact + 0.25 - np.array(ridge["training"]["mean"])
    curve = generalization_gap if measure == "gap" else ridge_error
    return {
        "N": inputs, "start": start, "stop": stop, "statistics": statistics, "measure": measure, "loads": loads,
        "stops": stops,
        "curves": [curve(ALPHAS, 0.25, ALPHAS * zeta) for zeta in (0.0, 1 / 64, 0.25)], "exact": exact,
        "batch": points["batch"][:, k], "plain": points["none"][:, k],
        "batch bars": bars["batch"][:, k], "plain bars": bars["none"][:, k],
        "batch at one": points["batch"][one], "plain at one": points["none"][one], "one": one,
        "levels": [float(curve(1.0, 0.25, zeta)) for zeta in (1 / 64, 0.25)],
        "cusp": population_statistics_error(1.0, 0.25),
    }  # fmt: skip


def _points(part, statistics, measure):
    """Means and standard errors (loads, stops); with one data set a point there is no error: zeros."""
    mean = np.array(part[statistics]["mean"])
    error = part[statistics]["error"]
    if measure == "gap":
        mean = mean + 0.25 - np.array(part["training"]["mean"])
    return mean, np.zeros_like(mean) if error is None else np.array(error)


def draw_figure_1(r):
    """Top panel: against load. Bottom panel: at load 1, against the time of stopping."""
    figure, (top, bottom) = style.panels(2, left=0.42, gap=0.62, right=0.78)
    looks = ((style.QUIET, style.DASHED), (style.THIRD, style.DASHDOT), (style.INK, style.DOTTED))
    for curve, (color, dash), found in zip(r["curves"], looks, r["exact"].T):
        for part in (ALPHAS < 1, ALPHAS > 1):
            top.plot(ALPHAS[part], np.minimum(curve[part], 9), color=color, ls=dash, lw=1.4)
        kept = found < 3
        top.plot(r["loads"][kept], found[kept], "x", color=color, ms=4)
    top.errorbar(r["loads"], r["plain"], 2 * r["plain bars"], fmt="o", mfc="none", color=style.SECOND, ms=6, lw=1)
    top.errorbar(r["loads"], r["batch"], 2 * r["batch bars"], fmt="s", color=style.ACCENT, ms=5, lw=1)
    style.fixed_axis(top.xaxis, 0, 2.2, [0, 0.5, 1, 1.5, 2])
    style.fixed_axis(top.yaxis, 0, 3, [0, 1, 2, 3])
    top.set_xlabel("load α = P / N")
    top.set_title(f"{TITLES[r['measure']]}, t = {r['stop']:g}")
    bottom.plot(r["stops"], r["plain at one"], "o", mfc="none", ls=style.DASHED, color=style.SECOND, ms=6)
    bottom.plot(r["stops"], r["batch at one"], "s-", color=style.ACCENT, ms=5)
    for level, (color, dash) in zip(r["levels"], looks[1:]):
        bottom.axhline(level, color=color, ls=dash, lw=1.4)
    style.log_axis(bottom.xaxis, 2.5, 36, [3, 10, 30])
    style.fixed_axis(bottom.yaxis, 0, 2, [0, 0.5, 1, 1.5, 2])
    ends = [r["batch at one"][-1], r["plain at one"][-1], *r["levels"]]
    colors = [style.ACCENT, style.SECOND, style.THIRD, style.INK]
    style.label(bottom, ends, ["■ batch", "○ plain", "ζ = 1/2M", "ζ = δ²"], colors)
    bottom.set_xlabel("stopped at time t")
    bottom.set_title("the same at load α = 1")
    return figure


def describe_figure_1(r):
    """Batch normalization and plain descent at load 1 when both are stopped at the same time."""
    k, steps = r["stops"].index(r["stop"]), r["stop"] * r["N"] / 8
    each = "one data set a point" if r["N"] == 4096 else "8 data sets a point for ■ and ○, bars: 2 standard errors"
    return (
        f"L19's figure 1 with N = {r['N']}, M = 32, δ² = 0.25, {each}; training stopped at t = {r['stop']:g} "
        f"({steps:.0f} steps), {r['start']} start, {r['statistics']} statistics. At load 1 batch normalization (■) has "
        f"{r['batch at one'][k]:.3f} and plain descent (○) {r['plain at one'][k]:.3f}, where the curve of decay 1/2M "
        f"has {r['levels'][0]:.3f} and that of decay 0.25 has {r['levels'][1]:.3f}. Crosses: least squares and ridge "
        f"on random data."
    )


FIGURES = (
    Figure(
        "double-descent",
        "Double descent, and the decay that tames it",
        (
            Parameter("noise", "δ²", (0.01, 0.0625, 0.25, 1.0, 2.25), 0.25),
            Parameter("zeta", "ζ", (0.001, 1 / 256, 1 / 64, 0.0625, 0.25, 1.0, 4.0), 1 / 64),
            Parameter("reading", "λ =", ("alpha-zeta", "zeta"), "alpha-zeta"),
            Parameter("measure", "", tuple(TITLES), "error"),
        ),
        compute_double,
        draw_double,
        describe_double,
    ),
    Figure(
        "to-the-end",
        "What batch normalization ends at",
        (
            Parameter("rule", "", RULES, "batch"),
            Parameter("load", "α", (0.75, 1.0, 1.5), 1.0),
            Parameter("statistics", "", tuple(STATISTICS), "training"),
            Parameter("time", "t", TIMES, 10.0),
        ),
        compute_end,
        draw_end,
        describe_end,
        Prediction(
            "Load 1, 64 inputs, 64 noisy examples, batches of 16, training far beyond what one would usually do. What "
            "does the error of batch normalization do?",
            ("it falls and stays low, like ridge regression's", "it falls, and then climbs"),
            _climbs,
        ),
    ),
    Figure(
        "l19-figure-1",
        "After L19's figure 1",
        (
            Parameter("inputs", "N", (256, 4096), 4096),
            Parameter("stop", "t", (3.0, 10.0, 30.0), 30.0),
            Parameter("start", "", ("usual", "short"), "usual"),
            Parameter("statistics", "", tuple(STATISTICS), "training"),
            Parameter("measure", "", ("error", "gap"), "error"),
        ),
        compute_figure_1,
        draw_figure_1,
        describe_figure_1,
    ),
)
