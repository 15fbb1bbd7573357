"""Figures of chapter 9 about several layers: B22's figure 1, and the deviation as a measure of fit (its figure 9)."""

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter
from bnlib.book.figures.committee.rules import number
from bnlib.book.figures.partition.hyperplanes import box
from bnlib.book.figures.partition.marks import dots, lines
from bnlib.partition import Network, geometry, partition, shapes
from bnlib.partition.shapes import random_weights

SLOPES = {"ReLU": 0.0, "leaky ReLU": 0.1, "absolute value": -1.0}
LAYERS, REACH = 4, 1.6
LOOKS = ((style.ACCENT, "o"), (style.SECOND, "s"), (style.THIRD, "^"), (style.INK, "D"))


def compute_layers(activation, width, from_origin, draw):
    """The same weights with batch normalization and with random biases: all boundaries, layer by layer."""
    rng = np.random.default_rng(draw)
    points = shapes.shape("star", 40, (0.8 * from_origin, 0.6 * from_origin))
    weights = random_weights(rng, 2, *[width] * LAYERS)
    biases = [rng.standard_normal(width) / np.sqrt(W.shape[1]) for W in weights]
    square, slope = box(points.mean(axis=0), REACH), SLOPES[activation]
    parts = {
        "with": partition(Network.with_batch_norm(weights, points, slope), square),
        "without": partition(Network.with_bias(weights, biases, slope), square),
    }
    segments = {
        key: [np.concatenate([part.segments[layer, k] for k in range(width)]) for layer in range(LAYERS)]
        for key, part in parts.items()
    }
    return {
        "activation": activation, "width": width, "away": from_origin, "points": points, "square": square,
        "segments": segments, "regions": {key: part.regions_up_to_layer for key, part in parts.items()},
    }  # fmt: skip


def draw_layers(r):
    """A row with and a row without, a panel for each layer: its own boundaries in colour on those before."""
    figure, axes = style.grid(2, LAYERS, left=0.15, right=0.1, gap=0.14, title=0.34, below=0.08)
    for row, key, color in zip(axes, ("with", "without"), (style.ACCENT, style.SECOND)):
        for layer, ax in enumerate(row):
            own, regions = r["segments"][key], r["regions"][key][layer]
            for earlier in own[:layer]:
                lines(ax, earlier, style.FAINT if layer else color, 0.7)
            lines(ax, own[layer], color, 0.8)
            dots(ax, r["points"], style.INK, 1.8, zorder=3)
            ax.set(xlim=r["square"][[0, 1], 0], ylim=r["square"][[0, 3], 1], xticks=[], yticks=[], aspect="equal")
            who = f"{key}, " if layer == 0 else ""
            ax.set_title(f"{who}ℓ = {layer}: {regions} regions", color=color, fontsize=8.5)
            for spine in ax.spines.values():
                spine.set(visible=True, color=style.FAINT)
    return figure


def describe_layers(r):
    """Regions up to each layer, with and without."""
    with_, without = (", ".join(map(str, r["regions"][key])) for key in ("with", "without"))
    place = "centred at the origin" if r["away"] == 0 else f"{number(r['away'])} from the origin"
    return (
        f"{r['activation'][0].upper()}{r['activation'][1:]} network of {LAYERS} layers of {r['width']} units, star "
        f"data {place}. In the square around the data there are {with_} regions up to layers 0 to 3 with batch "
        f"normalization, and {without} with random biases and the same weights."
    )


def compute_fit(data, activation, width, draw):
    """The deviation of every unit against how far the data are from its (folded) hyperplane."""
    points = shapes.shape(data, 40, (0.5, 0.3))
    network = Network.with_batch_norm(
        random_weights(np.random.default_rng(draw), 2, *[width] * 3), points, SLOPES[activation]
    )
    part = partition(network, box(points.mean(axis=0), 8.0))
    rho, own, folded = [], [], []
    for index, (layer, z) in enumerate(zip(network.layers, network.layer_inputs(points))):
        rho.append(layer.sigma / np.linalg.norm(layer.weight, axis=1))
        own.append(np.sqrt(geometry.mean_squared_distances(z, layer.weight, layer.mu)))
        far = [geometry.segment_distances(points, part.segments[index, k]) for k in range(width)]
        folded.append(np.sqrt(np.mean(np.square(far), axis=1)))
    return {"data": data, "activation": activation, "width": width, "rho": rho, "own": own, "folded": folded}


def draw_fit(r):
    """rho against the root mean squared distance in the layer's own space, and in the network's input space."""
    figure, (own, folded) = style.panels(2, left=0.52, gap=0.8, right=0.62)
    for ax, measured in ((own, r["own"]), (folded, r["folded"])):
        ax.plot([0.03, 2], [0.03, 2], color=style.FAINT, lw=1.2, zorder=0)
        for rho, far, (color, mark) in zip(r["rho"], measured, LOOKS):
            ax.plot(rho, far, mark, color=color, ms=4.5, mfc="none", mew=1.2)
        style.log_axis(ax.xaxis, 0.03, 2, [0.1, 1])
        style.log_axis(ax.yaxis, 0.03, 2, [0.1, 1])
        ax.set_xlabel("ρ = σ/|w|")
    own.set_title("distance in the layer's space")
    folded.set_title("distance in the input")
    names = [f"ℓ = {layer}" for layer in range(3)]
    style.label(folded, [0.5, 0.28, 0.16], names, [color for color, _ in LOOKS])
    return figure


def describe_fit(r):
    """How well rho tells the distance."""
    ratio = np.concatenate(r["folded"][1:]) / np.concatenate(r["rho"][1:])
    link = np.corrcoef(np.log(np.concatenate(r["folded"][1:])), np.log(np.concatenate(r["rho"][1:])))[0, 1]
    return (
        f"{style.words(r['data']).capitalize()}, {r['activation']}, three layers of {r['width']} units. In every "
        f"layer's own space ρ is the root mean squared distance, exactly. In the input it is ρ for layer 0 as "
        f"well; for layers 1 and 2 it is {ratio.min():.2f} to {ratio.max():.2f} times ρ, and the correlation of the "
        f"logarithms is {link:.2f}.".replace("-", "−")
    )


FIGURES = (
    Figure(
        "layers-with-and-without",
        "The partition after layers 0 to 3, with and without batch normalization",
        (
            Parameter("activation", "", tuple(SLOPES), "leaky ReLU"),
            Parameter("width", "n", (4, 5, 6), 5),
            Parameter("from_origin", "", (0.0, 1.0, 2.0), 1.0),
            Parameter("draw", "", (1, 2, 3), 2),
        ),
        compute_layers,
        draw_layers,
        describe_layers,
    ),
    Figure(
        "deviation-as-fit",
        "The deviation as a measure of fit",
        (
            Parameter("data", "", shapes.SHAPES, "star"),
            Parameter("activation", "", tuple(SLOPES), "leaky ReLU"),
            Parameter("width", "n", (4, 8, 12), 8),
            Parameter("draw", "", (1, 2, 3, 4), 1),
        ),
        compute_fit,
        draw_fit,
        describe_fit,
    ),
)
