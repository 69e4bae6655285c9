"""The text of a model file whose trainings take no time."""

__all__ = ["BUILD"]

BUILD = """import keras


def build(hp):
    hidden = keras.layers.Dense(hp.Int("units", 2, 32), "relu")
    model = keras.Sequential([hidden, keras.layers.Dense(3, "softmax")])
    sgd = keras.optimizers.SGD(hp.Float("lr", 1e-3, 1.0, sampling="log"))
    model.compile(sgd, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""
