"""Coarse-to-fine hyperparameter search for Keras from the terminal.

Importing this package loads nothing heavy: TensorFlow, Keras, Keras Tuner and pandas are
imported by the modules that use them, when a command needs them.
"""

__version__ = "0.1.0"
