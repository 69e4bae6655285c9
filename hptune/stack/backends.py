"""What trains stacks on each backend."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from hptune.models.backend import keras

if TYPE_CHECKING:
    from hptune.stack.graph import StackGraph

__all__ = ["graph_class"]

_GRAPHS = {
    "tensorflow": ("hptune.stack.tensorflow_graph", "TensorFlowGraph"),
    "jax": ("hptune.stack.jax_graph", "JaxGraph"),
    "torch": ("hptune.stack.torch_graph", "TorchGraph"),
}


def graph_class() -> type[StackGraph]:
    """Return the class that trains stacks on this backend."""
    module, name = _GRAPHS[keras.backend.backend()]
    found: Any = getattr(importlib.import_module(module), name)
    return found  # type: ignore[no-any-return]
