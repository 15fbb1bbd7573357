"""Part II: one neuron with batch normalization (Luo, Wang, Shao and Peng 2019).

Batch normalization as noise: `moments` and the laws beside it say how the statistics of a batch scatter around those
of the population. `gamma_decay` is the penalty on gamma that L19 makes of this noise; `predicted_loss` has all of its
order, and `exact_loss` the loss itself, for Gaussian pre-activations at every batch size.
"""

from bnlib.perceptron.exact_loss import STATISTICS, exact_loss, exact_minimizer, identity_minimizer
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
from bnlib.perceptron.laws import LAWS, Law, batch_statistics, draw_batches, standardize
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

__all__ = [
    "FORMS",
    "LAWS",
    "LOG_PARTITIONS",
    "STATISTICS",
    "GammaDecay",
    "Law",
    "LogPartition",
    "Moments",
    "as_weight_normalization",
    "batch_normalize",
    "batch_statistics",
    "draw_batches",
    "exact_loss",
    "exact_minimizer",
    "gamma_decay",
    "gaussian_mean_inverse_sigma",
    "gaussian_mean_inverse_square_sigma",
    "gaussian_mean_sigma",
    "gaussian_sigma_part",
    "identity_minimizer",
    "log_partition",
    "moments",
    "normalized_cdf",
    "normalized_density",
    "normalized_fourth_moment",
    "population_loss",
    "population_normalize",
    "predicted_loss",
    "predicted_minimizer",
    "replacement_factor",
    "sigma_cdf",
    "sigma_density",
    "softplus",
    "softplus_integral",
    "standardize",
]
