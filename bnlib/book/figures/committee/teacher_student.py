"""Figures of chapter 1: one student's step under three learning rules, and where the three lead."""

import math

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter, Prediction
from bnlib.book.figures.committee.rules import RULES, number
from bnlib.committee import NORMALIZATIONS, OrderParameters, flow
from bnlib.committee.dynamics import velocity
from bnlib.committee.order_parameters import output_signs

ENLARGED = 2  # how much longer than itself a step is drawn
TIMES = np.concatenate([[0.0], np.geomspace(0.1, 1000, 121)])


def compute_gradients(angle, length, gain, input_variance):
    """The mean step of one student, per unit of eta / N, in the plane of student J = (length, 0) and a unit teacher."""
    theta = math.radians(angle)
    student, teacher = np.array([length, 0.0]), np.array([math.cos(theta), math.sin(theta)])
    steps = {}
    for rule in NORMALIZATIONS:
        g = None if rule == "none" else [gain]
        p = OrderParameters.from_weights([student], [teacher], g)
        dQ, dR, _ = velocity(p.Q, p.R, p.gain, p.T, 1.0, input_variance, 0.0, output_signs(1, 1), rule == "batch")
        along = dQ[0, 0] / (2 * length)  # dQ = 2 J . dJ, and dR = B . dJ gives the rest
        steps[rule] = np.array([along, (dR[0, 0] - along * teacher[0]) / teacher[1]])
    return {"angle": angle, "length": length, "gain": gain, "tau": input_variance, "teacher": teacher, "steps": steps}


def draw_gradients(r):
    """The student, the teacher and the three steps; and the parts of each step."""
    figure, (plane, bars) = style.panels(2)
    tip, reach = np.array([r["length"], 0.0]), max(np.abs(step).max() for step in r["steps"].values())
    _arrow(plane, (0, 0), tip, style.INK, 1.4)
    _arrow(plane, (0, 0), r["teacher"], style.THIRD, 1.4)
    plane.annotate(
        "J", tip / 2, (0, -5), textcoords="offset points", color=style.INK, va="top", ha="center", style="italic"
    )
    plane.annotate(
        "B", r["teacher"], (2, 6), textcoords="offset points", color=style.THIRD, va="bottom", style="italic"
    )
    for rule, (_, color, dash) in RULES.items():
        _arrow(plane, tip, tip + ENLARGED * r["steps"][rule], color, 2.0, dash)
    style.fixed_axis(plane.xaxis, -1.0, 2.4, [-1, 0, 1, 2])
    style.fixed_axis(plane.yaxis, -0.6, 2.0, [0, 1, 2])
    plane.set_aspect("equal")
    plane.set_title("mean step, twice enlarged")
    limit = max(0.5, math.ceil(2.2 * reach) / 2)
    for k, (rule, (name, color, _)) in enumerate(RULES.items()):
        along, across = r["steps"][rule]
        for y, value, mark in ((k - 0.14, along, "o"), (k + 0.14, across, "s")):
            bars.plot([0, value], [y, y], color=color, lw=2.4 if mark == "s" else 1.2)
            bars.plot([value], [y], mark, color=color, ms=5)
            gap = 6 if value >= 0 else -6
            bars.annotate(
                number(value), (value, y), (gap, 0), textcoords="offset points", va="center",
                ha="left" if value >= 0 else "right", color=color, fontsize=8.5,
            )  # fmt: skip
        bars.text(-1.32 * limit, k - 0.36, name, color=color, va="bottom", weight="bold", fontsize=9)
    bars.axvline(0, color=style.QUIET, lw=0.7)
    bars.set(ylim=(2.6, -0.75), yticks=[])
    style.fixed_axis(bars.xaxis, -1.35 * limit, 1.35 * limit, [-limit, 0, limit])
    bars.spines["left"].set_visible(False)
    bars.set_title("its parts: ● along J, ■ across J")
    return figure


def _arrow(ax, start, end, color, width, dash="-"):
    """A straight arrow whose shaft keeps its dash."""
    arrow = {
        "arrowstyle": "-|>",
        "color": color,
        "lw": width,
        "ls": dash,
        "shrinkA": 0,
        "shrinkB": 0,
        "mutation_scale": 9,
    }
    ax.annotate("", end, start, arrowprops=arrow)


def describe_gradients(r):
    """The steps' parts in numbers."""
    along, across = np.array([r["steps"][rule] for rule in NORMALIZATIONS]).T
    return (
        f"A student of length {r['length']:g} at {r['angle']:g}° from a unit teacher, gain {r['gain']:g}, input "
        f"variance {r['tau']:g}: without normalization it moves by {number(along[0])} along itself and "
        f"{number(across[0])} across. With batch normalization it moves by {number(along[1])} along itself (exactly "
        f"nothing) and {number(across[1])} across. The papers' update, which holds the standard deviation constant, "
        f"moves it by {number(along[2])} along and {number(across[2])} across."
    )


def compute_rules(squared_norm, gain_over_length, input_variance):
    """Three flows from one start: two students of that squared norm, two orthonormal teachers, batches without end.

    The gain starts at or below the length: above it the papers' update would shrink a student to nothing.
    """
    gain = gain_over_length * math.sqrt(squared_norm)
    R = 0.1 * math.sqrt(squared_norm) * np.array([[1.1, 0.9], [0.9, 1.1]])
    paths = {}
    for rule in NORMALIZATIONS:
        g = None if rule == "none" else [gain, gain]
        start = OrderParameters(Q=squared_norm * np.eye(2), R=R, T=np.eye(2), gain=g)
        paths[rule] = flow(start, TIMES, normalization=rule, input_variance=input_variance, rtol=1e-6, atol=1e-9)
    solved = {rule: _learned(path.error) for rule, path in paths.items()}
    return {"Q": squared_norm, "gain": gain, "tau": input_variance, "paths": paths, "solved": solved}


def _learned(error):
    """When the error falls to 1 % of its start for good, or infinity; between two times, a power law joins them."""
    above = np.flatnonzero(error > 0.01 * error[0])[-1]
    if above + 1 == len(TIMES):
        return math.inf
    pair = slice(above, above + 2)
    return math.exp(np.interp(math.log(100 / error[0]), -np.log(error[pair]), np.log(TIMES[pair])))


def draw_rules(r):
    """Error and squared norm against time."""
    figure, (error, norm) = style.panels(2, right=1.02)
    for rule, (_, color, dash) in RULES.items():
        path = r["paths"][rule]
        look = {"color": color, "ls": dash, "lw": 3.6 if rule == "none" else 1.8}  # seen under a line that covers it
        error.plot(TIMES[1:], np.maximum(path.error[1:], 1e-5), **look)
        norm.plot(TIMES[1:], path.Q[1:, 0, 0], **look)
        if math.isfinite(r["solved"][rule]):
            error.plot([r["solved"][rule]], [0.01 * path.error[0]], "o", color=color, ms=5)
    for ax in (error, norm):
        style.log_axis(ax.xaxis, 0.1, 1000)
        ax.set_xlabel("time  t = steps / N")
    style.log_axis(error.yaxis, 1e-4, 2)
    style.log_axis(norm.yaxis, 0.05, 20)
    error.set_title("generalization error")
    norm.set_title("squared norm Q₁₁ of a student")
    names, colors = [RULES[rule][0] for rule in RULES], [RULES[rule][1] for rule in RULES]
    style.label(norm, [r["paths"][rule].Q[-1, 0, 0] for rule in RULES], names, colors)
    return figure


def describe_rules(r):
    """When each rule has learned."""

    def words(rule):
        t = r["solved"][rule]
        return "not before t = 1000" if math.isinf(t) else f"at t = {t:.3g}"

    none, batch, stop = (words(rule) for rule in NORMALIZATIONS)
    same = np.max(np.abs(r["paths"]["none"].error - r["paths"]["batch-stop-gradient"].error))
    verdict = (
        "The first and the last are one curve: here the papers' update is no normalization at all."
        if same < 1e-6
        else ""
    )
    return (
        f"Two students start with |J|² = {r['Q']:g} and gain {r['gain']:.3g}, input variance {r['tau']:g}. The "
        f"error falls to 1 % of its start without normalization {none}, with batch normalization {batch}, with the "
        f"papers' update {stop}. Batch normalization keeps |J|² at {r['Q']:g}. {verdict}"
    ).strip()


def _faster(r):
    """Which of the two learns first: 0 without normalization, 1 with it."""
    return int(r["solved"]["batch"] < r["solved"]["none"])


FIGURES = (
    Figure(
        "three-gradients",
        "One step, three gradients that go by the name batch normalization",
        (
            Parameter("angle", "θ", (15, 30, 45, 60, 90, 120, 150), 60),
            Parameter("length", "|J|", (0.5, 0.7, 1.0, 1.4, 2.0), 1.4),
            Parameter("gain", "g", (0.25, 0.5, 1.0, 2.0), 1.0),
            Parameter("input_variance", "τ", (0.25, 0.5, 1.0, 2.0, 4.0), 1.0),
        ),
        compute_gradients,
        draw_gradients,
        describe_gradients,
    ),
    Figure(
        "three-rules",
        "One start, three learning rules",
        (
            Parameter("squared_norm", "|J|²", (0.1, 0.25, 0.5, 1.0, 2.0, 4.0), 1.0),
            Parameter("gain_over_length", "g/|J|", (0.25, 0.5, 0.7, 1.0), 1.0),
            Parameter("input_variance", "τ", (0.25, 0.5, 1.0, 2.0, 4.0), 1.0),
        ),
        compute_rules,
        draw_rules,
        describe_rules,
        Prediction(
            "Two students with |J|² = 1 and gain 1 learn from two teachers, with inputs of variance 1. Which "
            "network is first?",
            ("the one without normalization", "the one with batch normalization"),
            _faster,
        ),
    ),
)
