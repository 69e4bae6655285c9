"""What `search(…)` is called with, sorted: data, what the search decides, and what fit gets."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest

from hptune.errors import DataError, ModelError
from hptune.tuner.fit_arguments import FitArguments

X, Y = np.arange(20.0).reshape(10, 2), np.arange(10)


def of(*args: Any, own_fit: bool = False, **keywords: Any) -> FitArguments:
    return FitArguments.of(args, keywords, own_fit=own_fit)


@pytest.mark.parametrize("share", [0.2, 0.25, 0.33, 0.5])
def test_a_validation_split_is_the_last_rows_as_in_model_fit(share: float) -> None:
    (x, y), (held_x, held_y) = of(X, Y, validation_split=share).data
    at = math.floor(10 * (1 - share))
    assert np.array_equal(x, X[:at])
    assert np.array_equal(held_x, X[at:])
    assert np.array_equal(np.concatenate([y, held_y]), Y)


def test_dicts_lists_and_frames_are_split_alike() -> None:
    import pandas as pd

    x = {"a": X, "b": [X[:, :1], X[:, 1:]]}
    (train, _), (held, _) = of(x, pd.Series(Y), validation_split=0.2).data
    assert train["a"].shape == (8, 2)
    assert [part.shape for part in held["b"]] == [(2, 1), (2, 1)]


def test_weights_go_with_their_rows() -> None:
    train, held = of(X, Y, sample_weight=Y / 10, validation_split=0.2).data
    assert len(train) == len(held) == 3
    assert np.array_equal(held[2], Y[8:] / 10)


def test_validation_data_are_taken_as_they_are() -> None:
    given = of(X, Y, validation_data=(X[:3], Y[:3]), epochs=4, batch_size=2)
    assert given.data[1][0] is not None
    assert len(given.data[1][0]) == 3
    assert (given.epochs, given.batch_size, given.held_out) == (4, 2, True)


def test_positions_are_those_of_model_fit() -> None:
    given = of(X, Y, 16, 3, 0, validation_split=0.2)
    assert (given.batch_size, given.epochs, given.quiet) == (16, 3, True)


def test_without_validation_training_rows_take_its_place() -> None:
    given = of(X, Y)
    assert not given.held_out
    assert given.data[0][0] is given.data[1][0]


def test_keras_defaults_say_nothing_and_the_rest_goes_to_fit() -> None:
    given = of(X, Y, validation_split=0.2, shuffle=True, validation_freq=1, class_weight={0: 1.0, 1: 2.0})
    assert dict(given.more) == {"class_weight": {0: 1.0, 1: 2.0}}
    assert dict(of(X, Y, validation_split=0.2, shuffle=False).more) == {"shuffle": False}


def test_what_fit_does_not_take_is_refused_by_its_name() -> None:
    with pytest.raises(TypeError, match=r"'epoch', which model\.fit does not take"):
        of(X, Y, validation_split=0.2, epoch=3)
    with pytest.raises(TypeError, match="multiple values for argument 'y'"):
        of(X, Y, y=Y)


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"epochs": 0}, "epochs: 0 is no number"),
        ({"batch_size": -1}, "batch_size: -1"),
        ({"epochs": 1.5}, "epochs: 1.5"),
    ],
)
def test_counts_below_one_are_refused(keywords: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        of(X, Y, validation_split=0.2, **keywords)


@pytest.mark.parametrize("share", [1.0, -0.1, 0.01, 7])
def test_shares_that_leave_a_part_empty_are_refused(share: float) -> None:
    with pytest.raises(DataError, match="validation_split"):
        # 0.01 of ten rows holds one of them back, as Keras rounds.
        of(X[:1], Y[:1], validation_split=share)


def test_unequal_rows_are_counted() -> None:
    with pytest.raises(DataError, match="10 rows of x and 9 rows of y"):
        of(X, Y[:9], validation_split=0.2)


def test_no_data_is_refused() -> None:
    with pytest.raises(DataError, match="got no data"):
        of()


def test_callbacks_are_copied_for_each_training() -> None:
    stop = keras.callbacks.EarlyStopping(patience=3)
    make = of(X, Y, validation_split=0.2, callbacks=[stop]).callbacks
    assert make is not None
    first, second = make(), make()
    assert first[0] is not stop
    assert first[0] is not second[0]
    assert first[0].patience == 3
    assert of(X, Y, validation_split=0.2, callbacks=[]).callbacks is None


def test_callbacks_that_cannot_be_copied_are_named() -> None:
    class Locked(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            import threading

            self.lock = threading.Lock()

    make = of(X, Y, validation_split=0.2, callbacks=[Locked()]).callbacks
    assert make is not None
    with pytest.raises(ModelError, match="Locked can't be copied"):
        make()


def test_an_own_fit_gets_its_own_words_beside_standard_data() -> None:
    given = of(X, Y, validation_data=(X, Y), flavour="sweet", own_fit=True)
    assert dict(given.more) == {"flavour": "sweet"}
    assert given.whole is None


def test_an_own_fit_gets_everything_else_as_it_came() -> None:
    given = of(X, Y, X[:2], Y[:2], own_fit=True, epochs=3)
    assert given.whole is not None
    args, keywords = given.whole
    assert len(args) == 4
    assert dict(keywords) == {}
    assert given.epochs == 3
    assert of(own_fit=True).whole == ((), {})


def test_batches_come_with_their_steps() -> None:
    import tensorflow as tf

    train = tf.data.Dataset.from_tensor_slices((X, Y)).batch(2)
    given = of(train, validation_data=train, steps_per_epoch=2, validation_steps=1)
    assert given.data == ((train, 2), (train, 1))
    with pytest.raises(DataError, match="can't be split"):
        of(train, validation_split=0.2)
