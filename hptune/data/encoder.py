"""How the rows of a table become numbers, as constants that any program can apply.

The whole arithmetic, in the order of `columns`; a program in another language, or a stack of stock Keras
layers, repeats it from a `TableEncoder`'s columns:

- A numeric column is its value as a number (False is 0, True is 1), `fill` where it is missing; where
  `indicator` holds, a second feature follows: 1 where it is missing, else 0.
- A categorical column is one feature per level: 1 where the value is that level, else 0. A missing value,
  or an empty text, is the level "", which is there only if the training rows had missing values. Where
  `other` holds, a feature stands before those of the levels: 1 for a value that is none of them. Where it
  does not hold, such a value is 0 in all features. (This is `keras.layers.StringLookup(vocabulary=levels,
  output_mode="one_hot")`, without its first feature where `other` does not hold.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hptune.data.raw import row_names
from hptune.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "MISSING",
    "CategoricalColumn",
    "Column",
    "DroppedColumn",
    "NumericColumn",
    "TableEncoder",
    "as_numbers",
    "as_texts",
]

MISSING = ""
"""The level that a missing value is."""

Where = Callable[[Sequence[int]], str]


@dataclass(frozen=True, kw_only=True)
class NumericColumn:
    """A column of numbers, or of true and false."""

    name: str
    fill: float
    """What stands for a missing value: the median of the training rows."""
    indicator: bool = False
    """Whether a second feature says where the value is missing."""

    def __post_init__(self) -> None:
        if not math.isfinite(self.fill):
            raise DataError(f"column {self.name!r}: missing values can't become {self.fill}")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of its features, in order."""
        return (self.name, f"{self.name} is missing") if self.indicator else (self.name,)

    def write(self, column: pd.Series[Any], out: NDArray[np.float32], where: Where) -> None:
        """Write the features of a column to `out`, float32, shape (rows, features)."""
        numbers = as_numbers(column, where)
        missing = np.isnan(numbers)
        out[:, 0] = np.where(missing, self.fill, numbers)
        if self.indicator:
            out[:, 1] = missing


@dataclass(frozen=True, kw_only=True)
class CategoricalColumn:
    """A column of levels, one feature each."""

    name: str
    levels: tuple[str, ...]
    """What the training rows had, sorted; "" stands for a missing value."""
    other: bool = False
    """Whether a first feature stands for every value that is no level."""

    def __post_init__(self) -> None:
        if len(set(self.levels)) != len(self.levels):
            raise DataError(f"column {self.name!r}: a level stands twice")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of its features, in order."""
        other = (f"{self.name} is another",) if self.other else ()
        named = (f"{self.name}={level}" if level else f"{self.name} is missing" for level in self.levels)
        return (*other, *named)

    def write(self, column: pd.Series[Any], out: NDArray[np.float32], where: Where) -> None:
        """Write the features of a column to `out`, float32, shape (rows, features)."""
        import pandas as pd

        first = 1 if self.other else 0
        unknown = 0 if self.other else -1
        place = {level: first + i for i, level in enumerate(self.levels)}
        codes, values = pd.factorize(as_texts(column))
        # A missing value has the code -1 and so takes the last of these places.
        places = np.array([place.get(str(v), unknown) for v in values] + [place.get(MISSING, unknown)])
        feature = places[codes]
        out[:] = 0
        rows = np.flatnonzero(feature >= 0)
        out[rows, feature[rows]] = 1


Column = NumericColumn | CategoricalColumn


@dataclass(frozen=True, kw_only=True)
class DroppedColumn:
    """A column that nothing is learned from."""

    name: str
    reason: str
    """Why, after the name: "is always 3"."""


@dataclass(frozen=True, kw_only=True)
class TableEncoder:
    """How raw table rows become features, learned on training rows alone (`columns.learn_encoder`)."""

    columns: tuple[Column, ...]
    """Columns that features are made of, in the order of the table."""
    dropped: tuple[DroppedColumn, ...] = ()
    """Columns that are not used."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Name of each feature, in order."""
        return tuple(name for column in self.columns for name in column.feature_names)

    def encode(self, frame: pd.DataFrame, *, where: Where = row_names) -> NDArray[np.float32]:
        """Return the features of these rows, float32, shape (rows, features).

        Columns are found by name; others than those of `columns` are not looked at. `where` names rows in
        messages. Raises `DataError` for a missing column, and for text or infinity where a number is due.
        """
        names = {str(name): i for i, name in enumerate(frame.columns)}
        missing = [column.name for column in self.columns if column.name not in names]
        if missing:
            raise DataError(
                f"the table has no column {', '.join(map(repr, missing))}",
                hint=did_you_mean(missing[0], names),
            )
        out = np.empty((len(frame), len(self.feature_names)), dtype=np.float32)
        at = 0
        for column in self.columns:
            width = len(column.feature_names)
            column.write(frame.iloc[:, names[column.name]], out[:, at : at + width], where)
            at += width
        return out


def as_numbers(column: pd.Series[Any], where: Where = row_names) -> NDArray[np.float64]:
    """Return a column as numbers, NaN where it is missing; shape (rows,).

    Raises `DataError` for a value that is no number or that float32 can't hold.
    """
    import pandas as pd

    types = pd.api.types
    if types.is_numeric_dtype(column.dtype) and not types.is_complex_dtype(column.dtype):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        plain = column.astype(object).where(column.notna(), None)
        is_time = types.infer_dtype(plain, skipna=True).startswith(("date", "time"))
        parsed = pd.to_numeric(plain, errors="coerce") if not is_time else plain.map(lambda _: None)
        numbers = parsed.to_numpy(dtype=np.float64, na_value=np.nan)
        wrong = np.flatnonzero(np.isnan(numbers) & column.notna().to_numpy() & (plain != "").to_numpy())
        if len(wrong):
            value = plain.iloc[int(wrong[0])]
            raise DataError(
                f"column {column.name!r} holds numbers, but {where([int(wrong[0])])} has {value!r}"
            )
    largest = float(np.finfo(np.float32).max)
    wrong = np.flatnonzero(np.abs(numbers) > largest)
    if len(wrong):
        value = float(numbers[wrong[0]])
        raise DataError(
            f"column {column.name!r}: {where([int(wrong[0])])} has {value:g}, which can't be learned from",
            hint="Leave the value empty if it is missing.",
        )
    return numbers


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
