r"""Averages of error-function units over jointly Gaussian fields.

The units are :math:`\varphi(x) = \mathrm{erf}(x/\sqrt2)`, and the fields :math:`z` have mean zero and covariance
:math:`C`. Everything that two-layer learning needs of the inputs is in three averages (Saad and Solla 1995; T20
below eq (6)). The closed forms are exact for every covariance, singular ones included.
"""

from functools import cache

import numpy as np
from scipy.special import erf

from bnlib import checks

SLOPE = np.sqrt(2 / np.pi)  # phi'(0)


def phi(x):
    """The units' activation, erf(x / sqrt 2), entry by entry.

    >>> float(phi(0.0)), round(float(phi(1.0)), 4)
    (0.0, 0.6827)
    """
    return erf(x / np.sqrt(2))


def phi_slope(x):
    """The derivative of :func:`phi`, sqrt(2/pi) exp(-x^2/2), entry by entry.

    >>> round(float(phi_slope(0.0)), 4)
    0.7979
    """
    return SLOPE * np.exp(-0.5 * x * x)


def I2(C):
    r"""Averages :math:`\langle\varphi(z_p)\,\varphi(z_q)\rangle`.

    .. math:: I_2 = \frac2\pi \arcsin\frac{C_{pq}}{\sqrt{(1+C_{pp})(1+C_{qq})}}

    Holds for every Gaussian field of mean zero (T20 eq (7), written out in eq (13)).

    Parameters
    ----------
    C : array (..., n, n)
        Covariance of the fields; leading axes are independent cases.

    Returns
    -------
    array (..., n, n)

    Raises
    ------
    ValueError
        If `C` is not a finite, symmetric, positive semidefinite matrix.

    >>> I2([[1.0, 0.0], [0.0, 1.0]]).round(6)
    array([[0.333333, 0.      ],
           [0.      , 0.333333]])
    """
    return squashed_overlap(checks.covariance("C", C))


def I3(C, K):
    r"""Averages :math:`\langle\varphi'(z_i)\,z_k\,\varphi(z_p)\rangle`, the drift of learning.

    .. math:: I_3 = \frac2\pi \frac{C_{kp}(1+C_{ii}) - C_{ik}C_{ip}}{(1+C_{ii})\sqrt{(1+C_{ii})(1+C_{pp})-C_{ip}^2}}

    T20 below eq (6); the summands of eqs (9)-(12) there.

    Parameters
    ----------
    C : array (..., n, n)
        Covariance of the fields; leading axes are independent cases.
    K : int
        The first `K` of the `n` fields are the students; `i` runs over them, `k` and `p` over all.

    Returns
    -------
    array (..., K, n, n)
        Axes i, k, p.

    Raises
    ------
    ValueError
        If `C` is no covariance, or `K` is not from 1 to n.

    >>> I3([[1.0, 0.5], [0.5, 1.0]], 1).shape
    (1, 2, 2)
    """
    C = checks.covariance("C", C)
    K = _students(K, C)
    d = 1 + np.diagonal(C, axis1=-2, axis2=-1)
    own, rows = d[..., :K, None, None], C[..., :K, :]
    spread = own * d[..., None, None, :] - rows[..., :, None, :] ** 2
    return (
        (2 / np.pi)
        * (C[..., None, :, :] * own - rows[..., :, :, None] * rows[..., :, None, :])
        / (own * np.sqrt(spread))
    )


def I4(C, K):
    r"""Averages :math:`\langle\varphi'(z_i)\,\varphi'(z_j)\,\varphi(z_p)\,\varphi(z_q)\rangle`, the noise of learning.

    .. math:: I_4 = \frac4{\pi^2}\frac1{\sqrt{\Lambda}} \arcsin\frac{\Lambda_0}{\sqrt{\Lambda_1\Lambda_2}}

    with :math:`\Lambda = (1+C_{ii})(1+C_{jj})-C_{ij}^2` and the others as in T19 eqs (12)-(22), the misprint of (18)
    put right. T20 below eq (6).

    Parameters
    ----------
    C : array (..., n, n)
        Covariance of the fields; leading axes are independent cases.
    K : int
        The first `K` of the `n` fields are the students; `i` and `j` run over them, `p` and `q` over all.

    Returns
    -------
    array (..., K, K, n, n)
        Axes i, j, p, q. Memory and time grow as K^2 n^2.

    Raises
    ------
    ValueError
        If `C` is no covariance, or `K` is not from 1 to n.

    >>> I4([[1.0, 0.5], [0.5, 1.0]], 1).shape
    (1, 1, 2, 2)
    """
    C = checks.covariance("C", C)
    K, n = _students(K, C), C.shape[-1]
    (i, j), (p, q) = pairs(K), pairs(n)
    angles, factors = slope_weighted_overlap(np.moveaxis(C, (-2, -1), (0, 1)), i, j)
    packed = np.moveaxis(angles * factors[:, None], (0, 1), (-2, -1))
    fields = np.empty((*packed.shape[:-1], n, n))
    fields[..., p, q] = fields[..., q, p] = packed
    result = np.empty((*C.shape[:-2], K, K, n, n))
    result[..., i, j, :, :] = result[..., j, i, :, :] = fields
    return result


@cache
def pairs(n):
    """Indices i <= j of the pairs among n: of students, of fields."""
    return np.triu_indices(n)


def squashed_overlap(C):
    """:func:`I2` without its check, for inner loops."""
    scale = 1 / np.sqrt(1 + np.diagonal(C, axis1=-2, axis2=-1))
    return (2 / np.pi) * np.arcsin(C * scale[..., :, None] * scale[..., None, :])


def slope_weighted_overlap(C, i, j):
    r""":func:`I4` without its check, for the pairs ``i[a] <= j[a]`` of students and the `pairs` of fields only.

    Fields come first and cases last, so that a few fields of many cases are one long loop: from C (n, n, ...) two
    arrays, angles (pairs of students, pairs of fields, ...) and factors (pairs of students, ...), whose product it is.
    The two slopes are Gaussian factors, which condition the fields; one after the other, each takes an outer product
    away from their covariance. With C' what is left,

    .. math:: I_4 = \frac4{\pi^2}\frac1{\sqrt\Lambda} \arcsin\frac{C'_{pq}}{\sqrt{(1+C'_{pp})(1+C'_{qq})}}
    """
    (p, q), students = pairs(len(C)), np.arange(j.max() + 1)
    own = 1 + C[students, students]
    x = C[: len(own)] / np.sqrt(own)[:, None]
    both = x[i, j]
    rest = own[j] - both * both
    y = C[j]
    y -= both[:, None] * x[i]
    y /= np.sqrt(rest)[:, None]
    left = (C[p, q] - x.take(p, axis=1) * x.take(q, axis=1)).take(i, axis=0)
    left -= _products(y, p, q)
    scale = left.compress(p == q, axis=1)
    scale += 1
    np.sqrt(scale, out=scale)
    left /= _products(scale, p, q)
    return np.arcsin(left, out=left), (4 / np.pi**2) / np.sqrt(own[i] * rest)


def _products(a, p, q):
    """a_p a_q for pairs of entries of the second axis."""
    result = a.take(p, axis=1)
    result *= a.take(q, axis=1)
    return result


def _students(K, C):
    K = checks.whole("K", K, 1)
    if K > C.shape[-1]:
        raise ValueError(f"K must be at most the number of fields, {C.shape[-1]}; got {K}")
    return K
