"""T19's and T20's closed forms as they are printed, and the Monte Carlo road to the same numbers.

Nothing here comes from bnlib: the errata are told by two roads that share no code with it. `corrected=True`
repairs the one formula it is given to. T20 (9)-(12) are T19 (10), (11), (16), (17) with all D and E equal to 1.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import erf

MISSES = 10  # standard errors: a misprint this far off is no matter of luck
WITHIN = 4
PAIRS = [(0, 0), (0, 1), (1, 2)]


def largest(values):
    return float(max(values))


def phi(x):
    return erf(x / np.sqrt(2))


def phi_slope(x):
    return np.sqrt(2 / np.pi) * np.exp(-0.5 * x * x)


@dataclass(frozen=True)
class Case:
    """K = 3 students of unequal lengths and gains, M = 2 teachers, O = 2 outputs, nothing equal by accident."""

    J: np.ndarray
    B: np.ndarray
    gain: np.ndarray
    w: np.ndarray
    v: np.ndarray
    tau: float = 1.7

    @classmethod
    def draw(cls, seed=11, K=3, M=2, outputs=2, dimension=6, equal_scales=False, plain_outputs=False):
        rng = np.random.default_rng(seed)
        J, B = rng.standard_normal((K, dimension)) / 2, rng.standard_normal((M, dimension)) / 2
        gain = np.linalg.norm(J, axis=1) if equal_scales else rng.uniform(0.6, 1.6, K)
        w, v = rng.uniform(0.4, 1.4, (K, outputs)), rng.uniform(0.4, 1.4, (M, outputs))
        return cls(J, B, gain, np.ones((K, 1)), np.ones((M, 1))) if plain_outputs else cls(J, B, gain, w, v)

    @property
    def a(self):
        """What turns J_i . xi into the unit's input: g_i / (sigma sqrt Q_ii)."""
        return self.gain / (np.sqrt(self.tau) * np.linalg.norm(self.J, axis=1))

    @property
    def overlaps(self):
        """Q', R', T' of T19 below (26): covariances of the units' inputs and the teachers' fields."""
        hat = self.a[:, None] * self.J
        return self.tau * hat @ hat.T, self.tau * hat @ self.B.T, self.tau * self.B @ self.B.T

    @property
    def outputs(self):
        """D, E, F."""
        return self.w @ self.w.T, self.w @ self.v.T, self.v @ self.v.T

    def sample(self, count=400_000, seed=1):
        """Raw fields x, y, unit inputs h, and errors e_i = [(t - s).w_i] phi'(h_i), over random inputs."""
        xi = np.sqrt(self.tau) * np.random.default_rng(seed).standard_normal((count, self.J.shape[1]))
        x, y = xi @ self.J.T, xi @ self.B.T
        h = self.a * x
        t_minus_s = phi(y) @ self.v - phi(h) @ self.w
        return x, y, h, (t_minus_s @ self.w.T) * phi_slope(h)


def z_score(samples, value):
    """How many standard errors `value` is from the mean of the samples."""
    return abs(samples.mean() - value) / (samples.std(ddof=1) / np.sqrt(len(samples)))


def _third(ii, ip, pp, ij, jp):
    """The summand of (10), (11), (16), (17): numerator jp (1+ii) - ij ip."""
    return (jp * (1 + ii) - ij * ip) / ((1 + ii) * np.sqrt((1 + ii) * (1 + pp) - ip**2))


def Q1(case, i, j):
    Q, R, T = case.overlaps
    E = case.outputs[1]
    return sum(
        E[i, p] * _third(Q[i, i], R[i, p], T[p, p], Q[i, j], R[j, p])
        + E[j, p] * _third(Q[j, j], R[j, p], T[p, p], Q[j, i], R[i, p])
        for p in range(len(T))
    )


def Q2(case, i, j):
    Q, R, T = case.overlaps
    D = case.outputs[0]
    return sum(
        D[i, p] * _third(Q[i, i], Q[i, p], Q[p, p], Q[i, j], Q[j, p])
        + D[j, p] * _third(Q[j, j], Q[j, p], Q[p, p], Q[j, i], Q[i, p])
        for p in range(len(Q))
    )


def R_(case, i, n):
    Q, R, T = case.overlaps
    D, E, _ = case.outputs
    return sum(E[i, p] * _third(Q[i, i], R[i, p], T[p, p], R[i, n], T[n, p]) for p in range(len(T))) - sum(
        D[i, p] * _third(Q[i, i], Q[i, p], Q[p, p], R[i, n], R[p, n]) for p in range(len(Q))
    )


def G(case, i):
    Q, R, T = case.overlaps
    D, E, _ = case.outputs
    return sum(E[i, p] * _third(Q[i, i], R[i, p], T[p, p], Q[i, i], R[i, p]) for p in range(len(T))) - sum(
        D[i, p] * _third(Q[i, i], Q[i, p], Q[p, p], Q[i, i], Q[i, p]) for p in range(len(Q))
    )


def Lambda(case, i, j, corrected=True):
    """(18): printed with - (1 + Q'_ij^2) at the end, where - Q'_ij^2 is meant."""
    Q = case.overlaps[0]
    return (1 + Q[i, i]) * (1 + Q[j, j]) - (Q[i, j] ** 2 if corrected else 1 + Q[i, j] ** 2)


def Lambda_1_to_4(case, i, j, row, norm, corrected_18=True):
    """(19)-(22): `row` is (Q'_ip, Q'_jp) or (R'_ip, R'_jp), `norm` is Q'_pp or T'_pp."""
    Q, (ip, jp) = case.overlaps[0], row
    lead = Lambda(case, i, j, corrected_18) * (1 + norm)
    return lead - jp**2 * (1 + Q[i, i]) - ip**2 * (1 + Q[j, j]) + 2 * Q[i, j] * ip * jp


def _arc(case, i, j, first, second, pq, last=None, corrected_18=True):
    """The arcsin of (12)-(15); `first`, `second`: (overlap with i, with j, own norm) of fields p, q."""
    Q = case.overlaps[0]
    (ip, jp, pp), (iq, jq, qq) = first, second
    top = (
        Lambda(case, i, j, corrected_18) * pq
        - jp * jq * (1 + Q[i, i])
        - ip * iq * (1 + Q[j, j])
        + Q[i, j] * ip * jq
        + Q[i, j] * iq * (jp if last is None else last)
    )
    under = Lambda_1_to_4(case, i, j, (ip, jp), pp, corrected_18) * Lambda_1_to_4(
        case, i, j, (iq, jq), qq, corrected_18
    )
    return np.arcsin(top / np.sqrt(under))


def _fields(case, i, j):
    Q, R, T = case.overlaps
    return (
        [(Q[i, p], Q[j, p], Q[p, p]) for p in range(len(Q))],
        [(R[i, p], R[j, p], T[p, p]) for p in range(len(T))],
    )


def Q3(case, i, j, corrected=True, corrected_18=True):
    """(12): printed with q up to M, where K is meant."""
    D, Q, (students, _) = case.outputs[0], case.overlaps[0], _fields(case, i, j)
    last = len(Q) if corrected else len(case.B)
    return sum(
        D[i, p] * D[j, q] * _arc(case, i, j, students[p], students[q], Q[p, q], corrected_18=corrected_18)
        for p in range(len(Q))
        for q in range(last)
    )


def Q4(case, i, j, corrected_18=True):
    E, T, (_, teachers) = case.outputs[1], case.overlaps[2], _fields(case, i, j)
    return sum(
        E[i, p] * E[j, q] * _arc(case, i, j, teachers[p], teachers[q], T[p, q], corrected_18=corrected_18)
        for p in range(len(T))
        for q in range(len(T))
    )


def Q5(case, i, j, corrected_18=True):
    (D, E, _), R, (students, teachers) = case.outputs, case.overlaps[1], _fields(case, i, j)
    return sum(
        D[i, p] * E[j, q] * _arc(case, i, j, students[p], teachers[q], R[p, q], corrected_18=corrected_18)
        for p in range(R.shape[0])
        for q in range(R.shape[1])
    )


def Q6(case, i, j, corrected=True):
    """(15): p is a teacher and q a student here. Printed with Q'_jp in the last product, where R'_jp is
    meant, and with the indices of R'_pq in the order teacher, student, which we read as R'_qp."""
    (D, E, _), (Q, R, _), (students, teachers) = case.outputs, case.overlaps, _fields(case, i, j)
    return sum(
        E[i, p] * D[j, q] * _arc(case, i, j, teachers[p], students[q], R[q, p], None if corrected else Q[j, p])
        for p in range(R.shape[1])
        for q in range(R.shape[0])
    )


def error(case, corrected=True):
    """T19 (23) as printed (with M = O = 1 read into F and D), or T20 (13) with the output overlaps put in."""
    Q, R, T = case.overlaps
    D, E, F = case.outputs
    q, t = 1 / np.sqrt(1 + np.diag(Q)), 1 / np.sqrt(1 + np.diag(T))
    teachers = (F * np.arcsin(t[:, None] * T * t)).sum()
    if corrected:
        return (
            teachers + (D * np.arcsin(q[:, None] * Q * q)).sum() - 2 * (E * np.arcsin(q[:, None] * R * t)).sum()
        ) / np.pi
    return (teachers - np.arcsin(q[:, None] * R * q).sum()) / np.pi
