r"""The mean step of batch normalization at every batch size b, without an expansion in 1/b.

The values w = x/s of one student in a batch are sqrt(b) times a coordinate of a uniform point on the unit sphere in b
dimensions. With p_l the polynomials that are orthonormal in its law (Gegenbauer's) and a_l(g) = <phi(g w) p_l(w)>, two
students of correlation rho have

    <phi(g w) phi(g' w')>_b = sum_l a_l(g) a_l(g') M_l(rho),   l odd
    M_l(rho) = m_l(rho) / m_l(1),   m_l(rho) = int_0^inf z^l dt / (t (1+t^2)^{b/2})
    z = rho t / sqrt((1 + t^2) (1 + (1 - rho^2) t^2))

for the average over the second point commutes with rotations, so that it is a number M_l on polynomials of degree l
(Funk and Hecke). As b -> infinity M_l is rho^l and the p_l are Hermite's: Mehler's formula. M_1 is the mean of a sample
correlation. Teachers and centered batches are as in `batch_quadrature`. This book's; chapter 15.
"""

import math
from functools import cache

import numpy as np
from scipy.special import poch, stdtr

from bnlib.committee.batch_quadrature import check_quadrature
from bnlib.committee.finite_batch import off_student
from bnlib.committee.gaussian import phi, phi_slope

NODES = 80  # nodes of the Gauss rule, and the degree at which the sum over l ends
STEPS = 100  # of the trapezium rule for M_l


class ExactDrift:
    """The whole gradient's mean step for Gaussian fields in batches of `batch_size`, centered or not.

    To 1e-8 for gains up to 2 and to 1e-4 up to 3 (1e-7 for b <= 100). Cost O(K^2 + K M), 0.3 ms at K = M = 2.

    >>> one = ExactDrift(10, False)
    >>> pull, change = one.step(np.eye(2), np.array([1.0]), np.array([[-1.0], [1.0]]))
    >>> pull[0, 1].round(4), change.round(4)
    (np.float64(0.3201), array([-0.194]))
    """

    def __init__(self, batch_size, center):
        b = check_quadrature(batch_size, center)
        self.shrunk = math.sqrt(1 - 1 / b) if center else 1.0
        self.b = b - bool(center)

    def step(self, raw, gain, c):
        """Of one unit of time at eta = 1: what `mean_step` returns first, over leading axes.

        Parameters
        ----------
        raw : array (..., n, n)
            Covariance of the raw fields of students and teachers.
        gain : array (..., K)
        c : array (n, O)
            Output weights (-w; +v).

        Returns
        -------
        pull : array (..., K, n)
            Components of each student's mean step along all students and teachers.
        change : array (..., K)
            Mean change of the gains.
        """
        K = gain.shape[-1]
        spread = np.sqrt(np.diagonal(raw, axis1=-2, axis2=-1))
        signs = (c @ c.T)[:K]
        along_pair, change_pair = self._students(raw[..., :K, :K], spread[..., :K], gain)
        along_teacher, change_teacher = self._teachers(raw[..., :K, K:], spread[..., :K], spread[..., K:], gain)
        weights = signs * np.concatenate([along_pair, along_teacher], axis=-1)
        change = -np.sum(signs * np.concatenate([change_pair, change_teacher], axis=-1), axis=-1)
        along = raw[..., :K, :] / spread[..., :K, None] ** 2
        return -off_student(weights, raw, along, K), change

    def _students(self, raw, spread, gain):
        """Derivatives of each pair's average: to raw_ij at fixed lengths, and to g_i as the first of the two."""
        w, _, harmonics = sphere_harmonics(self.b)
        fields = gain[..., None] * w
        a, slope = phi(fields) @ harmonics.T, (w * phi_slope(fields)) @ harmonics.T
        K = a.shape[-2]
        i, j = _two_of(K)  # of one student with itself M_l = 1, and the first derivative plays no part
        lengths = spread[..., i] * spread[..., j]
        moment, turn = correlation_moments(np.clip(raw[..., i, j] / lengths, -1, 1), self.b)
        along, change = np.zeros((2, *raw.shape))
        along[..., i, j] = along[..., j, i] = np.sum(a[..., i, :] * a[..., j, :] * turn, axis=-1) / lengths
        change[..., range(K), range(K)] = np.sum(slope * a, axis=-1)
        change[..., i, j] = np.sum(slope[..., i, :] * a[..., j, :] * moment, axis=-1)
        change[..., j, i] = np.sum(slope[..., j, :] * a[..., i, :] * moment, axis=-1)
        return along, change

    def _teachers(self, raw, spread, teacher_spread, gain):
        """The same of each student and teacher."""
        w, weight, _ = sphere_harmonics(self.b)
        slope = self.shrunk * raw / spread[..., None]
        total = 1 + teacher_spread[..., None, :] ** 2
        rest = np.sqrt(total - slope**2)
        x = (slope / rest)[..., None] * w
        fields = (gain[..., None] * w)[..., None, :]
        along = (phi(fields) * student_density(self.b, x)) @ (2 * weight * w) * total / rest**3
        change = (phi_slope(fields) * (2 * stdtr(self.b, x) - 1)) @ (weight * w)
        return along * self.shrunk / spread[..., None], change


def correlation_moments(rho, b):
    """M_l(rho) and its derivative, (..., degrees) at l = 1, 3, 5, ..., for -1 <= rho <= 1 in an uncentered batch of b.

    M_l is the mean of C_l(kappa) / C_l(1) over the sample correlation kappa, with Gegenbauer's C_l of index b/2 - 1.
    """
    rho = np.asarray(rho)[..., None]
    t, weight, at_one = moment_rule(b)
    powers, steepness = _powers(rho, t)
    moment = rho * (weight @ powers) / at_one
    return moment, np.arange(1, NODES, 2) * ((weight * steepness)[..., None, :] @ powers)[..., 0, :] / at_one


def _powers(rho, t):
    """z^l / rho (..., nodes, degrees) and d ln z / d ln rho (..., nodes)."""
    rest = 1 + (1 - rho * rho) * t * t
    unit = t / np.sqrt((1 + t * t) * rest)
    powers = np.empty((*unit.shape, NODES // 2))
    powers[..., 0], powers[..., 1:] = unit, np.square(rho * unit)[..., None]
    return np.cumprod(powers, axis=-1, out=powers), (1 + t * t) / rest


@cache
def moment_rule(b):
    """Nodes t, weights, and m_l(1): the trapezium rule in u, t = sinh u, up to where the integrand has fallen by
    1e-14. It converges as exp(-const / step), at every rho, for the integrand is smooth up to |Im u| = pi/2."""
    end = math.acosh(10 ** (14 / b)) + math.asinh(math.sqrt(NODES / b))
    u = (np.arange(STEPS) + 0.5) * end / STEPS
    t, weight = np.sinh(u), np.cosh(u) ** (1 - b) / np.sinh(u)
    return t, weight, weight @ _powers(1.0, t)[0]


@cache
def sphere_harmonics(b):
    """Nodes w > 0 (nodes,), weights (nodes,) and weights times p_l (degrees, nodes), l odd, for averages of functions
    that are even in w; the Gauss rule of the recurrence w p_l = r_{l+1} p_{l+1} + r_l p_{l-1} (Golub and Welsch)."""
    degree = np.arange(1, NODES)
    beside = np.sqrt(b * degree * (degree + b - 3) / ((2 * degree + b - 2) * (2 * degree + b - 4)))
    w, vectors = np.linalg.eigh(np.diag(beside, 1) + np.diag(beside, -1))
    half = w > 0
    rows = vectors[:, half]
    return w[half], 2 * rows[0] ** 2, 2 * rows[0] * rows[1::2]


def student_density(b, x):
    """The density of Student's distribution of b degrees of freedom."""
    return _density_at_zero(b) * (1 + x * x / b) ** (-(b + 1) / 2)


@cache
def _two_of(n):
    """Indices i < j."""
    return np.triu_indices(n, 1)


@cache
def _density_at_zero(b):
    return poch(b / 2, 0.5) / math.sqrt(math.pi * b)
