"""One batch before a search: what is reported, and whether NumPy does as Keras but for rounding."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hptune.models.backend import keras, set_up
from hptune.models.model import Arrays
from hptune.training import preflight
from hptune.training.numpy_path import dropout, layers, losses, optimizers
from hptune.training.preflight import try_one_batch
from hptune.training.session import make_ready

RNG = np.random.default_rng(0)
X = RNG.normal(size=(44, 5)).astype(np.float32)
Y = ((X[:, 0] > 0).astype(np.int32) + (X[:, 1] > 0)).astype(np.int32)
ARRAYS = Arrays(x=X[:32], y=Y[:32], validation_x=X[32:], validation_y=Y[32:])


@pytest.fixture(autouse=True)
def deterministic() -> None:
    set_up((5,))


def model(optimizer: Any = "adam", *between: Any) -> Any:
    keras.utils.set_random_seed(1)
    made = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(8),
            keras.layers.BatchNormalization(),
            keras.layers.Activation("relu"),
            keras.layers.Dropout(0.3),
            *between,
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    made.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    make_ready(made, ARRAYS)
    return made


@pytest.mark.parametrize(
    "optimizer",
    [
        # A bias before BatchNormalization has no gradient but rounding, which Adam makes steps of.
        pytest.param(lambda: "adam", id="adam"),
        pytest.param(lambda: keras.optimizers.Adam(0.01, use_ema=True), id="adam, averaged"),
        pytest.param(lambda: keras.optimizers.RMSprop(0.01), id="rmsprop"),
        pytest.param(lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True), id="nesterov"),
        pytest.param(lambda: keras.optimizers.SGD(1e-9), id="steps that are lost in rounding"),
        pytest.param(lambda: keras.optimizers.SGD(0.0), id="no step at all"),
    ],
)
def test_rounding_is_no_difference(optimizer: Callable[[], Any]) -> None:
    found = try_one_batch(model(optimizer()), ARRAYS)
    assert found.reported == ("accuracy", "loss", "val_accuracy", "val_loss")
    assert found.numpy_difference == ""


def test_losses_that_diverge_are_no_difference() -> None:
    far = Arrays(x=X[:32] * 1e30, y=Y[:32], validation_x=X[32:] * 1e30, validation_y=Y[32:])
    exploding = model(keras.optimizers.SGD(1e30))
    assert try_one_batch(exploding, far).numpy_difference == ""


def wrong_step(self: Any, weights: Any, gradient: Any, rate: Any, taken: int) -> None:
    RIGHT_STEP(self, weights, gradient, rate * np.float32(1.05), taken)


RIGHT_STEP = optimizers.AdamRule.step
RIGHT_LOSSES = losses.CategoricalCrossentropy.losses


@pytest.mark.parametrize(
    ("owner", "name", "wrong", "said"),
    [
        pytest.param(optimizers.AdamRule, "step", wrong_step, "the loss is", id="a rate 5% off"),
        pytest.param(
            optimizers.Average, "step", lambda self, weights, taken: None, "weights are", id="an average"
        ),
        pytest.param(
            losses.CategoricalCrossentropy,
            "losses",
            lambda *given: RIGHT_LOSSES(*given) * np.float32(1.001),
            r"the loss is [\d.]+ by NumPy and [\d.]+ by Keras",
            id="a loss 0.1% off",
        ),
        pytest.param(
            layers.BatchNormalization,
            "predict",
            lambda self, x: self._scaled(x),
            "the validation loss is",
            id="validation",
        ),
        pytest.param(
            type(dropout.dropout_masks(0.3)),
            "__call__",
            lambda self, rows, units: np.ones((rows, units), np.float32),
            "the loss is",
            id="nothing dropped",
        ),
        pytest.param(
            layers.Dense,
            "forward",
            lambda self, x: self.gone,
            "NumPy fails with AttributeError: 'Dense' object has no attribute 'gone'",
            id="an error",
        ),
    ],
)
def test_more_than_rounding_is_a_difference(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, wrong: Any, said: str
) -> None:
    monkeypatch.setattr(owner, name, wrong)
    found = try_one_batch(model(keras.optimizers.Adam(use_ema=True)), ARRAYS)
    assert found.reported == ("accuracy", "loss", "val_accuracy", "val_loss")
    assert re.search(said, found.numpy_difference), found.numpy_difference


def test_a_model_that_numpy_does_not_train_takes_one_step() -> None:
    other = model("adam", keras.layers.LayerNormalization())
    assert try_one_batch(other, ARRAYS).numpy_difference == ""
    assert int(other.optimizer.iterations) == 1
    known = model()
    try_one_batch(known, ARRAYS)
    assert int(known.optimizer.iterations) == preflight.STEPS
