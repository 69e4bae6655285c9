"""Callbacks whose state goes along from one job of a trial to the next, as a whole training has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.models.backend import keras

__all__ = ["CallbackState", "goes_along", "states_of", "with_states"]

_NUMBERS: Mapping[type, tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("wait", "stopped_epoch", "best", "best_epoch"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "cooldown_counter", "best"),
    # What these do in an epoch depends on the epoch and on the optimizer alone, and a checkpoint holds that.
    keras.callbacks.LearningRateScheduler: (),
    keras.callbacks.TerminateOnNaN: (),
    keras.callbacks.TensorBoard: (),
}
"""Callbacks of Keras, none of a class derived from one, with the numbers that `on_train_begin` resets."""


@dataclass(frozen=True)
class CallbackState:
    """What a callback knows after an epoch."""

    numbers: Mapping[str, float | int | None]
    weights: list[NDArray[Any]] = field(default_factory=list)
    """Those of the best epoch, where it keeps them."""


def goes_along(callback: Any) -> bool:
    """Return whether a callback's state can be kept and given back."""
    counts_batches = getattr(callback, "update_freq", "epoch") != "epoch"
    return type(callback) in _NUMBERS and not counts_batches


def states_of(callbacks: Sequence[Any]) -> list[CallbackState]:
    """Return what callbacks that all go along know now."""
    return [
        CallbackState(
            numbers={name: _number(getattr(one, name)) for name in _NUMBERS[type(one)]},
            weights=[np.array(value) for value in getattr(one, "best_weights", None) or ()],
        )
        for one in callbacks
    ]


def with_states(callbacks: Sequence[Any], states: Sequence[CallbackState]) -> None:
    """Give callbacks what they knew, after `on_train_begin` has made them forget it."""
    for one, state in zip(callbacks, states, strict=True):
        for name, value in state.numbers.items():
            setattr(one, name, value)
        if state.weights:
            one.best_weights = list(state.weights)


def _number(value: Any) -> float | int | None:
    """Return a number that JSON can hold."""
    if value is None or isinstance(value, bool | int | float):
        return value
    return float(keras.ops.convert_to_numpy(value))
