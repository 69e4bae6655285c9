"""Chooses how rows are fed to a model: the one place that takes a fast path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.data.on_disk import fits_memory
from hptune.data.structure import leaves
from hptune.models.backend import keras
from hptune.models.model import Arrays, Streamed
from hptune.training.feeds import Feed, GeneratorFeed
from hptune.training.numpy_feed import choose_dense_feed
from hptune.training.stream_feed import StreamFeed

__all__ = ["choose_feed"]


def choose_feed(
    model: Any,
    arrays: Arrays,
    weights: NDArray[np.float32] | None,
    batch_size: int,
    *,
    numpy_path: bool = True,
    callbacks: Sequence[Any] | None = None,
) -> Feed:
    """Return the fastest way that trains this model as Keras's fit would.

    `weights` are those of the rows in the loss; None where all count alike. `numpy_path` False leaves
    the model to Keras, whatever NumPy can train. With `callbacks` of the user's, Keras's own fit takes
    the steps and validates, and calls them.
    """
    if isinstance(arrays, Streamed):
        return StreamFeed(model, arrays, batch_size, callbacks or ())
    dense = (
        choose_dense_feed(model, arrays, weights, batch_size) if numpy_path and callbacks is None else None
    )
    if dense is not None:
        return dense
    size = sum(array.nbytes for array in leaves((arrays.x, arrays.y)))
    if keras.backend.backend() == "tensorflow" and fits_memory(size):
        from hptune.training.tensorflow_feeds import choose_tensorflow_feed

        return choose_tensorflow_feed(model, arrays, weights, batch_size, callbacks)
    return GeneratorFeed(model, arrays, weights, batch_size, callbacks or ())
