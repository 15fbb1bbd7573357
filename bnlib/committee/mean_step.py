r"""The mean of a step of learning, and its noise: sums of averages over Gaussian fields.

With F_ik = <delta_i phi'(h_i) x_k>, the correlation of student i's back-propagated error with raw field k. Inside,
fields come first and runs last, (K, n, ...): the same few numbers of many runs lie side by side, and what is done to a
pair of fields is one long loop over the runs. For one run it makes no difference.
"""

from functools import lru_cache

import numpy as np

from bnlib.committee.finite_batch import finite_batch_drift
from bnlib.committee.gaussian import pairs, slope_weighted_overlap


def mean_step(Q, R, gain, T, tau, c, through_deviation, small=None, noisy=False):
    """Of one unit of time at eta = 1, over leading axes: components (..., K, K+M) of each student's mean step along all
    students and teachers, the mean change of the gains (..., K), and if `noisy` the noise <c_i c_j> of the steps
    (..., K, K). Arguments as in :func:`~bnlib.committee.dynamics.velocity`."""
    K = R.shape[-2]
    raw, scale = _fields(fields_first(Q, 2), fields_first(R, 2), gain, fields_first(T, 2), tau)
    C = raw * scale[:, None] * scale  # raw: covariance of the fields J_i . xi, B_n . xi; C: of what the units see
    a, lengths = scale[:K], _diagonal(raw, K)
    F = error_correlations(raw, C, scale, c, K)
    own = _diagonal(F, K)
    pull = a[:, None] * F
    if through_deviation:
        pull -= (a * own / lengths)[:, None] * raw[:K]
    noises = None
    if noisy:
        noises = a[:, None] * a * error_covariance(raw, C, F, c, K, through_deviation)
        noises = fields_last(noises, 2)
    pull, own = fields_last(pull, 2), fields_last(own, 1)
    if small is not None:
        raw, C = (np.ascontiguousarray(fields_last(m, 2)) for m in (raw, C))
        if not isinstance(small, tuple):  # an ExactDrift
            return *small.step(raw, gain, c), noises
        share, center = small
        more, tension = finite_batch_drift(raw, C, fields_last(scale, 1), c, K, center, through_deviation)
        pull = pull + share * more
        own = own - (share * tension[..., None])[..., 0] / fields_last(a, 1)
    return pull, own / np.sqrt(fields_last(lengths, 1)), noises


def fields_first(a, axes):
    """The last `axes` axes of an array, those of fields, in front of the others: a view."""
    runs = a.ndim - axes
    return a if runs == 0 else a.transpose(*range(runs, a.ndim), *range(runs))


def fields_last(a, axes):
    """The first `axes` axes of an array behind the others: a view, and the inverse of :func:`fields_first`."""
    return a if a.ndim == axes else a.transpose(*range(axes, a.ndim), *range(axes))


def error_correlations(raw, C, scale, c, K):
    """F (K, n, ...) = <delta_i phi'(h_i) x_k>, the sum of I3 over all n = K + M fields p, weighted by c_i . c_p.

    `raw` and `C` (n, n, ...) are the covariances of the raw fields and of what the units see, where `scale` (n, ...)
    takes the one to the other; `c` (n, O) are the output weights (-w; +v).
    """
    d, rows = 1 + _diagonal(C), C[:K]
    weights = _over_runs((-2 / np.pi) * (c @ c.T)[:K], C) / np.sqrt(d[:K, None] * d - rows * rows)
    own = (weights * rows).sum(axis=1) / d[:K]
    weights *= scale
    np.einsum("ii...->i...", weights[:, :K])[...] -= own * scale[:K]  # a view of the diagonal
    return weights @ raw if raw.ndim == 2 else np.einsum("ip...,pk...->ik...", weights, raw)


def error_covariance(raw, C, F, c, K, through_deviation):
    """<e_i e_j> (K, K, ...) with e_i = delta_i phi'(h_i), the sum of I4; with the projection that exact BN's step
    carries. Arguments as in :func:`error_correlations`."""
    i, j = pairs(K)
    angles, factors = slope_weighted_overlap(C, i, j)
    values = np.einsum("ap,ap...->a...", _pair_weights(c.tobytes(), c.shape, K), angles) * factors
    E = np.empty((K, K, *values.shape[1:]))
    E[i, j] = E[j, i] = values
    if not through_deviation:
        return E
    deviation = np.sqrt(_diagonal(raw, K))
    f = F[:, :K] / deviation  # f_ij = <e_i x_j> / (sigma sqrt Q_jj)
    own = _diagonal(f)
    correlation = raw[:K, :K] / (deviation[:, None] * deviation)
    shared = f * own
    return E - shared - shared.swapaxes(0, 1) + correlation * own[:, None] * own


@lru_cache(maxsize=64)
def _pair_weights(c, shape, K):
    """Weight (pairs of students, pairs of fields) of an I4 in the noise; the same `c`, as bytes, all along a flow."""
    c = np.frombuffer(c).reshape(shape)
    signed = c[:K] @ c.T  # the two signs -w_i and -w_j cancel in the product below
    (i, j), (p, q) = pairs(K), pairs(len(c))
    both = signed[i][:, p] * signed[j][:, q] + signed[i][:, q] * signed[j][:, p]
    return np.where(p == q, 0.5, 1.0) * both


def _fields(Q, R, gain, T, tau):
    """The raw fields' covariance tau [[Q, R], [R^T, T]] (n, n, ...), and the factors (n, ...) from them to what units
    see: a_i = g_i / (sigma sqrt Q_ii) for students under batch normalization, or 1."""
    K, M = R.shape[:2]
    raw, scale = np.empty((K + M, K + M, *R.shape[2:])), np.ones((K + M, *R.shape[2:]))
    raw[:K, :K], raw[:K, K:], raw[K:, :K] = Q, R, R.swapaxes(0, 1)
    raw[K:, K:] = T if T.ndim > 2 else _over_runs(T, R)
    raw *= fields_first(tau, 2) if np.ndim(tau) else tau
    if gain is not None:
        scale[:K] = fields_first(gain, 1) / np.sqrt(_diagonal(raw, K))
    return raw, scale


def _over_runs(constant, like):
    """An array of fields without runs, to be combined with one that has them."""
    return constant.reshape(constant.shape + (1,) * (like.ndim - 2))


def _diagonal(a, count=None):
    if a.ndim == 2:
        return a.diagonal()[:count]
    at = np.arange(len(a) if count is None else count)
    return a[at, at]
