"""Chooses how rows are fed to a model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.models import Arrays
from hptune.models.backend import uses_tensorflow
from hptune.train.feeds import Feed, GeneratorFeed

__all__ = ["choose_feed"]


def choose_feed(model: Any, arrays: Arrays, weights: NDArray[np.float32] | None, batch_size: int) -> Feed:
    """Return the fastest way that trains this model as Keras's fit would.

    `weights` are those of the rows in the loss; None where all count alike.
    """
    if uses_tensorflow():
        # The one place that takes a fast path of TensorFlow's.
        from hptune.train.tensorflow_feeds import choose_tensorflow_feed

        return choose_tensorflow_feed(model, arrays, weights, batch_size)
    return GeneratorFeed(model, arrays, weights, batch_size)
