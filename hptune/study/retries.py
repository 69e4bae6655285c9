"""Rows of jobs that failed, and of those that try them again."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from hptune.study import rows
from hptune.study.trial import TrialState

__all__ = ["FailedStretch", "failed_before", "failed_stretch", "note", "retrying_jobs", "supersede"]

_FAILED = TrialState.FAILED.value
_AGAIN = "; tried again"


def failed_before(database: sqlite3.Connection, job: int) -> tuple[int, ...]:
    """Return the trials that have failed and whose last job has a lower number than `job`."""
    query = (
        "SELECT id FROM trials WHERE state = ?"
        " AND (SELECT max(id) FROM jobs WHERE trial_id = trials.id) < ? ORDER BY id"
    )
    return tuple(row["id"] for row in database.execute(query, (_FAILED, job)))


@dataclass(frozen=True, kw_only=True)
class FailedStretch:
    """What of a failed trial's training is tried again."""

    initial_epoch: int
    """Epochs that the trial had had before."""
    epochs: int
    """Epochs that it should have had in the end."""
    charged: int
    """Epochs that were charged for it, which are charged no more once it is tried again."""


def failed_stretch(database: sqlite3.Connection, trial_id: int) -> FailedStretch:
    """Return what of a failed trial is tried again; it failed several times where it was suggested again."""
    failed, had = [], 0
    query = "SELECT * FROM jobs WHERE trial_id = ? AND superseded_by IS NULL ORDER BY id"
    for row in database.execute(query, (trial_id,)):
        if row["state"] == _FAILED:
            failed.append(row)
        else:
            had += len(rows.curve_of(row))
    assert failed, f"trial {trial_id} has not failed"
    charged = sum(max(1, len(rows.curve_of(row))) for row in failed)
    return FailedStretch(initial_epoch=had, epochs=max(row["epochs"] for row in failed), charged=charged)


def supersede(database: sqlite3.Connection, trial_id: int, job: int) -> None:
    """Let a job count instead of those of its trial that failed."""
    database.execute(
        "UPDATE jobs SET superseded_by = ? WHERE trial_id = ? AND state = ? AND superseded_by IS NULL",
        (job, trial_id, _FAILED),
    )


def retrying_jobs(database: sqlite3.Connection) -> frozenset[int]:
    """Return the jobs that try failed ones again."""
    query = "SELECT DISTINCT superseded_by AS job FROM jobs WHERE superseded_by IS NOT NULL"
    return frozenset(row["job"] for row in database.execute(query))


def note(known: str, before: str) -> str:
    """Return a trial's note with the remark that it is tried again; what follows `before` is asked anew."""
    known = known.partition(before)[0]
    return known if known.endswith(_AGAIN) else known + _AGAIN
