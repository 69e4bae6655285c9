"""Failed trials that are tried again, by every search algorithm, with a fake trainer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.fakes import OBJECTIVE, SPACE, FakeParallel, FakeTrainer, identity, keep_all
from support.interruptions import Killed, StopsAfter, kill_at, story

from hptune.errors import SearchInterruptedError
from hptune.executors.inline import InlineExecutor
from hptune.oracles import ORACLES
from hptune.oracles.names import make_searcher
from hptune.search.engine import Engine
from hptune.search.events import Stop
from hptune.search.retry import find_retries, has_failed_trials, retrying
from hptune.space import Choice, Fixed, Space
from hptune.study import Study
from hptune.study.notes import ModelVersion
from hptune.study.trial import Job, Outcome, OutcomeState, TrialState

EPOCHS = 9
FAILING = (2, 3, 5)
FIRST, MORE = (45,), (45, 81)
oracle = pytest.mark.parametrize("name", ORACLES)


class Code:
    """A user model as far as it is asked which code it is of."""

    name = "model.py:build"

    def __init__(self, fingerprint: str, space: Space = SPACE) -> None:
        self.fingerprint, self.searched = fingerprint, space

    def space(self) -> Space:
        return self.searched

    def known_as(self, fingerprint: str) -> bool:
        return fingerprint == self.fingerprint


class FailsFor(FakeTrainer):
    """Fails in some trials, after as many epochs."""

    def __init__(self, after: int = 0) -> None:
        super().__init__()
        self.after = after

    def run(self, job: Job, on_epoch: Callable[..., bool]) -> Outcome:
        if job.trial_id not in FAILING:
            return super().run(job, on_epoch)
        self.jobs.append(job)
        curve = tuple({"val_accuracy": 0.1} for _ in range(self.after))
        return Outcome(
            job_id=job.id,
            state=OutcomeState.FAILED,
            reason="NameError: name 'sdg' is not defined",
            traceback="Traceback …",
            curve=curve,
        )


def begin(folder: Path, name: str) -> Study:
    study = Study.create(folder, identity(oracle=name, epochs=EPOCHS))
    study.open_pass(SPACE, proposal=None, origin="given")
    return study


def engine(study: Study, trainer: FakeTrainer, ends: tuple[int, ...] = FIRST, **more: Any) -> Engine:
    searcher = make_searcher(
        study.identity.oracle,
        objective=OBJECTIVE,
        root=study.passes()[0].space,
        epochs=EPOCHS,
        budget=ends[-1],
        seed=study.identity.seed,
    )
    executor = more.pop("executor", None) or InlineExecutor(trainer)
    return Engine(study=study, searcher=searcher, executor=executor, pass_ends=ends, narrow=keep_all, **more)


def mended(study: Study, trainer: FakeTrainer | None = None, **more: Any) -> FakeTrainer:
    """Resume with mended code and a larger budget; returns the trainer."""
    trainer = trainer or FakeTrainer()
    if not study.notes.model_versions:
        version = ModelVersion(fingerprint="m2", first_job=study.next_job())
        study.note(model_fingerprint="m2", model_versions=(version,))
    retries = find_retries(study, Code("m2"))  # type: ignore[arg-type]
    engine(study, trainer, MORE, retries=retries.queue(), **more).run()
    return trainer


def broken(folder: Path, name: str, after: int = 0) -> Study:
    study = begin(folder, name)
    engine(study, FailsFor(after)).run()
    assert tuple(t.id for t in study.trials() if t.state is TrialState.FAILED) == FAILING
    return study


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Study]:
    """A search by each oracle that failed and was resumed with mended code, not interrupted."""
    studies = {}
    for name in ORACLES:
        studies[name] = broken(tmp_path_factory.mktemp(name), name)
        mended(studies[name])
    return studies


@oracle
def test_what_failed_with_other_code_is_trained_before_anything_new(name: str, tmp_path: Path) -> None:
    study = broken(tmp_path, name)
    failed = [t for t in study.trials() if t.state is TrialState.FAILED]
    trainer = mended(study)
    assert [job.trial_id for job in trainer.jobs[: len(failed)]] == [t.id for t in failed]
    for before in failed:
        after = study.trial(before.id)
        assert after.state in (TrialState.COMPLETE, TrialState.PAUSED)
        assert (after.values, after.seed) == (before.values, before.seed)
        assert after.score == max(e["val_accuracy"] for e in after.curve)
        assert after.note == f"{before.note}; tried again"
        assert (after.reason, after.traceback) == ("", "")
    assert not has_failed_trials(study)


@oracle
def test_what_a_failed_attempt_cost_is_charged_no_more_once_it_is_tried_again(
    name: str, tmp_path: Path
) -> None:
    study = broken(tmp_path, name, after=2)
    mended(study)
    assert study.epochs_used() == sum(t.epochs for t in study.trials())
    assert study.jobs_without_epoch() == 0
    assert MORE[-1] - EPOCHS < study.epochs_used() <= MORE[-1]
    assert all(len(t.curve) == t.epochs for t in study.trials())
    assert sum(stretch.epochs for stretch in study.progress()) == study.epochs_used()


@oracle
def test_the_search_algorithm_learns_how_the_retry_did(name: str, tmp_path: Path) -> None:
    study = broken(tmp_path, name)
    searcher = engine(study, FakeTrainer()).searcher
    told: list[tuple[int, TrialState]] = []
    original = searcher.report

    def hears(job_id: int, state: TrialState, *rest: Any, **more: Any) -> None:
        told.append((job_id, state))
        original(job_id, state, *rest, **more)

    searcher.report = hears  # type: ignore[method-assign]
    failed = study.failed_before(study.next_job())
    first = study.next_job()
    Engine(
        study=study,
        searcher=searcher,
        executor=InlineExecutor(FakeTrainer()),
        pass_ends=MORE,
        narrow=keep_all,
        retries=deque(failed),
    ).run()
    retried = [state for job, state in told if first <= job < first + len(failed)]
    assert len(retried) == len(failed)
    assert set(retried) <= {TrialState.COMPLETE, TrialState.PAUSED}
    oracle = searcher._oracle
    assert oracle is not None
    statuses = [t.status for t in oracle.trials.values()]  # type: ignore[attr-defined]
    assert "RUNNING" not in statuses
    assert not oracle.ongoing_trials  # type: ignore[attr-defined]


@oracle
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("method", "count"),
    [("record_retry", 1), ("record_retry", 2), ("record_outcome", 1), ("record_outcome", 2)],
)
def test_a_search_killed_around_a_retry_goes_on_with_the_same_trials(
    name: str,
    method: str,
    count: int,
    after: bool,
    whole: dict[str, Study],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = broken(tmp_path / "s", name)
    with monkeypatch.context() as patch:
        kill_at(method, count, patch, after=after)
        with pytest.raises(Killed):
            mended(study)
    study.close()
    with Study.open(tmp_path / "s", read_only=False) as again:
        mended(again)
        assert story(again) == story(whole[name])


@oracle
def test_a_search_killed_long_after_its_retries_goes_on_with_the_same_trials(
    name: str, whole: dict[str, Study], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = broken(tmp_path / "s", name)
    for count in (4, 1):
        with monkeypatch.context() as patch:
            kill_at("record_outcome", count, patch, after=count == 4)
            with pytest.raises(Killed):
                mended(study)
    mended(study)
    assert story(study) == story(whole[name])


@oracle
@pytest.mark.parametrize("epochs", [1, 2, 4])
def test_a_retry_that_is_stopped_goes_on_where_it_was(
    name: str, epochs: int, whole: dict[str, Study], tmp_path: Path
) -> None:
    study, stop = broken(tmp_path / "s", name), Stop()
    with pytest.raises(SearchInterruptedError):
        mended(study, stop=stop, listener=StopsAfter(stop, epochs))
    mended(study)
    assert story(study) == story(whole[name])


@oracle
def test_several_at_a_time_are_replayed_as_they_were(name: str, tmp_path: Path) -> None:
    study = broken(tmp_path, name)
    mended(study, executor=FakeParallel(FakeTrainer()))
    before = story(study)
    assert study.open_jobs() == ()
    assert not has_failed_trials(study)
    engine(study, FakeTrainer(), MORE).run()
    assert [one[:4] for one in story(study)][: len(before)] == [one[:4] for one in before]


@oracle
def test_what_fails_again_with_the_same_code_stays_failed(name: str, tmp_path: Path) -> None:
    study = broken(tmp_path, name)
    mended(study, FailsFor())
    failed = study.failed_before(study.next_job())
    assert failed
    assert find_retries(study, Code("m2")).trials == ()  # type: ignore[arg-type]
    assert find_retries(study, Code("m2"), everything=True).trials == failed  # type: ignore[arg-type]


def test_a_trial_that_failed_after_a_rung_keeps_what_it_had_before(tmp_path: Path) -> None:
    class FailsLater(FakeTrainer):
        def run(self, job: Job, on_epoch: Callable[..., bool]) -> Outcome:
            if not job.initial_epoch:
                return super().run(job, on_epoch)
            return Outcome(job_id=job.id, state=OutcomeState.FAILED, reason="KeyError: 'x'")

    study = begin(tmp_path, "coarse-to-fine")
    engine(study, FailsLater()).run()
    failed = [t for t in study.trials() if t.state is TrialState.FAILED]
    assert failed
    assert all(t.epochs in (1, 3) for t in failed), "what they had before"
    trainer = mended(study)
    assert [job.initial_epoch for job in trainer.jobs[: len(failed)]] == [0] * len(failed), "no weights"
    for trial in failed:
        after = study.trial(trial.id)
        assert [e["val_accuracy"] for e in after.curve] == [
            FakeTrainer.score(after.values, epoch) for epoch in range(1, after.epochs + 1)
        ]
    assert study.epochs_used() == sum(t.epochs for t in study.trials())


def test_infeasible_trials_are_not_tried_again(tmp_path: Path) -> None:
    study = begin(tmp_path, "random")
    engine(study, FakeTrainer(diverge_above=0.01)).run()
    assert TrialState.INFEASIBLE in {t.state for t in study.trials()}
    assert find_retries(study, Code("m2")).trials == ()  # type: ignore[arg-type]
    assert find_retries(study, Code("m1"), everything=True).trials == ()  # type: ignore[arg-type]


def test_a_retry_waits_for_a_budget_that_pays_for_it(tmp_path: Path) -> None:
    study = broken(tmp_path, "random")
    failed = study.failed_before(study.next_job())
    used = study.epochs_used() + study.jobs_without_epoch()
    trainer = FakeTrainer()
    engine(study, trainer, (used,), retries=deque(failed)).run()
    assert trainer.jobs == []
    engine(study, trainer, (used + EPOCHS - 1,), retries=deque(failed)).run()
    assert [job.trial_id for job in trainer.jobs] == [failed[0]]
    assert study.epochs_used() + study.jobs_without_epoch() == used + EPOCHS - 1


def test_options_that_the_mended_code_has_no_more_are_left_as_they_are(tmp_path: Path) -> None:
    study = broken(tmp_path, "random")
    failed = [study.trial(number) for number in study.failed_before(study.next_job())]
    plain = tuple(hp for hp in SPACE if hp.name not in ("optimizer", "momentum"))
    for option in ("adam", "sgd"):
        kept = tuple(t.id for t in failed if t.values["optimizer"] == option)
        for left in (
            Fixed(name="optimizer", value=option),
            Choice(name="optimizer", options=(option, "rmsprop")),
        ):
            code = Code("m2", Space(name="left", hyperparameters=(left, *plain)))
            assert find_retries(study, code).trials == kept  # type: ignore[arg-type]
    assert failed


def test_how_it_is_told() -> None:
    from hptune.search.retry import Retries

    two = Retries(trials=(1, 4), of_earlier_code=True, model="model.py:build")
    assert two.line(paid=True) == "2 failed trials of an earlier version of model.py:build are tried again"
    one = replace(two, trials=(4,), of_earlier_code=False)
    assert one.line(paid=True) == "1 failed trial is tried again"
    assert one.line(paid=False) == "1 failed trial waits for a larger --trials"
    assert replace(two, trials=()).line(paid=True) == ""


def test_code_that_was_put_back_is_what_they_failed_with(tmp_path: Path) -> None:
    study = broken(tmp_path, "random")
    versions = [ModelVersion(fingerprint=f, first_job=study.next_job()) for f in ("m2", "m1")]
    study.note(model_fingerprint="m1", model_versions=tuple(versions))
    assert find_retries(study, Code("m1")).trials == ()  # type: ignore[arg-type]
    assert find_retries(study, Code("m3")).of_earlier_code  # type: ignore[arg-type]


def test_a_round_that_was_killed_is_gone_on_with_and_one_that_ended_is_not(tmp_path: Path) -> None:
    study, code = broken(tmp_path, "random"), Code("m1")
    failed = study.failed_before(study.next_job())
    with pytest.raises(Killed):
        _dies_in_the_second_retry(study, code)
    found = []
    for asked in (True, False, True):
        with retrying(study, asked=asked):
            found.append(find_retries(study, code).trials)  # type: ignore[arg-type]
    assert found[0] == failed[2:], "the first failed again, and the second is under way"
    assert found[1] == failed[2:]
    assert found[2] == (failed[0], *failed[2:])


def _dies_in_the_second_retry(study: Study, code: Code) -> None:
    trainer = FailsFor()
    first = trainer.run

    def run(job: Job, on_epoch: Callable[..., bool]) -> Outcome:
        if trainer.jobs:
            raise Killed
        return first(job, on_epoch)

    trainer.run = run  # type: ignore[method-assign]
    with retrying(study, asked=True):
        retries = find_retries(study, code)  # type: ignore[arg-type]
        assert not retries.of_earlier_code
        engine(study, trainer, MORE, retries=retries.queue()).run()


def test_an_older_study_is_brought_up_to_date(tmp_path: Path) -> None:
    import contextlib
    import sqlite3

    study = broken(tmp_path, "random")
    failed = study.failed_before(study.next_job())
    study.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "study.db")) as database:
        database.execute("DROP INDEX jobs_superseded")
        database.execute("ALTER TABLE jobs DROP COLUMN superseded_by")
        database.execute("PRAGMA user_version = 3")
        database.commit()
    with Study.open(tmp_path) as seen:
        assert seen.failed_before(seen.next_job()) == failed
    with Study.open(tmp_path, read_only=False) as again:
        mended(again)
        assert not has_failed_trials(again)
