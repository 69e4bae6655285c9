from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

import pytest
from support.fakes import SPACE, FakeParallel, FakeSearcher, FakeTrainer, identity, keep_all
from support.interruptions import Killed, StopsAfter, kill_at, story

from hptune.errors import NoFeasibleTrialError, SearchInterruptedError
from hptune.executors.inline import InlineExecutor
from hptune.search.engine import Engine
from hptune.search.events import Listener, Stop
from hptune.study import Pass, Report, Study
from hptune.study.proposal import Proposal
from hptune.study.trial import Job, Trial, TrialState

ENDS = (30, 60, 90)


def begin(folder: Path, **about: object) -> Study:
    study = Study.create(folder, identity(**about))
    study.open_pass(SPACE, proposal=None, origin="given")
    return study


def engine(study: Study, trainer: FakeTrainer | None = None, **more: Any) -> Engine:
    settings: dict[str, Any] = {
        "searcher": FakeSearcher(),
        "executor": InlineExecutor(trainer or FakeTrainer()),
        "pass_ends": ENDS,
        "narrow": keep_all,
    }
    return Engine(study=study, **(settings | more))


@pytest.fixture
def uninterrupted(tmp_path: Path) -> list[tuple[Any, ...]]:
    study = begin(tmp_path / "whole")
    engine(study).run()
    return story(study)


def test_a_search_spends_its_budget_over_its_passes(tmp_path: Path) -> None:
    study = begin(tmp_path)
    trainer = FakeTrainer()
    engine(study, trainer).run()
    assert study.epochs_used() <= ENDS[-1]
    assert study.epochs_used() > ENDS[-1] - 9
    assert [p.number for p in study.passes()] == [1, 2, 3]
    assert all(study.epochs_used(number) > 0 for number in (1, 2, 3))
    assert sum(job.epochs - job.initial_epoch for job in trainer.jobs) == study.epochs_used()
    assert {t.state for t in study.trials()} == {TrialState.COMPLETE, TrialState.PAUSED}


def test_each_pass_searches_what_the_one_before_proposed(tmp_path: Path) -> None:
    study = begin(tmp_path)
    engine(study).run()
    passes = study.passes()
    for before, after in itertools.pairwise(passes):
        assert after.proposal is not None
        assert after.space == keep_all(before.space, ()).next_space
        assert after.origin == "narrowed"


def test_a_trial_that_goes_on_keeps_its_first_epochs(tmp_path: Path) -> None:
    study = begin(tmp_path)
    trainer = FakeTrainer()
    engine(study, trainer).run()
    continued = [job for job in trainer.jobs if job.initial_epoch == 3]
    assert continued
    for job in continued:
        trial = study.trial(job.trial_id)
        assert trial.epochs == 9
        assert [e["val_accuracy"] for e in trial.curve] == [
            FakeTrainer.score(trial.values, epoch) for epoch in range(1, 10)
        ]


def test_the_same_search_again_adds_nothing_and_a_larger_budget_goes_on(tmp_path: Path) -> None:
    study = begin(tmp_path)
    engine(study).run()
    before = story(study)
    trainer = FakeTrainer()
    engine(study, trainer).run()
    assert trainer.jobs == []
    assert story(study) == before
    engine(study, trainer, pass_ends=(30, 60, 120)).run()
    assert trainer.jobs
    assert story(study)[: len(before) - 8] == before[: len(before) - 8]
    assert len(study.passes()) == 3


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("method", "count"),
    [
        *[("record_ask", n) for n in (1, 2, 6, 13)],
        *[("record_outcome", n) for n in (1, 3, 4, 12)],
        ("open_pass", 1),
        ("open_pass", 2),
        ("forget_checkpoints", 1),
    ],
)
def test_a_search_killed_anywhere_goes_on_as_if_it_had_not_been(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    uninterrupted: list[tuple[Any, ...]],
    method: str,
    count: int,
    after: bool,
) -> None:
    study = begin(tmp_path / "s")
    with monkeypatch.context() as patch:
        kill_at(method, count, patch, after=after)
        with pytest.raises(Killed):
            engine(study).run()
    study.close()
    with Study.open(tmp_path / "s", read_only=False) as again:
        engine(again).run()
        assert story(again) == uninterrupted


@pytest.mark.parametrize("epochs", [1, 2, 3, 7, 31, 64])
def test_a_search_stopped_after_any_epoch_goes_on_as_if_it_had_not_been(
    tmp_path: Path,
    uninterrupted: list[tuple[Any, ...]],
    epochs: int,
) -> None:
    study = begin(tmp_path / "s")
    stop = Stop()
    with pytest.raises(SearchInterruptedError):
        engine(study, stop=stop, listener=StopsAfter(stop, epochs)).run()
    assert study.epochs_used() == epochs
    engine(study).run()
    assert story(study) == uninterrupted


def test_a_search_out_of_time_ends_without_an_error_and_goes_on_later(
    tmp_path: Path,
    uninterrupted: list[tuple[Any, ...]],
) -> None:
    study = begin(tmp_path / "s")
    stop = Stop()

    class RunsOut(StopsAfter):
        def on_epoch_end(self, job: Job, epoch: int, report: object) -> None:
            self.left -= 1
            if self.left == 0:
                self.stop.deadline = time.monotonic() - 1

    engine(study, stop=stop, listener=RunsOut(stop, 5)).run()
    assert study.epochs_used() == 5
    engine(study).run()
    assert story(study) == uninterrupted


def test_infeasible_trials_are_told_and_the_search_goes_on(tmp_path: Path) -> None:
    study = begin(tmp_path)
    searcher = FakeSearcher()
    engine(study, FakeTrainer(diverge_above=0.1), searcher=searcher).run()
    bad = [t for t in study.trials() if t.state is TrialState.INFEASIBLE]
    assert bad
    assert all(t.score is None and t.reason == "diverged at epoch 1" for t in bad)
    assert {state for _, state, _ in searcher.reported} >= {TrialState.INFEASIBLE, TrialState.PAUSED}


def test_ten_failures_at_the_start_end_the_search_with_their_reasons(tmp_path: Path) -> None:
    study = begin(tmp_path)
    with pytest.raises(NoFeasibleTrialError, match="none of the 10 trials") as caught:
        engine(study, FakeTrainer(fail=True)).run()
    assert "10 × failed: KeyError: 'x'" in caught.value.message
    assert caught.value.exit_code == 4
    assert study.trial(1).traceback == "Traceback …"
    # With the model's file mended the same command goes on.
    engine(study, FakeTrainer()).run()
    assert study.best(1)


def test_a_search_without_any_score_ends_in_an_error(tmp_path: Path) -> None:
    study = begin(tmp_path)
    with pytest.raises(NoFeasibleTrialError):
        engine(study, FakeTrainer(fail=True), searcher=FakeSearcher(most=4)).run()


def test_an_exhausted_space_is_told(tmp_path: Path) -> None:
    told: list[int] = []

    class Hears(Listener):
        def on_space_exhausted(self, the_pass: Pass) -> None:
            told.append(the_pass.number)

    study = begin(tmp_path)
    engine(study, searcher=FakeSearcher(most=5), listener=Hears()).run()
    assert told == [1, 2, 3]


class RepeatingSearcher(FakeSearcher):
    """Suggests the same two configurations for ever."""

    def ask(self) -> Any:
        from dataclasses import replace

        number = self.asks
        self.asks = number % 2
        suggestion = super().ask()
        self.asks = number + 1
        assert not isinstance(suggestion, str)
        return replace(suggestion, resumes=None, initial_epoch=0)


def test_a_configuration_is_never_trained_twice(tmp_path: Path) -> None:
    study = begin(tmp_path)
    trainer = FakeTrainer()
    searcher = RepeatingSearcher(rungs=(9,))
    engine(study, trainer, searcher=searcher, pass_ends=(90,)).run()
    assert len(trainer.jobs) == 2
    assert len(study.trials()) == 2
    assert searcher.reported[2][2] == searcher.reported[0][2]


def test_only_weights_that_may_be_needed_stay_on_disk(tmp_path: Path) -> None:
    study = begin(tmp_path)
    engine(study).run()
    kept = {t.checkpoint for t in study.trials() if t.checkpoint}
    assert kept == {f"checkpoints/{file.name}" for file in (tmp_path / "checkpoints").iterdir()}
    complete = [t for t in study.trials() if t.state is TrialState.COMPLETE]
    best = sorted(complete, key=lambda t: -(t.score or 0))[:3]
    assert {t.id for t in complete if t.checkpoint} == {t.id for t in best}


def test_several_jobs_at_a_time_are_all_recorded_whichever_ends_first(tmp_path: Path) -> None:
    study = begin(tmp_path)
    engine(study, executor=FakeParallel(FakeTrainer())).run()
    assert study.open_jobs() == ()
    assert ENDS[-1] - 9 < study.epochs_used() <= ENDS[-1]
    told = [event.job_id for event in study.events() if type(event) is Report]
    assert sorted(told) == list(range(1, len(told) + 1))
    assert told != sorted(told)


def test_lost_weights_are_trained_again(tmp_path: Path, uninterrupted: list[tuple[Any, ...]]) -> None:
    study = begin(tmp_path / "s")
    stop = Stop()
    with pytest.raises(SearchInterruptedError):
        engine(study, stop=stop, listener=StopsAfter(stop, 17)).run()
    for file in (tmp_path / "s" / "checkpoints").iterdir():
        file.unlink()
    engine(study).run()
    assert story(study) == uninterrupted


def test_lost_weights_and_another_stop_record_no_epoch_twice(
    tmp_path: Path, uninterrupted: list[tuple[Any, ...]]
) -> None:
    study = begin(tmp_path / "s")
    for epochs in (20, 1, 2):
        stop = Stop()
        with pytest.raises(SearchInterruptedError):
            engine(study, stop=stop, listener=StopsAfter(stop, epochs)).run()
        for file in (tmp_path / "s" / "checkpoints").iterdir():
            file.unlink()
    engine(study).run()
    assert story(study) == uninterrupted


def test_a_listener_may_edit_or_refuse_a_proposal(tmp_path: Path) -> None:
    class Refuses(Listener):
        def on_ranges_moved(self, proposal: Proposal) -> Proposal | None:
            return None

    study = begin(tmp_path)
    engine(study, listener=Refuses()).run()
    assert [p.number for p in study.passes()] == [1]
    assert study.epochs_used() < 40


def test_a_trials_seed_follows_from_the_study_s_seed_alone(tmp_path: Path) -> None:
    seeds = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        study = begin(tmp_path / name, seed=seed)
        engine(study).run()
        seeds.append([t.seed for t in study.trials()])
    assert seeds[0] == seeds[1]
    assert seeds[0] != seeds[2]
    assert len(set(seeds[0])) == len(seeds[0])


def test_recording_a_trial_looks_at_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = begin(tmp_path)
    calls: list[Trial] = []
    original = Study.trials

    def counting(self: Study, **how: bool) -> tuple[Trial, ...]:
        found = original(self, **how)
        calls.extend(found)
        return found

    monkeypatch.setattr(Study, "trials", counting)
    engine(study, pass_ends=(90,)).run()
    assert calls == []
