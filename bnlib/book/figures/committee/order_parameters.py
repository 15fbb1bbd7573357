"""Figures of chapter 2: one Gaussian average, T19's figure 2, and what a finite number of inputs changes."""

import math

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter
from bnlib.book.figures.committee.rules import number
from bnlib.book.records import load
from bnlib.book.records.committee import DIMENSIONS
from bnlib.committee import I2, NORMALIZATIONS, phi

CORRELATIONS = np.linspace(-0.96, 0.96, 13)
RULE = Parameter("rule", "", NORMALIZATIONS, "batch-stop-gradient")
GROUPS = {
    "Q": (
        ("Q11", "Q₁₁", style.ACCENT, style.SOLID),
        ("Q22", "Q₂₂", style.SECOND, style.DASHED),
        ("Q12", "Q₁₂", style.THIRD, style.DASHDOT),
    ),
    "R": (
        ("R11", "R₁₁", style.ACCENT, style.SOLID),
        ("R12", "R₁₂", style.ACCENT, style.DOTTED),
        ("R21", "R₂₁", style.SECOND, style.DOTTED),
        ("R22", "R₂₂", style.SECOND, style.DASHED),
    ),
    "g": (("g1", "g₁", style.ACCENT, style.SOLID), ("g2", "g₂", style.SECOND, style.DASHED)),
    "error": (("error", "ε", style.ACCENT, style.SOLID),),
}
TITLES = {
    "Q": "student overlaps Q",
    "R": "student-teacher overlaps R",
    "g": "gains g",
    "error": "generalization error ε",
}


def compute_average(samples, variance):
    """I2 of two fields of equal variance: closed form, and means over random samples with their standard errors."""
    rng = np.random.default_rng([samples, int(1000 * variance)])
    closed = np.array([I2(variance * np.array([[1, r], [r, 1]]))[0, 1] for r in CORRELATIONS])
    z = rng.standard_normal((2, len(CORRELATIONS), samples))
    partner = CORRELATIONS[:, None] * z[0] + np.sqrt(1 - CORRELATIONS[:, None] ** 2) * z[1]
    products = phi(math.sqrt(variance) * z[0]) * phi(math.sqrt(variance) * partner)
    mean, error = products.mean(axis=1), products.std(axis=1, ddof=1) / math.sqrt(samples)
    return {"samples": samples, "variance": variance, "closed": closed, "mean": mean, "error": error}


def draw_average(r):
    """Closed form and samples, and their distance in standard errors."""
    figure, (curve, gap) = style.panels(2, left=0.55, gap=0.75, right=0.25)
    fine = np.linspace(-1, 1, 81)
    q = r["variance"] / (1 + r["variance"])
    curve.plot(fine, (2 / np.pi) * np.arcsin(q * fine), color=style.ACCENT)
    curve.errorbar(CORRELATIONS, r["mean"], r["error"], fmt="o", ms=3.5, color=style.SECOND, lw=1)
    style.fixed_axis(curve.yaxis, -1, 1, [-1, -0.5, 0, 0.5, 1])
    curve.set_title("⟨φ(x) φ(y)⟩: arcsine and samples")
    gap.axhspan(-2, 2, color=style.FAINT, alpha=0.5, lw=0)
    gap.plot(CORRELATIONS, (r["mean"] - r["closed"]) / r["error"], "o", color=style.SECOND, ms=4)
    gap.axhline(0, color=style.ACCENT, lw=1)
    style.fixed_axis(gap.yaxis, -4, 4, [-4, -2, 0, 2, 4])
    gap.set_title("samples − arcsine, in standard errors")
    for ax in (curve, gap):
        style.fixed_axis(ax.xaxis, -1.05, 1.05, [-1, -0.5, 0, 0.5, 1])
        ax.set_xlabel("correlation of the fields x, y")
    return figure


def describe_average(r):
    """The largest distance."""
    z = (r["mean"] - r["closed"]) / r["error"]
    return (
        f"{r['samples']} random pairs of fields of variance {r['variance']:g} at each of {len(z)} correlations. The "
        f"means are within {np.abs(z).max():.1f} standard errors of the arcsine formula; {np.sum(np.abs(z) > 2)} of "
        f"{len(z)} are more than 2 away, where about {0.0455 * len(z):.1f} should be by chance. The largest "
        f"standard error is {number(r['error'].max())}."
    )


def compute_figure_2(rule, start):
    """One recorded run of descent on the weights, and the recorded flow from the same start."""
    record = load("committee_figure_2")["data"]
    times = np.array(record["times"])
    run, path = (_arrays(record[kind][f"{rule} {start}"]) for kind in ("runs", "flows"))
    gaps = {group: max(np.max(np.abs(run[n] - path[n])) for n, *_ in lines) for group, lines in _lines(run).items()}
    return {"rule": rule, "start": start, "times": times, "run": run, "flow": path, "gaps": gaps}


def _arrays(stored):
    """Stored series as arrays."""
    return {name: np.array(values) for name, values in stored.items()}


def _lines(run):
    """The groups of lines that a run has: without normalization there are no gains."""
    return {group: lines for group, lines in GROUPS.items() if lines[0][0] in run}


def draw_figure_2(r):
    """Eight panels: the run above, the flow below."""
    figure, axes = style.grid(2, 4, left=0.42, gap=0.74, right=0.36, title=0.34)
    for column, group in enumerate(GROUPS):
        for row, source in enumerate(("run", "flow")):
            ax = axes[row, column]
            style.fixed_axis(ax.xaxis, 0, 200, [0, 100, 200])
            ax.set_title(
                f"({'abcdefgh'[2 * column + row]}) {group if group != 'error' else 'ε'}, "
                f"{'simulation' if source == 'run' else 'flow'}"
            )
            if (row == 1 and not style.is_narrow()) or (column == 3 and style.is_narrow()):
                ax.set_xlabel("time t")
            _panel(ax, group, r, source)
    return figure


def _panel(ax, group, r, source):
    lines = _lines(r["run"]).get(group)
    if lines is None:
        ax.set(yticks=[])
        ax.text(100, 0.5, "no gain", ha="center", va="center", color=style.QUIET, transform=ax.get_xaxis_transform())
        return
    if group == "error":
        style.log_axis(ax.yaxis, 1e-6, 2, [1e-6, 1e-4, 1e-2, 1])
    else:
        seen = np.concatenate([r[s][n] for s in ("run", "flow") for n, *_ in lines])
        low, high = math.floor(2 * seen.min()) / 2, math.ceil(2 * seen.max()) / 2
        style.fixed_axis(ax.yaxis, low - 0.04, high + 0.04, np.arange(low, high + 0.1, 0.5 if high - low < 2 else 1))
    for name, _, color, dash in lines:
        ax.plot(
            r["times"],
            np.maximum(r[source][name], 1e-7) if group == "error" else r[source][name],
            color=color,
            ls=dash,
            lw=1.5,
        )
    if group != "error":
        style.label(
            ax, [r[source][name][-1] for name, *_ in lines], [line[1] for line in lines], [line[2] for line in lines]
        )


def describe_figure_2(r):
    """The largest gaps between the two."""
    gaps = ", ".join(f"{number(gap)} for {group}" for group, gap in r["gaps"].items() if group != "error")
    return (
        f"Rule {style.words(r['rule'])}, start {r['start']}: one run of 20 000 steps at η = 1, N = 100, b = 100 "
        f"(a, c, e, g) and the flow (b, d, f, h). The largest gap between the two over the whole run is {gaps}. "
        f"At t = 200 the "
        f"error is {number(r['run']['error'][-1])} in the run and {number(r['flow']['error'][-1])} in the flow."
    )


def compute_finite_size(dimension, rule, quantity):
    """Fifty recorded runs at each dimension, the recorded flow, and how the spread shrinks."""
    record = load("committee_finite_size")["data"]
    times = np.array(record["times"], dtype=float)
    runs = {N: record["ensembles"][f"{rule} {N}"] for N in DIMENSIONS}
    name = {"Q": "Q12", "R": "R11", "error": "error"}[quantity]
    mean, spread = (np.array(runs[dimension][name][kind]) for kind in ("mean", "spread"))
    early = np.flatnonzero((times > 0) & (times <= 40))
    typical = np.array([math.sqrt(np.mean(np.square(runs[N][name]["spread"])[early])) for N in DIMENSIONS])
    slope = np.polyfit(np.log(DIMENSIONS), np.log(typical), 1)[0]
    path = np.array(record["flows"][rule][name])
    return {
        "N": dimension, "rule": rule, "name": name, "times": times, "mean": mean, "spread": spread, "flow": path,
        "typical": typical, "slope": slope, "replicas": load("committee_finite_size")["config"]["replicas"],
    }  # fmt: skip


def draw_finite_size(r):
    """Mean and spread against the flow, and spread against the number of inputs."""
    figure, (path, size) = style.panels(2, left=0.55, gap=0.8, right=0.3)
    floor = 1e-6 if r["name"] == "error" else -np.inf
    low, high = (np.maximum(r["mean"] + sign * r["spread"], floor) for sign in (-1, 1))
    path.fill_between(r["times"], low, high, color=style.SECOND, alpha=0.25, lw=0)
    path.plot(r["times"], np.maximum(r["mean"], floor), color=style.SECOND, ls=style.DASHED)
    path.plot(r["times"], np.maximum(r["flow"], floor), color=style.ACCENT, lw=1.2)
    style.fixed_axis(path.xaxis, 0, 200, [0, 50, 100, 150, 200])
    if r["name"] == "error":
        style.log_axis(path.yaxis, 1e-6, 2, [1e-6, 1e-4, 1e-2, 1])
    path.set_title(f"{_pretty(r['name'])}: flow (solid), mean ± spread (dashed)")
    path.set_xlabel("time  t = steps / N")
    size.plot(DIMENSIONS, r["typical"], "o", color=style.SECOND, ms=5)
    middle = math.exp(np.mean(np.log(r["typical"])) + 0.5 * np.mean(np.log(DIMENSIONS)))
    size.plot(DIMENSIONS, middle / np.sqrt(DIMENSIONS), color=style.QUIET, ls=style.DASHED, lw=1.2)
    size.plot([r["N"]], [r["typical"][DIMENSIONS.index(r["N"])]], "o", mfc="none", color=style.ACCENT, ms=11)
    style.log_axis(size.xaxis, 22, 1400, [30, 100, 300, 1000])
    style.log_axis(size.yaxis, 1e-5, 1e-1)
    size.set_xlabel("inputs N")
    size.set_title("spread over runs, t ≤ 40; dashed: ∝ 1/√N")
    return figure


def _pretty(name):
    return "ε" if name == "error" else name.translate(str.maketrans("12", "₁₂"))


def describe_finite_size(r):
    """Where the mean is farthest from the flow, and the exponent."""
    late = np.argmax(np.abs(r["flow"] - r["mean"]))
    error = r["spread"][late] / math.sqrt(r["replicas"])
    power = f"{r['slope']:.2f}".replace("-", "−")
    return (
        f"{r['replicas']} runs at N = {r['N']}, rule {style.words(r['rule'])}, from one start. The mean of "
        f"{_pretty(r['name'])} is farthest from the flow at t = {r['times'][late]:g}: by "
        f"{number(r['mean'][late] - r['flow'][late])}, with a standard error of {number(error)}; single runs spread "
        f"by {number(r['spread'][late])} there. Up to t = 40 the spread shrinks as N to the power {power}."
    )


FIGURES = (
    Figure(
        "gaussian-average",
        "One average, two roads: the arcsine and the dice",
        (
            Parameter("samples", "n", (100, 300, 1000, 3000, 10000), 1000),
            Parameter("variance", "σ²", (0.1, 0.3, 1.0, 3.0, 10.0), 1.0),
        ),
        compute_average,
        draw_average,
        describe_average,
    ),
    Figure(
        "figure-2",
        "Simulation and flow, after T19's figure 2",
        (RULE, Parameter("start", "", (1, 2, 3), 1)),
        compute_figure_2,
        draw_figure_2,
        describe_figure_2,
    ),
    Figure(
        "finite-size",
        "How many inputs are many?",
        (
            Parameter("dimension", "N", DIMENSIONS, 100),
            RULE,
            Parameter("quantity", "", ("Q", "R", "error"), "R"),
        ),
        compute_finite_size,
        draw_finite_size,
        describe_finite_size,
    ),
)
