"""Figures of chapter 4, first half: the error's Hessian in order parameters, and why it cannot answer the question."""

import math

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter
from bnlib.book.figures.committee.rules import number
from bnlib.committee import CHARTS, chart_hessian, error_gradient, error_hessian, escape_rate, fixed_point, restrict
from bnlib.committee.reduced import effective, reduced_error

UNITS, VARIANCES = (2, 3, 5, 10, 20, 50), (0.1, 0.3, 1.0, 3.0, 10.0, 50.0)
K_AXIS = np.unique(np.round(np.geomspace(2, 50, 18)).astype(int))
TAU_AXIS = np.geomspace(0.1, 50, 19)
TIED = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]], dtype=float)  # (R, S, Q) with C = Q
COLORS = (style.ACCENT, style.SECOND, style.THIRD, style.QUIET)
DASHES = (style.SOLID, style.DASHED, style.DASHDOT, style.DOTTED)


def bend(values, knee=0.1):
    """The axis on which eigenvalues of both signs are drawn: linear up to about the knee, logarithmic beyond."""
    return np.arcsinh(np.asarray(values, dtype=float) / knee)


def eigen_axis(ax, powers, knee=0.1):
    """Ticks at 0 and at these powers of ten of both signs, the last of each two the ends."""
    negative, positive = powers
    ticks = [*(-(10.0**p) for p in reversed(negative)), 0.0, *(10.0**p for p in positive)]
    names = ["0" if not t else ("−" if t < 0 else "") + style.power_words(abs(t)) for t in ticks]
    places = bend(ticks, knee)
    style.fixed_axis(ax.yaxis, places[0], places[-1], places, names)
    ax.axhline(0, color=style.QUIET, lw=0.7)


def eigenvalues(K, tau, rule, tied=False):
    """Sorted eigenvalues at the fixed point: of (R, S, Q, g) or (R, S, Q, C), or of (R, S, Q) where C is tied to Q."""
    H = error_hessian(K, tau, normalization=rule)
    return np.linalg.eigvalsh(TIED @ H @ TIED.T if tied and rule == "none" else H)


def compute_figures(input_variance, students, coordinates):
    """T20's figures 1 (against K, at this variance) and 2 (against the variance, at this K)."""
    tied, both = coordinates == "C-tied-to-Q", ("none", "batch")
    return {
        "tau": input_variance, "K": students, "tied": tied,
        "against_K": {r: np.array([eigenvalues(int(K), input_variance, r, tied) for K in K_AXIS]) for r in both},
        "against_tau": {r: np.array([eigenvalues(students, tau, r, tied) for tau in TAU_AXIS]) for r in both},
    }  # fmt: skip


def _reach(r):
    """Powers of ten on all four axes: to 10^4 for what T20 shows, to 10^7 where curves go on."""
    far = max(np.abs(lines).max() for name in ("against_K", "against_tau") for lines in r[name].values()) > 1e4
    if style.is_narrow():
        return (1, 4, 7) if far else (0, 2, 4)
    return (1, 3, 5, 7) if far else (0, 1, 2, 3, 4)


def draw_figures(r):
    """Without batch normalization and with it, against K above and against the input variance below."""
    figure, axes = style.grid(2, 2, left=0.6, gap=0.75, right=0.25)
    rows = (("against_K", K_AXIS, f"τ = {r['tau']:g}"), ("against_tau", TAU_AXIS, f"K = {r['K']}"))
    for i, (name, x, fixed) in enumerate(rows):
        for j, (rule, words) in enumerate(
            (("none", "no BN" if style.is_narrow() else "without BN"), ("batch", "with BN"))
        ):
            ax = axes[i, j]
            lines = r[name][rule]
            for values, color, dash in zip(lines.T, COLORS, DASHES):
                ax.plot(x, bend(values), color=color, ls=dash)
            eigen_axis(ax, 2 * [_reach(r)])
            ticks = [2, 5, 10, 20, 50] if i == 0 else [0.1, 1, 10, 50]
            style.log_axis(ax.xaxis, x[0], x[-1], ticks[:: 2 if style.is_narrow() and i == 0 else 1])
            ax.set_xlabel("units K" if i == 0 else "input variance τ")
            ax.set_title(f"{words}, {fixed}")
    return figure


def describe_figures(r):
    """The ends of the lowest curves."""

    def lowest(name):
        return (number(r[name][rule][-1, 0]) for rule in ("none", "batch"))

    (none_K, bn_K), (none_tau, bn_tau) = lowest("against_K"), lowest("against_tau")
    flat = np.abs(r["against_K"]["batch"][-1]).min()
    flat = number(flat) if flat >= 1e-6 else "less than 10⁻⁶"
    return (
        f"Eigenvalues of the error's Hessian at the symmetric fixed point, with T20's Q = 1/g². At τ = {r['tau']:g} "
        f"and K = 50 the lowest is {none_K} without batch normalization and {bn_K} with it; the one nearest to zero is "
        f"then {flat} in size. At K = {r['K']} and τ = 50 the lowest is {none_tau} without and {bn_tau} with."
    )


def compute_edge(rule, students, input_variance, coordinate):
    """The error around the fixed point: over R = S and Q = C, and along one overlap beside a move of weights."""
    K, tau = students, input_variance
    p = fixed_point(K, tau, normalization=rule, squared_norm=None if rule == "none" else 1.0)
    Q, C, R, S, *g = restrict(p)
    gradient = error_gradient(K, tau, normalization=rule, squared_norm=None if rule == "none" else 1.0)
    rest = _error(np.array([Q, C, R, S, *g]), K, tau)
    u, v = np.meshgrid(np.linspace(0.3, 1.35, 36), np.linspace(0.4, 1.7, 33))  # R / R*, Q / Q*
    plane = _error(np.stack([Q * v, Q * v, R * u, R * u, *([np.full_like(u, *g)] if g else [])], axis=-1), K, tau)
    steps = np.linspace(-0.1, 0.1, 41)
    along = np.zeros((len(steps), 4 + len(g))) + [Q, C, R, S, *g]
    along[:, {"R": 2, "S": 3, "Q": 0}[coordinate]] *= 1 + steps
    if coordinate == "Q" and g:
        along[:, 1] *= 1 + steps  # C tied to Q, as T20 has it
    which = "RSQ".index(coordinate)
    size = (R, S, Q)[which]
    return {
        "rule": rule, "K": K, "tau": tau, "coordinate": coordinate, "error": rest, "u": u[0], "v": v[:, 0],
        "plane": plane / rest, "steps": steps, "along": _error(along, K, tau) / rest - 1,
        "slope": gradient[which] * size / rest,
        "weights": _turned(steps, K, tau, (Q, *g)) / rest - 1, "gradient": gradient,
    }  # fmt: skip


def _error(states, K, tau):
    """Error of states (..., 4 or 5)."""
    return reduced_error(*effective(states, tau, states.shape[-1] == 5), K, tau)


def _turned(steps, K, tau, at):
    """Error where every student is turned towards its own teacher: R grows by that share, S falls, and C follows."""
    Q, *g = at
    e = steps / math.sqrt(K) / (1 - 1 / K)  # of `plateau_start`: R = R* (1 + step)
    states = [Q * (1 + e * e * (1 - 1 / K)), Q * (1 - e * e / K)]
    states += [math.sqrt(Q) * (K**-0.5 + e * (1 - 1 / K)), math.sqrt(Q) * (K**-0.5 - e / K)]
    return _error(np.stack([*states, *(np.full_like(e, gain) for gain in g)], axis=-1), K, tau)


def draw_edge(r):
    """Left: the error over (R, Q), and what no network can have. Right: along one overlap, and along weights."""
    figure, (plane, line) = style.panels(2, left=0.5, gap=0.75, right=0.3)
    levels = [0.5, 1, 2, 4, 8, 16, 32]
    plane.contour(r["u"], r["v"], r["plane"], levels, colors=style.QUIET, linewidths=0.9)
    plane.contour(r["u"], r["v"], r["plane"], [1.0], colors=style.ACCENT, linewidths=1.6)
    u = np.linspace(0.3, 1.35, 60)
    plane.fill_between(u, 0.4, np.clip(u * u, 0.4, 1.7), color=style.FAINT, alpha=0.75, lw=0)
    plane.plot([1], [1], "o", color=style.SECOND, ms=6)
    down = -_tied_slope(r)
    down *= 0.3 / np.linalg.norm(down)
    arrow = {"arrowstyle": "-|>", "color": style.SECOND, "lw": 1.6, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 10}
    plane.annotate("", (1 + down[0], 1 + down[1]), (1, 1), arrowprops=arrow)
    plane.text(1.31, 0.46, "no network\nhas these", ha="right", va="bottom", color=style.INK, fontsize=8.5)
    style.fixed_axis(plane.xaxis, 0.3, 1.35, [0.5, 1])
    style.fixed_axis(plane.yaxis, 0.4, 1.7, [0.5, 1, 1.5])
    plane.set_xlabel("R = S, over R*")
    plane.set_title("contours of the error; upwards Q/Q*")
    line.axhspan(-20, -1, color=style.FAINT, alpha=0.75, lw=0)
    line.axhline(0, color=style.QUIET, lw=0.7)
    line.plot(100 * r["steps"], r["along"], color=style.SECOND, ls=style.DASHED)
    line.plot(100 * r["steps"], r["weights"], color=style.ACCENT)
    up = r["slope"] > 0
    line.text(-9.5, -1.2, "error below zero: no network", va="top", fontsize=8.5)
    line.text(9.5, 0.18, "weights", color=style.ACCENT, ha="right", va="bottom")
    line.text(-9.5 if up else 9.5, 2.6, f"{r['coordinate']} alone", color=style.SECOND, ha="left" if up else "right")
    style.fixed_axis(line.xaxis, -10, 10, [-10, -5, 0, 5, 10])
    style.fixed_axis(line.yaxis, -3, 3, [-3, -2, -1, 0, 1, 2, 3])
    line.set_xlabel("step of the overlap, in %")
    line.set_title("relative change of the error")
    return figure


def _tied_slope(r):
    """Gradient over (R = S, Q = C), per relative step."""
    du, dv = (np.gradient(r["plane"], axis, axis=i) for i, axis in ((1, r["u"]), (0, r["v"])))
    i, j = np.argmin(np.abs(r["v"] - 1)), np.argmin(np.abs(r["u"] - 1))
    return np.array([du[i, j], dv[i, j]])


def describe_edge(r):
    """Slope and curvature."""
    name = r["coordinate"]
    weights = np.abs(r["weights"]).max()
    return (
        f"Rule {style.words(r['rule'])}, K = {r['K']}, τ = {r['tau']:g}, error {number(r['error'])} at the point. "
        f"A step of +1 % in {name} alone changes the error by {_signed(r['slope'])} %; {_way_down(r)}. "
        f"Along weights that move R by up to 10 % the error is flat at the point and changes by at most "
        f"{number(100 * weights)} %."
    )


def _signed(value):
    return ("+" if value > 0 else "") + number(value)


def _way_down(r):
    """The step at which the slope alone reaches error zero; an overlap cannot be shortened by more than all of it."""
    step = -100 / r["slope"]
    if step <= -100:
        return f"on that slope not even {r['coordinate']} = 0 would bring it to zero"
    return f"on that slope one of {_signed(step)} % would bring it below zero, where no network is"


GAUGES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
FINE = np.geomspace(0.01, 30, 29)
COORDINATES = {"orders": "R, S, Q, g", "lengths": "R, S, √Q, ln g", "cosines": "cosines, ln √Q, ln g"}


def compute_charts(chart, squared_norm, students, input_variance):
    """Eigenvalues with batch normalization in three charts, over the free squared norm; one network, one error."""
    K, tau = students, input_variance
    lines = {name: np.array([_in_chart(K, tau, name, norm) for norm in FINE]) for name in CHARTS}
    points = {name: _in_chart(K, tau, name, squared_norm) for name in CHARTS}
    rates = {rule: escape_rate(K, tau, normalization=rule, squared_norm=squared_norm) for rule in ("none", "batch")}
    return {
        "chart": chart, "norm": squared_norm, "K": K, "tau": tau, "lines": lines, "points": points, "rates": rates,
        "without": eigenvalues(K, tau, "none")[0],
    }  # fmt: skip


def _in_chart(K, tau, chart, norm):
    """Sorted eigenvalues; what is zero but for round-off is zero."""
    values = np.linalg.eigvalsh(chart_hessian(K, tau, chart=chart, squared_norm=norm))
    return np.where(np.abs(values) < 1e-9 * np.abs(values).max(), 0.0, values)


def draw_charts(r):
    """Left: the chosen chart against |J|^2. Right: the three charts at the chosen |J|^2."""
    figure, (line, dots) = style.panels(2, left=0.62, gap=0.85, right=0.25)
    for values, color, dash in zip(r["lines"][r["chart"]].T, COLORS, DASHES):
        line.plot(FINE, bend(values, 0.01), color=color, ls=dash)
    line.plot(4 * [r["norm"]], bend(r["points"][r["chart"]], 0.01), "o", color=style.INK, ms=4)
    style.log_axis(line.xaxis, 0.009, 36)
    line.set_xlabel("squared norm |J|² (free)")
    line.set_title(f"eigenvalues in {COORDINATES[r['chart']]}")
    for place, name in enumerate(CHARTS):
        for value, color in zip(r["points"][name], COLORS):
            size = 7 if name == r["chart"] else 4.5
            dots.plot([place], bend([value], 0.01), "o" if value < 0 else "s", color=color, ms=size)
    style.fixed_axis(dots.xaxis, -0.5, 2.5, [0, 1, 2], ["R, S, Q, g", "R, S, √Q, ln g", "cosines"])
    dots.set_title(f"three charts at |J|² = {r['norm']:g}; ● negative")
    for ax in (line, dots):
        eigen_axis(ax, ((-1, 1, 3, 5), (-1, 1, 3, 5)), 0.01)
        ax.axhline(bend(r["without"], 0.01), color=style.INK, ls=style.DOTTED, lw=1)
    level = bend(r["without"], 0.01)
    low = level < -7  # no room below the line
    where = {"va": "bottom" if low else "top", "ha": "center", "fontsize": 8}
    dots.text(1.5, level + (0.3 if low else -0.3), "lowest\nwithout BN", **where)
    return figure


def describe_charts(r):
    """Lowest eigenvalues and counts of negative ones, beside what does not change."""
    told = [
        f"{number(r['points'][name][0])} ({np.sum(r['points'][name] < 0)} negative) in {COORDINATES[name]}"
        for name in CHARTS
    ]
    short, long = (number(r["lines"][r["chart"]][end, 0]) for end in (0, -1))
    return (
        f"K = {r['K']}, τ = {r['tau']:g}, |J|² = {r['norm']:g}: the lowest eigenvalue is {told[0]}; {told[1]}; "
        f"{told[2]}. Without batch normalization it is {number(r['without'])}. On the left, in "
        f"{COORDINATES[r['chart']]}, it is {short} at |J|² = 0.01 and {long} at 30. The flow knows no chart: it "
        f"leaves at the rate {number(r['rates']['batch'])} with batch normalization and "
        f"{number(r['rates']['none'])} without."
    )


FIGURES = (
    Figure(
        "t20-eigenvalues",
        "T20's figures 1 and 2: the Hessian's eigenvalues",
        (
            Parameter("input_variance", "τ", VARIANCES, 1.0),
            Parameter("students", "K", UNITS, 2),
            Parameter("coordinates", "", ("R-S-Q-C", "C-tied-to-Q"), "R-S-Q-C"),
        ),
        compute_figures, draw_figures, describe_figures,
    ),
    Figure(
        "edge",
        "A slope at the fixed point, and the edge of what networks can be",
        (
            Parameter("rule", "", ("none", "batch"), "batch"),
            Parameter("students", "K", (2, 3, 5, 10), 2),
            Parameter("input_variance", "τ", (0.3, 1.0, 3.0, 10.0), 1.0),
            Parameter("coordinate", "", ("R", "S", "Q"), "R"),
        ),
        compute_edge, draw_edge, describe_edge,
    ),
    Figure(
        "charts",
        "One network, one escape, and eigenvalues for every taste",
        (
            Parameter("chart", "", CHARTS, "orders"),
            Parameter("squared_norm", "|J|²", GAUGES, 1.0),
            Parameter("students", "K", (2, 3, 5, 10), 2),
            Parameter("input_variance", "τ", (0.3, 1.0, 3.0, 10.0), 1.0),
        ),
        compute_charts, draw_charts, describe_charts,
    ),
)  # fmt: skip
