"""Recipes of part III's records: trained classifiers on the moons, margins with and without jitter, wide networks."""

import numpy as np

from bnlib.book.records.committee import plain
from bnlib.partition import shapes, training

MOONS = {"points": 512, "noise": 0.2, "widths": [32, 32], "slope": 0.0, "learning_rate": 0.01}
BATCH_SIZES = (4, 16, 64, 256)


def moons(seed=1, steps=1500, batch_sizes=BATCH_SIZES):
    """B22's figure 6: a classifier 2-32-32-1 before and after training, for several batch sizes."""
    config = {**MOONS, "steps": steps, "batch_sizes": batch_sizes, "seed": seed, "optimizer": "Adam"}
    rng = np.random.default_rng(seed)
    points, labels = shapes.moons(MOONS["points"], MOONS["noise"], rng)
    start = training.random_classifier(MOONS["widths"], rng, slope=MOONS["slope"])
    data = {"points": [plain(p) for p in points], "labels": labels.tolist(), "initial": stored(start)}
    for B in batch_sizes:
        trained, losses = training.train(
            start, points, labels, steps, batch_size=B, learning_rate=MOONS["learning_rate"],
            rng=np.random.default_rng([seed, B]),
        )  # fmt: skip
        data[str(B)] = {**stored(trained), "loss": float(f"{losses[-100:].mean():.4g}")}
    return config, data


def stored(classifier):
    """A classifier as lists of numbers."""
    weights = [[plain(row) for row in weight] for weight in classifier.weights]
    return {"weights": weights, "row": plain(classifier.row), "bias": plain([classifier.bias])[0]}


def restored(data, slope=0.0):
    """The classifier of `stored` numbers."""
    return training.Classifier(tuple(np.array(w) for w in data["weights"]), np.array(data["row"]), data["bias"], slope)


RECIPES = {"partition_moons": moons}
