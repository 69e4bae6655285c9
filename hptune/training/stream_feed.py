"""Hands a user's batches to Keras's own fit as they come: exported scripts copy it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hptune.data.stream import Stream, seed_order
from hptune.data.structure import count_rows
from hptune.models.backend import keras
from hptune.models.model import Streamed
from hptune.training.epoch_rules import EpochRules
from hptune.training.failures import Exhausted
from hptune.training.feeds import batches, columns_of, rows_at_once
from hptune.training.random_numbers import shuffled

__all__ = ["StreamFeed"]


class StreamFeed:
    """Batches of a user's own to Keras's fit, on any backend; rows beside them as ever."""

    def __init__(self, model: Any, arrays: Streamed, batch_size: int, callbacks: Sequence[Any] = ()) -> None:
        """Take what is trained on; `callbacks` are the user's."""
        self._model = model
        self._callbacks = callbacks
        self._streams = arrays.streams
        self._batch_size = batch_size

    def trace(self) -> None:
        """Leave it to the first step."""

    def fit(self, epoch_callback: EpochRules, seed: int, initial_epoch: int, epochs: int) -> None:
        """Train from `initial_epoch` to `epochs` on streams that begin anew; Keras validates.

        Raises Exhausted where a stream ends before the steps that were given with it.
        """
        seed_order(seed, initial_epoch)
        train, held = self._streams.fresh().parts
        with _ends_watched(self._streams.name, train, held):
            self._model.fit(
                **self._trained_on(train, seed, initial_epoch),
                **self._validated_on(held),
                initial_epoch=initial_epoch,
                epochs=epochs,
                callbacks=[_SeedsOrder(seed), *self._callbacks, epoch_callback],
                verbose=0,
            )

    def _trained_on(self, part: Any, seed: int, initial_epoch: int) -> dict[str, Any]:
        if isinstance(part, Stream):
            # Keras warns of a shuffle that it can't do.
            return {"x": part.for_fit(), "steps_per_epoch": part.steps, "shuffle": part.is_shuffled_by_keras}
        rows = count_rows(part.x)
        # The rows go on past the end of an epoch, where several steps at once would run into the next.
        self._model.steps_per_execution = 1
        fed = batches(
            part, part.weights, self._batch_size, lambda epoch: shuffled(seed, initial_epoch + epoch, rows)
        )
        return {"x": fed, "steps_per_epoch": -(-rows // self._batch_size), "shuffle": False}

    def _validated_on(self, part: Any) -> dict[str, Any]:
        if isinstance(part, Stream):
            return {"validation_data": part.for_fit(), "validation_steps": part.steps}
        columns = columns_of(part.x, part.y, part.weights)
        return {"validation_data": columns, "validation_batch_size": rows_at_once(part.x, self._batch_size)}


class _SeedsOrder(keras.callbacks.Callback):  # type: ignore[misc]
    """Lets the order of an epoch's batches, where it is drawn, depend on the seed and the epoch alone."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Seed what the order is drawn from."""
        seed_order(self._seed, epoch)


@contextmanager
def _ends_watched(name: str, *parts: Any) -> Iterator[None]:
    """Take Keras's warning that batches ran out for an error, except where that is how an epoch ends."""
    ends_by_itself = any(isinstance(part, Stream) and part.batches is None for part in parts)
    with warnings.catch_warnings():
        action: Any = "ignore" if ends_by_itself else "error"
        warnings.filterwarnings(action, message="Your input ran out of data", category=UserWarning)
        try:
            yield
        except UserWarning as low:
            raise Exhausted(f"{name}: a stream ended before the steps that were given with it") from low
