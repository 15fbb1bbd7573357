r"""The training-mode error at every batch size b, exactly, by quadrature: the second road to the first order in 1/b.

For Gaussian fields the b values x^u / (s sqrt b) of one student are a uniform point on the unit sphere in b dimensions,
independent of s. So a sample's w = x/s needs one integral over the density (1 - w^2/b)^{(b-3)/2}. Against a teacher the
integral over s is Student's distribution function. Two students are two points on the sphere whose cosine kappa has
Fisher's law of a sample correlation; given kappa the two values are the shadow of a uniform point on a plane. Batches
that are centered are uncentered ones of b - 1 in one dimension less: eps_b,c(Q, R) = eps_{b-1}(Q, R sqrt(1 - 1/b)).
"""

import math
from functools import cache

import numpy as np
from scipy.special import gammaln, hyp2f1, roots_gegenbauer, roots_jacobi, stdtr

from bnlib import checks
from bnlib.committee.gaussian import phi, squashed_overlap
from bnlib.committee.order_parameters import check_gain, output_signs

NODES = 60
LARGEST = 1000  # batches above this are refused: the weights of the Gauss rules overflow


def training_error(
    order_parameters, *, batch_size, input_variance=1.0, center=True, student_output=None, teacher_output=None
):
    r"""Mean loss of a fresh batch in training mode, exactly (this book's; chapter 15).

    For Gaussian fields, error-function units and every batch size, to quadrature's accuracy (about 1e-10).

    Parameters
    ----------
    order_parameters : OrderParameters
        With gains.
    batch_size : float
        From 4 (5 if centered) to 1000; it need not be whole.
    input_variance, center, student_output, teacher_output
        As in `batch_correction`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        For arguments out of range.

    Notes
    -----
    One to three integrals a pair of units: some 10 ms a pair of students, more for large gains.

    >>> from bnlib.committee import OrderParameters
    >>> one = OrderParameters(Q=[[1.0]], R=[[1.0]], T=[[1.0]], gain=[1.0])
    >>> round(training_error(one, batch_size=10, center=False), 6)
    0.003508
    """
    p = order_parameters
    check_gain("batch", p.gain, p.Q)
    tau = checks.positive("input_variance", input_variance)
    b = check_quadrature(batch_size, center)
    c = output_signs(p.K, p.M, student_output, teacher_output)
    shrunk = math.sqrt(1 - 1 / b) if center else 1.0
    b = b - bool(center)
    lengths = np.sqrt(np.diagonal(p.Q))
    rho, slopes = p.Q / np.outer(lengths, lengths), shrunk * math.sqrt(tau) * p.R / lengths[:, None]
    averages = squashed_overlap(tau * np.block([[p.Q, p.R], [p.R.T, p.T]]))  # right for pairs of teachers
    for i in range(p.K):
        averages[i, i] = self_average(p.gain[i], b)
        for j in range(i):
            averages[i, j] = averages[j, i] = pair_average(p.gain[i], p.gain[j], rho[i, j], b)
        for n in range(p.M):
            with_teacher = teacher_average(p.gain[i], slopes[i, n], tau * p.T[n, n], b)
            averages[i, p.K + n] = averages[p.K + n, i] = with_teacher
    return 0.5 * float(np.sum((c @ c.T) * averages))


def check_quadrature(batch_size, center):
    """`batch_size` as a float, if the integrals can be done there."""
    b, smallest = checks.positive("batch_size", batch_size), 4 + bool(center)
    if not smallest <= b <= LARGEST:
        raise ValueError(f"batch_size must be from {smallest} to {LARGEST} for quadrature; got {batch_size!r}")
    return b


def self_average(gain, b):
    """<phi(g w)^2> over w = x/s in a batch of b, uncentered."""
    w, weight = sphere_shadow(b)
    return float(weight @ phi(gain * w) ** 2)


def teacher_average(gain, slope, variance, b):
    """<phi(g w) phi(y)> for a teacher of that variance, y = slope * x / sigma + rest, in an uncentered batch of b.

    Given w, y is slope * w * s / sigma plus a normal: the mean of phi over both is 2 F(k w) - 1 with Student's
    distribution function F of b degrees of freedom and k = slope / sqrt(1 + variance - slope^2).
    """
    w, weight = sphere_shadow(b)
    k = slope / math.sqrt(1 + variance - slope**2)
    return float(weight @ (phi(gain * w) * (2 * stdtr(b, k * w) - 1)))


def pair_average(gain, other_gain, rho, b):
    """<phi(g w) phi(g' w')> of two students of correlation rho in an uncentered batch of b."""
    if abs(rho) > 1 - 1e-9:  # one is the other's copy; the law of kappa is a point
        cosine, weight = np.array([math.copysign(1.0, rho)]), np.ones(1)
    else:
        cosine, weight = sample_correlation(rho, b)
    steepest = max(abs(gain), abs(other_gain)) * math.sqrt(b)
    turn = np.arange(24 + 12 * math.ceil(steepest)) * (2 * math.pi / (24 + 12 * math.ceil(steepest)))
    x, share = roots_jacobi(NODES // 2, b / 2 - 2, 0)
    radius = np.sqrt(b * (1 + x) / 2)[:, None]
    first = phi(gain * radius * np.cos(turn))
    second = phi(other_gain * radius * np.cos(turn - np.arccos(cosine)[:, None, None]))
    return float(weight @ np.mean(first * second, axis=-1) @ (share / share.sum()))


def sphere_shadow(b):
    """Nodes and weights of w = x/s: sqrt(b) times one coordinate of a uniform point on the sphere in b dimensions."""
    return _sphere_shadow(float(b))


@cache
def _sphere_shadow(b):
    x, weight = roots_gegenbauer(NODES, b / 2 - 1)
    return math.sqrt(b) * x, weight / weight.sum()


def sample_correlation(rho, b, nodes=81):
    """Nodes and weights of the uncentered sample correlation of b pairs with correlation rho (Fisher 1915).

    The trapezium rule in artanh(kappa), where the density is smooth and falls as exp(-b |z|) or faster.
    """
    centre, width = math.atanh(rho), 8 / math.sqrt(b - 2) + 24 / b
    z = centre + np.linspace(-width, width, nodes)
    kappa = np.tanh(z)
    log = gammaln(b) - gammaln(b + 0.5) + math.log((b - 1) / math.sqrt(2 * math.pi))
    log = log + b / 2 * math.log1p(-(rho**2)) + (b - 1) / 2 * np.log1p(-(kappa**2))
    log = log - (b - 0.5) * np.log1p(-rho * kappa)
    density = np.exp(log) * hyp2f1(0.5, 0.5, b + 0.5, (1 + rho * kappa) / 2)
    return kappa, density * (z[1] - z[0])
