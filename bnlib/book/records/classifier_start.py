"""Recipes of chapter 14's records: B22's experiments on initialisation, concentration, noise and jitter."""

import numpy as np

from bnlib.book.records.classifier import DIGITS, REGIMES, SCHEDULES, SEEDS, WIDTHS, images_of, run
from bnlib.book.records.storing import generator, plain
from bnlib.classifier import Noise, crossed_units, jitter, margins, random_network, split, train

RADII = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
DEEP = (64, 128, 128, 128, 128, 10)
STARTS = {  # how the networks of figures 4 and 5 begin
    "zero bias": {"normalization": "none"},
    "random bias": {"normalization": "none", "bias": 1.0},
    "batch statistics": {"normalization": "frozen"},
}
CONTROLS = {"deviation only": {"normalization": "frozen-deviation"}, "mean only": {"normalization": "frozen-mean"}}


def concentration(seed=18, seeds=10, images=100, directions=32):
    """B22's figure 4: units whose folded hyperplane passes within r of an image, and of two kinds of random image.

    Random images have the mean and variance of all pixels, as in the paper, or the whole covariance of real images.
    """
    config = {
        "images": "digits", "widths": DEEP, "seeds": seeds, "train": 600, "centres": images, "directions": directions,
        "radii": RADII, "seed": seed,
    }  # fmt: skip
    drawn, data = split("digits", 600, seeds, test=images), {}
    rng = generator(seed)
    pixels = drawn.x.reshape(-1, DEEP[0]).astype(np.float64)
    covariance = np.cov(pixels.T)
    centres = {
        "images": drawn.test_x,
        "random": rng.standard_normal(drawn.test_x.shape),
        "random, same covariance": rng.multivariate_normal(
            pixels.mean(0), covariance, drawn.test_x.shape[:2], method="eigh"
        ),
    }
    for start, options in STARTS.items():
        network = random_network(DEEP, seeds, generator(seed, 1), x=drawn.x, **options)
        for name, x in centres.items():
            shares = [
                crossed_units(network, x.astype(np.float32), radius, directions, generator(seed, 2)).mean(1)
                for radius in RADII
            ]
            data[f"{start} | {name}"] = [plain(share) for share in shares]
    return config, data


def start(seed=19, seeds=20, train_images=600, epochs=16):
    """B22's figure 5: statistics of the first moment, held still, against zero and random biases and two controls."""
    widths = (64, *(64,) * 5, 10)
    rates = {"he": (0.003, 0.01, 0.1), "uniform-variance": (0.003, 0.01, 0.1)}
    config = {
        "images": "digits", "widths": widths, "seeds": seeds, "train": train_images, "batch_size": 32, "epochs": epochs,
        "learning_rates": rates, "momentum": 0.9, "seed": seed,
    }  # fmt: skip
    images, data = split("digits", train_images, seeds), {}
    arms = {**STARTS, **CONTROLS, "live batch normalization": {"normalization": "batch"}}
    for weights, choices in rates.items():
        for rate in choices:
            for arm, options in arms.items():
                network = random_network(widths, seeds, generator(seed), x=images.x, weights=weights, **options)
                with np.errstate(over="ignore", invalid="ignore"):  # the largest rate breaks some arms
                    _, history = train(
                        network, images, epochs, batch_size=32, learning_rate=rate, rng=generator(seed, 1)
                    )
                data[f"{weights} {rate} {arm}"] = {
                    "first": plain(history.test_accuracy[1]),
                    "last": plain(history.test_accuracy[-1]),
                    "test_accuracy": plain(history.test_accuracy.mean(1)),
                }
    return config, data


def affine(seed=20):
    """B22's table 1: gain and shift learned, or held at 1 and 0."""
    schedules = {**SCHEDULES, "fashion": {"batch_size": 128, "learning_rate": 0.1, "epochs": 30}}
    config = {**DIGITS, "schedules": schedules, "fashion": {"train": 1000, "widths": (196, 128, 128, 10)}, "seed": seed}
    data = {}
    for n, (name, schedule) in enumerate(schedules.items()):
        images, widths = _of(name)
        for learned in (True, False):
            arm = "learned" if learned else "held"
            data[f"{name} {arm}"] = run(
                images, generator(seed, n), normalization="batch", widths=widths, learn_affine=learned, **schedule
            )[1]
    return config, data


STRENGTHS = (0.0, 1.0, 2.0, 3.0, 4.0)


def noise(seed=21):
    """B22's noise experiment: more noise of the kind that a batch's statistics make, on top of theirs."""
    schedules = {**SCHEDULES, "fashion": {"batch_size": 128, "learning_rate": 0.1, "epochs": 30}}
    config = {**DIGITS, "schedules": schedules, "strengths": STRENGTHS, "seed": seed}
    data = {}
    for n, (name, schedule) in enumerate(schedules.items()):
        images, widths = _of(name)
        for strength in STRENGTHS:
            added = Noise(schedule["batch_size"], strength) if strength else None
            data[f"{name} {strength:g}"] = run(
                images, generator(seed, n), normalization="batch", widths=widths, noise=added, **schedule
            )[1]
    return config, data


DRAWN = (4, 8, 16, 32, 64, 128, 256)


def boundary(seed=22, draws=20):
    """Jitter before and after training against the batch, and margins with the noise of descent kept the same."""
    config = {**DIGITS, "drawn": DRAWN, "draws": draws, "schedules": SCHEDULES, "seed": seed}
    data = {"jitter": {}, "margins": {}}
    for n, regime in enumerate(REGIMES):
        images, schedule = images_of(regime), SCHEDULES[regime]
        rng = generator(seed, n)
        untrained = random_network(WIDTHS, SEEDS, rng, normalization="batch").with_statistics(images.x)
        data["jitter"][f"{regime} untrained"] = _jitters(untrained, images, draws, generator(seed, n, 1))
        for arm, options in {
            "M=8": {"normalization": "batch", "statistics_batch": 8},
            "M=32": {"normalization": "batch", "statistics_batch": 32},
            "all rows": {"normalization": "population"},
        }.items():
            trained, kept = run(images, generator(seed, n, 2), **schedule, **options)
            if arm == "M=32":
                data["jitter"][f"{regime} trained"] = _jitters(trained, images, draws, generator(seed, n, 1))
            distance = margins(trained, images.x[:, :320], images.labels[:, :320])
            quantiles = np.quantile(distance, (0.1, 0.5), axis=1)
            data["margins"][f"{regime} {arm}"] = {
                "closest tenth": plain(quantiles[0]), "median": plain(quantiles[1]),
                "test_accuracy": kept["test_accuracy"], "train_accuracy": kept["train_accuracy"],
            }  # fmt: skip
    return config, data


def _jitters(network, images, draws, rng):
    return [plain(jitter(network, images, batch, draws, rng)) for batch in DRAWN]


def _of(name):
    """Images and widths of a regime of digits, or of Fashion-MNIST."""
    if name in REGIMES:
        return images_of(name), WIDTHS
    return split("fashion", 1000, SEEDS, test=1500), (196, 128, 128, 10)


RECIPES = {
    "classifier_concentration": concentration,
    "classifier_start": start,
    "classifier_affine": affine,
    "classifier_noise": noise,
    "classifier_boundary": boundary,
}
