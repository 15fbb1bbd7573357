r"""Escape times over whole ranges of settings, measured on the reduced flow: what maps of the delay are made of."""

import numpy as np

from bnlib import checks
from bnlib.committee.order_parameters import NORMALIZATIONS
from bnlib.committee.plateau import escape_rate, fixed_point, plateau_error
from bnlib.committee.reduced import STEP, effective, embed, reduced_error, reduced_velocity, restrict
from bnlib.committee.rosenbrock import integrate_stiff
from bnlib.committee.specialization import read_off

RECORDS = 800  # times at which a run is looked at
LATEST, SLOW = 12.0, 10.0  # e-foldings beyond ln(1/e_0) that are looked at closely; and times that until it is given up


def plateau_start(K, input_variance=1.0, *, normalization, squared_norm=None, asymmetry=0.01):
    r"""Students on the plateau that have just begun to part: order parameters of real weights near `fixed_point`.

    .. math:: J_i = |J|\Big[\frac1{\sqrt K}\sum_n B_n + e\,\Big(B_i - \frac1K\sum_n B_n\Big)\Big]

    with orthonormal teachers, so that R - S = |J| e: `asymmetry` is e to O(e^2).

    Parameters
    ----------
    K, input_variance, normalization, squared_norm
        As in `fixed_point`; the squared length of the students is squared_norm (1 + e^2 (K-1)/K).
    asymmetry : float
        e, between 0 and 1.

    Returns
    -------
    OrderParameters

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> start = plateau_start(2, normalization="batch", squared_norm=1.0)
    >>> start.R.round(4), start.gain.round(4)
    (array([[0.7121, 0.7021],
           [0.7021, 0.7121]]), array([0.5774, 0.5774]))
    """
    e = checks.between("asymmetry", asymmetry, 0, 1, "()")
    Q, _, R, S, *gain = restrict(fixed_point(K, input_variance, normalization=normalization, squared_norm=squared_norm))
    step = np.sqrt(Q) * e
    return embed([Q * (1 + e * e * (1 - 1 / K)), Q * (1 - e * e / K), R + step * (1 - 1 / K), S - step / K, *gain], K)


def escape_times(starts, K, input_variance=1.0, *, normalization, learning_rate=1.0, band=0.05, rtol=1e-6):
    r"""Times at which many symmetric runs leave the plateau, side by side, measured as `find_plateau` does.

    The end of the plateau, when the error falls more than `band` below the plateau's for good; counted from the start
    of the run, for a run that leaves before it has settled has no length to speak of.

    The flow of :func:`reduced_velocity` (T20 section 3.2), infinitely large batches. Each run is followed for
    ln(1/e_0) + 12 times 1/`escape_rate`, with the length that it has when it starts, and then with fewer and fewer
    records ten times as long, for one that starts far from the plateau, or as long as without normalization.

    Parameters
    ----------
    starts : array (runs, 5) or (runs, 4)
        Points (Q, C, R, S, g), or (Q, C, R, S) without normalization; R and S must differ.
    K, input_variance, learning_rate : number or array (runs,)
        Students, as many as teachers; tau; eta.
    normalization : {"none", "batch", "batch-stop-gradient"}
    band, rtol : float
        As in `find_plateau` and `flow`.

    Returns
    -------
    array (runs,)
        In steps / N; inf where a run has not left by then.

    Raises
    ------
    ValueError
        For arguments out of range and arrays that do not fit.

    Notes
    -----
    1600 runs take one to three seconds, whatever K is: the cost does not grow with the number of units.

    >>> start = restrict(plateau_start(2, normalization="none", asymmetry=1e-4))
    >>> escape_times([start], 2, normalization="none").round(1)
    array([118.2])
    """
    with_gain = checks.one_of("normalization", normalization, NORMALIZATIONS) != "none"
    starts = checks.array("starts", starts, ("runs", "numbers"), numbers=4 + with_gain)
    K, tau, eta = (np.broadcast_to(value, len(starts)) for value in (K, input_variance, learning_rate))
    apart = np.abs(starts[:, 2] - starts[:, 3]) / np.sqrt(starts[:, 0])
    if not (apart > 0).all():
        raise ValueError("starts must have R and S that differ, or they stay on the plateau for ever")
    times = _horizons(starts[:, 0], apart, K, tau, eta, normalization)

    change = np.eye(4 + with_gain)  # integrate Q, Q - C, R, R - S, g: the differences keep their digits
    change[1, :2], change[3, 2:4] = (1, -1), (1, -1)  # its own inverse

    def derivative(states, runs):
        velocity = reduced_velocity(
            states @ change.T, K[runs], tau[runs], normalization=normalization, learning_rate=eta[runs]
        )
        return velocity @ change.T

    def jacobian(states, runs):
        """By a complex step in each number."""
        moved = states + 1j * STEP * np.eye(starts.shape[1])[:, None]
        return np.moveaxis(derivative(moved, runs).imag, 0, -1) / STEP

    atol = np.where(np.arange(4 + with_gain) == 3, rtol * apart.min(), rtol)
    paths = integrate_stiff(derivative, jacobian, starts @ change.T, times, rtol, atol) @ change.T
    ends = []
    for path, when, k, t in zip(paths, times, K, tau):
        error = reduced_error(*effective(path, t, with_gain), k, t)
        e = np.abs(path[:, 2] - path[:, 3]) / np.sqrt(path[:, 0])
        ends.append(read_off(when, error, e, plateau_error(int(k), t), band).end)
    return np.array(ends)


def _horizons(Q, apart, K, tau, eta, normalization):
    """Times (runs, records) at which runs are looked at: even, and then ever wider up to where they are given up."""
    settings = [(int(k), float(t), float(h)) for k, t, h in zip(K, tau, eta)]
    own, plain = (
        np.array([
            escape_rate(k, t, normalization=rule, learning_rate=h, squared_norm=norm)
            for (k, t, h), norm in zip(settings, Q)
        ])
        for rule in (normalization, "none")
    )  # fmt: skip
    last = (np.maximum(np.log(1 / apart), 0) + LATEST) / own
    longer = np.maximum(own / plain, SLOW)[:, None] ** np.linspace(0, 1, RECORDS // 8)
    return last[:, None] * np.concatenate([np.tile(np.linspace(0, 1, RECORDS), (len(Q), 1)), longer], axis=1)
