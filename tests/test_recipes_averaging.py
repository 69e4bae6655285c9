"""Moving averages of the weights against their formulas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hptune.models.backend import keras
from hptune.models.recipes import averaging

BETA = 0.7
GRADIENTS = [1.0, -2.0, 0.5, 3.0, 1.0]


def averages(optimizer: Any) -> tuple[list[float], list[float]]:
    """The weight after each step of descent, and its average."""
    weight = keras.Variable(np.array([10.0], dtype=np.float32))
    optimizer.build([weight])
    weights, found = [], []
    for gradient in GRADIENTS:
        optimizer.apply([keras.ops.convert_to_tensor(np.array([gradient], dtype=np.float32))])
        weights.append(float(weight.numpy()[0]))
        found.append(float(optimizer._model_variables_moving_average[0].numpy()[0]))
    return weights, found


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam"])
def test_with_correction_the_average_begins_at_zero_and_is_divided_by_its_shares(name: str) -> None:
    optimizer = getattr(averaging, name)(learning_rate=0.1, use_ema=True, ema_momentum=BETA)
    weights, found = averages(optimizer)
    v, expected = 0.0, []
    for t, w in enumerate(weights, 1):
        v = BETA * v + (1 - BETA) * w
        expected.append(v / (1 - BETA**t))
    assert found == pytest.approx(expected, rel=1e-5)


def test_without_correction_the_average_begins_at_the_first_weights() -> None:
    weights, found = averages(keras.optimizers.SGD(learning_rate=0.1, use_ema=True, ema_momentum=BETA))
    expected = [weights[0]]
    for w in weights[1:]:
        expected.append(BETA * expected[-1] + (1 - BETA) * w)
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam"])
def test_the_steps_themselves_are_those_of_keras(name: str) -> None:
    ours, _ = averages(getattr(averaging, name)(learning_rate=0.1, use_ema=True, ema_momentum=BETA))
    theirs, _ = averages(getattr(keras.optimizers, name)(learning_rate=0.1, use_ema=True))
    assert ours == theirs


def test_a_corrected_optimizer_comes_back_from_its_configuration() -> None:
    optimizer = averaging.Adam(learning_rate=0.1, use_ema=True, ema_momentum=BETA)
    averages(optimizer)
    assert optimizer.get_config()["ema_momentum"] == BETA
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(again) is averaging.Adam
    assert again.get_config() == optimizer.get_config()


def test_swapping_in_and_out_gives_the_weights_back_bit_for_bit() -> None:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    model.compile(averaging.SGD(learning_rate=0.1, use_ema=True, ema_momentum=BETA), "mse")
    model.optimizer.build(model.trainable_variables)
    for average in model.optimizer._model_variables_moving_average:
        average.assign(np.full(average.shape, 0.3, dtype=np.float32))
    before = model.get_weights()
    swap = averaging.AverageForValidation()
    swap.set_model(model)
    swap.on_test_begin()
    assert all((weights == np.float32(0.3)).all() for weights in model.get_weights())
    swap.on_test_begin()
    swap.on_test_end()
    swap.on_test_end()
    assert all((now == then).all() for now, then in zip(model.get_weights(), before, strict=True))


def test_the_module_stands_alone_in_a_script() -> None:
    text = Path(averaging.__file__).read_text(encoding="utf-8")
    imports = [line for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert imports == ["from typing import Any", "import keras"]
