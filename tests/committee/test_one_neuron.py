"""One neuron in small batches, against quadrature of its loss and of the exact training-mode error."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq

from bnlib.committee import OrderParameters, batch_correction, gain_shift, phi, phi_slope, training_error

CENTERED = pytest.mark.parametrize("center", [False, True], ids=["uncentered", "centered"])


@pytest.mark.parametrize("tau", [0.05, 1.0, 4.0])
def test_one_neuron_against_quadrature_of_its_loss(tau, measure):
    """K = 1: P = g^2 <l'' z^2> / 4 + 5 g d_g eps / 4 - g <l' z^3> / 2, the first term being Theorem 1 of Luo et al.; if
    centered 5/4 -> 3/4 and + g^2 <l''> / 2. Averages by Gauss and Hermite, over z = x/sigma and the teacher given z."""
    gain, R = 0.9, 0.7
    p = OrderParameters([[1.3]], [[R * math.sqrt(1.3)]], [[1.0]], [gain])
    terms = one_neuron_terms(gain, R, tau)
    uncentered = terms["decay"] + 1.25 * terms["along"] - terms["cubic"]
    centered = terms["decay"] + 0.75 * terms["along"] - terms["cubic"] + terms["mean"]
    for center, expected in ((False, uncentered), (True, centered)):
        gap = batch_correction(p, center=center, input_variance=tau) / expected - 1
        measure("own-one-neuron", abs(gap), 1e-8)


def one_neuron_terms(gain, R, tau):
    """<l'' z^2> g^2 / 4, g <l' z>, g <l' z^3> / 2 and g^2 <l''> / 2 by Gauss and Hermite."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    z, y = nodes[:, None], math.sqrt(tau) * (R * nodes[:, None] + math.sqrt(1 - R * R) * nodes)
    h = gain * z
    delta = phi(h) - phi(y)
    first, second = delta * phi_slope(h), phi_slope(h) ** 2 - delta * h * phi_slope(h)
    values = {
        "decay": gain**2 * second * z * z / 4,
        "along": gain * first * z,
        "cubic": gain * first * z**3 / 2,
        "mean": gain**2 * second / 2,
    }
    return {name: weights @ value @ weights for name, value in values.items()}


@pytest.mark.parametrize("tau", [0.1, 0.4, 3.0])
@CENTERED
def test_where_the_gain_of_one_neuron_settles(tau, center, measure):
    """All readings: minus the slope of each correction over the curvature of eps_g, by differences of the averages, and
    for what descends in fact the minimum of the exact error at b = 200 and 400, extrapolated in 1/b."""
    sigma, h = math.sqrt(tau), 1e-2

    def slope(name):
        at = [one_neuron_terms(sigma * math.exp(n * h), 1.0, tau)[name] for n in (-2, -1, 1, 2)]
        return np.dot(at, [1, -8, 8, -1]) / (12 * h)

    stiff, decay, cubic, mean = (slope(name) for name in ("along", "decay", "cubic", "mean"))
    others = decay + 0.75 * stiff + center * (mean - 0.5 * stiff)
    expected = {
        "gamma decay": decay + center * mean,
        "batch of others": others,
        "training mode": others + 0.5 * stiff - cubic,
    }
    for reading, force in expected.items():
        gap = gain_shift(tau, reading=reading, center=center) + force / stiff
        measure("own-gain-shift", abs(gap), 1e-5)
    shifts = [b * settled_log_gain(b, sigma, tau, center) for b in (200, 400)]
    assert 2 * shifts[1] - shifts[0] == pytest.approx(gain_shift(tau, center=center), abs=2e-3)  # O(1 / 200^2) * 80


def settled_log_gain(b, sigma, tau, center):
    """Where the exact training-mode error of one neuron is smallest, from ln sigma."""

    def force(u, h=0.05):
        def error(v):
            p = OrderParameters([[1.0]], [[1.0]], [[1.0]], [sigma * math.exp(v)])
            return training_error(p, batch_size=b, center=center, input_variance=tau)

        return (8 * (error(u + h) - error(u - h)) - error(u + 2 * h) + error(u - 2 * h)) / (12 * h)

    return brentq(force, -0.2, 0.1, xtol=1e-9)


@pytest.mark.parametrize(
    "change, says", [({"reading": "guess"}, "reading must be one of"), ({"input_variance": -1}, "inp")]
)
def test_bad_input_is_refused(change, says):
    with pytest.raises(ValueError, match=says):
        gain_shift(**change)
