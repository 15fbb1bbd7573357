"""Figures of chapter 14: B22's experiments on digits and clothes, drawn from records."""

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter, Prediction
from bnlib.book.figures.classifier import seeds
from bnlib.book.records import load

DATA = Parameter("images", "", ("clean", "wrong labels", "fashion"), "clean")
SHOWN = Parameter("shown", "", tuple(seeds.QUANTITIES), "test accuracy")
NAMES = {"clean": "digits", "wrong labels": "digits with 30 % wrong labels", "fashion": "Fashion-MNIST, 14 × 14"}
STARTS = {
    "zero bias": (style.QUIET, "-"),
    "random bias": (style.SECOND, style.DASHED),
    "batch statistics": (style.ACCENT, "-"),
}
ARMS = {
    "batch statistics": ("both held", style.ACCENT, "-"),
    "deviation only": ("deviation held", style.ACCENT, style.DOTTED),
    "mean only": ("mean held", style.THIRD, style.DOTTED),
    "zero bias": ("zero bias", style.QUIET, "-"),
    "random bias": ("random bias", style.SECOND, style.DASHED),
    "live batch normalization": ("live", style.INK, "-"),
}


def compute_concentration(centres):
    """Shares of units that are met within r of the chosen centres, by start."""
    record = load("classifier_concentration")
    shares = {start: np.array(record["data"][f"{start} | {centres}"]) for start in STARTS}
    return {"centres": centres, "radii": record["config"]["radii"], "shares": shares}


def draw_concentration(r):
    """Percent of units against the radius."""
    figure, (ax,) = style.panels(1, right=1.25)
    for start, (color, dash) in STARTS.items():
        ax.plot(r["radii"], 100 * r["shares"][start].mean(1), color=color, ls=dash, marker="o", ms=4)
    style.log_axis(ax.xaxis, 0.23, 8.7, [0.25, 0.5, 1, 2, 4, 8])
    style.fixed_axis(ax.yaxis, 0, 100, [0, 25, 50, 75, 100])
    ax.set_xlabel("distance r from the centre")
    ax.set_title(
        f"% met, {CENTRES[r['centres']]}" if style.is_narrow() else f"units met within r, %: {CENTRES[r['centres']]}"
    )
    heights = [100 * r["shares"][start].mean(1)[-1] for start in STARTS]
    style.label(ax, heights, list(STARTS), [color for color, _ in STARTS.values()])
    return figure


CENTRES = {
    "images": "images",
    "random": "random images",
    "random, same covariance": "random, same covariance",
}


def describe_concentration(r):
    """Shares at r = 1, with standard errors."""
    told = []
    for start, shares in r["shares"].items():
        mean, error = seeds.mean_error(100 * shares[r["radii"].index(1.0)])
        told.append(f"{mean:.1f} ± {error:.1f} % with {start}")
    return (
        f"Of 512 units in four layers, the share whose folded hyperplane was met within r = 1 of "
        f"{CENTRES[r['centres']]}: {', '.join(told)} (10 seeds, 32 directions a centre)."
    )


def compute_start(weights, learning_rate):
    """Test error over the epochs for six ways to begin."""
    data = load("classifier_start")["data"]
    return {
        "weights": weights, "rate": learning_rate,
        "arms": {arm: data[f"{weights} {learning_rate} {arm}"] for arm in ARMS},
    }  # fmt: skip


def draw_start(r):
    """Test error against epochs, both on log axes: the question is about the first epoch."""
    figure, (ax,) = style.panels(1, right=1.2)
    ends = []
    for arm, (_, color, dash) in ARMS.items():
        curve = 100 - 100 * np.array(r["arms"][arm]["test_accuracy"])[1:]
        ax.plot(1 + np.arange(len(curve)), curve, color=color, ls=dash)
        ends.append(curve[-1])
    style.log_axis(ax.xaxis, 1, 16, [1, 2, 4, 8, 16])
    style.log_axis(ax.yaxis, 3, 100, [3, 10, 30, 100])
    ax.set_xlabel("epochs")
    ax.set_title("test error, %")
    style.label(ax, ends, [name for name, _, _ in ARMS.values()], [color for _, color, _ in ARMS.values()])
    return figure


def describe_start(r):
    """The first epoch, and the difference of held statistics from a zero bias after it and at the end."""
    arms = r["arms"]
    first = ", ".join(f"{name} {100 - 100 * np.mean(arms[arm]['first']):.1f}" for arm, (name, _, _) in ARMS.items())
    gains = [
        seeds.signed(*seeds.mean_error(100 * np.subtract(arms["zero bias"][when], arms["batch statistics"][when])), 1)
        for when in ("first", "last")
    ]
    return (
        f"Test error in % after one epoch, weights of {style.words(r['weights'])}, learning rate {r['rate']:g}: "
        f"{first}. Both held against a zero bias, paired: {gains[0]} points after the first epoch, {gains[1]} after 16."
    )


def _capital(text):
    """The text with a capital first letter, and the others as they are."""
    return text[0].upper() + text[1:]


def compute_affine(images, shown):
    """Gain and shift learned, or held."""
    data = load("classifier_affine")["data"]
    return {"images": images, "shown": shown, "arms": {arm: data[f"{images} {arm}"] for arm in ("learned", "held")}}


def draw_affine(r):
    """Two rows of seeds."""
    figure, (ax,) = style.panels(1, left=0.2, right=0.2)
    samples = [seeds.values(arm, r["shown"]) for arm in r["arms"].values()]
    seeds.rows(ax, samples, ["γ and β learned", "γ = 1 and β = 0 held"], [style.ACCENT, style.SECOND])
    seeds.axis(ax, r["shown"], samples)
    ax.set_title(NAMES[r["images"]])
    return figure


def describe_affine(r):
    """The paired difference."""
    learned, held = r["arms"]["learned"], r["arms"]["held"]
    digits = 3 if r["shown"] == "test loss" else 1
    means = [seeds.mean_error(seeds.values(arm, r["shown"]))[0] for arm in (learned, held)]
    return (
        f"{_capital(NAMES[r['images']])}: mean {r['shown']} of 20 seeds {means[0]:.{digits}f} with γ and β learned, "
        f"{means[1]:.{digits}f} with both held; paired difference {seeds.difference_words(learned, held, r['shown'])}. "
        f"{seeds.KEY}"
    )


def compute_noise(images, shown):
    """Noise of several strengths on top of batch normalization."""
    record = load("classifier_noise")
    strengths = record["config"]["strengths"]
    arms = {strength: record["data"][f"{images} {strength:g}"] for strength in strengths}
    return {"images": images, "shown": shown, "arms": arms}


def draw_noise(r):
    """Means against the strength."""
    figure, (ax,) = style.panels(1, right=0.25, left=0.6)
    samples = [seeds.values(arm, r["shown"]) for arm in r["arms"].values()]
    seeds.band(ax, list(r["arms"]), samples, style.ACCENT)
    style.fixed_axis(ax.xaxis, -0.2, 4.2, list(r["arms"]))
    ax.set_xlabel("strength α" if style.is_narrow() else "strength α (1: as much again as the batch's own)")
    ax.set_title(f"{seeds.named(r['shown'])}, {NAMES[r['images']]}")
    return figure


def describe_noise(r):
    """Each strength against none."""
    told = [
        f"{seeds.difference_words(arm, r['arms'][0.0], r['shown'])} at α = {strength:g}"
        for strength, arm in r["arms"].items()
        if strength
    ]
    return (
        f"{_capital(NAMES[r['images']])}: noise on top of batch normalization changes the {r['shown']} by "
        f"{', '.join(told)} (paired, 20 seeds, one standard error). {seeds.BARS}"
    )


def _faster(r):
    """0 if the held statistics are clearly ahead of a zero bias after one epoch, 1 if clearly behind, else 2."""
    difference = np.subtract(r["arms"]["batch statistics"]["first"], r["arms"]["zero bias"]["first"])
    mean, error = seeds.mean_error(difference)
    return 2 if abs(mean) < 2 * error else int(mean < 0)


FIGURES = (
    Figure(
        "concentration", "Folded hyperplanes near images, and near random images",
        (Parameter("centres", "", tuple(CENTRES), "images"),),
        compute_concentration, draw_concentration, describe_concentration,
    ),
    Figure(
        "held-start", "Six ways to begin",
        (
            Parameter("weights", "", ("he", "uniform-variance"), "he"),
            Parameter("learning_rate", "η", (0.003, 0.01, 0.1), 0.01),
        ),
        compute_start, draw_start, describe_start,
        Prediction(
            "Networks with He weights (variance 2/D) begin with the statistics of the data, held still, or with zero "
            "biases. Which is ahead after one epoch at the learning rate 0.01?",
            ("held statistics", "zero biases", "neither, by two standard errors"), _faster,
        ),
    ),
    Figure(
        "gain-and-shift", "γ and β, learned or held", (DATA, SHOWN), compute_affine, draw_affine, describe_affine,
    ),
    Figure(
        "added-noise", "Noise on top of batch normalization", (DATA, SHOWN), compute_noise, draw_noise, describe_noise,
    ),
)  # fmt: skip
