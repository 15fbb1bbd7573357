"""Many initial-value problems side by side, each with steps of its own: the method of Dormand and Prince of order 8.

The coefficients are those of ``scipy.integrate.DOP853`` (Hairer, Norsett and Wanner 1993, section II.10), and so are
the error estimate, the control of the step and the interpolation. One step is taken in all runs at once; a run that has
come to its last time leaves the batch.
"""

import numpy as np
from scipy.integrate import DOP853

STAGES = DOP853.n_stages
MOST_STEPS = 100_000
GRACE = 0.9  # of the step that would just meet the tolerance
SHORTEST, LONGEST = 0.2, 10.0  # change of the step's length at once


def integrate_many(derivative, starts, times, rtol, atol):
    """States (runs, times, n) of d state / dt = derivative(state, runs), from `starts` (runs, n) at t = 0.

    `derivative` takes states (m, n) and the numbers (m,) of the runs they belong to. `times` (runs, times) do not
    decrease. Where a run cannot be followed any further its states are nan.
    """
    states = np.full((*times.shape, starts.shape[-1]), np.nan)
    states[times == 0] = np.repeat(starts, (times == 0).sum(axis=1), axis=0)
    with np.errstate(all="ignore"):  # what overflows is refused as a step
        batch = _Batch(derivative, starts, times, rtol, atol)
        for _ in range(MOST_STEPS):
            if not len(batch.runs):
                break
            batch.step(states)
    return states


class _Batch:
    """The runs under way: their numbers, times t (m,), states y (m, n), derivatives f (m, n) and next steps h (m,)."""

    def __init__(self, derivative, starts, times, rtol, atol):
        self.derivative, self.times, self.rtol, self.atol = derivative, times, rtol, atol
        self.runs = np.flatnonzero(times[:, -1] > 0)
        self.t, self.y = np.zeros(len(self.runs)), starts[self.runs]
        self.f = derivative(self.y, self.runs) if len(self.runs) else self.y
        self.h = self._first_steps()

    def step(self, states):
        """One attempt in every run; accepted ones write the states at the times that they pass."""
        h = np.minimum(self.h, self.times[self.runs, -1] - self.t)
        K = np.empty((DOP853.A_EXTRA.shape[0] + STAGES + 1, *self.y.shape))
        K[0] = self.f
        for s in range(1, STAGES):
            K[s] = self.derivative(self._advance(self.y, h, DOP853.A[s, :s], K), self.runs)
        y = self._advance(self.y, h, DOP853.B, K)
        K[STAGES] = self.derivative(y, self.runs)
        error = self._error(K, h, y)
        good = error < 1
        last = self.times[self.runs, -1]
        t = np.where(good & (h >= last - self.t), last, self.t + h)
        self._report(states, K, h, y, t, good)
        self.y[good], self.f[good], self.t[good] = y[good], K[STAGES][good], t[good]
        change = np.clip(GRACE * error**-0.125, SHORTEST, np.where(good, LONGEST, 1.0))
        self.h = h * np.where(np.isfinite(error), change, SHORTEST)
        stuck = self.h < 10 * np.spacing(np.maximum(self.t, np.finfo(float).tiny))
        self._keep((self.t < last) & ~stuck)

    def _advance(self, y, h, weights, K):
        step = (weights @ K[: len(weights)].reshape(len(weights), -1)).reshape(y.shape)
        step *= h[:, None]
        step += y
        return step

    def _error(self, K, h, y):
        scale = self.atol + self.rtol * np.maximum(np.abs(self.y), np.abs(y))
        fifth, third = (
            np.mean((np.tensordot(E, K[: STAGES + 1], 1) / scale) ** 2, axis=-1) for E in (DOP853.E5, DOP853.E3)
        )
        whole = fifth + 0.01 * third
        error = h * fifth / np.sqrt(np.where(whole > 0, whole, 1.0))
        return np.where(np.isfinite(error) & np.isfinite(y).all(axis=-1), np.maximum(error, 1e-12), np.inf)

    def _report(self, states, K, h, y, t, good):
        """Interpolate at the asked times in (self.t, t] of the good runs, with order 7."""
        first = np.sum(self.times[self.runs] <= self.t[:, None], axis=1)
        count = np.where(good, np.sum(self.times[self.runs] <= t[:, None], axis=1) - first, 0)
        some = np.flatnonzero(count)
        if not len(some):
            return
        K, h, count = K[:, some], h[some], count[some]
        for s, row in enumerate(DOP853.A_EXTRA, STAGES + 1):
            K[s] = self.derivative(self._advance(self.y[some], h, row[:s], K), self.runs[some])
        step = h[:, None]
        rise = y[some] - self.y[some]
        F = [rise, step * K[0] - rise, 2 * rise - step * (K[STAGES] + K[0]), *(step * np.tensordot(DOP853.D, K, 1))]
        who = np.repeat(np.arange(len(some)), count)
        which = np.arange(len(who)) - np.repeat(np.cumsum(count) - count, count) + first[some][who]
        runs = self.runs[some][who]
        x = ((self.times[runs, which] - self.t[some][who]) / h[who])[:, None]
        value = np.zeros((len(who), y.shape[-1]))
        for number, part in enumerate(reversed(F)):
            value = (value + part[who]) * (x if number % 2 == 0 else 1 - x)
        states[runs, which] = self.y[some][who] + value

    def _keep(self, staying):
        if not staying.all():
            self.runs, self.t, self.h = self.runs[staying], self.t[staying], self.h[staying]
            self.y, self.f = self.y[staying], self.f[staying]

    def _first_steps(self):
        scale = self.atol + self.rtol * np.abs(self.y)
        speed = np.sqrt(np.mean((self.f / scale) ** 2, axis=-1))
        size = np.sqrt(np.mean((self.y / scale) ** 2, axis=-1))
        guess = 0.01 * size / np.where(speed > 0, speed, 1.0)
        return np.where((speed > 0) & (size > 0) & np.isfinite(guess), guess, 1e-6)
