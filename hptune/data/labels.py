"""Targets as numbers, and labels as class codes: exported scripts hold a copy of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["class_codes", "distinct_labels", "is_known", "plain_values"]


def is_known(y: Any) -> NDArray[np.bool_]:
    """Return, for each value of a column, whether it is there: no empty text, no number beyond float32."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(y.dtype) and not pd.api.types.is_complex_dtype(y.dtype):
        numbers = y.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.asarray(np.abs(numbers) <= np.finfo(np.float32).max)
    known = y.notna().to_numpy(dtype=bool)
    found = pd.api.types.infer_dtype(y, skipna=True)
    if found == "string":
        known = known & (y != "").to_numpy(dtype=bool, na_value=False)
    elif found.startswith("mixed"):
        known = known & np.array([not isinstance(value, str) or value != "" for value in y], dtype=bool)
    return np.asarray(known)


def plain_values(y: Any) -> NDArray[Any]:
    """Return targets as numbers, true and false, or text; one column becomes flat.

    They are an array or a pandas Series. Raises TypeError with what they hold where it is none of these.
    """
    if isinstance(y, np.ndarray):
        y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
        if y.dtype.kind in "biuf":
            return np.asarray(y)
    import pandas as pd

    y = pd.Series(y.astype(object)) if isinstance(y, np.ndarray) else y
    if isinstance(y.dtype, pd.CategoricalDtype):
        y = y.astype(y.cat.categories.dtype)
    found = pd.api.types.infer_dtype(y, skipna=True)
    if found == "boolean":
        return np.asarray(y.to_numpy(dtype=bool))
    if found == "integer":
        return np.asarray(y.to_numpy(dtype=np.int64))
    if found in ("floating", "mixed-integer-float", "decimal"):
        return np.asarray(y.to_numpy(dtype=np.float64))
    if found in ("string", "mixed", "mixed-integer"):
        return np.asarray(y.astype(str).to_numpy(dtype=object))
    if found == "bytes":
        return np.asarray(y.map(bytes.decode).to_numpy(dtype=object))
    raise TypeError(found)


def class_codes(values: NDArray[Any], classes: Sequence[Any]) -> NDArray[np.int32]:
    """Return the place among the classes of each row's label, or of the 1 in its columns."""
    if values.ndim > 1:
        return np.asarray(values.argmax(axis=1), dtype=np.int32)
    own, labels = distinct_labels(values)
    return np.array([classes.index(label) for label in labels], dtype=np.int32)[own]


def distinct_labels(values: NDArray[Any]) -> tuple[NDArray[np.int32], tuple[Any, ...]]:
    """Return the place of each value among the distinct ones, and these, sorted, as Python values."""
    if values.dtype == object:
        import pandas as pd

        found, labels = pd.factorize(values, sort=True)
        return found.astype(np.int32), tuple(str(label) for label in labels)
    if values.dtype.kind == "f" and np.all(values == np.floor(values)):
        values = values.astype(np.int64)
    distinct, codes = np.unique(values, return_inverse=True)
    return codes.reshape(-1).astype(np.int32), tuple(label.item() for label in distinct)
