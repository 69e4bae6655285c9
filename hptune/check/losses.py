"""The loss of a model on some rows, with its penalties and without."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.models.backend import keras

__all__ = ["compute_loss", "pick_rows"]


def compute_loss(model: Any, x: Any, y: Any, *, training: bool, penalties: bool = True) -> Any:
    """Return the loss that the model was compiled with, as a scalar tensor.

    Penalties are what layers add to it: L1 and L2 of their weights, and whatever calls add_loss.
    """
    predicted = model(x, training=training)
    loss = model.compute_loss(x=x, y=y, y_pred=predicted, training=training)
    if penalties:
        return loss
    for penalty in model.losses:
        loss = loss - keras.ops.cast(penalty, loss.dtype)
    return loss


def pick_rows(y: NDArray[Any], count: int, seed: int) -> NDArray[np.int64]:
    """Return the numbers of `count` rows, or of all: each class in turn, where there are classes."""
    order = np.random.default_rng(seed).permutation(len(y))
    if y.ndim == 1 and np.issubdtype(y.dtype, np.integer):
        shuffled = y[order]
        # How many of its class come before a row: all first ones, then all second ones.
        turn = np.empty(len(y), dtype=np.int64)
        for label in np.unique(shuffled):
            places = np.flatnonzero(shuffled == label)
            turn[places] = np.arange(len(places))
        order = order[np.argsort(turn, kind="stable")]
    return np.asarray(order[:count], dtype=np.int64)
