"""A data file whose functions give batches, and a model that learns from them."""

from __future__ import annotations

DATA = """
import keras
import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 5)).astype("float32")
Y = (X[:, 0] - X[:, 1] > 0).astype("int32")
W = np.where(Y == 1, 2.0, 0.5).astype("float32")
TRAIN, HELD = slice(0, 150), slice(150, 200)
calls = []

class Batches(keras.utils.PyDataset):
    def __init__(self, rows, **options):
        super().__init__(**options)
        self.x, self.y, self.epochs = X[rows], Y[rows], 0

    def __len__(self):
        return -(-len(self.x) // 16)

    def __getitem__(self, place):
        rows = slice(16 * place, 16 * place + 16)
        return self.x[rows], self.y[rows]

    def on_epoch_end(self):
        self.epochs += 1

class Loop:
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return -(-len(X[self.rows]) // 16)

    def __iter__(self):
        for start in range(0, len(X[self.rows]), 16):
            yield [X[self.rows][start : start + 16], Y[self.rows][start : start + 16]]

class NoEnd(Loop):
    __len__ = None

def slices(*columns):
    import tensorflow as tf
    return tf.data.Dataset.from_tensor_slices(columns if len(columns) > 1 else columns[0])

def endlessly(rows):
    calls.append(rows)
    while True:
        for x, y in Loop(rows):
            yield x, y

def a_few(rows):
    yield from ((x, y) for x, y in Loop(rows))

def tensorflow(): return slices(X[TRAIN], Y[TRAIN]).batch(16), slices(X[HELD], Y[HELD]).batch(16)
def pydataset(): return Batches(TRAIN), Batches(HELD)
def workers(): return Batches(TRAIN, workers=2), Batches(HELD)
def loader():
    try:
        import torch
        from torch.utils.data import DataLoader, TensorDataset
    except ImportError:
        return Loop(TRAIN), Loop(HELD)
    parts = [TensorDataset(torch.tensor(X[rows]), torch.tensor(Y[rows])) for rows in (TRAIN, HELD)]
    return DataLoader(parts[0], batch_size=16, shuffle=True), DataLoader(parts[1], batch_size=16)
def generators(): return (endlessly(TRAIN), 10), (endlessly(HELD), 4)
def iterables(): return Loop(TRAIN), Loop(HELD)
def held_rows(): return Batches(TRAIN), (X[HELD], Y[HELD])
def trained_rows(): return (X[TRAIN], Y[TRAIN]), Batches(HELD)
def unknown_end():
    train, held = tensorflow()
    return train.filter(lambda x, y: True), held
def repeating():
    train, held = tensorflow()
    return (train.repeat(), 10), (held.repeat(), 4)
def weighted():
    return slices(X[TRAIN], Y[TRAIN], W[TRAIN]).batch(16), slices(X[HELD], Y[HELD]).batch(16)
def dicts():
    parts = [slices({"a": X[rows, :3], "b": X[rows, 3:]}, Y[rows]).batch(16) for rows in (TRAIN, HELD)]
    return tuple(parts)
def any_length():
    import tensorflow as tf
    def shaped(rows):
        made = lambda: ((X[rows][:8, : 2 + n % 3], Y[rows][:8]) for n in range(6))
        return tf.data.Dataset.from_generator(made, output_signature=(
            tf.TensorSpec((None, None), tf.float32), tf.TensorSpec((None,), tf.int32)))
    return shaped(TRAIN), shaped(HELD)
def wider(): return slices(X[TRAIN][:, :4], Y[TRAIN]).batch(16), slices(X[HELD][:, :4], Y[HELD]).batch(16)

def alone(): return tensorflow()[0]
def alone_with_steps(): return endlessly(TRAIN), 10
def apart(): return slices(X[TRAIN]).batch(16), slices(Y[TRAIN]).batch(16), slices(X[HELD]).batch(16)
def endless(): return tensorflow()[0].repeat(), tensorflow()[1]
def without_steps(): return endlessly(TRAIN), endlessly(HELD)
def uncounted(): return NoEnd(TRAIN), NoEnd(HELD)
def no_steps(): return (endlessly(TRAIN), 0), (endlessly(HELD), 4)
def within(): return (tensorflow()[0], 3), tensorflow()[1]
def empty(): return tensorflow()[0].take(0), tensorflow()[1]
def single(): return slices(X[TRAIN], Y[TRAIN]), slices(X[HELD], Y[HELD])
def other_form(): return tensorflow()[0], dicts()[1]
def steps_beside_unknown(): return (endlessly(TRAIN), 10), unknown_end()[0]
def ragged():
    import tensorflow as tf
    rows = tf.ragged.constant([[1.0], [2.0, 3.0]] * 8)
    return slices(rows, Y[:16]).batch(8), slices(rows, Y[:16]).batch(8)
def broken():
    class Broken(Batches):
        def __getitem__(self, place):
            raise OSError("no such picture")
    return Broken(TRAIN), Broken(HELD)
def too_short(): return (a_few(TRAIN), 10), (endlessly(HELD), 4)
"""

MODEL = """
import keras
import keras_tuner
from keras import layers

def build(hp):
    model = keras.Sequential([
        layers.Input((5,)),
        layers.Dense(hp.Int("units", 4, 16), "relu"),
        layers.Dropout(0.2),
        layers.Dense(1, "sigmoid"),
    ])
    rate = hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    return model

def dicts(hp):
    ins = {"a": layers.Input((3,), name="a"), "b": layers.Input((2,), name="b")}
    out = layers.Dense(1, "sigmoid")(layers.Concatenate()(list(ins.values())))
    model = keras.Model(ins, out)
    model.compile(keras.optimizers.Adam(hp.Float("learning_rate", 1e-3, 1e-1)), "binary_crossentropy")
    return model

def any_length(hp):
    x = layers.Input((None,))
    out = layers.Dense(1, "sigmoid")(layers.GlobalAveragePooling1D()(layers.Reshape((-1, 1))(x)))
    model = keras.Model(x, out)
    model.compile(keras.optimizers.Adam(hp.Float("learning_rate", 1e-3, 1e-1)), "binary_crossentropy")
    return model

def sized(hp):
    hp.Choice("batch_size", [16, 32])
    return build(hp)

class Own(keras_tuner.HyperModel):
    def build(self, hp):
        return build(hp)

    def fit(self, hp, model, *args, **kwargs):
        (x,) = args
        assert not hasattr(x, "shape")
        assert not isinstance(kwargs["validation_data"], tuple)
        return model.fit(x, **kwargs)

class WithoutSteps(Own):
    def fit(self, hp, model, x, validation_data, epochs=1, callbacks=None, verbose=0):
        return model.fit(x, validation_data=validation_data, epochs=epochs, callbacks=callbacks, verbose=0)
"""

KINDS = ("tensorflow", "pydataset", "loader", "generators")
"""Functions of the file: one for each kind of batches."""
EVERY = (*KINDS, "workers", "iterables", "held_rows", "trained_rows", "unknown_end", "repeating")
"""All that give the same rows to `build`."""
