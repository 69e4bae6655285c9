"""Tables in files: CSV and Parquet, read whole, with every flaw named by its line."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hptune._text import first_of, is_number
from hptune.data.kinds import SourceKind
from hptune.data.on_disk import fits_memory
from hptune.data.parquet_rows import ParquetRows, open_parquet
from hptune.data.raw import SHOWN, Raw, row_names
from hptune.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CSV_OPTIONS",
    "TABLE_SUFFIXES",
    "check_columns",
    "is_parquet_folder",
    "read_csv",
    "read_parquet",
    "take_target",
]

CSV_OPTIONS: Mapping[str, Any] = MappingProxyType(
    {"index_col": False, "skipinitialspace": True, "low_memory": False}
)
"""What `pandas.read_csv` is called with besides the separator: by this package and by exported scripts.

No column becomes an index, a blank after a separator is no part of a value, and a column's type is decided
from the whole column.
"""

TABLE_SUFFIXES = {".csv": SourceKind.CSV, ".tsv": SourceKind.CSV, ".parquet": SourceKind.PARQUET}

_MEMORY_FACTOR = 4
"""Bytes of memory that a byte of Parquet takes as a table, with its features beside it."""

_SEPARATORS = ",;\t|"
_DECIMAL_COMMA = r"\s*[+-]?\d+,\d+(?:[eE][+-]?\d+)?\s*"
_COMMA_IN_NUMBER = r"^(\s*[+-]?\d+),(\d+(?:[eE][+-]?\d+)?\s*)$"
_ODD_NUMBER = (
    r"\s*(?:[$€£]\s?[+-]?\d[\d,.]*|[+-]?\d[\d,.]*\s?[%$€£]|[+-]?\d+,\d+"
    r"|[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)?)\s*"
)
"""A number with its currency, per cent, decimal comma or thousands marked."""
_NAMES_WANTED = "Does the file begin with a line of column names?"
_FEW = 20
"""Distinct values up to which text is a column of levels, whatever it looks like."""


def read_csv(path: Path, target: str | None) -> Raw:
    """Read a CSV file with a line of column names; the separator is found in that line.

    Where it is no comma, numbers may have a decimal one. The values that pandas takes for missing (empty, NA,
    NaN, null, None, …) are missing. Raises `DataError` for a file that is missing, empty, not UTF-8 or not a
    table, for a column name that stands twice, for a missing `target`, and for text in a column of numbers.
    """
    import pandas as pd

    separator, header = _header(path)
    _require_text(path)
    _check_names(path, header)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(path, sep=separator, **CSV_OPTIONS)
            decimal = "," if separator != "," and _has_decimal_commas(frame) else "."
            if decimal == ",":
                frame = pd.read_csv(path, sep=separator, decimal=decimal, **CSV_OPTIONS)
    except UnicodeDecodeError as low:
        raise _not_utf8(path, low) from low
    except (pd.errors.ParserError, pd.errors.ParserWarning) as low:
        raise _not_a_table(path, low, separator, len(header)) from low
    if len(frame) == 0:
        raise DataError(f"{path}: has a line of column names and no rows below it")
    where = partial(_csv_lines, path, separator)
    check_columns(path.name, frame, where, decimal=decimal)
    x, y = take_target(path.name, frame, target)
    notes = [] if separator == "," else [f"columns are separated by {_spoken(separator)}"]
    notes += ["numbers have a decimal comma"] if decimal == "," else []
    if _is_headless(header):
        notes.append(
            f"the column names look like values ({_listed(header)}): is the first line a row of data?"
        )
    return Raw(
        name=path.name,
        kind=SourceKind.CSV,
        x=x,
        y=y,
        target=str(y.name),
        separator=separator,
        decimal=decimal,
        notes=tuple(notes),
        where=where,
    )


def read_parquet(path: Path, target: str | None) -> Raw:
    """Read a Parquet file, or a folder of them as one table; an index stored in it is left aside.

    What does not fit into memory (`on_disk.fits_memory`) is read as it is encoded. Raises `DataError` as
    `read_csv` does.
    """
    import pandas as pd
    import pyarrow

    try:
        rows = open_parquet(path)
        whole = fits_memory(_MEMORY_FACTOR * rows.bytes)
        frame = pd.read_parquet(path) if whole else None
    except (OSError, ValueError, pyarrow.ArrowException) as low:
        first = (str(low).splitlines() or [""])[0]
        raise DataError(f"{path}: can't be read as Parquet: {first}") from low
    if rows.rows == 0:
        raise DataError(f"{path}: has no rows")
    if frame is None:
        return _large_table(path, rows, target)
    frame = frame.reset_index(drop=True)
    check_columns(path.name, frame, row_names)
    x, y = take_target(path.name, frame, target)
    return Raw(name=path.name, kind=SourceKind.PARQUET, x=x, y=y, target=str(y.name))


def is_parquet_folder(path: Path) -> bool:
    """Return whether this is a folder of Parquet files, which may lie in folders of partitions."""
    return path.is_dir() and next(path.rglob("*.parquet"), None) is not None


def _large_table(path: Path, rows: ParquetRows, target: str | None) -> Raw:
    """Return a table of which no more than a column, or some rows, are in memory at a time."""
    _check_names(path, rows.columns)
    for name in rows.texts:
        _check_column(path.name, rows.column(name), row_names)
    target = _check_target(path.name, rows.columns, target)
    y = rows.column(target)
    notes = (
        f"{rows.rows:,} rows of {rows.bytes / 2**30:.1f} GiB are read from their files as they are needed",
    )
    x = rows.without(target)
    return Raw(name=path.name, kind=SourceKind.PARQUET, x=x, y=y, target=str(y.name), notes=notes)


def take_target(name: str, frame: pd.DataFrame, target: str | None) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Part the target column from the others.

    Raises `DataError` with the columns there are where the target is not given or not among them.
    """
    columns = [str(column) for column in frame.columns]
    target = _check_target(name, columns, target)
    return frame.drop(columns=frame.columns[columns.index(target)]), frame[target]


def _check_target(name: str, columns: Sequence[str], target: str | None) -> str:
    """Return the target; refuses one that is not given, none of the columns, or the only one."""
    doubt = f" {_NAMES_WANTED}" if _is_headless(columns) else ""
    if target is None:
        raise DataError(
            f"{name}: say which column is to be predicted",
            hint=f"Give --target COLUMN. Columns: {_listed(columns)}.{doubt}",
        )
    if target not in columns:
        near = did_you_mean(target, columns)
        raise DataError(
            f"{name}: has no column {target!r}",
            hint=(near if near.startswith("Did") else f"Columns: {_listed(columns)}.") + doubt,
        )
    if len(columns) == 1:
        raise DataError(f"{name}: has no column but the target {target!r}")
    return target


def check_columns(
    name: str, frame: pd.DataFrame, where: Callable[[Sequence[int]], str], *, decimal: str = "."
) -> None:
    """Give columns text for names and refuse names that stand twice, text among numbers and odd numbers.

    `decimal` is the mark of numbers in text, a point or a comma.

    A column of text is one of numbers with a slip in it where at least 90 % of its values are numbers,
    unless it has at most 20 distinct values and each that is no number stands in several rows: then these
    are levels, as in 0, 1, 2, 3+.
    """
    frame.columns = [str(column) for column in frame.columns]
    _check_names(Path(name), list(frame.columns))
    for column in frame.columns:
        _check_column(name, frame[column], where, decimal=decimal)


def _check_column(
    name: str, column: pd.Series[Any], where: Callable[[Sequence[int]], str], *, decimal: str = "."
) -> None:
    """Refuse text among numbers and odd numbers in a column whose index counts the rows from 0."""
    parsed = _with_points(column) if decimal == "," else column
    _refuse_odd_numbers(name, parsed, where)
    slips = _slips(parsed)
    if slips is None:
        return
    rows = column.index[parsed.isin(slips)].to_numpy()
    value = column.iloc[int(rows[0])]
    more = f" (and {len(rows) - 1} more rows)" if len(rows) > 1 else ""
    raise DataError(
        f"{name}: column {column.name!r} holds numbers, but {where([int(rows[0])])} has {value!r}{more}",
        hint="Correct the value, or leave it empty if it is missing.",
    )


def _with_points(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column in which text that is a number with a decimal comma has a point instead.

    One slip keeps pandas from reading a whole column as numbers.
    """
    return column if column.dtype.kind in "biuf" else column.replace(_COMMA_IN_NUMBER, r"\1.\2", regex=True)


def _refuse_odd_numbers(name: str, column: pd.Series[Any], where: Callable[[Sequence[int]], str]) -> None:
    """Refuse a column of text that holds numbers in a form that can't be read."""
    texts = _distinct_texts(column)
    if len(texts) <= _FEW:
        return
    plain = texts.map(is_number).astype(bool)
    odd = texts[texts.str.fullmatch(_ODD_NUMBER).astype(bool) & ~plain]
    if len(odd) < 0.1 * len(texts) or len(odd) + plain.sum() < 0.9 * len(texts):
        return
    raise DataError(
        f"{name}: column {column.name!r} holds numbers in a form that can't be read:"
        f" {where([int(odd.index[0])])} has {odd.iloc[0]!r}",
        hint="Write numbers plainly, as 1234.56, or as 1234,56 where a semicolon separates the columns.",
    )


def _has_decimal_commas(frame: pd.DataFrame) -> bool:
    """Return whether some column is one of numbers with a decimal comma, and none has a decimal point."""
    columns = [frame.iloc[:, place] for place in range(frame.shape[1])]
    if any(column.dtype.kind == "f" and (column.dropna() % 1 != 0).any() for column in columns):
        return False
    texts = map(_distinct_texts, columns)
    return any(len(some) and some.str.fullmatch(_DECIMAL_COMMA).mean() >= 0.5 for some in texts)


def _distinct_texts(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return the distinct values of a column of text; none of any other."""
    import pandas as pd

    is_text = pd.api.types.is_string_dtype(column.dtype) or column.dtype == object
    known = column.dropna().drop_duplicates() if is_text else column.iloc[:0]
    return known[known.map(lambda value: isinstance(value, str)).astype(bool)].astype(object)


def _slips(column: pd.Series[Any]) -> list[str] | None:
    """Return the distinct texts in a column of numbers; None where there are none, or it is one of text."""
    import pandas as pd

    is_text = pd.api.types.is_string_dtype(column.dtype) or column.dtype == object
    if not is_text or pd.api.types.infer_dtype(column, skipna=True) not in ("string", "mixed"):
        return None
    counts = column.astype("string").value_counts()
    number = pd.to_numeric(pd.Series(counts.index.astype(object)), errors="coerce").notna().to_numpy()
    texts = counts[~number]
    if len(texts) == 0 or counts[number].sum() < 0.9 * counts.sum():
        return None
    if len(counts) <= _FEW and texts.min() > 1:
        return None
    return [str(text) for text in texts.index]


def _header(path: Path) -> tuple[str, list[str]]:
    """Return the separator that parts the first line in most columns, and their names."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = next((line for line in file if line.strip()), None)
            if first is None:
                raise DataError(f"{path}: the file is empty")
            separator = max(_SEPARATORS, key=lambda sep: len(next(csv.reader([first], delimiter=sep))))
            file.seek(0)
            rows = csv.reader(file, delimiter=separator, skipinitialspace=True)
            return separator, next(row for row in rows if any(cell.strip() for cell in row))
    except FileNotFoundError as low:
        raise DataError(f"{path}: no such file") from low
    except OSError as low:
        raise DataError(f"{path}: can't be read: {low.strerror}") from low
    except UnicodeDecodeError as low:
        raise _not_utf8(path, low) from low
    except csv.Error as low:
        raise DataError(f"{path}: not a table: {low}") from low


def _require_text(path: Path) -> None:
    """Raise `DataError` for null bytes, which end a value silently or stand in it unseen."""
    lines = 1
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            place = part.find(b"\0")
            if place >= 0:
                raise DataError(
                    f"{path}: line {lines + part.count(10, 0, place)} holds a null byte",
                    hint="Is it UTF-16, or damaged? Save it as UTF-8.",
                )
            lines += part.count(10)


def _check_names(path: Path, header: Sequence[str]) -> None:
    twice = sorted({name for name in header if name and list(header).count(name) > 1})
    if twice:
        raise DataError(
            f"{path.name}: column name{'s' if len(twice) > 1 else ''} {_listed(twice)} stand"
            f"{'' if len(twice) > 1 else 's'} twice",
            hint=_NAMES_WANTED if _is_headless(header) else "Give every column a name of its own.",
        )


def _is_headless(names: Sequence[str]) -> bool:
    """Return whether values seem to stand for column names: numbers, or fractions for half of them at least.

    Rising whole numbers are names, as places and years are.
    """
    numbers = [name for name in names if is_number(name)]
    whole = [int(name) for name in numbers if name.strip().isdecimal()]
    if 2 * (len(numbers) - len(whole)) >= len(names):
        return True
    return len(numbers) == len(names) and whole != sorted(set(whole))


def _not_utf8(path: Path, low: UnicodeDecodeError) -> DataError:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as found:
                byte = line[found.start]
                written = "UTF-16" if line[:2] in (b"\xff\xfe", b"\xfe\xff") else "WINDOWS-1252"
                return DataError(
                    f"{path}:{number}: not UTF-8 text: byte {byte:#04x}",
                    hint=f"Convert it, for example: iconv -f {written} -t UTF-8 {path.name}.",
                )
    return DataError(f"{path}: not UTF-8 text: {low.reason}")


def _not_a_table(path: Path, low: Exception, separator: str, columns: int) -> DataError:
    """Name the first line whose number of values is wrong; what pandas says where there is none."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=separator, skipinitialspace=True)
        begins = 1
        for row in reader:
            if len(row) > columns:
                return DataError(
                    f"{path}:{begins}: {len(row)} values, but the table has {columns} columns",
                    hint="Quote values that contain the separator.",
                )
            begins = reader.line_num + 1
    said = str(low).removeprefix("Error tokenizing data. C error: ").strip()
    return DataError(f"{path}: not a table: {said}", hint="Is a quotation mark left open?")


def _csv_lines(path: Path, separator: str, rows: Sequence[int]) -> str:
    """Name the lines at which rows begin, counted from 1: blank lines and line breaks in quotes count too."""
    wanted, lines = set(rows), {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=separator, skipinitialspace=True)
        place, begins = -1, 1
        for row in reader:
            blank = not row or (len(row) == 1 and not row[0].strip())
            if not blank:
                if place in wanted:
                    lines[place] = begins
                    if len(lines) == len(wanted):
                        break
                place += 1
            begins = reader.line_num + 1
    found = [str(lines[row]) for row in rows if row in lines]
    return f"line{'s' if len(found) > 1 else ''} {', '.join(found)}"


def _spoken(separator: str) -> str:
    return {"\t": "tabs", ";": "semicolons", "|": "vertical bars"}[separator]


def _listed(names: Sequence[str]) -> str:
    return first_of([repr(name) for name in names], 4 * SHOWN)
