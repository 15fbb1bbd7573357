"""Chapter 7: reference, another style, and each mistake under the name that the exercise gives it."""

import math

import numpy as np


# ---- perceptron-7-1
def pull(Q, R):
    both = Q * (math.pi * R + 2 * math.sqrt(1 - R**2) + 2 * R * math.asin(R)) / (4 * math.pi)
    return both - Q**2 / 2


def pull_by_angle(Q, R):
    b = np.arccos(R)
    return np.float64(Q * (np.sin(b) + (np.pi - b) * np.cos(b)) / (2 * np.pi)) - 0.5 * Q * Q


PULL_MISTAKES = {
    "student's own output dropped": lambda Q, R: pull(Q, R) + Q**2 / 2,
    "whole variance in place of half": lambda Q, R: pull(Q, R) - Q**2 / 2,
    "linear unit": lambda Q, R: Q * R - Q**2,
    "length forgotten": lambda Q, R: (pull(Q, R) + Q**2 / 2) / Q - Q**2 / 2,
}


# ---- perceptron-7-2
def length(t, L0, eta, gamma, I2):
    return (L0**4 + 2 * eta**2 * gamma**2 * I2 * t) ** 0.25


def length_from_unit(t, L0, eta, gamma, I2):
    return np.array(L0 * math.sqrt(math.sqrt(1 + 2 * t * I2 * (eta * gamma / L0**2) ** 2)))


LENGTH_MISTAKES = {
    "start forgotten": lambda t, L0, eta, gamma, I2: (2 * eta**2 * gamma**2 * I2 * t) ** 0.25,
    "diffusion": lambda t, L0, eta, gamma, I2: math.sqrt(L0**2 + eta**2 * gamma**2 * I2 * t),
    "factor 4": lambda t, L0, eta, gamma, I2: (L0**4 + eta**2 * gamma**2 * I2 * t / 2) ** 0.25,
}


# ---- perceptron-7-3
def largest_rates(zeta):
    gamma = 1 / (1 + zeta)
    return 2 / gamma, 2 / (gamma - (1 - gamma) ** 2 / 2)


def largest_rates_in_zeta(zeta):
    return np.array([2 + 2 * zeta, 4 * (1 + zeta) ** 2 / (2 * (1 + zeta) - zeta**2)])


LARGEST_MISTAKES = {
    "ReLU": lambda zeta: (2 + 4 * zeta, 1 / (0.5 / (1 + 2 * zeta) - (zeta / (1 + 2 * zeta)) ** 2)),
    "gain at rest taken for 1": lambda zeta: (2.0, 2.0),
    "learning rate in place of the effective one": lambda zeta: tuple(
        (1 + zeta) * rate for rate in largest_rates(zeta)
    ),
    "sign of the noise": lambda zeta: (2 + 2 * zeta, 2 / (1 / (1 + zeta) + (zeta / (1 + zeta)) ** 2 / 2)),
}

SOLUTIONS = {
    "perceptron-7-1": (pull, pull_by_angle, PULL_MISTAKES),
    "perceptron-7-2": (length, length_from_unit, LENGTH_MISTAKES),
    "perceptron-7-3": (largest_rates, largest_rates_in_zeta, LARGEST_MISTAKES),
}
