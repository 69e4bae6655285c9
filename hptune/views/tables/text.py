"""Values, tables and JSON as every command prints them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hptune._text import is_number, on_one_line, significant
from hptune.space import Value

__all__ = ["JSON_VERSION", "columns", "format_value", "to_csv", "to_json", "wrapped"]

JSON_VERSION = 2
"""Schema version of everything printed as JSON; raised when a key changes its meaning."""


def format_value(value: Value | None) -> str:
    """Return a value as the user would write it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return significant(value, 4)
    return on_one_line(str(value))


def columns(rows: Sequence[Sequence[str]], header: Sequence[str], *, indent: str = "") -> str:
    """Return a table in plain aligned columns; numbers are right-aligned, empty cells stay empty."""
    every = [[on_one_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in every) for i in range(len(header))]
    right = [bool(rows) and all(_numeric(row[i]) for row in every[1:]) for i in range(len(header))]
    lines = [
        indent
        + "  ".join(
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in every
    ]
    return "\n".join(lines)


def _numeric(cell: str) -> bool:
    return cell in ("", "–") or is_number(cell)


def to_json(content: Mapping[str, Any]) -> str:
    """Return JSON with the schema version first."""
    return json.dumps({"version": JSON_VERSION, **content}, indent=2, default=str)


def to_csv(rows: Sequence[Sequence[object]]) -> str:
    """Return rows as CSV, the header among them; None is an empty cell, a boolean true or false.

    Text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    return "\n".join(",".join(_cell(cell) for cell in row) for row in rows)


_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How text begins that spreadsheets run."""


def _cell(cell: object) -> str:
    if cell is None:
        return ""
    text = str(cell).lower() if isinstance(cell, bool) else str(cell)
    if isinstance(cell, str) and cell.startswith(_FORMULA) and not is_number(cell):
        text = f"'{cell}"
    # Python's own writer leaves a carriage return bare, which ends the row for whoever reads it.
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n\r') else text


def wrapped(text: str, *, indent: int = 0) -> list[str]:
    """Return text as lines of at most 80 columns, each indented."""
    import textwrap

    space = " " * indent
    return textwrap.wrap(text, 80, initial_indent=space, subsequent_indent=space, break_on_hyphens=False)
