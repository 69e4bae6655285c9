"""The arithmetic by which columns become features: exported scripts hold a copy of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hptune.data.dates import date_numbers

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MISSING", "as_texts", "encode_columns", "is_plain_number", "plain_numbers"]

MISSING = ""
"""The level that a missing value is."""


def encode_columns(frame: pd.DataFrame, columns: Sequence[Mapping[str, Any]]) -> NDArray[np.float32]:
    """Return the features of the rows of a table, float32, shape (rows, features).

    A column of numbers has a `fill` for missing values, and with `indicator` a second feature that is 1
    where they are missing. A column of dates has a feature for each of its `parts`, of which it has `fills`
    likewise; its `days` are those since `first`. Any other has a feature for each of its `levels`, after one,
    with `other`, for every value that is no level.
    """
    widths = [width_of(column) for column in columns]
    out = np.zeros((len(frame), sum(widths)), dtype=np.float32)
    at = 0
    for column, width in zip(columns, widths, strict=True):
        features, values = out[:, at : at + width], frame[column["name"]]
        if "fill" in column:
            numbers = plain_numbers(values)
            missing = np.isnan(numbers)
            features[:, 0] = np.where(missing, column["fill"], numbers)
            features[:, 1:] = missing[:, None]
        elif "parts" in column:
            write_dates(values, features, column)
        else:
            mark_levels(values, features, column["levels"], other=column["other"])
        at += width
    return out


def width_of(column: Mapping[str, Any]) -> int:
    """Return how many features a column has."""
    if "parts" in column:
        return len(column["parts"]) + int(column["indicator"])
    return 1 + int(column["indicator"]) if "fill" in column else int(column["other"]) + len(column["levels"])


def write_dates(values: pd.Series[Any], features: NDArray[np.float32], column: Mapping[str, Any]) -> None:
    """Write the parts of dates, and whether they are missing; `features` has the shape (rows, features)."""
    numbers = date_numbers(values, column["order"])
    for place, (part, fill) in enumerate(zip(column["parts"], column["fills"], strict=True)):
        number = numbers[part] - column["first"] if part == "days" else numbers[part]
        features[:, place] = np.where(np.isnan(number), fill, number)
    features[:, len(column["parts"]) :] = np.isnan(numbers["days"])[:, None]


def plain_numbers(column: pd.Series[Any]) -> NDArray[np.float64]:
    """Return a column as numbers, shape (rows,); NaN where it is missing, beyond float32, or no number."""
    import pandas as pd

    if not is_plain_number(column.dtype):
        types = pd.api.types
        plain = column.astype(object).where(column.notna(), None)
        is_time = types.infer_dtype(plain, skipna=True).startswith(("date", "time"))
        column = plain.map(lambda _: None) if is_time else pd.to_numeric(plain, errors="coerce")
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.abs(numbers) <= np.finfo(np.float32).max, numbers, np.nan)


def is_plain_number(dtype: Any) -> bool:
    """Return whether a column's type is one of numbers, or of true and false."""
    import pandas as pd

    types = pd.api.types
    return bool(types.is_numeric_dtype(dtype) and not types.is_complex_dtype(dtype))


def mark_levels(
    column: pd.Series[Any], features: NDArray[np.float32], levels: Sequence[str], *, other: bool
) -> None:
    """Write a 1 where a row has a level; `features` are zeros, shape (rows, features)."""
    import pandas as pd

    first, unknown = (1, 0) if other else (0, -1)
    place = {level: first + i for i, level in enumerate(levels)}
    codes, values = pd.factorize(as_texts(column))
    # A missing value has the code -1 and so takes the last of these places.
    places = np.array([place.get(str(v), unknown) for v in values] + [place.get(MISSING, unknown)])
    feature = places[codes]
    rows = np.flatnonzero(feature >= 0)
    features[rows, feature[rows]] = 1


def as_texts(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column as text, missing where it is missing or empty; whole numbers have no point."""
    import pandas as pd

    types = pd.api.types
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if types.is_float_dtype(column.dtype):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        known = numbers[~np.isnan(numbers)]
        if np.all(known == np.floor(known)) and np.all(np.abs(known) < 2**53):
            column = pd.Series(numbers, index=column.index).astype("Int64")
    texts = column.astype("string")
    return texts.mask(texts == MISSING)
