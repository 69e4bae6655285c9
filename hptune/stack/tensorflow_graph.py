"""An epoch of a stack as one graph of TensorFlow, for any number of configurations and any widths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from hptune.stack.graph import NUMBERS, Features, Given, StackGraph, Steps
from hptune.stack.structure import Structure

__all__ = ["TensorFlowGraph"]

_SEED_RANGE = 2**31 - 2
"""Keras takes a seed's remainder by this before it draws."""


class TensorFlowGraph(StackGraph):
    """Trains and validates stacks of one structure."""

    def __init__(self, structure: Structure, features: Features, inputs: int) -> None:
        super().__init__(structure, features, inputs)
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
        common = (Given(data, layers, per_layer, numbers), state, matrix)
        some = Steps(tf.TensorSpec((None, None), tf.int32), per_layer, whole, whole, whole)
        signature = (*common, some) if order else (*common, whole, whole)
        return tf.function(function, input_signature=signature, autograph=False)

    def train(self, given: Given, state: Any, totals: Any, steps: Steps) -> Any:
        return self._train(given, state, totals, steps)

    def validate(self, given: Given, state: Any, totals: Any, first: Any, end: Any) -> Any:
        return self._validate(given, state, totals, first, end)

    def trace(self) -> None:
        """Make both graphs."""
        self._train.get_concrete_function()
        self._validate.get_concrete_function()

    def split(self, lines: Any, cut: list[list[Any]]) -> Sequence[Any]:
        sizes = tf.stack([tf.reduce_prod(tf.stack(shape)) for shape in cut])
        pieces: Sequence[Any] = tf.split(lines, sizes, axis=1, num=len(cut))
        return pieces

    # One epoch

    def _train_some(self, given: Given, state: Any, totals: Any, steps: Steps) -> Any:
        rows, size = tf.shape(steps.orders)[1], steps.batch_size

        def body(number: Any, state: Any, totals: Any) -> Any:
            start = number * size
            taken = steps.orders[:, start : tf.minimum(start + size, rows)]
            batch = (tf.gather(given.data[0], taken), tf.gather(given.data[1], taken))
            masks = None
            if self.features.dropout:
                count = tf.shape(taken)[1]
                masks = _dropout_masks(steps.seeds, number, count, given)
            state, seen = self._step(batch, given, state, masks)
            return number + 1, state, totals + seen

        _, state, totals = tf.while_loop(
            lambda number, *_: number < steps.end, body, (steps.first, state, totals), parallel_iterations=1
        )
        return state, totals

    def _step(self, batch: Any, given: Given, state: Any, masks: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(state[0])
            total, (predicted, moving, losses) = self._lose(state[0], state[1], batch, given, masks)
        gradient = tape.gradient(total, state[0])
        state = self._descend(gradient, moving, state, given)
        return state, self._seen(batch[1], predicted, losses)

    def _validate_some(self, given: Given, state: Any, totals: Any, first: Any, end: Any) -> Any:
        x, y = (part[first:end] for part in given.data)
        return totals + self._judge(x, y, given, state)


def _dropout_masks(seeds: Any, step: Any, rows: Any, given: Given) -> list[Any]:
    """Return which outputs dropout keeps, (K, B, U) per layer, and what it multiplies them by.

    The numbers are those that keras.layers.Dropout draws: from the seed (drawn, step) and for the
    layer's own width, seeds being (K, layers).
    """
    masks, rate = [], given.numbers["dropout"][:, None, None]
    for layer in range(seeds.shape[1]):
        width = given.widths[layer]

        def drawn(item: tuple[Any, Any], width: Any = width) -> Any:
            seed, own = item
            uniform = tf.random.stateless_uniform(tf.stack([rows, own]), tf.stack([seed % _SEED_RANGE, step]))
            return tf.pad(uniform, [[0, 0], [0, width - own]])

        uniform = tf.map_fn(
            drawn, (seeds[:, layer], given.units[:, layer]), fn_output_signature=tf.TensorSpec((None, None))
        )
        masks.append((uniform >= rate, 1.0 / (1.0 - rate)))
    return masks
