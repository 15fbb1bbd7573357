"""Recipes of chapter 15's records of escapes from the plateau in small batches: exit times, and who leaves first."""

import itertools
import math

import numpy as np

from bnlib.book.records.storing import generator, plain
from bnlib.committee import OrderParameters, asymmetry, flow_many
from bnlib.committee.order_parameters import Trajectory
from bnlib.committee.overlap_walk import OverlapWalk
from bnlib.committee.training import Rule

OUT = 0.2  # the asymmetry at which a run counts as having left
CHECKS = 10  # looks a unit of time
DIMENSION = 300
MAP_SIZES = (6, 10, 20, 40, 100)
NORMS = tuple(float(f"{norm:.3g}") for norm in np.geomspace(0.1, 3.2, 7))
MAP = {"K": (2, 3), "tau": (0.5, 1.0, 2.0), "eta": (0.25, 1.0), "start": ("near", "random")}


def near_start(K, tau, normalization, squared_norm=1.0, correlation=0.95, first=0.05):
    """On the plateau but for an asymmetry of 0.05: students in a narrow fan, each a little nearer to its teacher.

    Gains are those of infinite batches; without normalization the length is the plateau's own.
    """
    low = K + (K - 1) * tau
    Q = squared_norm if normalization == "batch" else 1 / low
    m = math.sqrt(1 + (K - 1) * correlation) / K
    own = np.eye(K)
    cosines = m + first * (own - 1 / K)
    gain = np.full(K, math.sqrt(tau / low)) if normalization == "batch" else None
    return OrderParameters(Q * np.where(own, 1.0, correlation), math.sqrt(Q) * cosines, own, gain)


def random_start(K, normalization, squared_norm=1.0, dimension=DIMENSION, seed=15):
    """Random weights of that squared length, orthonormal teachers, gains 1."""
    rows = np.random.default_rng([seed, K]).standard_normal((2 * K, dimension))
    teacher = np.linalg.qr(rows[K:].T)[0].T
    student = rows[:K] * math.sqrt(squared_norm) / np.linalg.norm(rows[:K], axis=1, keepdims=True)
    return OrderParameters.from_weights(student, teacher, np.ones(K) if normalization == "batch" else None)


def start_of(kind, K, tau, normalization, squared_norm):
    """Either start, by its name."""
    if kind == "near":
        return near_start(K, tau, normalization, squared_norm)
    return random_start(K, normalization, squared_norm)


def crossing(times, e, level=OUT):
    """When e (..., times) first reaches the level, e between records an exponential; inf where it does not."""
    out = e >= level
    first = np.argmax(out, axis=-1)
    high, low = (np.take_along_axis(e, np.maximum(first - n, 0)[..., None], -1)[..., 0] for n in (0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(first > 0, np.log(level / low) / np.log(high / low), 1.0)
    when = times[np.maximum(first - 1, 0)] + share * (times[first] - times[np.maximum(first - 1, 0)])
    return np.where(out.any(axis=-1), when, np.inf)


def simulated_escapes(
    start, *, normalization, batch_size, learning_rate, tau, replicas, dimension, longest, center, rng
):
    """Asymmetries (replicas, looks) of runs on the overlaps, until all have left or `longest` is over."""
    rule = Rule(start, normalization, batch_size, learning_rate, tau, center, True, None, None)
    walk, every = OverlapWalk(start, dimension, replicas, rule), dimension // CHECKS
    seen = []
    for step in range(longest * dimension + 1):
        if step % every == 0:
            Q, R, gain = walk.state()
            seen.append(asymmetry(Trajectory(np.zeros(1), Q, R, start.T, gain, np.zeros(replicas))))
            if np.min(np.max(seen, axis=0)) >= OUT:
                break
        walk.step(rng)
    return np.array(seen).T


def simulated_exits(start, **settings):
    """Exit times (replicas,) of `simulated_escapes`; inf for runs that have not left by `longest`."""
    return exits_of(simulated_escapes(start, **settings))


def exits_of(asymmetries):
    """Exit times of what `simulated_escapes` returns."""
    return crossing(np.arange(asymmetries.shape[-1]) / CHECKS, asymmetries)


def flow_exits(starts, *, normalization, batch_size, learning_rate, tau, longest, finite_batch, center=False):
    """Exit times of flows."""
    times = np.linspace(0, longest, 10 * int(math.sqrt(longest)) + 200)
    path = flow_many(
        starts, times, normalization=normalization, batch_size=batch_size, learning_rate=learning_rate,
        input_variance=tau, finite_batch=finite_batch, center=center, rtol=1e-5, atol=1e-8,
    )  # fmt: skip
    return crossing(times, asymmetry(path))


EXITS = {"10": 60, "30": 30, "100": 10}
OTHER_DIMENSIONS = (500, 2000)


def exits(seed=1, sizes=EXITS, dimension=1000, others=OTHER_DIMENSIONS, part=simulated_escapes):
    """Exit times from near the plateau: K = M = 2, tau = 1, eta = 1, in batches of 10, 30 and 100, and without BN.

    "of_mean" is when the mean asymmetry of the runs leaves. Batches of 10 are run with other N as well.
    """
    config = {"K": 2, "input_variance": 1.0, "learning_rate": 1.0, "dimension": dimension, "replicas": sizes,
              "other_dimensions": others, "exit": OUT, "seed": seed}  # fmt: skip

    def run(rule, center, b, N, *more_seed):
        e = part(
            near_start(2, 1.0, rule), normalization=rule, batch_size=int(b), learning_rate=1.0, tau=1.0,
            replicas=sizes[b], dimension=N, longest=120, center=center,
            rng=generator(seed, int(b), int(center), int(rule == "none"), *more_seed),
        )  # fmt: skip
        runs = exits_of(e)
        mean, error, of_mean = plain([runs.mean(), runs.std(ddof=1) / math.sqrt(len(runs)), exits_of(e.mean(axis=0))])
        return {"mean": mean, "error": error, "of_mean": of_mean}

    data = {f"batch{' centered' * center} {b}": run("batch", center, b, dimension)
            for center in (False, True) for b in sizes}  # fmt: skip
    data["none 10"] = run("none", False, "10", dimension)
    for center, N in itertools.product((False, True), others):
        data[f"batch{' centered' * center} 10, N = {N}"] = run("batch", center, "10", N, N)
    return config, data


def points(count=8, seed=20261121):
    """Settings at which the map is checked: drawn from the map's own values by a generator, not chosen by hand."""
    rng = np.random.default_rng(seed)
    drawn = []
    for number in range(count):
        one = {name: values[rng.integers(len(values))] for name, values in MAP.items()}
        b, norm = (10, 20, 30)[rng.integers(3)], NORMS[rng.integers(2, len(NORMS) - 2)]
        drawn.append(one | {"start": MAP["start"][number % 2], "batch_size": b, "squared_norm": norm})
    return drawn


def simulated_point(K, tau, eta, start, batch_size, squared_norm, *, replicas=16, seed=1, number=0):
    """Median exit times with and without batch normalization at one setting, with quartiles; at most 400 / eta."""
    out = {}
    for n, rule in enumerate(("batch", "none")):
        runs = simulated_exits(
            start_of(start, K, tau, rule, squared_norm), normalization=rule, batch_size=batch_size, learning_rate=eta,
            tau=tau, replicas=replicas, dimension=DIMENSION, longest=int(400 / eta), center=False,
            rng=generator(seed, number, n),
        )  # fmt: skip
        out[rule] = plain(np.quantile(np.minimum(runs, 400 / eta), [0.25, 0.5, 0.75]))
    return out


def flow_point(K, tau, eta, start, batch_size, squared_norm):
    """Exit times of the corrected flow with batch normalization, and of the flow without."""
    return {rule: plain(flow_exits(
        [start_of(start, K, tau, rule, squared_norm)], normalization=rule, batch_size=batch_size, learning_rate=eta,
        tau=tau, longest=400 / eta, finite_batch=True))[0] for rule in ("batch", "none")}  # fmt: skip


def map_part(K, tau, eta, start):
    """Exit time with batch normalization over that without, (batch sizes, norms), by flows; at most 1.6 at each b."""
    none = {"normalization": "none", "learning_rate": eta, "tau": tau, "longest": 400 / eta, "finite_batch": False}
    ratio = np.empty((len(MAP_SIZES), len(NORMS)))
    for row, b in enumerate(MAP_SIZES):
        plain_starts = [start_of(start, K, tau, "none", norm) for norm in NORMS]
        without = flow_exits(plain_starts, batch_size=b, **none)
        longest = 1.6 * without.max()
        starts = [start_of(start, K, tau, "batch", norm) for norm in NORMS]
        with_bn = flow_exits(
            starts, **none | {"normalization": "batch", "longest": longest, "finite_batch": True}, batch_size=b
        )
        ratio[row] = np.minimum(with_bn, longest) / without
    return ratio


def who_first(seed=1, part=map_part, point=simulated_point):
    """Which network leaves the plateau first: maps by flows, and simulations at drawn settings."""
    config = {**MAP, "batch_sizes": MAP_SIZES, "squared_norms": NORMS, "exit": OUT, "dimension": DIMENSION,
              "replicas": 16, "seed": seed}  # fmt: skip
    settings = [dict(zip(MAP, values)) for values in itertools.product(*MAP.values())]
    maps = {" ".join(map(str, one.values())): [plain(row) for row in part(**one)] for one in settings}
    checks = [one | {"runs": point(**one, number=n, seed=seed), "flow": flow_point(**one)}
              for n, one in enumerate(points())]  # fmt: skip
    return config, {"maps": maps, "points": checks}


RECIPES = {"committee_batch_exits": exits, "committee_who_leaves_first": who_first}
