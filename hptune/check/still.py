"""Holds a model still: the same weights give the same loss, however often it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hptune.check.autodiff import to_array
from hptune.check.naming import all_layers

__all__ = ["Still", "without_augmentation"]


class Still:
    """What a model changes by being called, put back before each call.

    That is the state of random seeds, so that dropout draws the same mask again; moving averages
    of batch normalisation, which a call in training mode moves; and whatever else a layer keeps
    beside its weights.
    """

    def __init__(self, model: Any) -> None:
        self._state = [(v, to_array(v).copy()) for v in model.non_trainable_variables]
        self._weights = [(v, to_array(v).copy()) for v in model.trainable_variables]

    def hold(self) -> None:
        """Put back everything but the weights."""
        for variable, value in self._state:
            variable.assign(value)

    def restore(self) -> None:
        """Put back everything."""
        self.hold()
        for variable, value in self._weights:
            variable.assign(value)


@contextmanager
def without_augmentation(model: Any) -> Iterator[None]:
    """Let Keras's image augmentation pass rows on as they are. Some of it has no float64 at all."""
    home = "keras.src.layers.preprocessing.image_preprocessing."
    muted = [layer for layer in all_layers(model) if type(layer).__module__.startswith(home + "random_")]
    try:
        for layer in muted:
            # Past Keras's own __setattr__, which would take it for a part of the layer.
            vars(layer)["call"] = _as_it_is
        yield
    finally:
        for layer in muted:
            vars(layer).pop("call", None)


def _as_it_is(images: Any, training: bool = True) -> Any:
    return images
