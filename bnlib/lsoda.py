"""Paths of ordinary differential equations at given times, shared by the wings."""

from warnings import catch_warnings, simplefilter

import numpy as np
from scipy.integrate import ODEintWarning, odeint

MOST_STEPS = 20_000  # between two of the times


def integrate(derivative, start, times, *, rtol, atol, jacobian=None, advice=""):
    """States of d state / dt = derivative(state), from `start` at t = 0, by LSODA: it suits stiff flows and others.

    `derivative` takes and gives an array (length,); `jacobian`, where given, is d derivative[i] / d state[j] as an
    array (length, length), which spares the integrator its own differences. `times` (times,) are increasing and not
    negative. Gives an array (times, length). Raises ``RuntimeError`` with how far it came, and the `advice`, where the
    path cannot be followed to its end.

    >>> round(float(integrate(lambda state: -state, np.ones(1), np.array([0.5, 1.0]), rtol=1e-9, atol=1e-12)[-1, 0]), 6)
    0.367879
    """
    start = np.asarray(start, float)
    if times[-1] == 0:
        return np.tile(start, (len(times), 1))
    grid = times if times[0] == 0 else np.concatenate([[0.0], times])
    with catch_warnings(), np.errstate(all="ignore"):  # told as one exception below
        simplefilter("ignore", ODEintWarning)
        states, report = odeint(
            lambda state, _: derivative(state),
            start,
            grid,
            Dfun=None if jacobian is None else lambda state, _: jacobian(state),
            rtol=rtol,
            atol=atol,
            mxstep=MOST_STEPS,
            full_output=True,
        )
    reached = report["tcur"][-1]
    if not (reached >= grid[-1] and np.isfinite(states).all()):
        raise RuntimeError(f"the flow could not be followed to t = {times[-1]:g}; it came to t = {reached:g}.{advice}")
    return states[len(grid) - len(times) :]
