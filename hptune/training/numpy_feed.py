"""The fast path of small dense networks: NumPy trains them, on any backend, where that costs less.

The steps are those of Keras's loop, with its order of rows and its random numbers, so weights are the
same but for rounding (tests/test_dense.py says within what), and always the same bits for the same seed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.models.backend import SMALL_ROW, has_accelerator
from hptune.models.model import Arrays
from hptune.strategy.threads import one_thread
from hptune.training.epoch_callback import EpochCallback
from hptune.training.feeds import rows_at_once
from hptune.training.numpy_path import DenseModel, Measure, measures, read
from hptune.training.random_numbers import layer_seed, reseed_generator, seed_states, shuffled

__all__ = ["DenseFeed", "choose_dense_feed", "is_faster", "operations_per_epoch"]

_MOST_BYTES = 1 << 28
"""Data larger than this is not put in each epoch's order as a whole."""
_MOST_OPERATIONS = 2e8
"""Floating-point operations of an epoch up to which NumPy trains although Keras has more than one thread.

They take about 10 ms on one core: 20 epochs take NumPy 0.2 s, and Keras takes half a second to trace a
graph (benchmarks/numpy_path.py; docs/benchmarks.md). No GPU was measured.
"""


def choose_dense_feed(
    model: Any, arrays: Arrays, weights: NDArray[np.float32] | None, batch_size: int
) -> DenseFeed | None:
    """Return what trains a model here; None where it is better left to Keras."""
    if not arrays.is_plain or arrays.x.nbytes > _MOST_BYTES or not is_faster(model, arrays):
        return None
    dense = read(model, min(batch_size, arrays.rows))
    if dense is None or not dense.takes(arrays.x):
        return None
    # Each dropout draws from the stream of its number among all that draw in a model.
    if len(seed_states(model)) != len(dense.network.dropouts):
        return None
    if not (dense.fits(arrays.y) and dense.fits(arrays.validation_y)):
        return None
    found = measures(model._compile_metrics, arrays.y, dense.network.outputs)
    return None if found is None else DenseFeed(dense, found, arrays, weights, batch_size)


def is_faster(model: Any, arrays: Arrays) -> bool:
    """Return whether NumPy takes less time for a chain of dense layers than Keras does.

    Where Keras has one thread, it always does. Where it has several (wide rows, see `set_up`) or an
    accelerator, it does as long as the arithmetic takes less time than building and starting graphs.
    """
    one_thread = arrays.x[0].size <= SMALL_ROW and not has_accelerator()
    return one_thread or operations_per_epoch(model, arrays.rows) <= _MOST_OPERATIONS


def operations_per_epoch(model: Any, rows: int) -> float:
    """Return the floating-point operations of an epoch: 6 · weights · rows.

    A product of matrices takes 2 for each weight and row: one forward, and two backward.
    """
    weights: int = sum(math.prod(variable.shape) for variable in model.trainable_variables)
    return 6.0 * rows * weights


class DenseFeed:
    """Trains an epoch after the other."""

    def __init__(
        self,
        dense: DenseModel,
        measures: Mapping[str, Measure],
        arrays: Arrays,
        weights: NDArray[np.float32] | None,
        batch_size: int,
    ) -> None:
        self.dense = dense
        self._measures = measures
        self._arrays = arrays
        self._weights = weights
        self._batch_size = batch_size
        self._rate = math.nan
        """Learning rate of the epoch under way."""
        self._given = 0
        """Steps that the Keras model knows of."""
        self._averaged = False
        """Whether it is the average of the weights that is judged."""

    def trace(self) -> None:
        """There is no graph."""

    def fit(self, epoch_callback: EpochCallback, seed: int, initial_epoch: int, epochs: int) -> None:
        """Train from `initial_epoch` to `epochs` in the order of `seed`, calling the callback at each."""
        dense, model = self.dense, self.dense.keras_model
        epoch_callback.set_model(model)
        epoch_callback.validate, epoch_callback.external_weights = self._validate, self
        self._averaged = epoch_callback.averaged
        model.stop_training = False
        dense.take()
        self._given = dense.network.taken
        self._x, self._y = dense.prepare(self._arrays.x), dense.targets(self._arrays.y)
        self._held = dense.prepare(self._arrays.validation_x), dense.targets(self._arrays.validation_y)
        with one_thread(), np.errstate(all="ignore"):
            for epoch in range(initial_epoch, epochs):
                epoch_callback.on_epoch_begin(epoch)
                self._rate = epoch_callback.rate
                epoch_callback.on_epoch_end(epoch, self._train(seed, epoch))
                if model.stop_training:
                    break
        self.give()
        # As Keras's fit does at its end: weights give way to their average, where one is kept.
        model.optimizer.finalize_variable_values(model.trainable_variables)

    def give(self) -> None:
        """Give weights and the optimiser's state to the Keras model, unless it has them."""
        if self._given != self.dense.network.taken:
            self.dense.give(self._rate)
            self._given = self.dense.network.taken

    def judged_weights(self) -> list[NDArray[Any]]:
        """Return the weights that validation judged, as Keras lists them."""
        return self.dense.judged_weights(averaged=self._averaged)

    def _train(self, seed: int, epoch: int) -> Mapping[str, float]:
        network = self.dense.network
        order = shuffled(seed, epoch, self._arrays.rows)
        reseed_generator(seed, epoch)
        trained = network.train(
            self._x[order],
            self._y[order],
            None if self._weights is None else self._weights[order],
            batch_size=self._batch_size,
            rate=self._rate,
            seeds=[layer_seed(seed, epoch, number) for number in range(len(network.dropouts))],
        )
        return self._report(trained.loss, self._arrays.y[order], trained.predicted)

    def _validate(self) -> Mapping[str, float]:
        at_once = rows_at_once(self._held[0], self._batch_size)
        judged = self.dense.network.judge(*self._held, at_once=at_once, averaged=self._averaged)
        return self._report(judged.loss, self._arrays.validation_y, judged.predicted)

    def _report(self, loss: float, y: NDArray[Any], predicted: NDArray[np.float32]) -> dict[str, float]:
        return {"loss": loss} | {name: measure(y, predicted) for name, measure in self._measures.items()}
