r"""The symmetric plateau at finite batch size: where it is, and how fast it is left.

With correlation rho of the students, overlap m = R / sqrt Q with each teacher and q = g^2, all alike, K^2 m^2 =
1 + (K-1) rho where the students' parts outside the teachers' space cancel, and the training-mode error is

    S = (K/2) F_s(q) + (K(K-1)/2) F_p(q, rho) - K^2 F_t(q, m) + const

F_s, F_p, F_t are the averages of a student with itself, another one, and a teacher. At infinite batch size S is
smallest at rho = 1, and motion of the students outside the teachers' space is neutral. At finite b noise in the batch's
deviations is shared by parallel students, S is smallest at rho < 1, and the students open. There two of the three terms
of the second variation cancel, and the rate of escape is (eta / Q) d^2 F_t / dm^2. This book's; chapter 15.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import root

from bnlib import checks
from bnlib.committee.batch_quadrature import check_quadrature, pair_average, self_average, teacher_average
from bnlib.committee.finite_batch import check_batch_size, pair_terms, teacher_slope
from bnlib.committee.plateau import escape_rate
from bnlib.committee.reduced import STEP

METHODS = ("first-order", "exact", "series")


@dataclass(frozen=True)
class BatchPlateau:
    """The symmetric fixed point at finite batch size, and the rate of escape from it.

    Attributes
    ----------
    correlation : float
        rho = Q_ij / Q_ii of two students; 1 at infinite batch size.
    overlap : float
        m = R_in / sqrt Q_ii.
    gain : float
    escape_rate : float
        Per unit of time, steps / N.
    """

    correlation: float
    overlap: float
    gain: float
    escape_rate: float


def batch_plateau(
    K, input_variance=1.0, *, batch_size, center=True, learning_rate=1.0, squared_norm=1.0, method="first-order"
):
    r"""The symmetric fixed point of exact batch normalization at batch size b.

    For K = M, orthonormal teachers and a learning rate so small that the noise of the steps and the growth of |J|^2 do
    not count (eta -> 0 at fixed |J|^2).

    Parameters
    ----------
    K, input_variance
        As in `fixed_point`.
    batch_size : float
        b; at least 5 (6 if centered), for "series" also more than :math:`2K^2(1+\tau)\kappa/\tau^2`,
        :math:`\kappa=K+(K-1)\tau`.
    center : bool
        Whether the batch mean is subtracted.
    learning_rate, squared_norm : float
        eta and :math:`|J_i|^2`.
    method : {"first-order", "exact", "series"}
        The stationary point of eps_g + P/b, good to 5 % in 1 - rho and 1 % in the gain for b >= 10 at K = 2, tau = 1
        (batches not centered); that of the exact error by quadrature, a fraction of a second; or the first term of
        both in 1/b, whose range is the b given above: about 8 K^3 at tau = 1.

    Returns
    -------
    BatchPlateau

    Raises
    ------
    ValueError
        For arguments out of range.
    RuntimeError
        If no fixed point is found.

    >>> point = batch_plateau(2, batch_size=30, center=False)
    >>> round(1 - point.correlation, 3), round(point.gain, 3)
    (0.235, 0.621)
    >>> round(point.escape_rate / escape_rate(2, normalization="batch"), 3)
    1.316
    """
    K, tau = checks.whole("K", K, 2), checks.positive("input_variance", input_variance)
    b = check_batch_size(batch_size, center)
    eta, Q = checks.positive("learning_rate", learning_rate), checks.positive("squared_norm", squared_norm)
    checks.one_of("method", method, METHODS)
    if math.isinf(b):
        raise ValueError("batch_size must be finite; at infinite batch size see fixed_point; got inf")
    if method == "series":
        return _series(K, tau, b, center, eta, Q)
    sums = (
        _FirstOrder(K, tau, b, center)
        if method == "first-order"
        else _Exact(K, tau, check_quadrature(b, center), center)
    )
    opening = K**2 * (1 + tau) * (K + (K - 1) * tau) / (tau**2 * b)
    guess = [0.5 * math.log(tau / (K + (K - 1) * tau)) + 0.1 / K, math.log(opening / (1 + 2.5 * opening))]
    if method == "exact":
        near = batch_plateau(K, tau, batch_size=b, center=center)
        guess = [math.log(near.gain), math.log1p(-near.correlation)]

    def pull(point):  # the restoring force on rho is weak near 1: divided by it, both numbers are of order 1
        along_gain, along_opening = sums.gradient(point)
        return [along_gain, along_opening * math.exp(-2 * point[1])]

    found = root(pull, guess, tol=1e-10)
    if not np.abs(found.fun).max() < 1e-6:  # above b = 10^5 round-off ends the search before its tolerance does
        raise RuntimeError(f"no fixed point found at K = {K}, input_variance = {tau:g}, batch_size = {b:g}")
    gain, rho = math.exp(found.x[0]), -math.expm1(found.x[1])
    m = math.sqrt(1 + (K - 1) * rho) / K
    return BatchPlateau(rho, m, gain, eta / Q * sums.curvature(gain, m))


def opening_rate(K, input_variance=1.0, *, batch_size, learning_rate=1.0, squared_norm=1.0):
    r"""Rate at which nearly identical students part outside the teachers' space, to first order in 1/b.

    .. math:: \lambda_{out} = \frac{K(1+\tau)\kappa}{\tau^2b}\,\lambda_{BN},\qquad\kappa=K+(K-1)\tau

    centered or not (this book's; chapter 15). At infinite batch size this motion is neutral.

    Parameters
    ----------
    K, input_variance, learning_rate, squared_norm
        As in `escape_rate`.
    batch_size : float
        b >= 5; ``math.inf`` gives 0.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> rate = escape_rate(2, normalization="batch")
    >>> round(opening_rate(2, batch_size=12) / rate, 6)
    1.0
    """
    rate = escape_rate(K, input_variance, normalization="batch", learning_rate=learning_rate, squared_norm=squared_norm)
    tau = float(input_variance)
    return K * (1 + tau) * (K + (K - 1) * tau) / (tau**2 * check_batch_size(batch_size, False)) * rate


class _FirstOrder:
    """F_s, F_p, F_t to first order in 1/b; the gradient of S by a complex step."""

    def __init__(self, K, tau, b, center):
        self.K, self.tau, self.b, self.center = K, tau, b, center

    def gradient(self, point):
        """dS / d (ln g, ln(1 - rho))."""
        return [self._error(*(np.array(point) + 1j * STEP * unit)).imag / STEP for unit in np.eye(2)]

    def _error(self, log_gain, log_opening):
        K, tau = self.K, self.tau
        q, rho = np.exp(2 * log_gain), 1 - np.exp(log_opening)
        r = np.sqrt(q * tau * (1 + (K - 1) * rho)) / K
        own, pair = self._average(q, q, q, True), self._average(q, q, rho * q, True)
        return K / 2 * own + K * (K - 1) / 2 * pair - K**2 * self._average(q, tau, r, False)

    def _average(self, q, t, r, student):
        first, both = pair_terms(q, t, r, student, self.center)
        return 2 / np.pi * (np.arcsin(r / np.sqrt((1 + q) * (1 + t))) + (first + both) / self.b)

    def curvature(self, gain, m):
        """d^2 F_t / dm^2: a complex step on the closed first derivative."""
        scale = gain * math.sqrt(self.tau)
        return scale**2 * teacher_slope(gain**2, self.tau, scale * m + 1j * STEP, self.b, self.center).imag / STEP


class _Exact:
    """F_s, F_p, F_t by quadrature; centered batches are uncentered ones of b - 1 (module `batch_quadrature`)."""

    def __init__(self, K, tau, b, center):
        self.K, self.tau = K, tau
        self.shrunk, self.b = (math.sqrt(1 - 1 / b), b - 1) if center else (1.0, b)

    def gradient(self, point, step=1e-3):
        """dS / d (ln g, ln(1 - rho)) by differences of order 4."""
        sides = [(np.array(point) + step * n * unit) for unit in np.eye(2) for n in (-2, -1, 1, 2)]
        values = np.array([self._error(*side) for side in sides]).reshape(2, 4)
        return values @ [1, -8, 8, -1] / (12 * step)

    def _error(self, log_gain, log_opening):
        K, gain, rho = self.K, math.exp(log_gain), -math.expm1(log_opening)
        m = math.sqrt(1 + (K - 1) * rho) / K
        pair = pair_average(gain, gain, rho, self.b)
        return K / 2 * self_average(gain, self.b) + K * (K - 1) / 2 * pair - K**2 * self._teacher(gain, m)

    def _teacher(self, gain, m):
        return teacher_average(gain, self.shrunk * math.sqrt(self.tau) * m, self.tau, self.b)

    def curvature(self, gain, m, step=0.01):
        """d^2 F_t / dm^2 by differences of order 6."""
        values = np.array([self._teacher(gain, m + n * step) for n in range(-3, 4)])
        return values @ [2, -27, 270, -490, 270, -27, 2] / (180 * step**2)


def _series(K, tau, b, center, eta, Q):
    low, L = K + (K - 1) * tau, K * (1 + tau)
    opening = K**2 * (1 + tau) * low / (tau**2 * b)
    if opening >= 0.5:
        raise ValueError(
            f'batch_size must be > {2 * opening * b:g} for the "series" at K = {K}, input_variance = {tau:g}; got {b:g}'
        )
    log_gain = -(L + 4 * tau) / (4 * (L + tau)) + (K - 1) * K**2 * (1 + tau) ** 2 / (2 * tau**2)
    ell = K * L**3 - K * L**2 + tau * (tau + 2) * K * L - tau**2 * (3 * tau + 2) * K + 4 * tau**3
    ell *= L / (tau**2 * (L + tau) ** 2)
    if center:
        log_gain -= L / (2 * low)
        ell -= 3 * L**2 / (low * (low + 2 * tau))
    m = math.sqrt(1 / K) * (1 - (K - 1) / (2 * K) * opening)
    rate = escape_rate(K, tau, normalization="batch", learning_rate=eta, squared_norm=Q)
    return BatchPlateau(1 - opening, m, math.sqrt(tau / low) * (1 + log_gain / b), rate * (1 + ell / b))
