"""The records of chapter 3: their beginnings computed again, and what the chapter and the ledger say of them."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from bnlib.book.figures import find
from bnlib.book.records import load
from bnlib.book.records.committee import random_weights
from bnlib.book.records.plateau import (
    ASYMMETRIES,
    BATCH_SIZES,
    DIMENSIONS,
    LEAVING_RULES,
    RATE_RULES,
    RATES,
    STEPS,
    figure_3_steps,
    leaving_runs,
    plateau_bound,
    read_times,
)
from bnlib.book.records.storing import generator
from bnlib.committee import (
    NORMALIZATIONS,
    asymmetry,
    critical_rate,
    escape_rate,
    flow_many,
    plateau_error,
    reduced_flow,
    restrict,
    train,
    train_overlaps,
)


def part_generator(number, seed=1):
    """The generator that `sweep` gives to a part."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))


# ---- T20's figure 3
def figure_3(K, tau, rule):
    stored = load("committee_figure_3")["data"]["runs"][f"{K} {tau:g} {rule}"]
    return np.array(stored["error"]), read_times(stored["left"])


@pytest.mark.parametrize("rule", NORMALIZATIONS)
def test_figure_3_begins_as_recorded(rule):
    K, seed, kept = 10, 2, figure_3_steps()
    kept = kept[kept <= 300]
    J, B = random_weights(seed, 100, K)
    run = train(
        J, B, 300, normalization=rule, batch_size=100, center=False, gain=None if rule == "none" else np.ones(K),
        rng=generator(seed, K, 1, NORMALIZATIONS.index(rule)), record_every=10,
    )  # fmt: skip
    np.testing.assert_allclose(figure_3(K, 1.0, rule)[0][seed - 1, : len(kept)], run.error[kept // 10], rtol=6e-3)


def test_T20s_figure_3_needs_the_whole_gradient(measure):
    """Median leaving times of ten seeds, which spread by a quarter: many units at tau = 1, and two at large tau."""
    left = {
        (K, tau, rule): np.median(figure_3(K, tau, rule)[1])
        for K, tau in ((5, 1.0), (10, 1.0), (2, 5.0), (2, 20.0))
        for rule in NORMALIZATIONS
    }
    gaps = [abs(left[K, 1.0, "batch-stop-gradient"] / left[K, 1.0, "none"] - 1) for K in (5, 10)]
    measure("T20-fig3", max(gaps), 0.2)
    for K, tau, rule in left:
        if rule == "batch" or (rule == "batch-stop-gradient" and tau > 1):
            assert left[K, tau, rule] > 2 * left[K, tau, "none"]
    assert len(figure_3(2, 20.0, "none")[1]) >= 10


# ---- single runs
def leaving_times(rule, start, dimension):
    return read_times(load("committee_leaving")["data"]["runs"][f"{rule} {start:g} {dimension}"]["left"])


def test_leaving_begins_as_recorded():
    config = load("committee_leaving")["config"]
    got = leaving_runs("none", 0.1, 100, config["replicas"], part_generator(len(DIMENSIONS)))
    stored = load("committee_leaving")["data"]["runs"]["none 0.1 100"]
    np.testing.assert_allclose(read_times(stored["left"]), got["left"], rtol=0.01)  # one record more or less
    np.testing.assert_allclose(stored["asymmetry"], got["asymmetry"], rtol=6e-3)  # three digits are stored


@pytest.mark.parametrize("rule", LEAVING_RULES)
def test_runs_from_symmetry_leave_by_noise(rule, measure):
    """A run is a flow from e = c |z| / sqrt N, z Gaussian: quartiles at three N from flows, with c fitted to medians.

    Standard errors of order statistics; the flows by another integrator than the record's, on all order parameters.
    """
    starts = np.geomspace(1e-5, 0.03, 6)
    times = np.linspace(0, 200 if rule == "batch" else 40, 801)
    paths = flow_many([plateau_bound(rule, e) for e in starts], times, normalization=rule, input_variance=4.0)
    flows = [np.interp(math.log(0.5), np.log(e), times) for e in asymmetry(paths)]
    runs = {N: leaving_times(rule, 0.0, N) for N in DIMENSIONS}
    z = norm.ppf([0.875, 0.75, 0.625])  # quartiles of |z|, the largest first: it leaves first
    density = 2 * z * norm.pdf(z)  # of ln|z| there
    seen = np.interp([np.median(t) for t in runs.values()], flows[::-1], np.log(starts[::-1]))
    constant = np.mean(seen + 0.5 * np.log(DIMENSIONS)) - math.log(z[1])
    gaps = []
    for N, left in runs.items():
        early, middle, late = np.interp(constant + np.log(z) - 0.5 * math.log(N), np.log(starts), flows)
        pace, count = (late - early) / math.log(z[0] / z[2]), len(left)
        gaps.append(abs(np.median(left) - middle) / (pace / (2 * density[1] * math.sqrt(count))))
        a, b = density[0], density[2]
        error = pace * math.sqrt((3 / a**2 + 3 / b**2 - 2 / (a * b)) / (16 * count))
        wide = np.subtract(*np.quantile(left, [0.75, 0.25], method="median_unbiased"))
        gaps.append(abs(wide - (late - early)) / error)
    measure("own-leaving-times", max(gaps), 3.5)


def test_runs_with_asymmetry_gather_on_the_flow():
    """R - S = 0.1: the spread falls as N^(-1/2), within its standard error of 1/sqrt(2n) each; means near the flow."""
    for rule in LEAVING_RULES:
        times = [leaving_times(rule, 0.1, N) for N in DIMENSIONS]
        path = reduced_flow(restrict(plateau_bound(rule, 0.1)), np.linspace(0, 40, 801), 2, 4.0, normalization=rule)
        apart = (path.R[:, 0, 0] - path.R[:, 0, 1]) / np.sqrt(path.Q[:, 0, 0])
        leaves = float(np.interp(0.5, apart, path.times))
        x = np.log(DIMENSIONS) - np.mean(np.log(DIMENSIONS))
        exponent = x @ [math.log(t.std(ddof=1)) for t in times] / (x @ x)
        error = 1 / math.sqrt(2 * len(times[0])) / np.linalg.norm(x)
        assert abs(exponent + 0.5) < 4 * error
        assert times[-1].mean() == pytest.approx(leaves, rel=0.05)  # eta/b and 1/b at b = 100: some percent
    assert ASYMMETRIES == (0.0, 0.1)


def test_the_spread_of_leaving_times_from_a_start_apart():
    """Middle halves, as printed: without normalization theory from a start apart is above 1.28 / lambda."""
    for rule, plain, theory in (("none", 2.0, (2.5, 2.4, 2.4)), ("batch", 12.1, (12.0, 12.0, 12.0))):
        rate = escape_rate(2, 4.0, normalization=rule, squared_norm=1.0)
        assert 1.28 / rate == pytest.approx(plain, abs=0.05)
        early, _, late = find("single-runs").result(rule=rule)["theory"].T
        assert late - early == pytest.approx(theory, abs=0.051)


# ---- the figure of one plateau
def test_the_asymmetry_at_which_the_error_shows_it():
    """e_1 at two, five and ten units, what a tenth of the asymmetry costs, and how far the law is off."""
    figure = find("plateau")
    ends = {K: [r["e1"] for tau in (0.5, 1.0, 10.0) for r in figure.result(students=K, input_variance=tau)["runs"]]
            for K in (5, 10)}  # fmt: skip
    assert 0.4 < min(ends[5]) and max(ends[10]) < 0.65
    first, second = figure.result()["runs"]
    assert first["e1"] == pytest.approx(0.24, abs=0.005)
    lengths = [run["end"] - run["start"] for run in (first, second)]
    assert lengths[1] - lengths[0] == pytest.approx(37.8, abs=0.05)
    far = figure.result(students=10, input_variance=10.0, asymmetry=1e-6, rule="batch")
    run = far["runs"][0]
    assert (run["end"] - run["start"]) * far["rate"] / math.log(run["e1"] / run["e0"]) == pytest.approx(0.70, abs=0.01)


# ---- learning rates and batch sizes
def rate_runs(rule, b, eta):
    """Steps to leave for good, inf where a run does not leave or ends above the plateau's error; and late errors."""
    stored = load("committee_learning_rates")["data"]["runs"][f"{rule} {b} {eta:g}"]
    errors = np.array(stored["error"])
    return np.where(errors < plateau_error(2), read_times(stored["left"]), math.inf), errors


def test_rates_begin_as_recorded():
    """Lengths after 20 000 noisy steps; the number of a part is that of the grid: rule, batch size, rate."""
    number, replicas = (len(BATCH_SIZES) * len(RATES) + RATES.index(8.0)), 16
    run = train_overlaps(
        plateau_bound("batch", 0.02), 100, STEPS, normalization="batch", batch_size=BATCH_SIZES[0], learning_rate=8.0,
        center=False, replicas=replicas, record_every=STEPS, rng=part_generator(number),
    )  # fmt: skip
    stored = load("committee_learning_rates")["data"]["runs"][f"batch {BATCH_SIZES[0]} 8"]
    np.testing.assert_allclose(stored["squared_norm"], run.Q[:, -1, 0, 0], rtol=6e-3)


def test_no_rate_lets_batch_normalization_leave_first(measure):
    """Medians at every rate and batch size where both leave, and the best rates of both."""
    ratios, best = [], {}
    for b in BATCH_SIZES:
        medians = {rule: np.array([np.median(rate_runs(rule, b, eta)[0]) for eta in RATES]) for rule in RATE_RULES}
        both = np.isfinite(medians["none"]) & np.isfinite(medians["batch"])
        ratios += list(medians["none"][both] / medians["batch"][both])
        fast = both & (np.array(RATES) >= 1)
        assert (medians["none"][fast] / medians["batch"][fast]).max() < 0.75
        best[b] = medians["batch"].min() / medians["none"].min()
    measure("T20-discussion", max(ratios), 1.0)
    assert min(best.values()) > 1.5 and max(best.values()) < 5


def test_what_the_chapter_says_of_rates():
    """Medians of steps, runs that stay, and the late errors of batch normalization, as printed."""
    assert np.median(rate_runs("none", 4, 0.5)[0]) == 15480 and np.median(rate_runs("batch", 4, 0.5)[0]) == 15875
    assert [np.isinf(rate_runs(rule, 4, 0.5)[0]).sum() for rule in ("batch", "none")] == [5, 1]
    assert [np.median(rate_runs(rule, 64, 1)[0]) for rule in ("batch", "none")] == [13955, 7430]
    assert np.median(rate_runs("batch", 4, 1)[0]) == 10235
    best = {
        rule: [min(np.median(rate_runs(rule, b, eta)[0]) for eta in RATES) for b in BATCH_SIZES] for rule in RATE_RULES
    }
    assert (min(best["none"]), max(best["none"])) == (60, 1210)
    assert (min(best["batch"]), max(best["batch"])) == (295, 2340)
    late = {(b, eta): np.median(rate_runs("batch", b, eta)[1]) for b in BATCH_SIZES for eta in RATES}
    printed = {(4, 2.0): 4.2e-3, (4, 64.0): 4.4e-3, (128, 2.0): 6.7e-6, (128, 256.0): 1.1e-4}
    for setting, error in printed.items():
        assert late[setting] == pytest.approx(error, rel=0.05)
    for b in BATCH_SIZES[1:]:
        assert 0.24 < late[b, 2.0] / late[b // 2, 2.0] < 0.34


def test_batch_normalization_leaves_where_plain_descent_breaks():
    """Without normalization nothing is learned above 1.2 eta_c, and all is learned below eta_c / 2 (at N = 100 the last
    octave suffers from eta / N); with it most runs leave at four times eta_c."""
    for b in BATCH_SIZES:
        critical = critical_rate(2, batch_size=b)
        for eta in RATES:
            learned = np.isfinite(rate_runs("none", b, eta)[0])
            if eta > 1.2 * critical:
                assert not learned.any()
            elif 1 <= eta < critical / 2:
                assert learned.all()
            if critical < eta < min(4 * critical, 500):
                assert np.isfinite(rate_runs("batch", b, eta)[0]).mean() > 0.5
                assert np.median(rate_runs("batch", b, eta)[1]) > 1e-5  # an error that stays
