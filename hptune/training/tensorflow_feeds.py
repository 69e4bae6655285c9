"""The fast path of TensorFlow: a whole epoch is one graph.

Keras's fit runs a step at a time: an iterator, a dispatch and a dictionary of logs for each. Here
a `tf.while_loop` takes the rows of one batch after the other and calls the model's own
`train_step`, so an epoch is one call and weights come out the same bits as by Keras's loop
(shown by a test). Keras's fit still drives the epochs and its callbacks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework import ops

from hptune.data.structure import leaves, map_leaves
from hptune.models.model import Arrays
from hptune.training.epoch_callback import EpochCallback
from hptune.training.feeds import GeneratorFeed, as_floats, columns_of, has_own, rows_at_once, steps_by_itself
from hptune.training.random_numbers import shuffled

__all__ = ["EpochGraph", "RowsFeed", "choose_tensorflow_feed"]

_MOST_BYTES = 1 << 30
"""Data larger than this is not put into the graph's memory as a whole."""
_SECONDS_A_CALL = 0.5
"""A call into TensorFlow can't be interrupted, so a long epoch is several."""
_TENSORS = 8
"""Arrays that are kept on the device."""


def choose_tensorflow_feed(
    model: Any,
    arrays: Arrays,
    weights: NDArray[np.float32] | None,
    batch_size: int,
    callbacks: Sequence[Any] | None = None,
) -> EpochGraph | RowsFeed | GeneratorFeed:
    """Return the fastest feed that trains this model as Keras's fit would, and by it with `callbacks`."""
    if has_own(model, "fit") or model.distribute_strategy is not tf.distribute.get_strategy():
        return GeneratorFeed(model, arrays, weights, batch_size, callbacks or ())
    if callbacks is not None:
        return RowsFeed(model, arrays, weights, batch_size, callbacks)
    every = leaves((arrays.x, arrays.y))
    # Keras builds a graph's losses and metrics from numbers with targets; else its own fit does.
    numbers = arrays.y is not None and all(array.dtype.kind in "biuf" for array in every)
    large = sum(array.nbytes for array in every) > _MOST_BYTES
    if steps_by_itself(model) or model.run_eagerly or large or not numbers:
        return RowsFeed(model, arrays, weights, batch_size)
    return EpochGraph(model, arrays, weights, batch_size)


def _held_of(arrays: Arrays) -> tuple[Any, ...]:
    return columns_of(arrays.validation_x, arrays.validation_y, arrays.validation_weights)


class _Tensors:
    """Arrays as tensors, remembered by identity: trial after trial trains on the same ones."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[NDArray[Any], Any]] = {}

    def __call__(self, array: NDArray[Any]) -> Any:
        """Return an array as a tensor, the same one as before where it is still remembered."""
        known = self._known.get(id(array))
        if known is None or known[0] is not array:
            if len(self._known) >= _TENSORS:
                self._known.clear()
            known = self._known[id(array)] = (array, tf.constant(as_floats(array)))
        return known[1]


_tensor = _Tensors()


@contextmanager
def _forgetting_gradients() -> Iterator[None]:
    """Let the graphs that are traced inside be freed one day.

    Keras's optimisers sum gradients over replicas by a function with a gradient of its own, and
    TensorFlow notes every such gradient for ever, the whole graph with it: five megabytes for
    each training. Nobody takes the gradient of a training step, so the notes can go.
    """
    notes: dict[str, Any] = getattr(getattr(ops, "gradient_registry", None), "_registry", {})
    before = set(notes)
    try:
        yield
    finally:
        for name in [n for n in notes if n.startswith("CustomGradient-") and n not in before]:
            del notes[name]


class EpochGraph:
    """Trains an epoch, and validates, in one call each."""

    def __init__(
        self, model: Any, arrays: Arrays, weights: NDArray[np.float32] | None, batch_size: int
    ) -> None:
        self._model = model
        self._rows = arrays.rows
        self._compiled = model.jit_compile
        """Whether XLA compiles a step: by default Keras does so on a GPU only."""
        self._batch_size = batch_size
        self._steps = -(-arrays.rows // batch_size)
        self._columns = map_leaves(_tensor, columns_of(arrays.x, arrays.y, weights))
        self._held = map_leaves(_tensor, _held_of(arrays))
        self._held_batch = rows_at_once(arrays.validation_x, batch_size)
        index = tf.TensorSpec((), tf.int32)
        order = tf.TensorSpec((self._rows,), tf.int64)
        self._train = tf.function(self._train_some, input_signature=(order, index, index), autograph=False)
        self._validate = tf.function(self._validate_all, input_signature=(), autograph=False)

    def trace(self) -> None:
        """Make the graph of an epoch; that of validation is made when it is first called."""
        model = self._model
        # Variables of losses and metrics must be there, or both graphs are traced twice.
        model._symbolic_build(data_batch=map_leaves(lambda c: c[: self._batch_size], self._columns))
        with _forgetting_gradients():
            # No step at all.
            self._train(tf.range(self._rows, dtype=tf.int64), tf.constant(0), tf.constant(0))

    def _train_some(self, order: Any, first: Any, end: Any) -> Any:
        """Train the steps from `first` to before `end` of an epoch."""
        step = self._model.train_step
        if self._compiled:
            step = tf.function(step, jit_compile=True, reduce_retracing=True)

        def body(number: Any) -> Any:
            start = number * self._batch_size
            rows = order[start : tf.minimum(start + self._batch_size, self._rows)]
            step(map_leaves(lambda column: tf.gather(column, rows), self._columns))
            return (number + 1,)

        tf.while_loop(lambda number: number < end, body, (first,), parallel_iterations=1)
        return self._model.get_metrics_result()

    def _validate_all(self) -> Any:
        """Validate on all held-out rows, in as few batches as memory allows."""
        model, rows, size = self._model, int(leaves(self._held)[0].shape[0]), self._held_batch
        if rows <= size:
            model.test_step(self._held)
            return model.get_metrics_result()

        def body(number: Any) -> Any:
            part = slice(number * size, tf.minimum((number + 1) * size, rows))
            model.test_step(map_leaves(lambda column: column[part], self._held))
            return (number + 1,)

        tf.while_loop(lambda n: n * size < rows, body, (tf.constant(0),), parallel_iterations=1)
        return model.get_metrics_result()

    def fit(self, epoch_callback: EpochCallback, seed: int, initial_epoch: int, epochs: int) -> None:
        """Train from `initial_epoch` to `epochs`; an epoch is one step of Keras's fit."""
        numbers = iter(range(initial_epoch, epochs))
        calls = _Calls(self._steps)

        def one_epoch(_: Any) -> Any:
            order = tf.constant(shuffled(seed, next(numbers), self._rows))
            return calls.run(lambda first, end: self._train(order, first, end))

        def validate() -> dict[str, Any]:
            self._model.reset_metrics()
            return dict(self._validate())

        epoch_callback.validate = validate
        # Keras makes its own train function only where there is none.
        self._model.train_function = one_epoch
        self._model.fit(
            tf.data.Dataset.range(1).repeat(),
            steps_per_epoch=1,
            initial_epoch=initial_epoch,
            epochs=epochs,
            callbacks=[epoch_callback],
            shuffle=False,
            verbose=0,
        )


class _Calls:
    """Divides epochs into calls of about half a second, so that Ctrl-C is heard in between."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._at_once = 32.0

    def run(self, train: Any) -> Any:
        """Train one epoch; returns what the last call did. How it is divided changes no result."""
        first, logs = 0, None
        while first < self._steps:
            end = min(self._steps, first + int(self._at_once))
            began = time.perf_counter()
            logs = train(tf.constant(first), tf.constant(end))
            took = (time.perf_counter() - began) / (end - first)
            self._at_once = max(1.0, min(self._at_once * 8, _SECONDS_A_CALL / max(took, 1e-9)))
            first = end
        return logs


class RowsFeed:
    """Batches by tf.data to a model with steps of its own; the pipeline is built once."""

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
        self._columns = columns_of(arrays.x, arrays.y, weights)
        self._batch_size = batch_size
        self._callbacks = callbacks

    def trace(self) -> None:
        """Leave it to the first step."""

    def fit(self, epoch_callback: EpochCallback, seed: int, initial_epoch: int, epochs: int) -> None:
        """Train from `initial_epoch` to `epochs`; Keras steps and validates."""
        rows, size = self._arrays.rows, self._batch_size
        # The rows go on past the end of an epoch, where several steps at once would run into the next.
        self._model.steps_per_execution = 1
        columns = map_leaves(_tensor, self._columns)

        def orders() -> Any:
            for epoch in range(initial_epoch, epochs):
                yield shuffled(seed, epoch, rows)

        fed = (
            tf.data.Dataset.from_generator(orders, output_signature=tf.TensorSpec((rows,), tf.int64))
            .flat_map(lambda order: tf.data.Dataset.from_tensor_slices(order).batch(size))
            .map(lambda some: map_leaves(lambda column: tf.gather(column, some), columns))
            .prefetch(2)
        )
        held = map_leaves(_tensor, _held_of(self._arrays))
        at_once = rows_at_once(self._arrays.validation_x, size)
        with _forgetting_gradients():
            self._model.fit(
                fed,
                steps_per_epoch=-(-rows // size),
                initial_epoch=initial_epoch,
                epochs=epochs,
                validation_data=tf.data.Dataset.from_tensor_slices(held).batch(at_once).cache(),
                callbacks=[*self._callbacks, epoch_callback],
                shuffle=False,
                verbose=0,
            )
