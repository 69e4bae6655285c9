"""Which rows of a table have a target to learn from, and what the targets of these are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune._text import counted, first_of
from hptune.data.kinds import Task
from hptune.data.labels import is_known
from hptune.data.raw import SHOWN, Raw, is_table
from hptune.data.split import Indices, check_rows
from hptune.data.table_options import MissingTarget, TableOptions
from hptune.data.target import Targets, read_targets

__all__ = ["KnownTargets", "known_rows", "read_known_targets", "spread", "with_rows"]

_MOST_ALONE = 0.1
"""Share of rows up to which those that are alone in their class are left out."""
_MOST_GRADES = 5
"""Distinct whole numbers up to which they are classes, though one stands in a single row: 0/1, 1 to 5."""
_DENSE = 0.6
"""Share of the whole numbers of a span from which on those that are there are classes: 1, 2, 3, 5, 6, 7."""


@dataclass(frozen=True, kw_only=True, eq=False)
class KnownTargets:
    """The targets of a source, and the rows that have one."""

    targets: Targets
    """Of all rows; those of rows that are left out are 0 and never looked at."""
    rows: Indices
    """Places of the rows that are learned from, rising."""
    left_out: tuple[str, ...] = ()
    """Classes of a single row, which can't be split, as text."""
    notes: tuple[str, ...] = ()
    """Which rows are left out, and why."""

    @property
    def codes(self) -> NDArray[Any] | None:
        """Class codes of `rows`; None where targets are no classes."""
        return self.targets.y[self.rows] if self.targets.classes else None


def read_known_targets(
    raw: Raw,
    task: Task | None,
    options: TableOptions,
    *,
    positive: str | None,
    splits: bool = True,
    labels: bool = False,
) -> KnownTargets:
    """Read the targets of the rows that have one, and say which are left out.

    `labels` as for `target.read_targets`. Where the rows are to be split, a row that alone is of its class is
    left out too, unless too many are. Raises `DataError` as `target.read_targets` does, and where too few
    rows are left.
    """
    rows, notes = known_rows(raw, options)
    check_rows(raw.name, len(rows))
    targets = read_targets(with_rows(raw, rows), task, positive=positive, labels=labels)
    left_out: tuple[str, ...] = ()
    why = _why_quantities(targets) if splits and task is None else ""
    if why:
        note = f"task: regression, as {why}; --task multiclass takes them for classes"
        targets = replace(read_targets(with_rows(raw, rows), Task.REGRESSION), note=note)
    elif splits and _has_columns(raw) and not options.strict and (alone := _alone(targets)).any():
        left_out = tuple(str(targets.classes[code]) for code in np.unique(targets.y[alone]))
        notes = (*notes, _said_left_out(raw, rows[alone], left_out))
        rows = rows[~alone]
        targets = read_targets(with_rows(raw, rows), task, positive=positive)
    y = spread(targets.y, rows, raw.rows)
    return KnownTargets(targets=replace(targets, y=y), rows=rows, left_out=left_out, notes=notes)


def _has_columns(raw: Raw) -> bool:
    """Return whether this is a table with its target in it, whose rows can be left out."""
    return is_table(raw.x) and raw.given is None


def _why_quantities(targets: Targets) -> str:
    """Return why whole numbers that were taken for classes are none; "" where they are.

    Some stand in one row only; or most between the least and the greatest are not there, in uneven steps:
    0, 1, 2, 3, 7, 12.
    """
    numbers = [int(c) for c in targets.classes if isinstance(c, int) and not isinstance(c, bool)]
    if targets.one_hot or len(numbers) != len(targets.classes) or len(numbers) <= _MOST_GRADES:
        return ""
    if (np.bincount(targets.y) == 1).any():
        return f"some of {len(numbers)} distinct whole numbers stand in one row only"
    low, high = min(numbers), max(numbers)
    if len(numbers) < _DENSE * (high - low + 1) and len(np.unique(np.diff(sorted(numbers)))) > 1:
        return f"{len(numbers)} distinct whole numbers lie in uneven steps from {low} to {high}"
    return ""


def _alone(targets: Targets) -> NDArray[np.bool_]:
    """Return which rows are the only one of their class; none where two classes would not be left.

    Nor where these are more than one row in ten: then it is no target of classes.
    """
    if not targets.classes:
        return np.zeros(len(targets.y), dtype=bool)
    counts = np.bincount(targets.y, minlength=len(targets.classes))
    alone = counts[targets.y] == 1
    if (counts > 1).sum() < 2 or alone.sum() > _MOST_ALONE * len(alone):
        return np.zeros(len(alone), dtype=bool)
    return np.asarray(alone)


def _said_left_out(raw: Raw, rows: Indices, classes: Sequence[str]) -> str:
    named = first_of([repr(name) for name in classes], SHOWN)
    which = f"class {named} has" if len(classes) == 1 else f"classes {named} have"
    them = "it is" if len(classes) == 1 else "they are"
    return (
        f"{which} one row only, to train on or to validate on, and {them} left out: {raw.some(rows)};"
        " --strict refuses this"
    )


def known_rows(raw: Raw, options: TableOptions) -> tuple[Indices, tuple[str, ...]]:
    """Return the places of the rows that have a target, and what to say of the others.

    These are all rows of anything but a table with its target in it, and where rows without a target are
    to be refused.
    """
    every = np.arange(raw.rows)
    if not _has_columns(raw) or options.missing_target is MissingTarget.REFUSE:
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
