"""Hyperparameter search from Python: a tuner in Keras Tuner's protocol, and studies as objects."""
