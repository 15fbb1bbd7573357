"""Figures of chapter 12 about single layers: the rigid jitter, the laws of batch statistics, straddling batches."""

import math

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter, Prediction
from bnlib.book.figures.committee.rules import number
from bnlib.book.figures.partition.marks import dots
from bnlib.partition import jitter, shapes

BATCHES, LINES = 300, 5
CLOUD = shapes.shape("star", 50, (0.4, 0.2))
SIZES = (1, 2, 4, 8, 16, 32, 50)
LAWS = {
    "normal": (lambda rng, size: rng.standard_normal(size), 3.0),
    "uniform": (lambda rng, size: math.sqrt(3) * rng.uniform(-1, 1, size), 1.8),
    "exponential": (lambda rng, size: rng.exponential(size=size) - 1, 9.0),
}
DRAWS = 2000
SLOPES = np.array([-1.0, -0.5, 0.0, 0.1, 0.3, 0.5, 0.7, 1.0])
WIDTH, TRIES = 128, 300


def compute_rigid(batch_size, draw):
    """Many batches of 50 points: where their means fall, and a few whole arrangements."""
    rng = np.random.default_rng([batch_size, len(draw)])
    replace = draw == "with-replacement"
    batches = jitter.draw_batches(len(CLOUD), batch_size, BATCHES, rng, replace=replace)
    shifts = CLOUD[batches].mean(axis=1) - CLOUD.mean(axis=0)
    laws = [math.sqrt(np.trace(jitter.shift_covariance(CLOUD, B, replace=replace))) for B in SIZES]
    found = math.sqrt(np.mean(np.sum(shifts**2, axis=1)))
    other = math.sqrt(np.trace(jitter.shift_covariance(CLOUD, batch_size, replace=not replace)))
    return {
        "B": batch_size, "draw": draw, "shifts": shifts, "laws": np.array(laws), "found": found,
        "law": laws[SIZES.index(batch_size)], "other": other,
    }  # fmt: skip


def draw_rigid(r):
    """The data, a central arrangement and its shifted copies; and the size of the shift against the batch."""
    figure, (plane, size) = style.panels(2, left=0.5, gap=0.85, right=0.3)
    mean = CLOUD.mean(axis=0)
    angles = np.arange(LINES) * np.pi / LINES + 0.2
    reach = 4 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for shift in r["shifts"][:4]:
        for way in reach:
            plane.plot(*np.transpose([mean + shift - way, mean + shift + way]), color=style.QUIET, lw=0.6, alpha=0.7)
    for way in reach:
        plane.plot(*np.transpose([mean - way, mean + way]), color=style.ACCENT, lw=1.3)
    dots(plane, mean + r["shifts"], style.SECOND, 1.8, zorder=3)
    dots(plane, CLOUD, style.INK, 3, zorder=4)
    plane.set_aspect("equal")
    style.fixed_axis(plane.xaxis, -1.0, 1.8, [-1, 0, 1])
    style.fixed_axis(plane.yaxis, -1.1, 1.5, [-1, 0, 1])
    plane.set_title("five lines: all data (bold), 4 batches")
    size.plot(SIZES, r["laws"], color=style.ACCENT, marker="o", ms=3)
    size.plot([r["B"]], [r["found"]], "o", mfc="none", color=style.SECOND, ms=11)
    size.plot(SIZES, r["laws"][0] / np.sqrt(SIZES), color=style.QUIET, ls=style.DASHED, lw=1)
    style.log_axis(size.xaxis, 0.9, 60, SIZES)
    style.fixed_axis(size.yaxis, -0.03, 0.8, [0, 0.2, 0.4, 0.6, 0.8])
    size.set_xlabel("batch size B (of 50 points)")
    size.set_title("size of the shift; dashed: ∝ 1/√B")
    return figure


def describe_rigid(r):
    """Measured and predicted root mean squared shift."""
    said = "drawn " + style.words(r["draw"])
    if r["law"] == 0:
        return f"{BATCHES} batches of all 50 points, {said}: every batch is the same, and nothing moves."
    return (
        f"{BATCHES} batches of {r['B']} of the 50 points, {said}. The whole first-layer arrangement shifts by "
        f"{number(r['found'])} (root mean square), and {number(r['law'])} is predicted; "
        f"{'without' if r['draw'] == 'with-replacement' else 'with'} replacement it would be {number(r['other'])}."
    )


def compute_laws(batch_size, law, sigma, extra):
    """Means and deviations of many batches, with extra noise as B22 adds it, beside the formulas."""
    draw, fourth = LAWS[law]
    rng = np.random.default_rng([batch_size, len(law), int(10 * sigma), int(10 * extra)])
    batches = sigma * draw(rng, (DRAWS, batch_size))
    mu, s2 = batches.mean(axis=1), batches.var(axis=1)
    own = math.sqrt(jitter.variance_of_mean(sigma**2, batch_size))
    formula, gauss = (jitter.variance_of_variance(sigma**2, m4 * sigma**4, batch_size) for m4 in (fourth, 3))
    if extra:  # B22's controlled noise: normal on the mean, chi-squared on the variance
        mu = mu + extra * own * rng.standard_normal(DRAWS)
        degrees = (batch_size - 1) / extra**2
        s2 = s2 * rng.chisquare(degrees, DRAWS) / degrees
        square = jitter.mean_of_variance(sigma**2, batch_size) ** 2
        formula, gauss = ((v + square) * (1 + 2 / degrees) - square for v in (formula, gauss))
    centred = (s2 - s2.mean()) ** 2
    return {
        "B": batch_size, "law": law, "sigma": sigma, "extra": extra, "mu": mu, "s": np.sqrt(s2),
        "sd_mu": own * math.sqrt(1 + extra**2), "found_mu": mu.std(), "found": centred.mean() / sigma**4,
        "error": centred.std(ddof=1) / math.sqrt(DRAWS) / sigma**4, "formula": formula / sigma**4,
        "gauss": gauss / sigma**4,
        "bins": {"mu": _bins(mu, own * math.sqrt(1 + extra**2)), "s": _bins(np.sqrt(s2), math.sqrt(gauss) / 2 / sigma)},
    }  # fmt: skip


def _bins(values, spread):
    """Edges around all values, four bins to the spread of their law (for a deviation to first order in 1/B)."""
    step = spread / 4
    return step * np.arange(np.floor(values.min() / step), np.ceil(values.max() / step) + 1.5)


def draw_laws(r):
    """Histograms and densities of mu_B and sigma_B."""
    figure, (mean, deviation) = style.panels(2, left=0.4, gap=0.55, right=0.2)
    look = {"density": True, "color": style.FAINT, "ec": style.QUIET, "lw": 0.4, "histtype": "stepfilled"}
    found = mean.hist(r["mu"], bins=r["bins"]["mu"], **look)
    fine = r["sd_mu"] * np.linspace(-5, 5, 201)
    height = np.exp(-0.5 * (fine / r["sd_mu"]) ** 2) / (math.sqrt(2 * math.pi) * r["sd_mu"])
    mean.plot(fine, height, color=style.ACCENT)
    style.fixed_axis(mean.xaxis, -4, 4, [-4, -2, 0, 2, 4])
    mean.set(yticks=[], ylim=(0, 1.1 * max(1.2 * height.max(), found[0].max())), xlabel="mean of a batch")
    mean.set_title("batch mean; line: normal law")
    seen = deviation.hist(r["s"], bins=r["bins"]["s"], **look)
    low, *_, high = r["bins"]["s"]
    positive = np.linspace(max(low - (high - low) / 4, 0), high + (high - low) / 4, 321)
    density = jitter.gaussian_sigma_density(positive, r["sigma"], r["B"])
    deviation.plot(positive, density, color=style.ACCENT)
    deviation.axvline(r["sigma"], color=style.SECOND, lw=1, ls=style.DASHED)
    style.fixed_axis(deviation.xaxis, 0, 4, [0, 1, 2, 3, 4])
    deviation.set(yticks=[], ylim=(0, 1.1 * max(1.3 * density.max(), seen[0].max())), xlabel="deviation of a batch")
    deviation.set_title("batch deviation; line: χ law")
    for ax in (mean, deviation):
        ax.spines["left"].set_visible(False)
    return figure


def describe_laws(r):
    """Spread of the mean, and the variance of the variance by three roads."""
    noise = f", and noise of {r['extra']:g} times their own added to both" if r["extra"] else ""
    return (
        f"{DRAWS} batches of {r['B']} from the {r['law']} law, σ = {r['sigma']:g}{noise}. The mean spreads by "
        f"{number(r['found_mu'])}; predicted {number(r['sd_mu'])}. The variance of a batch's variance, in units of "
        f"σ⁴, is {number(r['found'])} ± {number(r['error'])}; by the fourth moment it is {number(r['formula'])}, as "
        f"for a normal law it would be {number(r['gauss'])}."
    )


def compute_straddle(batch_size, inputs, last_weights):
    """How often a batch has logits of both signs, for all slopes, and the logits of one batch that has not."""
    rng = np.random.default_rng([batch_size, inputs, len(last_weights)])
    x = rng.standard_normal((TRIES, batch_size, inputs))
    u = x @ rng.standard_normal((TRIES, inputs, WIDTH))
    h = (u - u.mean(axis=1, keepdims=True)) / u.std(axis=1, keepdims=True)
    row = rng.standard_normal((TRIES, WIDTH, 1))
    row = np.abs(row) if last_weights == "positive" else row
    above, all_of_it = (np.maximum(h, 0) @ row)[..., 0], (h @ row)[..., 0]
    logits = above + SLOPES[:, None, None] * (all_of_it - above)
    hits = jitter.straddles(logits)
    relu = logits[list(SLOPES).index(0.0)]
    failing = relu[~hits[list(SLOPES).index(0.0)]]
    return {
        "B": batch_size, "inputs": inputs, "kind": last_weights, "found": hits.mean(axis=1),
        "failing": failing[0] / np.abs(failing[0]).max() if len(failing) else np.empty(0),
    }  # fmt: skip


def draw_straddle(r):
    """Frequency against slope with the law for two points; the logits of one failing batch."""
    figure, (curve, batch) = style.panels(2, left=0.5, gap=0.6, right=0.3)
    fine = np.linspace(-1, 1, 101)
    curve.plot(fine, jitter.straddling_probability(fine), color=style.ACCENT, lw=1.4)
    curve.text(-0.1, 0.36, "law for B = 2", color=style.ACCENT, ha="left", va="top")
    error = np.sqrt(np.maximum(r["found"] * (1 - r["found"]), 1e-4) / TRIES)
    curve.errorbar(SLOPES, r["found"], 2 * error, fmt="o", ms=4, lw=1, color=style.SECOND)
    style.fixed_axis(curve.xaxis, -1.08, 1.08, [-1, -0.5, 0, 0.5, 1])
    style.fixed_axis(curve.yaxis, -0.03, 1.05, [0, 0.25, 0.5, 0.75, 1])
    curve.set_xlabel("slope below zero η")
    curve.set_title("batches on both sides of the boundary")
    batch.axvline(0, color=style.INK, lw=1.2)
    batch.text(0.02, 0.93, "boundary", transform=batch.get_xaxis_transform(), va="top")
    if len(r["failing"]):
        batch.plot(r["failing"], np.linspace(0.15, 0.75, len(r["failing"])), "o", color=style.SECOND, ms=4)
    else:
        batch.text(0.5, 0.5, f"none in {TRIES}", transform=batch.transAxes, ha="center", color=style.QUIET)
    style.fixed_axis(batch.xaxis, -1.1, 1.1, [-1, 0, 1])
    batch.set(yticks=[], ylim=(0, 1))
    batch.spines["left"].set_visible(False)
    batch.set_xlabel("logit, over the largest")
    batch.set_title("one ReLU batch that does not straddle")
    return figure


def describe_straddle(r):
    """Frequencies for three slopes, and the law."""
    relu, leaky, absolute = (r["found"][list(SLOPES).index(s)] for s in (0.0, 0.1, -1.0))
    law = "" if r["B"] != 2 else " The law for two points says 50, 56.3 and 0 %."
    signs = "mean zero" if r["kind"] == "random" else "all positive"
    return (
        f"{TRIES} random layers of {WIDTH} units after batch normalization, last weights {signs}, batches of {r['B']} "
        f"Gaussian points with {r['inputs']} inputs. Both sides of the boundary are met by {100 * relu:.0f} % of the "
        f"ReLU batches, {100 * leaky:.0f} % at η = 0.1 and {100 * absolute:.0f} % for the absolute value.{law}"
    )


FIGURES = (
    Figure(
        "rigid-jitter",
        "A new batch moves the first layer as one piece",
        (
            Parameter("batch_size", "B", SIZES, 8),
            Parameter("draw", "", ("without-replacement", "with-replacement"), "without-replacement"),
        ),
        compute_rigid,
        draw_rigid,
        describe_rigid,
        Prediction(
            "Batches of B = 8 are drawn from 50 points without replacement. How large is the shift (root mean square), "
            "compared with σ/√B, where σ is the points' root mean squared distance from their mean?",
            ("the same", "smaller", "zero"),
            lambda r: 2 if r["law"] == 0 else int(r["draw"] == "without-replacement" and r["B"] > 1),
        ),
    ),
    Figure(
        "batch-laws",
        "Batch mean and deviation, after B22's figure 7",
        (
            Parameter("batch_size", "B", (2, 4, 8, 16, 64, 256), 16),
            Parameter("law", "", tuple(LAWS), "normal"),
            Parameter("sigma", "σ", (0.5, 1.0, 2.0), 1.0),
            Parameter("extra", "α", (0.0, 0.5, 1.0), 0.0),
        ),
        compute_laws,
        draw_laws,
        describe_laws,
    ),
    Figure(
        "straddling-batches",
        "Does the boundary pass through every batch?",
        (
            Parameter("batch_size", "B", (2, 4, 8, 16, 64), 16),
            Parameter("inputs", "d", (2, 10, 50), 2),
            Parameter("last_weights", "", ("random", "positive"), "random"),
        ),
        compute_straddle,
        draw_straddle,
        describe_straddle,
    ),
)
