"""Which files are tables, and those that pandas reads in one go: JSON, Feather, Excel and SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hptune._text import first_of
from hptune.data.column_values import Judge
from hptune.data.csv_and_parquet import is_parquet_folder
from hptune.data.frames import csv_files, excel_frame, json_frame, sqlite_frame, sqlite_tables
from hptune.data.kinds import SourceKind
from hptune.data.open_files import BROKEN, COMPRESSED
from hptune.data.raw import SHOWN, Raw, row_names
from hptune.data.table_columns import raw_of_frame
from hptune.data.table_options import NO_OPTIONS, TableOptions
from hptune.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_table_file", "refused", "table_kind"]

_KINDS = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".tab", ".psv", ".dat"), SourceKind.CSV),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), SourceKind.JSON),
    **dict.fromkeys((".parquet", ".pq"), SourceKind.PARQUET),
    ".feather": SourceKind.FEATHER,
    ".xlsx": SourceKind.EXCEL,
    **dict.fromkeys((".sqlite", ".sqlite3", ".db"), SourceKind.SQLITE),
}
_MAY_BE_COMPRESSED = (SourceKind.CSV, SourceKind.JSON)

_REFUSED = {
    **dict.fromkeys(
        (".pkl", ".pickle", ".joblib"),
        "a pickle runs whatever its author wrote into it: save the table as Parquet, frame.to_parquet(…)",
    ),
    ".arff": "save it as CSV, scipy.io.arff.loadarff or OpenML's own CSV export do that",
    ".xls": "save it as .xlsx or CSV",
    **dict.fromkeys((".h5", ".hdf5", ".hdf"), "save the table as Parquet, or its arrays as NPZ"),
    **dict.fromkeys((".sav", ".dta", ".sas7bdat", ".rds", ".rdata"), "save the table as CSV or Parquet"),
}


def table_kind(source: str) -> SourceKind | None:
    """Return what kind of table a name is that of, by its endings; None for none."""
    path = Path(source)
    if path.is_dir():
        if is_parquet_folder(path):
            return SourceKind.PARQUET
        return SourceKind.CSV if csv_files(source) != [source] or path.suffix in _KINDS else None
    endings = [ending.lower() for ending in path.suffixes]
    if endings and endings[-1] in COMPRESSED:
        kind = _KINDS.get(endings[-2]) if len(endings) > 1 else None
        return kind if kind in _MAY_BE_COMPRESSED else None
    ending = endings[-1] if endings else ""
    kind = _KINDS.get(ending.partition(":")[0])
    return kind if kind is SourceKind.SQLITE or ":" not in ending else None


def refused(source: str) -> str:
    """Return what to do with a kind of file that holds tables and is not read; "" for any other."""
    return _REFUSED.get(Path(source).suffix.lower(), "")


def read_table_file(
    source: str,
    kind: SourceKind,
    target: str | None,
    options: TableOptions = NO_OPTIONS,
    *,
    like: Mapping[str, bool] | None = None,
) -> Raw:
    """Read a file of one of these kinds. Raises `DataError` as `csv_and_parquet.read_csv` does."""
    name = Path(source).name
    frame, notes = _frame(source, kind)
    if frame.shape[0] == 0:
        raise DataError(f"{source}: has no rows")
    typed = kind is SourceKind.FEATHER
    judge = Judge(name=name, where=row_names, options=options, like=like, types_numbers=typed)
    return raw_of_frame(frame.reset_index(drop=True), target, judge, kind, notes=notes)


def _frame(source: str, kind: SourceKind) -> tuple[pd.DataFrame, list[str]]:
    """Return a file's table, and what to say of how it was found."""
    import pandas as pd

    readers: Mapping[SourceKind, Callable[[str], Any]] = {
        SourceKind.JSON: json_frame,
        SourceKind.FEATHER: pd.read_feather,
        SourceKind.EXCEL: excel_frame,
        SourceKind.SQLITE: sqlite_frame,
    }
    file = Path(source.rpartition(":")[0]) if kind is SourceKind.SQLITE and ":" in source else Path(source)
    if not file.exists():
        raise DataError(f"{file}: no such file")
    try:
        notes = _check_tables(source) if kind is SourceKind.SQLITE else _sheets(source, kind)
        frame = readers[kind](source)
    except ImportError as low:
        raise DataError(
            f"{source}: to read a workbook, openpyxl is needed",
            hint="Install it, pip install 'hptune[tables]', or save the sheet as CSV.",
        ) from low
    except (OSError, ValueError, KeyError, TypeError, sqlite3.Error, pd.errors.DatabaseError, *BROKEN) as low:
        first = (str(low).splitlines() or [""])[0]
        raise DataError(f"{source}: can't be read as {_SPOKEN[kind]}: {first}") from low
    return frame, notes


_SPOKEN = {
    SourceKind.JSON: "a table in JSON",
    SourceKind.FEATHER: "Feather",
    SourceKind.EXCEL: "an Excel workbook",
    SourceKind.SQLITE: "an SQLite database",
}


def _sheets(source: str, kind: SourceKind) -> list[str]:
    """Say which sheet is read where there are several."""
    if kind is not SourceKind.EXCEL:
        return []
    import pandas as pd

    with pd.ExcelFile(source) as book:
        names = [str(name) for name in book.sheet_names]
    return [f"the first of {len(names)} sheets is read, {names[0]!r}"] if len(names) > 1 else []


def _check_tables(source: str) -> list[str]:
    """Refuse a database without the table that is named, or with several where none is."""
    file, tables = sqlite_tables(source)
    every = sqlite_tables(file)[1]
    if len(tables) != 1 or tables[0] not in every:
        named = first_of([repr(name) for name in every], 4 * SHOWN)
        near = did_you_mean(tables[0], every) if len(tables) == 1 and every else ""
        raise DataError(
            f"{source}: holds {named or 'no tables'}",
            hint=near if near.startswith("Did") else f"Name one: {Path(file).name}:TABLE.",
        )
    return []
