"""The experiments of L19 and B22 on convolutional networks, each at three scales.

An experiment is a function of the scale that returns its arms, ``{name: settings}``. Arms of one experiment share
seeds, and with them images, first weights and orders, so that they can be compared seed by seed. Settings are plain
values, so that a result can carry them: the network, the images, what `bnlib.classifier.Extras` has, and phases of
training.

- ``smoke``: one epoch on 192 images, to see that everything runs; its numbers mean nothing.
- ``cpu``: networks of 8 channels on 2000 pieces of clothing of 14 x 14 pixels, in minutes on one core.
- ``full``: the papers' networks on CIFAR-10, on a GPU if there is one.
"""

SCALES = ("smoke", "cpu", "full")
BASE = {
    "smoke": {"images": "fashion", "train": 192, "test": 200, "width": 4, "batch_size": 64},
    "cpu": {"images": "fashion", "train": 2000, "test": 2000, "width": 8, "batch_size": 256},
    "full": {"images": "cifar10", "train": 50000, "test": 10000, "width": 32, "batch_size": 256, "decay": 1e-4},
}
EPOCHS = {"smoke": 1, "cpu": 30, "full": 77}  # 77 passes are L19's 60 000 steps of 64 images
RECORDS = 6  # after the first, in each phase


def _settings(scale, epochs=None, rate=0.1, **changes):
    """Settings of an arm with one phase, L19's network, and batch normalization unless told otherwise."""
    epochs = epochs or EPOCHS[scale]
    common = {"architecture": "cnn", "normalization": "batch", "wrong_labels": 0.0, "momentum": 0.9, **BASE[scale]}
    return {**common, "phases": [{"epochs": 1 if scale == "smoke" else epochs, "learning_rate": rate}], **changes}


def _rows(scale, sizes=(8, 16, 64, 256)):
    """Rows that share statistics, as far as the scale's batch goes."""
    return [size for size in sizes if size <= BASE[scale]["batch_size"]]


def ghost(scale):
    """L19's figure 2: statistics of M rows at one gradient batch; of all rows, with a substitute for noise."""
    batch = BASE[scale]["batch_size"]
    arms = {f"M={M}": _settings(scale, extras={"statistics_batch": M}) for M in _rows(scale)}
    arms["all + decay"] = _settings(scale, extras={"statistics_batch": batch, "gamma_decay": 16})
    arms["all + noise"] = _settings(scale, extras={"statistics_batch": batch, "noise": [16, 1.0]})
    return arms


def decomposition(scale):
    """L19's figure 3: five normalizations at one small gradient batch and one learning rate."""
    epochs = {"smoke": 1, "cpu": 25, "full": 77}[scale]
    return {
        kind: _settings(scale, epochs, 0.025, normalization=kind, batch_size=32)
        for kind in ("none", "weight", "mean-only", "variance-only", "batch")
    }


def gain(scale):
    """L19's figure 4: batch normalization at the fully connected layer only, clean and with 30 % wrong labels."""
    kinds = ["none"] * 4 + ["batch"]
    epochs = {"smoke": 1, "cpu": 20, "full": 77}[scale]
    return {
        f"{labels} M={M}": _settings(
            scale, epochs, 0.05, normalization=kinds, wrong_labels=share, extras={"statistics_batch": M}
        )
        for labels, share in (("clean", 0.0), ("wrong labels", 0.3))
        for M in _rows(scale, (8, 32, 256))
    }


def dropout(scale):
    """L19's figure 5: dropout after every normalized layer, for batch and for weight normalization."""
    arms = {f"batch {p:g}": _settings(scale, extras={"dropout": p}) for p in (0.0, 0.125, 0.25)}
    return arms | {
        f"weight {p:g}": _settings(scale, rate=0.03, normalization="weight", extras={"dropout": p}) for p in (0.0, 0.25)
    }


def without(scale):
    """L19's figure 7: batch normalization folded into the weights, and plain descent; with controls."""
    lengths = {"smoke": (1, 1, 1), "cpu": (20, 10, 15), "full": (77, 10, 20)}[scale]
    rows, rates = 16, (0.1, 0.01, 0.01)
    afterwards = {"without": {"change": "fold"}, "with": {}}
    noisy = {"held still, noise put back": {"change": "hold", "extras": {"noise": [rows, 1.0]}}}
    return {
        f"{labels} {arm}": _settings(
            scale,
            wrong_labels=share,
            extras={"statistics_batch": rows},
            phases=[
                {"epochs": epochs, "learning_rate": rate, **({} if n < 2 else last)}
                for n, (epochs, rate) in enumerate(zip(lengths, rates))
            ],
        )
        for labels, share, arms in (("clean", 0.0, afterwards), ("wrong labels", 0.3, afterwards | noisy))
        for arm, last in arms.items()
    }


STARTS = {
    "zero bias": {"normalization": "none"},
    "random bias": {"normalization": "none", "bias": 1.0},
    "batch statistics": {"normalization": "frozen"},
    "deviation only": {"normalization": "frozen-deviation"},
    "mean only": {"normalization": "frozen-mean"},
    "live batch normalization": {"normalization": "batch"},
}


def start(scale):
    """B22's figure 5: a ResNet9 that begins with statistics of the data and holds them, with controls."""
    epochs = {"smoke": 1, "cpu": 5, "full": 30}[scale]
    width = {"smoke": 4, "cpu": 8, "full": 64}[scale]
    batch = {"architecture": "resnet9", "width": width, "batch_size": 64}
    return {
        f"{weights} {arm}": _settings(scale, epochs, 0.01, **batch, **options, weights=weights)
        for weights in ("he", "uniform-variance")
        for arm, options in STARTS.items()
    }


def noise(scale):
    """B22's table 1 and its noise: gamma and beta held, and noise of alpha times a batch's own deviation."""
    batch = BASE[scale]["batch_size"]
    strengths = {"smoke": (1.0, 4.0), "cpu": (1.0, 4.0, 8.0), "full": (1.0, 4.0, 8.0)}[scale]
    arms = {"learned": _settings(scale), "held": _settings(scale, extras={"learn_affine": False})}
    return arms | {f"noise {alpha:g}": _settings(scale, extras={"noise": [batch, alpha]}) for alpha in strengths}


EXPERIMENTS = {arms.__name__: arms for arms in (ghost, decomposition, gain, dropout, without, start, noise)}
