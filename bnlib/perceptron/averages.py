r"""Averages that drive one unit: I1, I2, I3 of L19 section 3.1, their slopes, and the mean squared error.

A student g(s) learns from a teacher g(t). Over inputs with components of variance 1/N the fields s and t are Gaussian
with <s^2> = Q^2, <t^2> = 1, <s t> = Q R. With delta = g'(s) (g(t) - g(s)),

    I1 = <delta s>,   I2 = <delta^2> <|x|^2> = <delta^2>,   I3 = <delta t>.
"""

import math

import numpy as np
from scipy.special import erf

from bnlib import checks

ACTIVATIONS = ("relu", "erf", "identity")


def I123(Q, R, activation):
    r"""The averages I1 = <delta s>, I2 = <delta^2 |x|^2> and I3 = <delta t> in closed form.

    L19 section 3.1 and appendix C.5. For the error function L19 prints two arcsines in I2; there are three, and I3 is
    not printed.

    Parameters
    ----------
    Q : float or array
        Root mean square of the student's field, >= 0: gamma with weight or batch normalization, |w| / sqrt N without.
    R : float or array
        Cosine between student and teacher, in [-1, 1]; broadcast against `Q`.
    activation : {"relu", "erf", "identity"}
        g; "erf" is erf(x / sqrt 2).

    Returns
    -------
    tuple of three floats or arrays
        I1, I2, I3, in the broadcast shape.

    Raises
    ------
    ValueError
        For a negative `Q`, `R` beyond 1, or an unknown activation.

    >>> I123(1.0, 1.0, "relu")  # a student that equals its teacher rests
    (0.0, 0.0, 0.0)
    >>> [round(float(part), 6) for part in I123(0.5, 0.2, "erf")]
    [-0.071684, 0.19043, 0.35863]
    """
    Q, R = _fields(Q, R)
    return tuple(_plain(part) for part in FORMS[checks.one_of("activation", activation, ACTIVATIONS)](Q, R))


def I123_slopes(Q, R, activation):
    """Derivatives of I1, I2, I3: two tuples of three, with respect to `Q` and to `R`; arguments as in `I123`.

    At R = 1 they are the limits from below, which exist for all three activations.

    >>> on_Q, on_R = I123_slopes(0.8, 1.0, "relu")
    >>> [round(slope, 6) for slope in on_R]  # Q/2, -Q, -Q/2
    [0.4, -0.8, -0.4]
    """
    Q, R = _fields(Q, R)
    slopes = SLOPES[checks.one_of("activation", activation, ACTIVATIONS)](Q, R)
    return tuple(tuple(_plain(part + 0.0 * Q * R) for part in parts) for parts in slopes)


def mean_squared_error(Q, R, activation):
    """<(g(t) - g(s))^2>, the generalization error of one unit without a factor 1/2; arguments as in `I123`.

    >>> mean_squared_error(1.0, 0.0, "identity")
    2.0
    """
    Q, R = _fields(Q, R)
    checks.one_of("activation", activation, ACTIVATIONS)
    if activation == "identity":
        error = 1 + Q**2 - 2 * Q * R
    elif activation == "relu":
        error = 0.5 + Q**2 / 2 - 2 * Q * _half_overlap(R)
    else:
        overlap = np.arcsin(Q * R / np.sqrt(2 * (1 + Q**2)))
        error = 2 / math.pi * (math.pi / 6 + np.arcsin(Q**2 / (1 + Q**2)) - 2 * overlap)
    return _plain(np.maximum(error, 0.0))


def activation_and_slope(activation):
    """g and its derivative as functions of arrays.

    >>> g, slope = activation_and_slope("relu")
    >>> g(np.array([-1.0, 2.0])), slope(np.array([-1.0, 2.0]))
    (array([0., 2.]), array([0., 1.]))
    """
    checks.one_of("activation", activation, ACTIVATIONS)
    if activation == "relu":
        return (lambda x: np.maximum(x, 0.0)), (lambda x: np.where(x > 0, 1.0, 0.0))
    if activation == "erf":
        return (lambda x: erf(x / math.sqrt(2))), (lambda x: math.sqrt(2 / math.pi) * np.exp(-(x**2) / 2))
    return (lambda x: x), np.ones_like


def _fields(Q, R):
    """Both as arrays; ValueError where no Gaussian fields have them."""
    return checks.finite("Q", Q, least=0), np.asarray(checks.between("R", R, -1, 1))


def _plain(value):
    """An array without axes as a float."""
    value = np.asarray(value)
    return float(value) + 0.0 if value.ndim == 0 else value


def _half_overlap(R):
    """<[u]+ [t]+> of two standard normal variables with correlation R."""
    return (math.pi * R + 2 * np.sqrt(1 - R**2) + 2 * R * np.arcsin(R)) / (4 * math.pi)


def _relu(Q, R):
    A = _half_overlap(R)
    T = (math.pi + 2 * R * np.sqrt(1 - R**2) + 2 * np.arcsin(R)) / (4 * math.pi)  # <[s > 0] [t]+^2> with s, t alike
    return Q * A - Q**2 / 2, T + Q**2 / 2 - 2 * Q * A, T - Q * R / 2


def _relu_slopes(Q, R):
    A, slope_A = _half_overlap(R), (math.pi + 2 * np.arcsin(R)) / (4 * math.pi)
    slope_T = np.sqrt(1 - R**2) / math.pi
    return (A - Q, Q - 2 * A, -R / 2), (Q * slope_A, slope_T - 2 * Q * slope_A, slope_T - Q / 2)


def _identity(Q, R):
    return Q * R - Q**2, 1 + Q**2 - 2 * Q * R, 1 - Q * R


def _identity_slopes(Q, R):
    return (R - 2 * Q, 2 * Q - 2 * R, -R), (Q, -2 * Q, -Q)


def _erf_parts(Q, R):
    """The sine's arguments and the roots that I1, I2, I3 share."""
    q = Q**2
    D, F, E = 2 + 2 * q - q * R**2, 1 + 3 * q, 2 * (1 + 2 * q) - 2 * q * R**2
    sines = (1 + 2 * q * (1 - R**2)) / E, q / F, Q * R / np.sqrt(F * E)
    return q, D, F, E, sines


def _erf(Q, R):
    q, D, _, _, (u, v, w) = _erf_parts(Q, R)
    front, own = 2 / (math.pi * (1 + q)), np.sqrt(1 + 2 * q)
    I1 = front * (Q * R / np.sqrt(D) - q / own)
    I2 = 4 / (math.pi**2 * own) * (np.arcsin(u) + np.arcsin(v) - 2 * np.arcsin(w))
    return I1, I2, front * ((1 + q - q * R**2) / np.sqrt(D) - Q * R / own)


def _erf_slopes(Q, R):
    q, D, F, E, (u, v, w) = _erf_parts(Q, R)
    front, own = 2 / (math.pi * (1 + q)), np.sqrt(1 + 2 * q)
    I1, I2, I3 = _erf(Q, R)
    shrink, own_Q = -2 * Q / (1 + q), 2 * Q / own  # d ln front / dQ, d own / dQ
    D_Q, D_R, E_Q, E_R = 4 * Q - 2 * Q * R**2, -2 * q * R, 8 * Q - 4 * Q * R**2, -4 * q * R
    top, root = 1 + q - q * R**2, np.sqrt(D)
    I1_Q = shrink * I1 + front * (R / root - Q * R * D_Q / (2 * D * root) - 2 * Q / own + q * own_Q / own**2)
    I1_R = front * (Q / root - Q * R * D_R / (2 * D * root))
    I3_Q = shrink * I3 + front * (
        2 * Q * (1 - R**2) / root - top * D_Q / (2 * D * root) - R / own + Q * R * own_Q / own**2
    )
    I3_R = front * (-2 * q * R / root - top * D_R / (2 * D * root) - Q / own)
    u_Q, u_R = (4 * Q * (1 - R**2) - u * E_Q) / E, (-4 * q * R - u * E_R) / E
    v_Q = 2 * Q / F**2
    w_Q, w_R = R / np.sqrt(F * E) - w / 2 * (6 * Q / F + E_Q / E), Q / np.sqrt(F * E) - w * E_R / (2 * E)
    du, dv, dw = (1 / np.sqrt(1 - s**2) for s in (u, v, w))
    scale = 4 / (math.pi**2 * own)
    I2_Q = scale * (u_Q * du + v_Q * dv - 2 * w_Q * dw) - I2 * own_Q / own
    I2_R = scale * (u_R * du - 2 * w_R * dw)
    return (I1_Q, I2_Q, I3_Q), (I1_R, I2_R, I3_R)


FORMS = {"relu": _relu, "erf": _erf, "identity": _identity}
SLOPES = {"relu": _relu_slopes, "erf": _erf_slopes, "identity": _identity_slopes}
