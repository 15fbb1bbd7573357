"""Convolutional networks with the switches of `bnlib.classifier`, in PyTorch: L19's CNN and B22's ResNet9.

An optional extra, ``pip install "bnlib[deep]"``. Nothing else in this package needs it, and this module imports neither
PyTorch nor pooch. ``python -m bnlib.deep NAME --scale smoke|cpu|full`` runs an experiment, and writes its result as
JSON; the chapters draw what was recorded at the scale ``cpu``.
"""

MISSING = 'PyTorch is not installed; the experiments of bnlib.deep need it: pip install "bnlib[deep]"'
