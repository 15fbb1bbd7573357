"""The map of chapter 4: where batch normalization leaves the plateau sooner, measured and by the law."""

import numpy as np
from matplotlib.colors import to_rgba

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter
from bnlib.book.records import load
from bnlib.book.records.delay import SHOWN_NORMS, SHOWN_UNITS, STARTS
from bnlib.committee import delay

LEVELS = (-10, -3, -2, -1, 0, 1, 2, 3, 10)  # of log2 of the ratio
SHADES = 3 * [style.ACCENT] + [style.ACCENT, style.SECOND] + 3 * [style.SECOND]
STRENGTHS = (0.5, 0.35, 0.21, 0.08, 0.08, 0.21, 0.35, 0.5)  # words on a half stand out on light and dark pages


def compute_maps(squared_norm, students, start):
    """Recorded ratios of escape times, BN / none: over (K, tau) at one squared norm, over (|J|^2, tau) at one K."""
    record = load("committee_delay_maps")
    config, data = record["config"], record["data"]
    which = config["starts"].index(start.replace("-", " "))
    units = np.array(data["units"])[config["shown_norms"].index(squared_norm), :, which]
    norms = np.array(data["norms"])[config["shown_students"].index(students), :, which]
    tau, K, Q = (np.array(config[name]) for name in ("input_variance", "students", "squared_norm"))
    line_K, line_Q = np.geomspace(K[0], K[-1], 200), np.geomspace(Q[0], Q[-1], 200)  # the law's border, for real K
    law_units = np.array([[delay(int(k), t, squared_norm=squared_norm) for t in tau] for k in K])
    law_norms = np.array([[delay(students, t, squared_norm=q) for t in tau] for q in Q])
    return {
        "norm": squared_norm, "students": students, "start": start, "tau": tau, "K": K, "Q": Q, "units": units,
        "norms": norms, "threshold_units": (line_K, (1 / squared_norm - line_K) / (line_K - 1)),
        "threshold_norms": (line_Q, (1 / line_Q - students) / (students - 1)),
        "off": np.concatenate([(units / law_units).ravel(), (norms / law_norms).ravel()]),
    }  # fmt: skip


def draw_maps(r):
    """Shades: measured ratio in steps of two. Solid: measured ratio 1. Dotted: the law's."""
    figure, (units, norms) = style.panels(2, left=0.55, gap=0.75, right=0.3)
    panels = ((units, r["K"], r["units"], r["threshold_units"]), (norms, r["Q"], r["norms"], r["threshold_norms"]))
    for ax, x, ratio, threshold in panels:
        log = np.clip(np.log2(ratio).T, -9, 9)
        shades = [to_rgba(color, strength) for color, strength in zip(SHADES, STRENGTHS)]
        ax.contourf(x, r["tau"], log, LEVELS, colors=shades, antialiased=False)
        if log.min() < 0 < log.max():
            ax.contour(x, r["tau"], log, [0], colors=[style.INK], linewidths=1.6)
        at, tau = (values[threshold[1] > 0.05] for values in threshold)
        ax.plot(at, tau, color=style.INK, ls=style.DOTTED, lw=1.6)
        style.log_axis(ax.yaxis, 0.1, 10, [0.1, 0.3, 1, 3, 10])
        _shade_names(ax, log)
    style.log_axis(units.xaxis, 2, 40, [2, 5, 10, 20, 40])
    style.log_axis(norms.xaxis, 0.005, 2, [0.01, 0.1, 1])
    units.set_xlabel("units K")
    norms.set_xlabel("squared norm |J(0)|²")
    units.set_title(f"τ against K, |J|² = {r['norm']:g}")
    norms.set_title(f"τ against |J|², K = {r['students']}")
    return figure


def _shade_names(ax, log):
    """Say what the two colours mean, in the corners where they are."""
    if log[0, 0] < -0.3:
        ax.text(0.04, 0.05, "BN sooner", transform=ax.transAxes, fontsize=9)
    if log[-1, -1] > 0.3:
        ax.text(0.96, 0.92, "BN later", transform=ax.transAxes, fontsize=9, ha="right")


def describe_maps(r):
    """How large the two regions are, and how far the law is off."""
    left, right = (100 * np.mean(r[name] < 1) for name in ("units", "norms"))
    low, middle, high = np.quantile(r["off"], [0, 0.5, 1])
    start = "on the plateau with asymmetry 10⁻⁴" if r["start"] == STARTS[0].replace(" ", "-") else "far from it"
    return (
        f"Escape time with batch normalization over that without, measured on the flow; students start {start}. At "
        f"|J|² = {r['norm']:g} batch normalization leaves sooner on {left:.0f} % of the left map; for K = "
        f"{r['students']} on {right:.0f} % of the right one. Measured over the law: median {middle:.2f}, from "
        f"{low:.2f} to {high:.2f}. Each shade is a factor of two, the strongest more than eight; dotted: the law's "
        f"threshold, solid: the measured."
    )


FIGURES = (
    Figure(
        "delay-maps",
        "Where batch normalization leaves sooner",
        (
            Parameter("squared_norm", "|J|²", SHOWN_NORMS, 0.1),
            Parameter("students", "K", SHOWN_UNITS, 2),
            Parameter("start", "", tuple(start.replace(" ", "-") for start in STARTS), "on-the-plateau"),
        ),
        compute_maps,
        draw_maps,
        describe_maps,
    ),
)
