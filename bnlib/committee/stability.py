r"""How large a learning rate may be: where descent without normalization can no longer come to rest at the teacher."""

import math

import numpy as np

from bnlib import checks


def critical_rate(K, input_variance=1.0, *, batch_size=1):
    r"""The learning rate eta above which students without normalization cannot come to rest at their teachers.

    Near J_i = B_i let D_ij be the overlaps of the deviations J_i - B_i outside the span of the teachers. For K = M
    orthonormal teachers and N -> infinity

    .. math:: \frac{dD}{dt} = -\eta\tau\,(AD + DA) + \frac{\eta^2\tau^2}{b}\,G(D),\qquad
        A_{ij} = \langle\varphi'_i\varphi'_j\rangle,\quad
        G_{ij}(D) = \sum_{kl}\langle\varphi'_i\varphi'_j\varphi'_k\varphi'_l\rangle D_{kl}

    with the derivatives taken at the teachers' fields, so that all averages follow from
    :math:`m_n = \langle\varphi'^n\rangle = (2/\pi)^{n/2}(1+n\tau)^{-1/2}`. The noise of the steps wins where the
    largest eigenvalue of the right-hand side reaches 0 (this book's form; at b = 1 Saad and Solla 1995 and Biehl and
    Schwarze 1995 describe the same limit). For K = 1 it is :math:`\eta_c = b\,(\pi/\tau)\sqrt{(1+4\tau)/(1+2\tau)}`.

    Parameters
    ----------
    K, input_variance
        As in `fixed_point`, and K = 1.
    batch_size : float
        b.

    Returns
    -------
    float
        eta, proportional to b. At finite N it holds for eta much smaller than N.

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> round(critical_rate(1), 3), round(critical_rate(2, batch_size=100), 1)
    (4.056, 230.7)
    """
    K, tau = checks.whole("K", K, 1), checks.positive("input_variance", input_variance)
    b = checks.positive("batch_size", batch_size)
    m1, m2, m3, m4 = ((2 / math.pi) ** (n / 2) / math.sqrt(1 + n * tau) for n in (1, 2, 3, 4))
    # D with d on the diagonal and c off it stays so, and holds the slowest mode; columns (d, c)
    drift = 2 * np.array([[m2, (K - 1) * m1**2], [m1**2, m2 + (K - 2) * m1**2]])
    noise = np.array(
        [
            [m4 + (K - 1) * m2**2, (K - 1) * (2 * m3 * m1 + (K - 2) * m2 * m1**2)],
            [
                2 * m3 * m1 + (K - 2) * m2 * m1**2,
                2 * m2**2 + 4 * (K - 2) * m2 * m1**2 + (K - 2) * (K - 3) * m1**4,
            ],
        ]
    )
    if K == 1:
        drift, noise = drift[:1, :1], noise[:1, :1]
    return float(b / (tau * np.linalg.eigvals(np.linalg.solve(drift, noise)).real.max()))
