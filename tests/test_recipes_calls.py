"""One description, two renderings: what is built and what is printed can't differ."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hptune.models.backend import keras
from hptune.models.recipes.calls import Array, Call, make, source


def evaluated(text: str) -> Any:
    return eval(text, {"keras": keras, "np": np})


def test_a_call_builds_the_keras_object() -> None:
    layer = Call(name="layers.Dense", arguments={"units": 7, "activation": "relu"}).make()
    assert isinstance(layer, keras.layers.Dense)
    assert layer.units == 7
    assert layer.activation is keras.activations.relu


def test_a_call_prints_as_the_python_that_makes_it() -> None:
    call = Call(name="layers.Dense", arguments={"units": 7, "activation": "relu"})
    assert call.source() == 'keras.layers.Dense(units=7, activation="relu")'


def test_calls_inside_calls_are_built_and_printed_with_them() -> None:
    penalty = Call(name="regularizers.L2", arguments={"l2": 0.5})
    call = Call(name="layers.Dense", arguments={"units": 1, "kernel_regularizer": penalty})
    assert isinstance(call.make().kernel_regularizer, keras.regularizers.L2)
    assert call.source() == "keras.layers.Dense(units=1, kernel_regularizer=keras.regularizers.L2(l2=0.5))"
    assert [inner.name for inner in call.calls()] == ["layers.Dense", "regularizers.L2"]


def test_a_long_call_has_a_line_for_each_argument() -> None:
    call = Call(name="layers.Dense", arguments={"units": 7, "name": "n" * 100})
    assert call.source().splitlines() == [
        "keras.layers.Dense(",
        "    units=7,",
        f'    name="{"n" * 100}",',
        ")",
    ]


def test_what_is_not_of_keras_is_printed_without_a_prefix() -> None:
    call = Call(name="SGD", arguments={"learning_rate": 0.1}, home="hptune.models.recipes.averaging")
    assert call.source() == "SGD(learning_rate=0.1)"
    assert type(call.make()).__module__ == "hptune.models.recipes.averaging"


@pytest.mark.parametrize("kind", ["layers.Dense", "optimizers.Adam"])
def test_the_printed_call_builds_an_object_of_the_same_configuration(kind: str) -> None:
    arguments = {"layers.Dense": {"units": 3, "use_bias": False}, "optimizers.Adam": {"learning_rate": 1e-3}}
    call = Call(name=kind, arguments={**arguments[kind], "name": "same"})
    assert evaluated(call.source()).get_config() == call.make().get_config()


def test_equal_calls_have_equal_hashes_and_survive_pickling() -> None:
    one = Call(name="layers.Normalization", arguments={"mean": Array.of(np.array([1.5, 2]))})
    two = Call(name="layers.Normalization", arguments={"mean": Array.of(np.array([1.5, 2]))})
    assert one == two
    assert hash(one) == hash(two)
    assert pickle.loads(pickle.dumps(one)) == one
    assert one != Call(name="layers.Normalization", arguments={"mean": Array.of(np.array([1.5, 3]))})


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner) | st.tuples(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner)
    ),
    max_leaves=8,
)


@given(values)
def test_plain_arguments_come_back_from_their_source(value: Any) -> None:
    assert evaluated(source(value)) == value == make(value)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=6))
def test_arrays_come_back_from_their_source_bit_for_bit(numbers: list[float]) -> None:
    array = Array.of(np.array(numbers, dtype=np.float32))
    again = evaluated(array.source())
    assert again.dtype == np.float32
    assert [math.copysign(1, v) * v for v in again] == [math.copysign(1, v) * v for v in array.make()]


def test_arrays_of_more_than_one_axis_keep_their_shape() -> None:
    array = Array.of(np.arange(6, dtype=np.float32).reshape(2, 3))
    assert evaluated(array.source()).tolist() == [[0, 1, 2], [3, 4, 5]]
