"""Which rows of a table have a target to learn from, and what the targets of these are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune._text import counted
from hptune.data.kinds import Task
from hptune.data.labels import is_known
from hptune.data.raw import Raw, is_table
from hptune.data.split import Indices, check_rows
from hptune.data.table_options import MissingTarget, TableOptions
from hptune.data.target import Targets, read_targets

__all__ = ["KnownTargets", "known_rows", "read_known_targets", "spread", "with_rows"]


@dataclass(frozen=True, kw_only=True, eq=False)
class KnownTargets:
    """The targets of a source, and the rows that have one."""

    targets: Targets
    """Of all rows; those of rows that are left out are 0 and never looked at."""
    rows: Indices
    """Places of the rows that are learned from, rising."""
    notes: tuple[str, ...] = ()
    """Which rows are left out, and why."""

    @property
    def codes(self) -> NDArray[Any] | None:
        """Class codes of `rows`; None where targets are no classes."""
        return self.targets.y[self.rows] if self.targets.classes else None


def read_known_targets(
    raw: Raw, task: Task | None, options: TableOptions, *, positive: str | None
) -> KnownTargets:
    """Read the targets of the rows that have one, and say which are left out.

    Raises `DataError` as `target.read_targets` does, and where too few rows are left.
    """
    rows, notes = known_rows(raw, options)
    check_rows(raw.name, len(rows))
    targets = read_targets(with_rows(raw, rows), task, positive=positive)
    return KnownTargets(targets=replace(targets, y=spread(targets.y, rows, raw.rows)), rows=rows, notes=notes)


def known_rows(raw: Raw, options: TableOptions) -> tuple[Indices, tuple[str, ...]]:
    """Return the places of the rows that have a target, and what to say of the others.

    These are all rows of anything but a table with its target in it, and where rows without a target are
    to be refused.
    """
    every = np.arange(raw.rows)
    if not is_table(raw.x) or raw.given is not None or options.missing_target is MissingTarget.REFUSE:
        return every, ()
    known = is_known(raw.y)
    gone = every[~known]
    if len(gone) == 0:
        return every, ()
    are = "has" if len(gone) == 1 else "have"
    out = "is" if len(gone) == 1 else "are"
    note = (
        f"{len(gone):,} of {counted(raw.rows, 'row')} {are} no target {raw.target!r} and {out} left out:"
        f" {raw.some(gone)}"
    )
    return every[known], (note,)


def with_rows(raw: Raw, rows: Indices) -> Raw:
    """Return a source whose targets are those of these rows; its inputs stay whole."""
    if len(rows) == raw.rows:
        return raw
    y = raw.y if isinstance(raw.y, np.ndarray) or raw.y is None else raw.y.iloc[rows]
    return replace(raw, y=y, where=lambda some: raw.where(_places(rows, some)))


def spread(y: NDArray[Any], rows: Indices, count: int) -> NDArray[Any]:
    """Return targets of all rows, 0 where a row is none of `rows`."""
    if len(rows) == count:
        return y
    full = np.zeros((count, *y.shape[1:]), dtype=y.dtype)
    full[rows] = y
    return full


def _places(rows: Indices, some: Sequence[int]) -> list[int]:
    return [int(rows[place]) for place in some]
