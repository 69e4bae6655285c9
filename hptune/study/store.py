"""A study's database: everything that was asked, trained and reported, in the order it happened.

One process writes, any number read. Each public method that writes is one transaction, so that a
process killed at any instant leaves the study as it was before or after the call.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

from hptune.errors import StudyError, StudyMismatchError
from hptune.space import Hyperparameter, Space, Value, Values
from hptune.space.describe import describe_value
from hptune.study import confirmations, counts, retries, rows, schema
from hptune.study.damage import naming_damage, reading, require_whole
from hptune.study.folder import DATABASE
from hptune.study.notes import StudyNotes, note_to_json, read_notes
from hptune.study.passes import select_found, select_passes
from hptune.study.proposal import Proposal
from hptune.study.records import Ask, Confirmation, Identity, JobProgress, Pass, Report, Tally
from hptune.study.retries import FailedStretch
from hptune.study.schema import transaction
from hptune.study.trial import Direction, Epoch, Job, Outcome, OutcomeState, Trial, TrialState

__all__ = ["Study"]

_UNSEARCHED = "; not searched: "


class Study:
    """An open study. Use `create` or `open`; close it, or use it in a `with` statement."""

    def __init__(self, folder: Path, database: sqlite3.Connection, identity: Identity) -> None:
        self.folder = folder
        self.identity = identity
        self._database = database

    @classmethod
    def create(cls, folder: Path, identity: Identity, *, command: str = "") -> Study:
        """Make a study in `folder`; raises StudyError if it can't be written."""
        from hptune import __version__

        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StudyError(
                f"{folder}: can't make the study's folder: {error.strerror}",
                hint="Choose another with --study.",
            ) from error
        if (folder / DATABASE).exists() and schema.has_tables(folder / DATABASE):
            raise StudyError(f"{folder}: holds a study already", hint="Choose another with --study.")
        notes = {"created_at": time.time(), "version": __version__, "command": command}
        meta = {"identity": json.dumps(asdict(identity))}
        meta |= {name: note_to_json(name, value) for name, value in notes.items()}
        schema.create(folder / DATABASE, meta)
        return cls(folder, schema.connect(str(folder / DATABASE), read_only=False), identity)

    @classmethod
    def open(cls, folder: Path, *, read_only: bool = True) -> Study:
        """Open the study in `folder`; raises StudyError if there is none.

        Raises DamagedStudyError where its database holds what no search wrote.
        """
        path = folder / DATABASE
        if not path.is_file() or not schema.has_tables(path):
            raise StudyError(f"{folder}: there is no study here", hint="Begin one with `hptune search`.")
        database = schema.connect(str(path), read_only=read_only)
        try:
            require_whole(folder, database)
            with naming_damage(folder, database):
                row = database.execute("SELECT value FROM meta WHERE key = 'identity'").fetchone()
                identity = rows.identity_from_json("null" if row is None else row["value"])
        except (sqlite3.Error, StudyError):
            database.close()
            raise
        return cls(folder, database, identity)

    @staticmethod
    def exists(folder: Path) -> bool:
        """Return whether a study exists in `folder`."""
        return (folder / DATABASE).is_file() and schema.has_tables(folder / DATABASE)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def __enter__(self) -> Study:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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

    def note(self, **noted: Any) -> None:
        """Note fields of StudyNotes, replacing what they were; raises ValueError for another name."""
        rows = [(name, note_to_json(name, value)) for name, value in noted.items()]
        with transaction(self._database):
            self._database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)

    # Passes

    def open_pass(self, space: Space, *, proposal: Proposal | None, origin: str) -> Pass:
        """Begin the next pass over `space`."""
        with transaction(self._database):
            number = 1 + int(
                self._database.execute("SELECT coalesce(max(number), 0) FROM passes").fetchone()[0]
            )
            text = None if proposal is None else rows.proposal_to_json(proposal)
            self._database.execute(
                "INSERT INTO passes VALUES (?, ?, ?, ?, ?)",
                (number, rows.space_to_json(space), text, origin, time.time()),
            )
        self.__dict__.pop("_root", None)
        return self.passes()[-1]

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

    # Trials

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

    # The search

    def record_ask(
        self,
        *,
        trial: Trial,
        initial_epoch: int,
        epochs: int,
        oracle_values: Mapping[str, Value],
        memo: object = None,
        pass_number: int,
    ) -> Job:
        """Write down what the oracle asked for, before anything is trained.

        A trial with id 0 is new and gets the next id.
        """
        with transaction(self._database):
            if trial.id == 0:
                cursor = self._database.execute(
                    'INSERT INTO trials (pass_number, "values", seed, state, created_at, note)'
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        trial.pass_number,
                        json.dumps(dict(trial.values)),
                        trial.seed,
                        TrialState.RUNNING.value,
                        time.time(),
                        trial.note,
                    ),
                )
                trial = replace(trial, id=int(cursor.lastrowid or 0))
            else:
                self._database.execute(
                    "UPDATE trials SET state = ?, reason = '' WHERE id = ?",
                    (TrialState.RUNNING.value, trial.id),
                )
            job = self._insert_job(trial.id, pass_number, initial_epoch, epochs, oracle_values, memo)
        return rows.job_of(job, trial, initial_epoch, epochs)

    def record_retry(self, trial_id: int, *, pass_number: int) -> Job:
        """Write down that a failed trial is tried again, before anything is trained.

        Its new job goes as far as those that failed should have gone, and counts instead of them.
        """
        with transaction(self._database):
            failed = retries.failed_stretch(self._database, trial_id)
            had, until = failed.initial_epoch, failed.epochs
            job = self._insert_job(trial_id, pass_number, had, until, {}, None)
            retries.supersede(self._database, trial_id, job)
            note = retries.note(self.trial(trial_id).note, _UNSEARCHED)
            self._database.execute(
                "UPDATE trials SET state = ?, reason = '', epochs = ?, checkpoint = '', note = ?"
                " WHERE id = ?",
                (TrialState.RUNNING.value, had, note, trial_id),
            )
        return rows.job_of(job, self.trial(trial_id), had, until)

    def _insert_job(
        self,
        trial_id: int,
        pass_number: int,
        initial_epoch: int,
        epochs: int,
        oracle_values: Mapping[str, Value],
        memo: object,
    ) -> int:
        cursor = self._database.execute(
            "INSERT INTO jobs (trial_id, pass_number, initial_epoch, epochs, asked, oracle_values, memo,"
            " state) VALUES (?, ?, ?, ?, ?, ?, ?, 'running')",
            (
                trial_id,
                pass_number,
                initial_epoch,
                epochs,
                self._next_event(),
                json.dumps(dict(oracle_values)),
                None if memo is None else json.dumps(memo),
            ),
        )
        return int(cursor.lastrowid or 0)

    def record_progress(self, epochs: Mapping[int, int]) -> None:
        """Note the epoch that each running job has reached, for whoever watches."""
        with transaction(self._database):
            self._database.executemany(
                "UPDATE jobs SET epoch = ? WHERE id = ?", [(epoch, job) for job, epoch in epochs.items()]
            )

    def record_outcome(
        self,
        outcome: Outcome,
        state: TrialState,
        *,
        added: Values | None = None,
        found: Sequence[Hyperparameter] = (),
    ) -> Trial:
        """Write down how a job ended; returns its trial as it stands now.

        An interrupted job stays open with what it has trained; any other is reported to the oracle. Then
        `added` are further values of the trial, which its model asked for, and `found` extends the space.
        """
        with transaction(self._database):
            row = self._database.execute("SELECT * FROM jobs WHERE id = ?", (outcome.job_id,)).fetchone()
            assert row is not None, f"no job {outcome.job_id}"
            assert row["reported"] is None, f"job {outcome.job_id} was reported already"
            curve = json.dumps([*rows.curve_of(row), *outcome.curve])
            self._database.execute(
                "UPDATE jobs SET curve = ?, seconds = seconds + ?, timings = ? WHERE id = ?",
                (curve, outcome.seconds, json.dumps(dict(outcome.timings)), outcome.job_id),
            )
            if added:
                self._add_values(row["trial_id"], added)
            trial = self._add_up(row["trial_id"], outcome, state, found)
            if outcome.state is not OutcomeState.INTERRUPTED:
                self._database.execute(
                    "UPDATE jobs SET reported = ?, state = ?, score = ?, added = ?, found = ? WHERE id = ?",
                    (
                        self._next_event(),
                        state.value,
                        trial.score,
                        json.dumps(dict(added)) if added else None,
                        rows.found_to_json(found) if found else None,
                        outcome.job_id,
                    ),
                )
        return trial

    def _add_values(self, trial_id: int, added: Values) -> None:
        """Give a trial further values."""
        values = {**self.trial(trial_id).values, **added}
        self._database.execute('UPDATE trials SET "values" = ? WHERE id = ?', (json.dumps(values), trial_id))

    def _add_up(
        self, trial_id: int, outcome: Outcome, state: TrialState, found: Sequence[Hyperparameter]
    ) -> Trial:
        """Bring a trial's row up to date with its jobs and return it."""
        curve = self._curve(trial_id)
        objective = self.identity.goal
        best = None
        if not state.is_bad:
            best = objective.best_epoch(curve)
        self._database.execute(
            "UPDATE trials SET state = ?, reason = ?, traceback = ?, score = ?, best_epoch = ?, epochs = ?,"
            " seconds = seconds + ?, parameters = coalesce(?, parameters), checkpoint = ?,"
            " note = coalesce(?, note) WHERE id = ?",
            (
                state.value,
                outcome.reason,
                outcome.traceback,
                None if best is None else curve[best - 1][objective.name],
                best,
                len(curve),
                outcome.seconds,
                outcome.parameters,
                outcome.checkpoint,
                self._note(trial_id, outcome, found) if outcome.unsearched or found else None,
                trial_id,
            ),
        )
        return self.trial(trial_id)

    def _note(self, trial_id: int, outcome: Outcome, found: Sequence[Hyperparameter]) -> str:
        """Return a trial's note with what its model asked for that was not searched, or is not."""
        note = self.trial(trial_id).note.partition(_UNSEARCHED)[0]
        if found:
            note += f"; found: {', '.join(hp.name for hp in found)}"
        listed = ", ".join(f"{name} {describe_value(value)}" for name, value in outcome.unsearched.items())
        return f"{note}{_UNSEARCHED}{listed}" if listed else note

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

    @reading
    def failed_stretch(self, trial_id: int) -> FailedStretch:
        """Return what of a failed trial is tried again."""
        return retries.failed_stretch(self._database, trial_id)

    @reading
    def failed_before(self, job: int) -> tuple[int, ...]:
        """Return the trials that have failed and whose last job has a lower number than `job`, in order."""
        return retries.failed_before(self._database, job)

    def forget_checkpoints(self, trial_ids: list[int]) -> None:
        """Note that these trials' weights are not kept any more."""
        with transaction(self._database):
            self._database.executemany(
                "UPDATE trials SET checkpoint = '' WHERE id = ?", [(i,) for i in trial_ids]
            )

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

    # Finalists trained again

    def record_confirmation(self, confirmation: Confirmation) -> None:
        """Write down how a trial did with another seed."""
        with transaction(self._database):
            confirmations.insert(self._database, confirmation)

    @reading
    def confirmations(self) -> tuple[Confirmation, ...]:
        """Return how trials did with other seeds, by trial and number."""
        return confirmations.select(self._database)

    def _next_event(self) -> int:
        found = self._database.execute(
            "SELECT max(coalesce((SELECT max(asked) FROM jobs), 0),"
            " coalesce((SELECT max(reported) FROM jobs), 0))"
        )
        return int(found.fetchone()[0]) + 1
