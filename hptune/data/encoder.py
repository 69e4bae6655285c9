"""How the rows of a table become numbers, as constants that any program can apply.

The whole arithmetic, in the order of `columns`; a program in another language, or a stack of stock Keras
layers, repeats it from a `TableEncoder`'s columns:

- A numeric column is its value as a number (False is 0, True is 1), `fill` where it is missing or float32
  can't hold it; where
  `indicator` holds, a second feature follows: 1 where it is missing, else 0.
- A date column is one feature for each of its `parts` (`dates.date_numbers`), of which `days` are counted
  from `first`, and `fills` where it is missing; where `indicator` holds, one more says that.
- A categorical column is one feature per level: 1 where the value is that level, else 0. A missing value,
  or an empty text, is the level "", which is there only if the training rows had missing values. Where
  `other` holds, a feature stands before those of the levels: 1 for a value that is none of them. Where it
  does not hold, such a value is 0 in all features. (This is `keras.layers.StringLookup(vocabulary=levels,
  output_mode="one_hot")`, without its first feature where `other` does not hold.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hptune.data.encoding import MISSING, encode_columns, is_plain_number, plain_numbers
from hptune.data.raw import row_names
from hptune.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "MISSING",
    "CategoricalColumn",
    "Column",
    "DateColumn",
    "DroppedColumn",
    "NumericColumn",
    "TableEncoder",
    "as_numbers",
]

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


@dataclass(frozen=True, kw_only=True)
class DateColumn:
    """A column of dates, a feature for each of their parts that varies."""

    name: str
    order: str
    """In which order text has them: ymd, dmy or mdy; "" for dates that are no text."""
    first: float
    """The earliest training date, in days since 1970, which `days` are counted from."""
    parts: tuple[str, ...]
    """Some of year, month, weekday, hour and days."""
    fills: tuple[float, ...]
    """What stands for each part of a missing date: the median of the training rows."""
    indicator: bool = False
    """Whether a last feature says where the date is missing."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of its features, in order."""
        parts = tuple(f"{self.name}: {part}" for part in self.parts)
        return (*parts, f"{self.name} is missing") if self.indicator else parts


Column = NumericColumn | CategoricalColumn | DateColumn


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
        messages. Raises `DataError` for a missing column, and for text where a number is due.
        """
        frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
        missing = [column.name for column in self.columns if column.name not in frame.columns]
        if missing:
            raise DataError(
                f"the table has no column {', '.join(map(repr, missing))}",
                hint=did_you_mean(missing[0], frame.columns),
            )
        # Columns that hold numbers alone need no second look, which would double the time of wide tables.
        doubtful = {name for name, dtype in frame.dtypes.items() if not is_plain_number(dtype)}
        for column in self.columns:
            if isinstance(column, NumericColumn) and column.name in doubtful:
                as_numbers(frame[column.name], where)
        return encode_columns(frame, self.as_dicts)

    @property
    def as_dicts(self) -> tuple[dict[str, Any], ...]:
        """The columns as plain data, for `encode_columns`."""
        return tuple(asdict(column) for column in self.columns)


def as_numbers(column: pd.Series[Any], where: Where = row_names) -> NDArray[np.float64]:
    """Return a column as numbers, NaN where it is missing or beyond float32; shape (rows,).

    Raises `DataError` for a value that is no number.
    """
    numbers = plain_numbers(column)
    if not is_plain_number(column.dtype):
        plain = column.astype(object).where(column.notna(), None)
        wrong = np.flatnonzero(np.isnan(numbers) & column.notna().to_numpy() & (plain != "").to_numpy())
        # What is beyond float32 is a number all the same.
        texts = [int(row) for row in wrong if not isinstance(plain.iloc[int(row)], int | float | np.number)]
        if texts:
            value = plain.iloc[texts[0]]
            raise DataError(f"column {column.name!r} holds numbers, but {where(texts[:1])} has {value!r}")
    return numbers
