"""What the user says of a table beside its target."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["MissingTarget", "TableOptions"]


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
