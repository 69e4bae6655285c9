"""Files as tables, by pandas alone: exported scripts hold a copy of this."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hptune.data.open_files import open_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["csv_files", "csv_frame", "excel_frame", "json_frame", "sqlite_frame", "sqlite_tables"]


def csv_files(source: str) -> list[str]:
    """Return the files that a pattern such as parts/*.csv names, or a folder holds, by name; or the file."""
    if Path(source).is_dir():
        return sorted(str(path) for path in Path(source).iterdir() if ".csv" in path.suffixes) or [source]
    if ("*" in source or "?" in source) and not Path(source).exists():
        return sorted(glob(source))  # noqa: PTH207
    return [source]


def csv_frame(source: str, options: Mapping[str, Any]) -> pd.DataFrame:
    """Read a CSV file, or all that a pattern names or a folder holds as one table."""
    import pandas as pd

    frames: list[pd.DataFrame] = [pd.read_csv(file, **options) for file in csv_files(source)]
    return pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]


def json_frame(source: str) -> pd.DataFrame:
    """Read a JSON file: an array of records, a record of columns, or a record a line (.jsonl, .ndjson)."""
    import pandas as pd

    by_line = any(suffix in (".jsonl", ".ndjson") for suffix in Path(source.lower()).suffixes)
    with open_text(Path(source)) as file:
        held = [json.loads(line) for line in file if line.strip()] if by_line else json.load(file)
    return pd.DataFrame(held).reset_index(drop=True)


def excel_frame(source: str) -> pd.DataFrame:
    """Read the first sheet of a workbook; nothing but an empty cell is missing."""
    import pandas as pd

    return pd.read_excel(source, keep_default_na=False, na_values=[""])


def sqlite_frame(source: str) -> pd.DataFrame:
    """Read a table of an SQLite file, named as FILE.sqlite:TABLE, or its only one."""
    import pandas as pd

    file, tables = sqlite_tables(source)
    quoted = tables[0].replace('"', '""')
    with closing(sqlite3.connect(f"{Path(file).absolute().as_uri()}?mode=ro", uri=True)) as database:
        return pd.read_sql_query(f'SELECT * FROM "{quoted}"', database)


def sqlite_tables(source: str) -> tuple[str, list[str]]:
    """Return the file and the table that is named, or all that it holds."""
    file, _, table = source.rpartition(":") if not Path(source).exists() else (source, "", "")
    if table:
        return file, [table]
    with closing(sqlite3.connect(f"{Path(file).absolute().as_uri()}?mode=ro", uri=True)) as database:
        found = database.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
        )
        return file, sorted(name for (name,) in found)
