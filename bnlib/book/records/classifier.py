"""Recipes of chapter 13's records: L19's experiments on real networks, at a size that runs in minutes.

Two regimes stand side by side, since several claims differ between them: clean labels, where the networks fit the
training set entirely, and 30 % wrong training labels, where fitting them is a mistake.
"""

from dataclasses import replace

from bnlib.book.records.storing import generator, plain
from bnlib.classifier import Noise, random_network, split, train

SEEDS = 20
WIDTHS = (64, 128, 128, 10)
REGIMES = {
    "clean": {"train": 320, "wrong_labels": 0.0},
    "wrong labels": {"train": 640, "wrong_labels": 0.3},
}
DIGITS = {"images": "digits", "widths": WIDTHS, "momentum": 0.9, "seeds": SEEDS, "regimes": REGIMES}
BATCHES = {"clean": (4, 8, 16, 32, 64), "wrong labels": (4, 8, 16, 32, 64, 128)}
SCHEDULES = {  # gradient batch, learning rate and epochs of each regime
    "clean": {"batch_size": 64, "learning_rate": 0.1, "epochs": 60},
    "wrong labels": {"batch_size": 128, "learning_rate": 0.1, "epochs": 30},
}


def images_of(regime, seeds=SEEDS, name="digits"):
    """The splits of a regime."""
    return split(name, REGIMES[regime]["train"], seeds, wrong_labels=REGIMES[regime]["wrong_labels"])


def run(images, rng, *, normalization, epochs, widths=WIDTHS, start=None, **options):
    """Train one arm; return the networks and what is kept of it: final values a seed, and mean curves."""
    network = random_network(widths, len(images.x), rng, normalization=normalization, x=images.x, **(start or {}))
    network, history = train(network, images, epochs, rng=rng, record_every=max(1, epochs // 15), **options)
    return network, summary(history)


def summary(history):
    """What a record keeps of a history."""
    kept = {
        name: plain(getattr(history, name)[-1])
        for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
    }
    kept["squared_gain"] = [plain(layer) for layer in history.squared_gain[-1].T]
    kept["epochs"] = history.epochs.tolist()
    for name in ("train_loss", "test_loss", "test_accuracy"):
        kept[f"{name} over epochs"] = plain(getattr(history, name).mean(1))
    return kept


def batch_size(seed=13):
    """L19's figure 2: statistics of M rows at one gradient batch, of all rows, and two substitutes for the noise."""
    config = {**DIGITS, "statistics_batch": BATCHES, "schedules": SCHEDULES, "substitutes": {"M": 16}, "seed": seed}
    data = {}
    for n, (regime, sizes) in enumerate(BATCHES.items()):
        images = images_of(regime)
        arms = {f"M={M}": {"normalization": "batch", "statistics_batch": M} for M in sizes}
        arms["population"] = {"normalization": "population"}
        arms["population + decay"] = {"normalization": "population", "gamma_decay": 16}
        arms["population + noise"] = {"normalization": "population", "noise": Noise(16)}
        for arm, options in arms.items():
            # one seed for all arms of a regime: same weights and same orders, so that differences are paired
            data[f"{regime} {arm}"] = run(images, generator(seed, n), **SCHEDULES[regime], **options)[1]
    return config, data


KINDS = ("none", "weight", "mean-only", "variance-only", "batch")
RATES = (0.01, 0.03, 0.1)


def normalizations(seed=14):
    """L19's figure 3: five normalizations, each at three learning rates, gradient batches of 32."""
    epochs = {"clean": 50, "wrong labels": 30}
    config = {**DIGITS, "kinds": KINDS, "learning_rates": RATES, "batch_size": 32, "epochs": epochs, "seed": seed}
    data = {}
    for n, regime in enumerate(REGIMES):
        images = images_of(regime)
        for kind in KINDS:
            for rate in RATES:
                data[f"{regime} {kind} {rate}"] = run(
                    images, generator(seed, n), normalization=kind, epochs=epochs[regime], batch_size=32,
                    learning_rate=rate,
                )[1]  # fmt: skip
    return config, data


def gain(seed=15):
    """L19's figure 4: batch normalization at one layer only, gamma^2 and loss against M."""
    config = {**DIGITS, "statistics_batch": BATCHES, "schedules": SCHEDULES, "learning_rate": 0.05, "seed": seed}
    data = {}
    for n, (regime, sizes) in enumerate(BATCHES.items()):
        images, schedule = images_of(regime), {**SCHEDULES[regime], "learning_rate": 0.05}
        for layer in (1, 2):
            kinds = ("batch", "none") if layer == 1 else ("none", "batch")
            for M in sizes:
                data[f"{regime} layer {layer} M={M}"] = run(
                    images, generator(seed, n, layer), normalization=kinds, statistics_batch=M, **schedule
                )[1]
    return config, data


DROPOUTS = (0.0, 0.125, 0.25)
DROPOUT_SCHEDULES = {
    "clean batch": {"batch_size": 160, "learning_rate": 0.25, "epochs": 60},
    "clean weight": {"batch_size": 64, "learning_rate": 0.1, "epochs": 60},
    "wrong labels batch": {"batch_size": 128, "learning_rate": 0.1, "epochs": 30},
    "wrong labels weight": {"batch_size": 32, "learning_rate": 0.03, "epochs": 30},
}


def dropout(seed=16):
    """L19's figure 5: dropout after the normalized layers, for batch and for weight normalization."""
    config = {**DIGITS, "dropout": DROPOUTS, "schedules": DROPOUT_SCHEDULES, "seed": seed}
    data = {}
    for n, regime in enumerate(REGIMES):
        images = images_of(regime)
        for kind in ("batch", "weight"):
            for share in DROPOUTS:
                data[f"{regime} {kind} {share}"] = run(
                    images,
                    generator(seed, n),
                    normalization=kind,
                    dropout=share,
                    **DROPOUT_SCHEDULES[f"{regime} {kind}"],
                )[1]
    return config, data


def without(seed=17, epochs=60, small_rate=0.01):
    """L19's figure 7: train with batch normalization, fold it into the weights, and go on with plain descent.

    Before the fold the learning rate is lowered for as many epochs, so that the networks have settled at the rate of
    what follows. Two controls go on at that rate as well: with batch normalization as it was, and with its statistics
    held still and the noise of a batch put back.
    """
    large, small = {"batch_size": 64, "learning_rate": 0.1}, {"batch_size": 64, "learning_rate": small_rate}
    config = {**DIGITS, "statistics_batch": 16, "phases": [large, small, small], "epochs": epochs, "seed": seed}
    data = {}
    for n, regime in enumerate(REGIMES):
        images, rng = images_of(regime), generator(seed, n)
        network = random_network(WIDTHS, SEEDS, rng, normalization="batch")
        for phase in (large, small):
            network, _ = train(network, images, epochs, rng=rng, record_every=epochs, statistics_batch=16, **phase)
        arms = {
            "without": (network.folded(), {}),
            "with": (network, {"statistics_batch": 16}),
            "held still, noise put back": (replace(network, normalization=("frozen",) * 2), {"noise": Noise(16)}),
        }
        for arm, (begun, options) in arms.items():
            _, history = train(begun, images, epochs, rng=generator(seed, n, 1), record_every=4, **small, **options)
            data[f"{regime} {arm}"] = {
                **summary(history),
                "train_loss at first": plain(history.train_loss[0]),
                "test_loss at first": plain(history.test_loss[0]),
                "squared_norm": [[plain(layer) for layer in record.T] for record in history.squared_norm[[0, -1]]],
                "squared_norm over epochs": [plain(layer) for layer in history.squared_norm.mean(1).T],
            }
    return config, data


RECIPES = {
    "classifier_batch_size": batch_size,
    "classifier_normalizations": normalizations,
    "classifier_gain": gain,
    "classifier_dropout": dropout,
    "classifier_without": without,
}
