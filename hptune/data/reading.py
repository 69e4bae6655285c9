"""How a file becomes a table: what an exported script does again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Reading"]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How one source of a table was read."""

    separator: str = ","
    """What stands between two values of a CSV file."""
    decimal: str = "."
    """What stands before the decimals of its numbers: a point, or a comma."""
    conversions: tuple[Mapping[str, Any], ...] = ()
    """What `conversions.convert_columns` makes of columns of text."""
    texts: tuple[str, ...] = ()
    """Columns of a CSV file whose digits are read as text: codes that begin with zeros."""
    parts: bool = False
    """Whether it is all the CSV files that a pattern names, or that a folder holds."""
