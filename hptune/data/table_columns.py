"""The columns of a table that was read: their names, what they hold, and the one to be predicted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hptune._text import first_of, is_number
from hptune.data.column_values import Judge, Judged, grouped_notes, missing_notes
from hptune.data.conversions import convert_column, convert_columns
from hptune.data.kinds import SourceKind
from hptune.data.raw import SHOWN, Raw
from hptune.data.reading import Reading
from hptune.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "check_names",
    "check_target",
    "is_headless",
    "judge_columns",
    "listed_names",
    "raw_of_frame",
    "read_columns",
    "take_target",
]

NAMES_WANTED = "Does the file begin with a line of column names?"


def read_columns(
    frame: pd.DataFrame, judge: Judge
) -> tuple[pd.DataFrame, tuple[Mapping[str, Any], ...], list[str]]:
    """Give columns text for names, and tell numbers, levels and missing values apart.

    Returns the table with its columns converted, what was converted, and what to say of it. Raises
    `DataError` for names that stand twice, and what `Judge.column` does.
    """
    frame = frame.set_axis([str(column) for column in frame.columns], axis=1)
    check_names(Path(judge.name), list(frame.columns))
    conversions, notes = judge_columns(judge, ((name, frame[name]) for name in frame.columns))
    return convert_columns(frame, conversions), conversions, notes


def raw_of_frame(
    frame: pd.DataFrame,
    target: str | None,
    judge: Judge,
    kind: SourceKind,
    *,
    reading: Reading | None = None,
    notes: Sequence[str] = (),
) -> Raw:
    """Return a table with its target as it is learned from; `notes` stand before those of its columns.

    Raises `DataError` as `read_columns` and `take_target` do.
    """
    frame, conversions, said = read_columns(frame, judge)
    x, y = take_target(judge.name, frame, target)
    return Raw(
        name=judge.name,
        kind=kind,
        x=x,
        y=y,
        target=str(y.name),
        reading=replace(reading or Reading(), conversions=conversions),
        notes=(*notes, *said),
        where=judge.where,
    )


def judge_columns(
    judge: Judge, columns: Iterable[tuple[str, pd.Series[Any]]]
) -> tuple[tuple[Mapping[str, Any], ...], list[str]]:
    """Return how columns are converted, and what to say of them."""
    conversions: list[Mapping[str, Any]] = []
    notes: list[str] = []
    found: dict[str, Judged] = {}
    for name, column in columns:
        judged = judge.column(column)
        notes += judged.notes
        found[name] = judged
        if judged.conversion is not None:
            conversions.append(judged.conversion)
            column = convert_column(column, judged.conversion)
        said = judge.infinite(column)
        notes += [said] if said else []
    words = {name: judged.words for name, judged in found.items()}
    return tuple(conversions), [*missing_notes(found), *notes, *grouped_notes(words)]


def take_target(name: str, frame: pd.DataFrame, target: str | None) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Part the target column from the others.

    Raises `DataError` with the columns there are where the target is not given or not among them.
    """
    columns = [str(column) for column in frame.columns]
    target = check_target(name, columns, target)
    return frame.drop(columns=frame.columns[columns.index(target)]), frame[target]


def check_target(name: str, columns: Sequence[str], target: str | None) -> str:
    """Return the target; refuses one that is not given, none of the columns, or the only one."""
    doubt = f" {NAMES_WANTED}" if is_headless(columns) else ""
    if target is None:
        raise DataError(
            f"{name}: say which column is to be predicted",
            hint=f"Give --target COLUMN. Columns: {listed_names(columns)}.{doubt}",
        )
    if target not in columns:
        near = did_you_mean(target, columns)
        raise DataError(
            f"{name}: has no column {target!r}",
            hint=(near if near.startswith("Did") else f"Columns: {listed_names(columns)}.") + doubt,
        )
    if len(columns) == 1:
        raise DataError(f"{name}: has no column but the target {target!r}")
    return target


def check_names(path: Path, header: Sequence[str]) -> None:
    """Raise `DataError` for column names that stand twice."""
    twice = sorted(name for name, count in Counter(header).items() if name and count > 1)
    if twice:
        raise DataError(
            f"{path.name}: column name{'s' if len(twice) > 1 else ''} {listed_names(twice)} stand"
            f"{'' if len(twice) > 1 else 's'} twice",
            hint=NAMES_WANTED if is_headless(header) else "Give every column a name of its own.",
        )


def is_headless(names: Sequence[str]) -> bool:
    """Return whether values seem to stand for column names: numbers, or fractions for half of them at least.

    Rising whole numbers are names, as places and years are.
    """
    numbers = [name for name in names if is_number(name)]
    whole = [int(name) for name in numbers if name.strip().isdecimal()]
    if 2 * (len(numbers) - len(whole)) >= len(names):
        return True
    return len(numbers) == len(names) and whole != sorted(set(whole))


def listed_names(names: Sequence[str]) -> str:
    """Return the first column names in quotes, and how many more there are."""
    return first_of([repr(name) for name in names], 4 * SHOWN)
