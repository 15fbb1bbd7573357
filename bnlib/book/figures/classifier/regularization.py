"""Figures of chapter 13: L19's experiments on digits, twenty seeds each, drawn from records."""

import numpy as np

from bnlib.book import style
from bnlib.book.figure import Figure, Parameter, Prediction
from bnlib.book.figures.classifier import seeds
from bnlib.book.records import load
from bnlib.classifier import paired_difference

REGIME = Parameter("labels", "", seeds.REGIMES, "clean")
QUANTITY = Parameter("shown", "", tuple(seeds.QUANTITIES), "test loss")
KINDS = {
    "none": ("no normalization", style.QUIET),
    "weight": ("weight normalization", style.SECOND),
    "mean-only": ("weight norm. + batch mean", style.SECOND),
    "variance-only": ("batch deviation only", style.ACCENT),
    "batch": ("batch normalization", style.ACCENT),
}
SUBSTITUTES = {
    "population": ("population", style.SECOND, "-"),
    "population + decay": ("+ decay", style.SECOND, style.DASHED),
    "population + noise": ("+ noise", style.THIRD, style.DOTTED),
}


def _arms(record, prefix):
    """The arms of a record whose names start so, by the rest of their names."""
    return {key.removeprefix(prefix): arm for key, arm in record["data"].items() if key.startswith(prefix)}


def compute_batches(labels, shown):
    """The arms of one regime: statistics of M rows, of all rows, and two substitutes."""
    arms = _arms(load("classifier_batch_size"), f"{labels} ")
    sizes = [int(name[2:]) for name in arms if name.startswith("M=")]
    return {"labels": labels, "shown": shown, "sizes": sizes, "arms": arms}


def draw_batches(r):
    """Means against M, and the population's beside them as lines."""
    figure, (ax,) = style.panels(1, right=0.95, left=0.6)
    samples = [seeds.values(r["arms"][f"M={M}"], r["shown"]) for M in r["sizes"]]
    seeds.band(ax, r["sizes"], samples, style.ACCENT)
    heights = []
    for name, (_, color, dash) in SUBSTITUTES.items():
        mean, _ = seeds.mean_error(seeds.values(r["arms"][name], r["shown"]))
        ax.axhline(mean, color=color, ls=dash, lw=1.6)
        heights.append(mean)
    names, colors = [s[0] for s in SUBSTITUTES.values()], [s[1] for s in SUBSTITUTES.values()]
    style.label(ax, heights, names, colors, gap=12)
    style.log_axis(ax.xaxis, 3.4, 150, [4, 8, 16, 32, 64, 128])
    ax.set_xlabel("rows M" if style.is_narrow() else "rows M that share a mean and a deviation")
    ax.set_title(f"{seeds.named(r['shown'])}, {seeds.TOLD[r['labels']]}")
    return figure


def describe_batches(r):
    """What small batches do, against the whole population, with paired differences."""
    arms, shown = r["arms"], r["shown"]
    means = {M: seeds.mean_error(seeds.values(arms[f"M={M}"], shown))[0] for M in r["sizes"]}
    digits = 3 if shown == "test loss" else 1
    told = ", ".join(f"{mean:.{digits}f} at M = {M}" for M, mean in means.items())
    gap = seeds.difference_words(arms["M=16"], arms["population"], shown)
    decay = seeds.difference_words(arms["population + decay"], arms["population"], shown)
    noise = seeds.difference_words(arms["population + noise"], arms["population"], shown)
    return (
        f"With {seeds.TOLD[r['labels']]} the mean {shown} of 20 seeds is {told}. M = 16 against statistics of the "
        f"whole population: {gap} (paired by seed, one standard error; bars are ± 2 of a mean's own). What "
        f"gamma decay adds to the population's statistics: {decay}; what noise like that of 16 rows adds: {noise}."
    )


def compute_kinds(labels, learning_rate, shown):
    """The five normalizations at one learning rate."""
    arms = _arms(load("classifier_normalizations"), f"{labels} ")
    chosen = {kind: arms[f"{kind} {learning_rate:g}"] for kind in KINDS}
    return {"labels": labels, "rate": learning_rate, "shown": shown, "arms": chosen}


def draw_kinds(r):
    """A row for each normalization."""
    figure, (ax,) = style.panels(1, left=0.2, right=0.2)
    samples = [seeds.values(arm, r["shown"]) for arm in r["arms"].values()]
    names, colors = [KINDS[kind][0] for kind in r["arms"]], [KINDS[kind][1] for kind in r["arms"]]
    seeds.rows(ax, samples, names, colors)
    seeds.axis(ax, r["shown"], samples)
    ax.set_title(f"{seeds.TOLD[r['labels']]}, learning rate {r['rate']:g}")
    return figure


def describe_kinds(r):
    """Means, and each against batch normalization."""
    shown, digits = r["shown"], 3 if r["shown"] == "test loss" else 1
    told = [
        f"{KINDS[kind][0]} {seeds.mean_error(seeds.values(arm, shown))[0]:.{digits}f}"
        + ("" if kind == "batch" else f" ({seeds.difference_words(arm, r['arms']['batch'], shown)})")
        for kind, arm in r["arms"].items()
    ]
    return (
        f"Mean {shown} of 20 seeds with {seeds.TOLD[r['labels']]} at learning rate {r['rate']:g}, and in brackets the "
        f"paired difference from batch normalization with one standard error: {'; '.join(told)}. {seeds.KEY}"
    )


def compute_gain(labels, layer):
    """Batch normalization at one layer only: gamma^2 there and the test loss, against M."""
    arms = _arms(load("classifier_gain"), f"{labels} layer {layer} M=")
    gains = {int(M): np.array(arm["squared_gain"][layer - 1]) for M, arm in arms.items()}
    return {"labels": labels, "layer": layer, "gains": gains, "arms": {int(M): arm for M, arm in arms.items()}}


def draw_gain(r):
    """gamma^2 and the loss against M."""
    figure, (gain, loss) = style.panels(2, right=0.2)
    sizes = list(r["gains"])
    seeds.band(gain, sizes, list(r["gains"].values()), style.ACCENT)
    seeds.band(loss, sizes, [seeds.values(arm, "test loss") for arm in r["arms"].values()], style.SECOND, "s")
    for ax in (gain, loss):
        style.log_axis(ax.xaxis, 3.4, 150, [4, 16, 64] if style.is_narrow() else [4, 8, 16, 32, 64, 128])
        ax.set_xlabel("rows M")
    style.fixed_axis(gain.yaxis, 1.0, 1.3, [1.0, 1.1, 1.2, 1.3])
    gain.set_title(f"mean γ² of layer {r['layer']}")
    loss.set_title("mean test loss")
    return figure


def describe_gain(r):
    """Both ends and the slopes' signs, paired."""
    sizes = list(r["gains"])
    first, last = sizes[0], sizes[-1]
    change = paired_difference(r["gains"][last], r["gains"][first])
    loss = seeds.difference_words(r["arms"][last], r["arms"][first], "test loss")
    way = "stays" if abs(change[0]) < 2 * change[1] else "rises" if change[0] > 0 else "falls"
    return (
        f"Batch normalization at layer {r['layer']} only, {seeds.TOLD[r['labels']]}: from M = {first} to M = {last} "
        f"the mean of γ² {way} from {r['gains'][first].mean():.3f} to {r['gains'][last].mean():.3f} (paired "
        f"{seeds.signed(*change, 3)}), and the test loss changes by {loss}. {seeds.BARS}"
    )


def compute_dropout(labels, normalization, shown):
    """Three shares of dropout."""
    return {
        "labels": labels, "kind": normalization, "shown": shown,
        "arms": _arms(load("classifier_dropout"), f"{labels} {normalization} "),
    }  # fmt: skip


def draw_dropout(r):
    """A row for each share."""
    figure, (ax,) = style.panels(1, left=0.2, right=0.2)
    samples = [seeds.values(arm, r["shown"]) for arm in r["arms"].values()]
    names = ["no dropout" if share == "0.0" else f"dropout {share}" for share in r["arms"]]
    seeds.rows(ax, samples, names, [style.QUIET, style.SECOND, style.ACCENT])
    seeds.axis(ax, r["shown"], samples)
    ax.set_title(f"{KINDS[r['kind']][0]}, {seeds.TOLD[r['labels']]}")
    return figure


def describe_dropout(r):
    """Means and paired gains."""
    digits = 3 if r["shown"] == "test loss" else 1
    means = {share: seeds.mean_error(seeds.values(arm, r["shown"]))[0] for share, arm in r["arms"].items()}
    gains = {
        share: seeds.difference_words(r["arms"][share], r["arms"]["0.0"], r["shown"]) for share in ("0.125", "0.25")
    }
    return (
        f"{KINDS[r['kind']][0].capitalize()}, {seeds.TOLD[r['labels']]}: mean {r['shown']} {means['0.0']:.{digits}f} "
        f"without dropout, {means['0.125']:.{digits}f} with a share of 0.125 ({gains['0.125']}, paired), "
        f"{means['0.25']:.{digits}f} with 0.25 ({gains['0.25']}). {seeds.KEY}"
    )


ARMS = {
    "without": ("folded in, plain descent", style.SECOND, "-"),
    "with": ("batch normalization", style.ACCENT, "-"),
    "held still, noise put back": ("statistics held still, noise put back", style.THIRD, style.DASHED),
}


def compute_without(labels, layer):
    """The three arms of a regime after the fold: changes of a layer's norm and of both losses."""
    arms = _arms(load("classifier_without"), f"{labels} ")
    changes = {}
    for name, arm in arms.items():
        first, last = (np.sqrt(record[layer - 1]) for record in arm["squared_norm"])
        changes[name] = {
            "norm": 100 * (last / first - 1),
            "train loss": np.subtract(arm["train_loss"], arm["train_loss at first"]),
            "test loss": np.subtract(arm["test_loss"], arm["test_loss at first"]),
        }
    return {"labels": labels, "layer": layer, "arms": arms, "changes": changes}


def draw_without(r):
    """Norm, training loss and test loss over the epochs after the fold."""
    figure, axes = style.panels(3, left=0.5, gap=0.66, right=0.95)
    for name, (_, color, dash) in ARMS.items():
        arm = r["arms"][name]
        norm = np.sqrt(arm["squared_norm over epochs"][r["layer"] - 1])
        loss = 1e3 * np.array(arm["train_loss over epochs"])
        for ax, values in zip(axes, (norm, loss, arm["test_loss over epochs"])):
            ax.plot(arm["epochs"], values, color=color, ls=dash)
    for ax, title in zip(axes, (f"norm of layer {r['layer']}", "1000 × training loss", "test loss")):
        style.fixed_axis(ax.xaxis, 0, r["arms"]["with"]["epochs"][-1], [0, 30, 60])
        ax.set_xlabel("epochs after the fold")
        ax.set_title(title)
    names, colors = ["folded in", "batch norm.", "still + noise"], [color for _, color, _ in ARMS.values()]
    style.label(axes[-1], [r["arms"][name]["test_loss over epochs"][-1] for name in ARMS], names, colors)
    return figure


def describe_without(r):
    """Changes with their standard errors, arm by arm."""

    def told(name, quantity, digits):
        return seeds.signed(*seeds.mean_error(r["changes"][name][quantity]), digits)

    parts = [
        f"{ARMS[name][0]}: norm {told(name, 'norm', 2)} %, training loss {told(name, 'train loss', 4)}, test loss "
        f"{told(name, 'test loss', 3)}"
        for name in ARMS
    ]
    return f"Layer {r['layer']}, {seeds.TOLD[r['labels']]}, 60 epochs after the fold. {'; '.join(parts)}.".replace(
        ". folded", ". Folded"
    )


def _better_with_batch(r):
    """0 if batch normalization has the lowest mean loss of the five at this rate, else 1."""
    means = {kind: seeds.mean_error(seeds.values(arm, "test loss"))[0] for kind, arm in r["arms"].items()}
    return int(min(means, key=means.get) != "batch")


FIGURES = (
    Figure(
        "rows-that-share", "Test loss against the rows that share their statistics", (REGIME, QUANTITY),
        compute_batches, draw_batches, describe_batches,
    ),
    Figure(
        "five-normalizations", "Five normalizations, twenty seeds",
        (REGIME, Parameter("learning_rate", "η", (0.01, 0.03, 0.1), 0.03), QUANTITY), compute_kinds, draw_kinds,
        describe_kinds,
        Prediction(
            "Five networks learn the same images. Has batch normalization the lowest mean test loss of the five?",
            ("yes", "no"), _better_with_batch,
        ),
    ),
    Figure(
        "gain-against-rows", "γ² and the test loss against the rows that share their statistics",
        (REGIME, Parameter("layer", "", (1, 2), 2)), compute_gain, draw_gain, describe_gain,
    ),
    Figure(
        "without-normalization", "Batch normalization removed, and training goes on",
        (Parameter("labels", "", seeds.REGIMES, "wrong labels"), Parameter("layer", "", (1, 2), 1)),
        compute_without, draw_without, describe_without,
    ),
    Figure(
        "dropout-after", "Dropout after the normalized layers",
        (REGIME, Parameter("normalization", "", ("batch", "weight"), "batch"), QUANTITY), compute_dropout,
        draw_dropout, describe_dropout,
    ),
)  # fmt: skip
