"""Rows as Keras's fit takes them, an array or a dict, list or tuple of arrays: exported scripts copy it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Given", "as_array", "as_tuples", "count_rows", "is_structure", "leaves", "map_leaves", "parts_of"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Given:
    """Rows as a user's data has them: nothing scaled, coded or flattened."""

    x: Any
    """Inputs: an array of shape (rows, …), or a structure of such arrays."""
    y: Any = None
    """Targets, likewise; None where a model learns from inputs alone."""
    weights: Any = None
    """How much each row counts in the loss, likewise; None where all count alike."""

    @staticmethod
    def of(x: Any, y: Any = None, weights: Any = None) -> Given:
        """Return the same as NumPy arrays; a list with one array for each row is one array."""
        x = x if y is None or is_structure(y) else _one_array(x, len(y))
        y, weights = (tree if tree is None else _one_array(tree, count_rows(x)) for tree in (y, weights))
        return Given(
            x=map_leaves(as_array, x), y=map_leaves(as_array, y), weights=map_leaves(as_array, weights)
        )

    def take(self, rows: Any) -> Given:
        """Return these rows, given by their places or as a slice."""
        return Given(
            x=map_leaves(lambda leaf: leaf[rows], self.x),
            y=map_leaves(lambda leaf: leaf[rows], self.y),
            weights=map_leaves(lambda leaf: leaf[rows], self.weights),
        )

    @property
    def is_plain(self) -> bool:
        """Whether it is a table, or one array of numbers, with a target for each row, and no weights."""
        arrays = not is_structure(self.x) and self.y is not None and not is_structure(self.y)
        text = arrays and getattr(getattr(self.x, "dtype", None), "kind", "") in ("O", "U", "S")
        return arrays and not text and self.weights is None


def is_structure(tree: Any) -> bool:
    """Return whether this is a dict of arrays, or a list or tuple of them, and not one array."""
    if isinstance(tree, list | tuple):
        return len(tree) > 0 and all(is_structure(part) or _has_rows(part) for part in tree)
    return isinstance(tree, Mapping)


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


def as_tuples(tree: Any) -> Any:
    """Return the same structure with tuples for lists, as Keras's fit hands them to a model."""
    if isinstance(tree, Mapping):
        return {key: as_tuples(part) for key, part in tree.items()}
    return tuple(as_tuples(part) for part in tree) if isinstance(tree, list | tuple) else tree


def count_rows(tree: Any) -> int:
    """Return how many rows its first array has."""
    return int(leaves(tree)[0].shape[0])


def as_array(leaf: Any) -> Any:
    """Return a NumPy array; of a pandas Series one column, as Keras has it."""
    array = np.asarray(leaf)
    series = type(leaf).__module__.partition(".")[0] == "pandas" and array.ndim == 1
    return array[:, None] if series else array


def parts_of(made: Any) -> list[tuple[Any, ...]]:
    """Return training rows, and validation rows where they come too, each as (x[, y[, weights]]).

    `made` is x, (x, y), (x, y, weights), (x_train, y_train, x_val, y_val), or two tuples of rows. Empty for
    anything else.
    """
    if _has_rows(made) or isinstance(made, Mapping):
        return [(made,)]
    if not isinstance(made, list | tuple):
        return []
    if len(made) == 2 and all(isinstance(part, tuple) for part in made):
        return list(made) if all(1 <= len(part) <= 3 for part in made) else []
    if len(made) == 4 and isinstance(made, tuple):
        return [(made[0], made[1]), (made[2], made[3])]
    return [tuple(made)] if len(made) == 2 or (len(made) in (1, 3) and isinstance(made, tuple)) else []


def _one_array(tree: Any, rows: int) -> Any:
    """Return a list of values, or of one array for each row, as one array; anything else as it is."""
    is_list = isinstance(tree, list | tuple) and (len(tree) == rows or not is_structure(tree))
    return np.asarray(tree) if is_list else tree


def _has_rows(leaf: Any) -> bool:
    return len(getattr(leaf, "shape", ())) > 0
