r"""The error as a function of symmetric order parameters: its gradient and Hessian at the plateau (T20 section 3.2).

T20 reads the Hessian's negative eigenvalues as the ease of escape. Two things stand against that reading, and the
functions here show both: the gradient is not zero at the symmetric fixed point, so that the Hessian's eigenvalues
change with the coordinates; and under batch normalization they change with the free length of the students. The escape
itself is in the linearised flow (`plateau.flow_jacobian`).
"""

import math

import numpy as np

from bnlib import checks
from bnlib.committee.plateau import fixed_point
from bnlib.committee.reduced import complex_jacobian, effective, restrict

CHARTS = ("orders", "lengths", "cosines")


def error_gradient(K, input_variance=1.0, *, normalization, squared_norm=None):
    r"""Gradient of the generalization error in the coordinates of :func:`error_hessian`, at `fixed_point`.

    In closed form, from T20 eq (13) on the symmetric set: with q, c, r, s what the units see, d = 1 + q and
    e = 1 + tau,

    .. math:: \partial_c = \frac{K(K-1)}{\pi\sqrt{d^2-c^2}},\quad \partial_r = \frac{-2K}{\pi\sqrt{de-r^2}},\quad
        \partial_s = \frac{-2K(K-1)}{\pi\sqrt{de-s^2}}

    .. math:: \partial_q = \frac1d\left[\frac{K}{\pi\sqrt{1+2q}} - c\,\partial_c
        - \tfrac12 r\,\partial_r - \tfrac12 s\,\partial_s\right]

    and the chain rule. Not zero: the error is stationary in the weights, but the point lies on the boundary C = Q of
    what order parameters can be, and a step from there in R, S or Q need not belong to any step of the weights.

    Parameters
    ----------
    K, input_variance, normalization, squared_norm
        As in `fixed_point`; "batch" and "batch-stop-gradient" share their error.

    Returns
    -------
    array (4,)
        To R, S, Q, g (C tied to Q) with batch normalization; to R, S, Q, C without.

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> error_gradient(2, normalization="batch").round(4)
    array([-0.2684, -0.2684,  0.1096,  0.    ])
    """
    point, gradient = _at_fixed_point(K, input_variance, normalization, squared_norm)
    return gradient(point)


def error_hessian(K, input_variance=1.0, *, normalization, squared_norm=None):
    r"""Hessian of the generalization error in order parameters, at `fixed_point`: T20 figures 1 and 2.

    The derivative of :func:`error_gradient`'s closed form by a complex step, exact to round-off (relative 1e-12 of the
    largest entry).

    Parameters
    ----------
    K, input_variance, normalization, squared_norm
        As in `fixed_point`; "batch" and "batch-stop-gradient" share their error.

    Returns
    -------
    array (4, 4)
        In R, S, Q, g (C tied to Q, as in T20) with batch normalization; in R, S, Q, C without. T20 does not say which
        coordinates its figures use there; for (R, S, Q) with C = Q add the rows and columns of Q and C.

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> np.linalg.eigvalsh(error_hessian(50, normalization="batch"))[0].round(1)
    np.float64(-7.7)
    """
    point, gradient = _at_fixed_point(K, input_variance, normalization, squared_norm)
    return complex_jacobian(gradient, point)


def chart_hessian(K, input_variance=1.0, *, chart, squared_norm=None):
    r"""`error_hessian` with batch normalization in other coordinates for the same networks.

    .. math:: H_\theta = J^{\mathsf T} H J + \sum_a (\partial_a\varepsilon)\,\nabla^2_\theta\Omega_a,
        \qquad J = \partial\Omega/\partial\theta

    for T20's coordinates Omega = (R, S, Q, g) as functions of others. Where the gradient vanishes the second sum does,
    and the signs of the eigenvalues are the same in every chart (Sylvester); here it does not.

    Parameters
    ----------
    K, input_variance, squared_norm
        As in `fixed_point`.
    chart : {"orders", "lengths", "cosines"}
        T20's (R, S, Q, g); (R, S, sqrt Q, ln g); (R / sqrt Q, S / sqrt Q, ln sqrt Q, ln g).

    Returns
    -------
    array (4, 4)

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> for chart in ("orders", "lengths"):
    ...     print(np.linalg.eigvalsh(chart_hessian(2, chart=chart, squared_norm=1.0)).round(4))
    [-1.0503 -0.0438 -0.0096  1.6954]
    [-1.8767 -0.0438  0.1217  0.7468]
    """
    checks.one_of("chart", chart, CHARTS)
    where = {"normalization": "batch", "squared_norm": squared_norm}
    H, slope = error_hessian(K, input_variance, **where), error_gradient(K, input_variance, **where)
    Q, _, R, _, g = restrict(fixed_point(K, input_variance, **where))
    if chart == "orders":
        return H
    length, J, bend = math.sqrt(Q), np.eye(4), np.zeros((4, 4))
    J[3, 3], bend[3, 3] = g, slope[3] * g  # g = exp(l)
    if chart == "lengths":  # Q = l^2
        J[2, 2], bend[2, 2] = 2 * length, 2 * slope[2]
    else:  # R = r exp(l), S = s exp(l), Q = exp(2 l)
        J[0, 0] = J[1, 1] = length
        J[:3, 2] = R, R, 2 * Q
        bend[:2, 2] = bend[2, :2] = length * slope[:2]
        bend[2, 2] = R * (slope[0] + slope[1]) + 4 * Q * slope[2]
    return J.T @ H @ J + bend


def _at_fixed_point(K, tau, normalization, squared_norm):
    """The fixed point in the coordinates of the Hessian, and the gradient as an analytic function of them."""
    numbers = restrict(fixed_point(K, tau, normalization=normalization, squared_norm=squared_norm))
    Q, C, R, S = numbers[:4]
    if normalization == "none":
        return np.array([R, S, Q, C]), lambda point: _gradient_without(point, K, tau)
    return np.array([R, S, Q, numbers[4]]), lambda point: _gradient_with(point, K, tau)


def _gradient_without(point, K, tau):
    """To R, S, Q, C, over leading axes of (R, S, Q, C)."""
    q, c, r, s = effective(point[..., [2, 3, 0, 1]], tau, False)
    to_q, to_c, to_r, to_s = _to_effective(q, c, r, s, K, tau)
    return tau * np.stack([to_r, to_s, to_q, to_c], axis=-1)


def _gradient_with(point, K, tau):
    """To R, S, Q, g, over leading axes of (R, S, Q, g), where C = Q: then c = q = g^2 whatever Q is."""
    R, S, Q, g = np.moveaxis(point, -1, 0)
    scale = np.sqrt(tau / Q)
    r, s = scale * g * R, scale * g * S
    to_q, to_c, to_r, to_s = _to_effective(g * g, g * g, r, s, K, tau)
    along = r * to_r + s * to_s
    return np.stack([scale * g * to_r, scale * g * to_s, -along / (2 * Q), 2 * g * (to_q + to_c) + along / g], axis=-1)


def _to_effective(q, c, r, s, K, tau):
    """Derivatives of the error to the effective overlaps, see :func:`error_gradient`."""
    d, e = 1 + q, 1 + tau
    to_c = K * (K - 1) / math.pi / np.sqrt(d * d - c * c)
    to_r = -2 * K / math.pi / np.sqrt(d * e - r * r)
    to_s = -2 * K * (K - 1) / math.pi / np.sqrt(d * e - s * s)
    to_q = (K / math.pi / np.sqrt(1 + 2 * q) - c * to_c - 0.5 * r * to_r - 0.5 * s * to_s) / d
    return to_q, to_c, to_r, to_s
