"""What part IV's figures share: many seeds as dots with their mean, and differences that are paired by seed."""

import numpy as np

from bnlib.book import style
from bnlib.classifier import paired_difference

REGIMES = ("clean", "wrong labels")
QUANTITIES = {"test loss": ("test_loss", 1.0), "test accuracy": ("test_accuracy", 100.0)}
UNITS = {"test loss": "mean test loss (nats)", "test accuracy": "test accuracy (%)"}
# For the captions of `rows` and of `band`.
KEY = "Each tick is a seed; a dot and its bar are the mean ± 2 standard errors."
BARS = "Bars: a mean ± 2 standard errors."
TOLD = {"clean": "clean labels", "wrong labels": "30 % wrong training labels"}


def named(quantity):
    """The quantity as a title says it.

    >>> named("test accuracy"), named("test loss")
    ('test accuracy in %', 'test loss')
    """
    return quantity + " in %" if quantity == "test accuracy" else quantity


def values(arm, quantity):
    """The final values of an arm's seeds, in the units that are shown."""
    name, factor = QUANTITIES[quantity]
    return factor * np.array(arm[name])


def mean_error(sample):
    """Mean over seeds and its standard error."""
    sample = np.asarray(sample)
    return sample.mean(), sample.std(ddof=1) / np.sqrt(len(sample))


def rows(ax, samples, names, colors):
    """One row a sample: a dot a seed, and the mean with two standard errors."""
    for y, (sample, name, color) in enumerate(zip(samples, names, colors)):
        mean, error = mean_error(sample)
        ax.plot(sample, np.full(len(sample), y) + 0.2, "|", color=color, alpha=0.45, ms=5)
        ax.plot([mean - 2 * error, mean + 2 * error], [y, y], color=color, lw=1.6)
        ax.plot([mean], [y], "o", color=color, ms=5)
        ax.annotate(
            name, (0, y), (0, 3.5), xycoords=("axes fraction", "data"), textcoords="offset points", color=color,
            va="bottom", fontsize=9, annotation_clip=False,
        )  # fmt: skip
    ax.set(ylim=(len(names) - 0.5, -0.65), yticks=[])
    ax.spines["left"].set_visible(False)


def band(ax, xs, samples, color, mark="o", dash="-"):
    """Means against x with two standard errors."""
    means, errors = np.array([mean_error(sample) for sample in samples]).T
    ax.errorbar(xs, means, 2 * errors, color=color, marker=mark, ms=4.5, ls=dash, lw=1.6, elinewidth=1.0)
    return means


def difference_words(a, b, quantity):
    """The paired difference of two arms for people: with its standard error, and whether it is more than chance.

    >>> difference_words({"test_loss": [0.2, 0.3, 0.4]}, {"test_loss": [0.1, 0.2, 0.31]}, "test loss")
    '+0.097 ± 0.003'
    """
    return signed(*paired_difference(values(a, quantity), values(b, quantity)), 3 if quantity == "test loss" else 2)


def signed(mean, error, digits):
    """A signed mean and its standard error with so many decimals, or more (at most 7) to show a digit of the error.

    >>> signed(-0.0153, 0.0042, 2), signed(3.2e-4, 4e-5, 2)
    ('−0.015 ± 0.004', '+0.00032 ± 0.00004')
    """
    if error > 0:
        digits = max(digits, min(7, -int(np.floor(np.log10(error)))))
    return f"{mean:+.{digits}f} ± {error:.{digits}f}".replace("-", "−")


def limits(samples, step):
    """Axis limits around all samples, on multiples of `step`."""
    low, high = min(map(np.min, samples)), max(map(np.max, samples))
    return step * np.floor(low / step), step * np.ceil(high / step)


def axis(ax, quantity, samples):
    """A horizontal axis for a quantity, with round limits around the samples."""
    step = (0.1 if np.ptp(np.concatenate(samples)) > 0.3 else 0.05) if quantity == "test loss" else 2.0
    low, high = limits(samples, step)
    ticks = np.arange(low, high + step / 2, step)
    style.fixed_axis(ax.xaxis, low, high, ticks[:: max(1, len(ticks) // 5)].round(2))
    ax.set_xlabel(UNITS[quantity])
