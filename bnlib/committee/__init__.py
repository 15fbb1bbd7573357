"""Part I: two layers, a student and a teacher (Takagi, Yoshida and Okada 2019 and 2020).

A student network of K units learns from a teacher network of M units by online gradient descent, with or without batch
normalization. `flow` follows the order parameters in the limit of many inputs; `train` runs the descent itself, and
`train_overlaps` the same process on the overlaps alone.
"""

from bnlib.committee.dynamics import flow
from bnlib.committee.gaussian import I2, I3, I4, phi, phi_slope
from bnlib.committee.order_parameters import NORMALIZATIONS, OrderParameters, Trajectory, generalization_error
from bnlib.committee.training import train, train_overlaps

__all__ = [
    "I2",
    "I3",
    "I4",
    "NORMALIZATIONS",
    "OrderParameters",
    "Trajectory",
    "flow",
    "generalization_error",
    "phi",
    "phi_slope",
    "train",
    "train_overlaps",
]
