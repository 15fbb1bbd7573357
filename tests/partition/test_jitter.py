"""Laws of batch statistics: all batches counted one by one, Monte Carlo with its standard error, and limits."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from bnlib.book.figures import find
from bnlib.partition import Network, batch_statistics
from bnlib.partition import jitter as j

LAWS = {
    "gauss": (lambda rng, size: rng.standard_normal(size), 1.0, 3.0),
    "uniform": (lambda rng, size: rng.uniform(-math.sqrt(3), math.sqrt(3), size), 1.0, 1.8),
    "exponential": (lambda rng, size: rng.exponential(size=size), 1.0, 9.0),
    "sign": (lambda rng, size: rng.choice([-1.0, 1.0], size), 1.0, 1.0),
}


def all_batches(values, B, replace):
    """mu_B and sigma_B^2 (divisor B) of every possible batch, each equally likely."""
    draw = itertools.product(values, repeat=B) if replace else itertools.combinations(values, B)
    batches = np.array(list(draw))
    return batches.mean(axis=1), batches.var(axis=1)


@pytest.mark.parametrize("replace", [True, False])
@pytest.mark.parametrize("B", [2, 3, 4, 5])
def test_moments_over_all_batches_of_six_numbers(B, replace, measure):
    """Exact: every batch is counted, so that only round-off is left."""
    values = np.random.default_rng(0).exponential(size=6)
    mean, m2, m4 = (float(m[0]) for m in j.projection_moments(values[:, None], [[1.0]]))
    mu, var = all_batches(values, B, replace)
    population = None if replace else 6
    pairs = [
        (mu.mean(), mean),
        (mu.var(), j.variance_of_mean(m2, B, population=population)),
        (var.mean(), j.mean_of_variance(m2, B, population=population)),
        (var.var(), j.variance_of_variance(m2, m4, B, population=population)),
        ((var * B / (B - 1)).mean(), j.mean_of_variance(m2, B, population=population, unbiased=True)),
        ((var * B / (B - 1)).var(), j.variance_of_variance(m2, m4, B, population=population, unbiased=True)),
    ]
    gap = max(abs(found / formula - 1) for found, formula in pairs)
    assert gap < 1e-12
    measure("B22-prop2", gap, 1e-12)


def test_a_batch_of_everything_does_not_jitter():
    """The last digit of a mean is all that may be left."""
    assert j.variance_of_mean(2.0, 7, population=7) == 0
    assert abs(j.variance_of_variance(2.0, 5.0, 7, population=7)) < 1e-15
    points = np.random.default_rng(1).standard_normal((7, 2))
    mu, sigma = j.statistics_of_batches(points, np.eye(2), j.draw_batches(7, 7, 20, np.random.default_rng(2)))
    assert np.ptp(mu, axis=0).max() < 1e-15 and np.ptp(sigma, axis=0).max() < 1e-15


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("B", [4, 16])
def test_monte_carlo_for_four_laws(law, B):
    """40 000 batches; each of the three numbers within 4.5 of its own standard errors."""
    draw, m2, m4 = LAWS[law]
    batches = draw(np.random.default_rng([B, len(law)]), (40_000, B))
    mu, var = batches.mean(axis=1), batches.var(axis=1)
    for sample, formula in (
        ((mu - mu.mean()) ** 2, j.variance_of_mean(m2, B)),
        (var, j.mean_of_variance(m2, B)),
        ((var - var.mean()) ** 2, j.variance_of_variance(m2, m4, B)),
    ):
        error = sample.std(ddof=1) / math.sqrt(len(sample))
        assert abs(sample.mean() - formula) < 4.5 * error + 1e-12


def test_the_mix_up_of_conventions_is_a_factor():
    """The unbiased variance's formula beside the biased estimator: 1.78 at B = 4, 1.14 at 16, 1.008 at 256."""
    for B, factor in ((4, 16 / 9), (16, (16 / 15) ** 2), (256, (256 / 255) ** 2)):
        ratio = j.variance_of_variance(1.0, 3.0, B, unbiased=True) / j.variance_of_variance(1.0, 3.0, B)
        assert ratio == pytest.approx(factor, rel=1e-12)


def test_fourth_moment_of_independent_coordinates():
    """Two dice of known law, all 9 outcomes counted."""
    faces, chance = np.array([-1.0, 0.0, 2.0]), np.array([0.5, 0.25, 0.25])
    centred = faces - chance @ faces
    m2, m4 = chance @ centred**2, chance @ centred**4
    weight = np.array([1.3, -0.4])
    both = [(p * q, weight @ [a, b]) for (p, a), (q, b) in itertools.product(list(zip(chance, centred)), repeat=2)]
    exact = sum(p * u**4 for p, u in both)
    assert j.fourth_moment(weight, [math.sqrt(m2)] * 2, [m4 / m2**2 - 3] * 2) == pytest.approx(exact, rel=1e-13)


def test_uncorrelated_is_not_enough():
    """Uniform on a circle: zero covariance, yet m_4 of a projection is 3/8 of |w|^4 and not the coordinate formula's.

    Each coordinate has variance 1/2 and m_4 = 3/8, an excess kurtosis of -3/2; so for w = (1, 1) the formula gives
    3 - 2 (3/2) / 4 = 9/4, where 4 (3/8) = 3/2 is right.
    """
    angle = np.arange(1000) * 2 * np.pi / 1000
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    _, _, m4 = j.projection_moments(circle, [[1.0, 1.0]])
    assert m4[0] == pytest.approx(1.5, rel=1e-12)
    assert j.fourth_moment([1.0, 1.0], [0.5**0.5] * 2, [-1.5] * 2) == pytest.approx(2.25, rel=1e-12)


@pytest.mark.parametrize("B", [2, 3, 16])
def test_gaussian_densities(B):
    """They integrate to 1 and to the moments of the other formulas; SciPy's own laws agree. Quadrature to 1e-8."""
    sigma = 1.7
    total = quad(lambda s: j.gaussian_sigma_density(s, sigma, B), 0, 12)[0]
    second = quad(lambda s: s**2 * j.gaussian_sigma_density(s, sigma, B), 0, 12)[0]
    fourth = quad(lambda s: s**4 * j.gaussian_sigma_density(s, sigma, B), 0, 12)[0]
    assert total == pytest.approx(1, abs=1e-8)
    assert second == pytest.approx(j.mean_of_variance(sigma**2, B), rel=1e-8)
    assert fourth - second**2 == pytest.approx(j.variance_of_variance(sigma**2, 3 * sigma**4, B), rel=1e-6)
    at = np.linspace(0.01, 4, 30)
    law = stats.chi(B - 1, scale=sigma / math.sqrt(B))
    np.testing.assert_allclose(j.gaussian_sigma_density(at, sigma, B), law.pdf(at), rtol=1e-10)
    np.testing.assert_allclose(
        j.gaussian_mean_density(at, 0.3, sigma, B), stats.norm(0.3, sigma / math.sqrt(B)).pdf(at), rtol=1e-12
    )


@pytest.mark.parametrize("extra", [0.5, 1.0])
def test_controlled_noise_has_the_variance_that_is_said(extra):
    """The figure's 2 000 batches with added noise: both spreads within 4.5 of their standard errors."""
    for B in (4, 16, 64):
        r = find("batch-laws").result(batch_size=B, extra=extra)
        assert abs(r["found_mu"] / r["sd_mu"] - 1) < 4.5 / math.sqrt(2 * 2000)
        assert abs(r["found"] - r["formula"]) < 4.5 * r["error"]


def test_deviation_of_sigma_is_the_first_order():
    """Against the exact spread of a chi law: the next order is about 1/B, so 8 times the batch comes 8 times nearer."""
    gaps = []
    for B in (32, 256):
        exact = stats.chi(B - 1, scale=1 / math.sqrt(B)).std()
        gaps.append(abs(j.deviation_of_sigma(1.0, 3.0, B) / exact - 1))
    assert gaps[0] < 1 / 32 and gaps[0] / gaps[1] == pytest.approx(8, rel=0.1)


@pytest.mark.parametrize("in_batch", [False, True])
def test_flip_law(in_batch):
    """100 000 Gaussian batches at four levels: within 4.5 binomial standard errors."""
    rng, B = np.random.default_rng(5 + in_batch), 9
    batches = rng.standard_normal((100_000, B))
    for level in (0.1, 0.3, 0.5, 0.8):
        own = batches.copy()
        if in_batch:
            own[:, 0] = level
        flipped = np.mean(own.mean(axis=1) > level)
        law = float(j.flip_probability(level, B, in_batch=in_batch))
        assert abs(flipped - law) < 4.5 * math.sqrt(law * (1 - law) / len(batches))


@pytest.mark.parametrize("slope", [-1.0, -0.5, 0.0, 0.1, 0.3, 0.7, 1.0])
def test_straddling_of_two_points(slope, measure):
    """20 000 last layers of width 128 and batches of two: within 4 binomial errors, and 0.01 for the finite width.

    A unit normalized over two points is +1 on one and -1 on the other, whatever the layers before.
    """
    rng, tries, width = np.random.default_rng(11), 20_000, 128
    signs = rng.choice([-1.0, 1.0], (tries, width))
    row = rng.standard_normal((tries, width))
    logits = np.stack([np.sum(row * np.where(s > 0, s, slope * s), axis=1) for s in (signs, -signs)], axis=1)
    law = float(j.straddling_probability(slope))
    found = np.mean(j.straddles(logits))
    gap = abs(found - law)
    assert gap < 4 * math.sqrt(max(law * (1 - law), 1e-4) / tries) + 0.01
    measure("B22-prop3", gap, 0.03)


def test_straddling_in_whole_networks():
    """300 networks 2-64-64-1 on two points each, ReLU: half of them, within 4 binomial errors of 0.029."""
    rng, hits = np.random.default_rng(3), 0
    for _ in range(300):
        points = rng.standard_normal((2, 2))
        net = Network.with_batch_norm([rng.standard_normal(s) for s in ((64, 2), (64, 64))], points, 0.0)
        hits += bool(j.straddles(net.forward(points) @ rng.standard_normal(64)))
    assert abs(hits / 300 - 0.5) < 4 * math.sqrt(0.25 / 300)


def test_the_counterexample_to_proposition_3():
    """Points 1 and -1, weights (1, -1), last weights (1, 1), slope 0.1: both logits are 0.9."""
    points = np.array([[1.0], [-1.0]])
    net = Network.with_batch_norm([[[1.0], [-1.0]]], points, 0.1)
    logits = net.forward(points) @ [1.0, 1.0]
    np.testing.assert_allclose(logits, [0.9, 0.9], rtol=1e-15)
    assert not j.straddles(logits)
    assert j.mean_logit(net.preactivations(points)[0], [1.0, 1.0], 0.1) == pytest.approx(logits.mean(), rel=1e-15)


@pytest.mark.parametrize("slope", [0.0, 0.1, 0.7, 1.0, -1.0])
def test_the_mean_logit_by_the_network(slope):
    rng = np.random.default_rng(4)
    points, row = rng.standard_normal((16, 3)), rng.standard_normal(20)
    net = Network.with_batch_norm([rng.standard_normal((20, 3))], points, slope)
    logits = net.forward(points) @ row
    assert j.mean_logit(net.preactivations(points)[0], row, slope) == pytest.approx(logits.mean(), abs=1e-14)


@pytest.mark.parametrize("case", ["centred logit", "one unit", "slope one"])
def test_where_every_batch_does_straddle(case):
    """The three conditions that do guarantee it: 200 random batches each, none may fail."""
    rng = np.random.default_rng(6)
    for _ in range(200):
        points = rng.standard_normal((int(rng.integers(2, 9)), 3))
        width, slope = (1 if case == "one unit" else 12), (1.0 if case == "slope one" else rng.uniform(0.01, 0.9))
        net = Network.with_batch_norm([rng.standard_normal((8, 3)), rng.standard_normal((width, 8))], points, slope)
        logits = net.forward(points) @ np.abs(rng.standard_normal(width))
        if case == "centred logit":
            logits = logits - logits.mean()
        assert j.straddles(logits)


@pytest.mark.parametrize("inputs, shares", [(2, [44, 82, 86]), (10, [72, 96, 97])])
def test_most_batches_straddle_with_random_weights(inputs, shares):
    """The percentages of the chapter at B = 16, for slopes -1, 0 and 0.1; with two inputs B = 64 adds little."""
    found = find("straddling-batches").result(batch_size=16, inputs=inputs)["found"]
    assert np.round(100 * found[[0, 2, 3]]).tolist() == shares
    if inputs == 2:
        larger = find("straddling-batches").result(batch_size=64, inputs=2)["found"]
        assert (larger[:4] < 0.9).all() and (np.abs(larger - found) < 0.05).all()


def test_positive_last_weights_miss_the_boundary():
    """Width 256, batches of 16 in the plane, slopes up to 0.3: none of 300 straddles; the opposite of proposition 3."""
    rng = np.random.default_rng(9)
    x = rng.standard_normal((300, 16, 2))
    u = x @ rng.standard_normal((300, 2, 256))
    h = (u - u.mean(axis=1, keepdims=True)) / u.std(axis=1, keepdims=True)
    row = np.abs(rng.standard_normal((300, 256, 1)))
    for slope in (0.0, 0.1, 0.3):
        assert not j.straddles((np.where(h > 0, h, slope * h) @ row)[..., 0]).any()


def test_layer_one_moves_rigidly(measure):
    """Every hyperplane of a batch passes through the batch's mean; a first layer's rows are all it takes."""
    rng = np.random.default_rng(7)
    points, weight = rng.standard_normal((50, 2)) @ [[1, 0.4], [0, 2]], rng.standard_normal((30, 2))
    batches = j.draw_batches(50, 16, 4000, rng)
    mu, _ = j.statistics_of_batches(points, weight, batches)
    centres = points[batches].mean(axis=1)
    measure("own-rigid-jitter", np.abs(mu - centres @ weight.T).max(), 1e-13)
    covariance = np.cov(centres.T)
    expected = j.shift_covariance(points, 16)
    error = np.sqrt((np.outer(np.diag(expected), np.diag(expected)) + expected**2) / 4000)
    assert (np.abs(covariance - expected) < 4.5 * error).all()
    mu_all, sigma = batch_statistics(weight, points)
    rho = sigma / np.linalg.norm(weight, axis=1)
    moved = (mu - mu_all).std(axis=0) / np.linalg.norm(weight, axis=1)
    law = rho / 4 * math.sqrt((50 - 16) / 49)
    assert (np.abs(moved / law - 1) < 4.5 / math.sqrt(2 * 4000)).all()


def test_draws_are_without_replacement_unless_asked():
    rng = np.random.default_rng(8)
    batches = j.draw_batches(10, 7, 200, rng)
    assert all(len(set(batch)) == 7 for batch in batches.tolist())
    assert any(len(set(batch)) < 7 for batch in j.draw_batches(10, 7, 200, rng, replace=True).tolist())
    counts = np.bincount(j.draw_batches(10, 5, 4000, rng).ravel(), minlength=10)
    assert (np.abs(counts - 2000) < 4.5 * math.sqrt(4000 / 4)).all()


@pytest.mark.parametrize("call, named", [
    (lambda: j.variance_of_mean(-1.0, 4), "variance must be finite and >= 0"),
    (lambda: j.variance_of_mean(1.0, 0), "batch_size must be a whole number >= 1; got 0"),
    (lambda: j.variance_of_mean(1.0, 9, population=8), "batch_size must be at most the population 8; got 9"),
    (lambda: j.variance_of_variance(1.0, 3.0, 1), "batch_size must be a whole number >= 2"),
    (lambda: j.variance_of_variance(1.0, 3.0, 2, population=3), "population must be at least 4"),
    (lambda: j.straddling_probability(1.1), r"slope must be in \[-1, 1\]"),
    (lambda: j.draw_batches(3, 4, 1, np.random.default_rng(0)), "batch_size must be at most the population 3"),
    (lambda: j.draw_batches(3, 2, 1, 0), "rng must be a numpy.random.Generator"),
    (lambda: j.gaussian_sigma_density(1.0, 0.0, 4), "sigma must be finite and > 0"),
])  # fmt: skip
def test_bad_input_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call()
