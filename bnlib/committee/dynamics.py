r"""The flow: ordinary differential equations of the order parameters in the limit of many inputs.

With F_ik = <delta_i phi'(h_i) x_k>, the correlation of student i's back-propagated error with raw field k,

    dR_in/dt = eta a_i F_in
    dQ_ij/dt = eta (a_i F_ij + a_j F_ji) + (eta^2/b) tau a_i a_j <e_i e_j>
    dg_i/dt  = eta F_ii / (sigma sqrt Q_ii)

where a_i = g_i / (sigma sqrt Q_ii) (1 without normalization) and e_i = delta_i phi'(h_i). Back-propagation through the
batch's standard deviation takes the part along J_i away from student i's step: it adds -eta a_i F_ii / Q_ii times J_i.
"""

import math
from functools import partial

import numpy as np

from bnlib import checks, lsoda
from bnlib.committee.finite_batch import check_batch_size, check_not_zero
from bnlib.committee.gaussian import pairs
from bnlib.committee.mean_step import fields_first, fields_last, mean_step
from bnlib.committee.order_parameters import Trajectory, check_gain, error_of, output_signs

ADVICE = (  # where a flow cannot be followed
    " Where a student grows without bound, a smaller learning rate helps. The papers' update can also shrink a student "
    "to nothing, at starts with gain^2 > Q_ii; a finite batch size keeps it from zero."
)


def flow(
    start,
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
    r"""Order parameters against time for online gradient descent with many inputs, N -> infinity.

    T19 eqs (24)-(26) and T20 eq (8) with their misprints put right (the ledger lists them), extended to the exact
    gradient of batch normalization. The batch standard deviation is taken to be the population's: at batch size b the
    gains are off by a relative O(1/b), which `finite_batch` puts right up to O(1/b^2), or wholly (this book's; chapter
    15).

    Parameters
    ----------
    start : OrderParameters
        The state at time 0, with gains exactly if `normalization` is not "none".
    times : array (times,)
        Where to report, in steps / N; not decreasing, from 0 on.
    normalization : {"none", "batch", "batch-stop-gradient"}
        "batch" follows the whole gradient, as back-propagation does; "batch-stop-gradient" is the papers' update, which
        leaves out the gradient through the standard deviation.
    learning_rate : float
        eta; a step is eta / N times the gradient of the batch's mean loss.
    batch_size : float
        b, the examples a step; ``math.inf`` leaves out the noise of the steps, the eta^2 / b terms.
    input_variance : float
        tau = sigma^2 of every input component.
    finite_batch : {False, True, "exact"}
        True adds the first order in 1/b of the batch's own statistics (`finite_batch_drift`): b >= 5, or 6 if centered,
        and gains that are not zero. "exact" takes the mean step at b itself (`ExactDrift`): "batch" only, b from 4 (5
        if centered) to 1000, gains up to about 3. Both leave the noise of the steps as at b = infinity, off by
        O(eta^2/b^2). Nothing to add if `normalization` is "none" or b is infinite.
    center : bool
        Whether the batch mean is subtracted, as in `train`; it makes a difference with `finite_batch` only.
    student_output, teacher_output : arrays (K, O) and (M, O), optional
        Output weights w and v, which stay as they are; ones if left out.
    rtol, atol : float
        Tolerances of the integrator, relative and absolute.

    Returns
    -------
    Trajectory
        With Q (times, K, K), R (times, K, M), gain (times, K) or None, error (times,).

    Raises
    ------
    ValueError
        For arguments out of range, and for a start that does not fit the normalization.
    RuntimeError
        If the integrator stops before the last time, as it does where the flow runs away to infinity.

    Notes
    -----
    One evaluation costs O((K+M)^2 K) for infinite and O((K+M)^2 K^2) for finite batches; K = M = 2 up to t = 200
    takes some 20 ms, and three times that with `finite_batch="exact"`. Integrated by LSODA.

    >>> from bnlib.committee import OrderParameters
    >>> start = OrderParameters(Q=[[0.5]], R=[[0.1]], T=[[1.0]])
    >>> path = flow(start, [0, 1, 10], normalization="none")
    >>> path.R[:, 0, 0].round(3)
    array([0.1  , 0.38 , 0.893])
    """
    K, M = start.K, start.M
    check_gain(normalization, start.gain, start.Q)
    times = checks.increasing("times", times)
    eta = checks.positive("learning_rate", learning_rate)
    tau = checks.positive("input_variance", input_variance)
    noise = eta**2 * tau / checks.positive("batch_size", batch_size, allow_infinity=True)
    c = output_signs(K, M, student_output, teacher_output)
    small = smallness(finite_batch, normalization, batch_size, start.gain, center)

    def derivative(state, noise=noise):
        return pack(*velocity(*unpack(state, K, M), start.T, eta, tau, noise, c, normalization == "batch", small))

    drift = partial(derivative, noise=0.0)
    state = integrate(derivative, drift, pack(start.Q, start.R, start.gain), times, rtol, atol)
    Q, R, g = unpack(state, K, M)
    return Trajectory(times, Q, R, start.T, g, error_of(Q, R, start.T, g, tau, c))


def velocity(Q, R, gain, T, eta, tau, noise, c, through_deviation, small=None):
    """Time derivatives of Q, R and gain, over leading axes; `noise` is eta^2 tau / b, `c` the output weights (-w;
    +v), `small` from :func:`smallness`: None, 1/b and `center`, or an `ExactDrift`. Where `eta`, `tau`, `noise` and 1/b
    are arrays they end in two axes of length 1."""
    noisy = bool(noise) if isinstance(noise, float) else np.any(noise)
    pull, change, noises = mean_step(Q, R, gain, T, tau, c, through_deviation, small, noisy)
    K = R.shape[-2]
    dQ = eta * (pull[..., :K] + np.swapaxes(pull[..., :K], -1, -2))
    if noises is not None:
        dQ = dQ + noise * noises
    return dQ, eta * pull[..., K:], None if gain is None else (eta * change[..., None])[..., 0]


def smallness(finite_batch, normalization, batch_size, gain, center):
    """What :func:`velocity` takes for `small`, checked; None where nothing depends on it."""
    if finite_batch not in (False, True, "exact"):
        raise ValueError(f'finite_batch must be False, True or "exact"; got {finite_batch!r}')
    if not finite_batch or normalization == "none":
        return None
    if finite_batch != "exact":
        check_not_zero(gain)
        return 1 / check_batch_size(batch_size, center), bool(center)
    if normalization != "batch":
        raise ValueError(
            f"finite_batch must be False or True when normalization is {normalization!r}, whose update is no gradient; "
            f"got {finite_batch!r}"
        )
    if batch_size == math.inf:
        return None
    from bnlib.committee.exact_drift import ExactDrift  # brings much of SciPy, which other flows need not wait for

    return ExactDrift(batch_size, center)


def pack(Q, R, gain):
    """Vectors (..., length) of what moves: the upper triangle of Q, R, and the gains."""
    K, M = R.shape[-2:]
    i, j = pairs(K)
    state = np.empty((len(i) + K * M + (0 if gain is None else K), *R.shape[:-2]))
    state[: len(i)] = fields_first(Q, 2)[i, j]
    state[len(i) : len(i) + K * M] = fields_first(R, 2).reshape(K * M, *R.shape[:-2])
    if gain is not None:
        state[len(i) + K * M :] = fields_first(gain, 1)
    return fields_last(state, 1)


def unpack(state, K, M):
    """Q, R and gain (None where there is none) from vectors (..., length) made by :func:`pack`; in memory the runs are
    side by side, as `mean_step` wants them."""
    i, j = pairs(K)
    state = np.ascontiguousarray(fields_first(state, 1))
    Q = np.empty((K, K, *state.shape[1:]))
    Q[i, j] = Q[j, i] = state[: len(i)]
    R = state[len(i) : len(i) + K * M].reshape(K, M, *state.shape[1:])
    gain = state[len(i) + K * M :]
    return fields_last(Q, 2), fields_last(R, 2), fields_last(gain, 1) if len(gain) else None


def integrate(derivative, drift, start, times, rtol, atol):
    """States (times, length) of d state / dt = derivative(state), from `start` at t = 0.

    `drift` is a derivative good enough for the Jacobian of the implicit steps, taken over a leading axis at once.
    """

    def jacobian(state):
        step = 1e-8 * np.maximum(np.abs(state), 1e-3)
        return ((drift(state + np.diag(step)) - drift(state)) / step[:, None]).T

    return lsoda.integrate(derivative, start, times, rtol=rtol, atol=atol, jacobian=jacobian, advice=ADVICE)
