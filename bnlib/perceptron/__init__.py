"""Part II: one neuron with batch normalization (Luo, Wang, Shao and Peng 2019).

Batch normalization as noise: `moments` and the laws beside it say how the statistics of a batch scatter around those
of the population, `gamma_decay` what this noise does to the loss.
"""

__all__ = []
