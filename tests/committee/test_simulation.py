"""The flow against the process it describes, at finite numbers of inputs: the gap must be there, and shrink as it
should."""

import numpy as np
import pytest

from bnlib.book.records import committee as recipes
from bnlib.book.records import load
from bnlib.committee import NORMALIZATIONS, flow, train, train_overlaps
from tests.committee.setting import random_start, weights_of

SIZES, RUNS, TIME = (16, 144), 24, 4


@pytest.mark.parametrize("rule", NORMALIZATIONS)
def test_gap_between_weights_and_flow_shrinks_with_the_number_of_inputs(rule):
    """Root mean square gap in R over runs: a single run fluctuates as N^(-1/2), so three times less at nine times N."""
    p = random_start(31, gains=rule != "none")
    path = flow(p, [TIME], normalization=rule, batch_size=60)
    gaps = []
    for N in SIZES:
        J, B = weights_of(p, N)
        rng = np.random.default_rng([32, N])
        settings = {"normalization": rule, "batch_size": 60, "gain": p.gain, "center": False, "record_every": TIME * N}
        runs = [train(J, B, TIME * N, rng=rng, **settings).R[-1] for _ in range(RUNS)]
        gaps.append(np.sqrt(np.mean((np.array(runs) - path.R[-1]) ** 2)))
    assert gaps[0] / gaps[1] == pytest.approx(
        3, rel=0.3
    )  # each gap from 4 x 24 numbers, some correlated: about 10 % each
    assert gaps[1] < 0.03


@pytest.mark.parametrize("rule", NORMALIZATIONS)
def test_mean_over_overlap_runs_is_the_flow(rule):
    """Many replicas at large N and b: mean within error bars plus the known orders 1/N and 1/b."""
    p = random_start(33, gains=rule != "none")
    N, b, replicas, time = 400, 100, 60, 2
    run = train_overlaps(
        p, N, time * N, normalization=rule, batch_size=b, center=False, replicas=replicas, record_every=time * N,
        rng=np.random.default_rng(34),
    )  # fmt: skip
    path = flow(p, [time], normalization=rule, batch_size=b)
    order = 2 / N + (0 if rule == "none" else 2 / b)  # the flow's own error is c / N + c' / b with c, c' of order one
    for name in ("Q", "R"):
        values, wanted = getattr(run, name)[:, -1], getattr(path, name)[-1]
        error = values.std(axis=0, ddof=1) / np.sqrt(replicas)
        assert np.all(np.abs(values.mean(axis=0) - wanted) < 4 * error + order)


def test_norm_growth_under_the_whole_gradient():
    """Exact batch normalization moves Q_ii by noise only: the projected I4 term, against the process, within 4
    standard errors.

    With e_i e_j in place of the projected product the growth would be too large by far more than that.
    """
    p = random_start(35)
    N, b, eta, replicas = 2000, 50, 2.0, 200
    steps = 400
    run = train_overlaps(
        p, N, steps, normalization="batch", batch_size=b, learning_rate=eta, center=False, replicas=replicas,
        record_every=steps, rng=np.random.default_rng(36),
    )  # fmt: skip
    grown = run.Q[:, -1, 0, 0] - p.Q[0, 0]
    path = flow(p, [steps / N], normalization="batch", learning_rate=eta, batch_size=b)
    wanted = path.Q[-1, 0, 0] - p.Q[0, 0]
    error = grown.std(ddof=1) / np.sqrt(replicas)
    assert abs(grown.mean() - wanted) < 4 * error + 4 / b * wanted  # its own 1/b correction
    assert wanted > 20 * error


def test_figure_2_agrees_with_the_flow():
    """T19's figure 2, from the record: the largest gap of one run from the flow, within what N = 100 allows.

    Before the students specialize, a run's fluctuations have the spread measured over fifty runs at the same N; later
    the moment of specialization itself fluctuates, so that only t <= 60 is held to it.
    """
    record, ensembles = load("committee_figure_2"), load("committee_finite_size")["data"]
    times = np.array(record["data"]["times"])
    kept = [k for k, t in enumerate(times) if t in ensembles["times"] and 0 < t <= 60]
    for rule in NORMALIZATIONS:
        spread = np.array(ensembles["ensembles"][f"{rule} 100"]["R11"]["spread"])
        spread = spread[[ensembles["times"].index(times[k]) for k in kept]]
        path = flow(recipes.start_of(rule, 1), times[kept], normalization=rule, batch_size=100)
        run = np.array(record["data"]["runs"][f"{rule} 1"]["R11"])[kept]
        assert np.all(np.abs(run - path.R[:, 0, 0]) < 4 * spread + 0.01)  # and 1/b = 0.01 of the flow's own


def test_records_can_be_made_again():
    """The first records of each kind come out the same, number for number, from the recipe and the seed."""
    short = recipes.figure_2(seeds=(1,), steps=400)[1]
    whole = load("committee_figure_2")["data"]
    for case, stored in whole["flows"].items():
        rule, seed = case.rsplit(" ", 1)
        for name, values in recipes.flow_series(rule, int(seed), whole["times"]).items():
            np.testing.assert_allclose(stored[name], values, rtol=1e-4, atol=1e-7)  # six digits, and the flow's rtol
    kept = load("committee_figure_2")["data"]["runs"]
    for rule in NORMALIZATIONS:
        for name, values in short["runs"][f"{rule} 1"].items():
            np.testing.assert_allclose(kept[f"{rule} 1"][name][:3], values, rtol=1e-5)
    again = recipes.finite_size(dimensions=(30,), time=3)[1]["ensembles"]
    kept = load("committee_finite_size")["data"]["ensembles"]
    for rule in NORMALIZATIONS:
        np.testing.assert_allclose(
            kept[f"{rule} 30"]["Q12"]["mean"][:4], again[f"{rule} 30"]["Q12"]["mean"], rtol=1e-4, atol=1e-6
        )


def test_spread_shrinks_as_the_square_root_of_the_number_of_inputs():
    """From the record: over t <= 40, the spread of 50 runs at four sizes N falls as N^(-1/2).

    A spread from 50 runs is known to 10 %; four of them over a factor of 33 give the exponent to 0.05.
    """
    record = load("committee_finite_size")["data"]
    early = [k for k, t in enumerate(record["times"]) if 0 < t <= 40]
    for rule in NORMALIZATIONS:
        spreads = [
            np.sqrt(np.mean(np.square(record["ensembles"][f"{rule} {N}"]["R11"]["spread"])[early]))
            for N in recipes.DIMENSIONS
        ]
        slope = np.polyfit(np.log(recipes.DIMENSIONS), np.log(spreads), 1)[0]
        assert slope == pytest.approx(-0.5, abs=0.15)


def test_gain_is_off_by_one_over_b_at_small_batches(measure):
    """From the record: the flow's gain is off by c / b, so that b times the gap is one number for b = 10, 30, 100."""
    record = load("committee_small_batches")
    start = recipes.start_of("batch", 1)
    wanted = {b: flow(start, [8.0], normalization="batch", batch_size=int(b)).gain.mean() for b in record["data"]}
    scaled = np.array([int(b) * (run["gain"] / wanted[b] - 1) for b, run in record["data"].items()])
    assert np.all(scaled < 0)
    measure("own-small-batches", np.max(np.abs(scaled[2:] / scaled[1] - 1)), 0.15)  # the next order: 10 % at b = 10
