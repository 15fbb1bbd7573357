"""Descent on overlaps while the reader waits: coarse, with its standard error, beside a finer record."""

import math

import numpy as np

from bnlib.book import style
from bnlib.book.figures.committee.rules import RULES
from bnlib.committee import asymmetry, plateau_length, plateau_start, train_overlaps

REPLICAS, BATCH = 3, 150
STEPS, FEWEST, MOST = 600, 6, 60  # steps of both rules together, and inputs N: what fits into a fifth of a second
RECORDS, SEED = 60, 4
# Times the flow's own escape, by squared norm, after which all have left: short students first grow by their own noise.
LONGER = {None: 1.14, 0.05: 1.4, 0.1: 1.2, 0.2: 1.08, 0.5: 1.02, 1.0: 1.0}


def escapes(K, tau, squared_norm, asymmetry_at_start, flow_ends):
    """Runs of descent without batch normalization and with it, from the plateau and with the same number N of inputs.

    `flow_ends` {rule: time} is when the flow leaves. N is as large as the time allows, more where the plateau is short.
    By rule: times, the asymmetry (replicas, times), and the mean and standard error of the time at which they leave.
    """
    rules = {"none": None, "batch": squared_norm}
    last = {rule: LONGER[norm] * flow_ends[rule] for rule, norm in rules.items()}
    N = int(min(max(STEPS / sum(last.values()), FEWEST), MOST))
    seed = [SEED, K, round(100 * tau), round(1000 * squared_norm)]
    rng = np.random.Generator(np.random.SFC64(seed))  # WebAssembly has no 128-bit products: normals by a third sooner
    result = {}
    for rule, norm in rules.items():
        every = max(1, round(last[rule] * N / RECORDS))
        start = plateau_start(K, tau, normalization=rule, squared_norm=norm, asymmetry=asymmetry_at_start)
        run = train_overlaps(
            start, N, math.ceil(last[rule] * N / every) * every, normalization=rule, batch_size=BATCH,
            input_variance=tau, center=False, replicas=REPLICAS, record_every=every, rng=rng,
        )  # fmt: skip
        ends = plateau_length(run, input_variance=tau)
        error = float(ends.std(ddof=1) / math.sqrt(REPLICAS)) if np.isfinite(ends).all() else math.inf
        result[rule] = {"times": run.times, "e": asymmetry(run), "end": float(ends.mean()), "error": error}
    ratio = result["batch"]["end"] / result["none"]["end"]
    share = [result[rule]["error"] / result[rule]["end"] for rule in rules]
    return {"N": N, "runs": result, "ratio": ratio, "bar": ratio * math.hypot(*share)}


def draw_escapes(growth, ratio, squared_norm, live):
    """Every run's asymmetry against time, and the ratio of the mean times with two standard errors."""
    for rule, run in live["runs"].items():
        growth.plot(run["times"], run["e"].T, color=RULES[rule][1], lw=0.6, alpha=0.6)
    bar = 2 * live["bar"]
    ratio.errorbar([squared_norm], [live["ratio"]], bar, fmt="s", ms=8, mfc="none", color=style.ACCENT, lw=1)


def told(live):
    """The runs that were made for this picture, in words."""
    none, batch = (live["runs"][rule] for rule in ("none", "batch"))
    return (
        f"Computed live, {REPLICAS} runs of descent each at N = {live['N']}, b = {BATCH} leave at "
        f"{_measured(none)} and {_measured(batch)}, {live['ratio']:.2f} ± {max(live['bar'], 0.01):.2f} times as long."
    )


def _measured(run):
    """Mean and standard error, to the error's first digit."""
    digits = max(0, -math.floor(math.log10(run["error"])))
    return f"{run['end']:.{digits}f} ± {run['error']:.{digits}f}"
