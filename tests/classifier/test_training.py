"""Splits, and training: what must hold whatever the numbers come out as."""

import numpy as np
import pytest

from bnlib.classifier import data as stored
from bnlib.classifier import load, loss_gradient, paired_difference, random_network, split, train


def test_splits_are_apart_and_whole():
    images = split("digits", 300, 3)
    x, labels = load("digits")
    for seed in range(3):
        both = np.concatenate([images.x[seed], images.test_x[seed]])
        assert sorted(map(bytes, both)) == sorted(map(bytes, x))
    assert not (images.x[0] == images.x[1]).all()
    assert abs(float(x.mean(dtype=np.float64))) < 1e-6 and abs(float(x.std(dtype=np.float64)) - 1) < 1e-6
    assert np.bincount(labels).min() >= 174  # all ten classes are there, about equally often


def test_a_larger_study_holds_the_smaller_one():
    large, small = split("digits", 100, 4, wrong_labels=0.3), split("digits", 100, 2, wrong_labels=0.3, first_seed=2)
    assert (large.x[2:] == small.x).all() and (large.labels[2:] == small.labels).all()


def test_wrong_labels_are_wrong_and_only_in_training():
    clean, noisy = split("digits", 640, 2), split("digits", 640, 2, wrong_labels=0.3)
    assert ((clean.labels != noisy.labels).sum(1) == 192).all() and (clean.test_labels == noisy.test_labels).all()
    moved = (noisy.labels - clean.labels)[clean.labels != noisy.labels] % 10
    # nine wrong classes, 384 draws: chi-square with 8 degrees of freedom stays below 26 with probability 0.999
    counts = np.bincount(moved, minlength=10)
    assert counts[0] == 0 and ((counts[1:] - 384 / 9) ** 2 / (384 / 9)).sum() < 26


def test_fashion_is_there():
    x, labels = load("fashion")
    assert x.shape == (4000, 196) and np.bincount(labels).min() > 350


def test_damaged_images_are_noticed(monkeypatch):
    monkeypatch.setitem(stored.SHA256, "digits", "0" * 64)
    load.cache_clear()
    with pytest.raises(ValueError, match="not the ones"):
        load("digits")


@pytest.mark.parametrize("kind", ["none", "batch", "weight"])
def test_one_step_is_the_gradient(kind):
    """One epoch of one batch without momentum moves the parameters by - learning_rate times the gradient."""
    images, rng = split("digits", 50, 2, test=10), np.random.default_rng(0)
    network = random_network([64, 12, 10], 2, rng, normalization=kind, x=images.x, dtype=np.float64)
    moved, _ = train(network, images, 1, batch_size=50, learning_rate=0.1, momentum=0.0, rng=rng)
    gradient = loss_gradient(network, images.x.astype(np.float64), images.labels)[1]
    for name in gradient:
        for before, after, part in zip(getattr(network, name), getattr(moved, name), gradient[name]):
            assert np.abs(after - (before - 0.1 * part)).max() < 1e-13


def test_training_leaves_the_network_and_is_repeatable():
    images, rng = split("digits", 64, 2, test=20), np.random.default_rng(0)
    network = random_network([64, 12, 10], 2, rng)
    kept = [weight.copy() for weight in network.weights]
    runs = [
        train(network, images, 2, batch_size=32, learning_rate=0.1, rng=np.random.default_rng(1))[1] for _ in range(2)
    ]
    assert all((a == b).all() for a, b in zip(kept, network.weights))
    assert (runs[0].train_loss == runs[1].train_loss).all() and runs[0].epochs.tolist() == [0, 1, 2]


def test_batch_normalization_learns_digits():
    """L19's small setting: 95 % of the test images after 60 epochs on 320; 90 % after 15 leaves room for 4 seeds."""
    images, rng = split("digits", 320, 4), np.random.default_rng(0)
    network = random_network([64, 128, 128, 10], 4, rng)
    _, history = train(network, images, 15, batch_size=64, learning_rate=0.1, rng=rng, record_every=15)
    assert history.test_accuracy[-1].min() > 0.9 and history.train_loss[-1].max() < 0.05
    assert history.squared_gain.shape == history.squared_norm.shape == (2, 4, 2)


def test_interruption_keeps_what_is_recorded(monkeypatch):
    images, rng = split("digits", 64, 2, test=20), np.random.default_rng(0)
    network, steps = random_network([64, 12, 10], 2, rng), []

    def interrupted(*arguments, **options):
        steps.append(1)
        if len(steps) == 4:
            raise KeyboardInterrupt
        return loss_gradient(*arguments, **options)

    monkeypatch.setattr("bnlib.classifier.training.loss_gradient", interrupted)
    with pytest.warns(RuntimeWarning, match="interrupted"):
        _, history = train(network, images, 5, batch_size=32, learning_rate=0.1, rng=rng)
    assert history.epochs.tolist() == [0, 1]


def test_paired_difference():
    """Against the textbook formula by hand: differences 1, 2, 3 have mean 2 and standard error 1 / sqrt(3)."""
    mean, error = paired_difference([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])
    assert mean == 2 and abs(error - 3**-0.5) < 1e-15


@pytest.mark.parametrize(
    "change, message",
    [
        ({"batch_size": 65}, "batch_size must be at most the 64"),
        ({"batch_size": 1}, "batch_size must be a whole number >= 2"),
        ({"statistics_batch": 5}, "statistics_batch must divide batch_size = 32; got 5"),
        ({"momentum": 1.0}, "momentum must be in"),
        ({"learning_rate": 0.0}, "learning_rate must be"),
        ({"dropout": 1.0}, "dropout must be in"),
        ({"gamma_decay": 1}, "gamma_decay must be"),
        ({"epochs": -1}, "epochs must be"),
    ],
)
def test_bad_training(change, message):
    images, rng = split("digits", 64, 2, test=20), np.random.default_rng(0)
    options = {"epochs": 1, "batch_size": 32, "learning_rate": 0.1, **change}
    with pytest.raises(ValueError, match=message):
        train(random_network([64, 12, 10], 2, rng), images, options.pop("epochs"), rng=rng, **options)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("letters", 10, 1), "name must be one of"),
        (("digits", 1797, 1), "train must be below the 1797"),
        (("digits", 10, 0), "seeds must be"),
    ],
)
def test_bad_splits(arguments, message):
    with pytest.raises(ValueError, match=message):
        split(*arguments)
    with pytest.raises(ValueError, match="wrong_labels must be in"):
        split("digits", 10, 1, wrong_labels=1.0)
