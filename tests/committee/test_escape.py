"""Escape times of many runs: the implicit integrator, the start near the plateau, and the delay law on a map."""

import math

import numpy as np
import pytest

from bnlib.committee import (
    NORMALIZATIONS,
    asymmetry,
    delay,
    escape_rate,
    escape_times,
    find_plateau,
    fixed_point,
    flow,
    plateau_start,
    restrict,
)
from bnlib.committee.rosenbrock import integrate_stiff


def growing(states, runs):
    """dt = 1, dy = k y cos t, dz = -1000 (z - cos t) - sin t: z = cos t is reached at once and then kept."""
    t, y, z = np.moveaxis(states, -1, 0)
    k = np.array([-1.0, 0.3, 2.0])[runs]
    return np.stack([np.ones_like(t), k * y * np.cos(t), -1000 * (z - np.cos(t)) - np.sin(t)], axis=-1)


def growing_slope(states, runs):
    moved = states + 1e-40j * np.eye(3)[:, None]
    return np.moveaxis(growing(moved, runs).imag, 0, -1) / 1e-40


@pytest.mark.parametrize("rtol", [1e-4, 1e-6, 1e-8])
def test_the_implicit_integrator_against_solutions_in_closed_form(rtol):
    """Three runs with growth of their own and a mode of rate 1000; times may differ and lie within one step.

    A step's error is rtol; some tens of steps, and the growth e^2 up to e^4 from trough to crest: 300 times rtol.
    """
    times = np.linspace(0, 4, 41) * np.array([[1.0], [0.5], [0.8]])
    start = np.tile([0.0, 1.0, 1.0], (3, 1))
    got = integrate_stiff(growing, growing_slope, start, times, rtol, rtol)
    k = np.array([-1.0, 0.3, 2.0])[:, None]
    np.testing.assert_allclose(got[..., 1], np.exp(k * np.sin(times)), rtol=300 * rtol)
    np.testing.assert_allclose(got[..., 2], np.cos(times), atol=300 * rtol)


def test_the_implicit_integrator_is_of_order_four():
    """Half the step, one sixteenth of the error: fixed steps, for one step's increments are what `_stages` gives."""
    from bnlib.committee.rosenbrock import _stages

    def error(steps):
        y, h, runs = np.array([[0.0, 1.0, 1.0]]), np.array([2.0 / steps]), np.array([2])
        for _ in range(steps):
            _, y = _stages(growing, growing_slope(y, runs), y, h, runs)
        return abs(y[0, 1] - math.exp(2 * math.sin(2)))

    assert error(80) / error(160) == pytest.approx(16, rel=0.25)  # next order: h / its radius, some 10 %


@pytest.mark.parametrize("rule", NORMALIZATIONS)
@pytest.mark.parametrize("K, tau, norm", [(2, 1.0, 1.0), (4, 3.0, 0.1)])
def test_escape_times_against_the_full_flow(rule, K, tau, norm):
    """Another integrator, all K^2 overlaps, 2000 records in place of 800: interpolation is second order, 1e-4."""
    keywords = {"normalization": rule, "squared_norm": None if rule == "none" else norm}
    start = plateau_start(K, tau, asymmetry=1e-3, **keywords)
    rate = escape_rate(K, tau, normalization=rule, squared_norm=norm)
    path = flow(start, np.linspace(0, 12 / rate, 2001), normalization=rule, input_variance=tau)
    wanted = find_plateau(path, input_variance=tau).end
    assert escape_times([restrict(start)], K, tau, normalization=rule)[0] == pytest.approx(wanted, rel=3e-4)


def test_the_start_is_real_weights_with_that_asymmetry():
    """A Gram matrix has no negative eigenvalue; e as `asymmetry` measures it, to O(e^2); e -> 0 is the fixed point."""
    for K, e in ((2, 0.3), (5, 0.01)):
        p = plateau_start(K, 2.0, normalization="batch", squared_norm=0.4, asymmetry=e)
        assert np.linalg.eigvalsh(np.block([[p.Q, p.R], [p.R.T, p.T]])).min() > -1e-12
        assert asymmetry(p) == pytest.approx(e, rel=e * e)
    near = plateau_start(3, normalization="none", asymmetry=1e-9)
    np.testing.assert_allclose(restrict(near), restrict(fixed_point(3, normalization="none")), atol=1e-8)


def test_the_delay_law_on_a_map(measure):
    """Six by six settings from e_0 = 1e-4 and 1e-6: the gain in escape time is free of how a plateau ends.

    Its ratio BN / none is the law's, but for the records: their spacing is 26 / 800 e-foldings, 0.7 % of ln 100, and
    no more than a part of that is lost between two.
    """
    K, tau = (axis.ravel() for axis in np.meshgrid([2, 3, 5, 10, 20, 40], np.geomspace(0.3, 8, 6)))
    gains = {}
    for rule, norm in (("none", None), ("batch", 0.1)):
        gains[rule] = np.diff([
            escape_times(
                [
                    restrict(plateau_start(int(k), t, normalization=rule, squared_norm=norm, asymmetry=e))
                    for k, t in zip(K, tau)
                ],
                K, tau, normalization=rule,
            )
            for e in (1e-4, 1e-6)
        ], axis=0)[0]  # fmt: skip
    law = np.array([delay(int(k), t, squared_norm=0.1) for k, t in zip(K, tau)])
    assert (law < 1).any() and (law > 1).any()
    measure("own-delay-law", np.abs(gains["batch"] / gains["none"] / law - 1).max(), 0.006)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"starts": [[1.0, 1.0, 0.5, 0.5]]}, "starts must have R and S that differ"),
        ({"starts": [[1.0, 1.0, 0.6]]}, "starts must have axes"),
        ({"normalization": "no"}, "normalization must be"),
    ],
)
def test_bad_starts_are_refused(change, says):
    settings = {"starts": [[0.3, 0.3, 0.4, 0.39]], "K": 2, "normalization": "none", **change}
    with pytest.raises(ValueError, match=says):
        escape_times(**settings)


@pytest.mark.parametrize("e", [0, 1.0, -0.1])
def test_bad_asymmetries_are_refused(e):
    with pytest.raises(ValueError, match="asymmetry must be"):
        plateau_start(2, normalization="none", asymmetry=e)
