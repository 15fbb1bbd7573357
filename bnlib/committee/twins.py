r"""Batch normalization and its twin on the same inputs: what small batches do, with most of the noise taken away.

A run's overlaps fluctuate by O((b N)^{-1/2}), what its batch statistics do to them is O(1/b). The twin sees the same
inputs and divides by the population's deviations, so that `flow` without `finite_batch` is exact for it as N grows; the
difference of the two is the effect of the batch statistics, and fluctuates less by O(b^{-1/2}).
"""

import numpy as np

from bnlib import checks
from bnlib.committee.mean_step import error_correlations, fields_first, fields_last
from bnlib.committee.order_parameters import OrderParameters, Trajectory, error_of, field_scales, joint_overlaps
from bnlib.committee.overlap_walk import OverlapWalk
from bnlib.committee.training import Rule, recorded


def train_twins(
    start,
    dimension,
    steps,
    *,
    batch_size,
    learning_rate=1.0,
    input_variance=1.0,
    center=True,
    replicas=1,
    record_every=1,
    rng,
    progress=False,
):
    r"""Exact batch normalization in real batches, and its twin with the population's deviations, on the same inputs.

    `train_overlaps` with normalization "batch" for 2 K students side by side: equal in law at every finite N.

    Parameters
    ----------
    start, dimension, steps, batch_size, learning_rate, input_variance, center, replicas, record_every, rng, progress
        As in `train_overlaps`; `center` is about the real batches, the twin has no mean to subtract. N >= 2 K + M.

    Returns
    -------
    real, twin : Trajectory
        As `train_overlaps` returns them, with a leading axis of replicas.

    Raises
    ------
    ValueError
        For arguments out of range.

    Notes
    -----
    About twice the cost of `train_overlaps`.

    >>> start = OrderParameters(Q=[[0.5]], R=[[0.1]], T=[[1.0]], gain=[1.0])
    >>> real, twin = train_twins(start, 100, 5, batch_size=10, replicas=3, rng=np.random.default_rng(0))
    >>> real.gain.shape, bool((real.gain[:, 0] == twin.gain[:, 0]).all())
    ((3, 6, 1), True)
    """
    rule = _TwinRule(start, batch_size, learning_rate, input_variance, center)
    both = OrderParameters(np.tile(start.Q, (2, 2)), np.tile(start.R, (2, 1)), start.T, np.tile(start.gain, 2))
    dimension = checks.whole("dimension", dimension, 2 * start.K + start.M)
    rule.walk = walk = OverlapWalk(both, dimension, checks.whole("replicas", replicas, 1), rule)
    rng = checks.generator("rng", rng)

    times, Q, R, gain = recorded(lambda: walk.step(rng), walk.state, steps, record_every, dimension, progress)

    def half(which):
        part = Q[..., which, which], R[..., which, :], start.T, gain[..., which]
        return Trajectory(times, *part, error_of(*part, rule.tau, rule.c))

    return half(slice(start.K)), half(slice(start.K, None))


class _TwinRule:
    """The learning rule of both: K students as `Rule` has it, K with what the flow takes for their deviations."""

    def __init__(self, start, batch_size, learning_rate, input_variance, center):
        self.real = Rule(start, "batch", batch_size, learning_rate, input_variance, center, True, None, None)
        self.K, self.T = start.K, start.T
        self.b, self.eta, self.tau, self.c = self.real.b, self.real.eta, self.real.tau, self.real.c

    def backpropagate(self, x, y, gain):
        """As `Rule.backpropagate`, for (..., b, 2 K) raw fields."""
        K = self.K
        c, dg = self.real.backpropagate(x[..., :K], y, gain[..., :K])
        scale, own = self._population(gain[..., K:])
        unit = x[..., K:] * scale[..., None, :] / gain[..., None, K:]
        e = self.real._errors(x[..., K:] * scale[..., None, :], y)
        twin = scale[..., None, :] * (e - unit * own[..., None, :])
        return np.concatenate([c, twin], axis=-1), np.concatenate([dg, np.mean(e * unit, axis=-2)], axis=-1)

    def _population(self, gain):
        """The twin's a_i, and <e_i x_i> / deviation."""
        K = self.K
        Q, R, _ = self.walk.state()
        raw = self.tau * joint_overlaps(Q[:, K:, K:], R[:, K:], np.broadcast_to(self.T, (len(Q), *self.T.shape)))
        scale = field_scales(raw[..., :K, :K], gain, R.shape[-1])
        C = raw * scale[..., :, None] * scale[..., None, :]
        F = error_correlations(fields_first(raw, 2), fields_first(C, 2), fields_first(scale, 1), self.c, K)
        deviation = np.sqrt(np.diagonal(raw, axis1=-2, axis2=-1)[..., :K])
        return scale[..., :K], fields_last(F[np.arange(K), np.arange(K)], 1) / deviation
