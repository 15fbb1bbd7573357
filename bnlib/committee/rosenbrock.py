"""Many stiff initial-value problems side by side, each with steps of its own: RODAS, an implicit method of order 4.

For flows of few numbers whose rates differ by many powers of ten, as on a plateau: there an explicit method must take
steps as short as the fastest mode wants, though nothing happens. Each step solves linear equations with the Jacobian in
place of nonlinear ones (Hairer and Wanner 1996, section IV.7; stages, weights and interpolation are theirs).
"""

import numpy as np

from bnlib.committee.runge_kutta import MOST_STEPS

GAMMA = 0.25
A = np.array([
    [0, 0, 0, 0],
    [1.544, 0, 0, 0],
    [0.9466785280815826, 0.2557011698983284, 0, 0],
    [3.314825187068521, 2.896124015972201, 0.9986419139977817, 0],
    [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950],
])  # fmt: skip
C = np.array([
    [0, 0, 0, 0, 0],
    [-5.6688, 0, 0, 0, 0],
    [-2.430093356833875, -0.2063599157091915, 0, 0, 0],
    [-0.1073529058151375, -9.594562251023355, -20.47028614809616, 0, 0],
    [7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160, 0],
    [8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054],
])  # fmt: skip
D = np.array([
    [10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823, 1.025137723295662],
    [-0.6762803392806898, 6.087714651680606, 16.43084320892478, 24.76722511418386, -6.594389125716872],
])  # fmt: skip
GRACE, SHORTEST, LONGEST = 0.9, 0.2, 6.0


def integrate_stiff(derivative, jacobian, starts, times, rtol, atol):
    """States (runs, times, n) of d state / dt = derivative(state, runs), from `starts` (runs, n) at t = 0.

    `derivative` takes states (m, n) and the numbers (m,) of the runs they belong to, and `jacobian` the same, to
    (m, n, n) with row a, column b for d velocity_a / d state_b. `times` (runs, times) do not decrease; `atol` is a
    number or one for each of the n. Where a run cannot be followed any further its states are nan.
    """
    states = np.full((*times.shape, starts.shape[-1]), np.nan)
    states[times == 0] = np.repeat(starts, (times == 0).sum(axis=1), axis=0)
    runs = np.flatnonzero(times[:, -1] > 0)
    y, t = starts[runs], np.zeros(len(runs))
    h = _first_steps(derivative(y, runs), y, rtol, atol) if len(runs) else t
    with np.errstate(all="ignore"):  # what overflows is refused as a step
        for _ in range(MOST_STEPS):
            if not len(runs):
                break
            last = times[runs, -1]
            h = np.minimum(h, last - t)
            k, new = _stages(derivative, jacobian(y, runs), y, h, runs)
            scale = atol + rtol * np.maximum(np.abs(y), np.abs(new))
            error = np.sqrt(np.mean((k[5] / scale) ** 2, axis=-1))
            good = error < 1
            then = np.where(good, np.where(h >= last - t, last, t + h), t)
            _report(states, times, runs, k, y, new, t, then, h)
            y, t = np.where(good[:, None], new, y), then
            change = np.clip(GRACE * np.maximum(error, 1e-12) ** -0.25, SHORTEST, np.where(good, LONGEST, 1.0))
            h = h * np.where(np.isfinite(error), change, SHORTEST)
            stay = (t < last) & (h > 10 * np.spacing(np.maximum(t, np.finfo(float).tiny)))
            if not stay.all():
                runs, y, t, h = runs[stay], y[stay], t[stay], h[stay]
    return states


def _stages(derivative, J, y, h, runs):
    """The six increments k (6, m, n) of a step, and the state after it; the last increment estimates the error."""
    inverse = np.linalg.inv(np.eye(y.shape[-1]) / (GAMMA * h[:, None, None]) - np.where(np.isfinite(J), J, 0.0))
    k = np.zeros((6, *y.shape))
    at = y
    for s in range(6):
        if s < 5:
            at = y + np.tensordot(A[s, :s], k[:s], 1) if s else y
        pull = derivative(at, runs) + np.tensordot(C[s, :s], k[:s], 1) / h[:, None]
        k[s] = (inverse @ pull[..., None])[..., 0]
        if s >= 4:
            at = at + k[s]
    return k, at


def _report(states, times, runs, k, y, new, t, then, h):
    """Interpolate at the asked times in (t, then], with order 3."""
    first, last = (np.sum(times[runs] <= moment[:, None], axis=1) for moment in (t, then))
    count = last - first
    who = np.repeat(np.arange(len(runs)), count)
    which = np.arange(len(who)) - np.repeat(np.cumsum(count) - count, count) + first[who]
    x = ((times[runs[who], which] - t[who]) / h[who])[:, None]
    second, third = (np.tensordot(row, k[:5], 1)[who] for row in D)
    states[runs[who], which] = (1 - x) * y[who] + x * (new[who] + (1 - x) * (second + x * third))


def _first_steps(f, y, rtol, atol):
    speed = np.sqrt(np.mean((f / (atol + rtol * np.abs(y))) ** 2, axis=-1))
    return np.where((speed > 0) & np.isfinite(speed), 0.1 / np.maximum(speed, 1e-300) ** 0.5, 1e-3)
