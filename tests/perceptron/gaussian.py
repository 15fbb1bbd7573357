"""What the tests of chapters 5 and 6 share: a Gaussian population as quadrature nodes, teachers, and slow roads."""

import math

import numpy as np

from bnlib.perceptron import log_partition
from bnlib.perceptron.quadrature import normal_nodes, normalized_nodes, sigma_nodes

Z, W = normal_nodes()


def teacher(activation, gamma, beta=0.0):
    """The mean output of a unit with that gain and shift, as a function of the raw pre-activation."""
    slope = log_partition(activation).slope
    return lambda h: slope(gamma * h + beta)


def by_three_integrals(M, target, activation, gamma, beta, statistics):
    """`exact_loss` by a plain product rule over mu_B, sigma_B and the third variable, none of them integrated first."""
    A = log_partition(activation).value
    s, v = sigma_nodes(M, singularity=2 if statistics == "independent" else 0)
    if statistics == "batch":
        z, w = normalized_nodes(M)
        h = Z[:, None, None] / math.sqrt(M) + s[:, None] * z
        normalized = gamma * z + beta
    else:
        w, z = W, Z
        h = z
        normalized = gamma * (z - Z[:, None, None] / math.sqrt(M)) / s[:, None] + beta
    return np.einsum("ijk,i,j,k->", A(normalized) - target(h) * normalized, W, v, w)


def by_random_batches(h, target, activation, gamma, beta):
    """Mean and standard error of the loss under batch normalization minus that under the population's, from batches.

    h: raw pre-activations of mean 0 and variance 1, shape (batches, M). The difference is taken sample by sample.
    """
    A = log_partition(activation).value
    y = target(h)
    normalized = gamma * (h - h.mean(axis=1, keepdims=True)) / h.std(axis=1, keepdims=True) + beta
    plain = gamma * h + beta
    difference = (A(normalized) - A(plain) - y * (normalized - plain)).mean(axis=1)
    return difference.mean(), difference.std(ddof=1) / math.sqrt(len(difference))


def slope(sizes, values):
    """The exponent p of a power law values ~ sizes^p, between the last two."""
    return math.log(abs(values[-1] / values[-2])) / math.log(sizes[-1] / sizes[-2])
