"""The metrics that a model reports, each told once an epoch of all its rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.models.backend import keras

__all__ = ["Measure", "measures"]

Measure = Callable[[NDArray[Any], NDArray[np.float32]], float]
"""(targets as given, predictions (rows, outputs)) → value."""


def _codes_right(y: NDArray[Any], predicted: NDArray[np.float32]) -> float:
    return float((predicted.argmax(axis=1) == y.reshape(-1)).mean())


def _shares_right(y: NDArray[Any], predicted: NDArray[np.float32]) -> float:
    return float((predicted.argmax(axis=1) == y.argmax(axis=1)).mean())


def _sides_right(y: NDArray[Any], predicted: NDArray[np.float32]) -> float:
    return float(((predicted > 0.5) == y.reshape(predicted.shape)).mean())


def _absolute(y: NDArray[Any], predicted: NDArray[np.float32]) -> float:
    return float(np.abs(predicted - y.reshape(predicted.shape)).mean())


def _squared(y: NDArray[Any], predicted: NDArray[np.float32]) -> float:
    return float(np.square(predicted - y.reshape(predicted.shape)).mean())


_KNOWN: dict[type, Measure] = {
    keras.metrics.SparseCategoricalAccuracy: _codes_right,
    keras.metrics.CategoricalAccuracy: _shares_right,
    keras.metrics.MeanAbsoluteError: _absolute,
    keras.metrics.MeanSquaredError: _squared,
}
_FUNCTIONS: dict[Callable[..., Any], Measure] = {
    keras.metrics.sparse_categorical_accuracy: _codes_right,
    keras.metrics.categorical_accuracy: _shares_right,
    keras.metrics.binary_accuracy: _sides_right,
    keras.metrics.mean_absolute_error: _absolute,
    keras.metrics.mean_squared_error: _squared,
}


def measures(compiled: Any, y: NDArray[Any], outputs: int) -> dict[str, Measure]:
    """Return what a model's `compile` asked for, by the names that Keras gives; may raise what Keras does."""
    if compiled is None:
        return {}
    if not compiled.built:
        tensor = keras.ops.convert_to_tensor
        compiled.build(tensor(y[:1]), tensor(np.zeros((1, outputs), np.float32)))
    return {metric.name: _measure(metric) for metric in compiled.metrics}


def _measure(metric: Any) -> Measure:
    known = _KNOWN.get(type(metric))
    if known is None and type(metric) is keras.metrics.MeanMetricWrapper and not metric._fn_kwargs:
        known = _FUNCTIONS.get(metric._fn)
    return known or _ask(metric)


def _ask(metric: Any) -> Measure:
    """Let Keras's own metric tell."""

    def ask(y: NDArray[Any], predicted: NDArray[np.float32]) -> float:
        metric.reset_state()
        metric.update_state(keras.ops.convert_to_tensor(y), keras.ops.convert_to_tensor(predicted))
        return float(keras.ops.convert_to_numpy(metric.result()))

    return ask
