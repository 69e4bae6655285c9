"""The database's tables, and who may open them."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from hptune.errors import DamagedStudyError, StudyError
from hptune.study.migrations import migrate

__all__ = ["VERSION", "connect", "create", "has_tables", "is_damage", "transaction"]

VERSION = 4
"""Raised whenever a table changes; what a newer hptune wrote is refused."""

_TABLES = """
-- identity, and the notes of the search, each as JSON.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE passes (
    number INTEGER PRIMARY KEY,
    space TEXT NOT NULL,            -- JSON
    proposal TEXT,                  -- JSON: what made this space; NULL for a space that was given
    origin TEXT NOT NULL,           -- given, narrowed or user
    started_at REAL NOT NULL
);

-- Trained epochs and scores are what their jobs' outcomes add up to, kept here to be read fast.
CREATE TABLE trials (
    id INTEGER PRIMARY KEY,
    pass_number INTEGER NOT NULL REFERENCES passes,
    "values" TEXT NOT NULL,         -- JSON
    seed INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    traceback TEXT NOT NULL DEFAULT '',
    score REAL,
    best_epoch INTEGER,
    epochs INTEGER NOT NULL DEFAULT 0,
    seconds REAL NOT NULL DEFAULT 0,
    parameters INTEGER,
    checkpoint TEXT NOT NULL DEFAULT '',
    created_at REAL NOT NULL,
    note TEXT NOT NULL DEFAULT ''
);

-- asked and reported number the events of the whole study: replaying them rebuilds the oracle.
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    trial_id INTEGER NOT NULL REFERENCES trials,
    pass_number INTEGER NOT NULL REFERENCES passes,
    initial_epoch INTEGER NOT NULL,
    epochs INTEGER NOT NULL,
    asked INTEGER NOT NULL UNIQUE,
    reported INTEGER UNIQUE,
    oracle_values TEXT NOT NULL,    -- JSON: what the oracle said, tuner/… included
    memo TEXT,                      -- JSON: the oracle's small state after the ask
    score REAL,                     -- of the trial, as reported to the oracle
    state TEXT NOT NULL,            -- of the trial, as reported to the oracle; running until then
    curve TEXT NOT NULL DEFAULT '[]',
    epoch INTEGER NOT NULL DEFAULT 0,  -- where it is, while it runs
    timings TEXT NOT NULL DEFAULT '{}',
    seconds REAL NOT NULL DEFAULT 0,
    added TEXT,                     -- JSON: values of what its model asked for beyond the trial's
    found TEXT,                     -- JSON: hyperparameters by which its report extends the space
    superseded_by INTEGER           -- the job that tries a failed one again; NULL for what counts
);

-- Trials trained again from the start with other seeds; they cost nothing of the search's budget.
CREATE TABLE confirmations (
    trial_id INTEGER NOT NULL REFERENCES trials,
    asked INTEGER NOT NULL,         -- epochs that the trial had had when it was trained again
    number INTEGER NOT NULL,        -- from 1
    seed INTEGER NOT NULL,
    score REAL,                     -- NULL where it could not be trained
    best_epoch INTEGER,
    epochs INTEGER NOT NULL,
    seconds REAL NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (trial_id, asked, number)
) WITHOUT ROWID;

CREATE INDEX trials_by_score ON trials (score) WHERE score IS NOT NULL;
CREATE INDEX jobs_by_trial ON jobs (trial_id);
CREATE INDEX jobs_under_way ON jobs (id) WHERE reported IS NULL;
CREATE INDEX jobs_that_found ON jobs (reported) WHERE found IS NOT NULL;
CREATE INDEX jobs_superseded ON jobs (superseded_by) WHERE superseded_by IS NOT NULL;
"""


_NO_DAMAGE = ("BUSY", "LOCKED", "READONLY", "IOERR", "FULL", "CANTOPEN", "NOMEM", "INTERRUPT", "PERM")
"""How the names of SQLite's errors go on after SQLITE_ that tell nothing of the file's content."""


_LONGEST_PATH = 500
"""Bytes of a path that SQLite opens, with what it adds for its journals."""


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether SQLite's error is of what the file holds, and not of a lock, rights or room."""
    name = (getattr(error, "sqlite_errorname", None) or "SQLITE_ERROR").removeprefix("SQLITE_")
    return not name.startswith(_NO_DAMAGE)


def _refuse_long_path(path: str) -> None:
    """Raise StudyError where it is the length of its path for which SQLite can't open a file."""
    length = len(os.fsencode(Path(path).absolute()))
    if length > _LONGEST_PATH:
        raise StudyError(
            f"{path}: the whole path has {length} bytes, and SQLite takes {_LONGEST_PATH}",
            hint="Choose a folder nearer to the root with --study.",
        )


def connect(path: str, *, read_only: bool) -> sqlite3.Connection:
    """Open a database: one writer, any number of readers; raises StudyError if it is not ours."""
    _refuse_super_journal(Path(f"{path}-journal"))
    mode = "ro" if read_only else "rwc"
    database = None
    try:
        database = sqlite3.connect(f"file:{quote(path)}?mode={mode}", uri=True, isolation_level=None)
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA busy_timeout = 10000")
        if not read_only:
            database.execute("PRAGMA journal_mode = WAL")
            # A commit survives the death of the process; after a power cut the last trials may
            # be missing, the study is whole, and they are trained again with the same result.
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("PRAGMA foreign_keys = ON")
        version = int(database.execute("PRAGMA user_version").fetchone()[0])
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if database is not None:
            database.close()
        if read_only and Path(f"{path}-journal").exists() and _is_rolled_back(path):
            return connect(path, read_only=True)
        _refuse_long_path(path)
        raise StudyError(
            f"{path}: can't be opened as a study: {error}",
            hint="A search with --fresh archives it and starts over.",
        ) from error
    if version > VERSION:
        database.close()
        raise StudyError(
            f"{path}: written by a newer hptune (schema {version}; this one knows {VERSION})",
            hint="Upgrade hptune.",
        )
    return _up_to_date(path, database, version, read_only=read_only) if 0 < version < VERSION else database


def _up_to_date(
    path: str, database: sqlite3.Connection, version: int, *, read_only: bool
) -> sqlite3.Connection:
    """Migrate a database of an older schema: in its file for the writer, in memory for a reader."""
    if read_only:
        copy = sqlite3.connect(":memory:", isolation_level=None)
        database.backup(copy)
        database.close()
        database, copy.row_factory = copy, sqlite3.Row
    try:
        with transaction(database):
            migrate(database, version)
            database.execute(f"PRAGMA user_version = {VERSION}")
    except (sqlite3.Error, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        database.close()
        if isinstance(error, sqlite3.Error) and not is_damage(error):
            raise
        raise DamagedStudyError(
            f"{path}: the study is damaged, or was edited: written by an older hptune (schema {version}),"
            f" and can't be brought up to date: {error}",
            hint="A search with --fresh archives it and starts over; nothing of it is deleted.",
        ) from error
    if read_only:
        database.execute("PRAGMA query_only = ON")
    return database


_NAMES_ANOTHER = bytes.fromhex("d9d505f920a163d7")
"""How a journal ends that names a second one."""


def _refuse_super_journal(journal: Path) -> None:
    """Raise StudyError for a journal that names another file: SQLite would delete that file.

    Only transactions over several databases make one, which hptune has none of.
    """
    try:
        with journal.open("rb") as file:
            file.seek(-len(_NAMES_ANOTHER), 2)
            names_another = file.read() == _NAMES_ANOTHER
    except OSError:
        return
    if names_another:
        raise StudyError(
            f"{journal}: names a file that is to be deleted, which no search wrote",
            hint="The study was edited: nothing of it is opened.",
        )


def _is_rolled_back(path: str) -> bool:
    """Undo what a killed process had half written, which a reader can't; return whether that worked."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        return False
    return not Path(f"{path}-journal").exists()


def create(path: Path, meta: Mapping[str, str]) -> None:
    """Make a database with its tables and `meta`; it appears whole or, killed at any instant, not at all.

    Raises StudyError where it can't be written.
    """
    new = path.with_name(f"{path.name}.new")
    leftovers = [Path(f"{file}{suffix}") for file in (new, path) for suffix in ("-journal", "-wal", "-shm")]
    try:
        for file in (new, *leftovers):
            file.unlink(missing_ok=True)
        # Without a write-ahead log, which a full disk would leave beside the file that is renamed.
        with contextlib.closing(sqlite3.connect(new, isolation_level=None)) as database:
            database.executescript(f"BEGIN IMMEDIATE;\n{_TABLES}\nPRAGMA user_version = {VERSION};")
            database.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
            database.execute("COMMIT")
        new.replace(path)
    except (sqlite3.Error, OSError) as error:
        _refuse_long_path(str(path))
        raise StudyError(f"{path.parent}: can't write the study: {error}") from error


def has_tables(path: Path) -> bool:
    """Return whether a study exists there; a search killed in its first instant leaves an empty file."""
    database = connect(str(path), read_only=True)
    try:
        return database.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is not None
    except (sqlite3.Error, UnicodeDecodeError) as error:
        # SQLite quotes damaged text in its messages, and Python decodes those.
        raise StudyError(
            f"{path}: can't be read as a study: {error}",
            hint="A search with --fresh archives it and starts over; nothing of it is deleted.",
        ) from error
    finally:
        database.close()


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Write all that is done inside, or nothing of it."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
