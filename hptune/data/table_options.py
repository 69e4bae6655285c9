"""What the user says of a table beside its target."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["AUTO", "MOST_LEVELS", "NO_OPTIONS", "MissingTarget", "TableOptions"]

MOST_LEVELS = 50
"""Levels of a column that have a feature of their own however few rows they stand in (`levels.py`)."""

AUTO = "auto"
"""What leaves a choice to the training rows."""


class MissingTarget(StrEnum):
    """What becomes of rows without a target."""

    DROP = "drop"
    """They are left out and counted."""
    REFUSE = "refuse"
    """The table is refused, and they are named."""


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """How a table is taken where something is missing or wrong in it."""

    missing_target: MissingTarget = MissingTarget.DROP
    missing: tuple[str, ...] = ()
    """Words, or numbers as they are written, that stand for a missing value in every column."""
    levels: int | None = None
    """How many levels of a column of words have a feature of their own, a missing value's not counted; None
    leaves it to the training rows (`levels.chosen_levels`)."""
    strict: bool = False
    """Refuse what is mended else: words among numbers, infinite values, and classes of one row."""

    @classmethod
    def of(cls, missing: str | None, missing_target: str, *, levels: int | str, strict: bool) -> TableOptions:
        """Return options as they are given on a command line: `missing` is words parted by commas.

        `levels` is a number, or AUTO.
        """
        words = [word.strip() for word in (missing or "").split(",")]
        return cls(
            missing_target=MissingTarget.REFUSE if strict else MissingTarget(missing_target),
            missing=tuple(dict.fromkeys(word for word in words if word)),
            levels=None if levels == AUTO else int(levels),
            strict=strict,
        )


NO_OPTIONS = TableOptions()
