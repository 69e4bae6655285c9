"""The metrics that a model reports, each computed once an epoch over all its rows.

Keras updates a metric batch by batch, so only metrics that add up over rows are computed here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.models.backend import keras
from hptune.models.recipes import metrics as scores
from hptune.training.numpy_path.read_compiled import known, untouched

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


def _root(y: NDArray[Any], predicted: NDArray[np.float32]) -> float:
    return math.sqrt(_squared(y, predicted))


def _one_code(y: NDArray[Any], outputs: int) -> bool:
    return y.size == len(y)


def _one_share_each(y: NDArray[Any], outputs: int) -> bool:
    return y.shape == (len(y), outputs)


def _one_number_each(y: NDArray[Any], outputs: int) -> bool:
    return _one_share_each(y, outputs) or (outputs == 1 and y.size == len(y))


_Fits = Callable[[NDArray[Any], int], bool]
"""(targets, outputs) → whether a measure is one of targets of this shape."""
_KNOWN: dict[type, tuple[Measure, _Fits]] = {
    keras.metrics.SparseCategoricalAccuracy: (_codes_right, _one_code),
    keras.metrics.CategoricalAccuracy: (_shares_right, _one_share_each),
    keras.metrics.MeanAbsoluteError: (_absolute, _one_number_each),
    keras.metrics.MeanSquaredError: (_squared, _one_number_each),
    keras.metrics.RootMeanSquaredError: (_root, _one_number_each),
}
"""Keras's metric → ours, and which targets it is for."""
_FUNCTIONS: dict[Callable[..., Any], tuple[Measure, _Fits]] = {
    keras.metrics.sparse_categorical_accuracy: (_codes_right, _one_code),
    keras.metrics.categorical_accuracy: (_shares_right, _one_share_each),
    keras.metrics.binary_accuracy: (_sides_right, _one_number_each),
    keras.metrics.mean_absolute_error: (_absolute, _one_number_each),
    keras.metrics.mean_squared_error: (_squared, _one_number_each),
}
_ADDED_UP = tuple(
    getattr(keras.metrics, name)
    for name in (
        *("AUC", "BinaryAccuracy", "F1Score", "FBetaScore", "Precision", "PrecisionAtRecall", "Recall"),
        *("RecallAtPrecision", "SensitivityAtSpecificity", "SpecificityAtSensitivity", "TruePositives"),
        *("TrueNegatives", "FalsePositives", "FalseNegatives", "TopKCategoricalAccuracy", "R2Score"),
        *("SparseTopKCategoricalAccuracy", "MeanSquaredLogarithmicError", "LogCoshError"),
        "MeanAbsolutePercentageError",
    )
)
"""Keras's metrics that add up over rows: of all rows at once they are what they are batch by batch."""


def measures(compiled: Any, y: NDArray[Any], outputs: int) -> dict[str, Measure] | None:
    """Return what a model's `compile` asked for, by the names that Keras gives.

    None where a metric is better left to Keras; may raise what Keras does.
    """
    if compiled is None:
        return {}
    if getattr(compiled, "_user_weighted_metrics", None):
        return None
    if not compiled.built:
        tensor = keras.ops.convert_to_tensor
        compiled.build(tensor(y[:2]), tensor(np.zeros((len(y[:2]), outputs), np.float32)))
    found = {metric.name: _measure(metric, y, outputs) for metric in compiled.metrics}
    if len(found) < len(compiled.metrics) or None in found.values():
        return None
    return {name: measure for name, measure in found.items() if measure is not None}


def _measure(metric: Any, y: NDArray[Any], outputs: int) -> Measure | None:
    if metric.dtype != "float32" or not untouched(metric):
        return None
    mine = _KNOWN.get(type(metric))
    if mine is None and type(metric) is keras.metrics.MeanMetricWrapper and not metric._fn_kwargs:
        mine = known(_FUNCTIONS, metric._fn)
    if mine is None and isinstance(metric, scores.Counted):
        return _count(metric)
    if mine is None:
        return _ask(metric) if type(metric) in _ADDED_UP else None
    measure, fits = mine
    return measure if fits(y, outputs) else None


def _count(metric: scores.Counted) -> Measure:
    """Count the rows of a recipe's own score, and let the score compute its value from the counts."""

    def count(y: NDArray[Any], predicted: NDArray[np.float32]) -> float:
        places = _by_odds if isinstance(metric, scores.AUC) else _taken_for
        where = places(metric, y.reshape(-1), predicted)
        counts = np.bincount(where, minlength=math.prod(metric.shape())).reshape(metric.shape())
        return float(metric.of(counts, np))

    return count


def _taken_for(metric: Any, codes: NDArray[Any], predicted: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return where each row counts in a confusion matrix."""
    classes = predicted[:, 0] > 0.5 if predicted.shape[1] == 1 else predicted.argmax(axis=1)
    return np.asarray(codes.astype(np.int64) * metric.classes + classes)


def _by_odds(metric: Any, codes: NDArray[Any], predicted: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return where each row counts by its log-odds, as scores.AUC says."""
    against = np.log(np.maximum(1 - predicted, np.float32(2e-8)))
    odds = np.log(np.maximum(predicted, np.float32(1.2e-38))) - against
    place = (np.arcsinh(odds * np.float32(10)) - np.float32(metric.least)) / np.float32(metric.step)
    columns = np.arange(predicted.shape[1])
    true = codes[:, None] == columns + (0 if metric.positive is None else 1)
    place = (
        np.clip(place.astype(np.int64), 0, metric.steps - 1) + (true * len(columns) + columns) * metric.steps
    )
    return np.asarray(place.reshape(-1))


def _ask(metric: Any) -> Measure:
    """Compute the metric by Keras itself."""

    def ask(y: NDArray[Any], predicted: NDArray[np.float32]) -> float:
        metric.reset_state()
        metric.update_state(keras.ops.convert_to_tensor(y), keras.ops.convert_to_tensor(predicted))
        # F1 and R² may be of each class or output: Keras's fit reports them so, and their mean counts.
        return float(np.mean(keras.ops.convert_to_numpy(metric.result())))

    return ask
