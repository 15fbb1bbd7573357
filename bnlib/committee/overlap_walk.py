r"""One step of online descent on the overlaps alone.

Choose an orthonormal basis whose first M vectors span the teachers, and write student i as :math:`J_i = (P_i, S_i)`:
P_i (length M) inside that span, S_i (length K) outside it, in any basis of the students' remainders. Then R = P T_*^T
and Q = P P^T + S S^T with T = T_* T_*^T. Inputs seen in this basis are K + M standard normals each. The step (eta / N
b) sum_u c^u xi^u adds to P and S directly, and sends what lies outside the basis, n = N - K - M dimensions of
independent normals, into a new Gaussian block whose Gram matrix is Wishart(n). S is then squared up to K columns
again. S goes to zero as a student learns, with no loss of accuracy.
"""

import numpy as np

EPSILON = np.finfo(float).eps


class OverlapWalk:
    """Replicas of the chain: P (replicas, K, M), S (replicas, K, K), gain (replicas, K) or None."""

    def __init__(self, start, dimension, replicas, rule):
        K, M = start.R.shape
        self.N, self.rule = dimension, rule
        joint = np.block([[start.T, start.R.T], [start.R, start.Q]])
        factor = semidefinite_root(joint)
        self.teacher = factor[:M, :M]
        self.P = np.repeat(factor[None, M:, :M], replicas, axis=0)
        self.S = np.repeat(factor[None, M:, M:], replicas, axis=0)
        self.gain = None if start.gain is None else np.repeat(start.gain[None], replicas, axis=0)

    def state(self):
        """Q (replicas, K, K), R (replicas, K, M) and gain (replicas, K) or None."""
        P, S = self.P, self.S
        Q = P @ np.swapaxes(P, -1, -2) + S @ np.swapaxes(S, -1, -2)
        return Q, P @ self.teacher.T, None if self.gain is None else self.gain.copy()

    def step(self, rng):
        """One mini-batch for every replica."""
        rule = self.rule
        replicas, K, M = self.P.shape
        students = np.concatenate([self.P, self.S], axis=-1)
        inputs = rng.standard_normal((replicas, rule.b, M + K))
        sigma = np.sqrt(rule.tau)
        c, dg = rule.backpropagate(
            sigma * (inputs @ np.swapaxes(students, -1, -2)), sigma * (inputs[..., :M] @ self.teacher.T), self.gain
        )
        size = rule.eta * sigma / (self.N * rule.b)
        columns = np.swapaxes(c, -1, -2)
        inside = students + size * (columns @ inputs)
        self.P = inside[..., :M]
        self.S = inside[..., M:]
        if self.N > K + M:
            outside = size * semidefinite_root(columns @ c) @ gaussian_root(self.N - K - M, K, replicas, rng)
            both = np.concatenate([self.S, outside], axis=-1)
            self.S = semidefinite_root(both @ np.swapaxes(both, -1, -2))
        if dg is not None:
            self.gain = self.gain + rule.eta / self.N * dg


def gaussian_root(n, K, replicas, rng):
    """A (replicas, K, K) whose A A^T has the law of G G^T for G (K, n) of standard normals: Bartlett's
    decomposition."""
    if n < K:  # fewer dimensions than students: the normals themselves
        return np.concatenate([rng.standard_normal((replicas, K, n)), np.zeros((replicas, K, K - n))], axis=-1)
    A = rng.standard_normal((replicas, K, K)) * np.tri(K, k=-1)
    A.reshape(replicas, -1)[:, :: K + 1] = np.sqrt(rng.chisquare(n - np.arange(K), (replicas, K)))
    return A


def semidefinite_root(G):
    """Lower triangular L (..., n, n) with L L^T = G for positive semidefinite G, singular ones included.

    Cholesky's method over leading axes; a pivot that is zero up to round-off leaves its column empty, which LAPACK's
    does not know. Backward stable: L L^T misses G by round-off of its diagonal.
    """
    n = G.shape[-1]
    floor = n * EPSILON * G.diagonal(axis1=-2, axis2=-1)
    try:
        L = np.linalg.cholesky(G)
        if (L.diagonal(axis1=-2, axis2=-1) ** 2 > floor).all():
            return L
    except np.linalg.LinAlgError:
        pass
    L = np.zeros(G.shape)
    for k in range(n):
        rest = G[..., k:, k] - np.einsum("...ij,...j->...i", L[..., k:, :k], L[..., k, :k])
        pivot = np.where(rest[..., 0] > floor[..., k], rest[..., 0], np.inf)
        L[..., k:, k] = rest / np.sqrt(pivot)[..., None]
    return L
