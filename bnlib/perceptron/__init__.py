"""Part II: one neuron with batch normalization (Luo, Wang, Shao and Peng 2019).

Batch normalization as noise: `moments` and the laws beside it say how the statistics of a batch scatter around those
of the population. `gamma_decay` is the penalty on gamma that L19 makes of this noise; `predicted_loss` has all of its
order, and `exact_loss` the loss itself, for Gaussian pre-activations at every batch size.

Learning: `flow` follows weight normalization with gamma decay, `plain_flow` plain descent and `batch_flow` batch
normalization itself, in the limit of many inputs; `train` runs the descent, `train_overlaps` the same on the order
parameters alone. `max_learning_rate` and its neighbours are what table 1 of the paper is about. Generalization:
`least_squares_error`, `ridge_error` and `descent_error` at finite load, and experiments at finite size beside them.
"""

from bnlib.perceptron.averages import I123, I123_slopes, mean_squared_error
from bnlib.perceptron.batch_dynamics import batch_fixed_gain, batch_flow
from bnlib.perceptron.dynamics import flow, plain_flow
from bnlib.perceptron.exact_loss import STATISTICS, exact_loss, exact_minimizer, identity_minimizer
from bnlib.perceptron.finite_size import descent_experiment, draw_problem, independent_batch_solution, ridge_experiment
from bnlib.perceptron.gamma_decay import (
    FORMS,
    GammaDecay,
    as_weight_normalization,
    batch_normalize,
    gamma_decay,
    gaussian_sigma_part,
    population_loss,
    population_normalize,
    predicted_loss,
    predicted_minimizer,
)
from bnlib.perceptron.generalization import (
    descent_error,
    generalization_gap,
    least_squares_error,
    optimal_decay,
    population_statistics_error,
    ridge_decay,
    ridge_error,
    shrunk_error,
    training_error,
)
from bnlib.perceptron.laws import LAWS, Law, batch_statistics, draw_batches, standardize
from bnlib.perceptron.learning_rates import (
    creeping_length,
    effective_learning_rate,
    eigenvalues,
    fixed_point,
    jacobian,
    max_learning_rate,
    noise_floor,
    saddle_node,
)
from bnlib.perceptron.log_partition import LOG_PARTITIONS, LogPartition, log_partition, softplus, softplus_integral
from bnlib.perceptron.statistics import (
    Moments,
    gaussian_mean_inverse_sigma,
    gaussian_mean_inverse_square_sigma,
    gaussian_mean_sigma,
    moments,
    normalized_cdf,
    normalized_density,
    normalized_fourth_moment,
    replacement_factor,
    sigma_cdf,
    sigma_density,
)
from bnlib.perceptron.training import train, train_overlaps

__all__ = [
    "FORMS",
    "GammaDecay",
    "I123",
    "I123_slopes",
    "LAWS",
    "LOG_PARTITIONS",
    "Law",
    "LogPartition",
    "Moments",
    "STATISTICS",
    "as_weight_normalization",
    "batch_fixed_gain",
    "batch_flow",
    "batch_normalize",
    "batch_statistics",
    "creeping_length",
    "descent_error",
    "descent_experiment",
    "draw_batches",
    "draw_problem",
    "effective_learning_rate",
    "eigenvalues",
    "exact_loss",
    "exact_minimizer",
    "fixed_point",
    "flow",
    "gamma_decay",
    "gaussian_mean_inverse_sigma",
    "gaussian_mean_inverse_square_sigma",
    "gaussian_mean_sigma",
    "gaussian_sigma_part",
    "generalization_gap",
    "identity_minimizer",
    "independent_batch_solution",
    "jacobian",
    "least_squares_error",
    "log_partition",
    "max_learning_rate",
    "mean_squared_error",
    "moments",
    "noise_floor",
    "normalized_cdf",
    "normalized_density",
    "normalized_fourth_moment",
    "optimal_decay",
    "plain_flow",
    "population_loss",
    "population_normalize",
    "population_statistics_error",
    "predicted_loss",
    "predicted_minimizer",
    "replacement_factor",
    "ridge_decay",
    "ridge_error",
    "ridge_experiment",
    "saddle_node",
    "shrunk_error",
    "sigma_cdf",
    "sigma_density",
    "softplus",
    "softplus_integral",
    "standardize",
    "train",
    "train_overlaps",
    "training_error",
]
