"""Figures of chapter 4, second half: what the flow keeps, the escape rate, the delay law, and a map of it."""

import math

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter, Prediction
from bnlib.book.figures.committee.live_descent import BATCH, draw_escapes, escapes, told
from bnlib.book.figures.committee.rules import RULES, compared, number
from bnlib.book.figures.committee.the_hessian import bend, eigen_axis
from bnlib.book.records import load
from bnlib.committee import (
    asymmetry,
    delay,
    embed,
    escape_rate,
    find_plateau,
    flow,
    flow_jacobian,
    plateau_start,
)

BOTH = ("batch", "batch-stop-gradient")
K_AXIS, TAU_AXIS = np.array([2, 3, 5, 8, 13, 22, 35, 50]), np.geomspace(0.1, 50, 9)
FINE_K, FINE_TAU = np.geomspace(2, 50, 40), np.geomspace(0.1, 50, 40)


def compute_kept(squared_norm, gain_over_length, students, input_variance):
    """Two flows from one start far from the plateau: where (|J|^2, g^2) goes, and the product of the two."""
    K, tau, Q = students, input_variance, squared_norm
    g, e, common = gain_over_length * math.sqrt(Q), 1e-3, 0.1 / K
    start = embed(
        [Q, 0.0, math.sqrt(Q) * (common + e * (1 - 1 / K)), math.sqrt(Q) * (common - e / K), g], K
    )  # students at right angles, nearly alike to the teachers
    paths = {}
    for rule in BOTH:
        last = 80 / escape_rate(K, tau, normalization=rule, squared_norm=Q)
        times = np.concatenate([[0.0], np.geomspace(0.01, last, 160)])
        path = flow(start, times, normalization=rule, input_variance=tau, rtol=1e-6, atol=1e-9)
        found = find_plateau(path, input_variance=tau)
        middle = 0.5 * (found.start + found.end) if found.length > 0 else 0.0
        at = int(np.argmin(np.abs(times - middle)))
        paths[rule] = {"times": times, "Q": path.Q[:, 0, 0], "g2": path.gain[:, 0] ** 2, "plateau": at}
    return {"K": K, "tau": tau, "Q": Q, "g": g, "level": tau / (K + (K - 1) * tau), "paths": paths}


def draw_kept(r):
    """The plane of the two squares, with T20's hyperbola; and the product against time."""
    figure, (plane, line) = style.panels(2, left=0.55, gap=0.7, right=1.08)
    ends = []
    for rule in BOTH:
        name, color, dash = RULES[rule]
        p = r["paths"][rule]
        plane.plot(p["Q"], p["g2"], color=color, ls=dash)
        plane.plot(p["Q"][[p["plateau"], -1]], p["g2"][[p["plateau"], -1]], "o", color=color, ms=5)
        line.plot(p["times"][1:], (p["Q"] * p["g2"])[1:], color=color, ls=dash)
        ends.append((p["Q"] * p["g2"])[-1])
    plane.plot([r["Q"]], [r["g"] ** 2], "s", color=style.INK, ms=8.5, mfc="none")  # dots may be inside
    x = np.geomspace(0.01, 40, 30)
    plane.plot(x, 1 / x, color=style.INK, ls=style.DOTTED, lw=1.2)
    plane.axhline(r["level"], color=style.QUIET, lw=0.7)
    plane.text(0.0108, r["level"] * 1.1, "plateau", color=style.QUIET, va="bottom", fontsize=8)
    plane.text(0.13, 9.0, "Q = 1/g²", ha="left", va="bottom", fontsize=8.5)
    for axis in (plane.xaxis, plane.yaxis):
        style.log_axis(axis, 0.01, 40)
    plane.set_xlabel("squared norm Q = |J|²")
    plane.set_title("g² against Q; □ start")
    line.axhline(1, color=style.INK, ls=style.DOTTED, lw=1.2)
    style.log_axis(line.xaxis, 0.1, 1e6, [0.1, 10, 1e3, 1e5])
    style.log_axis(line.yaxis, 0.003, 300)
    line.set_xlabel("time  t = steps / N")
    line.set_title("the product Q g²")
    style.label(line, ends, [RULES[rule][0] for rule in BOTH], [RULES[rule][1] for rule in BOTH])
    return figure


def describe_kept(r):
    """The product at start, on the plateau and at the end."""

    def told(rule):
        p = r["paths"][rule]
        product = p["Q"] * p["g2"]
        return f"{number(product[p['plateau']])} on the plateau and {number(product[-1])} at the end"

    return (
        f"K = {r['K']}, τ = {r['tau']:g}. Both rules start with |J|² = {r['Q']:g} and g² = {number(r['g'] ** 2)}, a "
        f"product of {number(r['Q'] * r['g'] ** 2)}. Batch normalization keeps |J|² and the product becomes "
        f"{told('batch')}; the papers' update keeps |J|² − g² and it becomes {told('batch-stop-gradient')}. "
        f"T20 takes it to be 1."
    )


def compute_rates(squared_norm, students, input_variance):
    """Escape rates in closed form and as eigenvalues of the flow's Jacobian; all eigenvalues at one setting."""
    K, tau, keywords = students, input_variance, {"none": {}, "batch": {"squared_norm": squared_norm}}
    numeric, closed, spectrum = {}, {}, {}
    for rule, norm in keywords.items():
        numeric[rule] = [
            np.array([_largest(int(k), tau, rule, norm) for k in K_AXIS]),
            np.array([_largest(K, float(t), rule, norm) for t in TAU_AXIS]),
        ]
        closed[rule] = [_closed(K_AXIS, tau, rule, squared_norm), _closed(K, TAU_AXIS, rule, squared_norm)]
        values = np.sort(np.linalg.eigvals(flow_jacobian(K, tau, normalization=rule, **norm)).real)
        spectrum[rule] = np.where(np.abs(values) < 1e-6 * values.max(), 0.0, values)
    gap = max(np.abs(a / b - 1).max() for rule in keywords for a, b in zip(numeric[rule], closed[rule]))
    lines = {
        rule: [_closed(FINE_K, tau, rule, squared_norm), _closed(K, FINE_TAU, rule, squared_norm)] for rule in keywords
    }
    return {
        "norm": squared_norm, "K": K, "tau": tau, "numeric": numeric, "lines": lines, "spectrum": spectrum,
        "agree": bool(gap < 1e-9),
    }  # fmt: skip


def _largest(K, tau, rule, norm):
    return float(np.linalg.eigvals(flow_jacobian(K, tau, normalization=rule, **norm)).real.max())


def _closed(K, tau, rule, squared_norm):
    """The law on arrays, and for K between whole numbers too: a line to look at."""
    low, high = K + (K - 1) * tau, K + (K + 1) * tau
    rate = (2 / math.pi) * K * tau**3 / (low**0.5 * high**1.5)
    return rate if rule == "none" else rate / (low * squared_norm)


def draw_rates(r):
    """All eigenvalues; the positive one against K; against the input variance."""
    figure, (all_of_them, units, variance) = style.panels(3, left=0.52, gap=0.62, right=0.2)
    for place, rule in enumerate(("none", "batch")):
        values = r["spectrum"][rule]
        name, color, dash = RULES[rule]
        all_of_them.plot(np.full(len(values), place), bend(values, 0.01), "_", color=color, ms=26, mew=1.6)
        all_of_them.plot([place], [bend(values[-1], 0.01)], "o", color=color, ms=7)
        for ax, x, fine, k in ((units, K_AXIS, FINE_K, 0), (variance, TAU_AXIS, FINE_TAU, 1)):
            ax.plot(fine, r["lines"][rule][k], color=color, ls=dash)
            ax.plot(x, r["numeric"][rule][k], "o", color=color, ms=4)
    eigen_axis(all_of_them, ((-1, 1, 4), (-1, 1, 2)), 0.01)
    style.fixed_axis(all_of_them.xaxis, -0.6, 1.6, [0, 1], ["no BN", "BN"])
    all_of_them.set_title("eigenvalues of the flow")
    style.log_axis(units.xaxis, 1.8, 56, [2, 5, 10, 20, 50])
    style.log_axis(variance.xaxis, 0.09, 60, [0.1, 1, 10, 50])
    for ax, label in ((units, "units K"), (variance, "input variance τ")):
        style.log_axis(ax.yaxis, 1e-8, 1e3, [1e-8, 1e-6, 1e-4, 1e-2, 1, 100])
        ax.set_xlabel(label)
    units.set_title(f"rate, τ = {r['tau']:g}")
    variance.set_title(f"rate, K = {r['K']}")
    return figure


def describe_rates(r):
    """The two rates, and how far eigenvalue and formula are apart."""
    none, batch = (r["spectrum"][rule][-1] for rule in ("none", "batch"))
    agree = "to better than 10⁻⁹" if r["agree"] else "not to 10⁻⁹"
    return (
        f"K = {r['K']}, τ = {r['tau']:g}, |J|² = {r['norm']:g}. One eigenvalue of the linearised flow is positive: "
        f"{number(none)} without batch normalization, {number(batch)} with it, {compared(none / batch)}. "
        f"Lines are the closed form, dots are eigenvalues; at all dots the two agree {agree}."
    )


def compute_law(squared_norm, students, input_variance, recorded_batch_size):
    """Live: two flows from the plateau, and coarse runs of descent. Recorded: finer runs, at five squared norms."""
    K, tau, b = students, input_variance, recorded_batch_size
    record = load("committee_delay_runs")
    runs, config = record["data"], record["config"]
    norms = np.array(config["squared_norm"])
    paths, found = {}, {}
    for rule, norm in (("none", None), ("batch", squared_norm)):
        start = plateau_start(K, tau, normalization=rule, squared_norm=norm, asymmetry=config["asymmetry"])
        last = 2.8 / escape_rate(K, tau, normalization=rule, squared_norm=norm or 1.0)
        path = flow(start, np.linspace(0, last, 141), normalization=rule, input_variance=tau, rtol=1e-6, atol=1e-9)
        paths[rule] = {"times": path.times, "e": asymmetry(path)}
        found[rule] = find_plateau(path, input_variance=tau).end
    real = {rule: runs[f"{b} {K} {tau:g} {norm}"] for rule, norm in (("none", None), ("batch", squared_norm))}
    lengths = {norm: np.array(runs[f"{b} {K} {tau:g} {norm}"]["lengths"]) for norm in (None, *norms.tolist())}
    mean, share = (np.array([f(lengths[n]) for n in (None, *norms.tolist())]) for f in (np.mean, _relative_error))
    return {
        "K": K, "tau": tau, "norm": squared_norm, "b": b, "paths": paths, "ends": found,
        "runs": {rule: {k: np.array(run[k]) for k in ("times", "asymmetry")} for rule, run in real.items()},
        "norms": norms, "ratio": mean[1:] / mean[0], "bar": mean[1:] / mean[0] * np.hypot(share[1:], share[0]),
        "law": delay(K, tau, squared_norm=squared_norm),
        "live": escapes(K, tau, squared_norm, config["asymmetry"], found),
    }  # fmt: skip


def _relative_error(lengths):
    return lengths.std(ddof=1) / lengths.mean() / math.sqrt(len(lengths))


def draw_law(r):
    """Asymmetry against time, flow and runs; and the ratio of the escape times against the squared norm."""
    figure, (growth, ratio) = style.panels(2, left=0.55, gap=0.8, right=0.3)
    last = 0.0
    for rule in ("none", "batch"):
        name, color, dash = RULES[rule]
        path, run = r["paths"][rule], r["runs"][rule]
        growth.plot(path["times"], path["e"], color=color, ls=dash)
        growth.plot(run["times"][::5], run["asymmetry"][::5], "o", color=color, ms=3.5, mfc="none")
        growth.plot([r["ends"][rule]], [0.033], "^", color=color, ms=7)
        last = max(last, r["ends"][rule])
    high = _up(1.3 * last)
    style.fixed_axis(growth.xaxis, 0, high, [0, high / 2, high])
    style.log_axis(growth.yaxis, 0.03, 1.2, [0.05, 0.1, 0.2, 0.5, 1])
    growth.set_xlabel("time  t = steps / N")
    growth.set_title("asymmetry e; ▲ leaves the plateau")
    growth.text(0.98, 0.16, "no BN", color=RULES["none"][1], ha="right", transform=growth.transAxes)
    growth.text(0.98, 0.08, "with BN", color=RULES["batch"][1], ha="right", transform=growth.transAxes)
    x = np.geomspace(0.03, 2, 20)
    ratio.plot(x, x * r["law"] / r["norm"], color=style.INK, ls=style.DOTTED, lw=1.2)
    ratio.axhline(1, color=style.QUIET, lw=0.7)
    ratio.errorbar(r["norms"], r["ratio"], 2 * r["bar"], fmt="o", ms=5, mfc="none", color=style.SECOND, lw=1)
    ratio.plot([r["norm"]], [r["ends"]["batch"] / r["ends"]["none"]], "D", color=style.ACCENT, ms=6)
    draw_escapes(growth, ratio, r["norm"], r["live"])
    style.log_axis(ratio.xaxis, 0.03, 2, [0.05, 0.1, 0.2, 0.5, 1])
    style.log_axis(ratio.yaxis, 0.1, 25, [0.1, 0.3, 1, 3, 10])
    ratio.set_xlabel("squared norm |J(0)|²")
    ratio.set_title("escape time, BN / no BN")
    for y, text, color in (
        (0.92, "law", style.INK),
        (0.84, "◆ flow, b = ∞", style.ACCENT),
        (0.76, f"□ live, b = {BATCH}", style.ACCENT),
        (0.68, f"○ recorded, b = {r['b']}", style.SECOND),
    ):
        ratio.text(0.03, y, text if text != "law" else "···· law", color=color, transform=ratio.transAxes)
    return figure


def _up(value):
    """An even digit, 1 or 3 times a power of ten, upwards."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 3, 4, 6, 8, 10) if step * power >= value)


def describe_law(r):
    """Law, flow and descent in numbers."""
    at = int(np.flatnonzero(r["norms"] == r["norm"])[0])
    measured = r["ends"]["batch"] / r["ends"]["none"]
    return (
        f"K = {r['K']}, τ = {r['tau']:g}, |J(0)|² = {r['norm']:g}, from the plateau with asymmetry 0.05. The flow "
        f"leaves at t = {r['ends']['none']:.3g} without batch normalization and at t = {r['ends']['batch']:.3g} with "
        f"it, {measured:.2f} times as long; the law says {r['law']:.3g} (above 1 is a delay, below 1 batch "
        f"normalization is the faster one). Recorded descent, b = {r['b']}, takes {r['ratio'][at]:.3f} ± "
        f"{r['bar'][at]:.3f} times as long. {told(r['live'])}"
    )


def _who(r):
    """Which choice is right for the flow: later, at the same time, sooner."""
    measured = r["ends"]["batch"] / r["ends"]["none"]
    return 0 if measured > 1.05 else 1 if measured > 0.95 else 2


FIGURES = (
    Figure(
        "kept",
        "What each rule keeps, and the assumption Q = 1/g²",
        (
            Parameter("squared_norm", "|J(0)|²", (0.1, 0.25, 0.5, 1.0, 2.0, 5.0), 1.0),
            Parameter("gain_over_length", "g/|J|", (0.5, 0.7, 1.0), 1.0),
            Parameter("students", "K", (2, 3, 5), 2),
            Parameter("input_variance", "τ", (0.5, 1.0, 2.0, 5.0), 1.0),
        ),
        compute_kept,
        draw_kept,
        describe_kept,
    ),
    Figure(
        "escape-rate",
        "The eigenvalue that answers the question",
        (
            Parameter("squared_norm", "|J|²", (0.01, 0.05, 0.2, 1.0, 5.0), 1.0),
            Parameter("students", "K", (2, 3, 5, 10, 20, 50), 2),
            Parameter("input_variance", "τ", (0.1, 0.3, 1.0, 3.0, 10.0, 50.0), 1.0),
        ),
        compute_rates,
        draw_rates,
        describe_rates,
    ),
    Figure(
        "delay-law",
        "The delay law: later, at once, or sooner",
        (
            Parameter("squared_norm", "|J(0)|²", (0.05, 0.1, 0.2, 0.5, 1.0), 0.2),
            Parameter("students", "K", (2, 3), 3),
            Parameter("input_variance", "τ", (1.0, 4.0), 1.0),
            Parameter("recorded_batch_size", "b", (300, 1000), 1000),
        ),
        compute_law,
        draw_law,
        describe_law,
        Prediction(
            "Three students sit on the plateau, at τ = 1. With batch normalization they have |J|² = 0.2. When do "
            "they leave in the flow (infinite batches), compared with three students without it?",
            ("later", "at the same time, within 5 %", "sooner"),
            _who,
        ),
    ),
)
