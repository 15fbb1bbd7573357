"""The mean step at every batch size: against quadrature's error, sampled batches, the first order, and the plateau."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import eval_gegenbauer, hyp2f1, poch

from bnlib.committee import OrderParameters, batch_plateau, flow, flow_many, training_error
from bnlib.committee import exact_drift as module
from bnlib.committee.batch_quadrature import sample_correlation
from bnlib.committee.dynamics import pack, smallness, unpack, velocity
from bnlib.committee.exact_drift import NODES, ExactDrift, correlation_moments, sphere_harmonics
from bnlib.committee.order_parameters import joint_overlaps, output_signs
from bnlib.committee.training import Rule
from tests.committee.setting import outputs, random_start, weights_of

CASES = {
    "2 2 1": (random_start(1, size=1.5), {"input_variance": 1.0}),
    "3 2 2": (random_start(2, K=3, size=1.2), {"input_variance": 2.0}),
    "1 3 0.5, two outputs": (random_start(3, K=1, M=3), {"input_variance": 0.5, **outputs(4, 1, 3, 2)}),
}
CENTERED = pytest.mark.parametrize("center", [False, True], ids=["uncentered", "centered"])
DEGREES = np.arange(1, NODES, 2)


def step_of(p, settings, small):
    """Pull and change of the gains, and dR, dQ_ij for i < j, without the noise of the steps, eta = 1."""
    c = output_signs(p.K, p.M, *(settings.get(k) for k in ("student_output", "teacher_output")))
    dQ, dR, dg = velocity(p.Q, p.R, p.gain, p.T, 1.0, settings["input_variance"], 0.0, c, True, small)
    return np.concatenate([dR.ravel(), dQ[np.triu_indices(p.K, 1)], dg])


@pytest.mark.parametrize("b", [10, 31.5, 100])
def test_moments_are_means_of_gegenbauer_polynomials(b):
    """Over Fisher's law of the sample correlation, by the trapezium rule of `batch_quadrature`, which is good to ten
    digits here; degrees up to 19."""
    for rho in (-0.6, 0.2, 0.95):
        kappa, weight = sample_correlation(rho, b)
        polynomials = eval_gegenbauer(DEGREES[:10, None], b / 2 - 1, kappa)
        means = polynomials @ weight / eval_gegenbauer(DEGREES[:10], b / 2 - 1, 1.0)
        np.testing.assert_allclose(correlation_moments(rho, b)[0][:10], means, atol=1e-9)


@pytest.mark.parametrize("b", [3, 4, 7, 30, 999])
def test_moments_are_gauss_functions(b):
    """The same integral done by hand; scipy's F is right for squares below 0.9 only. At rho = 1 every M_l is 1."""
    rho = np.linspace(-0.94, 0.94, 21)[:, None]
    front = poch(b / 2, DEGREES / 2) / poch((b + DEGREES) / 2, DEGREES / 2)
    gauss = front * rho**DEGREES * hyp2f1(DEGREES / 2, DEGREES / 2, b / 2 + DEGREES, rho**2)
    np.testing.assert_allclose(correlation_moments(rho[:, 0], b)[0], gauss, atol=1e-11)
    ones = np.ones(len(DEGREES))
    np.testing.assert_allclose(correlation_moments([1.0, -1.0], b)[0], [ones, -ones], atol=1e-12)


@pytest.mark.parametrize("b", [3, 5, 30, 999])
def test_slopes_of_the_moments(b):
    """Integrated from 0 to rho the derivative gives the moment, to quad's 1e-8; up to parallel students."""
    for rho, number in ((1.0, 0), (0.97, 3), (1.0, 10)):
        found = quad(lambda r, n=number: correlation_moments(r, b)[1][n], 0, rho, limit=200)[0]
        assert found == pytest.approx(correlation_moments(rho, b)[0][number], abs=1e-8)


def test_harmonics_are_those_of_the_sphere():
    """p_l at the nodes against Gegenbauer's polynomials, normalised by the Gauss rule itself."""
    w, weight, harmonics = sphere_harmonics(12.0)
    for row, n in zip(harmonics[:12], DEGREES):
        values = eval_gegenbauer(n, 5.0, w / math.sqrt(12))
        values /= math.sqrt(weight @ values**2)
        np.testing.assert_allclose(row * np.sign(row[-1]), weight * values, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("b", [5.0, 20.0])
@CENTERED
def test_exact_drift_is_minus_the_gradient_of_the_training_error(case, b, center, measure):
    """Gradients of quadrature's error by differences on real weights, off by h^4 = 1e-8 times a fifth derivative."""
    p, settings = CASES[case]
    found = step_of(p, settings, ExactDrift(b, center))
    J, B = weights_of(p, p.K + p.M)

    def error(J, gain):
        q = OrderParameters.from_weights(J, B, gain)
        return training_error(q, batch_size=b, center=center, **settings)

    def slope(f, h=1e-2):
        return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)

    def of_weights(i, way):
        away = np.outer(np.eye(p.K)[i], way)
        return -slope(lambda h: error(J + h * away, p.gain))

    R = [of_weights(i, B[n]) for i in range(p.K) for n in range(p.M)]
    Q = [of_weights(i, J[j]) + of_weights(j, J[i]) for i, j in zip(*np.triu_indices(p.K, 1))]
    g = [-slope(lambda h, way=way: error(J, p.gain + h * way)) for way in np.eye(p.K)]
    measure("own-exact-drift", np.abs(found - [*R, *Q, *g]).max(), 1e-6)


@CENTERED
def test_exact_drift_against_sampled_batches(center):
    """Mean step of 120 000 batches of 6 through `Rule.backpropagate`: within 4.5 standard errors, where the first order
    is more than 7 away."""
    p, tau, b, batches = random_start(1, size=1.5), 1.7, 6, 120_000
    rng, rule = np.random.default_rng(b), Rule(p, "batch", b, 1.0, tau, center, True, None, None)
    rows, sampled = np.vstack(weights_of(p, 4)), []
    for _ in range(6):
        z = math.sqrt(tau) * rng.standard_normal((batches // 6, b, 4)) @ rows.T
        c, dg = rule.backpropagate(z[..., :2], z[..., 2:], np.broadcast_to(p.gain, (batches // 6, 2)))
        steps = np.swapaxes(c, -1, -2) @ z / b
        sampled.append(np.column_stack([steps[..., 2:].reshape(-1, 4), steps[:, 0, 1] + steps[:, 1, 0], dg]))
    sampled = np.concatenate(sampled)
    error = sampled.std(axis=0) / math.sqrt(batches)
    kinds = [smallness(kind, "batch", b, p.gain, center) for kind in (True, "exact")]
    gaps = [np.abs(sampled.mean(axis=0) - step_of(p, {"input_variance": tau}, kind)) / error for kind in kinds]
    assert gaps[0].max() > 7
    assert gaps[1].max() < 4.5


@pytest.mark.parametrize("case", CASES)
@CENTERED
def test_first_order_is_the_limit_of_the_exact_drift(case, center):
    """b^2 times what the first order leaves tends to a constant, its change halving with 1/b (0.6 for 1/b^2 more); and
    is not zero."""
    p, settings = CASES[case]
    values = [b * b * (step_of(p, settings, ExactDrift(b, center)) - step_of(p, settings, (1 / b, center)))
              for b in (200, 400, 800)]  # fmt: skip
    changes = [np.linalg.norm(b - a) for a, b in zip(values, values[1:])]
    assert changes[1] < 0.6 * changes[0]
    assert changes[1] < 0.05 * np.linalg.norm(values[2])


@pytest.mark.parametrize("K, tau, b", [(2, 1.0, 6), (2, 1.0, 30), (3, 2.0, 15)])
@CENTERED
def test_exact_drift_at_the_exact_plateau(K, tau, b, center):
    """Quadrature's fixed point stands still under it, and its one positive eigenvalue, (K-1)^2 times, is quadrature's
    rate of escape: 1e-6, the error of the differences there."""
    point = batch_plateau(K, tau, batch_size=b, center=center, method="exact")
    Q = np.where(np.eye(K, dtype=bool), 1.0, point.correlation)
    start = OrderParameters(Q, np.full((K, K), point.overlap), np.eye(K), np.full(K, point.gain))
    small, c, state = ExactDrift(b, center), output_signs(K, K), pack(start.Q, start.R, start.gain)

    def f(state):
        return pack(*velocity(*unpack(state, K, K), start.T, 1.0, tau, 0.0, c, True, small))

    ways = 1e-3 * np.eye(len(state))
    jacobian = (8 * (f(state + ways) - f(state - ways)) - f(state + 2 * ways) + f(state - 2 * ways)) / 12e-3
    assert np.abs(f(state)).max() < 1e-6
    values = np.sort(np.linalg.eigvals(jacobian).real)[::-1]
    leaving = (K - 1) ** 2
    np.testing.assert_allclose(values[:leaving], point.escape_rate, rtol=1e-5)
    assert np.all(values[leaving:] < 1e-6)


def test_parallel_students_and_silent_ones():
    """At correlation 1 two students move as one; a gain of 0 is allowed, and nothing is nan where rounding makes the
    correlation larger than 1."""
    one = OrderParameters([[0.7]], [[0.3]], [[1.0]], [0.8])
    two = OrderParameters(np.full((2, 2), 0.7), [[0.3], [0.3]], [[1.0]], [0.8, 0.8])
    half, whole = (
        flow(p, [3.0], normalization="batch", batch_size=7, finite_batch="exact", center=False, student_output=w)
        for p, w in ((two, [[0.5], [0.5]]), (one, [[1.0]]))
    )
    np.testing.assert_allclose(half.R[0, :, 0], half.R[0, ::-1, 0])
    raw, c = joint_overlaps(two.Q * (1 + 1e-15), two.R, two.T), output_signs(2, 1, [[0.5], [0.5]])
    pull, change = ExactDrift(7, False).step(raw, two.gain, c)
    alone = ExactDrift(7, False).step(joint_overlaps(one.Q, one.R, one.T), one.gain, output_signs(1, 1))
    np.testing.assert_allclose(2 * pull[:, 2], alone[0][0, 1], rtol=1e-12)
    np.testing.assert_allclose(2 * change, alone[1][0], rtol=1e-12)
    pull, change = ExactDrift(7, False).step(raw, np.zeros(2), c)
    assert np.isfinite(pull).all() and np.isfinite(change).all() and np.all(pull == 0)


def test_more_nodes_change_nothing(monkeypatch):
    """Half as many again, of both rules: 1e-10 for gains up to 2, b = 4 and 200; the docstring has 1e-8 up to 1000."""
    p = random_start(5, K=4, size=1.5)
    p = OrderParameters(p.Q, p.R, p.T, [0.5, 1.0, 1.5, 2.0])

    def steps():
        module.sphere_harmonics.cache_clear(), module.moment_rule.cache_clear()
        return [step_of(p, {"input_variance": 1.0}, ExactDrift(b, False)) for b in (4, 200)]

    usual = steps()
    monkeypatch.setattr(module, "NODES", 120)
    monkeypatch.setattr(module, "STEPS", 150)
    more = steps()
    module.sphere_harmonics.cache_clear(), module.moment_rule.cache_clear()
    np.testing.assert_allclose(usual, more, atol=1e-10)


def test_flows_and_many_flows():
    """`flow_many` is `flow`; at infinite batch size and without normalization there is nothing exact to add."""
    starts = [random_start(seed) for seed in (8, 9)]
    settings = {"normalization": "batch", "batch_size": 8, "finite_batch": "exact"}
    many = flow_many(starts, [0, 2.0, 5.0], **settings)
    for number, start in enumerate(starts):
        one = flow(start, [0, 2.0, 5.0], **settings)
        np.testing.assert_allclose(many.R[number], one.R, atol=1e-7)
        np.testing.assert_allclose(many.gain[number], one.gain, atol=1e-7)
    plain = random_start(6, gains=False)
    for p, rule, b in ((starts[0], "batch", math.inf), (plain, "none", 5)):
        one, other = (flow(p, [3.0], normalization=rule, batch_size=b, finite_batch=kind) for kind in (False, "exact"))
        np.testing.assert_array_equal(one.R, other.R)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"finite_batch": "Exact"}, "finite_batch must be False, True or"),
        ({"normalization": "batch-stop-gradient"}, "finite_batch must be False or True when normalization is"),
        ({"batch_size": 4}, "batch_size must be from 5 to 1000"),
        ({"batch_size": 3, "center": False}, "batch_size must be from 4 to 1000"),
        ({"batch_size": 2000}, "batch_size must be from 5 to 1000"),
    ],
)
def test_bad_input_is_refused(change, says):
    settings = {"normalization": "batch", "batch_size": 10, "finite_batch": "exact"} | change
    with pytest.raises(ValueError, match=says):
        flow(random_start(1), [1.0], **settings)


def test_many_flows_of_different_batches_are_refused():
    with pytest.raises(ValueError, match="batch_size must be the same for all runs"):
        flow_many([random_start(1)] * 2, [1.0], normalization="batch", batch_size=[8, 9], finite_batch="exact")
