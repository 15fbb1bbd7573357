"""Chapter 14's figure of jitter and margins, drawn from a record."""

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter
from bnlib.book.figures.classifier import seeds
from bnlib.book.records import load
from bnlib.classifier import paired_difference

STATES = {"untrained": (style.QUIET, style.DASHED), "trained": (style.ACCENT, "-")}
ROWS = {"M=8": "M = 8", "M=32": "M = 32", "all rows": "all rows"}


def compute(labels, margin):
    """Jitter by batch and state, and margins by the rows that share statistics."""
    record = load("classifier_boundary")
    jitter = {state: 100 * np.array(record["data"]["jitter"][f"{labels} {state}"]) for state in STATES}
    margins = {rows: np.array(record["data"]["margins"][f"{labels} {rows}"][margin]) for rows in ROWS}
    return {
        "labels": labels, "margin": margin, "batches": record["config"]["drawn"], "jitter": jitter, "margins": margins,
    }  # fmt: skip


def draw(r):
    """Jitter against the batch on the left, margins on the right."""
    figure, (jitter, margins) = style.panels(2, right=0.2, gap=0.95)
    for state, (color, dash) in STATES.items():
        means = r["jitter"][state].mean(1)
        jitter.plot(r["batches"], means, color=color, ls=dash, marker="o", ms=4)
        up = state == "untrained"
        jitter.annotate(
            state, (r["batches"][1], means[1]), (4, 3) if up else (-2, -4), textcoords="offset points", color=color,
            va="bottom" if up else "top", ha="left" if up else "right",
        )  # fmt: skip
    style.log_axis(jitter.xaxis, 3.5, 300, [4, 16, 64, 256])
    style.log_axis(jitter.yaxis, 0.2, 100, [0.3, 1, 3, 10, 30, 100])
    jitter.set_xlabel("batch that gives the statistics")
    jitter.set_title("test images that change class, %")
    samples = list(r["margins"].values())
    seeds.rows(margins, samples, list(ROWS.values()), [style.ACCENT, style.THIRD, style.SECOND])
    low, high = seeds.limits(samples, 0.5 if np.ptp(np.concatenate(samples)) > 1 else 0.1)
    style.fixed_axis(margins.xaxis, low, high, np.linspace(low, high, 3).round(2))
    margins.set_xlabel("distance to the boundary")
    margins.set_title(f"margin of training images, {r['margin']}")
    return figure


def describe(r):
    """Both ends of the jitter, and the paired differences of margins to statistics of all rows."""
    first, last = r["batches"][0], r["batches"][-1]
    means = {state: shares.mean(1) for state, shares in r["jitter"].items()}
    ends = [f"{m[0]:.1f} % at {first} rows to {m[-1]:.1f} % at {last} ({state})" for state, m in means.items()]
    gaps = [
        f"{seeds.signed(*paired_difference(r['margins'][rows], r['margins']['all rows']), 3)} for {ROWS[rows]}"
        for rows in ("M=8", "M=32")
    ]
    return (
        f"With {seeds.TOLD[r['labels']]} the share of test images that change class falls from "
        f"{' and from '.join(ends)}. The {r['margin']} of the margins of training images is "
        f"{r['margins']['all rows'].mean():.3f} with statistics of all rows; paired differences from it: "
        f"{', '.join(gaps)}. {seeds.KEY}"
    )


FIGURES = (
    Figure(
        "jitter-and-margins", "Jitter of the boundary, and margins",
        (
            Parameter("labels", "", seeds.REGIMES, "clean"),
            Parameter("margin", "", ("median", "closest tenth"), "median"),
        ),
        compute, draw, describe,
    ),
)  # fmt: skip
