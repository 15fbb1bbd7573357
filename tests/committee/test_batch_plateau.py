"""The plateau in small batches: series, first order and quadrature against each other and against the flow itself."""

import math

import numpy as np
import pytest

from bnlib.committee import (
    OrderParameters,
    batch_plateau,
    correction_parts,
    effective_error,
    escape_rate,
    opening_rate,
)
from bnlib.committee.batch_plateau import METHODS
from bnlib.committee.dynamics import pack, unpack, velocity
from bnlib.committee.order_parameters import output_signs

CENTERED = pytest.mark.parametrize("center", [False, True], ids=["uncentered", "centered"])


def plateau_start(K, point):
    """Order parameters of the fixed point at |J|^2 = 1."""
    Q = np.where(np.eye(K, dtype=bool), 1.0, point.correlation)
    return OrderParameters(Q, np.full((K, K), point.overlap), np.eye(K), np.full(K, point.gain))


def flow_jacobian_at(start, tau, b, center, eta=1e-9):
    """The corrected flow on all order parameters, linearised by differences of order 4, and its velocity there; eta so
    small that the noise of the steps does not count. Over eta."""
    K, c = start.K, output_signs(start.K, start.K)
    point = pack(start.Q, start.R, start.gain)

    def f(state):
        return (
            pack(*velocity(*unpack(state, K, K), start.T, eta, tau, eta**2 * tau / b, c, True, (1 / b, center))) / eta
        )

    h, columns = 1e-3, []
    for way in np.eye(len(point)):
        columns.append((8 * (f(point + h * way) - f(point - h * way)) - f(point + 2 * h * way) + f(point - 2 * h * way))
                       / (12 * h))  # fmt: skip
    return f(point), np.column_stack(columns)


@pytest.mark.parametrize("K, tau, b", [(2, 1.0, 10), (2, 1.0, 30), (3, 2.0, 40)])
@CENTERED
def test_fixed_point_and_rate_of_the_corrected_flow(K, tau, b, center, measure):
    """The flow stands still at the first-order fixed point, and the one positive eigenvalue of its linearisation on all
    order parameters, (K - 1)^2 times, is the rate in closed form; differences are good to h^4 = 1e-12."""
    point = batch_plateau(K, tau, batch_size=b, center=center)
    still, jacobian = flow_jacobian_at(plateau_start(K, point), tau, b, center)
    assert np.abs(still).max() < 1e-9
    values = np.sort(np.linalg.eigvals(jacobian).real)[::-1]
    leaving = (K - 1) ** 2
    assert np.all(values[leaving:] < 1e-6)
    measure("own-batch-escape", np.abs(values[:leaving] / point.escape_rate - 1).max(), 1e-6)


@pytest.mark.parametrize("K, tau", [(2, 1.0), (2, 2.0), (3, 1.0), (4, 0.7)])
@CENTERED
def test_series_is_the_limit_of_the_first_order(K, tau, center, measure):
    """b (quantity - its value at b = infinity) of the fixed point, extrapolated from b = 500 and 1000 times the scale
    of the expansion, against the coefficients in closed form. What is left is (1/500)^2, times a number of order 10."""
    scale = K**2 * (1 + tau) * (K + (K - 1) * tau) / tau**2
    g0, rate = math.sqrt(tau / (K + (K - 1) * tau)), escape_rate(K, tau, normalization="batch")

    def shifts(b, method):
        p = batch_plateau(K, tau, batch_size=b, center=center, method=method)
        shift = [1 - p.correlation, math.log(p.gain / g0), p.escape_rate / rate - 1, 1 - p.overlap * math.sqrt(K)]
        return b * np.array(shift)

    b = 500 * scale
    extrapolated = 2 * shifts(2 * b, "first-order") - shifts(b, "first-order")
    coefficients = 2 * shifts(2 * b, "series") - shifts(b, "series")
    measure("own-batch-series", np.abs(extrapolated / coefficients - 1).max(), 1e-3)


@CENTERED
def test_first_order_plateau_against_quadrature(center, measure):
    """K = 2, tau = 1: the rate of escape at b = 20 and 40 to O(1/b^2), within 10/b^2 of the exact one."""
    for b in (20, 40):
        rates = [batch_plateau(2, batch_size=b, center=center, method=m).escape_rate for m in ("first-order", "exact")]
        measure("own-plateau-quadrature", b * b * abs(rates[0] / rates[1] - 1), 10)


def test_students_open_and_leave_sooner_in_smaller_batches(measure):
    """K = 2 to 5, tau = 0.5 to 4: the correlation falls and the rate rises from b = 1000 down to 10, monotonously."""
    for K in (2, 3, 5):
        for tau in (0.5, 1.0, 4.0):
            points = [batch_plateau(K, tau, batch_size=b) for b in (1000, 300, 100, 30, 10)]
            assert np.all(np.diff([p.correlation for p in points]) < 0)
            assert np.all(np.diff([p.escape_rate for p in points]) > 0)
            assert points[0].escape_rate > escape_rate(K, tau, normalization="batch")


@pytest.mark.parametrize("K, tau", [(2, 1.0), (3, 2.0)])
def test_identical_students_part_outside_the_teachers(K, tau, measure):
    """Identical students with gains at rest, b = 10^4: relative motion with R as it is grows at `opening_rate`; its own
    O(1/b) is 2 % here. The rate is that of 1 - rho, over 2: Q_ij moves at second order in the angle."""
    b, low, L = 1e4, K + (K - 1) * tau, K * (1 + tau)
    gain = math.sqrt(tau / low) * math.exp(-(L + 4 * tau) / (4 * (L + tau)) / b)
    small = 1e-6
    rho, m = 1 - small, math.sqrt(1 - (K - 1) / K * small) / math.sqrt(K)
    Q = np.where(np.eye(K, dtype=bool), 1.0, rho)
    start = OrderParameters(Q, np.full((K, K), m), np.eye(K), np.full(K, gain))
    dQ, _, _ = velocity(start.Q, start.R, start.gain, start.T, 1.0, tau, 0.0, output_signs(K, K), True, (1 / b, False))
    measure("own-students-open", abs(-dQ[0, 1] / (2 * small) / opening_rate(K, tau, batch_size=b) - 1), 0.05)


@pytest.mark.parametrize("K, tau", [(2, 1.0), (3, 1.0), (2, 2.0)])
def test_what_opens_the_students_is_the_noise_that_they_share(K, tau):
    """eps_g + P/b along 1 - rho, the gain at its minimum (to first order it shifts by -P_g / b eps_gg): the sum of the
    parts' slopes gives `opening_rate` by a road without the flow, the own vote gives nothing, and the shared part a
    tenth too much at tau = 1, which the log gains' part takes back. Slopes are taken at 1 - rho = 2h and not at 0:
    off by some multiples of h."""
    h, at = 5e-4, 0.5 * math.log(tau / (K + (K - 1) * tau))

    def parts(opening, log_gain):
        m = math.sqrt(1 - (K - 1) / K * opening) / math.sqrt(K)
        Q = np.where(np.eye(K, dtype=bool), 1.0, 1 - opening)
        p = OrderParameters(Q, np.full((K, K), m), np.eye(K), np.full(K, math.exp(log_gain)))
        found = correction_parts(p, input_variance=tau, center=False)
        return np.array([*(found[name] for name in ("gain", "shared", "own")), effective_error(
            p, batch_size=math.inf, input_variance=tau, center=False)])  # fmt: skip

    corner = {(i, j): parts(2 * h + i * h, at + j * h) for i in (-1, 0, 1) for j in (-1, 0, 1)}
    by_opening = (corner[1, 0] - corner[-1, 0]) / (2 * h)
    by_gain = (corner[0, 1] - corner[0, -1]) / (2 * h)
    bend = (corner[0, 1] - 2 * corner[0, 0] + corner[0, -1])[3] / h**2
    mixed = (corner[1, 1] - corner[1, -1] - corner[-1, 1] + corner[-1, -1])[3] / (4 * h * h)
    gains, shared, own = by_opening[:3] - mixed / bend * by_gain[:3]
    total = gains + shared + own
    rate = -2 * total / (K - 1)  # v_i of equal length and sum 0: 1 - rho = sum |v_i|^2 / (K - 1); v moves by -gradient
    assert rate == pytest.approx(opening_rate(K, tau, batch_size=10.0) * 10, rel=20 * h)
    assert abs(own) < 4 * h * abs(total)
    assert shared / total == pytest.approx(1.1 if tau == 1 else 1.06, abs=0.01)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"batch_size": 5}, "batch_size must be >= 6"),
        ({"batch_size": math.inf}, "batch_size must be finite"),
        ({"batch_size": 48, "method": "series"}, 'batch_size must be > 48 for the "series"'),
        ({"batch_size": 2000, "method": "exact"}, "batch_size must be from 5 to 1000"),
        ({"method": "guess"}, f"method must be one of {', '.join(map(repr, METHODS))}"),
        ({"K": 1}, "K must be a whole number >= 2"),
    ],
)
def test_bad_input_is_refused(change, says):
    with pytest.raises(ValueError, match=says):
        batch_plateau(**({"K": 2, "batch_size": 30} | change))
