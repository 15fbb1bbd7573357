r"""The flow of batch normalization itself: the exact gradient through the statistics of batches of M, N -> infinity.

Within a batch the field is a standard normal a_i times L, its mean mu and deviation s (of a), z_i = (a_i - mu) / s; the
teacher's field is t_i = R a_i + sqrt(1 - R^2) b_i. With delta_i = g'(gamma z_i) (g(t_i) - g(gamma z_i)) and the error
that back-propagation leaves, e_i = delta_i - mean(delta) - z_i mean(delta z),

    J1 = gamma <mean(delta z)>,   J2 = <sum e^2 / s^2> / M,   J3 = <mean(e t) / s>

take the places of I1, I2 (divided by M) and I3: d gamma/dt = eta (J1 / gamma - zeta gamma),
dR/dt = eta gamma J3 / L^2 - eta^2 gamma^2 R J2 / (2 M L^4), dL/dt = eta^2 gamma^2 J2 / (2 M L^3). As e has no
part along the field, no term with R J1 appears. The paper does not derive this flow; it is the book's.
"""

import math

import numpy as np
from scipy.optimize import brentq
from scipy.special import erf

from bnlib import checks
from bnlib.perceptron.averages import ACTIVATIONS, activation_and_slope
from bnlib.perceptron.dynamics import _integrated, _start, not_negative
from bnlib.perceptron.statistics import (
    gaussian_mean_inverse_sigma,
    gaussian_mean_inverse_square_sigma,
    gaussian_mean_sigma,
)

SMALLEST = 4  # <1 / s^2> is infinite for M <= 3, and with it the noise


def batch_fixed_gain(activation, batch_size):
    r"""The gain at which online training with batch normalization ends, R = 1: the root of <mean(delta z)> = 0.

    Identity: <s>, by `gaussian_mean_sigma`; ReLU: 2 <[z]+ [mu + s z]+>; erf: a root. By quadrature over z, whose law is
    (1 - z^2 / (M-1))^((M-4)/2), and the independent s; the mean mu is integrated out in closed form.

    Parameters
    ----------
    activation : {"relu", "erf", "identity"}
    batch_size : int
        M >= 3.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        For an unknown activation or M < 3.

    >>> [round(batch_fixed_gain("relu", M), 10) for M in (4, 8, 32)]
    [0.8212129075, 0.9087123348, 0.9769653736]
    """
    M = checks.whole("batch_size", batch_size, 3)
    if checks.one_of("activation", activation, ACTIVATIONS) == "identity":
        return gaussian_mean_sigma(M)
    z, weight_z = _half_law(M)
    s, weight_s = _deviations(M)
    m, v = s[:, None] * z, 1 / M
    if activation == "relu":
        density = np.exp(-(m**2) / (2 * v)) * math.sqrt(v / (2 * math.pi))
        mean = m * (1 + erf(m / math.sqrt(2 * v))) / 2 + density  # of [mu + s z]+ over mu
        return 2 * float(weight_s @ (mean * z) @ weight_z) / 2  # z > 0 has probability 1/2
    mean = weight_s @ erf(m / math.sqrt(2 * (1 + v)))

    def drive(gamma):
        return float(weight_z @ (np.exp(-((gamma * z) ** 2) / 2) * z * (mean - erf(gamma * z / math.sqrt(2)))))

    return brentq(drive, 1e-3, 2.0, xtol=1e-14)


def _half_law(M, count=120):
    """Nodes z > 0 and weights (sum 1) of the law of a self-normalized field, given its sign."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    angle = math.pi / 4 * (nodes + 1)
    # a large M gathers the law at small angles: cos^(M-3) < 1e-17 beyond a few 1 / sqrt M
    angle = angle * min(1.0, 12 / math.sqrt(M) / (math.pi / 2))
    density = weights * np.exp((M - 3) * np.log(np.cos(angle)))
    return math.sqrt(M - 1) * np.sin(angle), density / density.sum()


def _deviations(M, count=160):
    """Nodes and weights (sum 1) of the deviation s, M s^2 being chi-squared with M - 1 degrees of freedom."""
    centre, width = math.sqrt((M - 2) / M), 9 / math.sqrt(2 * M)
    low, high = max(0.0, centre - width), centre + width
    nodes, weights = np.polynomial.legendre.leggauss(count)
    s = low + (high - low) * (nodes + 1) / 2
    log = (M - 2) * np.log(s) - M * s**2 / 2
    density = weights * np.exp(log - log.max())
    return s, density / density.sum()


class BatchAverages:
    """J1, J2, J3 at (gamma, R): closed forms for the identity, else means over a fixed sample of batches.

    >>> J = BatchAverages("identity", 8, None, 0)
    >>> [round(float(part), 6) for part in J(0.5, 1.0)]  # (<s> - gamma) gamma, 0, 0
    [0.201352, 0.0, 0.0]
    """

    def __init__(self, activation, batch_size, rng, batches):
        self.M = checks.whole("batch_size", batch_size, SMALLEST)
        self.activation = checks.one_of("activation", activation, ACTIVATIONS)
        if activation != "identity":
            self.g, self.slope = activation_and_slope(activation)
            count = checks.whole("batches", batches, 2)
            self.a, self.b = checks.generator("rng", rng).standard_normal((2, count, self.M))
            self.s = self.a.std(axis=1, keepdims=True)
            self.z = (self.a - self.a.mean(axis=1, keepdims=True)) / self.s

    def __call__(self, gamma, R):
        """J1, J2, J3 as floats."""
        if self.activation == "identity":
            return self._identity(gamma, R)
        t = R * self.a + math.sqrt(1 - R**2) * self.b
        h = gamma * self.z
        delta = self.slope(h) * (self.g(t) - self.g(h))
        along = (delta * self.z).mean(axis=1, keepdims=True)
        error = delta - delta.mean(axis=1, keepdims=True) - self.z * along
        return gamma * along.mean(), np.mean((error / self.s) ** 2), np.mean(error * t / self.s)

    def _identity(self, gamma, R):
        """e is sqrt(1 - R^2) times what b has across 1 and z: M - 2 directions."""
        M = self.M
        free = (1 - R**2) * (M - 2) / M
        return (
            gamma * (R * gaussian_mean_sigma(M) - gamma),
            free * gaussian_mean_inverse_square_sigma(M),
            free * gaussian_mean_inverse_sigma(M),
        )


def batch_flow(
    start, times, *, activation, learning_rate, batch_size, zeta=0.0, batches=2000, rng=None, rtol=1e-8, atol=1e-10
):
    r"""The order parameters (gamma, R, L) against time under batch normalization with batches of M.

    Exact gradient through mean and deviation, new batches throughout, N -> infinity at fixed M.

    Parameters
    ----------
    start, times, activation, learning_rate, zeta, rtol, atol
        As in `flow`; zeta is a decay of gamma beside what the batches do by themselves.
    batch_size : int
        M >= 4; below that <1/s^2>, the noise of the steps, is infinite.
    batches : int
        Size of the fixed sample over which averages are taken for ReLU and erf; their relative error is about
        1 / sqrt(batches * M). The identity has closed forms.
    rng : numpy.random.Generator
        Draws that sample; not needed for the identity.

    Returns
    -------
    array (times, 3)
        gamma, R, L.

    Raises
    ------
    ValueError
        For arguments out of range.
    RuntimeError
        If the integrator stops before the last time.

    Notes
    -----
    One evaluation costs some 50 ns a number of the sample: about 0.1 s a run for 2000 batches of 8.

    >>> batch_flow((0.7, 0.3, 1.0), [0, 30], activation="identity", learning_rate=1.0, batch_size=8).round(4)[-1]
    array([0.9027, 1.    , 1.0373])
    """
    gamma, R, L = _start("start", start, ("gamma", "R", "L"))
    eta, zeta = checks.positive("learning_rate", learning_rate), not_negative("zeta", zeta)
    times = checks.increasing("times", times)
    averages = BatchAverages(activation, batch_size, rng, batches)

    def derivative(state):
        gamma, R, L = state
        J1, J2, J3 = averages(gamma, min(1.0, max(-1.0, R)))
        noise = eta**2 * gamma**2 * J2 / (2 * averages.M * L**3)
        return [eta * (J1 / gamma - zeta * gamma), eta * gamma * J3 / L**2 - noise * R / L, noise]

    return _integrated(derivative, [gamma, R, L], times, rtol, atol)
