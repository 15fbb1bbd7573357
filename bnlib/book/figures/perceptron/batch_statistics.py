"""Figures of chapter 5: the statistics of a batch as random numbers, small batches, and epochs without replacement."""

import math

import numpy as np
from scipy import special

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter, Prediction
from bnlib.perceptron import (
    LAWS,
    batch_statistics,
    draw_batches,
    moments,
    normalized_cdf,
    normalized_density,
    replacement_factor,
    standardize,
)

VALUES = 800_000  # drawn for a lottery, in at most 20 000 batches
REACH = 4.0  # of the axis of normalized values
SHARES = (16, 8, 4, 3, 2, 1.5, 1.2, 1)  # P / M
DRAWS = 60_000  # values drawn at each P
NAMES = {
    "Gaussian": ("gaussian", "Gaussian values"),
    "uniform": ("uniform", "uniform values"),
    "±1": ("two-points", "values ±1"),
    "Laplace": ("laplace", "Laplace values"),
    "exponential": ("exponential", "exponential values"),
    "Student": ("student", "Student values (5 degrees of freedom)"),
}  # in the figure: (in bnlib, in a sentence)


def compute_lottery(batch_size, law):
    """Mean and deviation of each of many batches, beside the Gaussians that L19 takes for their laws."""
    rng = np.random.default_rng([batch_size, list(NAMES).index(law)])
    batches = min(20_000, VALUES // batch_size)
    mu, sigma = batch_statistics(NAMES[law][0], batch_size, batches, rng=rng)
    kurtosis = LAWS[NAMES[law][0]].excess_kurtosis
    spread, wide = math.sqrt((kurtosis + 2) / (4 * batch_size)), 1 / math.sqrt(batch_size)
    return {
        "M": batch_size, "law": law, "batches": batches, "mu": _histogram(mu, wide / 5, -2.4),
        "sigma": _histogram(sigma, max(spread, wide / 2) / 5, 0.0), "prior_spread": spread,
        "mean": sigma.mean(), "error": sigma.std() / math.sqrt(batches), "spread": sigma.std(),
        "expected": moments(batch_size, kurtosis).mean_sigma,
    }  # fmt: skip


def _histogram(values, width, low):
    """(edges, density) from a lowest edge to 2.4; no bin is split by 0 if that edge is below."""
    first = -(math.ceil(-low / width) + 0.5) if low < 0 else 0
    edges = width * np.arange(first, 2.4 / width + 1)
    return edges, np.histogram(values, edges)[0] / (len(values) * width)


def draw_lottery(r):
    """The two histograms, each under its prior."""
    figure, (left, right) = style.panels(2, left=0.3, gap=0.5, right=0.2)
    wide = 1 / math.sqrt(r["M"])
    _bars(left, *r["mu"], 0.0, wide, (-2, 2), [-2, -1, 0, 1, 2])
    _bars(right, *r["sigma"], 1.0, r["prior_spread"], (0, 2.2), [0, 0.5, 1, 1.5, 2])
    left.annotate("prior", (0.9 * wide, 0.27 / wide), (4, 4), textcoords="offset points", color=style.SECOND)
    left.set_title("mean μ of a batch")
    right.set_title("deviation σ of a batch")
    top = right.get_ylim()[1]
    right.plot([r["mean"]] * 2, [0, 0.92 * top], color=style.ACCENT, lw=1.2)
    right.annotate(
        f"mean {r['mean']:.3f}", (r["mean"], 0.92 * top), (-4, 0), textcoords="offset points", ha="right", va="center",
        color=style.ACCENT,
    )  # fmt: skip
    right.annotate(
        "prior", (1.0, 0.92 * top), (5, 0), textcoords="offset points", ha="left", va="center", color=style.SECOND
    )
    for ax in (left, right):
        ax.set_xlabel("in units of σ of the population")
    return figure


def _bars(ax, edges, density, centre, spread, ends, ticks):
    """Grey bars, and the prior as a dashed line; a prior without spread is a line upright."""
    top = 1.2 * max(density.max(), 0.4 / spread if spread else 0)
    ax.stairs(density, edges, fill=True, color=style.FAINT, lw=0)
    ax.stairs(density, edges, color=style.QUIET, lw=0.6)
    if spread:
        x = centre + spread * np.linspace(-5, 5, 161)
        ax.plot(x, np.exp(-((x - centre) ** 2) / (2 * spread**2)) / (math.sqrt(2 * math.pi) * spread),
                color=style.SECOND, ls=style.DASHED, lw=1.5)  # fmt: skip
    else:
        ax.plot([centre] * 2, [0, 0.97 * top], color=style.SECOND, ls=style.DASHED, lw=1.5)
    style.fixed_axis(ax.xaxis, *ends, ticks)
    ax.set(ylim=(0, top), yticks=[])
    ax.spines["left"].set_visible(False)


def describe_lottery(r):
    """Mean and scatter of the deviation, against the prior's."""
    law = "the exact law" if r["law"] == "Gaussian" else "theory to order 1/M"
    return (
        f"{r['batches']} batches of {r['M']} {NAMES[r['law']][1]}. Their deviations have mean "
        f"{r['mean']:.3f} with a standard error of {r['error']:.3f}; the prior has 1, {law} {r['expected']:.3f}. "
        f"They scatter by {r['spread']:.3f}, the prior by {r['prior_spread']:.3f}."
    )


def compute_two(batch_size, statistics):
    """Gaussian values normalized by their own batch or by another one: samples, density, and how many are large."""
    rng = np.random.default_rng([batch_size, len(statistics)])
    h = draw_batches("gaussian", batch_size, 6000, rng=rng)
    own = statistics == "of-its-own-batch"
    raw = h[:, 0] if own else rng.standard_normal(len(h))
    z = (raw - h.mean(axis=1)) / h.std(axis=1)
    grid = np.linspace(-REACH, REACH, 201)
    edges = np.linspace(-REACH, REACH, 51)
    return {
        "M": batch_size, "own": own, "raw": raw[:250], "z": z[:250], "grid": grid, "edges": edges,
        "density": _law(grid, batch_size, own), "found": np.histogram(z, edges)[0] / (len(z) * (edges[1] - edges[0])),
        "beyond": _beyond(2.0, batch_size, own), "found_beyond": np.mean(np.abs(z) > 2),
    }  # fmt: skip


def _law(z, M, own):
    """The exact density; none for two points, and cut off where the arcsine law is infinite."""
    if own:
        return np.zeros_like(z) if M == 2 else np.minimum(normalized_density(z, M), 2.0)
    log = special.gammaln(M / 2) - special.gammaln((M - 1) / 2) - 0.5 * math.log(math.pi * (M + 1))
    return np.exp(log - M / 2 * np.log1p(z**2 / (M + 1)))


def _beyond(z, M, own):
    """P(|z| > 2)."""
    if own:
        return 2 * (1 - float(normalized_cdf(z, M)))
    return 2 * float(special.stdtr(M - 1, -z * math.sqrt((M - 1) / (M + 1))))


def draw_two(r):
    """The law of a normalized value, and where each raw value goes."""
    figure, (law, points) = style.panels(2, left=0.45, gap=0.6, right=0.2)
    law.stairs(r["found"], r["edges"], fill=True, color=style.FAINT, lw=0)
    bell = np.exp(-(r["grid"] ** 2) / 2) / math.sqrt(2 * math.pi)
    law.plot(r["grid"], bell, color=style.QUIET, ls=style.DASHED, lw=1.2)
    if r["own"] and r["M"] == 2:
        for z in (-1, 1):
            law.plot([z, z], [0, 1.0], color=style.ACCENT, lw=2.4)
            law.annotate("½", (z, 1.0), (5, -2), textcoords="offset points", color=style.ACCENT, va="top")
    else:
        law.plot(r["grid"], r["density"], color=style.ACCENT)
    law.annotate("bell", (-2.2, 0.035), (-3, 9), textcoords="offset points", color=style.QUIET, ha="right", va="bottom")
    style.fixed_axis(law.yaxis, 0, 1.05, [0, 0.5, 1])
    law.set_title(f"law of a normalized value, M = {r['M']}")
    points.plot([-3, 3], [-3, 3], color=style.QUIET, ls=style.DASHED, lw=1.0)
    points.plot(r["raw"], np.clip(r["z"], -REACH, REACH), "o", ms=1.8, color=style.ACCENT, mew=0, alpha=0.7)
    style.fixed_axis(points.yaxis, -REACH, REACH, [-4, -2, 0, 2, 4])
    points.set_title("normalized against raw")
    for ax, name in ((law, "normalized value"), (points, "raw value")):
        style.fixed_axis(ax.xaxis, -REACH, REACH, [-4, -2, 0, 2, 4])
        ax.set_xlabel(name)
    return figure


def describe_two(r):
    """The bound, and how often a value is large."""
    bound = math.sqrt(r["M"] - 1)
    bounded = f"cannot be larger than √(M−1) = {bound:.2f}" if r["own"] else "has no bound"
    return (
        f"A Gaussian value normalized by the statistics of {'its own' if r['own'] else 'another'} batch of "
        f"{r['M']} {bounded}. It is beyond ±2 with probability {r['beyond']:.4f}, and was so in "
        f"{r['found_beyond']:.4f} of 6000 random cases; the raw value is with probability 0.0455."
    )


def _shape(r):
    """Which of the answers describes the law."""
    if not r["own"]:
        return 3
    return 2 if r["M"] <= 3 else 1 if r["M"] == 4 else 0


def compute_epoch(batch_size, law):
    """Variance of the mean and bias of the deviation over the batches of whole epochs, for training sets of P."""
    rng, M = np.random.default_rng([batch_size, list(NAMES).index(law)]), batch_size
    rows = []
    for share in SHARES:
        P = round(M * share)
        h = standardize(LAWS[NAMES[law][0]].draw(rng, P))
        epochs, each = max(2, round(DRAWS / P)), P // M
        order = rng.permuted(np.tile(h, (epochs, 1)), axis=1)[:, : each * M].reshape(epochs, each, M)
        expected = moments(M, np.mean(h**4) - 3, population_size=P)
        found = [_mean_and_error(order.mean(axis=2) ** 2), _mean_and_error(1 - order.std(axis=2))]
        rows.append([M / P, *found[0], expected.var_mu, *found[1], 1 - expected.mean_sigma])
    share, variance, variance_error, var_mu, bias, bias_error, expected = np.array(rows).T
    return {
        "M": M, "law": law, "share": share, "variance": M * variance, "variance_error": M * variance_error,
        "bias": M * bias, "bias_error": M * bias_error, "expected_bias": M * expected, "expected": M * var_mu,
    }  # fmt: skip


def _mean_and_error(values):
    """The mean over all batches and its standard error from epochs, which are independent (batches of one are not)."""
    means = values.mean(axis=1)
    return means.mean(), means.std(ddof=1) / math.sqrt(len(means))


def draw_epoch(r):
    """Both against the share of the training set that a batch takes."""
    figure, axes = style.panels(2, left=0.5, gap=0.65, right=0.25)
    names = ("variance", "bias")
    for ax, name, curve in zip(axes, names, ("expected", "expected_bias")):
        ax.plot(r["share"], r[curve], color=style.ACCENT)
        ax.errorbar(r["share"], r[name], 2 * r[name + "_error"], fmt="o", ms=4, color=style.SECOND, lw=1)
        style.fixed_axis(ax.xaxis, 0, 1.03, [0, 0.25, 0.5, 0.75, 1])
        ax.set_xlabel("batch / training set,  M / P")
        ax.axhline(0, color=style.QUIET, lw=0.7)
    top = 1.3 * max(1.0, r["bias"].max(), r["expected_bias"].max())
    style.fixed_axis(axes[0].yaxis, -0.05, 1.3, [0, 0.5, 1])
    style.fixed_axis(axes[1].yaxis, -0.05 * top, top, [0, 0.5, 1] if top < 2.2 else [0, 1, 2])
    axes[0].set_title("M × variance of the mean")
    axes[1].set_title("M × (1 − mean of the deviation)")
    return figure


def describe_epoch(r):
    """The half-way case, and the largest distance."""
    half = int(np.argmin(np.abs(r["share"] - 0.5)))
    z = (r["variance"] - r["expected"])[:-1] / r["variance_error"][:-1]
    return (
        f"Batches of {r['M']} from training sets of {NAMES[r['law']][1]}, each value once an epoch. With half of the "
        f"set in a batch, M times the variance of the mean is {r['variance'][half]:.3f}; drawing with replacement has "
        f"1, and (P−M)/(P−1) is {replacement_factor(r['M'], 2 * r['M']):.3f}. The {len(z)} variances (dots) are within "
        f"{np.abs(z).max():.1f} standard errors of the formula (line); on the right the line bends at every dot, for "
        f"it takes the kurtosis of each set drawn."
    )


FIGURES = (
    Figure(
        "batch-lottery",
        "The batch lottery: mean and deviation of random batches",
        (
            Parameter("batch_size", "M", (2, 4, 8, 16, 32, 64, 256), 8),
            Parameter("law", "", tuple(NAMES), "Gaussian"),
        ),
        compute_lottery,
        draw_lottery,
        describe_lottery,
    ),
    Figure(
        "to-two",
        "Down to two: what normalization does to a Gaussian value",
        (
            Parameter("batch_size", "M", (2, 3, 4, 5, 6, 8, 12, 20, 50), 4),
            Parameter("statistics", "", ("of-its-own-batch", "of-another-batch"), "of-its-own-batch"),
        ),
        compute_two,
        draw_two,
        describe_two,
        Prediction(
            "Gaussian values are normalized in batches of 4, each by the mean and the deviation of its own batch. "
            "What law do the normalized values have?",
            (
                "nearly a bell",
                "uniform: all values between two ends are equally likely",
                "a valley: most values are near the two ends",
                "a bell with heavy tails",
            ),
            _shape,
        ),
    ),
    Figure(
        "one-epoch",
        "Without replacement: an epoch's batches share what there is",
        (
            Parameter("batch_size", "M", (4, 8, 16, 32, 64), 16),
            Parameter("law", "", ("Gaussian", "uniform", "exponential"), "Gaussian"),
        ),
        compute_epoch,
        draw_epoch,
        describe_epoch,
    ),
)
