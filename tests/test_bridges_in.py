"""Past trials of other tools become studies that a search learns from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hptune.__main__ import run
from hptune.bridges.from_csv import read_csv_trials
from hptune.bridges.from_keras_tuner import read_keras_tuner
from hptune.bridges.from_optuna import read_optuna
from hptune.bridges.guess_space import guess_space, value_of_text
from hptune.bridges.past_trials import PastSearch, PastTrial, direction_of, write_study
from hptune.errors import DataError, InputError, SpaceError
from hptune.search.past_studies import learned_configurations
from hptune.space import Boolean, Choice, Fixed, Float, Integer
from hptune.space.describe import describe_range
from hptune.space.files import ready_space
from hptune.study import Study
from hptune.study.trial import Direction, TrialState

CSV = """lr,units,optimizer,nesterov,val_accuracy,epochs,state
0.001,64,adam,true,0.9,10,
0.1,128,sgd,false,0.7,10,
1e-5,64,adam,true,0.5,2,paused
0.01,32,adam,false,,,failed
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(text: str, name: str = "trials.csv") -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_csv_file_becomes_trials_over_the_space_that_they_covered() -> None:
    found = read_csv_trials(written(CSV), objective="val_accuracy")
    assert (found.direction, found.epochs, len(found.trials)) == (Direction.MAX, 10, 4)
    assert {hp.name: describe_range(hp) for hp in found.space} == {
        "lr": "1e-5..0.1",
        "units": "32..128",
        "optimizer": "adam,sgd",
        "nesterov": "false,true",
    }
    assert found.trials[0].values == {"lr": 0.001, "units": 64, "optimizer": "adam", "nesterov": True}
    assert [trial.state for trial in found.trials] == [
        *(TrialState.COMPLETE, TrialState.COMPLETE, TrialState.PAUSED, TrialState.FAILED)
    ]


def test_columns_of_other_names_are_mapped() -> None:
    text = "rate,acc,comment\n0.1,0.5,good\n0.2,0.6,bad\n"
    columns = {"rate": "learning_rate", "acc": "score", "comment": ""}
    found = read_csv_trials(written(text), objective="max:val_acc", columns=columns)
    assert [hp.name for hp in found.space] == ["learning_rate"]
    assert [trial.score for trial in found.trials] == [0.5, 0.6]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lr,val_accuracy\n0.1,high\n", r"trials\.csv:2: score is 'high', no number"),
        ("lr,val_accuracy,epochs\n0.1,0.5,0\n", "epochs is 0, no whole number of at least 1"),
        ("lr,val_accuracy,state\n0.1,0.5,done\n", "state is 'done'"),
        ("lr,val_accuracy\n0.1,0.5,7\n", "more cells than the header"),
        ("lr,acc\n0.1,0.5\n", "no columns of scores among lr, acc"),
        ("lr,val_accuracy\n", "holds no trials"),
        ("lr,val_accuracy\n0.1,1\nadam,2\n", "lr: has values of several kinds"),
        ('lr,val_accuracy\n"0.1,0.5\n', "no CSV"),
    ],
)
def test_a_csv_file_that_can_not_be_read_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_csv_trials(written(text), objective="val_accuracy")


def test_our_own_tables_of_trials_come_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from support.studies import build

    with build(tmp_path / "study") as study:
        best = study.best(1)[0]
    assert run(["trials", str(tmp_path / "study"), "--csv"]) == 0
    found = read_csv_trials(written(capsys.readouterr().out), objective="val_accuracy")
    assert max(trial.score for trial in found.trials if trial.score is not None) == best.score
    assert {"learning_rate", "units"} <= {hp.name for hp in found.space}
    assert "pass_number" not in found.space


def test_texts_are_the_values_that_they_write() -> None:
    read = [value_of_text(text) for text in ("1", "1.0", "1e-3", "True", "false", "adam", "007", "nan")]
    assert read == [1, 1.0, 1e-3, True, False, "adam", 7, "nan"]
    assert [type(value) for value in read[:2]] == [int, float]


def test_spaces_are_guessed_by_name_and_range() -> None:
    space = guess_space(
        "s", [{"lr": 0.1, "momentum": 0.9, "x": 1.0, "k": 1}, {"lr": 0.3, "momentum": 0.99, "x": 1e4, "k": 1}]
    )
    kinds = {hp.name: type(hp) for hp in space}
    assert kinds == {"lr": Float, "momentum": Float, "x": Float, "k": Fixed}
    scales = {hp.name: hp.scale.value for hp in space if isinstance(hp, Float)}
    assert scales == {"lr": "log", "momentum": "log_complement", "x": "log"}


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("val_loss", "min"),
        ("val_accuracy", "max"),
        ("val_mean_absolute_error", "min"),
        ("val_auc", "max"),
        ("rmse", "min"),
        ("val_r2", "max"),
    ],
)
def test_directions_are_those_of_the_name(name: str, direction: str) -> None:
    assert direction_of(name) == Direction(direction)
    assert direction_of(name, "max") is Direction.MAX


def past(**more: Any) -> PastSearch:
    trials = (
        PastTrial(values={"learning_rate_adam": 0.003, "units": 64}, score=0.95, epochs=10),
        PastTrial(values={"learning_rate_adam": 0.02, "units": 32}, score=0.5, epochs=2, curve=(0.4, 0.5)),
        PastTrial(values={"learning_rate_adam": 0.1}, score=None, state=TrialState.INFEASIBLE, reason="oom"),
    )
    space = guess_space("past", [trial.values for trial in trials])
    return PastSearch(
        **{
            "name": "past",
            "source": "csv:past.csv",
            "objective": "val_accuracy",
            "direction": Direction.MAX,
            "space": space,
            "trials": trials,
            **more,
        }
    )


def test_a_study_of_past_trials_is_read_by_all_that_reads_studies() -> None:
    folder = write_study(past(), Path("studies/past"))
    with Study.open(folder) as study:
        trials = study.trials()
        assert [trial.state for trial in trials] == [
            *(TrialState.COMPLETE, TrialState.PAUSED, TrialState.INFEASIBLE)
        ]
        assert [trial.epochs for trial in trials] == [10, 2, 0]
        assert [trial.score for trial in trials] == [0.95, 0.5, None]
        assert trials[2].reason == "oom"
        assert study.epochs_used() == 12
    for command in ("status", "trials", "report"):
        assert run([command, str(folder)]) == 0
    assert run(["narrow", str(folder), "--dry-run"]) == 0
    assert run(["export", str(folder), "--format", "csv"]) == 0
    assert run(["compare", str(folder), str(folder)]) == 0
    assert run(["confirm", str(folder)]) != 0


def test_a_search_learns_from_it() -> None:
    folder = write_study(past(), Path("studies/past"))
    (first, *_) = learned_configurations([folder], ready_space("mlp"))
    assert first.values["learning_rate_adam"] == 0.003
    assert first.origin == "from past"


def test_what_is_there_is_not_written_over_and_what_was_killed_is_cleared_away() -> None:
    Path("studies/.past.importing").mkdir(parents=True)
    Path("studies/.past.importing/study.db").write_text("half")
    write_study(past(), Path("studies/past"))
    assert [path.name for path in Path("studies").iterdir()] == ["past"]
    with pytest.raises(InputError, match="exists already"):
        write_study(past(), Path("studies/past"))
    with pytest.raises(DataError, match="none of 1 trials"):
        write_study(past(trials=past().trials[2:]), Path("studies/other"))
    assert not Path("studies/other").exists()


def keras_tuner_project(folder: Path, tuner: str = "RandomSearch", **more: Any) -> Path:
    """A project as Keras Tuner writes one, of trainings that cost nothing."""
    import keras_tuner

    class Fake(getattr(keras_tuner, tuner)):  # type: ignore[misc]
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            hp = trial.hyperparameters
            if hp.get("units") == 48:
                raise ValueError("no 48")
            return {"val_accuracy": 1 - abs(hp.get("lr") - 0.01) * 5, "loss": 0.5}

    hp = keras_tuner.HyperParameters()
    hp.Float("lr", 1e-4, 1e-1, sampling="log")
    hp.Int("units", 16, 64, step=16)
    hp.Choice("optimizer", ["adam", "sgd"])
    with hp.conditional_scope("optimizer", ["sgd"]):
        hp.Float("momentum", 0.0, 0.9)
    hp.Boolean("dropout")
    keywords = {"max_trials": 8} if tuner == "RandomSearch" else {}
    search = Fake(
        hypermodel=lambda hp: None,
        objective=keras_tuner.Objective("val_accuracy", "max"),
        hyperparameters=hp,
        seed=3,
        directory=folder,
        project_name="p",
        max_consecutive_failed_trials=99,
        **keywords,
        **more,
    )
    search.search(verbose=0)
    return folder / "p"


def test_a_project_of_keras_tuner_comes_with_its_space_and_conditions(tmp_path: Path) -> None:
    found = read_keras_tuner(keras_tuner_project(tmp_path), epochs=5)
    assert (found.objective, found.direction, found.epochs) == ("val_accuracy", Direction.MAX, 5)
    kinds = {hp.name: type(hp) for hp in found.space}
    assert kinds == {
        "lr": Float,
        "units": Integer,
        "optimizer": Choice,
        "momentum": Float,
        "dropout": Boolean,
    }
    assert found.space["momentum"].when[0].parent == "optimizer"
    assert describe_range(found.space["units"]) == "16..64"
    assert len(found.trials) == 8
    failed = [trial for trial in found.trials if trial.score is None]
    assert all("no 48" in trial.reason for trial in failed)
    assert {trial.values["units"] for trial in failed} <= {48}


def test_hyperbands_trials_count_at_their_own_epochs(tmp_path: Path) -> None:
    found = read_keras_tuner(keras_tuner_project(tmp_path, "Hyperband", max_epochs=9, hyperband_iterations=1))
    assert {trial.epochs for trial in found.trials} == {1, 3, 9}
    assert not any(name.startswith("tuner/") for trial in found.trials for name in trial.values)


def test_the_objective_of_a_project_is_asked_for_where_it_is_not_clear(tmp_path: Path) -> None:
    project = keras_tuner_project(tmp_path)
    for file in project.glob("trial_*/trial.json"):
        content = json.loads(file.read_text())
        content["score"] = 7.0 if content["score"] is not None else None
        file.write_text(json.dumps(content))
    with pytest.raises(DataError, match="not clear"):
        read_keras_tuner(project)
    assert read_keras_tuner(project, objective="min:loss").direction is Direction.MIN
    with pytest.raises(DataError, match="'val_accurcy'"):
        read_keras_tuner(project, objective="val_accurcy")


def test_a_folder_that_is_no_project_and_files_that_are_damaged_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no project of Keras Tuner"):
        read_keras_tuner(tmp_path)
    project = keras_tuner_project(tmp_path)
    oracle = project / "oracle.json"
    content = json.loads(oracle.read_text())
    content["hyperparameters"]["space"][0]["class_name"] = "os.system"
    oracle.write_text(json.dumps(content))
    with pytest.raises(SpaceError, match=r"'os\.system' is no hyperparameter"):
        read_keras_tuner(project)
    next(project.glob("trial_*/trial.json")).write_text("{")
    with pytest.raises(DataError, match="no JSON"):
        read_keras_tuner(project)


def optuna_study(url: str, name: str = "mine", **more: Any) -> None:
    """A study as Optuna keeps one, with pruned and failed trials."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(storage=url, study_name=name, direction="maximize", **more)

    def objective(trial: Any) -> float:
        lr = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
        units = trial.suggest_int("units", 16, 64, step=16)
        trial.suggest_categorical("kind", ["a", "b", None])
        trial.suggest_categorical("size", [1, "all"])
        if units == 48:
            raise ValueError("no 48")
        score = 1 - abs(lr - 0.01)
        for epoch in range(4):
            trial.report(score * (epoch + 1) / 4, epoch)
            if trial.number == 2 and epoch == 1:
                raise optuna.TrialPruned
        return score

    study.optimize(objective, n_trials=8, catch=(ValueError,))


def test_a_study_of_optuna_comes_with_curves_and_pruned_trials(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/optuna.db"
    optuna_study(url)
    found = read_optuna(url, objective="val_accuracy")
    assert (found.name, found.direction, found.epochs) == ("mine", Direction.MAX, 4)
    assert {hp.name: describe_range(hp) for hp in found.space} == {
        "lr": "0.0001..0.1",
        "units": "16..64",
        "kind": "a,b",
        "size": "1,all",
    }
    assert len(found.trials) == 8
    third = found.trials[2]
    if third.state is not TrialState.FAILED:
        assert (third.state, third.epochs) == (TrialState.PAUSED, 2)
    write_study(found, Path("study"))
    with Study.open(Path("study")) as study:
        complete = [trial for trial in study.trials() if trial.state is TrialState.COMPLETE]
        assert complete
        assert all(len(trial.curve) == 4 for trial in complete)


def test_what_optuna_can_not_give_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/optuna.db"
    with pytest.raises(DataError, match="no such file"):
        read_optuna(url)
    assert not (tmp_path / "optuna.db").exists()
    optuna_study(url, "one")
    optuna_study(url, "two")
    with pytest.raises(DataError, match="holds 2 studies"):
        read_optuna(url)
    with pytest.raises(DataError, match="no study 'three'"):
        read_optuna(url, study="three")
    with pytest.raises(DataError, match="Optuna can't read it"):
        read_optuna("postgres:nowhere")


def test_the_command_writes_a_study_and_says_where(capsys: pytest.CaptureFixture[str]) -> None:
    written(CSV)
    assert run(["import", "csv", "trials.csv", "--objective", "val_accuracy"]) == 0
    shown = capsys.readouterr()
    assert shown.out.strip() == "studies/trials"
    assert "4 trials, 3 with a score of val_accuracy (max); a full training has 10 epochs" in shown.err
    assert (
        run(["import", "csv", "trials.csv", "--objective", "val_accuracy", "--json", "-o", "elsewhere"]) == 0
    )
    assert json.loads(capsys.readouterr().out)["trials"] == 4
    assert run(["import", "csv", "trials.csv", "--objective", "val_accuracy"]) == 3
    assert run(["import", "csv", "trials.csv", "--objective", "x", "--map", "lr"]) == 2
    assert run(["import", "keras-tuner", "nowhere"]) == 3
