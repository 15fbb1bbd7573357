"""Figures of chapter 9 about one layer: a line and its data, two lines for two clusters, lines that come together."""

import math

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter, Prediction
from bnlib.book.figures.committee.rules import number
from bnlib.book.figures.partition.marks import dots, lines
from bnlib.partition import AffineLayer, Network, geometry, partition, shapes

LENGTH = 2.0  # of the weight rows: any other would draw the same lines
CENTRE = (0.5, 0.3)
MOVES = (-1.5, -1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 1.5)
PLACES = (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5)


def box(centre, reach):
    """The corners (4, 2) of a square."""
    return np.asarray(centre) + reach * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def compute_line(data, angle, from_mean):
    """One line with the direction of its weights given, ``from_mean`` away from where batch normalization puts it."""
    points = shapes.shape(data, 30, CENTRE)
    w = LENGTH * np.array([[math.cos(math.radians(angle)), math.sin(math.radians(angle))]])
    mean, rho = geometry.best_offset(points, w)
    mu = mean + LENGTH * from_mean
    away = (points @ w[0] - mu) / LENGTH
    moves = np.linspace(MOVES[0], MOVES[-1], 61)
    return {
        "data": data, "angle": angle, "move": from_mean, "points": points, "feet": points - away[:, None] * w / LENGTH,
        "w": w[0], "mu": float(mu[0]), "mean": float(mean[0]), "rho": float(rho[0]), "moves": moves,
        "parabola": geometry.tls_parabola(points, w, mean + LENGTH * moves[:, None])[:, 0],
        "measured": float(np.mean(away**2)),
    }  # fmt: skip


def draw_line(r):
    """The line with a stick to each point, and the mean squared distance for all places of the line."""
    figure, (plane, cost) = style.panels(2, right=0.3)
    lines(plane, np.stack([r["points"], r["feet"]], axis=1), style.SECOND, 1.0)
    normal = r["w"] / LENGTH
    across, foot = np.array([-normal[1], normal[0]]), r["mu"] / LENGTH * normal
    middle = foot + across * (across @ (np.array(CENTRE) - foot))
    lines(plane, [[middle - 4 * across, middle + 4 * across]], style.ACCENT, 2.0, zorder=2)
    dots(plane, r["points"], style.INK, 3.4, zorder=3)
    plane.plot(*r["points"].mean(axis=0), "+", color=style.INK, ms=11, mew=1.6, zorder=4)
    plane.set_aspect("equal")
    style.fixed_axis(plane.xaxis, CENTRE[0] - 2, CENTRE[0] + 2, [-1, 0, 1, 2])
    style.fixed_axis(plane.yaxis, CENTRE[1] - 1.5, CENTRE[1] + 1.5, [-1, 0, 1])
    plane.set_title("the line, the data and their mean (+)")
    cost.plot(r["moves"], r["parabola"], color=style.QUIET, lw=1.4)
    cost.axhline(r["rho"] ** 2, color=style.FAINT, lw=1.0)
    cost.text(-1.5, r["rho"] ** 2 - 0.06, "ρ²", color=style.QUIET, va="top")
    cost.plot([0], [r["rho"] ** 2], "o", color=style.ACCENT, ms=7, mfc="none", mew=1.6)
    cost.plot([r["move"]], [r["measured"]], "o", color=style.SECOND, ms=6)
    style.fixed_axis(cost.xaxis, -1.65, 1.65, [-1, 0, 1])
    style.fixed_axis(cost.yaxis, -0.15, 3.0, [0, 1, 2, 3])
    cost.set_xlabel("distance from the mean")
    cost.set_title("mean squared distance")
    return figure


def describe_line(r):
    """The two parts of the mean squared distance."""
    place = (
        "at the mean, where batch normalization puts it"
        if r["move"] == 0
        else f"{number(abs(r['move']))} away from the mean of the data"
    )
    return (
        f"{style.words(r['data']).capitalize()}, 30 points, weights at {r['angle']}°, the line {place}. The mean "
        f"squared distance is {number(r['measured'])}: ρ² = {number(r['rho'] ** 2)}, which no line of this direction "
        f"goes below, and {number(r['move'] ** 2)}, the square of the way to the mean."
    )


def compute_two_lines(first, second, spread):
    """Two clusters and two parallel lines: what B22 (9) adds up, and the distance to the nearer line."""
    rng = np.random.default_rng(4)
    noise = rng.standard_normal((40, 2)) * [spread, 0.4]
    noise -= np.repeat([noise[:20].mean(axis=0), noise[20:].mean(axis=0)], 20, axis=0)
    points = noise + np.repeat([[-1.0, 0.0], [1.0, 0.0]], 20, axis=0)
    w, x = np.array([[1.0, 0.0], [1.0, 0.0]]), np.sort(points[:, 0])
    offsets = np.array([first, second])
    splits = [np.array([x[:k].mean(), x[k:].mean()]) for k in range(1, len(x))]
    best = min(splits, key=lambda pair: geometry.union_squared_distance(points, w, pair))
    both = {"here": offsets, "batch": np.zeros(2) + x.mean(), "best": best}
    return {
        "first": first, "second": second, "spread": spread, "points": points, "best": best,
        "sum": {key: geometry.total_least_squares(points, w, at) for key, at in both.items()},
        "union": {key: geometry.union_squared_distance(points, w, at) for key, at in both.items()},
    }  # fmt: skip


def draw_two_lines(r):
    """The lines among the clusters, and both costs against those of batch normalization and of the best pair."""
    figure, (plane, cost) = style.panels(2, right=0.55)
    points, offsets = r["points"], np.array([r["first"], r["second"]])
    nearest = offsets[np.abs(points[:, :1] - offsets).argmin(axis=1)]
    lines(plane, np.stack([points, np.stack([nearest, points[:, 1]], axis=1)], axis=1), style.SECOND, 1.0)
    lines(plane, [[[at, -1.5], [at, 1.5]] for at in offsets], style.ACCENT, 2.0, zorder=2)
    dots(plane, points, style.INK, 3.4, zorder=3)
    style.fixed_axis(plane.xaxis, -2.0, 2.0, [-1, 0, 1])
    style.fixed_axis(plane.yaxis, -1.5, 1.5, [-1, 0, 1])
    plane.set_aspect("equal")
    plane.set_title("each point and the nearer line")
    for y, name, values in ((0, "sum over the two units", r["sum"]), (1, "to the nearer line", r["union"])):
        cost.plot([0, values["here"]], [y, y], color=style.SECOND, lw=5, solid_capstyle="butt")
        for key, color, lift in (("batch", style.ACCENT, 0.2), ("best", style.QUIET, 0.2)):
            cost.plot([values[key]] * 2, [y - lift, y + lift], color=color, lw=2)
        cost.text(0, y - 0.28, name, va="bottom", weight="bold", fontsize=9)
        cost.plot([values["here"]], [y], "o", color=style.SECOND, ms=6, clip_on=False)
    for key, word, color in (("batch", "batch norm.", style.ACCENT), ("best", "one line each", style.QUIET)):
        side = -1 if key == "batch" else 1
        at = r["sum"][key] - 0.4 * side
        cost.text(at, 0.24, word, color=color, va="top", ha="right" if side < 0 else "left", fontsize=8.5)
    cost.text(max(r["union"]["best"], 0.02), 1.24, "one line each", color=style.QUIET, va="top", fontsize=8.5)
    style.fixed_axis(cost.xaxis, 0, 7.0, [0, 2, 4, 6])
    cost.set(ylim=(1.65, -0.65), yticks=[])
    cost.spines["left"].set_visible(False)
    cost.set_title("mean squared distance, two ways")
    return figure


def describe_two_lines(r):
    """Both costs here and where batch normalization puts both lines."""
    return (
        f"Two clusters at −1 and 1, parallel lines at {number(r['first'])} and {number(r['second'])}. The sum over "
        f"units is {number(r['sum']['here'])}; batch normalization, both lines at the mean, has "
        f"{number(r['sum']['batch'])}, the least of all pairs. To the nearer line the mean squared distance is "
        f"{number(r['union']['here'])} here, {number(r['union']['batch'])} with batch normalization, and "
        f"{number(r['union']['best'])} for the best pair, one line in each cluster."
    )


def compute_central(blend, units, draw):
    """n lines on their way from random offsets (blend 0) to those of batch normalization (blend 1)."""
    rng = np.random.default_rng(draw)
    points = shapes.shape("star", 40, CENTRE)
    angles = rng.uniform(0, np.pi, units)
    w = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    centre = points.mean(axis=0)
    start = np.einsum("ij,ij->i", w, centre + rng.uniform(-1.3, 1.3, (units, 2)))
    mu = blend * (points @ w.T).mean(axis=0) + (1 - blend) * start
    network, far = Network([AffineLayer(w, -mu)]), 1e4
    everywhere = partition(network, box(centre, far))
    bounded = [np.abs(corners - centre).max() < 0.99 * far for corners in everywhere.regions]
    at_start = partition(Network([AffineLayer(w, -start)]), box(centre, far))
    inner = np.array([np.abs(corners - centre).max() < 0.99 * far for corners in at_start.regions])
    near = partition(network, box(centre, 1.6))
    return {
        "blend": blend, "n": units, "centre": centre, "points": points, "regions": len(everywhere),
        "bounded": int(np.sum(bounded)), "area": float(everywhere.areas[bounded].sum()),
        "start": float(at_start.areas[inner].sum()), "near": len(near),
        "segments": np.concatenate([near.segments[0, k] for k in range(units)]),
        "filled": [corners for corners in near.regions if _inside(corners, centre, 1.6)],
    }  # fmt: skip


def _inside(corners, centre, reach):
    return bool(np.abs(corners - centre).max() < reach * (1 - 1e-9))


def draw_central(r):
    """The lines with the bounded regions shaded, and the area of these on the way to batch normalization."""
    figure, (plane, area) = style.panels(2, left=0.5, gap=0.75, right=0.3)
    for corners in r["filled"]:
        plane.fill(*corners.T, color=style.FAINT, lw=0)
    lines(plane, r["segments"], style.ACCENT, 1.1)
    dots(plane, r["points"], style.INK, 2.4, zorder=3)
    plane.plot(*r["centre"], "+", color=style.SECOND, ms=12, mew=2, zorder=4)
    plane.set_aspect("equal")
    style.fixed_axis(plane.xaxis, r["centre"][0] - 1.6, r["centre"][0] + 1.6, [-1, 0, 1, 2])
    style.fixed_axis(plane.yaxis, r["centre"][1] - 1.6, r["centre"][1] + 1.6, [-1, 0, 1])
    plane.set_title("the lines and the mean (+)")
    left = np.array([1.0, 0.004])
    if r["start"] > 0:
        area.plot(left, r["start"] * left**2, color=style.QUIET, lw=1.4)
        if r["blend"] < 1:
            area.plot([1 - r["blend"]], [r["area"]], "o", color=style.ACCENT, ms=7)
    else:
        area.text(0.5, 0.5, "no bounded regions", transform=area.transAxes, ha="center", color=style.QUIET)
    style.log_axis(area.xaxis, 0.004, 1.3, [0.01, 0.1, 1])
    area.invert_xaxis()
    style.log_axis(area.yaxis, 1e-6, 1e4, [1e-6, 1e-4, 0.01, 1, 100, 1e4])
    area.set_xlabel("what is left of the way, 1 − s")
    area.set_title("area of all bounded regions")
    return figure


def describe_central(r):
    """How many regions, of them bounded, and their area."""
    generic, central = 1 + r["n"] + math.comb(r["n"], 2), 2 * r["n"]
    if r["blend"] == 1:
        now = (
            f"All {r['n']} lines pass through the mean of the data and make {r['regions']} = 2n regions, none of them "
            f"bounded; in general position they made {generic}."
        )
    else:
        now = (
            f"{r['n']} lines make {r['regions']} regions in the plane, {r['bounded']} of them bounded, with a total "
            f"area of {number(r['area'])}. At s = 1 all bounded ones will be gone and {central} be left."
        )
    return f"A share s = {r['blend']:g} of the way from random offsets to batch normalization. {now}"


def _count_answer(r):
    generic, central = 1 + r["n"] + math.comb(r["n"], 2), 2 * r["n"]
    return 0 if r["regions"] == central else 2 if r["regions"] == generic else 1


FIGURES = (
    Figure(
        "one-line",
        "One line, and the mean squared distance of its data",
        (
            Parameter("from_mean", "", MOVES, 0.5),
            Parameter("angle", "°", (0, 30, 60, 90, 120, 150), 30),
            Parameter("data", "", shapes.SHAPES, "star"),
        ),
        compute_line,
        draw_line,
        describe_line,
    ),
    Figure(
        "two-lines",
        "Two lines for two clusters",
        (
            Parameter("first", "μ₁", PLACES, -1.0),
            Parameter("second", "μ₂", PLACES, 1.0),
            Parameter("spread", "", (0.05, 0.15, 0.3), 0.15),
        ),
        compute_two_lines,
        draw_two_lines,
        describe_two_lines,
    ),
    Figure(
        "central-arrangement",
        "How lines come together at the mean",
        (
            Parameter("blend", "s", (0.0, 0.3, 0.6, 0.8, 0.9, 0.95, 0.99, 1.0), 0.95),
            Parameter("units", "n", (2, 4, 8, 16, 30), 8),
            Parameter("draw", "", (1, 2, 3, 4), 1),
        ),
        compute_central,
        draw_central,
        describe_central,
        Prediction(
            "Eight lines are 95 % of the way from random places, where they make 37 regions, to those of batch "
            "normalization, where they make 2n = 16. How many do they make in the whole plane?",
            ("2n", "more than 2n, fewer than at the start", "more than 2n, as many as at the start"),
            _count_answer,
        ),
    ),
)
