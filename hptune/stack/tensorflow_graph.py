"""An epoch of a stack as one graph of TensorFlow, for any number of configurations and any widths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from hptune.models.backend import keras
from hptune.stack import tensorflow_steps as steps
from hptune.stack.structure import Structure

__all__ = ["Features", "StackGraph"]

NUMBERS = (
    *("rate", "dropout", "l1", "l2", "clip_threshold", "clipnorm", "clipvalue", "global_clipnorm"),
    *("momentum", "nesterov", "rho", "rho_rest", "beta_1", "beta_1_rest", "beta_2", "beta_2_rest"),
    *("epsilon", "averaged", "average_momentum", "average_corrected"),
)
"""What each configuration has of its own, one float32 each."""
_METRICS = {
    "accuracy": {
        "sparse_categorical_crossentropy": keras.metrics.sparse_categorical_accuracy,
        "binary_crossentropy": keras.metrics.binary_accuracy,
    },
    "mean_absolute_error": {"mean_squared_error": keras.metrics.mean_absolute_error},
}


@dataclass(frozen=True)
class Features:
    """What a graph can do beside the plain case; those that a stack has no use for change nothing."""

    dropout: bool = False
    penalty: bool = False
    averaged: bool = False
    clipping: frozenset[str] = frozenset()

    def __or__(self, other: Features) -> Features:
        return Features(
            self.dropout or other.dropout,
            self.penalty or other.penalty,
            self.averaged or other.averaged,
            self.clipping | other.clipping,
        )

    def __le__(self, other: Features) -> bool:
        return self | other == other


class StackGraph:
    """Trains and validates stacks of one structure."""

    def __init__(self, structure: Structure, features: Features, inputs: int) -> None:
        """Trace nothing yet; `inputs` are the values of a row."""
        self.structure = structure
        self.features = features
        self._inputs = inputs
        self._loss = keras.losses.get(structure.loss)
        self._slots = 2 if structure.optimizer == "Adam" else 1
        self._train = self._traced(self._train_some, order=True)
        self._validate = self._traced(self._validate_some, order=False)

    def _traced(self, function: Any, *, order: bool) -> Any:
        matrix, whole = tf.TensorSpec((None, None)), tf.TensorSpec((), tf.int32)
        y = {"sparse_categorical_crossentropy": tf.TensorSpec((None,), tf.int32)}.get(
            self.structure.loss, tf.TensorSpec((None, 1))
        )
        layers = tf.TensorSpec((self.structure.hidden,), tf.int32)
        per_layer = tf.TensorSpec((None, self.structure.hidden), tf.int32)
        state = (matrix, matrix, (matrix,) * self._slots, matrix, tf.TensorSpec((None,)))
        numbers = {name: tf.TensorSpec((None,)) for name in NUMBERS}
        data = (tf.TensorSpec((None, self._inputs)), y)
        common = (data, layers, per_layer, numbers, state, matrix)
        more = (tf.TensorSpec((None, None), tf.int32), per_layer, whole, whole, whole)
        signature = (*common, *more) if order else (*common, whole, whole)
        return tf.function(function, input_signature=signature, autograph=False)

    def train(self, *given: Any) -> Any:
        """Train some steps of an epoch; returns the new state and the totals of loss and metrics."""
        return self._train(*given)

    def validate(self, *given: Any) -> Any:
        """Validate some rows; returns the totals of loss and metrics."""
        return self._validate(*given)

    def trace(self) -> None:
        """Make both graphs."""
        self._train.get_concrete_function()
        self._validate.get_concrete_function()

    def begin_totals(self, configurations: int) -> Any:
        """Return totals before the first row."""
        columns = 1 + sum(3 if metric == "r2" else 1 for metric in self.structure.metrics)
        return tf.zeros((configurations, columns))

    # One epoch

    def _train_some(
        self,
        data: Any,
        widths: Any,
        units: Any,
        numbers: Any,
        state: Any,
        totals: Any,
        orders: Any,
        seeds: Any,
        batch_size: Any,
        first: Any,
        end: Any,
    ) -> Any:
        """Train the steps from `first` to before `end`; `orders` are (K, rows)."""
        rows = tf.shape(orders)[1]

        def body(number: Any, state: Any, totals: Any) -> Any:
            start = number * batch_size
            taken = orders[:, start : tf.minimum(start + batch_size, rows)]
            batch = (tf.gather(data[0], taken), tf.gather(data[1], taken))
            masks = None
            if self.features.dropout:
                count = tf.shape(taken)[1]
                masks = steps.dropout_masks(seeds, number, count, units, widths, numbers["dropout"])
            state, seen = self._step(batch, widths, units, numbers, state, masks)
            return number + 1, state, totals + seen

        _, state, totals = tf.while_loop(
            lambda number, *_: number < end, body, (first, state, totals), parallel_iterations=1
        )
        return state, totals

    def _step(self, batch: Any, widths: Any, units: Any, numbers: Any, state: Any, masks: Any) -> Any:
        structure = self.structure
        weights, moving, slots, averages, taken = state
        cut = steps.shapes(structure, widths, self._inputs)
        statistics = steps.parts(moving, steps.shapes(structure, widths, self._inputs, trained=False))
        with tf.GradientTape() as tape:
            tape.watch(weights)
            variables = steps.parts(weights, cut)
            predicted, moved = steps.forward(
                structure, batch[0], variables, statistics, units, masks=masks, training=True
            )
            losses = tf.reduce_mean(self._loss(batch[1], predicted), axis=1)
            if self.features.penalty:
                losses += steps.penalty(structure, variables, numbers)
            # The gradient of the sum is, configuration by configuration, that of its own loss.
            total = tf.reduce_sum(losses)
        gradient = tape.gradient(total, weights)
        gradient = steps.clip(self.features.clipping, gradient, cut, numbers)
        weights, slots = steps.apply_gradients(structure.optimizer, weights, slots, gradient, taken, numbers)
        if self.features.averaged:
            averages = steps.average(averages, weights, taken, numbers)
        if moved:
            moving = tf.concat(moved, axis=1)
        return (weights, moving, slots, averages, taken + 1), self._seen(batch[1], predicted, losses)

    def _validate_some(
        self,
        data: Any,
        widths: Any,
        units: Any,
        numbers: Any,
        state: Any,
        totals: Any,
        first: Any,
        end: Any,
    ) -> Any:
        """Validate the rows from `first` to before `end`, with the averaged weights where they count."""
        weights, moving, _, averages, _ = state
        if self.features.averaged:
            weights = tf.where(numbers["averaged"][:, None] > 0, averages, weights)
        variables = steps.parts(weights, steps.shapes(self.structure, widths, self._inputs))
        statistics = steps.parts(moving, steps.shapes(self.structure, widths, self._inputs, trained=False))
        x, y = (part[first:end] for part in data)
        predicted, _ = steps.forward(
            self.structure, x[None], variables, statistics, units, masks=None, training=False
        )
        y = tf.repeat(y[None], tf.shape(weights)[0], axis=0)
        losses = tf.reduce_mean(self._loss(y, predicted), axis=1)
        if self.features.penalty:
            losses += steps.penalty(self.structure, variables, numbers)
        return totals + self._seen(y, predicted, losses)

    def _seen(self, y: Any, predicted: Any, losses: Any) -> Any:
        """Return what a batch adds to the totals, (K, columns): Keras's means weigh batches by rows."""
        columns = [losses * tf.cast(tf.shape(predicted)[1], tf.float32)]
        for metric in self.structure.metrics:
            if metric == "r2":
                columns += [tf.reduce_sum(c, axis=[1, 2]) for c in (y, y * y, (y - predicted) ** 2)]
                continue
            values = _METRICS[metric][self.structure.loss](y, predicted)
            # One number per row, with a column of its own or without.
            columns.append(tf.reduce_sum(tf.cast(values, tf.float32), axis=range(1, len(values.shape))))
        return tf.stack(columns, axis=1)

    def report(self, totals: NDArray[np.float32], rows: int) -> dict[str, float]:
        """Return loss and metrics of one configuration over so many rows."""
        columns = iter(totals)
        found = {"loss": float(next(columns) / np.float32(rows))}
        for metric in self.structure.metrics:
            if metric == "r2":
                found[metric] = _r2(next(columns), next(columns), next(columns), rows)
            else:
                found[metric] = float(next(columns) / np.float32(rows))
        return found


def _r2(total: np.float32, squares: np.float32, residual: np.float32, rows: int) -> float:
    """Return 1 − Σ(y − ŷ)² / Σ(y − ȳ)² as keras.metrics.R2Score does."""
    with np.errstate(all="ignore"):
        spread = squares - total * (total / np.float32(rows))
        score = np.float32(1) - residual / spread
    return 0.0 if np.isinf(score) else float(score)
