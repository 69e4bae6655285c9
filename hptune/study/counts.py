"""What a study's rows add up to, counted inside the database: quick, however many there are."""

from __future__ import annotations

import sqlite3

from hptune.study.records import JobProgress, Tally
from hptune.study.trial import Direction, TrialState

__all__ = ["epochs_used_by_pass", "jobs_without_epoch", "progress", "tallies", "trained_since"]

_BAD = ", ".join(f"'{state.value}'" for state in TrialState if state.is_bad)


def tallies(database: sqlite3.Connection, direction: Direction) -> tuple[Tally, ...]:
    """Return how many trials stand where, pass by pass."""
    best = "max" if direction is Direction.MAX else "min"
    query = (
        f"SELECT pass_number, state, count(*) AS trials, sum(seconds) AS seconds, {best}(score) AS best"
        " FROM trials GROUP BY pass_number, state ORDER BY pass_number"
    )
    found = (dict(row) for row in database.execute(query))
    return tuple(Tally(**row | {"state": TrialState(row["state"])}) for row in found)


def epochs_used_by_pass(database: sqlite3.Connection) -> dict[int, int]:
    """Return the epochs trained so far, by the number of the pass that asked for them."""
    # A job counts once reported, by what it trained; an interrupted one by what it trained so far.
    # What failed and was tried again is charged once, by the attempt that counts.
    query = (
        "SELECT pass_number, sum(json_array_length(curve)) AS epochs FROM jobs WHERE superseded_by IS NULL"
        " GROUP BY pass_number"
    )
    return {row["pass_number"]: row["epochs"] for row in database.execute(query)}


def jobs_without_epoch(database: sqlite3.Connection) -> int:
    """Return how many jobs ended badly without an epoch."""
    query = (
        "SELECT count(*) FROM jobs WHERE reported IS NOT NULL AND curve = '[]' AND superseded_by IS NULL"
        f" AND state IN ({_BAD})"
    )
    return int(database.execute(query).fetchone()[0])


def trained_since(database: sqlite3.Connection, moment: float) -> tuple[float, int]:
    """Return when the first trial after a moment was asked for, and the epochs trained since; else 0, 0.

    Those of trainings under way count as far as they were noted.
    """
    query = (
        "SELECT created_at, (SELECT min(id) FROM jobs WHERE trial_id = trials.id) AS job FROM trials"
        " WHERE created_at >= ? ORDER BY id LIMIT 1"
    )
    first = database.execute(query, (moment,)).fetchone()
    if first is None:
        return 0.0, 0
    trained = (
        "max(json_array_length(curve), CASE WHEN reported IS NULL THEN epoch - initial_epoch ELSE 0 END)"
    )
    query = f"SELECT sum({trained}) FROM jobs WHERE id >= ?"
    return first["created_at"], int(database.execute(query, (first["job"],)).fetchone()[0])


def progress(database: sqlite3.Connection) -> tuple[JobProgress, ...]:
    """Return what each job that was reported has cost and given, in the order they were reported.

    What a job gave counts for nothing where its trial came to nothing in the end.
    """
    query = (
        "SELECT trial_id, pass_number, json_array_length(curve) AS epochs, seconds,"
        f" CASE WHEN (SELECT state FROM trials WHERE id = trial_id) IN ({_BAD}) THEN NULL ELSE score END"
        " AS score,"
        " coalesce(json_extract(timings, '$.fit'), 0.0) AS fit_seconds"
        " FROM jobs WHERE reported IS NOT NULL AND superseded_by IS NULL ORDER BY reported"
    )
    return tuple(JobProgress(**dict(row)) for row in database.execute(query))
