"""Plain arrays as inputs: numbers in float32, checked, images from 0 to 1."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune._text import counted
from hptune.data.kinds import SourceKind
from hptune.data.on_disk import take_rows
from hptune.data.raw import Raw, is_table, refuse_streams
from hptune.data.structure import is_structure, leaves
from hptune.errors import DataError

__all__ = ["IMAGE_SCALE", "as_inputs", "check_plain", "is_bytes", "shaped"]

IMAGE_SCALE = 255.0
"""What bytes of images are divided by."""
_ROWS = 1 << 16
"""Rows that are looked at together."""


def is_bytes(x: Any) -> bool:
    """Return whether these are images of bytes: uint8, shape (rows, height, width[, channels])."""
    return not is_table(x) and x.dtype == np.uint8 and x.ndim >= 3


def check_plain(raw: Raw) -> None:
    """Raise `DataError` for what only a model of one's own can learn: several inputs, weights, batches …"""
    given = raw.given
    refuse_streams(
        raw,
        "no built-in recipe learns from them",
        "Give a model of your own: --model FILE.py:build. Recipes take (x, y).",
    )
    if given is None or given.is_plain:
        return
    inputs = len(leaves(given.x))
    targets = len(leaves(given.y))
    has = ""
    if is_structure(given.x):
        has = f"{counted(inputs, 'input')} for each row"
    elif targets != 1 or is_structure(given.y):
        has = f"{counted(targets, 'target')} for each row" if targets else "inputs alone, without targets"
    elif given.weights is not None:
        has = "a weight for each row"
    if has:
        raise DataError(
            f"{raw.name}: has {has}, which no built-in recipe learns from",
            hint="Give a model of your own: --model FILE.py:build. Recipes take (x, y).",
        )


def shaped(raw: Raw, *, as_images: bool) -> Raw:
    """Return the source with rows of shape (height, width, channels), if that is asked for.

    Rows of shape (height, width) get one channel, and bundled digits are 8 × 8. Raises `DataError` for rows
    that are no images.
    """
    if not as_images:
        return raw
    if is_table(raw.x):
        raise DataError(f"{raw.name}: is a table, and its rows are no images")
    x = np.asarray(raw.x)
    if raw.kind is SourceKind.BUNDLED and raw.name == "digits":
        x = x.reshape(-1, 8, 8, 1)
    elif x.ndim == 3:
        x = x[..., None]
    elif x.ndim != 4:
        raise DataError(
            f"{raw.name}: rows of shape {x.shape[1:]} are no images",
            hint="Images have the shape (height, width) or (height, width, channels).",
        )
    return replace(raw, x=x)


def as_inputs(raw: Raw, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return these rows of an array, float32, shape (rows, *features); images of bytes from 0 to 1.

    Raises `DataError` for values that are no finite numbers in float32, naming row and column.
    """
    x = np.asarray(raw.x)
    x = x[:, None] if x.ndim == 1 else x
    if is_bytes(x):
        return take_rows(x, rows, np.float32, scale=IMAGE_SCALE)
    if x.dtype.kind not in "biuf":
        x = _numbers(raw, x)
    if 0 in x.shape[1:]:
        raise DataError(f"{raw.name}: rows of shape {x.shape[1:]} hold nothing to learn from")
    with np.errstate(over="ignore"):
        made = take_rows(x, rows, np.float32)
    if not _all_finite(made):
        wrong = np.argwhere(~np.isfinite(made))
        first = min((int(rows[place[0]]), *map(int, place[1:])) for place in wrong)
        column = str(first[1]) if len(first) == 2 else str(first[1:])
        raise DataError(
            f"{raw.name}: {raw.where([first[0]])}, column {column}: {x[first]} can't be learned from",
            hint="Replace missing and infinite values; in a table, a CSV file or a DataFrame, missing values "
            "are filled in.",
        )
    return made


def _all_finite(x: NDArray[np.float32]) -> bool:
    return all(np.isfinite(x[start : start + _ROWS]).all() for start in range(0, len(x), _ROWS))


def _numbers(raw: Raw, x: NDArray[Any]) -> NDArray[np.float64]:
    try:
        if x.dtype.kind != "c":
            return x.astype(np.float64)
    except (TypeError, ValueError):
        pass
    raise DataError(
        f"{raw.name}: the inputs hold {_spoken(x)}, not numbers",
        hint="Arrays hold numbers; text belongs in a pandas DataFrame.",
    )


def _spoken(x: NDArray[Any]) -> str:
    if x.dtype.kind == "c":
        return "complex numbers"
    return (
        "text"
        if x.dtype.kind in "US" or isinstance(x.flat[0], str)
        else f"{type(x.flat[0]).__name__} objects"
    )
