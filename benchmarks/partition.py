"""Timings of part III's exact partitions: regions a second in processor time, memory, exactness, counts."""

import resource
import sys
import time

import numpy as np

from benchmarks.committee import best
from bnlib.book.figures import find
from bnlib.partition import AffineLayer, Network, count_regions, partition

SQUARE = [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]
CASES = {(64, 64, 64): (7610, 1.2e6), (128, 128, 128): (30587, 0.8e6), (1024,): (245418, 1.0e6)}


def network(widths, seed=0):
    """A ReLU network on the plane: weights of variance 2 / d and biases of variance 1 / d."""
    rng, d, layers = np.random.default_rng(seed), 2, []
    for n in widths:
        weight = rng.standard_normal((n, d)) * np.sqrt(2.0 / d)
        layers.append(AffineLayer(weight, rng.standard_normal(n) / np.sqrt(d)))
        d = n
    return Network(layers)


def processor(function, repeats=20):
    """The shortest of several processor times: other programs on the machine disturb it less than wall-clock time."""
    times = []
    for _ in range(repeats):
        started = time.process_time()
        function()
        times.append(time.process_time() - started)
    return min(times)


def megabytes():
    """The largest memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


def exact():
    """Partitions of the square by random networks, one core; a figure with up to 1000 regions; BN layers."""
    before = megabytes()
    for widths, (regions, wanted) in CASES.items():
        net, name = network(widths), "-".join(map(str, widths))
        part = partition(net, SQUARE)
        seconds = processor(lambda net=net: partition(net, SQUARE))
        what = f"{name}: {len(part)} regions ({regions} expected) in {1e3 * seconds:.1f} ms"
        yield what, f"{len(part) / seconds / 1e6:.2f} M/s", f"{wanted / 1e6:.1f} M/s"
        yield f"{name}: error of the area", f"{abs(part.areas.sum() - 4) / 4:.0e}", "1e-12"
        counted = processor(lambda net=net: count_regions(net, SQUARE), 10)
        target = "10 ms" if len(widths) == 1 else "-"
        yield f"{name}: {count_regions(net, SQUARE)} regions only counted", counted, target
    yield "memory, above what Python and NumPy need", f"{megabytes() - before:.0f} MB", "400 MB"
    for widths in CASES:
        net = network(widths)
        seconds = processor(lambda net=net: (part := partition(net, SQUARE)).codes is part.areas, 3)
        yield f"{'-'.join(map(str, widths))}: with all codes and areas", seconds, "-"
    data = np.random.default_rng(1).uniform(-0.5, 0.7, (50, 2))
    for n in (8, 64, 512):
        normalized = Network.with_batch_norm([np.random.default_rng(n).standard_normal((n, 2))], data)
        yield f"one batch-normalized layer of {n}: regions", f"{len(partition(normalized, SQUARE))}", f"{2 * n}"
    figure = find("layers-with-and-without")
    regions = figure.result(width=6)["regions"]["with"][-1]
    shown = best(lambda: figure.image(width=6))
    yield f"a partition figure, {regions} regions in its last panel, compute and draw", shown, "200 ms"
