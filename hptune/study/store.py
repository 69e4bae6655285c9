"""A study's database: everything that was asked, trained and reported, in the order it happened.

One process writes, any number read. Each public method that writes is one transaction, so that a
process killed at any instant leaves the study as it was before or after the call. What is read of it is in
`read_study`.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from hptune.errors import StudyError
from hptune.space import Hyperparameter, Space, Value, Values
from hptune.space.describe import describe_value
from hptune.study import confirmations, retries, rows, schema
from hptune.study.damage import naming_damage, require_whole
from hptune.study.folder import DATABASE
from hptune.study.notes import note_to_json
from hptune.study.proposal import Proposal
from hptune.study.read_study import ReadStudy
from hptune.study.records import Confirmation, Identity, Pass
from hptune.study.schema import transaction
from hptune.study.trial import Job, Outcome, OutcomeState, Trial, TrialState

__all__ = ["Study"]

_UNSEARCHED = "; not searched: "


class Study(ReadStudy):
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

    def note(self, **noted: Any) -> None:
        """Note fields of StudyNotes, replacing what they were; raises ValueError for another name."""
        rows = [(name, note_to_json(name, value)) for name, value in noted.items()]
        with transaction(self._database):
            self._database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)

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

    def forget_checkpoints(self, trial_ids: list[int]) -> None:
        """Note that these trials' weights are not kept any more."""
        with transaction(self._database):
            self._database.executemany(
                "UPDATE trials SET checkpoint = '' WHERE id = ?", [(i,) for i in trial_ids]
            )

    def record_confirmation(self, confirmation: Confirmation) -> None:
        """Write down how a trial did with another seed."""
        with transaction(self._database):
            confirmations.insert(self._database, confirmation)

    def _next_event(self) -> int:
        found = self._database.execute(
            "SELECT max(coalesce((SELECT max(asked) FROM jobs), 0),"
            " coalesce((SELECT max(reported) FROM jobs), 0))"
        )
        return int(found.fetchone()[0]) + 1
