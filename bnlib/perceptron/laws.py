"""Input laws to try the theory on, and random batches of them."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bnlib.checks import generator, one_of, whole
from bnlib.perceptron.statistics import batch


@dataclass(frozen=True)
class Law:
    """A law of mean 0 and variance 1: its skewness, its excess kurtosis, and draw(rng, shape) -> array."""

    skewness: float
    excess_kurtosis: float
    draw: Callable


LAWS = {
    "gaussian": Law(0.0, 0.0, lambda rng, shape: rng.standard_normal(shape)),
    "two-points": Law(0.0, -2.0, lambda rng, shape: 2.0 * rng.integers(0, 2, shape, dtype=np.int64) - 1),
    "uniform": Law(0.0, -1.2, lambda rng, shape: rng.uniform(-math.sqrt(3), math.sqrt(3), shape)),
    "laplace": Law(0.0, 3.0, lambda rng, shape: rng.laplace(0, math.sqrt(0.5), shape)),
    "exponential": Law(2.0, 6.0, lambda rng, shape: rng.standard_exponential(shape) - 1),
    "student": Law(0.0, 6.0, lambda rng, shape: rng.standard_t(5, shape) * math.sqrt(0.6)),  # 5 degrees of freedom
}


def batch_statistics(law, batch_size, batches, *, rng, population_size=math.inf):
    """(mu_B, sigma_B), each of shape (batches,), of random batches from a law of `LAWS`.

    With `population_size` P a training set of P values is drawn first and standardized, and each batch is drawn from it
    without replacement, afresh. Takes batches * batch_size draws (batches * P with a population).

    Raises ValueError for an unknown law, batch_size < 2 or > P, batches < 1, or an rng that is none.

    >>> mu, sigma = batch_statistics("gaussian", 2, 3, rng=np.random.default_rng(0))
    >>> mu.round(3).tolist(), sigma.round(3).tolist()
    ([-0.003, 0.373, -0.087], [0.129, 0.268, 0.449])
    """
    h = draw_batches(law, batch_size, batches, rng=rng, population_size=population_size)
    return h.mean(axis=1), h.std(axis=1)


def draw_batches(law, batch_size, batches, *, rng, population_size=math.inf):
    """The batches themselves, shape (batches, batch_size), as in `batch_statistics`."""
    draw, M = LAWS[one_of("law", law, LAWS)].draw, batch(batch_size)
    batches, rng = whole("batches", batches, 1), generator("rng", rng)
    if population_size == math.inf:
        return draw(rng, (batches, M))
    P = whole("population_size", population_size, M)
    population = standardize(draw(rng, P))
    chosen = np.argpartition(rng.random((batches, P)), M - 1, axis=1)[:, :M]
    return population[chosen]


def standardize(h):
    """h about its own mean, in units of its own deviation (factor 1/P): z of shape (P,).

    Raises ValueError for fewer than two values or values that are all the same.
    """
    h = np.asarray(h, dtype=np.float64)
    if h.ndim != 1 or h.size < 2 or not np.isfinite(h).all():
        raise ValueError(f"preactivation must be a vector of at least two finite numbers; got {h!r}")
    deviation = h.std()
    if not deviation > 1e-12 * np.abs(h).max():
        raise ValueError("preactivation must not be constant: its deviation is 0, and nothing can be divided by it")
    return (h - h.mean()) / deviation
