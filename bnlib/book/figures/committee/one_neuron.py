"""Chapter 15's figure of one neuron: where its gain settles."""

import math

import numpy as np
from scipy.optimize import brentq

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter, Prediction
from bnlib.book.figures.committee.rules import CENTERED
from bnlib.committee import OrderParameters, gain_shift, training_error

TAUS = np.geomspace(0.01, 10, 61)


def compute_neuron(input_variance, batch_size, batch_mean):
    """Shifts of the gain against the input variance; the exact minimum at one variance and batch size."""
    center = batch_mean == "subtracted"
    curves = {k: np.array([gain_shift(t, reading=k, center=center) for t in TAUS])
              for k in ("training mode", "batch of others", "gamma decay")}  # fmt: skip
    here = {k: gain_shift(input_variance, reading=k, center=center) for k in curves}
    here = {k: 0.0 if abs(shift) < 1e-12 else shift for k, shift in here.items()}  # gamma decay's at 2/5
    exact = batch_size * _settled(batch_size, input_variance, center)
    return {"tau": input_variance, "b": batch_size, "center": center, "curves": curves, "here": here, "exact": exact}


def _settled(b, tau, center, h=0.05):
    """ln g - ln sigma at the minimum of the exact training-mode error, to about 1e-5."""

    def error(u):
        p = OrderParameters([[1.0]], [[1.0]], [[1.0]], [math.sqrt(tau) * math.exp(u)])
        return training_error(p, batch_size=b, center=center, input_variance=tau)

    def force(u):
        return 8 * (error(u + h) - error(u - h)) - error(u + 2 * h) + error(u - 2 * h)

    return brentq(force, -0.9, 0.2, xtol=1e-13)


def draw_neuron(r):
    """Three theories, and a dot for the truth."""
    figure, (ax,) = style.panels(1, left=0.55, right=0.95)
    looks = {"training mode": (style.ACCENT, style.SOLID), "batch of others": (style.QUIET, style.DOTTED),
             "gamma decay": (style.SECOND, style.DASHED)}  # fmt: skip
    for name, (color, dash) in looks.items():
        ax.plot(TAUS, r["curves"][name], color=color, ls=dash)
    ax.axhline(0, color=style.INK, lw=0.7)
    ax.plot([r["tau"]], [r["exact"]], "o", color=style.INK, ms=7, mfc="none", mew=1.6)
    ax.text(0.98, 0.05, f"○ exact, b = {r['b']}", transform=ax.transAxes, ha="right", fontsize=9)
    style.log_axis(ax.xaxis, 0.01, 10)
    low = -7.5 if r["center"] else -1.75
    style.fixed_axis(ax.yaxis, low, 1, [-6, -4, -2, 0] if r["center"] else [-1.5, -1, -0.5, 0, 0.5, 1])
    names = ["in fact", "others only", "γ decay"]
    style.label(ax, [max(r["curves"][k][-1], low) for k in looks], names, [c for c, _ in looks.values()])
    ax.set_xlabel("input variance τ")
    ax.set_title("b × shift of ln g of one neuron")
    return figure


def describe_neuron(r):
    """The three numbers and the exact one."""
    mean = "subtracted" if r["center"] else "not subtracted"
    return (
        f"Input variance {r['tau']:g}, batch mean {mean}. The gain of one neuron settles where b times the shift of "
        f"its logarithm is {r['here']['training mode']:.3f} to first order; exactly, at b = {r['b']}, "
        f"{r['exact']:.3f}. "
        f"Gamma decay alone says {r['here']['gamma decay']:.3f}, a batch of others only, in which the sample has no "
        f"vote, {r['here']['batch of others']:.3f}."
    ).replace("-", "−")


def _sign(r):
    """0: gamma decay alone says that the gain falls; 1: that it rises; 2: neither."""
    shift = r["here"]["gamma decay"]
    return 2 if shift == 0 else int(shift > 0)


FIGURES = (
    Figure(
        "neuron-gain",
        "Where the gain of one neuron settles",
        (
            Parameter("input_variance", "τ", (0.05, 0.2, 0.4, 1.0, 2.0, 5.0), 1.0),
            Parameter("batch_size", "b", (8, 16, 32, 64, 128), 32),
            CENTERED,
        ),
        compute_neuron,
        draw_neuron,
        describe_neuron,
        Prediction(
            "Gamma decay is a penalty on the gain. At input variance 1, with the batch mean kept, what does it do to "
            "the gain of one saturating neuron that fits its teacher?",
            ("it lowers the gain", "it raises the gain", "neither, to first order"),
            _sign,
        ),
    ),
)
