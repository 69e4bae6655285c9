"""The fast path of JAX: the steps of an epoch are one compiled loop.

Keras's fit dispatches a step at a time and hands over its rows from NumPy. Here `lax.fori_loop`
takes the rows of one batch after the other and calls the model's own `train_step`; an epoch's last,
smaller batch is a call of its own. Keras's fit still drives the epochs and its callbacks. XLA may
round another way inside a loop than outside, so weights are those of Keras's loop to a few units
in the last place, and always the same bits for the same seed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
from numpy.typing import NDArray

from hptune.models.backend import keras
from hptune.models.model import Arrays
from hptune.training.epoch_callback import EpochCallback
from hptune.training.feeds import GeneratorFeed, OnDevice, has_own, rows_at_once, steps_by_itself
from hptune.training.random_numbers import shuffled

__all__ = ["EpochLoop", "choose_jax_feed"]

_MOST_BYTES = 1 << 30
"""Data larger than this is not put on the device as a whole."""
_SECONDS_A_CALL = 0.5
"""A call into JAX can't be interrupted, so a long epoch is several."""
State = tuple[list[Any], ...]
"""Values of trainable, other, optimiser's and metrics' variables, as Keras's stateless steps take them."""


def choose_jax_feed(
    model: Any, arrays: Arrays, weights: NDArray[Any] | None, batch_size: int
) -> EpochLoop | GeneratorFeed:
    """Return the fastest feed that trains this model as Keras's fit would."""
    own = has_own(model, "fit") or steps_by_itself(model)
    plain = model.jit_compile and not model.run_eagerly and keras.distribution.distribution() is None
    if own or not plain or arrays.x.nbytes + arrays.y.nbytes > _MOST_BYTES:
        return GeneratorFeed(model, arrays, weights, batch_size)
    return EpochLoop(model, arrays, weights, batch_size)


_tensor = OnDevice(jnp.asarray)


class EpochLoop:
    """Trains an epoch in one or two calls, and validates in one."""

    def __init__(self, model: Any, arrays: Arrays, weights: NDArray[Any] | None, batch_size: int) -> None:
        self._model = model
        self._rows = arrays.rows
        self._batch_size = batch_size
        self._columns = tuple(_tensor(c) for c in (arrays.x, arrays.y, weights) if c is not None)
        self._held = (_tensor(arrays.validation_x), _tensor(arrays.validation_y))
        self._held_batch = rows_at_once(arrays.validation_x, batch_size)
        self._names: tuple[str, ...] = ()
        """What a step reports."""
        self._at_once = 32.0
        """Steps of a call."""
        self._loop: Any = None
        self._last: Any = None
        self._test = jax.jit(model.test_step)

    def trace(self) -> None:
        """Compile an epoch; validation is compiled when it is first called."""
        model = self._model
        # Losses and metrics make their variables at the first rows.
        model._symbolic_build(data_batch=tuple(column[: self._batch_size] for column in self._columns))
        state = self._state()
        order = jnp.arange(self._rows)
        if self._rows >= self._batch_size:
            loop = jax.jit(self._some, donate_argnums=0)
            self._loop = loop.lower(state, self._columns, order, 0, 0).compile()
        if left := self._rows % self._batch_size:
            last = jax.jit(self._step, donate_argnums=0)
            self._last = last.lower(state, self._columns, order[:left]).compile()

    def _state(self) -> State:
        model = self._model
        return tuple(
            [variable.value for variable in variables]
            for variables in (
                model.trainable_variables,
                model.non_trainable_variables,
                model.optimizer.variables,
                model.metrics_variables,
            )
        )

    def _step(self, state: State, columns: tuple[Any, ...], rows: Any) -> tuple[dict[str, Any], State]:
        logs, state = self._model.train_step(state, tuple(column[rows] for column in columns))
        self._names = tuple(logs)
        return logs, state

    def _some(self, state: State, columns: tuple[Any, ...], order: Any, first: Any, end: Any) -> State:
        """Train the whole batches from `first` to before `end` of an epoch."""
        size = self._batch_size

        def body(number: Any, state: State) -> State:
            rows = jax.lax.dynamic_slice_in_dim(order, number * size, size)
            return self._step(state, columns, rows)[1]

        trained: State = jax.lax.fori_loop(first, end, body, state)
        return trained

    def _epoch(self, state: State, order: Any) -> State:
        first, whole = 0, self._rows // self._batch_size
        while first < whole:
            end = min(whole, first + int(self._at_once))
            began = time.perf_counter()
            state = jax.block_until_ready(self._loop(state, self._columns, order, first, end))
            took = (time.perf_counter() - began) / (end - first)
            # How an epoch is divided changes no result.
            self._at_once = max(1.0, min(self._at_once * 8, _SECONDS_A_CALL / max(took, 1e-9)))
            first = end
        if self._last is not None:
            _, state = self._last(state, self._columns, order[whole * self._batch_size :])
        return state

    def _validate(self) -> dict[str, Any]:
        """Validate on all held-out rows, in as few batches as memory allows."""
        self._model.reset_metrics()
        trained, other, _, metrics = self._state()
        state, logs = (trained, other, metrics), dict[str, Any]()
        for start in range(0, self._held[0].shape[0], self._held_batch):
            part = slice(start, start + self._held_batch)
            logs, state = self._test(state, tuple(column[part] for column in self._held))
        return logs

    def fit(self, epoch_callback: EpochCallback, seed: int, initial_epoch: int, epochs: int) -> None:
        """Train from `initial_epoch` to `epochs`; an epoch is one step of Keras's fit."""
        numbers = iter(range(initial_epoch, epochs))

        def one_epoch(state: State, iterator: Iterator[Any]) -> tuple[dict[str, float], State]:
            next(iterator)
            order = jnp.asarray(shuffled(seed, next(numbers), self._rows), dtype=jnp.int32)
            # Keras reads what the epoch came to from the metrics' variables.
            return dict.fromkeys(self._names, 0.0), self._epoch(state, order)

        def steps() -> Iterator[tuple[Any, ...]]:
            while True:
                yield tuple(column[:1] for column in self._columns)

        epoch_callback.validate = self._validate
        # Keras makes its own train function only where there is none.
        self._model.train_function = one_epoch
        self._model.fit(
            steps(),
            steps_per_epoch=1,
            initial_epoch=initial_epoch,
            epochs=epochs,
            callbacks=[epoch_callback],
            shuffle=False,
            verbose=0,
        )
