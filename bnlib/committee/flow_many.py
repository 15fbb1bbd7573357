"""The flow of many runs at once, over a leading axis: for maps over starts, rates, batch sizes and variances."""

import math
import warnings
from functools import partial

import numpy as np

from bnlib import checks, memory  # noqa: F401
from bnlib.committee.dynamics import pack, smallness, unpack, velocity
from bnlib.committee.order_parameters import Trajectory, check_gain, error_of, output_signs
from bnlib.committee.runge_kutta import integrate_many

TOGETHER, RECORDS = 500, 16  # so many runs at a time, and so many of their times: what the cache holds


def flow_many(
    starts,
    times,
    *,
    normalization,
    learning_rate=1.0,
    batch_size=math.inf,
    input_variance=1.0,
    finite_batch=False,
    center=True,
    student_output=None,
    teacher_output=None,
    rtol=1e-8,
    atol=1e-10,
):
    r"""`flow` from many starts side by side: the same equations, and the same numbers within the tolerances.

    T20 eq (8) with its misprints put right, as in `flow`. Each run has a start of its own, and may have a learning
    rate, batch size, input variance and times of its own.

    Parameters
    ----------
    starts : sequence of OrderParameters (runs,)
        All with the same K and M; teachers may differ. For one start and many settings repeat it: ``[start] * runs``.
    times : array (times,) or (runs, times)
        Where to report, in steps / N; not decreasing, from 0 on.
    normalization : {"none", "batch", "batch-stop-gradient"}
    learning_rate, batch_size, input_variance : float or array (runs,)
        eta, b (``math.inf`` leaves out the noise of the steps) and tau.
    finite_batch, center : bool, or "exact" for `finite_batch`
        As in `flow`, for all runs; "exact" takes one batch size for all of them.
    student_output, teacher_output : arrays (K, O) and (M, O), optional
        Output weights w and v, the same for all runs; ones if left out.
    rtol, atol : float
        Tolerances of the integrator, relative and absolute, as in `flow`.

    Returns
    -------
    Trajectory
        With Q (runs, times, K, K), R (runs, times, K, M), gain (runs, times, K) or None, error (runs, times); T is
        (M, M), or (runs, 1, M, M) where teachers differ, and times as given. A run that cannot be followed to its last
        time is nan from there on, and a RuntimeWarning names it.

    Raises
    ------
    ValueError
        For arguments out of range, for starts of different sizes or that do not fit the normalization.

    Notes
    -----
    A Runge-Kutta method of order 8 with steps of each run's own. Explicit: where a run has rates that differ by
    10^4 and more, `flow` (LSODA) may be faster. 1000 runs at K = M = 2 to t = 200 take about a second, 25 times
    less than one by one; at K = M = 4 and finite batches 7 to 11 times. There an evaluation takes 1/35 of its time
    alone, but there are 3 to 5 times as many: 12 a step, and 3 more to report within it.

    >>> from bnlib.committee import OrderParameters
    >>> starts = [OrderParameters(Q=[[0.5]], R=[[r]], T=[[1.0]]) for r in (0.1, 0.2)]
    >>> flow_many(starts, [0, 1, 10], normalization="none").R[:, :, 0, 0].round(3)
    array([[0.1  , 0.38 , 0.893],
           [0.2  , 0.444, 0.899]])
    """
    starts = _checked_starts(starts, normalization)
    runs, K, M = len(starts), starts[0].K, starts[0].M
    times, own_times = _checked_times(times, runs)
    eta, tau = (
        _per_run(name, value, runs)
        for name, value in (("learning_rate", learning_rate), ("input_variance", input_variance))
    )
    sizes = _per_run("batch_size", batch_size, runs, allow_infinity=True)
    noise = eta**2 * tau / sizes
    c = output_signs(K, M, student_output, teacher_output)
    T = np.stack([start.T for start in starts])
    gain = None if normalization == "none" else np.stack([start.gain for start in starts])

    small = _per_run_smallness(finite_batch, normalization, sizes, gain, center)

    def derivative(part, states, which):
        settings = (a[part[which]] for a in (T, eta, tau, noise))
        own = (small[0][part[which]], center) if isinstance(small, tuple) else small
        return pack(*velocity(*unpack(states, K, M), *settings, c, normalization == "batch", own))

    begin = pack(np.stack([start.Q for start in starts]), np.stack([start.R for start in starts]), gain)
    shape = own_times.shape
    Q, R, error = np.empty((*shape, K, K)), np.empty((*shape, K, M)), np.empty(shape)
    g = None if gain is None else np.empty((*shape, K))
    for part in np.array_split(np.arange(runs), -(-runs // TOGETHER)):
        states = integrate_many(partial(derivative, part), begin[part], own_times[part], rtol, atol)
        for at in np.array_split(np.arange(shape[1]), -(-shape[1] // RECORDS)):
            q, r, s = unpack(states[:, at], K, M)
            here = np.ix_(part, at)
            Q[here], R[here], error[here] = q, r, error_of(q, r, T[part, None], s, tau[part, None], c)
            if gain is not None:
                g[here] = s
    _warn_of_lost(R)
    return Trajectory(times, Q, R, T[0] if (T == T[0]).all() else T[:, None], g, error)


def _checked_starts(starts, normalization):
    starts = list(starts)
    if not starts:
        raise ValueError("starts must hold at least one OrderParameters; got none")
    for start in starts:
        check_gain(normalization, start.gain, start.Q)
        if start.R.shape != starts[0].R.shape:
            raise ValueError(f"starts must all have K, M = {starts[0].R.shape}; got one with {start.R.shape}")
    return starts


def _checked_times(times, runs):
    """Times as given, and those of each run (runs, times)."""
    if np.ndim(times) < 2:
        times = checks.increasing("times", times)
        return times, np.repeat(times[None], runs, axis=0)
    times = checks.array("times", times, ("runs", "times"), runs=runs)
    for row in times:
        checks.increasing("times", row)
    return times, times


def _per_run(name, value, runs, **allowed):
    """`value`, one number or one a run, as an array (runs, 1, 1) of numbers > 0."""
    if np.shape(value) not in ((), (runs,)):
        raise ValueError(f"{name} must be one number or {runs}, one for each run; got shape {np.shape(value)}")
    numbers = [checks.positive(name, number, **allowed) for number in np.ravel(value)]
    return np.broadcast_to(np.array(numbers), (runs,))[:, None, None]


def _per_run_smallness(finite_batch, normalization, sizes, gain, center):
    """As :func:`smallness`, with 1/b (runs, 1, 1)."""
    all_sizes = np.unique(sizes)
    if finite_batch == "exact" and len(all_sizes) > 1:
        raise ValueError(f'batch_size must be the same for all runs with finite_batch="exact"; got {all_sizes}')
    small = [smallness(finite_batch, normalization, b, gain, center) for b in sizes.ravel()]
    if not isinstance(small[0], tuple):
        return small[0]
    return np.array([share for share, _ in small])[:, None, None], center


def _warn_of_lost(R):
    lost = np.flatnonzero(np.isnan(R).any(axis=(1, 2, 3)))
    if len(lost):
        shown = ", ".join(map(str, lost[:10])) + (", ..." if len(lost) > 10 else "")
        warnings.warn(
            f"{len(lost)} of {len(R)} runs could not be followed to their last time: {shown}",
            RuntimeWarning,
            stacklevel=3,
        )
