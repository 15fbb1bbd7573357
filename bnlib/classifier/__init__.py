"""Part IV: small networks that classify real images (L19's and B22's experiments at a size that anybody can repeat).

Networks of many seeds are trained at once: seeds stand in the leading axis of every array. `split` draws images,
`random_network` builds the networks with one switch for their normalization, `train` trains them; `jitter` and
`crossed_units` probe them.
"""

from bnlib.classifier.data import Images, load, split
from bnlib.classifier.gradient import Extras, Noise, loss_gradient
from bnlib.classifier.network import Network, loss_and_accuracy, random_network
from bnlib.classifier.normalization import NORMALIZATIONS
from bnlib.classifier.probes import crossed_units, jitter, margins
from bnlib.classifier.training import History, paired_difference, train

__all__ = [
    "NORMALIZATIONS",
    "Extras",
    "History",
    "Images",
    "Network",
    "Noise",
    "crossed_units",
    "jitter",
    "load",
    "loss_and_accuracy",
    "loss_gradient",
    "margins",
    "paired_difference",
    "random_network",
    "split",
    "train",
]
