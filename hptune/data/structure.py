"""Rows as Keras's fit takes them, an array or a dict, list or tuple of arrays: exported scripts copy it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Given", "as_array", "count_rows", "is_structure", "leaves", "map_leaves"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Given:
    """Rows as a user's data has them: nothing scaled, coded or flattened."""

    x: Any
    """Inputs: an array of shape (rows, …), or a structure of such arrays."""
    y: Any = None
    """Targets, likewise; None where a model learns from inputs alone."""
    weights: Any = None
    """How much each row counts in the loss, likewise; None where all count alike."""

    def take(self, rows: Any) -> Given:
        """Return these rows, given by their places or as a slice."""
        parts = {
            name: map_leaves(lambda leaf: leaf[rows], getattr(self, name)) for name in ("x", "y", "weights")
        }
        return Given(**parts)


def is_structure(tree: Any) -> bool:
    """Return whether this is a dict, list or tuple of arrays, not one array."""
    return isinstance(tree, Mapping | list | tuple)


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return the same structure with `function` of each array; None stays None."""
    if tree is None:
        return None
    if isinstance(tree, Mapping):
        return {key: map_leaves(function, part) for key, part in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)([map_leaves(function, part) for part in tree])
    return function(tree)


def leaves(tree: Any) -> list[Any]:
    """Return the arrays of a structure, in its order."""
    found: list[Any] = []
    map_leaves(found.append, tree)
    return found


def count_rows(tree: Any) -> int:
    """Return how many rows its first array has."""
    return len(leaves(tree)[0])


def as_array(leaf: Any) -> Any:
    """Return a NumPy array; of a pandas Series one column, as Keras has it."""
    array = np.asarray(leaf)
    series = type(leaf).__module__.partition(".")[0] == "pandas" and array.ndim == 1
    return array[:, None] if series else array
