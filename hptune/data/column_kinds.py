"""What each column of a table is good for, learned from the training rows alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hptune._text import listed
from hptune.data.column_names import names_rows, names_things
from hptune.data.column_values import FEW
from hptune.data.dates import date_numbers, date_order, is_date
from hptune.data.encoder import (
    MISSING,
    CategoricalColumn,
    Column,
    DateColumn,
    DroppedColumn,
    NumericColumn,
    TableEncoder,
    Where,
    as_numbers,
)
from hptune.data.encoding import as_texts
from hptune.data.levels import chosen_levels
from hptune.data.parquet_rows import ParquetRows
from hptune.data.raw import Raw, is_table, row_names
from hptune.data.table_options import MOST_LEVELS
from hptune.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Columns", "learn_encoder", "number_columns"]

_ENOUGH = 10
"""Rows from which on a column of distinct values is taken for an identifier."""

_ROWS_PER_NAME = 10
"""Rows on average from which on each of many customers, or patients, can be told apart by what it does."""

_SCALARS = (str, bool, int, float, np.generic)


class Columns(Protocol):
    """A table, a column at a time: a DataFrame, or one that does not fit into memory."""

    def items(self) -> Iterable[tuple[Any, pd.Series[Any]]]:
        """Give the name and the values of each column."""
        ...


def number_columns(raw: Raw) -> dict[str, bool] | None:
    """Return of each column of a table, the target too, whether it holds numbers; None for arrays."""
    if not is_table(raw.x):
        return None
    names = raw.x.columns
    columns = {
        str(name): raw.x.column(name) if isinstance(raw.x, ParquetRows) else raw.x[name] for name in names
    }
    if raw.target and raw.y is not None and not isinstance(raw.y, np.ndarray):
        columns[raw.target] = raw.y
    return {name: _kind(column) == "number" for name, column in columns.items()}


def learn_encoder(
    frame: Columns, *, where: Where = row_names, levels: int | None = None
) -> tuple[TableEncoder, tuple[str, ...]]:
    """Learn from training rows how a table becomes features, and return what to say of it.

    The index holds the place of each row in the whole table; `where` names rows, given by their place in
    `frame`, in messages; `levels` is how many levels of a column have a feature of their own, None for as
    many as the rows teach (`levels.chosen_levels`).

    Dates become numbers. Columns are dropped that have no values, or always the same; that hold times, or
    neither numbers nor text; and, with 10 or more values, those that identify the row instead of telling
    anything about it: text of which at least 90 % of the values are distinct; whole numbers that number the
    rows of the table from 0 or 1; and distinct whole numbers in a column named like an identifier
    (`column_names.names_rows`). Whole numbers in a column named so (`column_names.names_things`) are text.

    Raises `DataError` where no column is left, and where `as_numbers` does.
    """
    columns: list[Column] = []
    dropped: list[DroppedColumn] = []
    notes: list[str] = []
    for label, column in frame.items():
        name = str(label)
        reason = _useless(column, where)
        if reason:
            dropped.append(DroppedColumn(name=name, reason=reason))
            notes.append(f"column {name!r} is not used: it {reason}")
            continue
        made, said = _learn(name, column, where, levels)
        columns.append(made)
        notes += [f"column {name!r}: {said}"] if said else []
    if not columns:
        raise DataError("no column is left to learn from", hint="; ".join(notes))
    return TableEncoder(columns=tuple(columns), dropped=tuple(dropped)), tuple(notes)


def _learn(name: str, column: pd.Series[Any], where: Where, levels: int | None) -> tuple[Column, str]:
    kind = _kind(column)
    if kind == "date":
        return _learn_dates(name, column)
    return _learn_numbers(name, column, where) if kind == "number" else _learn_levels(name, column, levels)


def _learn_dates(name: str, column: pd.Series[Any]) -> tuple[DateColumn, str]:
    order = date_order(column)
    numbers = date_numbers(column, order)
    first = float(np.nanmin(numbers["days"]))
    numbers["days"] = numbers["days"] - first
    varying = [part for part, number in numbers.items() if np.nanmin(number) < np.nanmax(number)]
    # Where all are of one day of the month, as of months or years, weekdays tell nothing.
    unused = {"day"} if "day" in varying else {"weekday"}
    parts = tuple(part for part in varying if part not in unused)
    fills = tuple(float(np.nanmedian(numbers[part])) for part in parts)
    unread = np.isnan(numbers["days"])
    missing = int(unread.sum())
    spoken = {"days": f"days since {np.datetime64(int(first), 'D')}"}
    said = f"dates become numbers: {listed([spoken.get(part, part) for part in parts])}"
    if order in ("dmy", "mdy") and not _has_month_names(column):
        said += f", read as {'day.month.year' if order == 'dmy' else 'month/day/year'}"
    if missing:
        wrong = int((unread & column.notna().to_numpy()).sum())
        odd = f", {wrong} of them no dates" if wrong else ""
        said += f"; {missing} of {len(column)} training values are missing{odd}; they become the medians"
    made = DateColumn(name=name, order=order, first=first, parts=parts, fills=fills, indicator=missing > 0)
    return made, said


def _has_month_names(column: pd.Series[Any]) -> bool:
    return bool(column.dropna().head(1).astype("string").str.contains("[A-Za-z]{3}").all())


def _learn_numbers(name: str, column: pd.Series[Any], where: Where) -> tuple[NumericColumn, str]:
    numbers = as_numbers(column, where)
    missing = int(np.isnan(numbers).sum())
    fill = float(np.nanmedian(numbers))
    said = f"{missing} of {len(numbers)} training values are missing; they become the median, {fill:g}"
    return NumericColumn(name=name, fill=fill, indicator=missing > 0), said if missing else ""


def _learn_levels(name: str, column: pd.Series[Any], most: int | None) -> tuple[CategoricalColumn, str]:
    texts = as_texts(column)
    counts = texts.value_counts()
    by_level = {str(level): int(n) for level, n in counts.items()}
    levels, other = chosen_levels(by_level, len(texts), most)
    many = len(levels) < len(counts)
    missing = int(texts.isna().sum())
    said = []
    if missing:
        levels.insert(0, MISSING)
        said.append(f"{missing} of {len(texts)} training values are missing, which is a level of its own")
    said += [other] if other else []
    share = _share_of_numbers(counts)
    if names_things(name) and share == 1:
        said.append(f"its numbers are names, of {len(counts)} in all, and no quantities")
    elif share >= 0.5 and (share < 1 or len(counts) > FEW):
        said.append(f"taken as text, though {share:.0%} of its values are numbers")
    return CategoricalColumn(name=name, levels=tuple(levels), other=many), "; ".join(said)


def _share_of_numbers(counts: pd.Series[int]) -> float:
    import pandas as pd

    parsed = pd.to_numeric(pd.Series(counts.index.astype(object)), errors="coerce")
    return float(counts.to_numpy(dtype=np.float64)[parsed.notna().to_numpy()].sum() / counts.sum())


def _kind(column: pd.Series[Any]) -> str:
    """Return number, text, date, time or other."""
    import pandas as pd

    types = pd.api.types
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "text"
    if types.is_complex_dtype(dtype):
        return "other"
    if types.is_numeric_dtype(dtype):
        return "text" if _are_names(column) else "number"
    found = types.infer_dtype(column, skipna=True)
    if found in ("boolean", "integer", "floating", "decimal", "mixed-integer-float"):
        return "number"
    if found.startswith("date"):
        return "date"
    if found.startswith(("time", "period")):
        return "time"
    if found in ("string", "mixed", "mixed-integer"):
        known = column.dropna()
        if found != "string" and not known.head(1000).map(lambda value: isinstance(value, _SCALARS)).all():
            return "other"
        some = as_texts(known.drop_duplicates().head(1000)).dropna()
        return "date" if is_date(some) else "text"
    return "other"


def _are_names(column: pd.Series[Any]) -> bool:
    """Return whether the numbers of a column are names, as those of customers are."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(column.dtype) or not names_things(str(column.name)):
        return False
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    known = numbers[~np.isnan(numbers)]
    return bool(len(known)) and bool(np.all(known == np.floor(known)))


def _useless(column: pd.Series[Any], where: Where) -> str:
    """Return why nothing can be learned from a column; "" where something can."""
    import pandas as pd

    if not column.notna().any():
        return "has no values in the training rows"
    kind = _kind(column)
    if kind == "other":
        return "holds neither numbers nor text"
    if kind == "time":
        return "holds times or durations: give what matters of them as numbers, such as the hour or seconds"
    if kind == "date":
        return _useless_dates(column)
    if kind == "number" or pd.api.types.is_numeric_dtype(column.dtype):
        reason = _useless_numbers(column, where)
        if reason or kind == "number":
            return reason
        reason, names = _useless_texts(as_texts(column)), column.nunique()
        if not reason and names > MOST_LEVELS and column.notna().sum() < _ROWS_PER_NAME * names:
            return f"names {names:,} of something, each in few rows"
    return _useless_texts(as_texts(column))


def _useless_dates(column: pd.Series[Any]) -> str:
    numbers = date_numbers(column, date_order(column))
    days = numbers["days"]
    if np.isnan(days).all():
        return "holds dates that can't be read"
    constant = np.nanmin(days) == np.nanmax(days) and np.nanmin(numbers["hour"]) == np.nanmax(numbers["hour"])
    return f"is always {np.datetime64(int(np.nanmin(days)), 'D')}" if constant else ""


def _useless_texts(texts: pd.Series[Any]) -> str:
    counts = texts.value_counts(dropna=False)
    known = int(texts.notna().sum())
    if len(counts) == 1:
        return f"is always {counts.index[0]}" if known else "has no values in the training rows"
    if known >= _ENOUGH and len(counts) - int(known < len(texts)) >= 0.9 * known:
        return "identifies the row: nearly every value is distinct"
    return ""


def _useless_numbers(column: pd.Series[Any], where: Where) -> str:
    numbers = as_numbers(column, where)
    if np.isnan(numbers).any():
        return ""
    if numbers.min() == numbers.max():
        return f"is always {column.iloc[0]}"
    if len(numbers) < _ENOUGH or np.any(numbers != np.floor(numbers)) or not column.is_unique:
        return ""
    if _numbers_the_rows(numbers, column.index.to_numpy()):
        return "numbers the rows"
    return "identifies the row: every value is distinct" if names_rows(str(column.name)) else ""


def _numbers_the_rows(numbers: NDArray[np.float64], places: NDArray[Any]) -> bool:
    if places.dtype.kind not in "iu":
        return False
    ahead = np.unique(numbers - places)
    return len(ahead) == 1 and float(ahead[0]) in (0.0, 1.0)
