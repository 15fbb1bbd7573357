r"""Averages of error-function units over jointly Gaussian fields.

The units are :math:`\varphi(x) = \mathrm{erf}(x/\sqrt2)`, and the fields :math:`z` have mean zero and covariance
:math:`C`. Everything that two-layer learning needs of the inputs is in three averages (Saad and Solla 1995; T20
below eq (6)). The closed forms are exact for every covariance, singular ones included.
"""

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
    K = _students(K, C)
    i, j = np.divmod(np.arange(K * K), K)
    return slope_weighted_overlap(C, i, j).reshape(*C.shape[:-2], K, K, *C.shape[-2:])


def squashed_overlap(C):
    """:func:`I2` without its check, for inner loops."""
    scale = 1 / np.sqrt(1 + np.diagonal(C, axis1=-2, axis2=-1))
    return (2 / np.pi) * np.arcsin(C * scale[..., :, None] * scale[..., None, :])


def slope_weighted_overlap(C, i, j):
    """:func:`I4` without its check, for the pairs ``i[a], j[a]`` of students only: (..., pairs, n, n)."""
    d = 1 + np.diagonal(C, axis1=-2, axis2=-1)
    u, v = C[..., i, :], C[..., j, :]  # covariances with the two slopes' fields
    du, dv, uv = d[..., i, None], d[..., j, None], C[..., i, j][..., None]
    whole = du * dv - uv * uv
    cross = 0.5 * uv * u - 0.5 * du * v  # symmetrized below: four products in two outer ones
    mixed = 0.5 * uv * v - 0.5 * dv * u
    across = v[..., :, None] * cross[..., None, :] + u[..., :, None] * mixed[..., None, :]
    across = across + np.swapaxes(across, -1, -2)
    joint = whole[..., None] * C[..., None, :, :] + across
    scale = 1 / np.sqrt(whole * d[..., None, :] + 2 * (v * cross + u * mixed))
    return (4 / np.pi**2) * np.arcsin(joint * scale[..., :, None] * scale[..., None, :]) / np.sqrt(whole)[..., None]


def _students(K, C):
    K = checks.whole("K", K, 1)
    if K > C.shape[-1]:
        raise ValueError(f"K must be at most the number of fields, {C.shape[-1]}; got {K}")
    return K
