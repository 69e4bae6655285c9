"""Odd values and odd files for a study that someone else made, and a watch over all that is not its own."""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
from pathlib import Path

from hypothesis import strategies as st

from hptune.__main__ import run
from hptune.study.cells import TABLES

__all__ = ["CELLS", "JSON", "ODD", "one_file", "outside", "said", "set_cell"]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
ODD = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.binary(max_size=8),
    st.sampled_from(["../victim", "/etc/passwd", "\x1b[2J", "{", "[" * 2000, "9" * 5000, "\ud7ff"]),
    JSON.map(json.dumps),
)
CELLS = [(name, column) for name, table in TABLES.items() for column in table.columns]


def set_cell(path: Path, table: str, column: str, row: int, value: object) -> bool:
    """Put a value into the row-th row of a table, counted round; returns whether SQLite took it."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        key = TABLES[table].key
        keys = [found for (found,) in database.execute(f"SELECT {key} FROM {table} ORDER BY {key}")]
        if not keys:
            return False
        statement = f'UPDATE {table} SET "{column}" = ? WHERE {key} = ?'
        try:
            database.execute(statement, (value, keys[row % len(keys)]))
            database.commit()
        except (sqlite3.Error, UnicodeEncodeError):
            return False
    return True


def one_file(path: Path) -> None:
    """Fold in what is in the log of a study's writer."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = DELETE")


def outside(place: Path) -> dict[str, tuple[int, bytes]]:
    """Everything that lies in `place` beside its folder "in"."""
    found = [path for path in place.rglob("*") if "in" not in path.relative_to(place).parts[:1]]
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else b"") for p in found}


def said(arguments: list[str]) -> tuple[int, str]:
    """Run a command; returns its exit code and what it said of errors."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments)
    return code, err.getvalue()
