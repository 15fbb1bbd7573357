"""Figures of chapter 7: the path of one neuron, learning rates beyond the largest, table 1, and batches themselves."""

import math

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter, Prediction
from bnlib.book.figures.committee.rules import number
from bnlib.book.figures.perceptron.learning_batches import BATCHES_THEMSELVES, ZETA_TIMES_M
from bnlib.book.figures.perceptron.learning_table import TABLE
from bnlib.perceptron import (
    batch_fixed_gain,
    creeping_length,
    fixed_point,
    flow,
    max_learning_rate,
    mean_squared_error,
    noise_floor,
    plain_flow,
    saddle_node,
    train_overlaps,
)

START, INPUTS, RUN_END = (0.7, 0.3, 1.0), 200, 30
TIMES = np.concatenate([[0.0], np.geomspace(0.1, 1e6, 106)])
PUSH_TIMES = np.concatenate([[0.0], np.geomspace(0.1, 3000, 121)])
SIZES = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)


def compute_portrait(activation, learning_rate, zeta):
    """The flow from one start to t = 10^6, one run with 200 inputs to t = 30, and where the two should rest."""
    path = flow(START, TIMES, activation=activation, learning_rate=learning_rate, zeta=zeta)
    run = train_overlaps(
        START, INPUTS, RUN_END * INPUTS, activation=activation, normalization="weight", learning_rate=learning_rate,
        zeta=zeta, record_every=INPUTS, rng=np.random.default_rng(5),
    )  # fmt: skip
    law = creeping_length(activation, TIMES[1:], learning_rate=learning_rate, zeta=zeta) if zeta else None
    return {
        "activation": activation, "eta": learning_rate, "zeta": zeta, "path": path, "run": run, "law": law,
        "gamma0": fixed_point(activation, zeta=zeta, normalization="batch")[0],
    }  # fmt: skip


def draw_portrait(r):
    """Gain against cosine; length; distance of the cosine from 1."""
    figure, (plane, length, cosine) = style.panels(3, left=0.5, gap=0.6, right=0.25)
    run_times = np.arange(1, len(r["run"]))
    plane.plot(r["run"][:, 1], r["run"][:, 0], "o", color=style.SECOND, ms=2.2, alpha=0.8)
    plane.plot(r["path"][:, 1], r["path"][:, 0], color=style.ACCENT)
    plane.plot([START[1]], [START[0]], "o", color=style.ACCENT, ms=5)
    plane.plot([1], [r["gamma0"]], "*", color=style.INK, ms=11, clip_on=False, zorder=5)
    style.fixed_axis(plane.xaxis, 0.2, 1.02, [0.2, 0.6, 1])
    style.fixed_axis(plane.yaxis, 0, 1.2, [0, 0.5, 1])
    plane.set_xlabel("cosine R")
    plane.set_title("gain γ against R")
    for ax, column, change in ((length, 2, lambda x: x), (cosine, 1, lambda x: np.maximum(1 - x, 1e-9))):
        ax.plot(run_times, change(r["run"][1:, column]), "o", color=style.SECOND, ms=2.2, alpha=0.8)
        ax.plot(TIMES[1:], change(r["path"][1:, column]), color=style.ACCENT)
        style.log_axis(ax.xaxis, 0.1, 1e6, [0.1, 10, 1e3, 1e5])
        ax.set_xlabel("time t = steps / N")
    if r["law"] is not None:
        length.plot(TIMES[1:], r["law"], color=style.QUIET, ls=style.DOTTED)
    style.log_axis(length.yaxis, 0.9, 50, [1, 3, 10, 30])
    style.log_axis(cosine.yaxis, 1e-7, 1, [1e-6, 1e-4, 1e-2, 1])
    length.set_title("length L" + ("; dotted ∝ t¹ᐟ⁴" if r["law"] is not None else ""))
    cosine.set_title("1 − R")
    return figure


def describe_portrait(r):
    """Where the flow is at t = 30 and at the end."""
    at = int(np.argmin(abs(TIMES - RUN_END)))
    (_, R, L), (gamma, R_end, L_end) = r["path"][at], r["path"][-1]
    creep = (
        f"L has grown to {L_end:.3g}, along the law t to the power 1/4, and 1 − R is {number(1 - R_end)}"
        if r["zeta"]
        else f"L rests at {L_end:.3g}, and 1 − R is below 10⁻⁶"
    )
    return (
        f"Activation {style.words(r['activation'])}, η = {r['eta']:g}, ζ = {r['zeta']:g}: the flow (line) and one run "
        f"with {INPUTS} inputs (dots) from γ = {START[0]:g}, R = {START[1]:g}, L = {START[2]:g}. At t = {RUN_END} the "
        f"flow is at R = {R:.3f} and L = {L:.3f}. At t = 10⁶ the gain is {gamma:.3f} (star: {r['gamma0']:.3f}); "
        f"{creep}."
    )


def compute_push(learning_rate, activation):
    """Plain descent and weight normalization from one start, and where plain descent can settle."""
    plain = plain_flow(START[:2], PUSH_TIMES, activation=activation, learning_rate=learning_rate)
    weight = flow(START, PUSH_TIMES, activation=activation, learning_rate=learning_rate)
    kept = np.isfinite(plain[:, 0])
    largest = max_learning_rate(activation, normalization="none")
    try:
        floor = noise_floor(activation, learning_rate)
    except ValueError:
        floor = None
    return {
        "activation": activation, "eta": learning_rate, "largest": largest, "floor": floor,
        "error": mean_squared_error(plain[kept, 0], plain[kept, 1], activation),
        "weight": mean_squared_error(weight[:, 0], np.minimum(weight[:, 1], 1), activation),
        "effective": learning_rate / weight[:, 2] ** 2,
        "escape": math.inf if kept.all() else float(PUSH_TIMES[np.argmin(kept)]),
        "end": plain[kept][-1],
    }  # fmt: skip


def draw_push(r):
    """Errors against time, and the effective learning rate of weight normalization."""
    figure, (error, rate) = style.panels(2, left=0.5, gap=0.7, right=0.62)
    seen = slice(1, len(r["error"]))
    error.plot(PUSH_TIMES[1:], np.maximum(r["weight"][1:], 1e-8), color=style.SECOND, ls=style.DASHED)
    error.plot(PUSH_TIMES[seen], np.clip(r["error"][seen], 1e-8, 1e4), color=style.ACCENT)
    if r["floor"] is not None and r["floor"][1] < 1:
        error.axhline(mean_squared_error(*r["floor"], r["activation"]), color=style.QUIET, ls=style.DOTTED, lw=1.2)
    style.log_axis(error.yaxis, 1e-6, 1e3, [1e-6, 1e-4, 1e-2, 1, 100])
    error.set_title("error: plain (solid), weight norm. (dashed)")
    rate.plot(PUSH_TIMES[1:], r["effective"][1:], color=style.SECOND, ls=style.DASHED)
    rate.axhline(r["largest"], color=style.QUIET, ls=style.DOTTED, lw=1.2)
    rate.axhline(r["eta"], color=style.ACCENT, lw=1.4)
    style.log_axis(rate.yaxis, 0.1, 20, [0.1, 0.3, 1, 3, 10])
    rate.set_title("effective rate: η (solid), η/L² (dashed)")
    style.label(rate, [r["largest"]], ["ηₘₐₓ"], [style.QUIET])
    for ax in (error, rate):
        style.log_axis(ax.xaxis, 0.1, 3000, [0.1, 1, 10, 100, 1000])
        ax.set_xlabel("time t = steps / N")
    return figure


def _fate(r):
    """0: it learns; 1: it settles off the teacher; 2: it runs away."""
    return 0 if r["eta"] <= r["largest"] else 1 if r["floor"] is not None else 2


def describe_push(r):
    """What becomes of both."""
    fate = _fate(r)
    if fate == 0:
        plain = "learns: it is below its largest rate"
    elif fate == 1:
        plain = f"does not learn the teacher and does not run away: it settles at Q = {r['floor'][0]:.3f}, "
        plain += f"R = {r['floor'][1]:.3f}"
    elif math.isfinite(r["escape"]):
        plain = f"runs away: Q passes 10⁶ before t = {r['escape']:.3g}"
    else:
        plain = f"runs away slowly: Q = {r['end'][0]:.3g} at t = 3000"
    edge = f"; its noise floors end at η = {saddle_node()[0]:.4f}" if r["activation"] == "relu" else ""
    return (
        f"Activation {style.words(r['activation'])}, η = {r['eta']:g}, largest rate {r['largest']:.4g}: plain descent "
        f"{plain}{edge}. Weight normalization, from the same start, ends with an effective rate of "
        f"{r['effective'][-1]:.3f} and an error "
        f"{'below 10⁻⁶' if r['weight'][-1] < 1e-6 else 'of ' + number(r['weight'][-1])}."
    )


def compute_rates(activation, learning_rate, length):
    """Largest and effective rates against the batch size that theorem 1 turns into a decay."""
    zetas = [ZETA_TIMES_M[activation] / M for M in SIZES]
    largest = np.array([max_learning_rate(activation, zeta=z, normalization="batch") for z in zetas])
    noisy = np.array([max_learning_rate(activation, zeta=z, normalization="batch", with_noise=True) for z in zetas])
    gains = np.array([fixed_point(activation, zeta=z, normalization="batch")[0] for z in zetas])
    true = np.array([math.nan if M < 3 else batch_fixed_gain(activation, M) for M in SIZES])[1:]
    scale = learning_rate / length**2
    return {
        "activation": activation, "eta": learning_rate, "length": length, "largest": largest, "noisy": noisy,
        "batch": scale * gains, "true": scale * true, "weight": scale, "zeta": zetas[SIZES.index(32)],
    }  # fmt: skip


def draw_rates(r):
    """Both against the batch size."""
    figure, (largest, effective) = style.panels(2, left=0.45, gap=0.9, right=0.62)
    largest.plot(SIZES, r["largest"], color=style.ACCENT)
    largest.plot(SIZES, np.minimum(r["noisy"], 99), color=style.THIRD, ls=style.DASHDOT, lw=1.4)
    largest.axhline(2, color=style.SECOND, ls=style.DASHED)
    style.fixed_axis(largest.yaxis, 0, 5, [0, 1, 2, 3, 4, 5])
    largest.set_title("largest rate ηₘₐₓ")
    style.label(largest, [2.0, 2.01, 2.02], ["others", "batch", "with I₂"], [style.SECOND, style.ACCENT, style.THIRD])
    effective.plot(SIZES, r["batch"], color=style.ACCENT)
    effective.plot(SIZES[1:], r["true"], color=style.ACCENT, ls=style.DOTTED)
    effective.axhline(r["weight"], color=style.SECOND, ls=style.DASHED)
    effective.axhline(r["eta"], color=style.QUIET, ls=style.DASHDOT, lw=1.4)
    apart = [r["batch"][-1] - 1e-3, r["weight"] + 1e-6, r["eta"] + 2e-6 if r["eta"] >= r["weight"] else r["eta"]]
    style.log_axis(effective.yaxis, 0.03, 8, [0.1, 0.3, 1, 3])
    style.label(effective, apart, ["batch", "weight", "plain"], [style.ACCENT, style.SECOND, style.QUIET])
    effective.set_title("effective rate")
    for ax in (largest, effective):
        style.log_axis(ax.xaxis, 1.8, 280, [2, 8, 32, 128])
        ax.set_xlabel("batch size M")
    return figure


def describe_rates(r):
    """The gain at M = 32."""
    at, of = SIZES.index(32), r["activation"]
    return (
        f"Activation {style.words(of)}, ζ = {ZETA_TIMES_M[of]:g}/M. At M = 32 batch normalization's largest rate is "
        f"{r['largest'][at]:.3f} against 2: {100 * (r['largest'][at] / 2 - 1):.1f} % more (dash-dotted, with I₂ kept: "
        f"{r['noisy'][at]:.3f}). At η = {r['eta']:g} and L = {r['length']:g} its effective rate is "
        f"{r['batch'][at]:.3f}, that of weight normalization {r['weight']:.3f}, of plain descent {r['eta']:g}; with "
        f"the gain at which batch normalization itself rests (dotted) it is {r['true'][at - 1]:.3f}."
    )


FIGURES = (
    Figure(
        "phase-portrait",
        "One neuron on its way to the teacher",
        (
            Parameter("activation", "", ("relu", "erf", "identity"), "relu"),
            Parameter("learning_rate", "η", (0.3, 1.0, 2.0, 4.0), 1.0),
            Parameter("zeta", "ζ", (0.0, 0.02, 0.1, 0.25, 0.5), 0.1),
        ),
        compute_portrait,
        draw_portrait,
        describe_portrait,
    ),
    Figure(
        "past-the-maximum",
        "Past the largest learning rate",
        (
            Parameter("learning_rate", "η", (0.5, 1.0, 1.9, 2.1, 2.2, 2.24, 2.25, 2.5, 3.0, 5.0, 8.0, 10.0), 2.2),
            Parameter("activation", "", ("relu", "erf"), "relu"),
        ),
        compute_push,
        draw_push,
        describe_push,
        Prediction(
            "ReLU, η = 2.2: a tenth beyond the largest learning rate, 2. What does plain gradient descent do?",
            ("it learns all the same", "it settles, but not on the teacher", "it runs away"),
            _fate,
        ),
    ),
    Figure(
        "largest-rates",
        "How much larger?",
        (
            Parameter("activation", "", ("relu", "identity"), "relu"),
            Parameter("learning_rate", "η", (0.3, 1.0, 2.0), 1.0),
            Parameter("length", "L", (0.7, 1.0, 1.5, 2.0), 1.5),
        ),
        compute_rates,
        draw_rates,
        describe_rates,
    ),
    TABLE,
    BATCHES_THEMSELVES,
)
