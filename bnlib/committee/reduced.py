r"""The symmetric set: students and teachers alike up to which teacher is whose, K = M and T the identity.

With Q_ii = Q, Q_ij = C, R_ii = R, R_in = S and g_i = g the flow stays among these five numbers (T20 section 3.2). What
the units see are the effective overlaps

    q = g^2,  c = g^2 C / Q,  r = sigma g R / sqrt Q,  s = sigma g S / sqrt Q      under batch normalization,
    q = tau Q,  c = tau C,  r = tau R,  s = tau S                                  without it.

All functions here broadcast over leading axes and accept complex numbers, so that a step along the imaginary axis
differentiates them to machine precision.
"""

import math

import numpy as np

from bnlib import checks
from bnlib.committee.dynamics import integrate
from bnlib.committee.order_parameters import NORMALIZATIONS, OrderParameters, Trajectory

STEP = 1e-40  # of complex-step differentiation: its square is nothing beside 1, so nothing cancels


def embed(state, K):
    """The :class:`OrderParameters` of one point (Q, C, R, S, g), or (Q, C, R, S) without normalization.

    >>> embed([1.0, 0.5, 0.4, 0.1], 2).R
    array([[0.4, 0.1],
           [0.1, 0.4]])
    """
    K = checks.whole("K", K, 1)
    state = checks.array("state", state, ("numbers",))
    if len(state) not in (4, 5):
        raise ValueError(f"state must hold (Q, C, R, S) or (Q, C, R, S, g); got {len(state)} numbers")
    own = np.eye(K, dtype=bool)
    Q, C, R, S = state[:4]
    gain = np.full(K, state[4]) if len(state) == 5 else None
    return OrderParameters(np.where(own, Q, C), np.where(own, R, S), np.eye(K), gain)


def restrict(order_parameters):
    """The point (Q, C, R, S, g), or (Q, C, R, S), of symmetric order parameters, K = M >= 2; means over equal entries.

    >>> restrict(embed([1.0, 0.5, 0.4, 0.1, 0.7], 3))
    array([1. , 0.5, 0.4, 0.1, 0.7])
    """
    p = order_parameters
    if p.K != p.M or p.K < 2:
        raise ValueError(f"order_parameters must have K = M >= 2; got K = {p.K}, M = {p.M}")
    own = np.eye(p.K, dtype=bool)
    numbers = [p.Q[own].mean(), p.Q[~own].mean(), p.R[own].mean(), p.R[~own].mean()]
    return np.array(numbers if p.gain is None else [*numbers, p.gain.mean()])


def reduced_velocity(state, K, input_variance=1.0, *, normalization, learning_rate=1.0):
    r"""Time derivatives of (Q, C, R, S, g) for infinitely large batches; (Q, C, R, S) without normalization.

    T20 eq (8) on the symmetric set, T20 section 3.2. With d = 1 + q, e = 1 + tau, A = (1+2q)^{-1/2},
    B = (d^2-c^2)^{-1/2}, U = (de-r^2)^{-1/2}, V = (de-s^2)^{-1/2} and
    m = [U r + (K-1) V s - A q - (K-1) B c] / d, the correlations of a student's error with the fields are 2/pi times

        F_q = m                                            (its own field)
        F_c = U s + V r + (K-2) V s - A c - B q - (K-2) B c - m c
        F_r = U tau - A r - (K-1) B s - m r,   F_s = V tau - A s - B r - (K-2) B s - m s

    and dQ = 2 eta F_q, dC = 2 eta F_c, dR = eta a F_r, dS = eta a F_s, dg = (eta/g) F_q with a = g / (sigma sqrt Q), or
    1. Exact batch normalization takes (eta/Q) F_q times (2Q, 2C, R, S) away.

    Parameters
    ----------
    state : array (..., 5) or (..., 4)
        (Q, C, R, S, g), or (Q, C, R, S) if `normalization` is "none"; real or complex.
    K : int or array (...)
        Students, as many as teachers.
    input_variance : float or array (...)
        tau = sigma^2.
    normalization : {"none", "batch", "batch-stop-gradient"}
    learning_rate : float or array (...)
        eta.

    Returns
    -------
    array (..., 5) or (..., 4)
        Per unit of time, steps / N.

    Raises
    ------
    ValueError
        For an unknown normalization, or a state of another length.

    >>> point = [0.2, 0.1, 0.3, 0.1]
    >>> reduced_velocity(point, 2, normalization="none").round(3)
    array([0.01 , 0.009, 0.203, 0.198])
    """
    with_gain = checks.one_of("normalization", normalization, NORMALIZATIONS) != "none"
    state, K, tau, eta = np.asarray(state), np.asarray(K), np.asarray(input_variance), np.asarray(learning_rate)
    if state.shape[-1] != 4 + with_gain:
        raise ValueError(
            f"state must end in an axis of length {4 + with_gain} for {normalization!r}; got {state.shape}"
        )
    Q, C, R, S = np.moveaxis(state, -1, 0)[:4]
    a = state[..., 4] / np.sqrt(tau * Q) if with_gain else np.ones_like(Q)
    F_q, F_c, F_r, F_s = (2 * eta / math.pi) * np.stack(correlations(*effective(state, tau, with_gain), K, tau))
    parts = [2 * F_q, 2 * F_c, a * F_r, a * F_s]
    if normalization == "batch":
        away = F_q / Q
        parts = [np.zeros_like(away), 2 * F_c - 2 * away * C, a * F_r - away * R, a * F_s - away * S]
    if with_gain:
        parts.append(F_q / state[..., 4])
    return np.stack(parts, axis=-1)


def reduced_flow(start, times, K, input_variance=1.0, *, normalization, learning_rate=1.0, rtol=1e-8, atol=1e-10):
    r"""The flow on the symmetric set: five numbers for any K, and the same numbers as `flow` gives.

    T20 section 3.2, :func:`reduced_velocity`, for infinitely large batches.

    Parameters
    ----------
    start : array (5,) or (4,)
        (Q, C, R, S, g), or (Q, C, R, S) if `normalization` is "none", at time 0.
    times : array (times,)
        Where to report, in steps / N; not decreasing, from 0 on.
    K, input_variance, normalization, learning_rate
        As in :func:`reduced_velocity`, one number each.
    rtol, atol : float
        Tolerances of the integrator, relative and absolute; that for R - S is `atol` times its first value.

    Returns
    -------
    Trajectory
        With Q (times, K, K), R (times, K, K), gain (times, K) or None, error (times,).

    Raises
    ------
    ValueError
        For arguments out of range and a start of another length.
    RuntimeError
        If the integrator stops before the last time.

    Notes
    -----
    Some 20 ms, whatever K is. Integrated by LSODA.

    >>> path = reduced_flow([1.0, 0.0, 0.11, 0.09], [0, 1, 100], 2, normalization="none")
    >>> path.R[:, 0, 0].round(3)
    array([0.11 , 0.304, 0.831])
    """
    K, tau = checks.whole("K", K, 2), checks.positive("input_variance", input_variance)
    eta = checks.positive("learning_rate", learning_rate)
    start, times = checks.array("start", start, ("numbers",)), checks.increasing("times", times)
    reduced_velocity(start, K, tau, normalization=normalization)  # says what does not fit
    turn = np.eye(len(start))  # R, S -> their mean over teachers and R - S, which keeps its digits where it is tiny
    turn[2:4, 2:4] = [[1 / K, 1 - 1 / K], [1, -1]]
    back = np.linalg.inv(turn)

    def derivative(turned):
        states = turned @ back.T
        return reduced_velocity(states, K, tau, normalization=normalization, learning_rate=eta) @ turn.T

    begin = turn @ start
    small = np.full(len(start), atol)
    small[3] = atol * (abs(begin[3]) or 1.0)
    turned = integrate(derivative, derivative, begin, times, rtol, small)
    with_gain, own = normalization != "none", np.eye(K, dtype=bool)
    states = turned @ back.T
    Q, C, R, S = states.T[:4, :, None, None]
    gain = np.repeat(states[:, 4:], K, axis=1) if with_gain else None
    error = reduced_error(*effective(states, tau, with_gain), K, tau)
    return Trajectory(times, np.where(own, Q, C), np.where(own, R, S), np.eye(K), gain, error)


def effective(state, tau, with_gain):
    """Effective overlaps (q, c, r, s) of a state (..., 4 or 5)."""
    Q, C, R, S = np.moveaxis(state, -1, 0)[:4]
    if not with_gain:
        return tau * Q, tau * C, tau * R, tau * S
    g = state[..., 4]
    scale = np.sqrt(tau / Q) * g
    return g * g, g * g * C / Q, scale * R, scale * S


def correlations(q, c, r, s, K, tau):
    """(F_q, F_c, F_r, F_s) of :func:`reduced_velocity`, without the 2/pi."""
    d = 1 + q
    A, B = 1 / np.sqrt(1 + 2 * q), 1 / np.sqrt(d * d - c * c)
    U, V = 1 / np.sqrt(d * (1 + tau) - r * r), 1 / np.sqrt(d * (1 + tau) - s * s)
    m = (U * r - A * q + (K - 1) * (V * s - B * c)) / d
    F_c = U * s + V * r - A * c - B * q + (K - 2) * (V * s - B * c) - m * c
    F_r = U * tau - A * r - (K - 1) * B * s - m * r
    F_s = V * tau - A * s - B * r - (K - 2) * B * s - m * s
    return m, F_c, F_r, F_s


def reduced_error(q, c, r, s, K, tau):
    """Generalization error of effective overlaps (T20 eq (13) on the symmetric set)."""
    d, teacher = 1 + q, math.sqrt(1 + tau)
    root = np.sqrt(d) * teacher
    same = np.arcsin(tau / (1 + tau)) + np.arcsin(q / d) - 2 * np.arcsin(r / root)
    return K / math.pi * (same + (K - 1) * (np.arcsin(c / d) - 2 * np.arcsin(s / root)))


def complex_jacobian(function, point):
    """Derivatives d function_a / d point_b of an analytic function that maps (..., n) to (..., m), to round-off."""
    point = np.asarray(point, dtype=np.float64)
    return function(point + 1j * STEP * np.eye(len(point))).imag.T / STEP
