"""Figures of chapter 10 about folded lines: how a line is pulled back (B22 figure 8) and what moves it (figure 2)."""

import math

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter
from bnlib.book.figures.committee.rules import number
from bnlib.book.figures.partition.hyperplanes import CENTRE, box
from bnlib.book.figures.partition.hyperplanes_deep import SLOPES
from bnlib.book.figures.partition.marks import dots, lines, paths
from bnlib.partition import BatchNormLayer, Network, geometry, partition, shapes

FIRST = np.array([[1.0, 0.35], [-0.3, 1.0]])  # two units of layer 0, whose outputs span a plane that can be drawn
TOY = np.array([[1.0, 0.2], [-0.4, 1.0], [-0.7, -0.75], [0.8, -0.9]])  # four units of layer 0 ...
OUT = np.array([[1.0, -0.8, 0.9, 0.6]])  # ... and one of layer 1
REACH = 1.9


def compute_pulled_back(activation, offset, tilt):
    """A line in the space of layer 1, and the folded line in the input that is sent to it."""
    slope, points = SLOPES[activation], shapes.shape("star", 40, CENTRE)
    below = Network.with_batch_norm([FIRST], points, slope)
    w = np.array([math.cos(math.radians(tilt)), math.sin(math.radians(tilt))])
    z = below.forward(points)
    mean, sigma = float((z @ w).mean()), float((z @ w).std())
    mu = mean + sigma * offset
    square = box(CENTRE, REACH)
    part = partition(below.with_decision(w[None], -mu), square)
    ticks = np.linspace(-REACH, REACH, 9)
    grid = [np.stack([np.full(25, x), np.linspace(-REACH, REACH, 25)], axis=1) for x in ticks]
    grid = np.array(CENTRE) + np.array(grid + [path[:, ::-1] for path in grid])
    return {
        "activation": activation, "offset": offset, "tilt": tilt, "points": points, "z": z, "w": w, "mu": mu,
        "square": square, "walls": np.concatenate([part.segments[0, 0], part.segments[0, 1]]),
        "folded": part.segments[1, 0], "grid": grid, "image": below.forward(grid),
        "length": float(np.hypot(*(part.segments[1, 0][:, 0] - part.segments[1, 0][:, 1]).T).sum()),
    }  # fmt: skip


def draw_pulled_back(r):
    """The layer's space with the straight line, and the input with the folded one."""
    figure, (layer, plane) = style.panels(2, right=0.25)
    span = (-1.4, 3.2)
    paths(layer, r["image"], style.FAINT, 0.9)
    dots(layer, r["z"], style.INK, 2.6, zorder=3)
    middle = r["mu"] * r["w"]
    across = np.array([-r["w"][1], r["w"][0]])
    lines(layer, [[middle - 9 * across, middle + 9 * across]], style.ACCENT, 2.2, zorder=2)
    style.fixed_axis(layer.xaxis, *span, [-1, 0, 1, 2, 3])
    style.fixed_axis(layer.yaxis, *span, [-1, 0, 1, 2, 3])
    layer.set_title("what layer 1 sees: a line H")
    lines(plane, r["grid"][:, [0, -1]], style.FAINT, 0.9)
    lines(plane, r["walls"], style.QUIET, 1.2, dash=style.DASHED)
    dots(plane, r["points"], style.INK, 2.6, zorder=3)
    lines(plane, r["folded"], style.ACCENT, 2.2, zorder=2)
    style.fixed_axis(plane.xaxis, *r["square"][[0, 1], 0], [-1, 0, 1, 2])
    style.fixed_axis(plane.yaxis, *r["square"][[0, 3], 1], [-1, 0, 1, 2])
    plane.set_title("the input: H folded to F")
    for ax in (layer, plane):
        ax.set_aspect("equal")
    return figure


def describe_pulled_back(r):
    """Facets and length of the folded line."""
    facets = len(r["folded"])
    start = f"{r['activation'][0].upper()}{r['activation'][1:]}, two units in layer 0"
    if not facets:
        return f"{start}. No input in the square is sent to the line: the folded line is empty here."
    count = f"{facets} facet{'s' if facets > 1 else ''}"
    where = "at the data's mean" if r["offset"] == 0 else f"{number(r['offset'])} deviations from the mean"
    return (
        f"{start}. The line of layer 1, {where}, has {count} in the input, one in each region of layer 0 that it "
        f"meets, {number(r['length'])} long in all. It is straight within a region and bends on the dashed lines."
    )


MOVED = ("mean of layer 0", "mean of layer 1", "deviation of layer 0")
AMOUNTS = (-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0)
UNIT = 1  # of layer 0, whose mean or deviation moves


def compute_moves(varied, amount, data, activation):
    """The folded line of a 2-4-1 network for all amounts by which one of its statistics is moved."""
    slope, points = SLOPES[activation], shapes.shape(data, 40, CENTRE)
    network = Network.with_batch_norm([TOY, OUT], points, slope)
    networks = [moved(network, varied, a) for a in AMOUNTS]
    parts = [partition(net, box(CENTRE, REACH)) for net in networks]
    far = [geometry.segment_distances(points, partition(net, box(CENTRE, 12.0)).segments[1, 0]) for net in networks]
    now = parts[AMOUNTS.index(amount)]
    return {
        "varied": varied, "amount": amount, "data": data, "activation": activation, "points": points,
        "all": [part.segments[1, 0] for part in parts], "folded": now.segments[1, 0],
        "walls": np.concatenate([now.segments[0, k] for k in range(4)]), "moving": now.segments[0, UNIT],
        "distance": np.array([np.sqrt(np.mean(d**2)) for d in far]),
    }  # fmt: skip


def moved(network, varied, amount):
    """The network with one statistic moved: means by ``amount`` deviations, a deviation by the factor 10^amount."""
    first, last = network.layers
    mu, sigma, out = first.mu.copy(), first.sigma.copy(), last.mu
    if varied == "mean of layer 0":
        mu[UNIT] += amount * sigma[UNIT]
    elif varied == "mean of layer 1":
        out = out + amount * last.sigma
    else:
        sigma[UNIT] *= 10.0**amount
    layers = [BatchNormLayer(first.weight, mu, sigma), BatchNormLayer(last.weight, out, last.sigma)]
    return Network(layers, network.slope)


def draw_moves(r):
    """All folded lines with the chosen one in colour, and how far they are from the data."""
    figure, (plane, cost) = style.panels(2, right=0.3)
    for folded in r["all"]:
        lines(plane, folded, style.FAINT, 1.6, zorder=0)
    lines(plane, r["walls"], style.QUIET, 0.8, dash=style.DOTTED)
    if r["varied"] != MOVED[1]:
        lines(plane, r["moving"], style.SECOND, 1.6, dash=style.DASHED)
    lines(plane, r["folded"], style.ACCENT, 2.2, zorder=2)
    dots(plane, r["points"], style.INK, 2.6, zorder=3)
    style.fixed_axis(plane.xaxis, CENTRE[0] - REACH, CENTRE[0] + REACH, [-1, 0, 1, 2])
    style.fixed_axis(plane.yaxis, CENTRE[1] - REACH, CENTRE[1] + REACH, [-1, 0, 1, 2])
    plane.set_aspect("equal")
    plane.set_title("F, and the unit that moves it (dashed)" if r["varied"] != MOVED[1] else "F, for nine means")
    finite = np.minimum(r["distance"], 2.0)
    cost.plot(AMOUNTS, finite, color=style.QUIET, lw=1.2)
    cost.plot(AMOUNTS, finite, "o", color=style.QUIET, ms=4)
    cost.plot([r["amount"]], [finite[AMOUNTS.index(r["amount"])]], "o", color=style.ACCENT, ms=8)
    style.fixed_axis(cost.xaxis, -1.1, 1.1, [-1, 0, 1])
    style.fixed_axis(cost.yaxis, 0, 1.0, [0, 0.5, 1])
    cost.set_xlabel("decades" if r["varied"].startswith("dev") else "deviations from the mean")
    cost.set_title("distance of the data to F")
    return figure


def describe_moves(r):
    """How far the data are from F now, with batch normalization, and at best."""
    now, batch = (r["distance"][AMOUNTS.index(a)] for a in (r["amount"], 0.0))
    best = int(np.argmin(r["distance"]))
    if r["varied"].startswith("dev"):
        what = f"the deviation of one unit of layer 0 is {number(10 ** r['amount'])} times the batch's"
    else:
        whose = "layer 1" if r["varied"] == MOVED[1] else "one unit of layer 0"
        side = "at the batch's" if r["amount"] == 0 else f"{number(r['amount'])} deviations from the batch's"
        what = f"the mean of {whose} is {side}"
    least = "the least of the nine" if best == 4 else f"the least of the nine is {r['distance'][best]:.3f}"
    end = "." if best == 4 else f", at {number(AMOUNTS[best])}."
    start = f"{r['activation'][0].upper()}{r['activation'][1:]}, 2-4-1, {r['data']}"
    return (
        f"{start}: {what}. The root mean squared distance of the data to the folded line is {now:.3f}; with the "
        f"batch's own statistics it is {batch:.3f}, {least}{end}"
    )


FIGURES = (
    Figure(
        "pulled-back",
        "A straight line, pulled back through a layer",
        (
            Parameter("activation", "", tuple(SLOPES), "leaky ReLU"),
            Parameter("offset", "", (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5), 0.0),
            Parameter("tilt", "°", (0, 30, 60, 90, 120, 150), 60),
        ),
        compute_pulled_back,
        draw_pulled_back,
        describe_pulled_back,
    ),
    Figure(
        "what-moves",
        "What means and deviations do to a folded line",
        (
            Parameter("varied", "", MOVED, "mean of layer 1"),
            Parameter("amount", "in σ, of a deviation in decades", AMOUNTS, 0.5),
            Parameter("data", "", shapes.SHAPES, "star"),
            Parameter("activation", "", tuple(SLOPES), "leaky ReLU"),
        ),
        compute_moves,
        draw_moves,
        describe_moves,
    ),
)
