"""The mathematics of the book *Batch Normalization, Exactly*.

Wings of mathematics, one for each model that the book studies (arrays in, arrays out; NumPy and SciPy only):

- :mod:`bnlib.committee`: two layers, teacher and student (part I);
- :mod:`bnlib.perceptron`: one neuron and the noise of its batches (part II).

:mod:`bnlib.book` holds what the chapters need besides mathematics: figures, exercises, widgets.
"""

__version__ = "0.1.0"
