"""What a study holds, read: any number of processes do so, also while it is searched."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from hptune.errors import StudyError, StudyMismatchError
from hptune.space import Hyperparameter, Space
from hptune.study import confirmations, counts, retries, rows
from hptune.study.damage import reading
from hptune.study.notes import StudyNotes, read_notes
from hptune.study.passes import select_found, select_passes
from hptune.study.records import Ask, Confirmation, Identity, JobProgress, Pass, Report, Tally
from hptune.study.retries import FailedStretch
from hptune.study.trial import Direction, Epoch, Job, Trial, TrialState

__all__ = ["ReadStudy"]


class ReadStudy:
    """An open study, as who reads it sees it; `Study` opens one."""

    folder: Path
    identity: Identity
    _database: sqlite3.Connection

    def require(self, wanted: Identity) -> None:
        """Raise StudyMismatchError where `wanted` differs in what makes trials comparable."""
        found = self.identity.difference(wanted)
        if found:
            raise StudyMismatchError(
                f"{self.folder}: this study can't be resumed with this command: {found}",
                hint=f"Give the new search its own folder with --study, or archive this one with --fresh "
                f"(it is renamed to {self.folder.name}.1, nothing is lost).",
            )

    @property
    @reading
    def notes(self) -> StudyNotes:
        """What its search noted so far."""
        found = self._database.execute("SELECT key, value FROM meta WHERE key <> 'identity'")
        return read_notes({row["key"]: row["value"] for row in found})

    @reading
    def passes(self) -> tuple[Pass, ...]:
        """Return the passes so far, in order."""
        return select_passes(self._database)

    @reading
    def found(self) -> tuple[Hyperparameter, ...]:
        """Return what only trials asked for, in the order in which it was found: searched since."""
        found = {hp.name: hp for hp in (*self.notes.found, *select_found(self._database))}
        return tuple(found.values())

    def begun_passes(self) -> tuple[Pass, ...]:
        """Return the passes so far; raises StudyError where there is none yet."""
        passes = self.passes()
        if not passes:
            raise StudyError(f"{self.folder}: no pass has started yet", hint="Resume the search first.")
        return passes

    @cached_property
    def _root(self) -> Space | None:
        """What the first pass began with, which says what values may be; None before it."""
        row = self._database.execute("SELECT number, space FROM passes ORDER BY number LIMIT 1").fetchone()
        return None if row is None else rows.space_of(row)

    @reading
    def trials(self, *, curves: bool = True) -> tuple[Trial, ...]:
        """Return all trials in the order they were asked for; without curves it is faster."""
        found: dict[int, list[Epoch]] = {}
        if curves:
            query = "SELECT id, trial_id, curve FROM jobs WHERE superseded_by IS NULL ORDER BY id"
            for row in self._database.execute(query):
                found.setdefault(row["trial_id"], []).extend(rows.curve_of(row))
        goal = self.identity.objective if curves else None
        return tuple(
            rows.trial_from_row(row, tuple(found.get(row["id"], ())), self._root, goal)
            for row in self._database.execute("SELECT * FROM trials ORDER BY id")
        )

    @reading
    def trial(self, trial_id: int) -> Trial:
        """Return one trial with its curve; raises StudyError if there is no such trial."""
        row = self._database.execute("SELECT * FROM trials WHERE id = ?", (trial_id,)).fetchone()
        if row is None:
            last = self._database.execute("SELECT count(*) FROM trials").fetchone()[0]
            raise StudyError(
                f"{self.folder}: there is no trial {trial_id}", hint=f"They go from 1 to {last}."
            )
        return rows.trial_from_row(row, self._curve(trial_id), self._root, self.identity.objective)

    @reading
    def best(self, count: int) -> tuple[Trial, ...]:
        """Return the best trials that have a score, best first, without curves."""
        order = "DESC" if self.identity.direction is Direction.MAX else "ASC"
        found = self._database.execute(
            f"SELECT * FROM trials WHERE score IS NOT NULL ORDER BY score {order}, id LIMIT ?", (count,)
        )
        return tuple(rows.trial_from_row(row, (), self._root) for row in found)

    @reading
    def tallies(self) -> tuple[Tally, ...]:
        """Return how many trials stand where, pass by pass: quick, however many there are."""
        return counts.tallies(self._database, self.identity.direction)

    def _curve(self, trial_id: int) -> tuple[Epoch, ...]:
        found = self._database.execute(
            "SELECT id, curve FROM jobs WHERE trial_id = ? AND superseded_by IS NULL ORDER BY id", (trial_id,)
        )
        return tuple(epoch for row in found for epoch in rows.curve_of(row))

    def epochs_used(self, pass_number: int | None = None) -> int:
        """Return the epochs trained so far, in all or in one pass."""
        found = self.epochs_used_by_pass()
        return sum(found.values()) if pass_number is None else found.get(pass_number, 0)

    @reading
    def epochs_used_by_pass(self) -> dict[int, int]:
        """Return the epochs trained so far, by the number of the pass that asked for them."""
        return counts.epochs_used_by_pass(self._database)

    @reading
    def jobs_without_epoch(self) -> int:
        """Return how many jobs ended badly without an epoch."""
        return counts.jobs_without_epoch(self._database)

    @reading
    def trained_since(self, moment: float) -> tuple[float, int]:
        """Return when the first trial after a moment was asked for, and the epochs since; else 0, 0."""
        return counts.trained_since(self._database, moment)

    def next_job(self) -> int:
        """Return the number that the next job will have."""
        return int(self._database.execute("SELECT coalesce(max(id), 0) + 1 FROM jobs").fetchone()[0])

    @reading
    def model_versions(self) -> dict[int, int]:
        """Return, for each trial, by which version of the model it was trained last.

        The first is 1; a next one is counted where a search was resumed with changed code.
        """
        firsts = [version.first_job for version in self.notes.model_versions]
        found = self._database.execute("SELECT trial_id, max(id) FROM jobs GROUP BY trial_id")
        return {trial: 1 + sum(first <= job for first in firsts) for trial, job in found}

    def trained_with(self) -> dict[int, str]:
        """Return, for each trial, the fingerprint of the code of the model that it was trained with last."""
        later = (version.fingerprint for version in self.notes.model_versions)
        known = (self.identity.model_fingerprint, *later)
        return {trial: known[version - 1] for trial, version in self.model_versions().items()}

    @reading
    def failed_stretch(self, trial_id: int) -> FailedStretch:
        """Return what of a failed trial is tried again."""
        return retries.failed_stretch(self._database, trial_id)

    @reading
    def failed_before(self, job: int) -> tuple[int, ...]:
        """Return the trials that have failed and whose last job has a lower number than `job`, in order."""
        return retries.failed_before(self._database, job)

    @reading
    def open_jobs(self) -> tuple[Job, ...]:
        """Return the jobs that were asked for and not reported, each from where it stopped."""
        found = []
        for row in self._database.execute("SELECT * FROM jobs WHERE reported IS NULL ORDER BY id").fetchall():
            trial = self.trial(row["trial_id"])
            begun = row["initial_epoch"] + len(rows.curve_of(row))
            found.append(rows.job_of(row["id"], trial, begun, row["epochs"]))
        return tuple(found)

    @reading
    def running(self) -> dict[int, tuple[int, int]]:
        """Return for each trial that has an open job the epoch it reached and the epochs it goes to."""
        query = (
            "SELECT trial_id, max(epoch, initial_epoch + json_array_length(curve)) AS epoch, epochs"
            " FROM jobs WHERE reported IS NULL"
        )
        return {row["trial_id"]: (row["epoch"], row["epochs"]) for row in self._database.execute(query)}

    @reading
    def progress(self) -> tuple[JobProgress, ...]:
        """Return what each job that was reported has cost and given, in the order they were reported."""
        return counts.progress(self._database)

    @reading
    def events(self) -> Iterator[Ask | Report]:
        """Return all asks and reports in the order they happened."""
        return iter(tuple(self._events()))

    def _events(self) -> Iterator[Ask | Report]:
        query = (
            "SELECT *, asked AS event, 1 AS is_ask FROM jobs UNION ALL"
            " SELECT *, reported AS event, 0 AS is_ask FROM jobs WHERE reported IS NOT NULL ORDER BY event"
        )
        trials = {trial.id: trial for trial in self.trials(curves=False)}
        again = retries.retrying_jobs(self._database)
        for row in self._database.execute(query):
            if row["is_ask"]:
                yield Ask(
                    job=rows.job_of(row["id"], trials[row["trial_id"]], row["initial_epoch"], row["epochs"]),
                    oracle_values=rows.oracle_values_of(row),
                    memo=rows.memo_of(row),
                    pass_number=row["pass_number"],
                    retries=row["id"] in again,
                )
            else:
                yield Report(
                    job_id=row["id"],
                    trial_id=row["trial_id"],
                    state=TrialState(row["state"]),
                    score=row["score"],
                    epochs=row["initial_epoch"] + len(rows.curve_of(row)),
                    pass_number=row["pass_number"],
                    added=rows.added_of(row),
                    found=rows.found_of(row),
                )

    @reading
    def confirmations(self) -> tuple[Confirmation, ...]:
        """Return how trials did with other seeds, by trial and number."""
        return confirmations.select(self._database)
