r"""Generalization of a linear student that sees P = alpha N examples of a noisy linear teacher, N -> infinity.

Inputs have independent components of mean 0 and variance 1/N, targets are w*.x + noise with |w*|^2 = N and noise
variance delta^2. Errors are |u - w*|^2 / N, the error on a fresh input without its noise; add delta^2 for the error on
noisy targets.
"""

import math

import numpy as np

from bnlib import checks
from bnlib.perceptron.averages import _plain


def least_squares_error(load, noise_variance):
    r"""Generalization error of least squares, of least norm where it is not unique.

        1 - alpha + alpha delta^2 / (1 - alpha)  for alpha < 1,    delta^2 / (alpha - 1)  for alpha > 1

    L19 section 4, "vanilla SGD" trained to its end from w = 0, after Advani and Saxe (2017); in the submission's text
    the sign for alpha > 1 is turned.

    Parameters
    ----------
    load : float or array
        alpha = P / N > 0.
    noise_variance : float or array
        delta^2 >= 0; broadcast against `load`.

    Returns
    -------
    float or array
        At alpha = 1 exactly the error is infinite (``math.inf``), unless there is no noise.

    Raises
    ------
    ValueError
        For a load <= 0 or a negative noise.

    >>> least_squares_error(0.5, 0.25), least_squares_error(2.0, 0.25), least_squares_error(1.0, 0.25)
    (0.75, 0.25, inf)
    """
    return ridge_error(load, noise_variance, 0.0)


def ridge_error(load, noise_variance, decay):
    r"""Generalization error of ridge regression, u = (X^T X + lambda)^-1 X^T y.

        [g (g + lambda) + delta^2 (1 - g)] / s,   s = sqrt((lambda + alpha - 1)^2 + 4 lambda),
        g = (s - lambda - alpha + 1) / 2

    Equal to delta^2 d(lambda G)/d lambda - lambda^2 dG/d lambda with L19's G = g / lambda (section 4, after Krogh and
    Hertz 1992), in a form that keeps its digits for lambda -> 0. Weight normalization with gamma decay zeta, loss
    (1/P) sum (..)^2 + zeta gamma^2, has the minimum of ridge with lambda = alpha zeta (`ridge_decay`).

    Parameters
    ----------
    load, noise_variance : floats or arrays
        alpha = P / N > 0 and delta^2 >= 0.
    decay : float or array
        lambda >= 0; 0 is least squares.

    Returns
    -------
    float or array
        Broadcast; infinite where alpha = 1, lambda = 0 and delta^2 > 0.

    Raises
    ------
    ValueError
        For a load <= 0, a negative noise or a negative decay.

    >>> round(ridge_error(2.0, 0.25, 0.5), 4), round(ridge_error(2.0, 0.25, 0.25), 4)
    (0.1936, 0.1754)
    """
    alpha, noise, decay = _arguments(load, noise_variance, decay)
    g, s = _resolvent(alpha, decay)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = (g * (g + decay) + noise * (1 - g)) / s
    return _plain(np.where(s == 0, np.where(noise > 0, math.inf, 0.0), error))


def training_error(load, noise_variance, decay=0.0):
    r"""Mean squared error of ridge regression (least squares at decay 0) on its own noisy examples.

        [lambda^2 (1 - g) / s + delta^2 (alpha - 1 + g (g + lambda) / s)] / alpha

    with g and s of `ridge_error`; arguments as there. Zero for least squares with alpha <= 1.

    >>> training_error(2.0, 0.25), training_error(0.5, 0.25)
    (0.125, 0.0)
    """
    alpha, noise, decay = _arguments(load, noise_variance, decay)
    g, s = _resolvent(alpha, decay)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = (decay**2 * (1 - g) / s + noise * (alpha - 1 + g * (g + decay) / s)) / alpha
    return _plain(np.where(s == 0, 0.0, np.maximum(error, 0.0)))


def generalization_gap(load, noise_variance, decay=0.0):
    """Error on fresh noisy targets minus training error, which L19's figure 1 takes for batch normalization.

    >>> round(generalization_gap(2.0, 0.25, 0.25), 4)  # the error without noise, ridge_error, is 0.1754
    0.2785
    """
    error = ridge_error(load, noise_variance, decay) + checks.finite("noise_variance", noise_variance)
    return _plain(error - training_error(load, noise_variance, decay))


def optimal_decay(noise_variance):
    """The decay with the smallest generalization error, lambda = delta^2, at every load.

    In terms of gamma decay this is zeta = delta^2 / alpha.

    >>> optimal_decay(0.25)
    0.25
    """
    return _plain(checks.finite("noise_variance", noise_variance, least=0))


def ridge_decay(zeta, load):
    """lambda = alpha zeta: the ridge that weight normalization with gamma decay zeta amounts to (loss averaged over P).

    >>> ridge_decay(0.25, 2.0)
    0.5
    """
    alpha, _, zeta = _arguments(load, 0.0, zeta, name="zeta")
    return _plain(alpha * zeta)


def shrunk_error(load, noise_variance, factor):
    r"""Generalization error of c times the least-squares solution of least norm.

    1 - 2 c m + c^2 m (1 + delta^2 / |1 - alpha|) with m = min(alpha, 1). Population normalization with gamma decay zeta
    on the training set's own moments ends there with c = 1 / (1 + zeta), and batch normalization with c close to 1:
    their peak at alpha = 1 stays.

    Parameters
    ----------
    load, noise_variance
        As in `least_squares_error`.
    factor : float
        c.

    Returns
    -------
    float or array

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> shrunk_error(2.0, 0.25, 1.0)
    0.25
    """
    alpha, noise, _ = _arguments(load, noise_variance, 0.0)
    c, m = checks.finite("factor", factor), np.minimum(alpha, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.where(noise > 0, noise / abs(1 - alpha), 0.0)
        return _plain(np.where(c == 0, 1.0, 1 - 2 * c * m + c**2 * m * (1 + spread)))


def population_statistics_error(load, noise_variance):
    r"""Generalization error of the least-squares direction with the gain that fits it to the training set.

    1 + gamma^2 - 2 gamma R with gamma^2 = 1 + delta^2 / max(alpha, 1) and R the cosine of the least-norm solution to
    the teacher: R^2 = alpha (1 - alpha) / (1 - alpha + delta^2) below alpha = 1, (alpha - 1) / (alpha - 1 + delta^2)
    above. That is where batch normalization ends when it is evaluated with the statistics of the population: a finite
    cusp 2 + delta^2 at alpha = 1. Arguments as in `least_squares_error`.

    >>> population_statistics_error(1.0, 0.25)
    2.25
    """
    alpha, noise, _ = _arguments(load, noise_variance, 0.0)
    gain = np.sqrt(1 + noise / np.maximum(alpha, 1))
    away = abs(1 - alpha)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = np.sqrt(np.minimum(alpha, 1) * np.where(noise > 0, away / (away + noise), 1.0))
    return _plain(1 + gain**2 - 2 * gain * cosine)


def descent_error(load, noise_variance, time):
    r"""Generalization error of gradient descent on the mean loss that starts from w = 0 and is stopped.

        int rho(s) [e^(-2 s t / alpha) + delta^2 (1 - e^(-s t / alpha))^2 / s] ds

    over the eigenvalues s of X^T X (Marchenko and Pastur's law, with weight 1 - alpha at 0 below alpha = 1). Time is
    learning rate * steps / N for the loss (1/2P) sum (..)^2, steps small. Least squares is the limit t -> infinity.

    Parameters
    ----------
    load, noise_variance : floats
        alpha > 0 and delta^2 >= 0.
    time : float >= 0, or array (times,)

    Returns
    -------
    float or array

    Raises
    ------
    ValueError
        For arguments out of range.

    >>> descent_error(1.0, 0.25, 0.0), round(descent_error(2.0, 0.25, 1e3), 6)
    (1.0, 0.25)
    """
    alpha, noise = checks.positive("load", load), float(_arguments(load, noise_variance, 0.0)[1])
    times = checks.finite("time", time, least=0)
    s, weight = _spectrum(alpha)
    decay = np.exp(-np.multiply.outer(times, s) / alpha)
    rise = -np.expm1(-np.multiply.outer(times, s) / alpha)
    return _plain((decay**2 + noise * rise**2 / s) @ weight + max(0.0, 1 - alpha))


def _spectrum(alpha, count=400):
    """Nodes and weights of the eigenvalues s > 0 of X^T X: s = 1 + alpha - 2 sqrt(alpha) cos(angle)."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    half = math.pi / 4 * (nodes + 1)  # half the angle; nodes crowd towards the edges, where the law has its roots
    s = (1 - math.sqrt(alpha)) ** 2 + 4 * math.sqrt(alpha) * np.sin(half) ** 2
    density = 4 * alpha * (np.sin(half) * np.cos(half)) ** 2 * 2 / (math.pi * s)
    return s, density * weights * math.pi / 2


def _resolvent(alpha, decay):
    """g = lambda tr (X^T X + lambda)^-1 / N and the root s, without loss of digits."""
    b = decay + alpha - 1
    s = np.hypot(b, 2 * np.sqrt(decay))
    with np.errstate(divide="ignore", invalid="ignore"):
        g = np.where(b > 0, 2 * decay / (s + b), (s - b) / 2)
    return g, s


def _arguments(load, noise_variance, decay, name="decay"):
    """The three as arrays in range."""
    alpha, noise = checks.finite("load", load, above=0), checks.finite("noise_variance", noise_variance, least=0)
    return alpha, noise, checks.finite(name, decay, least=0)
