"""Figures of chapter 6: what a random batch adds to the loss, against theorem 1 and against what it leaves out."""

import functools
import math

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter, Prediction
from bnlib.book.figures.committee.rules import number
from bnlib.perceptron import (
    exact_loss,
    exact_minimizer,
    log_partition,
    population_loss,
    predicted_loss,
    predicted_minimizer,
)
from bnlib.perceptron.quadrature import normal_nodes

Z, W = normal_nodes()
KINDS = ("batch", "independent")
NAMES = {"batch": "own batch", "independent": "other batch", "theorem": "theorem 1", "population": "population"}
LOOKS = {
    "batch": (style.ACCENT, style.SOLID),
    "independent": (style.SECOND, style.DASHDOT),
    "theorem": (style.THIRD, style.DASHED),
    "population": (style.QUIET, style.DOTTED),
}
UNITS = {"softplus": "A softplus", "logistic": "A logistic", "identity": "A linear"}
GAINS = np.linspace(0.4, 2.4, 41)
SIZES = tuple(2**k for k in range(3, 11))
RESIDUAL_SIZES = SIZES[:-1]  # beyond, round-off begins to show in the exponents
EXPONENTS = ((-2.6, -0.4), (-2.9, 0.15), (-4.6, 2.0))  # axes; a distance that changes its sign needs the last
ACTIVATION = Parameter("activation", "", ("softplus", "logistic", "identity"), "softplus")


def _target(activation, gamma):
    """The teacher's mean output at every raw pre-activation, its own shift being 0."""
    slope = log_partition(activation).slope
    return lambda h: slope(gamma * h)


def compute_theorem(activation, teacher_gain, batch_size, first_order):
    """M times what batch statistics add to the population's loss, exactly and as predicted, against the gain."""
    target, kept = _target(activation, teacher_gain), first_order == "kept"
    settings = {"activation": activation, "gamma": GAINS}
    plain = population_loss(Z, target(Z), weights=W, **settings)
    exact, predicted = {}, {}
    for kind in KINDS:
        form = kind if kept else "theorem"
        loss = exact_loss(batch_size, target, statistics=kind, **settings)
        exact[kind] = batch_size * (loss - plain)
        loss = predicted_loss(batch_size, Z, target(Z), form=form, weights=W, **settings)
        predicted[kind] = batch_size * (loss - plain)
    miss = {kind: float(np.abs(exact[kind] - predicted[kind]).max()) for kind in KINDS}
    return {"activation": activation, "teacher": teacher_gain, "M": batch_size, "kept": kept, "exact": exact,
            "predicted": predicted, "miss": miss}  # fmt: skip


def draw_theorem(r):
    """Added loss, and what the prediction misses of it."""
    figure, (added, missed) = style.panels(2, left=0.5, gap=0.7, right=0.9)
    seen = np.concatenate([*r["exact"].values(), *r["predicted"].values()])
    low, high = min(0.0, seen.min()), seen.max()
    for kind in KINDS:
        color, dash = LOOKS[kind]
        added.plot(GAINS, r["exact"][kind], color=color, ls=dash)
        missed.plot(GAINS, r["exact"][kind] - r["predicted"][kind], color=color, ls=dash)
        if r["kept"] or kind == "batch":
            look = {"color": color if r["kept"] else style.THIRD, "mfc": "none"}
            added.plot(GAINS[::3], r["predicted"][kind][::3], "o", ms=4, mew=1.2, ls="", **look)
    span = high - low
    for ax, title in ((added, ""), (missed, "M × what is missed")):
        style.fixed_axis(ax.xaxis, 0.4, 2.4, [0.5, 1, 1.5, 2])
        ax.axhline(0, color=style.QUIET, lw=0.7)
        ax.axvline(r["teacher"], color=style.QUIET, lw=0.7, ls=style.DOTTED)
        ax.set_xlabel("gain γ of the student")
        ax.set_title(title)
    added.set_ylim(low - 0.05 * span, high + 0.05 * span)
    missed.set_ylim(-0.6 * span, 0.6 * span)
    ends = [r["exact"][kind][-1] - r["predicted"][kind][-1] for kind in KINDS]
    style.label(missed, ends, [NAMES[kind] for kind in KINDS], [LOOKS[kind][0] for kind in KINDS])
    missed.annotate("teacher's", (r["teacher"], -0.58 * span), (3, 0), textcoords="offset points", color=style.QUIET)
    added.set_title("M × added loss;  ○ " + ("predicted" if r["kept"] else "theorem 1"))
    return figure


def describe_theorem(r):
    """What is added at the teacher's gain and what is missed elsewhere."""
    at = {kind: float(np.interp(r["teacher"], GAINS, r["exact"][kind])) for kind in KINDS}
    theorem = float(np.interp(r["teacher"], GAINS, r["predicted"]["batch"]))
    said = "the corrected theorem" if r["kept"] else "theorem 1"
    return (
        f"{UNITS[r['activation']]} student of a teacher with gain {r['teacher']:g}, batches of {r['M']}. At the "
        f"teacher's gain M times the added loss is {number(at['batch'])} with the statistics of its own batch and "
        f"{number(at['independent'])} with another's; predicted for its own: {number(theorem)}. Between γ = 0.4 and "
        f"2.4 {said} misses at most {number(r['miss']['batch'])} of it for its own batch and "
        f"{number(r['miss']['independent'])} for another."
    )


@functools.lru_cache(maxsize=32)
def _minima(activation, teacher_gain):
    """M (gamma_min / gamma* - 1) for all sizes: exact for both kinds of statistics, and the theorem's."""
    target = _target(activation, teacher_gain)
    shifts = {
        kind: [exact_minimizer(M, target, activation=activation, statistics=kind) for M in SIZES] for kind in KINDS
    }
    settings = {"activation": activation, "form": "theorem", "weights": W, "bracket": (0.05, 20.0)}
    shifts["theorem"] = [predicted_minimizer(M, Z, target(Z), **settings) for M in SIZES]
    return {kind: np.array(SIZES) * (np.array(best) / teacher_gain - 1) for kind, best in shifts.items()}


def compute_landscape(activation, teacher_gain, batch_size):
    """The loss against the gain for the population, theorem 1, and the two kinds of statistics; and all minima."""
    target = _target(activation, teacher_gain)
    shifts = _minima(activation, teacher_gain)
    gains = np.linspace(0.4, 1.4, 41)  # in units of the teacher's
    best = {kind: 1 + shift[SIZES.index(batch_size)] / batch_size for kind, shift in shifts.items()} | {
        "population": 1.0
    }
    loss, height = {}, {}
    for kind in NAMES:
        at = np.append(gains, best[kind]) * teacher_gain
        if kind in KINDS:
            values = exact_loss(batch_size, target, activation=activation, gamma=at, statistics=kind)
        else:
            values = predicted_loss(batch_size, Z, target(Z), activation=activation, gamma=at, form=kind, weights=W)
        loss[kind], height[kind] = values[:-1], values[-1]
    floor = height["population"]
    return {
        "activation": activation, "teacher": teacher_gain, "M": batch_size, "gains": gains, "best": best,
        "loss": {kind: loss[kind] - floor for kind in NAMES},
        "height": {kind: height[kind] - floor for kind in NAMES}, "shifts": shifts,
    }  # fmt: skip


def draw_landscape(r):
    """Losses with their minima, and the shifts of the minima against batch size."""
    figure, (loss, shift) = style.panels(2, left=0.55, gap=0.65, right=0.9)
    for kind in NAMES:
        color, dash = LOOKS[kind]
        loss.plot(r["gains"], r["loss"][kind], color=color, ls=dash, lw=1.6)
        loss.plot([r["best"][kind]], [r["height"][kind]], "o", color=color, ms=5)
    top = 2.5 * max(r["height"]["batch"], r["height"]["independent"])
    style.fixed_axis(loss.xaxis, 0.4, 1.4, [0.5, 0.75, 1, 1.25])
    loss.set_ylim(-0.06 * top, top)
    loss.set_xlabel("gain γ / teacher's")
    loss.set_title("loss above the population's")
    ends = []
    for kind in ("batch", "theorem", "independent"):
        color, dash = LOOKS[kind]
        shift.plot(SIZES, r["shifts"][kind], color=color, ls=dash)
        shift.plot([r["M"]], [r["shifts"][kind][SIZES.index(r["M"])]], "o", color=color, ms=5)
        ends.append(r["shifts"][kind][-1])
    style.log_axis(shift.xaxis, 8, 1024, [8, 32, 128, 512])
    style.fixed_axis(shift.yaxis, -3.4, 0.1, [-3, -2, -1, 0])
    style.label(shift, ends, [NAMES[k] for k in ("batch", "theorem", "independent")],
                [LOOKS[k][0] for k in ("batch", "theorem", "independent")])  # fmt: skip
    shift.set_xlabel("batch size M")
    shift.set_title("M × relative shift of the best γ")
    return figure


def describe_landscape(r):
    """Places and heights of the minima."""
    best, height = r["best"], r["height"]
    return (
        f"{UNITS[r['activation']]} unit, batches of {r['M']}, teacher's gain {r['teacher']:g}. The best gain is "
        f"{best['batch']:.4f} of the teacher's with the statistics of its own batch, {best['theorem']:.4f} by theorem "
        f"1 and {best['independent']:.4f} with those of another batch. The minimum lies above the population's by "
        f"{number(height['batch'])}, {number(height['theorem'])} and {number(height['independent'])}."
    )


def compute_residual(activation, gain_over_teacher, statistics):
    """Distance of the exact loss from theorem 1 and from the corrected one, against batch size, and its exponents."""
    gamma, kind = 1.2 * gain_over_teacher, "batch" if statistics == "of-its-own-batch" else "independent"
    target, settings = _target(activation, 1.2), {"activation": activation, "gamma": gamma}
    exact = np.array([exact_loss(M, target, statistics=kind, **settings) for M in RESIDUAL_SIZES])
    rest = {}
    for form in ("theorem", kind):
        told = [predicted_loss(M, Z, target(Z), form=form, weights=W, **settings) for M in RESIDUAL_SIZES]
        rest["theorem" if form == "theorem" else "corrected"] = np.abs(exact - told)
    slopes = {form: np.diff(np.log(gap)) / np.diff(np.log(RESIDUAL_SIZES)) for form, gap in rest.items()}
    return {
        "activation": activation,
        "ratio": gain_over_teacher,
        "own": kind == "batch",
        "rest": rest,
        "slopes": slopes,
    }


def draw_residual(r):
    """Both residuals on logarithmic axes, and their running exponents."""
    figure, (rest, slopes) = style.panels(2, left=0.6, gap=0.65, right=0.85)
    middle = np.sqrt(np.multiply(RESIDUAL_SIZES[1:], RESIDUAL_SIZES[:-1]))
    looks = {"theorem": (style.THIRD, style.DASHED, "theorem 1"), "corrected": (style.ACCENT, style.SOLID, "corrected")}
    for form, (color, dash, _) in looks.items():
        dots = {"color": color, "ls": dash, "marker": "o", "mfc": "none", "ms": 7 if form == "theorem" else 4}
        rest.plot(RESIDUAL_SIZES, np.maximum(r["rest"][form], 1e-8), **dots)
        slopes.plot(middle, r["slopes"][form], **dots)
    style.log_axis(rest.yaxis, 3e-8, 3, [1e-7, 1e-5, 1e-3, 0.1])
    for ax in (rest, slopes):
        style.log_axis(ax.xaxis, 7, 600, [8, 32, 128, 512])
        ax.set_xlabel("batch size M")
    for power in (-1, -2):
        slopes.axhline(power, color=style.QUIET, lw=0.7)
    seen = np.concatenate([*r["slopes"].values()])
    low, high = next((a, b) for a, b in EXPONENTS if a < seen.min() and seen.max() < b)
    style.fixed_axis(slopes.yaxis, low, high, np.arange(math.ceil(low), math.floor(high) + 1))
    names = [looks[form][2] for form in looks]
    style.label(slopes, [r["slopes"][form][-1] for form in looks], names, [looks[form][0] for form in looks])
    rest.set_title("distance from the exact loss")
    slopes.set_title("its exponent")
    return figure


def describe_residual(r):
    """Residuals at M = 256 and the last exponents."""
    rest = {form: gap[RESIDUAL_SIZES.index(256)] for form, gap in r["rest"].items()}
    last = {form: f"{slope[-1]:.2f}".replace("-", "−") for form, slope in r["slopes"].items()}
    return (
        f"{UNITS[r['activation']]} unit at {r['ratio']:g} of its teacher's gain, statistics of "
        f"{'its own' if r['own'] else 'another'} batch. At M = 256 theorem 1 is off by {number(rest['theorem'])} and "
        f"the corrected one by {number(rest['corrected'])}. From M = 256 to 512 the distances fall as M to the power "
        f"{last['theorem']} and {last['corrected']}."
    )


def _meets(r):
    """Where theorem 1 and batch normalization agree: 0 everywhere, 1 near the teacher's gain only, 2 nowhere.

    To agree is to differ by less than a tenth of the largest addition.
    """
    gap = np.abs(r["exact"]["batch"] - r["predicted"]["batch"])
    scale = np.abs(r["exact"]["batch"]).max()
    near = float(np.interp(r["teacher"], GAINS, gap))
    return 0 if gap.max() < 0.1 * scale else 1 if near < 0.1 * scale else 2


FIGURES = (
    Figure(
        "theorem-one",
        "Theorem 1: what a random batch adds to the loss",
        (
            ACTIVATION,
            Parameter("teacher_gain", "γ*", (0.7, 1.0, 1.4, 2.0), 1.0),
            Parameter("batch_size", "M", (8, 16, 32, 64, 256), 64),
            Parameter("first_order", "", ("left-out", "kept"), "left-out"),
        ),
        compute_theorem,
        draw_theorem,
        describe_theorem,
        Prediction(
            "A softplus student learns from a softplus teacher of gain 1, in batches of 64. At which gains of the "
            "student does theorem 1 agree with batch normalization about what the batch adds?",
            ("at nearly all of them", "near the teacher's gain only", "at none"),
            _meets,
        ),
    ),
    Figure(
        "gamma-landscape",
        "Where the minimum sits, and how high it is",
        (
            ACTIVATION,
            Parameter("teacher_gain", "γ*", (0.7, 1.0, 1.4, 2.0), 1.0),
            Parameter("batch_size", "M", (8, 16, 32, 64, 128), 16),
        ),
        compute_landscape,
        draw_landscape,
        describe_landscape,
    ),
    Figure(
        "residual",
        "How fast the remainder falls",
        (
            ACTIVATION,
            Parameter("gain_over_teacher", "γ/γ*", (0.5, 0.75, 1.0, 1.25, 1.5), 0.75),
            Parameter("statistics", "", ("of-its-own-batch", "of-another-batch"), "of-its-own-batch"),
        ),
        compute_residual,
        draw_residual,
        describe_residual,
    ),
)
