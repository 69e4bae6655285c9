"""A study's trials in an Optuna storage, and back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from support.strategies import spaces
from support.studies import Recipe, build

import hptune
from hptune.__main__ import run
from hptune.bridges.from_optuna import read_optuna
from hptune.bridges.optuna_space import distributions_of, in_distribution
from hptune.bridges.to_optuna import export_to_optuna
from hptune.errors import InputError, UsageError
from hptune.space import Boolean, Choice, Fixed, Float, Integer, Space
from hptune.space.scales import Scale
from hptune.study import Study
from hptune.study.trial import Direction, Outcome, OutcomeState, TrialState

RECIPE = Recipe(trials=14, passes=2, infeasible=0.15, failed=0.1, running=1, seed=4)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Study, str]]:
    """A study of every state, and the storage that it was written to."""
    folder = tmp_path_factory.mktemp("optuna")
    with build(folder / "digits-mlp", RECIPE) as study:
        url = f"sqlite:///{folder}/optuna.db"
        assert export_to_optuna(study, url) == f"study digits-mlp in {url}: 14 trials"
        yield study, url


def test_each_trial_that_ended_is_there_as_optuna_has_it(made: tuple[Study, str]) -> None:
    study, url = made
    loaded = optuna.load_study(study_name="digits-mlp", storage=url)
    assert loaded.direction.name == "MAXIMIZE"
    assert loaded.metric_names == ["val_accuracy"]
    ours = [trial for trial in study.trials() if trial.state is not TrialState.RUNNING]
    states = {"complete": "COMPLETE", "paused": "PRUNED", "infeasible": "FAIL", "failed": "FAIL"}
    assert {trial.state.value for trial in ours} == set(states)
    for theirs, trial in zip(loaded.trials, ours, strict=True):
        assert theirs.state.name == states[trial.state.value]
        assert theirs.value == trial.score
        assert theirs.params == trial.values
        assert [type(theirs.params[name]) for name in trial.values] == list(map(type, trial.values.values()))
        curve = {epoch: report["val_accuracy"] for epoch, report in enumerate(trial.curve, 1)}
        assert theirs.intermediate_values == curve
        assert theirs.datetime_start is not None
        assert theirs.datetime_start.timestamp() == pytest.approx(trial.created_at, abs=1e-5)
        assert theirs.duration is not None
        assert theirs.duration.total_seconds() == pytest.approx(trial.seconds, abs=1e-5)
        assert theirs.user_attrs["trial"] == trial.id
        assert theirs.user_attrs["pass"] == trial.pass_number
        assert theirs.user_attrs["state"] == trial.state.value
        assert theirs.user_attrs["seed"] == trial.seed
        assert theirs.user_attrs["note"] == trial.note
        assert theirs.user_attrs.get("reason", "") == trial.reason
    # A conditional that was not active is absent.
    assert {"momentum" in t.params for t in loaded.trials if t.params["optimizer"] == "sgd"} == {True}
    assert {"momentum" in t.params for t in loaded.trials if t.params["optimizer"] != "sgd"} == {False}
    best = study.best(len(ours))
    assert loaded.best_value == max(
        trial.score for trial in best if trial.score is not None and trial.state is TrialState.COMPLETE
    )


def test_it_comes_back_with_the_same_scores_and_curves(made: tuple[Study, str]) -> None:
    study, url = made
    found = read_optuna(url)
    assert (found.name, found.objective, found.direction) == ("digits-mlp", "val_accuracy", Direction.MAX)
    ours = [trial for trial in study.trials() if trial.state is not TrialState.RUNNING]
    for past, trial in zip(found.trials, ours, strict=True):
        assert past.values == trial.values
        assert past.score == trial.score
        assert past.curve == tuple(report["val_accuracy"] for report in trial.curve)
        assert past.seconds == pytest.approx(trial.seconds, abs=1e-5)
        assert past.reason == trial.reason
        assert past.state is (TrialState.FAILED if trial.state.is_bad else trial.state)


def test_optuna_goes_on_with_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/optuna.db"
    with build(tmp_path / "study", Recipe(trials=6, passes=1)) as study:
        export_to_optuna(study, url)
        loaded = optuna.load_study(study_name="study", storage=url)

        def objective(trial: Any) -> float:
            return float(trial.suggest_float("learning_rate", 1e-5, 1.0, log=True))

        loaded.optimize(objective, n_trials=1)
        with pytest.raises(InputError, match="gone on with in Optuna"):
            export_to_optuna(study, url)
    assert len(loaded.get_trials()) == 7


def test_exporting_again_adds_new_trials_and_renews_what_has_changed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/optuna.db"
    recipe = Recipe(trials=6, passes=1, running=1, failed=0.0)
    with build(tmp_path / "study", recipe) as study:
        assert export_to_optuna(study, url).endswith("6 trials")
        before = optuna.load_study(study_name="study", storage=url)
        (job,) = study.open_jobs()
        report = {"val_accuracy": 0.5}
        outcome = Outcome(job_id=job.id, state=OutcomeState.DONE, curve=(report,), seconds=1.0)
        study.record_outcome(outcome, TrialState.PAUSED)
        assert export_to_optuna(study, url).endswith("7 trials, 1 of them new")
        # It is the same study, with what was noted there.
        assert len(before.get_trials()) == 7
        paused = study.trial(job.trial_id)
        assert paused.state is TrialState.PAUSED
        again = study.record_ask(
            trial=paused,
            initial_epoch=paused.epochs,
            epochs=paused.epochs + 1,
            oracle_values=dict(paused.values),
            pass_number=1,
        )
        outcome = Outcome(job_id=again.id, state=OutcomeState.DONE, curve=({"val_accuracy": 0.9},))
        study.record_outcome(outcome, TrialState.COMPLETE)
        assert export_to_optuna(study, url).endswith("7 trials")
    last = optuna.load_study(study_name="study", storage=url).get_trials()[-1]
    assert (last.state.name, last.value, last.intermediate_values) == ("COMPLETE", 0.9, {1: 0.5, 2: 0.9})


def test_a_study_of_that_name_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/optuna.db"
    optuna.create_study(storage=url, study_name="study")
    with build(tmp_path / "study", Recipe(trials=2, passes=1)) as study:
        with pytest.raises(InputError, match="has a study 'study' already") as refused:
            export_to_optuna(study, url)
        assert "delete_study" in refused.value.hint
        with pytest.raises(InputError, match="Optuna can't write it"):
            export_to_optuna(study, "nosuch://there")
        with pytest.raises(UsageError, match="all trials"):
            export_to_optuna(study, url, top=3)
        with pytest.raises(UsageError, match="needs a storage"):
            export_to_optuna(study, None)
    assert optuna.load_study(study_name="study", storage=url).trials == []


def test_without_optuna_it_is_said_what_brings_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with (
        build(tmp_path / "study", Recipe(trials=2, passes=1)) as study,
        pytest.raises(InputError, match="optuna is not installed") as refused,
    ):
        export_to_optuna(study, "sqlite:///there.db")
    assert "hptune[optuna]" in refused.value.hint


def test_the_command_and_the_program_write_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    build(Path("study"), Recipe(trials=3, passes=1)).close()
    export = ["export", "study", "--format", "optuna"]
    # A path alone is an SQLite file, in a folder that is made.
    assert run([*export, "-o", "new/optuna.db"]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Wrote study study in sqlite:///new/optuna.db: 3 trials" in shown.err
    said = hptune.open_study("study").export("optuna", output="sqlite:///new/optuna.db")
    assert said == "study study in sqlite:///new/optuna.db: 3 trials, 0 of them new"
    assert run(export) == 2
    assert run([*export, "-o", "optuna.db", "--top", "2"]) == 2
    assert run(["export", "study", "-o", "sqlite:///optuna.db"]) == 2
    assert not Path("sqlite:").exists()


def test_distributions_hold_all_passes_and_what_was_tried_beyond_them() -> None:
    declared = [
        Float(name="lr", low=1e-4, high=1e-1, scale=Scale.LOG),
        Float(name="lr", low=1e-3, high=1e-2, scale=Scale.LOG),
        Fixed(name="lr", value=0.5),
        Integer(name="units", low=16, high=64, step=16),
        Integer(name="layers", low=1, high=256, scale=Scale.LOG, step=2),
        Float(name="momentum", low=0.5, high=0.99, scale=Scale.LOG_COMPLEMENT),
        Float(name="rate", low=0.1, high=0.7, step=0.2),
        Choice(name="kind", options=("a", "b")),
        Choice(name="kind", options=("b", "c")),
        Choice(name="size", options=(1, 2.5)),
        Boolean(name="norm"),
        Fixed(name="seedless", value="yes"),
    ]
    tried = [{"lr": 2e-5, "units": 32, "rate": 0.7, "size": 1.0}]
    found = distributions_of(declared, tried)
    assert found == {
        "lr": FloatDistribution(2e-5, 0.5, log=True),
        "units": IntDistribution(16, 64, step=16),
        "layers": IntDistribution(1, 256, log=True),
        "momentum": FloatDistribution(0.5, 0.99),
        "rate": FloatDistribution(0.1, 0.7, step=0.2),
        "kind": CategoricalDistribution(("a", "b", "c")),
        "size": CategoricalDistribution((1, 2.5)),
        "norm": CategoricalDistribution((False, True)),
        "seedless": CategoricalDistribution(("yes",)),
    }
    assert type(in_distribution(found["size"], 1.0)) is int
    # Steps that miss a value are none.
    assert distributions_of(declared[3:4], [{"units": 33}])["units"] == IntDistribution(16, 64)


@settings(max_examples=60)
@given(space=spaces(), data=st.data())
def test_any_configuration_of_any_space_is_one_that_optuna_takes(space: Space, data: st.DataObject) -> None:
    tried = [{hp.name: hp.at(data.draw(st.floats(0, 1))) for hp in space} for _ in range(3)]
    found = distributions_of(space, tried)
    for values in tried:
        params = {name: in_distribution(found[name], value) for name, value in values.items()}
        made = optuna.trial.create_trial(value=0.0, params=params, distributions=found)
        assert made.params == values
