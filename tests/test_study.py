from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import signal
import sqlite3
import threading
from pathlib import Path

import pytest
from support.fakes import SPACE, identity, keep_all

from hptune.errors import StudyError, StudyLockedError, UsageError
from hptune.study import Ask, Report, Study, StudyLock, archive, default_path, find_study
from hptune.study.trial import Job, Outcome, OutcomeState, Trial, TrialState

VALUES = {"learning_rate": 0.01, "optimizer": "adam", "units": 16}


def new_trial(**changed: object) -> Trial:
    fields = {"id": 0, "pass_number": 1, "values": VALUES, "seed": 7, "state": TrialState.RUNNING}
    return Trial(**(fields | changed))  # type: ignore[arg-type]


def ask(study: Study, trial: Trial | None = None, initial_epoch: int = 0, epochs: int = 3) -> Job:
    return study.record_ask(
        trial=trial or new_trial(),
        initial_epoch=initial_epoch,
        epochs=epochs,
        oracle_values={**VALUES, "tuner/epochs": epochs},
        memo={"x": 1},
        pass_number=1,
    )


def done(job: Job, *scores: float, state: OutcomeState = OutcomeState.DONE, **more: object) -> Outcome:
    curve = tuple({"val_accuracy": score, "loss": 1.0} for score in scores)
    return Outcome(job_id=job.id, state=state, curve=curve, seconds=0.5, **more)  # type: ignore[arg-type]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    opened = Study.create(tmp_path / "s", identity(), command="hptune search")
    opened.open_pass(SPACE, proposal=None, origin="given")
    return opened


def test_a_study_gives_back_what_it_is_about(study: Study) -> None:
    with Study.open(study.folder) as again:
        assert again.identity == identity()
        assert again.notes.command == "hptune search"


def test_a_trial_adds_up_over_its_jobs(study: Study) -> None:
    first = ask(study)
    study.record_outcome(done(first, 0.5, 0.7, 0.6, parameters=12, checkpoint="c/1"), TrialState.PAUSED)
    trial = study.trial(1)
    assert (trial.score, trial.best_epoch, trial.epochs, trial.checkpoint) == (0.7, 2, 3, "c/1")
    second = ask(study, trial, initial_epoch=3, epochs=5)
    assert second.checkpoint == "c/1"
    trial = study.record_outcome(done(second, 0.65, 0.8), TrialState.COMPLETE)
    assert (trial.score, trial.best_epoch, trial.epochs, trial.seconds) == (0.8, 5, 5, 1.0)
    assert [e["val_accuracy"] for e in study.trial(1).curve] == [0.5, 0.7, 0.6, 0.65, 0.8]
    assert trial.parameters == 12
    assert study.epochs_used() == 5


def test_an_infeasible_trial_has_no_score(study: Study) -> None:
    job = ask(study)
    outcome = done(job, 0.4, state=OutcomeState.INFEASIBLE, reason="diverged at epoch 2")
    trial = study.record_outcome(outcome, TrialState.INFEASIBLE)
    assert trial.score is None
    assert trial.reason == "diverged at epoch 2"
    assert study.best(5) == ()


def test_not_a_number_survives_in_a_curve_and_is_never_best(study: Study) -> None:
    job = ask(study)
    trial = study.record_outcome(done(job, float("nan"), 0.2), TrialState.COMPLETE)
    assert trial.score == 0.2
    assert str(study.trial(1).curve[0]["val_accuracy"]) == "nan"


def test_events_come_in_the_order_they_happened(study: Study) -> None:
    a, b = ask(study), ask(study)
    study.record_outcome(done(b, 0.3), TrialState.PAUSED)
    c = ask(study)
    study.record_outcome(done(a, 0.4), TrialState.PAUSED)
    events = [("ask", e.job.id) if isinstance(e, Ask) else ("tell", e.job_id) for e in study.events()]
    assert events == [("ask", a.id), ("ask", b.id), ("tell", b.id), ("ask", c.id), ("tell", a.id)]
    tells = [e for e in study.events() if isinstance(e, Report)]
    assert [t.score for t in tells] == [0.3, 0.4]
    asked = next(e for e in study.events() if isinstance(e, Ask))
    assert asked.memo == {"x": 1}
    assert asked.oracle_values["tuner/epochs"] == 3


def test_an_interrupted_job_goes_on_from_where_it_stopped(study: Study) -> None:
    job = ask(study, epochs=5)
    partial = done(job, 0.1, 0.2, state=OutcomeState.INTERRUPTED, checkpoint="c/p")
    study.record_outcome(partial, TrialState.RUNNING)
    (again,) = study.open_jobs()
    assert (again.id, again.initial_epoch, again.epochs, again.checkpoint) == (job.id, 2, 5, "c/p")
    study.record_outcome(done(again, 0.3, 0.4, 0.5), TrialState.COMPLETE)
    assert study.open_jobs() == ()
    assert study.trial(1).epochs == 5


def test_a_failed_write_changes_nothing(study: Study) -> None:
    job = ask(study)
    unwritable = done(job, 0.1, reason=object())
    with pytest.raises(sqlite3.Error):
        study.record_outcome(unwritable, TrialState.COMPLETE)
    assert study.trial(1).epochs == 0
    assert [j.id for j in study.open_jobs()] == [job.id]


def test_passes_keep_their_space_and_the_proposal_that_made_it(study: Study) -> None:
    proposal = keep_all(SPACE, ())
    study.open_pass(proposal.next_space, proposal=proposal, origin="narrowed")
    first, second = study.passes()
    assert first.space == SPACE
    assert second.space == proposal.next_space
    assert second.proposal is not None
    assert [(m.name, m.verdict, m.reason, m.old, m.new) for m in second.proposal.moves] == [
        (m.name, m.verdict, m.reason, m.old, m.new) for m in proposal.moves
    ]


def test_running_jobs_show_their_epoch_to_readers(study: Study) -> None:
    job = ask(study, epochs=9)
    study.record_progress({job.id: 4})
    with Study.open(study.folder) as reader:
        assert reader.running() == {job.trial_id: (4, 9)}


def test_readers_see_a_study_that_is_being_written(study: Study) -> None:
    with Study.open(study.folder) as reader:
        assert reader.trials() == ()
        study.record_outcome(done(ask(study), 0.5), TrialState.COMPLETE)
        assert [t.score for t in reader.trials()] == [0.5]
        with pytest.raises(sqlite3.Error):
            reader.note(budget=1)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"objective": "val_loss"}, "objective is val_accuracy, not val_loss", id="objective"),
        pytest.param({"data_fingerprint": "d2"}, "its rows are not those of digits", id="data"),
        pytest.param({"model": "b.py:build"}, "model is mlp, not b.py:build", id="model"),
        pytest.param({"seed": 1}, "seed is 0, not 1", id="seed"),
        pytest.param({"settings": {"target": "y"}}, "--target is None, not y", id="target"),
        pytest.param(
            {"settings": {"target": "y"}, "data_fingerprint": "d2"},
            "--target is None, not y",
            id="another target splits other rows",
        ),
    ],
)
def test_what_can_not_be_reconciled_is_refused(study: Study, changed: dict[str, object], said: str) -> None:
    with pytest.raises(StudyError, match="can't be resumed") as caught:
        study.require(identity(**changed))
    assert said in caught.value.message
    assert "--fresh" in caught.value.hint
    assert caught.value.exit_code == 6


def test_moved_data_and_a_corrected_model_file_go_on(study: Study) -> None:
    other = identity(data="elsewhere/digits", model_fingerprint="m2")
    assert study.identity.difference(other) == ""
    study.require(other)


def test_a_study_is_never_made_over_another(study: Study) -> None:
    with pytest.raises(StudyError, match="holds a study already"):
        Study.create(study.folder, identity())


@pytest.mark.parametrize("content", [b"", b"this is no database at all, not even close" * 50])
def test_what_is_no_study_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "study.db").write_bytes(content)
    with pytest.raises(StudyError, match=r"no study here|can't be opened"):
        Study.open(tmp_path)


def test_a_newer_schema_is_refused(study: Study) -> None:
    study.close()
    with sqlite3.connect(study.folder / "study.db") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StudyError, match="newer hptune"):
        Study.open(study.folder)


def test_an_unwritable_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StudyError, match="can't make the study's folder"):
        Study.create(tmp_path / "file" / "s", identity())


def _hold(folder: Path, ready: multiprocessing.synchronize.Event) -> None:
    with StudyLock(folder):
        ready.set()
        signal.pause()


def test_who_looks_whether_a_lock_is_held_is_waited_for(study: Study) -> None:
    with StudyLock(study.folder):
        pass
    with (study.folder / "study.lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        timer = threading.Timer(0.03, fcntl.flock, (file, fcntl.LOCK_UN))
        timer.start()
        with StudyLock(study.folder):
            assert StudyLock.held(study.folder)
        timer.join()


def test_a_lock_is_held_against_others_and_given_up_on_kill(study: Study) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=_hold, args=(study.folder, ready))
    holder.start()
    assert ready.wait(20)
    assert StudyLock.held(study.folder)
    with pytest.raises(StudyLockedError, match=f"process {holder.pid}"), StudyLock(study.folder):
        pass
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    assert not StudyLock.held(study.folder)
    with StudyLock(study.folder):
        pass


@pytest.mark.parametrize(
    ("data", "model", "name"),
    [
        ("parts/*.csv", "mlp", "parts-mlp"),
        ("digits", "mlp", "digits-mlp"),
        ("data/train.csv", "mlp", "train-mlp"),
        ("load.py:load", "model.py:build", "load-model"),
        ("load.py:small", "model.py:wide", "load-small-model-wide"),
    ],
)
def test_a_study_is_named_after_data_and_model(data: str, model: str, name: str) -> None:
    assert default_path(data, model) == Path("studies") / name


def test_a_study_is_found_by_path_by_name_or_as_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no study under"):
        find_study(None)
    for number, name in enumerate(["old", "new"]):
        Study.create(Path("studies") / name, identity()).close()
        os.utime(Path("studies") / name / "study.db", (number, number))
    assert find_study(None) == Path("studies/new")
    assert find_study("old") == Path("studies/old")
    assert find_study("studies/old") == Path("studies/old")
    with pytest.raises(UsageError) as caught:
        find_study("olt")
    assert caught.value.hint == "Did you mean 'old'?"


def test_a_study_put_aside_loses_nothing(study: Study) -> None:
    study.close()
    aside = archive(study.folder)
    assert aside is not None
    assert not study.folder.exists()
    with Study.open(aside) as again:
        assert again.passes()[0].space == SPACE


def test_outcomes_hold_plain_json(study: Study) -> None:
    study.record_outcome(done(ask(study), 0.5, timings={"fit": 0.25}), TrialState.COMPLETE)
    with sqlite3.connect(study.folder / "study.db") as database:
        (timings,) = database.execute("SELECT timings FROM jobs").fetchone()
    database.close()
    assert json.loads(timings) == {"fit": 0.25}


def test_what_a_trial_gave_counts_for_nothing_where_it_came_to_nothing(study: Study) -> None:
    job = ask(study, epochs=1)
    trial = study.record_outcome(done(job, 0.9), TrialState.PAUSED)
    assert [(s.epochs, s.score) for s in study.progress()] == [(1, 0.9)]
    again = ask(study, trial, initial_epoch=1, epochs=3)
    study.record_outcome(done(again, state=OutcomeState.INFEASIBLE), TrialState.INFEASIBLE)
    assert [(s.epochs, s.score) for s in study.progress()] == [(1, None), (0, None)]
