"""Figures of chapters 13 and 14 on convolutional networks, drawn from what `bnlib.deep` recorded of small ones."""

from dataclasses import dataclass

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter
from bnlib.book.figures.classifier import seeds
from bnlib.book.records import load

LOSS, ACCURACY, TRAINED, GAIN, LENGTH = "test loss", "test accuracy", "training loss", "γ²", "length of weights"
UNITS = {
    LOSS: "test loss (nats)",
    ACCURACY: "test accuracy (%)",
    TRAINED: "training loss (nats)",
    GAIN: "mean γ² of the last normalized layer",
    LENGTH: "length of all weights, normalization folded in",
}
DIGITS = {ACCURACY: 1, LENGTH: 2}  # decimals that are told; 3 of other quantities
PLAIN, HALF, WHOLE, OTHER = style.QUIET, style.SECOND, style.ACCENT, style.THIRD


@dataclass(frozen=True)
class View:
    """A record of `bnlib.deep`, and its arms: {name: (what it is called, colour, the arm to compare it with)}."""

    record: str
    arms: dict
    prefix: str = ""
    since_fold: bool = False  # show changes over the last phase instead of final values

    def has(self, arm, shown):
        """Whether an arm has what is shown: once a normalization is folded in there is no γ any more."""
        return not (self.since_fold and shown == GAIN and arm.endswith("without"))

    def values(self, arm, shown, epoch=None):
        """What is shown of an arm's seeds, at that epoch or else at the end."""
        curves = load(self.record)["data"][self.prefix + arm]
        at = -1 if epoch is None else curves["epochs"].index(epoch)
        found = quantity(curves, shown)
        if not self.since_fold:
            return found[:, at]
        first = found[:, curves["phase"].index(2)]
        return 100 * (found[:, -1] / first - 1) if shown == LENGTH else found[:, -1] - first


def quantity(curves, shown):
    """Values (seeds, records) of an arm."""
    if shown == GAIN:
        return np.array(curves["squared_gain"])[:, :, -1]
    if shown == LENGTH:
        return np.sqrt(np.array(curves["squared_norm"]).sum(2))
    name = {LOSS: "test_loss", ACCURACY: "test_accuracy", TRAINED: "train_loss"}[shown]
    return np.array(curves[name]) * (100 if shown == ACCURACY else 1)


REGULARIZATION = {
    "rows that share": View(
        "deep_ghost",
        {
            "M=8": ("M = 8", WHOLE, "M=256"),
            "M=16": ("M = 16", WHOLE, "M=256"),
            "M=64": ("M = 64", WHOLE, "M=256"),
            "M=256": ("all 256 rows", HALF, None),
            "all + decay": ("all rows + gamma decay", HALF, "M=256"),
            "all + noise": ("all rows + noise", OTHER, "M=256"),
        },
    ),
    "five normalizations": View(
        "deep_decomposition",
        {
            "none": ("no normalization", PLAIN, "batch"),
            "weight": ("weight normalization", HALF, "batch"),
            "mean-only": ("weight norm. + batch mean", HALF, "batch"),
            "variance-only": ("batch deviation only", WHOLE, "batch"),
            "batch": ("batch normalization", WHOLE, None),
        },
    ),
    "one layer": View(
        "deep_gain",
        {
            f"{labels} M={M}": (f"M = {M}, {told}", color, None if M == 256 else f"{labels} M=256")
            for labels, told, color in (("clean", "clean", WHOLE), ("wrong labels", "wrong labels", HALF))
            for M in (8, 32, 256)
        },
    ),
    "dropout": View(
        "deep_dropout",
        {
            "batch 0": ("batch normalization", WHOLE, None),
            "batch 0.125": ("  + dropout 0.125", WHOLE, "batch 0"),
            "batch 0.25": ("  + dropout 0.25", WHOLE, "batch 0"),
            "weight 0": ("weight normalization", HALF, None),
            "weight 0.25": ("  + dropout 0.25", HALF, "weight 0"),
        },
    ),
    "removed": View(
        "deep_without",
        {
            "clean without": ("clean: folded in, plain descent", HALF, None),
            "clean with": ("clean: batch normalization", WHOLE, None),
            "wrong labels without": ("wrong labels: folded in", HALF, None),
            "wrong labels with": ("wrong labels: batch normalization", WHOLE, None),
            "wrong labels held still, noise put back": ("wrong labels: still, noise put back", OTHER, None),
        },
        since_fold=True,
    ),
}
HELD = {
    "zero bias": ("zero bias", PLAIN, None),
    "random bias": ("random bias", HALF, "zero bias"),
    "mean only": ("mean held", OTHER, "zero bias"),
    "deviation only": ("deviation held", WHOLE, "zero bias"),
    "batch statistics": ("both held", WHOLE, "zero bias"),
    "live batch normalization": ("live batch normalization", OTHER, "zero bias"),
}
INITIALISATION = {
    "held start": View("deep_start", HELD, "he "),
    "held start, small weights": View("deep_start", HELD, "uniform-variance "),
    "γ, β and noise": View(
        "deep_noise",
        {
            "learned": ("γ and β learned", WHOLE, None),
            "held": ("γ = 1 and β = 0 held", HALF, "learned"),
            "noise 1": ("learned, noise α = 1", OTHER, "learned"),
            "noise 4": ("learned, noise α = 4", OTHER, "learned"),
            "noise 8": ("learned, noise α = 8", OTHER, "learned"),
        },
    ),
}


def _compute(view, experiment, shown, epoch=None):
    """Samples by arm, and what is said about all of them."""
    record = load(view.record)
    config = record["config"][next(iter(record["config"]))]
    return {
        "view": view, "experiment": experiment, "shown": shown, "seeds": len(record["seeds"]),
        "scale": f"Small networks ({config['width']} channels, {config['train']} images of 14 × 14; full size: "
        f"not run), {len(record['seeds'])} seeds",
        "samples": {arm: view.values(arm, shown, epoch) for arm in view.arms if view.has(arm, shown)},
        "epoch": epoch or record["data"][next(iter(record["data"]))]["epochs"][-1],
    }  # fmt: skip


def compute_regularization(experiment, shown):
    """Final values of one of L19's experiments, or changes since batch normalization was folded in."""
    return _compute(REGULARIZATION[experiment], experiment, shown)


def compute_initialisation(experiment, shown, when):
    """Values of one of B22's experiments at the first record after the start, or at the end."""
    view = INITIALISATION[experiment]
    epochs = next(iter(load(view.record)["data"].values()))["epochs"]
    return _compute(view, experiment, shown, epochs[1] if when == "early" else None)


def draw(r):
    """A row for each arm."""
    figure, (ax,) = style.panels(1, left=0.2, right=0.2)
    names, colors, _ = zip(*(r["view"].arms[arm] for arm in r["samples"]))
    seeds.rows(ax, list(r["samples"].values()), names, colors)
    bars = [mean + 2 * sign * error for mean, error in map(seeds.mean_error, r["samples"].values()) for sign in (-1, 1)]
    low, high, ticks = round_limits(np.concatenate([*r["samples"].values(), bars]))
    style.fixed_axis(ax.xaxis, low, high, ticks)
    if r["view"].since_fold:
        unit = "length of all weights: change, %" if r["shown"] == LENGTH else f"{r['shown']}: change since the fold"
    else:
        unit = UNITS[r["shown"]]
    ax.set_xlabel(unit)
    ax.set_title(f"{r['experiment']}, epoch {r['epoch']}")
    return figure


def round_limits(values, most=6):
    """Limits around the values and at most so many ticks, all multiples of 1, 2 or 5 times a power of ten.

    >>> round_limits([0.31, 0.58])
    (0.3, 0.6, [0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6])
    """
    low, high = float(np.min(values)), float(np.max(values))
    power = 10.0 ** np.floor(np.log10(max(high - low, 1e-9) / most))
    step = next(power * factor for factor in (1, 2, 5, 10) if high - low <= power * factor * most)
    first, last = int(np.floor(low / step + 1e-9)), int(np.ceil(high / step - 1e-9))
    ticks = [round(float(n * step), 9) for n in range(first, last + 1)]
    return ticks[0], ticks[-1], ticks


def describe(r):
    """The scale, means, and differences that are paired by seed."""
    digits, view = DIGITS.get(r["shown"], 3), r["view"]
    told = []
    for arm, sample in r["samples"].items():
        name, _, reference = view.arms[arm]
        if view.since_fold:
            told.append(f"{name.strip()} {seeds.signed(*seeds.mean_error(sample), max(digits, 2))}")
            continue
        difference = ""
        if reference:
            change = seeds.mean_error(sample - r["samples"][reference])
            difference = f" ({seeds.signed(*change, digits)})" if change[1] else ""
        told.append(f"{name.strip()} {sample.mean():.{digits}f}{difference}")
    unit = {ACCURACY: " in %", GAIN: " of the last normalized layer"}.get(r["shown"], "")
    if view.since_fold:
        unit = " in %" if r["shown"] == LENGTH else unit
        gone = " Folded in, there is no γ any more." if len(told) < len(view.arms) else ""
        return f"{r['scale']}. Change of {r['shown']}{unit} since the fold: {'; '.join(told)}.{gone} {seeds.KEY}"
    return (
        f"{r['scale']}. Mean {r['shown']}{unit} after {r['epoch']} epoch{'s' if r['epoch'] > 1 else ''}, in brackets "
        f"paired differences with one standard error: {'; '.join(told)}. {seeds.KEY}"
    )


FIGURES = (
    Figure(
        "in-convolutions", "L19's experiments in a convolutional network",
        (
            Parameter("experiment", "", tuple(REGULARIZATION), "five normalizations"),
            Parameter("shown", "", tuple(UNITS), LOSS),
        ),
        compute_regularization, draw, describe,
    ),
    Figure(
        "starts-in-convolutions", "B22's experiments in convolutional networks",
        (
            Parameter("experiment", "", tuple(INITIALISATION), "held start"),
            Parameter("shown", "", (ACCURACY, LOSS), ACCURACY),
            Parameter("when", "", ("early", "at the end"), "early"),
        ),
        compute_initialisation, draw, describe,
    ),
)  # fmt: skip
