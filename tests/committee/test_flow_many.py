"""Many flows at once against the flow of each, by another integrator."""

import math

import numpy as np
import pytest
from scipy.special import erf

from bnlib.committee import NORMALIZATIONS, OrderParameters, flow, flow_many
from bnlib.committee.runge_kutta import integrate_many
from tests.committee.setting import outputs, random_start

TIMES = np.array([0.0, 0.3, 2.0, 2.0, 12.0])
TIGHT = {"rtol": 1e-10, "atol": 1e-12}


def starts(rule, runs=6, **keywords):
    return [random_start(seed, gains=rule != "none", **keywords) for seed in range(runs)]


@pytest.mark.parametrize("rule", NORMALIZATIONS)
@pytest.mark.parametrize("K, M, count", [(2, 2, 1), (3, 2, 2)])
def test_each_run_is_its_own_flow(rule, K, M, count):
    """Every setting differs from run to run; teachers too. Two integrators at rtol 1e-10 over some 10^3 steps."""
    many, w = starts(rule, K=K, M=M), outputs(3, K, M, count)
    eta, tau = np.linspace(0.5, 1.5, 6), np.linspace(0.6, 2.0, 6)
    b = np.array([math.inf, 5, 10, 100, math.inf, 20])
    settings = {"normalization": rule, **w, **TIGHT}
    if rule == "batch-stop-gradient":  # keep Q_ii - g_i^2 > 0: else students come close to length zero
        many = [OrderParameters(p.Q, p.R, p.T, 0.7 * np.sqrt(np.diag(p.Q))) for p in many]
    got = flow_many(many, TIMES, learning_rate=eta, input_variance=tau, batch_size=b, **settings)
    for i, start in enumerate(many):
        one = flow(start, TIMES, learning_rate=eta[i], input_variance=tau[i], batch_size=b[i], **settings)
        for name in ("Q", "R", "gain", "error"):
            if getattr(one, name) is not None:
                np.testing.assert_allclose(getattr(got.run(i), name), getattr(one, name), atol=1e-7)
        np.testing.assert_array_equal(got.at(3, i).T, start.T)


def test_times_may_differ_from_run_to_run():
    many = starts("none", 3)
    times = np.array([[0.0, 1.0, 5.0], [0.5, 0.5, 80.0], [0.0, 0.0, 0.0]])
    got = flow_many(many, times, normalization="none", **TIGHT)
    for i, start in enumerate(many):
        one = flow(start, times[i], normalization="none", **TIGHT)
        np.testing.assert_allclose(got.Q[i], one.Q, atol=1e-7)
        np.testing.assert_array_equal(got.run(i).times, times[i])


def test_a_run_does_not_feel_the_others():
    """Steps are a run's own: alone or among others the same numbers, but for the order of sums in a product."""
    many = starts("batch", 5)
    together = flow_many(many, TIMES, normalization="batch")
    alone = flow_many(many[3:4], TIMES, normalization="batch")
    np.testing.assert_allclose(together.Q[3], alone.Q[0], atol=1e-12)


def test_shared_teachers_are_kept_once():
    start = random_start(1, gains=False)
    path = flow_many([start] * 3, [0, 1], normalization="none", learning_rate=[0.5, 1, 2])
    np.testing.assert_array_equal(path.T, start.T)
    assert path.error.shape == (3, 2) and path.error[0, 1] != path.error[1, 1]


def test_the_integrator_against_solutions_in_closed_form():
    """dy/dt = k y cos t and dy/dt = k exp(-t^2): y in closed form, at many times within one step (interpolation)."""
    k = np.array([-1.0, 0.3, 2.0])
    times = np.repeat(np.linspace(0, 4, 97)[None], 3, axis=0)

    def derivative(states, runs):
        t, y, _ = states.T
        return np.stack([np.ones_like(t), k[runs] * y * np.cos(t), k[runs] * np.exp(-t * t)], axis=-1)

    got = integrate_many(derivative, np.tile([0.0, 1.0, 0.0], (3, 1)), times, 1e-10, 1e-10)
    want = np.exp(k[:, None] * np.sin(times)), k[:, None] * math.sqrt(math.pi) / 2 * erf(times)
    np.testing.assert_allclose(got[..., 0], times, atol=1e-9)
    np.testing.assert_allclose(got[..., 1], want[0], atol=1e-8)  # some 20 steps of 1e-10, times the growth e^2
    np.testing.assert_allclose(got[..., 2], want[1], atol=1e-8)


def test_a_looser_tolerance_costs_accuracy_as_it_should():
    """Error per rtol stays of one order of magnitude or two over six of rtol."""
    many = starts("none", 4)
    exact = flow_many(many, [20.0], normalization="none", rtol=1e-13, atol=1e-15).Q
    for rtol in (1e-4, 1e-7, 1e-10):
        gap = np.abs(flow_many(many, [20.0], normalization="none", rtol=rtol, atol=rtol).Q - exact).max()
        assert gap < 30 * rtol


def test_a_run_that_cannot_be_followed_is_nan_and_named():
    """At g^2 > Q the papers' update shrinks a student to nothing; the run beside it goes on."""
    lost = OrderParameters(np.eye(2), [[0.11, 0.09], [0.09, 0.11]], np.eye(2), [2.0, 2.0])
    kept = OrderParameters(np.eye(2), [[0.11, 0.09], [0.09, 0.11]], np.eye(2), [1.0, 1.0])
    with pytest.warns(RuntimeWarning, match="1 of 2 runs could not be followed to their last time: 0"):
        path = flow_many([lost, kept], [0.0, 20.0], normalization="batch-stop-gradient")
    assert np.isfinite(path.Q[:, 0]).all() and np.isfinite(path.Q[1]).all() and np.isnan(path.Q[0, 1]).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"starts": []}, "starts must hold at least one"),
        ({"starts": [random_start(0, gains=False), random_start(0, K=3, gains=False)]}, "starts must all have K, M"),
        ({"starts": [random_start(0)]}, "gain must be left out"),
        ({"times": [1, 0]}, "times must start at or above 0"),
        ({"times": [[1, 2]]}, "times must have axes"),
        ({"times": [[1, 2], [2, 1]]}, "times must start"),
        ({"learning_rate": [1.0, 1.0, 1.0]}, "learning_rate must be one number or 2"),
        ({"learning_rate": [1.0, -1.0]}, "learning_rate must be a finite number > 0"),
        ({"batch_size": 0}, "batch_size must be a number > 0"),
        ({"input_variance": math.inf}, "input_variance must be a finite"),
    ],
)
def test_bad_settings_are_refused(change, says):
    settings = {"starts": starts("none", 2), "times": [0, 1], "normalization": "none", **change}
    with pytest.raises(ValueError, match=says):
        flow_many(settings.pop("starts"), settings.pop("times"), **settings)
