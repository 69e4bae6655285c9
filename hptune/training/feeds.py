"""Feeds rows to Keras's fit: one call for a whole job, nothing built anew from epoch to epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hptune.data.structure import Given, as_tuples, count_rows, leaves, map_leaves
from hptune.models.backend import keras
from hptune.models.model import Arrays
from hptune.training.epoch_callback import EpochCallback
from hptune.training.epoch_rules import EpochRules
from hptune.training.random_numbers import shuffled

__all__ = [
    "Feed",
    "GeneratorFeed",
    "as_floats",
    "batches",
    "columns_of",
    "has_own",
    "rows_at_once",
    "steps_by_itself",
]

_VALUES_AT_ONCE = 1 << 22
"""Input values that are validated in one batch; activations take a multiple of that memory."""


class Feed(Protocol):
    """A way to train a model on arrays for several epochs."""

    def trace(self) -> None:
        """Do what has to be done once before the first epoch."""
        ...

    def fit(self, epoch_callback: EpochCallback, seed: int, initial_epoch: int, epochs: int) -> None:
        """Train from `initial_epoch` to `epochs` in the order of `seed`, calling the callback at each."""
        ...


def rows_at_once(x: Any, batch_size: int) -> int:
    """Return how many rows are validated in one batch: all, where memory allows."""
    features = max(1, sum(int(np.prod(array.shape[1:])) for array in leaves(x)))
    return int(min(max(_VALUES_AT_ONCE // features, batch_size, 1), max(1, count_rows(x))))


def as_floats(array: NDArray[Any]) -> NDArray[Any]:
    """Return floats of any width in Keras's own, as its fit takes arrays; anything else as it is."""
    return array.astype(keras.config.floatx(), copy=False) if array.dtype.kind == "f" else array


def columns_of(x: Any, y: Any, weights: Any) -> tuple[Any, ...]:
    """Return (x[, y[, weights]]) as Keras's steps take them, without what is not there."""
    given = (x, y, weights) if weights is not None else (x,) if y is None else (x, y)
    return tuple(as_tuples(tree) for tree in given)


def has_own(model: Any, method: str) -> bool:
    """Return whether a model overrides one of Keras's methods."""
    own = getattr(type(model), method)
    of_class = own is not getattr(keras.Model, method) and not own.__module__.startswith("keras.")
    return of_class or method in vars(model)


def steps_by_itself(model: Any) -> bool:
    """Return whether a model overrides how steps are taken or reported."""
    return any(has_own(model, method) for method in _STEPPING)


_STEPPING = (
    *("train_step", "test_step", "make_train_function", "make_test_function"),
    *("compute_metrics", "evaluate"),
)


def _taken(column: NDArray[Any], rows: NDArray[np.int64]) -> Any:
    taken = column[rows]
    # Keras takes text from a generator only as tensors.
    return keras.ops.convert_to_tensor(taken) if taken.dtype.kind in "OUS" else as_floats(taken)


def batches(
    arrays: Arrays | Given,
    weights: NDArray[np.float32] | None,
    batch_size: int,
    order: Callable[[int], NDArray[np.int64]],
) -> Iterator[tuple[NDArray[Any], ...]]:
    """Give the batches of one epoch after the other, without end, each in its epoch's order."""
    columns = columns_of(arrays.x, arrays.y, weights)
    epoch = 0
    while True:
        rows = order(epoch)
        for start in range(0, len(rows), batch_size):
            taken = rows[start : start + batch_size]
            yield map_leaves(partial(_taken, rows=taken), columns)
        epoch += 1


class _HeldRows(keras.utils.PyDataset):  # type: ignore[misc]
    """Validation rows, batch by batch: Keras would make one tensor of whole arrays."""

    def __init__(self, arrays: Arrays, batch_size: int) -> None:
        """Take what is validated on, and how many rows a step of training takes."""
        super().__init__()
        self._columns = columns_of(arrays.validation_x, arrays.validation_y, arrays.validation_weights)
        self._size = rows_at_once(arrays.validation_x, batch_size)

    def __len__(self) -> int:
        """Return how many batches there are."""
        return math.ceil(count_rows(self._columns) / self._size)

    def __getitem__(self, number: int) -> Any:
        """Return one of them."""
        rows = np.arange(number * self._size, min((number + 1) * self._size, count_rows(self._columns)))
        return map_leaves(partial(_taken, rows=rows), self._columns)


class GeneratorFeed:
    """NumPy batches to Keras's own fit, on any backend."""

    def __init__(
        self,
        model: Any,
        arrays: Arrays,
        weights: NDArray[np.float32] | None,
        batch_size: int,
        callbacks: Sequence[Any] = (),
    ) -> None:
        """Take what is trained on; `callbacks` are the user's."""
        self._model = model
        self._arrays = arrays
        self._weights = weights
        self._batch_size = batch_size
        self._callbacks = callbacks

    def trace(self) -> None:
        """Leave it to the first step."""

    def fit(self, epoch_callback: EpochRules, seed: int, initial_epoch: int, epochs: int) -> None:
        """Train from `initial_epoch` to `epochs`; Keras validates."""
        rows = self._arrays.rows
        # The rows go on past the end of an epoch, where several steps at once would run into the next.
        self._model.steps_per_execution = 1
        fed = batches(
            self._arrays,
            self._weights,
            self._batch_size,
            lambda epoch: shuffled(seed, initial_epoch + epoch, rows),
        )
        self._model.fit(
            fed,
            steps_per_epoch=-(-rows // self._batch_size),
            initial_epoch=initial_epoch,
            epochs=epochs,
            validation_data=_HeldRows(self._arrays, self._batch_size),
            callbacks=[*self._callbacks, epoch_callback],
            shuffle=False,
            verbose=0,
        )
