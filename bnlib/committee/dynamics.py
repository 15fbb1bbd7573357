r"""The flow: ordinary differential equations of the order parameters in the limit of many inputs.

With F_ik = <delta_i phi'(h_i) x_k>, the correlation of student i's back-propagated error with raw field k,

    dR_in/dt = eta a_i F_in
    dQ_ij/dt = eta (a_i F_ij + a_j F_ji) + (eta^2/b) tau a_i a_j <e_i e_j>
    dg_i/dt  = eta F_ii / (sigma sqrt Q_ii)

where a_i = g_i / (sigma sqrt Q_ii) (1 without normalization) and e_i = delta_i phi'(h_i). Back-propagation through the
batch's standard deviation takes the part along J_i away from student i's step: it adds -eta a_i F_ii / Q_ii times J_i.
"""

import math
from functools import cache, partial

import numpy as np

from bnlib import checks, lsoda
from bnlib.committee.finite_batch import check_batch_size, check_not_zero, finite_batch_drift
from bnlib.committee.gaussian import slope_weighted_overlap
from bnlib.committee.order_parameters import (
    Trajectory,
    check_gain,
    error_of,
    field_scales,
    joint_overlaps,
    output_signs,
)

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
    pull, change, noises = mean_step(Q, R, gain, T, tau, c, through_deviation, small, np.any(noise))
    K = R.shape[-2]
    dQ = eta * (pull[..., :K] + np.swapaxes(pull[..., :K], -1, -2))
    if noises is not None:
        dQ = dQ + noise * noises
    return dQ, eta * pull[..., K:], None if gain is None else (eta * change[..., None])[..., 0]


def mean_step(Q, R, gain, T, tau, c, through_deviation, small=None, noisy=False):
    """Of one unit of time at eta = 1: components (..., K, K+M) of each student's mean step along all students and
    teachers, the mean change of the gains (..., K), and if `noisy` the noise <c_i c_j> of the steps (..., K, K)."""
    K, M = R.shape[-2:]
    raw = tau * joint_overlaps(Q, R, T)  # covariance of the fields J_i . xi, B_n . xi
    scale = field_scales(raw[..., :K, :K], gain, M)
    a = scale[..., :K]
    C = raw * scale[..., :, None] * scale[..., None, :]  # and of what the units see
    F = error_correlations(raw, C, scale, c, K)
    lengths = np.diagonal(raw, axis1=-2, axis2=-1)[..., :K]
    own = np.diagonal(F[..., :K], axis1=-2, axis2=-1)
    pull = a[..., None] * F
    if through_deviation:
        pull = pull - (a * own)[..., None] * raw[..., :K, :] / lengths[..., None]
    noises = None
    if noisy:
        noises = a[..., :, None] * a[..., None, :] * error_covariance(raw, C, F, c, K, through_deviation)
    if small is not None and not isinstance(small, tuple):
        return *small.step(raw, gain, c), noises
    if small is not None:
        share, center = small
        more, tension = finite_batch_drift(raw, C, scale, c, K, center, through_deviation)
        pull = pull + share * more
        own = own - (share * tension[..., None])[..., 0] / a
    return pull, own / np.sqrt(lengths), noises


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


def error_correlations(raw, C, scale, c, K):
    """F (..., K, K+M) = <delta_i phi'(h_i) x_k>, the sum of I3 over all fields p, weighted by c_i . c_p."""
    d = 1 + np.diagonal(C, axis1=-2, axis2=-1)
    rows = C[..., :K, :]
    weights = -(c @ c.T)[:K] / np.sqrt(d[..., :K, None] * d[..., None, :] - rows**2)
    own = np.sum(weights * rows, axis=-1) / d[..., :K]
    return (2 / np.pi) * ((weights * scale[..., None, :]) @ raw - (own * scale[..., :K])[..., None] * raw[..., :K, :])


def error_covariance(raw, C, F, c, K, through_deviation):
    """<e_i e_j> (..., K, K) with e_i = delta_i phi'(h_i), the sum of I4; with the projection that exact BN's step
    carries."""
    i, j = pairs(K)
    signed = c[:K] @ c.T  # the two signs -w_i and -w_j cancel in the product below
    average = slope_weighted_overlap(C, i, j)
    values = np.sum((signed[i, None, :] @ average)[..., 0, :] * signed[j], axis=-1)
    E = np.empty((*values.shape[:-1], K, K))
    E[..., i, j] = E[..., j, i] = values
    if not through_deviation:
        return E
    deviation = np.sqrt(np.diagonal(raw, axis1=-2, axis2=-1)[..., :K])
    f = F[..., :K] / deviation[..., None, :]  # f_ij = <e_i x_j> / (sigma sqrt Q_jj)
    own = np.diagonal(f, axis1=-2, axis2=-1)
    correlation = raw[..., :K, :K] / (deviation[..., :, None] * deviation[..., None, :])
    shared = f * own[..., None, :]
    return E - shared - np.swapaxes(shared, -1, -2) + correlation * own[..., :, None] * own[..., None, :]


@cache
def pairs(K):
    """Indices i <= j of the pairs of students."""
    return np.triu_indices(K)


def pack(Q, R, gain):
    """Vectors (..., length) of what moves: the upper triangle of Q, R, and the gains."""
    i, j = pairs(Q.shape[-1])
    parts = [Q[..., i, j], R.reshape(*R.shape[:-2], -1), *([] if gain is None else [gain])]
    return np.concatenate(parts, axis=-1)


def unpack(state, K, M):
    """Q, R and gain (None where there is none) from vectors (..., length) made by :func:`pack`."""
    i, j = pairs(K)
    Q = np.empty((*state.shape[:-1], K, K))
    Q[..., i, j] = Q[..., j, i] = state[..., : len(i)]
    R = state[..., len(i) : len(i) + K * M].reshape(*state.shape[:-1], K, M)
    gain = state[..., len(i) + K * M :]
    return Q, R, gain if gain.shape[-1] else None


def integrate(derivative, drift, start, times, rtol, atol):
    """States (times, length) of d state / dt = derivative(state), from `start` at t = 0.

    `drift` is a derivative good enough for the Jacobian of the implicit steps, taken over a leading axis at once.
    """

    def jacobian(state):
        step = 1e-8 * np.maximum(np.abs(state), 1e-3)
        return ((drift(state + np.diag(step)) - drift(state)) / step[:, None]).T

    return lsoda.integrate(derivative, start, times, rtol=rtol, atol=atol, jacobian=jacobian, advice=ADVICE)
