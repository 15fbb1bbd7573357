"""Recipes of part III's records: trained classifiers on the moons, margins with and without jitter, wide networks."""

import numpy as np

from bnlib.book.records.committee import plain
from bnlib.partition import Network, concentration, shapes, training
from bnlib.partition.margins import margins

MOONS = {"points": 512, "noise": 0.2, "widths": [32, 32], "slope": 0.0, "learning_rate": 0.01}
BATCH_SIZES = (4, 16, 64, 256)
STARTS = ("zero-bias", "random-bias", "batch")
OFFSETS = {"none": (0.0, 0.0), "aside": (1.0, 0.5)}


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


def focus(seed=1, width=1024, layers=11, shown=(1, 5, 11), radius=0.05, side=41, probes=4, samples=500):
    """B22's figure 3: units of single layers whose boundary passes within the radius, on a grid, for three starts."""
    config = {
        "width": width, "layers": layers, "shown": shown, "radius": radius, "side": side, "reach": 2.0,
        "points": 50, "data": "star", "slope": 0.0, "seed": seed, "weights": "N(0, 2 / fan-in)",
        "random_bias": "N(0, 1/2)", "offsets": OFFSETS, "probes": probes, "samples": samples,
    }  # fmt: skip
    data = {}
    for where, offset in OFFSETS.items():
        points = shapes.shape("star", 50, offset)
        axis = np.linspace(-2, 2, side)
        grid = points.mean(axis=0) + np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        places = {"data": points, "far": points.mean(axis=0) + 2 * shapes.shape("ring", 48)}
        for start in STARTS:
            net = started(start, [2] + layers * [width], points, 0.0, np.random.default_rng(seed))
            counts = concentration.first_order_counts(net, grid, radius)
            profile = {k: concentration.first_order_counts(net, p, radius).mean(axis=0) for k, p in places.items()}
            some = points[:: len(points) // probes][:probes]
            found = concentration.sampled_counts(net, some, radius, samples, np.random.default_rng([seed, 1]))
            data[f"{start} {where}"] = {
                **{k: plain(v) for k, v in profile.items()}, "maps": {str(n): counts[:, n - 1].tolist() for n in shown},
                "probes": concentration.first_order_counts(net, some, radius).tolist(), "sampled": found.tolist(),
            }  # fmt: skip
    return config, data


def margin_pilot(seeds=48, steps=1500, points=128, noise=0.25, batch_sizes=(8, 32)):
    """Does jitter widen margins? The same data, start and batches with the statistics of the batch or of all data."""
    config = {
        "points": points, "test_points": 2000, "noise": noise, "widths": [32, 32], "slope": 0.0, "learning_rate": 0.01,
        "steps": steps, "batch_sizes": batch_sizes, "seeds": seeds, "optimizer": "Adam",
        "margin": "signed distance of the training points to the boundary made by the statistics of all data",
    }  # fmt: skip
    data = {f"{B} {statistics}": [] for B in batch_sizes for statistics in training.STATISTICS}
    for seed in range(seeds):
        rng = np.random.default_rng([seed, 20])
        x, y = shapes.moons(points, noise, rng)
        new, truth = shapes.moons(2000, noise, rng)
        start = training.random_classifier([32, 32], rng)
        for B in batch_sizes:
            for statistics in training.STATISTICS:
                trained, _ = training.train(
                    start, x, y, steps, batch_size=B, statistics=statistics, rng=np.random.default_rng([seed, B])
                )
                right = float(np.mean(np.sign(trained.logits(new, x)) == truth))
                data[f"{B} {statistics}"].append(plain([*margin_quantiles(trained, x, y), right]))
    return config, {"columns": ["median", "closest_tenth", "test_accuracy"], "arms": data}


def margin_quantiles(classifier, points, labels, quantiles=(0.5, 0.1)):
    """Quantiles of the signed distances of points to the boundary that the statistics of all of them make."""
    return np.quantile(margins(classifier.network(points), points, labels), quantiles)


def rough(name, offset):
    """50 points of a shape, each moved by about 0.01: without symmetry, so that no sign or order hangs on round-off."""
    points = shapes.shape(name, 50, OFFSETS[offset])
    return points + 0.01 * np.random.default_rng(9).standard_normal(points.shape)


def started(name, sizes, data, slope, rng):
    """A network with weights N(0, 2 / fan-in), and batch statistics of the data, zero bias or biases N(0, 1/2)."""
    weights = shapes.random_weights(rng, *sizes)
    if name == "batch":
        return Network.with_batch_norm(weights, data, slope)
    scale = 0.0 if name == "zero-bias" else np.sqrt(0.5)
    return Network.with_bias(weights, [scale * rng.standard_normal(n) for n in sizes[1:]], slope)


RECIPES = {"partition_moons": moons, "partition_focus": focus, "partition_margins": margin_pilot}
