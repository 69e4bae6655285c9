"""Trains networks of dense layers with NumPy, as Keras does: the same random numbers, the same formulas.

Of the time that Keras takes for a small network nearly all goes to what is around the arithmetic:
building a graph, handing it operations of a few microseconds each. NumPy needs no graph, and little
time around an operation.
"""

from hptune.training.numpy_path.metrics import Measure, measures
from hptune.training.numpy_path.model import DenseModel
from hptune.training.numpy_path.read_model import read

__all__ = ["DenseModel", "Measure", "measures", "read"]
