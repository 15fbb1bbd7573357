"""Batch normalization itself beside the gamma decay that L19 puts in its place: the last figure of chapter 7."""

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter
from bnlib.book.records import load
from bnlib.perceptron import batch_fixed_gain, fixed_point

BATCHES = (4, 8, 16, 32)
ZETA_TIMES_M = {"relu": 0.75, "identity": 1.5}  # theorem 1 in the convention of eq (5), beta = 0


def compute_batches(activation, batch_size):
    """Recorded runs of batch normalization, its own flow, and the flow of gamma decay."""
    data = load("perceptron_batch_flow")["data"]
    part = data["runs"][f"{activation} {batch_size}"]
    return {
        "activation": activation, "M": batch_size, "times": np.array(data["times"]),
        **{name: np.array(part[name]) for name in ("mean", "error", "flow", "decay")},
        "gain": batch_fixed_gain(activation, batch_size),
        "zeta": ZETA_TIMES_M[activation] / batch_size,
        "surrogate": fixed_point(activation, zeta=ZETA_TIMES_M[activation] / batch_size, normalization="batch")[0],
    }  # fmt: skip


def draw_batches(r):
    """Gain and length against time."""
    figure, axes = style.panels(2, left=0.45, gap=0.75, right=0.25)
    for ax, column, title in zip(axes, (0, 2), ("gain γ", "length L")):
        ax.plot(r["times"], r["decay"][:, column], color=style.SECOND, ls=style.DASHED)
        ax.plot(r["times"], r["flow"][:, column], color=style.ACCENT)
        ax.errorbar(
            r["times"][2::3],
            r["mean"][2::3, column],
            2 * r["error"][2::3, column],
            fmt="o",
            ms=3,
            lw=1,
            color=style.INK,
        )
        style.fixed_axis(ax.xaxis, 0, 20.5, [0, 5, 10, 15, 20])
        ax.set_xlabel("time t = steps / N")
        ax.set_title(title)
    axes[0].set_title("gain γ (dashed: gamma decay)")
    style.fixed_axis(axes[0].yaxis, 0.4, 1.02, [0.4, 0.6, 0.8, 1])
    style.fixed_axis(axes[1].yaxis, 0.98, 1.32, [1, 1.1, 1.2, 1.3])
    return figure


def describe_batches(r):
    """How far both flows are from the runs at the end."""
    gaps = [abs(r["mean"][-1, 0] - r[name][-1, 0]) for name in ("flow", "decay")]
    return (
        f"Batches of {r['M']}, activation {style.words(r['activation'])}: at t = 20 the mean gain of ten runs "
        f"(N = 300) is {r['mean'][-1, 0]:.4f} ± {r['error'][-1, 0]:.4f}. The flow of batch normalization itself is "
        f"{gaps[0]:.4f} away, that of gamma decay with ζ = {r['zeta']:.3g} is {gaps[1]:.4f} away. They end at "
        f"{r['gain']:.4f} and at {r['surrogate']:.4f}."
    )


BATCHES_THEMSELVES = Figure(
    "batches-themselves",
    "Batch normalization itself, and gamma decay in its place",
    (
        Parameter("activation", "", ("relu", "identity"), "relu"),
        Parameter("batch_size", "M", BATCHES, 8),
    ),
    compute_batches,
    draw_batches,
    describe_batches,
)
