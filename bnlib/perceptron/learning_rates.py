r"""Fixed points of the flow, their stability, and the learning rates at which they lose it (L19 section 3, table 1).

Three ways of training: "none" (plain gradient descent), "weight" (weight normalization), and "batch", by which L19
means weight normalization with gamma decay zeta. The decay belongs to "batch" and does not enter the other two, so that
the three can be compared at the same zeta.
"""

import math

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from bnlib import checks
from bnlib.perceptron.averages import ACTIVATIONS, FORMS, I123, I123_slopes
from bnlib.perceptron.dynamics import _start, not_negative

NORMALIZATIONS = ("none", "weight", "batch")
LAST_ERF_FLOOR = math.pi / math.asin(1 / 3)  # the limit of -2 I1 / I2 on I3 = 0 as Q grows


def fixed_point(activation, *, zeta=0.0, normalization):
    r"""The gain and the cosine at rest, L19 table 1: R0 = 1 and gamma0 with I1(gamma0, 1) = zeta gamma0^2.

    ReLU 1/(1 + 2 zeta), identity 1/(1 + zeta), erf a root. With zeta > 0 this is a fixed point in gamma and R only
    where I2 is left out: at a constant learning rate the length L grows for ever (`creeping_length`).

    Parameters
    ----------
    activation : {"relu", "erf", "identity"}
    zeta : float
        Gamma decay >= 0 in the convention of L19's (5), twice that of theorem 1.
    normalization : {"none", "weight", "batch"}
        gamma0 is 1 for the first two: for "none" it is the length Q.

    Returns
    -------
    (gamma0, R0) : floats

    Raises
    ------
    ValueError
        For a negative zeta or unknown names.

    >>> fixed_point("relu", zeta=0.25, normalization="batch")
    (0.6666666666666666, 1.0)
    >>> round(fixed_point("erf", zeta=0.25, normalization="batch")[0], 10)
    0.5093993532
    """
    checks.one_of("activation", activation, ACTIVATIONS)
    zeta = not_negative("zeta", zeta)
    if checks.one_of("normalization", normalization, NORMALIZATIONS) != "batch" or zeta == 0:
        return 1.0, 1.0
    if activation == "relu":
        return 1 / (1 + 2 * zeta), 1.0
    if activation == "identity":
        return 1 / (1 + zeta), 1.0

    def drive(gamma):
        return FORMS[activation](gamma, 1.0)[0] / gamma - zeta * gamma

    return float(brentq(drive, 1e-6 / (1 + zeta), 1.0, xtol=1e-16)), 1.0


def max_learning_rate(activation, *, zeta=0.0, normalization, with_noise=False):
    r"""The largest effective learning rate at which the cosine's fixed point R = 1 is stable, L19 table 1.

        eta_max = (d(gamma0 I3 - I1)/dR / gamma0 - zeta gamma0) / (dI2/dR / 2)

    at (gamma0, 1): ReLU 2 + 4 zeta, identity 2 + 2 zeta, erf 4.0558 and more. It is a bound on
    `effective_learning_rate`, not on the learning rate itself.

    Parameters
    ----------
    activation, zeta, normalization
        As in `fixed_point`.
    with_noise : bool
        Keep the term with I2 itself, which L19 leaves out (the lr is taken to have decayed): the denominator becomes
        (dI2/dR + I2) / 2. For ReLU the bound is then infinite from zeta = (1 + sqrt 3) / 2 on.

    Returns
    -------
    float
        May be ``math.inf``: stable at every learning rate.

    Raises
    ------
    ValueError
        For a negative zeta or unknown names.

    >>> max_learning_rate("relu", normalization="weight"), max_learning_rate("relu", zeta=0.25, normalization="batch")
    (2.0, 3.0)
    >>> round(max_learning_rate("erf", normalization="none"), 8)
    4.05577868
    """
    gamma, _ = fixed_point(activation, zeta=zeta, normalization=normalization)
    decay = float(zeta) if normalization == "batch" else 0.0
    _, (I1_R, I2_R, I3_R) = I123_slopes(gamma, 1.0, activation)
    drift = (gamma * I3_R - I1_R) / gamma - decay * gamma
    noise = (I2_R + (I123(gamma, 1.0, activation)[1] if with_noise else 0.0)) / 2
    return drift / noise if noise < 0 else math.inf


def effective_learning_rate(learning_rate, length, *, gamma0=1.0, normalization):
    """How fast a learning rate moves the direction: eta gamma0 / L^2, eta / L^2 or eta; L19 table 1.

    Parameters
    ----------
    learning_rate, length : floats > 0
        eta, and L = |w| / sqrt N, which plain descent does not use.
    gamma0 : float > 0
        Gain, for "batch".
    normalization : {"none", "weight", "batch"}

    Returns
    -------
    float

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> effective_learning_rate(1.0, 2.0, gamma0=0.8, normalization="batch")
    0.2
    """
    eta, length = checks.positive("learning_rate", learning_rate), checks.positive("length", length)
    gamma0 = checks.positive("gamma0", gamma0)
    checks.one_of("normalization", normalization, NORMALIZATIONS)
    return {"none": eta, "weight": eta / length**2, "batch": eta * gamma0 / length**2}[normalization]


def jacobian(state, *, activation, learning_rate, zeta=0.0):
    """The Jacobian (3, 3) of the flow of (gamma, R, L) at any state, with all terms; arguments as in `flow`.

    >>> jacobian((1, 1, 1), activation="identity", learning_rate=0.5).round(3)
    array([[-0.5 ,  0.5 ,  0.  ],
           [ 0.  , -0.75,  0.  ],
           [ 0.  , -0.25, -0.  ]])
    """
    gamma, R, L = _start("state", state, ("gamma", "R", "L"))
    eta, zeta = checks.positive("learning_rate", learning_rate), not_negative("zeta", zeta)
    I1, I2, I3 = I123(gamma, R, activation)
    (I1_Q, I2_Q, I3_Q), (I1_R, I2_R, I3_R) = I123_slopes(gamma, R, activation)
    noise, front = eta**2 * gamma**2 / (2 * L**3), eta / L**2
    drift = gamma * I3 - R * I1
    drift_Q, drift_R = I3 + gamma * I3_Q - R * I1_Q, gamma * I3_R - I1 - R * I1_R
    L_Q, L_R, L_L = noise * (I2_Q + 2 * I2 / gamma), noise * I2_R, -3 * noise * I2 / L
    return np.array([
        [eta * (I1_Q / gamma - I1 / gamma**2 - zeta), eta * I1_R / gamma, 0.0],
        [front * drift_Q - R * L_Q / L, front * drift_R - (R * L_R + noise * I2) / L,
         -2 * front * drift / L + 4 * R * noise * I2 / L**2],
        [L_Q, L_R, L_L],
    ])  # fmt: skip


def eigenvalues(activation, *, learning_rate, length=1.0, zeta=0.0, normalization="batch", with_noise=False):
    r"""The rates (lambda_Q, lambda_R, lambda_L) at the fixed point, L19 proposition 1.

        lambda_Q = eta (dI1/dQ / gamma0 - 2 zeta),   lambda_L = 0,
        lambda_R = (dI2/dR / 2) (eta gamma0 / L^2) (eta_max - eta_eff)

    Without the term I2 in row R (`with_noise=False`, the paper's approximation) the Jacobian is triangular and these
    are its eigenvalues; `with_noise` adds -eta_eff^2 I2 / 2 to lambda_R.

    Parameters
    ----------
    activation, zeta, normalization, with_noise
        As in `max_learning_rate`; for "none" the first is the rate of Q, and `length` is not used.
    learning_rate, length : floats > 0

    Returns
    -------
    (lambda_Q, lambda_R, lambda_L) : floats

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> eigenvalues("relu", learning_rate=1.0, normalization="weight")
    (-0.5, -0.5, 0.0)
    """
    gamma, _ = fixed_point(activation, zeta=zeta, normalization=normalization)
    decay = float(zeta) if normalization == "batch" else 0.0
    effective = effective_learning_rate(learning_rate, length, gamma0=gamma, normalization=normalization)
    (I1_Q, I2_Q, _), (I1_R, I2_R, I3_R) = I123_slopes(gamma, 1.0, activation)
    on_Q = learning_rate * (I1_Q / gamma - 2 * decay)
    if normalization == "none":
        on_Q += learning_rate**2 * I2_Q / 2
    drift = (gamma * I3_R - I1_R) / gamma - decay * gamma
    noise = (I2_R + (I123(gamma, 1.0, activation)[1] if with_noise else 0.0)) / 2
    return on_Q, effective * drift - effective**2 * noise, 0.0


def noise_floor(activation, learning_rate):
    r"""Where plain gradient descent settles beyond eta_max: (Q, R) of a stable fixed point with R < 1.

    From plain_flow at rest: I3(Q, R) = 0 and eta = -2 I1 / I2, a curve from (1, 1) at eta_max on. For ReLU it turns
    back at `saddle_node`; beyond, there is no such point and the student runs away, exponentially in time. For erf Q
    grows without bound as eta comes to pi / arcsin(1/3) = 9.2444 (`LAST_ERF_FLOOR`); beyond, Q grows as t^(1/3).

    Parameters
    ----------
    activation : {"relu", "erf"}
        The identity has none: at eta = 2 it has a line of fixed points, and beyond it runs away.
    learning_rate : float
        At or below eta_max the answer is (1, 1).

    Returns
    -------
    (Q, R) : floats

    Raises
    ------
    ValueError
        For arguments out of range, and where there is no noise floor.

    >>> [round(part, 5) for part in noise_floor("relu", 2.2)]
    [1.2843, 0.70833]
    """
    eta = checks.positive("learning_rate", learning_rate)
    checks.one_of("activation", activation, ("relu", "erf"))
    if eta <= max_learning_rate(activation, normalization="none"):
        return 1.0, 1.0
    highest, longest, _ = saddle_node() if activation == "relu" else (LAST_ERF_FLOOR, 1e5, 1.0)
    if eta >= min(highest, _rate_at(activation, longest)):
        raise ValueError(f"learning_rate must be below {highest:.6g} for a noise floor to exist; got {eta!r}")
    Q = brentq(lambda Q: _rate_at(activation, Q) - eta, 1 + 1e-9, longest, xtol=1e-14, rtol=1e-14)
    return float(Q), _cosine_at(activation, Q)


def saddle_node():
    """Where the noise floor of plain ReLU descent ends: (learning rate, Q, R).

    >>> [round(part, 5) for part in saddle_node()]
    [2.2465, 1.71935, 0.45242]
    """
    best = minimize_scalar(lambda Q: -_rate_at("relu", Q), bounds=(1.2, 3.0), method="bounded", options={"xatol": 1e-9})
    return -float(best.fun), float(best.x), _cosine_at("relu", float(best.x))


def _cosine_at(activation, Q):
    """R with I3(Q, R) = 0, for Q > 1."""
    return float(brentq(lambda R: FORMS[activation](Q, R)[2], 0.0, 1.0, xtol=1e-15, rtol=1e-14))


def _rate_at(activation, Q):
    """The learning rate whose noise floor has length Q."""
    I1, I2, _ = FORMS[activation](Q, _cosine_at(activation, Q))
    return -2 * I1 / I2


def creeping_length(activation, time, *, learning_rate, zeta):
    r"""The length L after a long time under gamma decay: (2 eta^2 gamma0^2 I2 t)^(1/4), whatever it was at the start.

    At gamma0 and R = 1 a student with zeta > 0 is too short to match its teacher, so that I2 > 0 and each step adds to
    L. The effective learning rate falls as (2 I2 t)^(-1/2), which does not depend on eta.

    Parameters
    ----------
    activation, zeta
        As in `fixed_point`; zeta > 0, else L comes to rest.
    time : float or array
    learning_rate : float

    Returns
    -------
    float or array

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> round(float(creeping_length("relu", 1e6, learning_rate=1.0, zeta=0.25)), 3)
    14.907
    """
    eta, zeta = checks.positive("learning_rate", learning_rate), checks.positive("zeta", zeta)
    gamma, _ = fixed_point(activation, zeta=zeta, normalization="batch")
    return (2 * eta**2 * gamma**2 * I123(gamma, 1.0, activation)[1] * np.asarray(time, float)) ** 0.25
