"""Part I: two layers, a student and a teacher (Takagi, Yoshida and Okada 2019 and 2020).

A student network of K units learns from a teacher network of M units by online gradient descent, with or without batch
normalization. `flow` follows the order parameters in the limit of many inputs, `flow_many` those of many runs at once;
`train` runs the descent itself, and `train_overlaps` the same process on the overlaps alone. `fixed_point`,
`escape_rate`, `delay` and `find_plateau` are about the symmetric plateau, `error_hessian` and `flow_jacobian` about
what is read off there. `effective_error`, `training_error` and `batch_plateau` say what small batches change.
"""

from bnlib.committee.batch_plateau import BatchPlateau, batch_plateau, opening_rate
from bnlib.committee.batch_quadrature import training_error
from bnlib.committee.dynamics import flow
from bnlib.committee.escape import escape_times, plateau_start
from bnlib.committee.finite_batch import batch_correction, correction_parts, effective_error
from bnlib.committee.flow_many import flow_many
from bnlib.committee.gaussian import I2, I3, I4, phi, phi_slope
from bnlib.committee.hessian import CHARTS, chart_hessian, error_gradient, error_hessian
from bnlib.committee.one_neuron import gain_shift
from bnlib.committee.order_parameters import NORMALIZATIONS, OrderParameters, Trajectory, generalization_error
from bnlib.committee.plateau import (
    delay,
    escape_rate,
    fixed_point,
    flow_jacobian,
    plateau_error,
    plateau_squared_norm,
    slowing_exponent,
)
from bnlib.committee.reduced import embed, reduced_flow, reduced_velocity, restrict
from bnlib.committee.specialization import Plateau, asymmetry, find_plateau, plateau_length
from bnlib.committee.stability import critical_rate
from bnlib.committee.training import train, train_overlaps
from bnlib.committee.twins import train_twins

__all__ = [
    "CHARTS",
    "BatchPlateau",
    "I2",
    "I3",
    "I4",
    "NORMALIZATIONS",
    "OrderParameters",
    "Plateau",
    "Trajectory",
    "asymmetry",
    "chart_hessian",
    "critical_rate",
    "batch_correction",
    "batch_plateau",
    "correction_parts",
    "delay",
    "effective_error",
    "embed",
    "error_gradient",
    "error_hessian",
    "escape_rate",
    "escape_times",
    "find_plateau",
    "fixed_point",
    "flow",
    "flow_jacobian",
    "flow_many",
    "gain_shift",
    "generalization_error",
    "opening_rate",
    "phi",
    "phi_slope",
    "plateau_error",
    "plateau_length",
    "plateau_squared_norm",
    "plateau_start",
    "reduced_flow",
    "reduced_velocity",
    "restrict",
    "slowing_exponent",
    "train",
    "train_overlaps",
    "train_twins",
    "training_error",
]
