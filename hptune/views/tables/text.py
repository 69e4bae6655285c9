"""Values, tables and JSON as every command prints them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hptune._text import is_number, significant
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
    return str(value)


def columns(rows: Sequence[Sequence[str]], header: Sequence[str], *, indent: str = "") -> str:
    """Return a table in plain aligned columns; numbers are right-aligned, empty cells stay empty."""
    every = [list(header), *map(list, rows)]
    widths = [max(len(row[i]) for row in every) for i in range(len(header))]
    right = [bool(rows) and all(_numeric(row[i]) for row in rows) for i in range(len(header))]
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
    """Return rows as CSV, the header among them; None is an empty cell, a boolean true or false."""
    import csv
    import io

    out = io.StringIO()
    shown = ([str(cell).lower() if isinstance(cell, bool) else cell for cell in row] for row in rows)
    csv.writer(out, lineterminator="\n").writerows(shown)
    return out.getvalue().rstrip("\n")


def wrapped(text: str, *, indent: int = 0) -> list[str]:
    """Return text as lines of at most 80 columns, each indented."""
    import textwrap

    space = " " * indent
    return textwrap.wrap(text, 80, initial_indent=space, subsequent_indent=space, break_on_hyphens=False)
