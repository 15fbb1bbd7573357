"""Population normalization and the penalty on gamma that a random batch adds (L19 section 2, theorem 1).

The loss of a unit is l = A(h) - y h, with h = gamma z + beta and z the normalized pre-activation; `log_partition` has
the activations. A batch of M brings random statistics into z. To order 1/M its mean loss is that of population
normalization plus a penalty: `gamma_decay` is L19's, `predicted_loss` also has what L19 leaves out.
"""

import math

import numpy as np
from scipy.optimize import brentq

from bnlib.checks import array, finite, one_of, positive, real
from bnlib.perceptron.laws import standardize
from bnlib.perceptron.log_partition import log_partition
from bnlib.perceptron.statistics import batch, gaussian_mean_inverse_sigma, gaussian_mean_inverse_square_sigma

FORMS = ("population", "theorem", "independent", "batch")


class GammaDecay(float):
    """The coefficient zeta of gamma^2: a float, with its two parts `mu` and `sigma`.

    >>> zeta = GammaDecay(0.25, 0.5)
    >>> zeta, zeta.mu, zeta.sigma
    (0.75, 0.25, 0.5)
    """

    def __new__(cls, mu, sigma):
        """The sum of the two parts."""
        zeta = super().__new__(cls, mu + sigma)
        zeta.mu, zeta.sigma = float(mu), float(sigma)
        return zeta

    def __getnewargs__(self):
        return self.mu, self.sigma


def batch_normalize(h, gamma=1.0, beta=0.0):
    """gamma (h - mu_B)/sigma_B + beta, L19 eq (1): the statistics are those of h itself, with the factor 1/M.

    h: shape (M,), M >= 2, not constant; otherwise ValueError.

    >>> batch_normalize([5.0, 1.0, 5.0, 1.0], gamma=2.0).tolist()
    [2.0, -2.0, 2.0, -2.0]
    """
    return real("gamma", gamma) * standardize(h) + real("beta", beta)


def population_normalize(h, mean, deviation, gamma=1.0, beta=0.0):
    """gamma (h - mu_P)/sigma_P + beta, L19 eq (3): like `batch_normalize`, with fixed statistics.

    >>> population_normalize(np.array([5.0, 1.0]), 1.0, 2.0).tolist()
    [2.0, 0.0]
    """
    z = (np.asarray(h, dtype=np.float64) - real("mean", mean)) / positive("deviation", deviation)
    return real("gamma", gamma) * z + real("beta", beta)


def as_weight_normalization(gamma, beta, mean, scale, norm):
    """(upsilon, b) of L19 eq (4): population normalization as upsilon w.x/|w| + b.

    Regime: inputs of covariance scale^2 I, so that sigma_P = scale |w|. mean: mu_P = w . E x; norm: |w|.

    >>> as_weight_normalization(2.0, 0.5, mean=3.0, scale=4.0, norm=1.5)
    (0.5, -0.5)
    """
    scale, norm = positive("scale", scale), positive("norm", norm)
    gamma = real("gamma", gamma)
    return gamma / scale, real("beta", beta) - gamma * real("mean", mean) / (scale * norm)


def gamma_decay(batch_size, preactivation, *, activation, gamma=1.0, beta=0.0, weights=None) -> GammaDecay:
    """L19's coefficient of gamma decay (theorem 1, eq (3)), with its parts from mu_B and sigma_B.

    zeta = (rho+2)/(8M) F + mean(A'')/(2M) with z = (h - mu_P)/sigma_P, F = mean(A''(gamma z + beta) z^2) and rho the
    excess kurtosis of z. In the convention of the loss A(h) - y h (one half of the squared error for the identity).

    batch_size: M >= 2 or ``math.inf``. preactivation: h over the training set or the population, shape (P,); the mean
    and deviation are its own. activation: "relu" or "softplus" (A'' = sigmoid, L19 C.2), "logistic", "identity",
    "hard-relu", or a `LogPartition`. weights: shape (P,), >= 0, if h are the nodes of a quadrature.
    Raises ValueError for bad arguments.

    >>> zeta = gamma_decay(32, [-1.0, 1.0, 0.5, -0.5], activation="softplus")
    >>> round(zeta, 6), round(zeta.mu, 6), round(zeta.sigma, 6)
    (0.008516, 0.007812, 0.000703)
    """
    M = batch(batch_size, allow_infinity=True)
    z, w = _population(preactivation, weights)
    curvature = log_partition(activation).curvature(real("gamma", gamma) * z + real("beta", beta))
    kurtosis = w @ z**4 - 3
    return GammaDecay(w @ curvature / (2 * M), (kurtosis + 2) / (8 * M) * (w @ (curvature * z**2)))


def gaussian_sigma_part(batch_size) -> float:
    """E (sigma_P/sigma_B - 1)^2 for Gaussian values, exact: L19 C.3's expression in Gamma functions.

    It is 1/(2M) + 71/(16 M^2) + ...: the part of sigma_B in zeta for the identity and the squared error *without* the
    factor 1/2; half of it, with. Infinite for M <= 3; ``math.inf`` is returned.

    >>> round(gaussian_sigma_part(8), 12), gaussian_sigma_part(3)
    (0.192791110196, inf)
    """
    M = batch(batch_size)
    return math.inf if M <= 3 else 1 + gaussian_mean_inverse_square_sigma(M) - 2 * gaussian_mean_inverse_sigma(M)


def population_loss(preactivation, target, *, activation, gamma=1.0, beta=0.0, weights=None):
    """The mean loss A(h) - y h under population normalization; `gamma` may be an array, and the result is like it.

    >>> round(float(population_loss([-1.0, 1.0], [-1.0, 1.0], activation="identity", gamma=1.0)), 6)
    -0.5
    """
    z, w = _population(preactivation, weights)
    y = array("target", target, ("P",), P=len(z))
    h = np.multiply.outer(finite("gamma", gamma), z) + real("beta", beta)
    return (log_partition(activation).value(h) - y * h) @ w


def predicted_loss(
    batch_size, preactivation, target, *, activation, gamma=1.0, beta=0.0, form="batch", weights=None
):  # fmt: skip
    """The mean loss under batch statistics to order 1/M, for any law of the pre-activations.

    form: "population" (order 1), "theorem" (L19's theorem 1: + zeta gamma^2), "independent" (all of order 1/M, for
    statistics from another batch than the sample's) or "batch" (the same for batch normalization, where the sample is
    one of its batch). With rho and tau the excess kurtosis and the skewness of z, "independent" adds to the theorem

        c gamma E[(A'-y) z] + (gamma tau/2M) E[A'-y] + (gamma^2 tau/2M) E[A'' z],   c = 1/(2M) + 3 (rho+2)/(8M),

    where L19's R_f has c = (rho+2)/(4M) and is then dropped. "batch" adds - (gamma/2M) E[(A'-y)(z + z^3)] to this.
    target: y, or its mean given h, shape (P,). `gamma` may be an array, and the result is like it. Other arguments as
    in `gamma_decay`. The batches come from a population without end; for P values without replacement multiply the
    difference from "population" by `replacement_factor`.

    >>> z = np.array([-1.5, -0.5, 0.5, 1.5])
    >>> [round(float(predicted_loss(8, z, z, activation="identity", form=form)), 4) for form in FORMS]
    [-0.618, -0.5455, -0.5565, -0.537]
    """
    one_of("form", form, FORMS)
    M = batch(batch_size, allow_infinity=True)
    z, w = _population(preactivation, weights)
    y, A = array("target", target, ("P",), P=len(z)), log_partition(activation)
    g = finite("gamma", gamma)
    h = np.multiply.outer(g, z) + real("beta", beta)
    skewness, kurtosis = w @ z**3, w @ z**4 - 3
    loss = (A.value(h) - y * h) @ w
    if form == "population":
        return loss
    pull, curvature = (A.slope(h) - y) * w, A.curvature(h) * w
    loss = loss + g**2 * (curvature.sum(axis=-1) / (2 * M) + (kurtosis + 2) / (8 * M) * (curvature @ z**2))
    if form == "theorem":
        return loss
    first = (1 + 3 * (kurtosis + 2) / 4) * (pull @ z) + skewness * pull.sum(axis=-1)
    if form == "batch":
        first = first - pull @ (z + z**3)
    return loss + g * (first + g * skewness * (curvature @ z)) / (2 * M)


def predicted_minimizer(
    batch_size, preactivation, target, *, activation, beta=0.0, form="batch", weights=None, bracket=(0.05, 20.0)
):  # fmt: skip
    """The gamma at which `predicted_loss` of that form is least, to about 9 digits; its shift is right to order 1/M.

    Raises ValueError if the slope does not change its sign from - to + in `bracket`, besides `predicted_loss`'s.

    >>> z = np.array([-1.5, -0.5, 0.5, 1.5])
    >>> target = z / z.std()
    >>> round(predicted_minimizer(16, z, target, activation="identity", form="theorem"), 6)  # 1/(1 + 2 zeta)
    0.932401
    """
    z, w = _population(preactivation, weights)
    A, step = log_partition(activation), 1e-2
    stencil, rule = step * np.array([-2.0, -1.0, 1.0, 2.0]), np.array([1.0, -8.0, 8.0, -1.0]) / (12 * step)

    def slope(g):
        near = g + stencil
        loss = {f: predicted_loss(batch_size, z, target, activation=A, gamma=near, beta=beta, form=f, weights=w)
                for f in (form, "population")}  # fmt: skip
        return ((A.slope(g * z + beta) - target) * z) @ w + rule @ (loss[form] - loss["population"])

    if not slope(bracket[0]) < 0 < slope(bracket[1]):
        raise ValueError(f"bracket must hold a minimum of the loss between its ends; got {bracket!r}")
    return float(brentq(slope, *bracket, xtol=1e-13))


def _population(preactivation, weights):
    """z about the (weighted) mean in units of the (weighted) deviation, and weights of sum 1."""
    if weights is None:
        z = standardize(preactivation)
        return z, np.full(len(z), 1 / len(z))
    h = array("preactivation", preactivation, ("P",))
    w = array("weights", weights, ("P",), P=len(h))
    if (w < 0).any() or not w.sum() > 0:
        raise ValueError(f"weights must be >= 0 and not all 0; got {weights!r}")
    w = w / w.sum()
    centred = h - w @ h
    variance = w @ centred**2
    if not variance > 1e-24 * np.abs(h).max() ** 2:
        raise ValueError("preactivation must not be constant: its deviation is 0, and nothing can be divided by it")
    return centred / math.sqrt(variance), w
