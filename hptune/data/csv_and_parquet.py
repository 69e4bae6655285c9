"""Tables in files: CSV and Parquet, read whole, with every flaw named by its line."""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hptune.data.column_values import Judge
from hptune.data.frames import csv_files
from hptune.data.kinds import SourceKind
from hptune.data.on_disk import fits_memory
from hptune.data.open_files import BROKEN, open_bytes, open_text
from hptune.data.parquet_rows import ParquetRows, open_parquet
from hptune.data.raw import Raw, row_names
from hptune.data.reading import Reading
from hptune.data.standard_input import how_to_get_it_back
from hptune.data.table_columns import (
    check_names,
    check_target,
    is_headless,
    judge_columns,
    listed_names,
    raw_of_frame,
)
from hptune.data.table_options import NO_OPTIONS, TableOptions
from hptune.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CSV_OPTIONS",
    "is_parquet_folder",
    "read_csv",
    "read_parquet",
]

CSV_OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "index_col": False,
        "skipinitialspace": True,
        "low_memory": False,
        "keep_default_na": False,
        "na_values": [""],
    }
)
"""What `pandas.read_csv` is called with besides the separator: by this package and by exported scripts.

No column becomes an index, a blank after a separator is no part of a value, a column's type is decided
from the whole column, and nothing but an empty field is missing: words are told apart in `column_values`.
"""

_MEMORY_FACTOR = 4
"""Bytes of memory that a byte of Parquet takes as a table, with its features beside it."""

_SEPARATORS = ",;\t|"
BLANKS = r"\s+"
"""What pandas calls any number of blanks as a separator."""
_NEEDLESS_ZERO = re.compile(rb"""[\s,;|"']0\d""")
_DECIMAL_COMMA = r"\s*[+-]?\d+,\d+(?:[eE][+-]?\d+)?\s*"


def read_csv(
    path: Path,
    target: str | None,
    options: TableOptions = NO_OPTIONS,
    *,
    like: Mapping[str, bool] | None = None,
) -> Raw:
    """Read a CSV file with a line of column names; the separator is found in that line.

    Where it is no comma, numbers may have a decimal one. Empty values are missing, and in a column of numbers
    words are (`column_values.Judge`). Of validation rows, `like` tells which columns of the training rows
    hold numbers. Raises `DataError` for a file that is missing, empty, not UTF-8 or not a table, for a column
    name that stands twice, and for a missing `target`.
    """
    import pandas as pd

    files = [Path(file) for file in csv_files(str(path))]
    if not files:
        raise DataError(f"{path}: no such files")
    separator, header = _common_header(files)
    for file in files:
        try:
            _require_text(file)
        except BROKEN as low:
            raise _broken(file, low) from low
    frames = [_csv_frame(file, separator, header) for file in files]
    frame = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    decimal = "," if separator != "," and _has_decimal_commas(frame) else "."
    codes = _code_columns(files, frame, separator, header, like or {})
    if decimal == "," or codes:
        frames = [_csv_frame(file, separator, header, decimal=decimal, texts=codes) for file in files]
        frame = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    if len(frame) == 0:
        raise DataError(f"{path}: has a line of column names and no rows below it")
    where = partial(_lines_of_files, files, [len(part) for part in frames], separator)
    judge = Judge(name=path.name, where=where, options=options, decimal=decimal, like=like)
    notes = [f"{len(files)} files are read as one table"] if len(files) > 1 else []
    notes += [] if separator == "," else [f"columns are separated by {_spoken(separator)}"]
    notes += ["numbers have a decimal comma"] if decimal == "," else []
    if codes:
        what = "column {} is one" if len(codes) == 1 else "columns {} are"
        notes.append(f"{what.format(listed_names(codes))} of codes, as some begin with 0")
    if is_headless(header):
        notes.append(
            f"the column names look like values ({listed_names(header)}): is the first line a row of data?"
        )
    reading = Reading(separator=separator, decimal=decimal, texts=codes, parts=files != [path])
    return raw_of_frame(frame, target, judge, SourceKind.CSV, reading=reading, notes=notes)


def read_parquet(
    path: Path,
    target: str | None,
    options: TableOptions = NO_OPTIONS,
    *,
    like: Mapping[str, bool] | None = None,
) -> Raw:
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
    judge = Judge(name=path.name, where=row_names, options=options, like=like)
    if frame is None:
        return _large_table(path, rows, target, judge)
    return raw_of_frame(frame.reset_index(drop=True), target, judge, SourceKind.PARQUET)


def is_parquet_folder(path: Path) -> bool:
    """Return whether this is a folder of Parquet files, which may lie in folders of partitions."""
    return path.is_dir() and next(path.rglob("*.parquet"), None) is not None


def _large_table(path: Path, rows: ParquetRows, target: str | None, judge: Judge) -> Raw:
    """Return a table of which no more than a column, or some rows, are in memory at a time."""
    check_names(path, rows.columns)
    target = check_target(path.name, rows.columns, target)
    conversions, said = judge_columns(judge, ((name, rows.column(name)) for name in rows.columns))
    rows = rows.converted(conversions)
    y = rows.column(target)
    notes = (
        f"{rows.rows:,} rows of {rows.bytes / 2**30:.1f} GiB are read from their files as they are needed",
    )
    return Raw(
        name=path.name,
        kind=SourceKind.PARQUET,
        x=rows.without(target),
        y=y,
        target=str(y.name),
        reading=Reading(conversions=conversions),
        notes=(*notes, *said),
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


def _code_columns(
    files: Sequence[Path],
    frame: pd.DataFrame,
    separator: str,
    header: Sequence[str],
    like: Mapping[str, bool],
) -> tuple[str, ...]:
    """Return the columns of digits, taken for numbers, in which some begin with a needless 0: 02134.

    None is of which `like` says that it holds numbers.
    """
    kinds = {str(name): frame[name].dtype.kind for name in frame.columns}
    numbers = [name for name, kind in kinds.items() if kind in "iuf" and not like.get(name)]
    if not numbers or not any(map(_has_needless_zeros, files)):
        return ()
    frames = [_csv_frame(file, separator, header, texts=numbers) for file in files]
    found = []
    for name in numbers:
        distinct = {str(text).strip() for part in frames for text in part[name].dropna().unique()}
        if all(map(str.isdecimal, distinct)) and any(len(t) > 1 and t[0] == "0" for t in distinct):
            found.append(name)
    return tuple(found)


def _has_needless_zeros(path: Path) -> bool:
    """Return whether digits begin with a 0 anywhere in a file, those of times and dates included."""
    rest = b"\n"
    with open_bytes(path) as file:
        while part := file.read(1 << 20):
            if _NEEDLESS_ZERO.search(rest + part):
                return True
            rest = part[-2:]
    return False


def _csv_frame(
    path: Path, separator: str, header: Sequence[str], *, decimal: str = ".", texts: Sequence[str] = ()
) -> pd.DataFrame:
    """Return what pandas reads from a CSV file, `texts` as text; names what is wrong in it by its line."""
    import pandas as pd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            kinds = dict.fromkeys(texts, "str")
            frame: pd.DataFrame = pd.read_csv(
                path, sep=separator, decimal=decimal, dtype=kinds, **CSV_OPTIONS
            )
            return frame
    except UnicodeDecodeError as low:
        raise _not_utf8(path, low) from low
    except (pd.errors.ParserError, pd.errors.ParserWarning) as low:
        raise _not_a_table(path, low, separator, len(header)) from low
    except BROKEN as low:
        raise _broken(path, low) from low


def _common_header(files: Sequence[Path]) -> tuple[str, list[str]]:
    """Return the separator and the column names of files that have the same."""
    first = _header(files[0])
    check_names(files[0], first[1])
    for file in files[1:]:
        if _header(file) != first:
            raise DataError(
                f"{file}: its first line is not that of {files[0]}",
                hint="Files that are read as one table have the same columns, in the same order.",
            )
    return first


def _header(path: Path) -> tuple[str, list[str]]:
    """Return the separator that parts the first line in most columns, and their names."""
    try:
        with open_text(path) as file:
            first = next((line for line in file if line.strip()), None)
            if first is None:
                raise DataError(f"{path}: the file is empty")
            separator = max(_SEPARATORS, key=lambda sep: len(next(csv.reader([first], delimiter=sep))))
            if separator not in first and len(first.split()) > 1:
                return BLANKS, first.split()
            file.seek(0)
            rows = csv.reader(file, delimiter=separator, skipinitialspace=True)
            return separator, next(row for row in rows if any(cell.strip() for cell in row))
    except FileNotFoundError as low:
        raise DataError(f"{path}: no such file", hint=how_to_get_it_back(path)) from low
    except BROKEN as low:
        raise _broken(path, low) from low
    except OSError as low:
        raise DataError(f"{path}: can't be read: {low.strerror}") from low
    except UnicodeDecodeError as low:
        raise _not_utf8(path, low) from low
    except csv.Error as low:
        raise DataError(f"{path}: not a table: {low}") from low


def _require_text(path: Path) -> None:
    """Raise `DataError` for null bytes, which end a value silently or stand in it unseen."""
    lines = 1
    with open_bytes(path) as file:
        while part := file.read(1 << 20):
            place = part.find(b"\0")
            if place >= 0:
                raise DataError(
                    f"{path}: line {lines + part.count(10, 0, place)} holds a null byte",
                    hint="Is it UTF-16, or damaged? Save it as UTF-8.",
                )
            lines += part.count(10)


def _not_utf8(path: Path, low: UnicodeDecodeError) -> DataError:
    with open_bytes(path) as file:
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
    with open_text(path) as file:
        reader = csv.reader(file, delimiter=" " if separator == BLANKS else separator, skipinitialspace=True)
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


def _broken(path: Path, low: BaseException) -> DataError:
    return DataError(f"{path}: can't be read as a compressed file: {low}", hint="Is it all there?")


def _lines_of_files(files: Sequence[Path], counts: Sequence[int], separator: str, rows: Sequence[int]) -> str:
    """Name lines of the files that rows come from."""
    if len(files) == 1:
        return _csv_lines(files[0], separator, rows)
    named, start = [], 0
    for file, count in zip(files, counts, strict=True):
        here = [row - start for row in rows if start <= row < start + count]
        named += [f"{file.name} {_csv_lines(file, separator, here)}"] if here else []
        start += count
    return ", ".join(named)


def _csv_lines(path: Path, separator: str, rows: Sequence[int]) -> str:
    """Name the lines at which rows begin, counted from 1: blank lines and line breaks in quotes count too."""
    wanted, lines = set(rows), {}
    with open_text(path) as file:
        reader = csv.reader(file, delimiter=" " if separator == BLANKS else separator, skipinitialspace=True)
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
    return {"\t": "tabs", ";": "semicolons", "|": "vertical bars", BLANKS: "blanks"}[separator]
