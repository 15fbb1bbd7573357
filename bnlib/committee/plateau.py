r"""The symmetric plateau: where learning gets stuck, how fast it leaves, and how long that takes.

On the plateau every student looks like every other, and like the same mixture of all teachers. Perturb r -> r + e,
s -> s - e/(K-1): every sum over students and teachers stays, so nothing but e moves at first order, and e grows as
exp(lambda t). `escape_rate` is lambda in closed form, `flow_jacobian` the linearised flow whose positive eigenvalue it
is. `specialization` measures both length and rate on trajectories.
"""

import math

from bnlib import checks
from bnlib.committee.order_parameters import NORMALIZATIONS
from bnlib.committee.reduced import complex_jacobian, embed, reduced_error, reduced_velocity, restrict


def fixed_point(K, input_variance=1.0, *, normalization, squared_norm=None):
    r"""The symmetric fixed point of the flow, where every student is the same mixture of all teachers.

    .. math:: q^* = \frac{\tau}{K+(K-1)\tau},\quad C^* = Q^*,\quad R^* = S^* = \sqrt{Q^*/K}

    for K = M, orthonormal teachers and infinitely large batches. Without normalization :math:`Q^* = q^*/\tau` (Saad and
    Solla 1995 at tau = 1). With it :math:`g^* = \sqrt{q^*}` and :math:`Q^*` is free, since the error does not depend on
    the length of the students: T20 section 3.2 gives the point with :math:`Q^* = 1/g^{*2}`.

    Parameters
    ----------
    K : int
        Students, as many as teachers; at least 2.
    input_variance : float
        tau = sigma^2.
    normalization : {"none", "batch", "batch-stop-gradient"}
    squared_norm : float, optional
        Q* = |J_i|^2 under batch normalization; left out, T20's choice 1/g*^2 = K/tau + K - 1. Which one a run meets
        depends on its start: see `plateau_squared_norm`. Without normalization there is one point only, and
        `squared_norm` must be left out.

    Returns
    -------
    OrderParameters

    Raises
    ------
    ValueError
        For arguments out of range, and for a `squared_norm` without normalization.

    >>> point = fixed_point(2, normalization="batch")
    >>> float(point.Q[0, 0].round(9)), float(point.gain[0].round(9))
    (3.0, 0.577350269)
    """
    K, tau = checks.whole("K", K, 2), checks.positive("input_variance", input_variance)
    checks.one_of("normalization", normalization, NORMALIZATIONS)
    q = tau / (K + (K - 1) * tau)
    if normalization == "none":
        if squared_norm is not None:
            raise ValueError(
                f'squared_norm must be None when normalization is "none", where it is fixed; got {squared_norm!r}'
            )
        Q, gain = q / tau, []
    else:
        Q = 1 / q if squared_norm is None else checks.positive("squared_norm", squared_norm)
        gain = [math.sqrt(q)]
    R = math.sqrt(Q / K)
    return embed([Q, Q, R, R, *gain], K)


def plateau_error(K, input_variance=1.0):
    """Generalization error at `fixed_point`, the same for every normalization and every length of the students.

    T20 eq (13) there. Errors: ValueError as in :func:`fixed_point`.

    >>> round(plateau_error(2), 6)
    0.011611
    """
    K, tau = checks.whole("K", K, 2), checks.positive("input_variance", input_variance)
    q = tau / (K + (K - 1) * tau)
    r = math.sqrt(tau * q / K)
    return float(reduced_error(q, q, r, r, K, tau))


def plateau_squared_norm(K, input_variance=1.0, *, normalization, squared_norm=1.0, gain=1.0):
    r"""Squared length of the students on the plateau, from that at the start.

    At infinite batch size exact batch normalization keeps every :math:`|J_i|^2`, and the papers' update keeps
    :math:`|J_i|^2 - g_i^2`, so that it arrives with :math:`|J_i(0)|^2 - g_i(0)^2 + g^{*2}`; without normalization it
    is :math:`1/(K+(K-1)\tau)` from every start.

    Parameters
    ----------
    K, input_variance, normalization
        As in :func:`fixed_point`.
    squared_norm, gain : float
        |J_i|^2 and g_i at the start, alike for all students.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        For arguments out of range, and where the papers' update would shrink the students to nothing before.

    >>> round(plateau_squared_norm(2, 5.0, normalization="batch-stop-gradient"), 4)
    0.7143
    """
    K, tau = checks.whole("K", K, 2), checks.positive("input_variance", input_variance)
    checks.one_of("normalization", normalization, NORMALIZATIONS)
    Q, g = checks.positive("squared_norm", squared_norm), checks.positive("gain", gain)
    if normalization == "batch":
        return Q
    q = tau / (K + (K - 1) * tau)
    if normalization == "none":
        return q / tau
    if not Q - g * g + q > 0:
        raise ValueError(f"squared_norm must be more than gain^2 - g*^2 = {g * g - q:.6g}; got {squared_norm!r}")
    return Q - g * g + q


def escape_rate(K, input_variance=1.0, *, normalization, learning_rate=1.0, squared_norm=1.0):
    r"""Rate lambda at which the flow leaves the symmetric fixed point: the asymmetry grows as exp(lambda t).

    .. math:: \lambda = \frac{2\eta}{\pi}\frac{K\tau^3}{[K+(K-1)\tau]^{1/2}[K+(K+1)\tau]^{3/2}},\qquad
        \lambda_{\mathrm{BN}} = \frac{\lambda}{[K+(K-1)\tau]\,|J|^2}

    for K = M, orthonormal teachers, infinitely large batches. The first is Saad and Solla's (1995) at tau = 1; the
    second is this book's, for both gradients of batch normalization. Both are the vanilla network's escape with its
    learning rate times a^2, where a = g*/(sigma |J|), and a is at rest at first order. Only the |J|^2 differs
    that a run brings to the plateau (`plateau_squared_norm`): from |J(0)|^2 = g(0)^2 the papers' update has g*^2 there,
    and its rate is lambda / tau.

    Parameters
    ----------
    K, input_variance, normalization
        As in :func:`fixed_point`.
    learning_rate : float
        eta.
    squared_norm : float
        |J_i|^2 on the plateau under batch normalization; no meaning without it, where the plateau fixes the length.

    Returns
    -------
    float
        Per unit of time, steps / N.

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> round(escape_rate(2, normalization="none"), 6), round(escape_rate(2, normalization="batch"), 6)
    (0.06575, 0.021917)
    """
    K, tau = checks.whole("K", K, 2), checks.positive("input_variance", input_variance)
    checks.one_of("normalization", normalization, NORMALIZATIONS)
    eta, Q = checks.positive("learning_rate", learning_rate), checks.positive("squared_norm", squared_norm)
    low, high = K + (K - 1) * tau, K + (K + 1) * tau
    rate = (2 * eta / math.pi) * K * tau**3 / (math.sqrt(low) * high**1.5)
    return rate if normalization == "none" else rate / (low * Q)


def delay(K, input_variance=1.0, *, squared_norm=1.0):
    r"""How many times longer a plateau is with batch normalization than without: the delay law of this book.

    .. math:: \lambda / \lambda_{\mathrm{BN}} = [K+(K-1)\tau]\,|J|^2

    Below 1 batch normalization leaves sooner. Regime, arguments and errors as in :func:`escape_rate`.

    >>> delay(2), delay(2, squared_norm=0.25)
    (3.0, 0.75)
    """
    K, tau = checks.whole("K", K, 2), checks.positive("input_variance", input_variance)
    return (K + (K - 1) * tau) * checks.positive("squared_norm", squared_norm)


def slowing_exponent(K, input_variance=1.0, *, normalization, squared_norm=1.0):
    r"""Exponent p of the power of time with which students that start apart leave: e ~ exp(lambda t) / t^p.

    .. math:: p = 1 - \frac{K}{2L} - \frac K2\left(1-\frac1L\right)s,\qquad L = K+(K-1)\tau

    with s = 0 without normalization, s = 1 for exact batch normalization (so p = 1 - K/2) and s = 1 - g*^2/|J|^2 for
    the papers' update. The spread x = 1 - C/Q of the students is a neutral mode of the plateau. At second order

    .. math:: \dot x = -\frac{2\lambda}{K} x^2,\qquad x(t) = \frac{x_0}{1 + 2\lambda x_0 t/K},

    no faster than K / (2 lambda t), and while it lasts the asymmetry grows at the rate lambda (1 - 2 p x / K). So a
    plateau from e_0 to e_1 lasts [ln(e_1/e_0) + p ln(1 + 2 lambda x_0 t / K)] / lambda: where p differs between two
    rules the ratio of their lengths is the delay law's up to that logarithm (this book's; in neither paper).

    Proof, in the notation of `reduced_velocity`. At spread x all other numbers follow their equilibrium, F_q and F_r
    being O(x^2): tau U = r (A + (K-1) B) and K U r = q (A + (K-1)(1-x) B). At first order in x that is
    d ln q = (L-1) x / L and d ln r = (K-1) tau x / (2 K L). The asymmetry grows at the rate proportional to
    (q/|J|^2)(tau r U^3 - A + B), with tau in place of q/|J|^2 without normalization, and
    d ln(r U^3) = -(K-1) tau x / (K L), B - A = -A^3 q^2 x = -tau r U^3 x / K. These two give
    1 - K/(2L); q/|J|^2 adds s d ln q. And Q dx/dt is proportional to -(A - B) q x = -A^3 q^3 x^2, which is the decay.

    Parameters
    ----------
    K, input_variance, normalization, squared_norm
        As in :func:`escape_rate`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> round(slowing_exponent(2, normalization="none"), 6), slowing_exponent(2, normalization="batch")
    (0.666667, 0.0)
    """
    K, tau = checks.whole("K", K, 2), checks.positive("input_variance", input_variance)
    checks.one_of("normalization", normalization, NORMALIZATIONS)
    Q, L = checks.positive("squared_norm", squared_norm), K + (K - 1) * tau
    if normalization == "batch":
        return 1 - K / 2
    share = 0 if normalization == "none" else 1 - tau / (L * Q)
    return 1 - K / (2 * L) - K / 2 * (1 - 1 / L) * share


def flow_jacobian(K, input_variance=1.0, *, normalization, learning_rate=1.0, squared_norm=None):
    """The flow on the symmetric set, linearised at `fixed_point`: d (velocity) / d (Q, C, R, S, g).

    By complex-step differentiation of `reduced_velocity`, exact to round-off. Its eigenvalues are the rates of the
    five symmetric modes; the positive one is `escape_rate`.

    Parameters
    ----------
    K, input_variance, normalization, squared_norm
        As in :func:`fixed_point`.
    learning_rate : float
        eta.

    Returns
    -------
    array (5, 5), or (4, 4) without normalization
        Row a, column b: derivative of the velocity of number a to number b; per unit of time, steps / N.

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> from numpy.linalg import eigvals
    >>> round(float(eigvals(flow_jacobian(2, normalization="none")).real.max()), 6)
    0.06575
    """
    point = fixed_point(K, input_variance, normalization=normalization, squared_norm=squared_norm)
    eta = checks.positive("learning_rate", learning_rate)

    def velocity(states):
        return reduced_velocity(states, K, input_variance, normalization=normalization, learning_rate=eta)

    return complex_jacobian(velocity, restrict(point))
