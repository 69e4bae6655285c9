"""What `tuner.search` is called with, as data of a search and as what is left for fit."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from hptune.data.stream import is_stream
from hptune.data.structure import count_rows, leaves
from hptune.errors import DataError, ModelError

__all__ = ["FitArguments"]

_FEW = 16
"""Rows that stand for data which a fit of its own brings."""
_OURS = ("epochs", "batch_size", "callbacks", "verbose")
_OF_DATA = ("x", "y", "sample_weight", "validation_data", "validation_split", "validation_steps")


@dataclass(frozen=True, kw_only=True, eq=False)
class FitArguments:
    """The arguments of a fit, sorted by who takes them."""

    data: Any
    """((x, y), (validation_x, validation_y)), with weights where there are some, or streams."""
    epochs: int | None = None
    batch_size: int | None = None
    callbacks: Callable[[], list[Any]] | None = None
    """Makes fresh copies of the callbacks; None for none."""
    quiet: bool = False
    """verbose=0 was given."""
    more: Mapping[str, Any]
    """Keywords that go to each fit as they are."""
    whole: tuple[tuple[Any, ...], Mapping[str, Any]] | None = None
    """All arguments as they came, where only a HyperModel's own fit knows what they are."""
    own: tuple[Any, ...] = ()
    """What is passed to each fit and decides what it trains: keywords, and callbacks that are not Keras's."""
    held_out: bool = True
    """Whether validation rows came; False where training rows take their place."""

    @classmethod
    def of(cls, args: tuple[Any, ...], keywords: Mapping[str, Any], *, own_fit: bool) -> FitArguments:
        """Sort the arguments of `search`, which are those of Keras's fit or of a HyperModel's own.

        Raises TypeError for what Keras's fit does not take, DataError where there is nothing to learn from.
        """
        given = dict(keywords)
        if own_fit and not _is_standard(args, given):
            return cls._of_own(args, given)
        given = _by_name(args, given)
        unknown = [name for name in given if name not in _FIT and not own_fit]
        if unknown:
            raise TypeError(f"search() got {unknown[0]!r}, which model.fit does not take")
        data, held_out = _data(given)
        # Keras's own defaults say nothing.
        rest = {
            name: value
            for name, value in given.items()
            if name not in (*_OURS, *_OF_DATA) and not (name in _FIT and _same(value, _FIT[name]))
        }
        own = ((rest,) if rest else ()) + _own_callbacks(given)
        return cls(data=data, more=rest, own=own, held_out=held_out, **_ours(given))

    @classmethod
    def _of_own(cls, args: tuple[Any, ...], given: dict[str, Any]) -> FitArguments:
        """Leave everything to a fit that knows what it is; the data stand for themselves by their form."""
        rest = {name: value for name, value in given.items() if name not in _OURS}
        arrays = [leaf for leaf in leaves([*args, *rest.values()]) if len(getattr(leaf, "shape", ()))]
        rows = np.asarray(arrays[0]) if arrays else np.zeros((_FEW, 1), np.float32)
        own = (rest, *_own_callbacks(given))
        return cls(data=((rows,), (rows,)), more={}, whole=(args, rest), own=own, **_ours(given))


def _fit_defaults() -> dict[str, Any]:
    parameters = list(inspect.signature(keras.Model.fit).parameters.values())[1:]
    return {p.name: p.default for p in parameters}


_FIT = _fit_defaults()
"""Arguments of Keras's fit, in their order, with their defaults."""


def _same(value: Any, default: Any) -> bool:
    return value is default or (isinstance(value, bool | int | str) and value == default)


def _is_standard(args: Sequence[Any], given: Mapping[str, Any]) -> bool:
    """Return whether these are x, y and validation, as Keras's fit takes them."""
    has_data = bool(args) or given.get("x") is not None
    held_out = given.get("validation_data") is not None or given.get("validation_split")
    return has_data and len(args) <= 2 and bool(held_out)


def _by_name(args: tuple[Any, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    names = list(_FIT)
    if len(args) > len(names):
        raise TypeError(f"search() takes at most {len(names)} positional arguments, as model.fit does")
    named = dict(zip(names, args, strict=False))
    twice = named.keys() & given.keys()
    if twice:
        raise TypeError(f"search() got multiple values for argument {sorted(twice)[0]!r}")
    return {**named, **given}


def _ours(given: Mapping[str, Any]) -> dict[str, Any]:
    epochs, size = given.get("epochs"), given.get("batch_size")
    for name, number in (("epochs", epochs), ("batch_size", size)):
        if number is not None and (isinstance(number, bool) or number != int(number) or number < 1):
            raise ValueError(f"{name}: {number!r} is no number of at least 1")
    return {
        "epochs": None if epochs is None else int(epochs),
        "batch_size": None if size is None else int(size),
        "callbacks": _copies(given.get("callbacks")),
        "quiet": given.get("verbose") in (0, "0", False),
    }


def _listed(callbacks: Any) -> list[Any]:
    return list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks] if callbacks else []


def _own_callbacks(given: Mapping[str, Any]) -> tuple[Any, ...]:
    found = _listed(given.get("callbacks"))
    return tuple(one for one in found if not type(one).__module__.startswith("keras."))


def _copies(callbacks: Any) -> Callable[[], list[Any]] | None:
    """Return what copies callbacks for each training, as Keras Tuner does; None for none."""
    given = _listed(callbacks)
    if not given:
        return None

    def make() -> list[Any]:
        try:
            return copy.deepcopy(given)
        except (TypeError, RecursionError, NotImplementedError) as error:
            raise ModelError(
                f"callbacks: {', '.join(type(one).__name__ for one in given)} can't be copied, and each"
                f" training needs its own: {error}",
                hint="Keep what can't be copied (locks, files, connections) out of __init__: open it in"
                " on_train_begin.",
            ) from error

    return make


def _data(given: Mapping[str, Any]) -> tuple[Any, bool]:
    """Return training and validation in one, and whether there was validation."""
    x, y, weights = (given.get(name) for name in ("x", "y", "sample_weight"))
    if x is None:
        raise DataError(
            "search() got no data", hint="Call it as you call model.fit: search(x, y, validation_data=…)."
        )
    held, share = given.get("validation_data"), float(given.get("validation_split") or 0.0)
    if is_stream(x):
        return _streams(x, held, share, given)
    rows = _parts(x, y, weights)
    if held is not None:
        steps = given.get("validation_steps")
        if is_stream(held):
            return (rows, held if steps is None else (held, steps)), True
        return (rows, tuple(held)), True
    if not share:
        return (rows, rows), False
    if not 0 < share < 1:
        raise DataError(f"validation_split: {share:g} is no share of the rows", hint="Give one like 0.2.")
    lengths = [(name, _count(tree)) for name, tree in (("x", x), ("y", y)) if tree is not None]
    if len({length for _, length in lengths}) > 1:
        raise DataError(
            "search() got " + " and ".join(f"{length} rows of {name}" for name, length in lengths)
        )
    # As Keras's fit parts them: the last rows, before anything is shuffled.
    at = math.floor(_count(x) * (1.0 - share))
    if not 0 < at < _count(x):
        raise DataError(f"validation_split: {share:g} of {_count(x)} rows leaves one part empty")
    return (_slice(rows, slice(at)), _slice(rows, slice(at, None))), True


def _streams(x: Any, held: Any, share: float, given: Mapping[str, Any]) -> tuple[Any, bool]:
    if share:
        raise DataError(
            "validation_split: batches can't be split by a share", hint="Give validation_data, as batches."
        )
    steps, held_steps = given.get("steps_per_epoch"), given.get("validation_steps")
    train = x if steps is None else (x, int(steps))
    if held is None:
        return (train, train), False
    if is_stream(held):
        return (train, held if held_steps is None else (held, int(held_steps))), True
    return (train, tuple(held)), True


def _parts(*parts: Any) -> tuple[Any, ...]:
    """Return (x, y, weights) without what is missing at its end."""
    found = list(parts)
    while found and found[-1] is None:
        found.pop()
    return tuple(found)


def _count(x: Any) -> int:
    return count_rows(x) if not isinstance(x, list) or hasattr(x[0], "shape") else len(x)


def _slice(tree: Any, rows: slice) -> Any:
    if isinstance(tree, Mapping):
        return {name: _slice(part, rows) for name, part in tree.items()}
    if isinstance(tree, tuple) or (isinstance(tree, list) and tree and hasattr(tree[0], "shape")):
        return type(tree)(_slice(part, rows) for part in tree)
    if tree is None:
        return None
    return tree.iloc[rows] if hasattr(tree, "iloc") else tree[rows]
