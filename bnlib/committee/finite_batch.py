r"""Small batches: the error that batch normalization descends in training mode, to first order in 1/b.

In training mode a unit divides by the root mean square s of its own batch. Averaged over batches the update is still
minus a gradient (batch by batch, hence on average), that of the training-mode error

    eps_b = eps_g + P / b + O(1/b^2)

With A = 1 + C_ii, T = 1 + C_pp, c = C_ip, L = A T - c^2 the error-function units have

    P = (2/pi) sum_ip (c_i . c_p) [f(C_ii, C_pp, c) + (p a student) c^3 / (4 C_ii C_pp L^{3/2})]
    f(q, t, c) = c / (A sqrt L) [q / 2A + (2 c^2 / q - T) / 4L]      (- c / (2 sqrt L), p a teacher, if centered)

over students i and all fields p, p = i included, with c = (-w; +v). This book's; no paper has it. Two derivations, by
noise on the log gains and by the fourth cumulants of x/s, are in chapter 15.
"""

import math

import numpy as np

from bnlib import checks
from bnlib.committee.order_parameters import check_gain, error_of, field_scales, joint_overlaps, output_signs

SMALLEST = 5  # batches below this (one more if centered) are refused: there P / b is no longer a correction


def batch_correction(order_parameters, *, input_variance=1.0, center=True, student_output=None, teacher_output=None):
    r"""P, the first-order coefficient of the training-mode error :math:`\varepsilon_b=\varepsilon_g+P/b+O(b^{-2})`.

    For Gaussian fields and error-function units (this book's; chapter 15). It may be negative.

    Parameters
    ----------
    order_parameters : OrderParameters
        With gains, none of them zero.
    input_variance : float
        tau = sigma^2 of every input component.
    center : bool
        Whether the batch mean is subtracted before dividing.
    student_output, teacher_output : arrays (K, O) and (M, O), optional
        Output weights w and v; ones if left out.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        For gains missing or zero, and for arguments out of range.

    >>> from bnlib.committee import OrderParameters
    >>> one = OrderParameters(Q=[[1.0]], R=[[1.0]], T=[[1.0]], gain=[1.0])
    >>> round(batch_correction(one, center=False), 6), round(batch_correction(one), 6)
    (0.030629, 0.214406)
    """
    parts = correction_parts(
        order_parameters,
        input_variance=input_variance,
        center=center,
        student_output=student_output,
        teacher_output=teacher_output,
    )
    return sum(parts.values())


def correction_parts(order_parameters, *, input_variance=1.0, center=True, student_output=None, teacher_output=None):
    r"""What :func:`batch_correction` is made of, by cause.

    With :math:`\theta_i=g_i\partial_{g_i}` and :math:`D_i` the derivative along
    :math:`C\to C+\epsilon\,r_ir_i^\top`, :math:`r_{ia}=\langle\hat x_iz_a\rangle`:

    "gain" :math:`\sum_i(\frac12\theta_i+\frac14\theta_i^2)\varepsilon_g`, noise of each student's log gain;
    "shared" :math:`\frac12\sum_{i<j}\rho_{ij}^2\theta_i\theta_j\varepsilon_g`, the part of that noise that two students
    share; "own" :math:`-\sum_i\theta_iD_i\varepsilon_g`, the sample's own vote on the deviation that divides it;
    "mean" :math:`-\frac12\sum_{in}C_{in}\partial_{C_{in}}\varepsilon_g`, from the batch mean (0 without `center`).

    Returns
    -------
    dict of float
        Arguments and errors as in :func:`batch_correction`.
    """
    raw, C, c, K = _checked_fields(order_parameters, input_variance, student_output, teacher_output)
    q, t, r, weight, student = _pairs(C, c, K)
    A, T = 1 + q, 1 + t
    L = A * T - r * r
    once = r / (A * np.sqrt(L))  # theta of the arcsine
    gain = once * (0.5 + 0.25 * (T / L - 2 * q / A))
    own = -once * (1 / A - 0.5 + (T - r * r / q) / (2 * L))
    both = np.where(student, r**3 / (4 * q * t * L**1.5), 0.0)
    same = np.eye(*r.shape, dtype=bool)
    mean = np.where(student, 0.0, -r / (2 * np.sqrt(L))) if center else np.zeros_like(r)
    parts = {"gain": gain + np.where(same, both, 0), "shared": np.where(same, 0, both), "own": own, "mean": mean}
    return {name: float(2 / math.pi * np.sum(weight * part)) for name, part in parts.items()}


def effective_error(
    order_parameters, *, batch_size, input_variance=1.0, center=True, student_output=None, teacher_output=None
):
    r"""Mean loss on a fresh batch in training mode, :math:`\varepsilon_g+P/b`, to first order in 1/b.

    The remainder is O(1/b^2): formally derived, and checked against :func:`training_error`, not bounded.

    Parameters
    ----------
    batch_size : float
        b >= 5, or 6 if centered; ``math.inf`` gives the generalization error.
    order_parameters, input_variance, center, student_output, teacher_output
        As in :func:`batch_correction`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> from bnlib.committee import OrderParameters
    >>> one = OrderParameters(Q=[[1.0]], R=[[1.0]], T=[[1.0]], gain=[1.0])
    >>> round(effective_error(one, batch_size=10, center=False), 6)
    0.003063
    """
    b = check_batch_size(batch_size, center)
    settings = {"student_output": student_output, "teacher_output": teacher_output}
    P = batch_correction(order_parameters, input_variance=input_variance, center=center, **settings)
    p, tau = order_parameters, float(input_variance)
    return float(error_of(p.Q, p.R, p.T, p.gain, tau, output_signs(p.K, p.M, **settings))) + P / b


def check_batch_size(batch_size, center):
    """`batch_size` as a float, if the first order in 1/b means anything there."""
    b, smallest = checks.positive("batch_size", batch_size, allow_infinity=True), SMALLEST + bool(center)
    if b < smallest:
        raise ValueError(
            f"batch_size must be >= {smallest} for the first order in 1/b to mean anything "
            f"({'centered' if center else 'uncentered'} batches); got {batch_size!r}"
        )
    return b


def finite_batch_drift(raw, C, scale, c, K, center, through_deviation):
    r"""What 1/b adds to the mean step: coefficients of 1/b, over leading axes.

    The whole gradient's drift is minus the gradient of P: -a_i sum_p P_ip a_p (raw_pk - raw_pi raw_ik / raw_ii) with
    P_ip = dP / dC_ip. The papers' update, which holds s constant, moves besides along the batch's own regression of the
    fields on x_i, whose slopes are correlated with the batch's gain gradient. That takes (theta_i P) raw_ik / raw_ii
    away, and the same sum once more with P_ip replaced by the derivative of theta_i eps_g along the tilt of the
    covariances that goes with a slope (chapter 15; this book's).

    Parameters
    ----------
    raw, C : arrays (..., n, n)
        Covariance of the raw and of the effective fields; `scale` (..., n) takes one to the other.
    c : array (n, O)
        Output weights (-w; +v).

    Returns
    -------
    pull : array (..., K, n)
        Change of the x_k-component of each student's mean step, over eta; 1/b apart.
    tension : array (..., K)
        theta_i P, so that dg_i/dt changes by -eta theta_i P / (b g_i).
    """
    slope, tension = _gradient(C, c, K, center)
    a = scale[..., :K, None]
    own = np.diagonal(raw, axis1=-2, axis2=-1)[..., :K, None]
    along = raw[..., :K, :] / own
    pull = -off_student(a * slope * scale[..., None, :], raw, along, K)
    if not through_deviation:
        weights = a * _regression_weights(C, c, K) * scale[..., None, :]
        pull = pull - tension[..., None] * along - off_student(weights, raw, along, K)
    return pull, tension


def pair_terms(q, t, r, student, center):
    """The summand of a pair of fields with variances q, t and covariance r: the part of P that either student of two
    (or the one student, against a teacher) causes, summed over the two, and the part that they share."""
    root = np.sqrt((1 + q) * (1 + t) - r * r)

    def caused(q, t):
        A, T = 1 + q, 1 + t
        return r / (A * root) * (q / (2 * A) + (2 * r * r / q - T) / (4 * root * root))

    if student:
        return caused(q, t) + caused(t, q), r**3 / (2 * q * t * root**3)
    return caused(q, t) - (r / (2 * root) if center else 0), 0.0


def teacher_slope(q, t, r, b, center):
    """Derivative to r of a student's and a teacher's average, to first order in 1/b; r may be complex."""
    q, t, r = (np.reshape(x, (1, 1)) for x in (q, t, r))
    return (2 / np.pi) * (1 / np.sqrt((1 + q) * (1 + t) - r * r) + _pair_slopes(q, t, r, 0, center)[2] / b)[0, 0]


def off_student(weights, raw, along, K):
    """sum_p weights_ip (raw_pk - raw_pi raw_ik / raw_ii): components along what is orthogonal to x_i."""
    own = np.sum(weights * raw[..., :K, :], axis=-1, keepdims=True)
    return weights @ raw - own * along


def _regression_weights(C, c, K):
    """Derivative of theta_i eps_g to C_ip as the batch's regression on x_i tilts it; D_ik above, without scales."""
    q, t, r, weight, student = _pairs(C, c, K)
    L = (1 + q) * (1 + t) - r * r
    lever = np.where(student, (1 - r * r / (q * t)) * (1 + t), 1 + t - r * r / q)
    return (2 / np.pi) * weight * lever / L**1.5


def _gradient(C, c, K, center):
    """dP / dC_ip (..., K, n), each pair once (the diagonal is left out: 0), and theta_i P (..., K)."""
    q, t, r, weight, _ = _pairs(C, c, K)
    dq, dt, dr = _pair_slopes(q, t, r, K, center)
    weight = (2 / np.pi) * weight
    slope = weight * dr
    own = (weight * dq).sum(axis=-1) + (weight * dt)[..., :K].sum(axis=-2) + slope.diagonal(axis1=-2, axis2=-1)
    slope[..., :K] += np.swapaxes(weight[:, :K] * dr[..., :K], -1, -2)
    slope[..., range(K), range(K)] = 0
    return slope, 2 * q[..., 0] * own + (slope * r).sum(axis=-1)


def _pair_slopes(q, t, r, students, center):
    """Derivatives to q (..., K, 1), t (..., 1, n) and r (..., K, n) of the summand of P (see the module), for all pairs
    at once; the first `students` of the n fields are students."""
    A, T = 1 + q, 1 + t
    h = 0.5 / (A * T - r * r)  # 1 / 2L
    v = np.sqrt(2 * h) / A  # f = r v B
    u, regression = r * v, r / q
    E = 2 * r * regression - T
    w = E * h
    B = 0.5 * (q / A + w)
    dq = u * (0.5 / (A * A) - B * (1 / A + T * h) - h * (regression * regression + w * T))
    dt = -u * h * (A * (B + w) + 0.5)
    dr = v * (B + 2 * r * h * (r * (B + w) + regression))
    own, others = np.s_[..., :students], np.s_[..., students:]
    if center:  # - r / (2 sqrt L), with teachers
        push = A * v[others] * h[others]
        dq[others] += 0.5 * push * r[others] * T[others]
        dt[others] += 0.5 * push * r[others] * A
        dr[others] -= push * A * T[others]
    if students:  # r^3 / (4 q t L^1.5), with students
        t, T, r, h = t[own], T[own], r[own], h[own]
        steep = A * v[own] * h * r * regression[own] / (2 * t)
        both = r * steep
        dq[own] -= both * (1 / q + 3 * h * T)
        dt[own] -= both * (1 / t + 3 * h * A)
        dr[own] += 3 * steep + 6 * h * r * both
    return dq, dt, dr


def _pairs(C, c, K):
    """C_ii (..., K, 1), C_pp (..., 1, n), C_ip (..., K, n), c_i . c_p (K, n) and which p are students (n,)."""
    d = np.diagonal(C, axis1=-2, axis2=-1)
    return d[..., :K, None], d[..., None, :], C[..., :K, :], (c @ c.T)[:K], np.arange(C.shape[-1]) < K


def _checked_fields(order_parameters, input_variance, student_output, teacher_output):
    p = order_parameters
    check_gain("batch", p.gain, p.Q)
    check_not_zero(p.gain)
    raw = checks.positive("input_variance", input_variance) * joint_overlaps(p.Q, p.R, p.T)
    scale = field_scales(raw[: p.K, : p.K], p.gain, p.M)
    return raw, raw * scale[:, None] * scale, output_signs(p.K, p.M, student_output, teacher_output), p.K


def check_not_zero(gain):
    """Gains of zero are refused: theta_i has no direction there."""
    if (gain == 0).any():
        raise ValueError(f"gain must be nonzero for every student; got {gain!r}")
