r"""Flows of one unit that learns online from a teacher, in the limit of many inputs; time is steps / N.

`flow` follows weight normalization with gamma decay, which is what L19 puts in the place of batch normalization;
`plain_flow` follows plain gradient descent. The flow of batch normalization itself is in `batch_dynamics`.
"""

import math

import numpy as np
from scipy.integrate import solve_ivp

from bnlib import checks
from bnlib.lsoda import integrate
from bnlib.perceptron.averages import ACTIVATIONS, FORMS

CEILING = 1e6  # a student longer than this has run away


def flow(start, times, *, activation, learning_rate, zeta=0.0, batch_size=1, rtol=1e-10, atol=1e-12):
    r"""The order parameters (gamma, R, L) against time under weight normalization with gamma decay.

    L19 eq (6), the limit N -> infinity of the updates (5) with the step of gamma divided by N as well:

        d gamma/dt = eta (I1 / gamma - zeta gamma)
        dR/dt = eta (gamma I3 - R I1) / L^2 - eta^2 gamma^2 R I2 / (2 L^4)
        dL/dt = eta^2 gamma^2 I2 / (2 L^3)

    with the averages of `I123` at Q = gamma. Here zeta belongs to the loss (1/2)<()^2> + (1/2) zeta gamma^2 that the
    updates descend: it is twice the zeta of theorem 1.

    Parameters
    ----------
    start : (gamma, R, L)
        Gain > 0, cosine to the teacher in [-1, 1], and length |w| / sqrt N > 0.
    times : array (times,)
        Where to report, in steps / N; not decreasing, from 0 on.
    activation : {"relu", "erf", "identity"}
    learning_rate : float
        eta > 0.
    zeta : float
        Gamma decay >= 0; 0 is plain weight normalization.
    batch_size : int
        Examples a step; the mean gradient of M of them divides I2 by M.
    rtol, atol : float
        Tolerances of the integrator (LSODA), relative and absolute.

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

    >>> flow((0.7, 0.3, 1.0), [0, 1, 10], activation="relu", learning_rate=1.0).round(3)
    array([[0.7  , 0.3  , 1.   ],
           [0.635, 0.45 , 1.048],
           [0.927, 0.969, 1.234]])
    """
    gamma, R, L = _start("start", start, ("gamma", "R", "L"))
    eta, zeta = checks.positive("learning_rate", learning_rate), not_negative("zeta", zeta)
    size = checks.whole("batch_size", batch_size, 1)
    form = FORMS[checks.one_of("activation", activation, ACTIVATIONS)]
    times = checks.increasing("times", times)

    def derivative(state):
        return velocity(state, form, eta, zeta, size)

    return _integrated(derivative, [gamma, R, L], times, rtol, atol)


def velocity(state, form, eta, zeta, size=1):
    """Time derivatives of (gamma, R, L); `form` gives I1, I2, I3 at (gamma, R)."""
    gamma, R, L = state
    R = min(1.0, max(-1.0, R))
    I1, I2, I3 = form(gamma, R)
    noise = eta**2 * gamma**2 * I2 / (2 * size * L**3)
    return [eta * (I1 / gamma - zeta * gamma), eta * (gamma * I3 - R * I1) / L**2 - noise * R / L, noise]


def plain_flow(start, times, *, activation, learning_rate, batch_size=1, rtol=1e-10, atol=1e-12):
    r"""The order parameters (Q, R) against time under plain gradient descent, without normalization.

    The limit N -> infinity of w += eta delta x; L19 uses it for table 1 and does not print it:

        dQ/dt = eta I1 / Q + eta^2 I2 / (2 Q)
        dR/dt = eta (I3 / Q - R I1 / Q^2) - eta^2 R I2 / (2 Q^2)

    Parameters
    ----------
    start : (Q, R)
        Length |w| / sqrt N > 0 and cosine to the teacher in [-1, 1].
    times, activation, learning_rate, batch_size, rtol, atol
        As in `flow`.

    Returns
    -------
    array (times, 2)
        Q and R. A student that passes Q = 10^6 has run away: from then on Q is infinite and R stays as it was there.

    Raises
    ------
    ValueError, RuntimeError
        As `flow`.

    >>> plain_flow((0.7, 0.3), [0, 10, 100], activation="relu", learning_rate=1.0).round(4)
    array([[0.7   , 0.3   ],
           [0.9958, 0.9939],
           [1.    , 1.    ]])
    >>> plain_flow((0.7, 0.3), [0, 10, 100], activation="relu", learning_rate=3.0)[-1, 0]
    np.float64(inf)
    """
    Q, R = _start("start", start, ("Q", "R"))
    eta, size = checks.positive("learning_rate", learning_rate), checks.whole("batch_size", batch_size, 1)
    form = FORMS[checks.one_of("activation", activation, ACTIVATIONS)]
    times = checks.increasing("times", times)

    def derivative(_, state):
        return plain_velocity(state, form, eta, size)

    def escaped(_, state):
        return state[0] - CEILING

    escaped.terminal = True
    if times[-1] == 0:
        return np.tile([Q, R], (len(times), 1))
    path = solve_ivp(derivative, (0, times[-1]), [Q, R], "LSODA", times, events=escaped, rtol=rtol, atol=atol)
    if path.status < 0:
        raise RuntimeError(f"the flow could not be followed to t = {times[-1]:g}: {path.message}")
    states = np.empty((len(times), 2))
    states[: len(path.t)] = np.reshape(path.y, (2, len(path.t))).T
    states[:, 1] = np.clip(states[:, 1], -1, 1)  # round-off may carry it past the teacher
    states[len(path.t) :] = math.inf, path.y_events[0][0, 1] if len(path.t) < len(times) else 0.0
    return states


def plain_velocity(state, form, eta, size=1):
    """Time derivatives of (Q, R)."""
    Q, R = state
    R = min(1.0, max(-1.0, R))
    I1, I2, I3 = form(Q, R)
    noise = eta**2 * I2 / (2 * size * Q)
    return [eta * I1 / Q + noise, eta * (I3 / Q - R * I1 / Q**2) - noise * R / Q]


def not_negative(name, value):
    """`value` as a float, if it is a finite number >= 0."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number >= 0; got {value!r}") from None
    if not 0 <= number < math.inf:
        raise ValueError(f"{name} must be a finite number >= 0; got {value!r}")
    return number


def _start(name, start, parts):
    """The numbers of a start; the second is a cosine, the others are positive."""
    values = checks.array(name, start, ("parts",), parts=len(parts))
    for part, value in zip(parts, values):
        if part == "R" and abs(value) > 1:
            raise ValueError(f"R in {name} must be in [-1, 1]; got {value!r}")
        if part != "R" and value <= 0:
            raise ValueError(f"{part} in {name} must be > 0; got {value!r}")
    return values.tolist()


def _integrated(derivative, start, times, rtol, atol):
    """States (times, 3) from `start`, with R kept where a cosine is."""
    states = integrate(derivative, start, times, rtol=rtol, atol=atol)
    states[:, 1] = np.clip(states[:, 1], -1, 1)  # round-off may carry it past the teacher
    return states
