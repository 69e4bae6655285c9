"""A study whose database is damaged or was edited: what of it is damaged, and what is whole."""

from __future__ import annotations

import contextlib
import functools
import shlex
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from hptune.errors import DamagedStudyError
from hptune.study import rows
from hptune.study.cells import TABLES, DamagedCellError, checked, shown
from hptune.study.folder import DATABASE
from hptune.study.schema import connect, is_damage
from hptune.study.trial import Direction, Trial

__all__ = ["WholeTrials", "damaged_memo", "naming_damage", "read_whole_trials", "reading", "require_whole"]

_SHOWN = 3
"""Damages that are listed."""
_EVENTS = "(SELECT count(*) + count(reported) FROM jobs)"
_RULES = (
    ("trials", "id", "id NOT IN (SELECT trial_id FROM jobs)", "a trial that was asked for"),
    ("trials", "id", "id > (SELECT count(*) FROM trials)", "numbers without a gap"),
    ("jobs", "asked", f"asked > {_EVENTS}", "numbers of events without a gap"),
    ("jobs", "reported", f"reported > {_EVENTS}", "numbers of events without a gap"),
    ("trials", "pass_number", "pass_number NOT IN (SELECT number FROM passes)", "the number of a pass"),
    ("trials", "best_epoch", "best_epoch > epochs", "an epoch that it has had"),
    ("trials", "best_epoch", "(best_epoch IS NULL) <> (score IS NULL)", "an epoch where there is a score"),
    ("jobs", "trial_id", "trial_id NOT IN (SELECT id FROM trials)", "the number of a trial"),
    ("jobs", "superseded_by", "superseded_by NOT IN (SELECT id FROM jobs)", "the number of a job"),
    ("jobs", "pass_number", "pass_number NOT IN (SELECT number FROM passes)", "the number of a pass"),
    (
        "jobs",
        "timings",
        "CASE WHEN json_valid(timings) THEN typeof(coalesce(json_extract(timings, '$.fit'), 0))"
        " NOT IN ('real', 'integer') ELSE 0 END",
        "seconds by what they were spent on",
    ),
    ("confirmations", "trial_id", "trial_id NOT IN (SELECT id FROM trials)", "the number of a trial"),
    ("confirmations", "best_epoch", "best_epoch > epochs", "an epoch that it has had"),
    (
        "confirmations",
        "best_epoch",
        "(best_epoch IS NULL) <> (score IS NULL)",
        "an epoch where there is a score",
    ),
)
"""Table, column, when it is wrong, and what belongs there, beyond what one cell tells."""
_FEW = ("meta", "passes")
"""Tables of few rows, which are read whole whenever a study is opened."""


class _OpenStudy(Protocol):
    folder: Path
    _database: sqlite3.Connection


P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound=_OpenStudy)


def reading(
    method: Callable[Concatenate[S, P], R],
) -> Callable[Concatenate[S, P], R]:
    """Let a method that reads a study raise DamagedStudyError where what it reads is damaged."""

    @functools.wraps(method)
    def read(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with naming_damage(self.folder, self._database):
            return method(self, *args, **kwargs)

    return read


@contextlib.contextmanager
def naming_damage(folder: Path, database: sqlite3.Connection) -> Iterator[None]:
    """Turn what reading a damaged database raises into a DamagedStudyError that names the damage."""
    try:
        yield
    except DamagedCellError as error:
        raise _error(folder, [str(error)], database) from error
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if isinstance(error, sqlite3.Error) and not is_damage(error):
            raise
        raise _error(folder, _found(database) or [str(error)], database) from error


def require_whole(folder: Path, database: sqlite3.Connection) -> None:
    """Raise DamagedStudyError where a cell holds a wrong kind of value.

    What the JSON of trials and jobs holds is seen where it is read: quick, however many there are.
    """
    with naming_damage(folder, database):
        for table, known in TABLES.items():
            wrong = " OR ".join([known.damaged, *(rule for t, _, rule, _ in _RULES if t == table)])
            columns = ", ".join(f'"{name}"' for name in known.columns)
            if database.execute(f"SELECT {columns} FROM {table} WHERE {wrong} LIMIT 1").fetchone() is None:
                continue
            raise _error(folder, _found(database) or [f"{table}: a row that no search wrote"], database)
        for table in _FEW:
            for row in database.execute(f"SELECT * FROM {table}"):
                rows.read_whole(table, row)


@dataclass(frozen=True, kw_only=True)
class WholeTrials:
    """The trials of a damaged study that can be read."""

    trials: tuple[Trial, ...]
    """Those that have a score, best first, without curves."""
    damage: tuple[str, ...]
    """What can't be read."""


def damaged_memo(study: _OpenStudy, job: int, memo: object) -> DamagedStudyError:
    """Return the error that names a job's memo of which its search algorithm can make nothing."""
    cell = DamagedCellError("jobs", job, "memo", shown(memo), "what the search algorithm noted")
    return _error(study.folder, [str(cell)], study._database)


def read_whole_trials(folder: Path) -> WholeTrials:
    """Return the trials with a score that are whole; raises StudyError where the file can't be opened."""
    database = connect(str(folder / DATABASE), read_only=True)
    with contextlib.closing(database):
        trials: list[Trial] = []
        damage = _found(database, on_trial=trials.append)
        maximised = True
        with contextlib.suppress(sqlite3.Error, UnicodeDecodeError, DamagedCellError, TypeError):
            row = database.execute("SELECT value FROM meta WHERE key = 'identity'").fetchone()
            maximised = rows.identity_from_json(row["value"]).direction is Direction.MAX
    scored = [trial for trial in trials if trial.score is not None]
    ranked = sorted(scored, key=lambda t: (-(t.score or 0.0) if maximised else t.score or 0.0, t.id))
    return WholeTrials(trials=tuple(ranked), damage=tuple(damage))


def _found(database: sqlite3.Connection, on_trial: Callable[[Trial], object] | None = None) -> list[str]:
    """Return everything that is damaged, in words, by reading every row."""
    found: list[str] = []
    for table, known in TABLES.items():
        there = _columns(database, table)
        lacking = [name for name in known.columns if name not in there]
        if lacking:
            found.append(f"there is no table {table}" if not there else f"{table} has no column {lacking[0]}")
            continue
        broken = {row: said for said, row in _broken_rules(database, table)}
        found += broken.values()
        for row in _rows(database, table, found):
            try:
                checked(table, dict(row))
                made = rows.read_whole(table, row)
            except DamagedCellError as error:
                found.append(str(error))
                continue
            if on_trial is not None and isinstance(made, Trial) and row[known.key] not in broken:
                on_trial(made)
    return list(dict.fromkeys(found))


def _columns(database: sqlite3.Connection, table: str) -> list[str]:
    try:
        return [row["name"] for row in database.execute(f"PRAGMA table_info({table})")]
    except (sqlite3.Error, UnicodeDecodeError):
        return []


def _broken_rules(database: sqlite3.Connection, table: str) -> Iterator[tuple[str, object]]:
    key = TABLES[table].key
    for one, column, wrong, expected in _RULES:
        if one != table:
            continue
        with contextlib.suppress(sqlite3.Error, UnicodeDecodeError):
            for row in database.execute(f"SELECT {key} AS row, {column} AS cell FROM {table} WHERE {wrong}"):
                error = DamagedCellError(table, row["row"], column, repr(row["cell"]), expected)
                yield str(error), row["row"]


def _rows(database: sqlite3.Connection, table: str, found: list[str]) -> Iterator[sqlite3.Row]:
    """Yield a table's rows one by one, as far as they can be read; notes what can't."""
    key = TABLES[table].key
    last: object = None
    database.text_factory = _text
    try:
        for row in database.execute(f"SELECT * FROM {table} ORDER BY {key}"):
            last = row[key]
            yield row
    except (sqlite3.Error, UnicodeDecodeError) as error:
        where = "can't be read" if last is None else f"can't be read past row {last}"
        found.append(f"{table} {where}: {error}")
    finally:
        database.text_factory = str


def _text(content: bytes) -> str | bytes:
    """Return text, or the bytes where they are none, which no check takes for text."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content


def _error(folder: Path, found: list[str], database: sqlite3.Connection) -> DamagedStudyError:
    rest = len(found) - _SHOWN
    more = [f"and {rest} more"] if rest > 0 else []
    listed = "".join(f"\n  {one}" for one in [*found[:_SHOWN], *more])
    readable = _scored(database)
    hint = "A search with --fresh archives the study and starts over; nothing of it is deleted."
    if readable:
        command = f"hptune export {shlex.quote(str(folder))} --format csv --top {readable}"
        hint = f"The trials that are whole can be read: {command}\n{hint}"
    return DamagedStudyError(f"{folder / DATABASE}: the study is damaged, or was edited:{listed}", hint=hint)


def _scored(database: sqlite3.Connection) -> int:
    """Return how many trials seem to have a score; 0 where that can't be told."""
    try:
        return int(database.execute("SELECT count(*) FROM trials WHERE score IS NOT NULL").fetchone()[0])
    except (sqlite3.Error, UnicodeDecodeError):
        return 0
