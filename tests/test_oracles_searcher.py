"""One contract for every oracle, ours and Keras Tuner's, through the engine with a fake trainer."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.fakes import OBJECTIVE, SPACE, FakeTrainer, identity, keep_all
from support.interruptions import Killed, StopsAfter, kill_at, story

from hptune.errors import NoFeasibleTrialError, SearchInterruptedError
from hptune.executors.inline import InlineExecutor
from hptune.models import keras_tuner_space as hyperparameters
from hptune.oracles import ORACLES
from hptune.oracles.names import make_searcher
from hptune.oracles.searcher import Suggestion
from hptune.search.engine import Engine
from hptune.search.events import Stop
from hptune.space import Boolean, Choice, Fixed, Float, Space
from hptune.study import Study
from hptune.study.trial import Job, Outcome, OutcomeState, TrialState

EPOCHS = 9
ENDS = (45, 90, 135)


def begin(folder: Path, name: str, space: Space = SPACE, **about: Any) -> Study:
    study = Study.create(folder, identity(oracle=name, epochs=EPOCHS, **about))
    study.open_pass(space, proposal=None, origin="given")
    return study


def engine(study: Study, trainer: FakeTrainer | None = None, **more: Any) -> Engine:
    root = study.passes()[0].space
    searcher = make_searcher(
        study.identity.oracle,
        objective=OBJECTIVE,
        root=root,
        epochs=EPOCHS,
        budget=more.get("pass_ends", ENDS)[-1],
        seed=study.identity.seed,
    )
    executor = InlineExecutor(trainer or FakeTrainer())
    return Engine(
        study=study, searcher=searcher, executor=executor, **({"pass_ends": ENDS, "narrow": keep_all} | more)
    )


oracle = pytest.mark.parametrize("name", ORACLES)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Study]:
    """A whole search by each oracle, which others are compared with."""
    studies = {}
    for name in ORACLES:
        studies[name] = begin(tmp_path_factory.mktemp(name), name)
        engine(studies[name]).run()
    return studies


@oracle
def test_every_suggestion_lies_in_its_space_and_the_budget_holds(name: str, whole: dict[str, Study]) -> None:
    study = whole[name]
    spaces = {p.number: p.space for p in study.passes()}
    assert set(spaces) == {1, 2, 3}
    for trial in study.trials():
        # Ranges that narrowed by themselves only steer: the first pass's are the walls then.
        space = spaces[1] if name == "coarse-to-fine" else spaces[trial.pass_number]
        assert space.problems(trial.values) == []
        assert space.active(trial.values) == dict(trial.values)
        assert ("momentum" in trial.values) == (trial.values["optimizer"] == "sgd")
    assert ENDS[-1] - EPOCHS < study.epochs_used() <= ENDS[-1]


@oracle
def test_no_configuration_comes_twice(name: str, whole: dict[str, Study]) -> None:
    study = whole[name]
    seen = [tuple(sorted(t.values.items())) for t in study.trials()]
    assert len(seen) == len(set(seen))


@oracle
@pytest.mark.parametrize("count", [2, 7, 12])
def test_a_killed_search_goes_on_with_the_same_trials(
    name: str, count: int, whole: dict[str, Study], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = begin(tmp_path / "killed", name)
    with monkeypatch.context() as patch:
        kill_at("record_outcome", count, patch, after=count % 2 == 0)
        with pytest.raises(Killed):
            engine(study).run()
    engine(study).run()
    assert story(study) == story(whole[name])


@oracle
def test_a_stopped_search_goes_on_with_the_same_trials(
    name: str, whole: dict[str, Study], tmp_path: Path
) -> None:
    study = begin(tmp_path / "stopped", name)
    for epochs in (4, 37, 60):
        stop = Stop()
        with pytest.raises(SearchInterruptedError):
            engine(study, stop=stop, listener=StopsAfter(stop, epochs)).run()
    engine(study).run()
    assert story(study) == story(whole[name])


@oracle
def test_infeasible_trials_do_not_end_a_search(name: str, tmp_path: Path) -> None:
    study = begin(tmp_path, name)
    engine(study, FakeTrainer(diverge_above=0.003)).run()
    states = {t.state for t in study.trials()}
    assert TrialState.INFEASIBLE in states
    assert TrialState.COMPLETE in states


class BreaksAfter(FakeTrainer):
    """Trains a few jobs, and then none any more."""

    def __init__(self, jobs: int, state: OutcomeState) -> None:
        super().__init__()
        self.left, self.state = jobs, state

    def run(self, job: Job, on_epoch: Any) -> Outcome:
        self.left -= 1
        if self.left >= 0:
            return super().run(job, on_epoch)
        self.jobs.append(job)
        return Outcome(job_id=job.id, state=self.state, reason="no device")


@oracle
def test_a_search_ends_where_nothing_can_be_trained_any_more(name: str, tmp_path: Path) -> None:
    study, trainer = begin(tmp_path, name), BreaksAfter(3, OutcomeState.INFEASIBLE)
    engine(study, trainer, pass_ends=(45,)).run()
    assert len(trainer.jobs) <= 45, "each costs an epoch of the budget"
    assert study.epochs_used() + study.jobs_without_epoch() <= 45
    again = BreaksAfter(0, OutcomeState.INFEASIBLE)
    engine(study, again, pass_ends=(45,)).run()
    assert again.jobs == []


@oracle
def test_a_search_gives_up_where_something_is_broken(name: str, tmp_path: Path) -> None:
    study, trainer = begin(tmp_path, name), BreaksAfter(3, OutcomeState.FAILED)
    with pytest.raises(NoFeasibleTrialError, match="none of the last 30 trials") as raised:
        engine(study, trainer).run()
    assert "30 × failed: no device" in raised.value.message
    assert "the same command resumes it" in raised.value.hint
    assert len(trainer.jobs) == 33


@oracle
def test_a_stopped_training_is_finished_in_a_pass_over_another_space(name: str, tmp_path: Path) -> None:
    another = SPACE.with_changes([replace(SPACE["units"], low=16, default=32)])

    def searched(folder: Path, *stopped_after: int) -> Study:
        """Stop, change the space, and go on with more stops."""
        study = begin(folder, name)
        for epochs in stopped_after:
            stop = Stop()
            with pytest.raises(SearchInterruptedError):
                engine(study, pass_ends=(27, 63), stop=stop, listener=StopsAfter(stop, epochs)).run()
            if len(study.passes()) == 1:
                study.open_pass(another, proposal=None, origin="given")
        engine(study, pass_ends=(27, 63)).run()
        return study

    once = searched(tmp_path / "once", 14)
    assert {t.pass_number for t in once.trials()} == {1, 2}
    assert {t.state for t in once.trials()} <= {TrialState.COMPLETE, TrialState.PAUSED}
    assert story(searched(tmp_path / "again", 14, 2, 20)) == story(once)


@oracle
def test_a_small_space_is_tried_whole_and_then_ends(name: str, tmp_path: Path) -> None:
    small = Space(
        hyperparameters=(
            Choice(name="learning_rate", options=(0.001, 0.01, 0.1)),
            Boolean(name="batch_normalization"),
            Fixed(name="units", value=8),
        )
    )
    study = begin(tmp_path, name, small)
    engine(study, pass_ends=(4000,)).run()
    assert len(study.trials()) <= 6
    # Random draws may miss one; Keras Tuner gives up after 20 repeats.
    assert len(study.trials()) >= 5


@oracle
def test_seeds_differ_and_zero_is_one_of_them(name: str, tmp_path: Path) -> None:
    stories = []
    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        study = begin(tmp_path / folder, name, seed=seed)
        engine(study, pass_ends=(36,)).run()
        stories.append([dict(t.values) for t in study.trials()])
    assert stories[0] == stories[1]
    if name != "grid":
        assert stories[0] != stories[2]


def test_rungs_go_on_from_where_they_stopped(tmp_path: Path) -> None:
    for name in ("coarse-to-fine", "hyperband"):
        study = begin(tmp_path / name, name)
        trainer = FakeTrainer()
        engine(study, trainer).run()
        assert any(job.initial_epoch > 0 for job in trainer.jobs)
        legs = itertools.groupby(sorted(trainer.jobs, key=lambda j: (j.trial_id, j.id)), lambda j: j.trial_id)
        for _, jobs in legs:
            reached = 0
            for job in jobs:
                assert job.initial_epoch == reached
                reached = job.epochs


def test_a_trial_costs_no_copy_of_every_hyperparameter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied, copy = [], hyperparameters._Kept.get_config
    monkeypatch.setattr(hyperparameters._Kept, "get_config", lambda kept: copied.append(kept) or copy(kept))
    study = begin(tmp_path, "coarse-to-fine")
    engine(study).run()
    assert len(study.trials()) > 3
    assert [kept.name for kept in copied] == [hp.name for hp in SPACE.ordered] * len(study.passes())


def test_how_a_gaussian_process_converges_is_kept_from_the_user() -> None:
    """Scores that are all the same let Keras Tuner's Bayesian search warn, which is an error in tests."""
    space = Space(hyperparameters=(Float(name="x", low=0.0, high=2.0, step=0.5),))
    searcher = make_searcher("bayesian", objective=OBJECTIVE, root=space, epochs=1, budget=20, seed=0)
    searcher.begin_pass(1, space)
    for job in range(1, 5):
        assert isinstance(searcher.ask(), Suggestion)
        searcher.started(job, job)
        searcher.report(job, TrialState.COMPLETE, 0.1 * (job % 2), epochs=1)
