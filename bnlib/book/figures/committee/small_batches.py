"""Figures of chapter 15: residuals, trajectories and the parts of the correction."""

import math

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter
from bnlib.book.figures.committee.rules import CENTERED
from bnlib.book.records import load
from bnlib.book.records.small_batches import SETTINGS, SIZES, TRAJECTORIES, asymmetric_start
from bnlib.committee import correction_parts, flow

CASES = (*(f"K {s[0]}, M {s[2]}, τ {SETTINGS[s]:g}" for s in SETTINGS), "K 2, M 2, τ 1, centered")
KEYS = dict(zip(CASES, (*SETTINGS, "2 2 1 centered")))
PARTS = (
    ("gain", "log gains", style.ACCENT, style.SOLID),
    ("shared", "shared", style.SECOND, style.DASHED),
    ("own", "own vote", style.THIRD, style.DASHDOT),
    ("mean", "mean", style.QUIET, style.DOTTED),
)


def compute_residual(case):
    """Recorded residuals of all order parameters: root mean squares against b, errors taken away, and slopes."""
    record = load("committee_batch_residuals")["data"][KEYS[case]]
    b, found = np.array(SIZES, float), {"case": case, "b": np.array(SIZES, float)}
    error = np.array([record[str(size)]["error"] for size in SIZES])
    for kind in ("uncorrected", "corrected"):
        values = np.array([record[str(size)][kind] for size in SIZES])
        squares = np.mean(values**2 - error**2, axis=1)
        rms = np.sqrt(np.maximum(squares, 1e-14))
        spread = np.sqrt(np.sum((values * error) ** 2, axis=1)) / (values.shape[1] * rms)  # by the derivative of rms
        late = b >= 30
        run = np.log(b[late]) - np.log(b[late]).mean()
        found[kind] = {
            "rms": rms,
            "error": spread,
            "slope": float(run @ np.log(rms[late]) / (run @ run)),
            "slope_error": float(np.linalg.norm(run * (spread / rms)[late]) / (run @ run)),
            "gain": b * values[:, -1],
        }
    return found | {"gain_error": b * error[:, -1]}


def draw_residual(r):
    """Residuals on logarithmic axes; and b times the gain's, which shows the first-order coefficient."""
    figure, (fall, first) = style.panels(2, left=0.62, gap=0.8, right=0.3)
    looks = {"uncorrected": (style.QUIET, "s", 1), "corrected": (style.ACCENT, "o", 2)}
    for kind, (color, mark, power) in looks.items():
        rms = r[kind]["rms"]
        fall.errorbar(r["b"], rms, r[kind]["error"], fmt=mark, color=color, ms=5, lw=1)
        line = rms[1] * (r["b"][1] / np.array([8.0, 70.0])) ** power
        fall.plot([8, 70], line, color=color, ls=style.DASHED, lw=1)
        first.errorbar(1 / r["b"], r[kind]["gain"], r["gain_error"], fmt=mark, color=color, ms=5, lw=1)
    style.log_axis(fall.xaxis, 8, 70, list(SIZES))
    style.log_axis(fall.yaxis, 2e-5, 8e-2)
    for x, y, kind, words in (
        (0.5, 0.86, "uncorrected", "uncorrected\n∝ 1/b"),
        (0.08, 0.12, "corrected", "corrected\n∝ 1/b²"),
    ):
        fall.text(x, y, words, color=looks[kind][0], va="center", fontsize=9, transform=fall.transAxes)
    fall.set_xlabel("batch size b")
    fall.set_title("flow against runs, rms of all numbers")
    first.axhline(0, color=style.INK, lw=0.7)
    low = math.floor(10 * min(r["uncorrected"]["gain"].min(), -0.1)) / 10
    style.fixed_axis(first.yaxis, low - 0.05, 0.12, np.round(np.arange(low, 0.05, 0.2 if low < -0.5 else 0.1), 1) + 0.0)
    style.fixed_axis(first.xaxis, 0, 0.11, [0, 0.05, 0.1])
    first.set_xlabel("1/b")
    first.set_title("b × (gain of runs − flow)")
    return figure


def describe_residual(r):
    """Slopes with their errors, and where the gain's residual goes."""
    plain, better = (f"{-r[k]['slope']:.2f} ± {r[k]['slope_error']:.2f}" for k in ("uncorrected", "corrected"))
    last = {
        k: f"{r[k]['gain'][-1]:.4f} ± {r['gain_error'][-1]:.4f}".replace("-", "−") for k in ("uncorrected", "corrected")
    }
    return (
        f"{r['case']}: from b = 30 up the distance of runs from the flow without correction falls as b to the power "
        f"−{plain}, that from the corrected flow to the power −{better}. At b = {SIZES[-1]}, b times the last "
        f"student's gain is off by {last['uncorrected']} without and by {last['corrected']} with the correction."
    )


def compute_trajectory(batch_size, quantity):
    """Recorded runs, the plain flow and the corrected one."""
    record = load("committee_batch_trajectories")["data"]
    times = np.array(record["times"])
    names = {"gains": ("g1", "g2"), "overlaps": ("R11", "R22", "Q12")}[quantity]
    runs = {name: {k: np.array(v) for k, v in record["runs"][str(batch_size)][name].items()} for name in names}
    paths = {}
    for kind in (False, True):
        path = flow(
            asymmetric_start(2), times, normalization="batch", batch_size=batch_size, finite_batch=kind, center=False,
            rtol=1e-6, atol=1e-9,
        )  # fmt: skip
        both = {"g1": path.gain[:, 0], "g2": path.gain[:, 1], "R11": path.R[:, 0, 0], "R22": path.R[:, 1, 1],
                "Q12": path.Q[:, 0, 1]}  # fmt: skip
        paths["corrected" if kind else "plain"] = {name: both[name] for name in names}
    gaps = {k: max(float(np.max(np.abs(runs[n]["mean"] - p[n]))) for n in names) for k, p in paths.items()}
    return {"b": batch_size, "quantity": quantity, "times": times, "runs": runs, **paths, "gaps": gaps}


def draw_trajectory(r):
    """Curves and dots; and dots minus curves."""
    figure, (path, gap) = style.panels(2, left=0.5, gap=0.9, right=0.5)
    colors = (style.ACCENT, style.SECOND, style.THIRD)
    for color, (name, run) in zip(colors, r["runs"].items()):
        path.plot(r["times"], r["plain"][name], color=color, ls=style.DOTTED, lw=1.4)
        path.plot(r["times"], r["corrected"][name], color=color, lw=1.4)
        path.plot(r["times"][::2], run["mean"][::2], "o", color=color, ms=3.2)
        gap.plot(r["times"], run["mean"] - r["plain"][name], color=color, ls=style.DOTTED, lw=1.4)
        gap.plot(r["times"], run["mean"] - r["corrected"][name], color=color, lw=1.4)
    for ax in (path, gap):
        style.fixed_axis(ax.xaxis, 0, 12, [0, 4, 8, 12])
        ax.set_xlabel("time  t = steps / N")
    low, high, ticks = (0.55, 1.05, [0.6, 0.8, 1]) if r["quantity"] == "gains" else (-0.15, 0.9, [0, 0.4, 0.8])
    style.fixed_axis(path.yaxis, low, high, ticks)
    style.fixed_axis(gap.yaxis, -0.08, 0.1, [-0.05, 0, 0.05, 0.1])
    gap.axhline(0, color=style.INK, lw=0.7)
    names = list(r["runs"])
    style.label(path, [r["corrected"][n][-1] for n in names], [_pretty(n) for n in names], colors)
    path.set_title(f"b = {r['b']}: dots are runs")
    gap.set_title("runs − flow; solid: corrected")
    return figure


def _pretty(name):
    return name.translate(str.maketrans("12", "₁₂"))


def describe_trajectory(r):
    """The largest distances."""
    names = ", ".join(_pretty(n) for n in r["runs"])
    return (
        f"Batches of {r['b']}, two students and two teachers, 100 runs at N = 500; {names}. Up to t = 12 the mean of "
        f"the runs leaves the flow without correction by up to {r['gaps']['plain']:.3f} and the corrected flow by up "
        f"to {r['gaps']['corrected']:.3f}."
    )


MOMENTS = np.concatenate([[0.0], np.geomspace(0.3, 300, 31)])


def compute_parts(batch_size, input_variance, batch_mean):
    """The parts of P along the corrected flow from the residuals' start."""
    center = batch_mean == "subtracted"
    path = flow(
        asymmetric_start(2), MOMENTS, normalization="batch", batch_size=batch_size, input_variance=input_variance,
        finite_batch=True, center=center, rtol=1e-5, atol=1e-8,
    )  # fmt: skip
    parts = [correction_parts(path.at(n), input_variance=input_variance, center=center) for n in range(len(MOMENTS))]
    series = {name: np.array([part[name] for part in parts]) for name, *_ in PARTS}
    return {"b": batch_size, "tau": input_variance, "center": center, "parts": series, "error": path.error}


def draw_parts(r):
    """The parts and their sum; and the sum over b beside the error."""
    figure, (parts, error) = style.panels(2, left=0.5, gap=1.45, right=0.85)
    shown = [line for line in PARTS if line[0] != "mean" or r["center"]]
    total = sum(r["parts"].values())
    for name, _, color, dash in shown:
        parts.plot(MOMENTS[1:], r["parts"][name][1:], color=color, ls=dash)
    parts.plot(MOMENTS[1:], total[1:], color=style.INK, lw=1.2)
    parts.axhline(0, color=style.QUIET, lw=0.6)
    style.fixed_axis(parts.yaxis, -0.1, 0.45 if r["center"] else 0.25, [0, 0.2, 0.4] if r["center"] else [0, 0.1, 0.2])
    parts.set_title("parts of P")
    error.plot(MOMENTS[1:], r["error"][1:], color=style.QUIET, ls=style.DASHED)
    error.plot(MOMENTS[1:], (r["error"] + total / r["b"])[1:], color=style.ACCENT)
    style.log_axis(error.yaxis, 1e-4, 1)
    error.set_title(f"error, b = {r['b']}")
    for ax in (parts, error):
        style.log_axis(ax.xaxis, 0.3, 300, [1, 10, 100])
        ax.set_xlabel("time t")
    names, colors = [*(s[1] for s in shown), "sum P"], [*(s[2] for s in shown), style.INK]
    style.label(parts, [*(r["parts"][s[0]][-1] for s in shown), total[-1]], names, colors)
    ends = [r["error"][-1], (r["error"] + total / r["b"])[-1]]
    style.label(error, ends, ["testing", "training"], [style.QUIET, style.ACCENT])
    return figure


def describe_parts(r):
    """Values at the end."""
    end = {name: values[-1] for name, values in r["parts"].items()}
    said = ", ".join(f"{words} {end[name]:.4f}" for name, words, *_ in PARTS if name != "mean" or r["center"])
    return (
        f"Batches of {r['b']}, input variance {r['tau']:g}. At t = 300 the parts of P are: {said}; their sum is "
        f"{sum(end.values()):.4f}. The test error is {r['error'][-1]:.4f} there, the training error to "
        f"first order {r['error'][-1] + sum(end.values()) / r['b']:.4f}."
    ).replace("-", "−")


FIGURES = (
    Figure(
        "batch-residual",
        "What is left when the first order in 1/b is put in",
        (Parameter("case", "", CASES, CASES[0]),),
        compute_residual,
        draw_residual,
        describe_residual,
    ),
    Figure(
        "batch-trajectory",
        "Gains and overlaps in small batches: two flows and the runs",
        (
            Parameter("batch_size", "b", TRAJECTORIES, 10),
            Parameter("quantity", "", ("gains", "overlaps"), "gains"),
        ),
        compute_trajectory,
        draw_trajectory,
        describe_trajectory,
    ),
    Figure(
        "correction-parts",
        "Three causes, one correction",
        (
            Parameter("batch_size", "b", (6, 10, 30, 100), 10),
            Parameter("input_variance", "τ", (0.5, 1.0, 2.0, 4.0), 1.0),
            CENTERED,
        ),
        compute_parts,
        draw_parts,
        describe_parts,
    ),
)
