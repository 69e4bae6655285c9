"""Looks into a model while it runs: what each layer is given and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from hptune.check.autodiff import is_concrete, to_array
from hptune.check.naming import all_layers
from hptune.models.backend import keras

__all__ = ["LayerCall", "watch_layers"]


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerCall:
    """A layer's first call."""

    layer: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    output: Any

    @property
    def array(self) -> NDArray[Any] | None:
        """The output, where it is one tensor."""
        return None if isinstance(self.output, list | tuple | dict) else to_array(self.output)


def watch_layers(model: Any, x: NDArray[Any], *, training: bool) -> dict[int, LayerCall]:
    """Call a model on `x` and return what each layer saw, by the layer's id, in order of their ends.

    Layers whose values only exist inside a loop of the backend's, such as a recurrent cell, are
    left out.
    """
    seen: dict[int, LayerCall] = {}
    with _watching(all_layers(model), seen):
        model(keras.ops.convert_to_tensor(x), training=training)
    return seen


@contextmanager
def _watching(layers: list[Any], seen: dict[int, LayerCall]) -> Iterator[None]:
    """Stand between each layer and its call."""
    before = {id(layer): vars(layer).get("call") for layer in layers}
    try:
        for layer in layers:
            # Past Keras's own __setattr__, which would take it for a part of the layer.
            vars(layer)["call"] = _recorded(layer, layer.call, seen)
        yield
    finally:
        for layer in layers:
            vars(layer).pop("call", None)
            if before[id(layer)] is not None:
                vars(layer)["call"] = before[id(layer)]


def _recorded(layer: Any, call: Callable[..., Any], seen: dict[int, LayerCall]) -> Callable[..., Any]:
    def recorded(*args: Any, **kwargs: Any) -> Any:
        output = call(*args, **kwargs)
        tensors = [t for t in keras.tree.flatten((args, kwargs, output)) if keras.ops.is_tensor(t)]
        if id(layer) not in seen and all(map(is_concrete, tensors)):
            seen[id(layer)] = LayerCall(layer=layer, args=args, kwargs=dict(kwargs), output=output)
        return output

    return recorded
