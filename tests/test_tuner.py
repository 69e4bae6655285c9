"""`hptune.CoarseToFine`: Keras Tuner's protocol, and what it adds, on a small search."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest
from support.studies import build as made_study

import hptune
from hptune.errors import DataError, ModelError, ObjectiveError, StudyMismatchError, UsageError
from hptune.study import Study

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(120, 4)).astype("float32")
Y = (X[:, 0] * X[:, 1] > 0).astype("int32")


def build(hp: Any) -> Any:
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(hp.Int("units", 4, 32, step=4), activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    rate = hp.Float("learning_rate", 1e-4, 1e-1, sampling="log")
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    return model


def tuned(folder: Path, model: Any = build, *, fit: dict[str, Any] | None = None, **arguments: Any) -> Any:
    given = {"objective": "val_accuracy", "max_trials": 4, "epochs": 4, "study": folder, **arguments}
    tuner = hptune.CoarseToFine(model, **given)
    tuner.search(X, Y, **{"validation_split": 0.25, "verbose": 0, **(fit or {})})
    return tuner


@pytest.fixture(scope="module")
def tuner(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tuned(tmp_path_factory.mktemp("tuner") / "study")


def test_it_is_a_tuner_of_keras_tuner(tuner: Any) -> None:
    assert isinstance(tuner, keras_tuner.Tuner)
    assert isinstance(tuner.oracle, keras_tuner.Oracle)
    assert tuner.oracle.objective == keras_tuner.Objective("val_accuracy", "max")
    assert tuner.remaining_trials == 0
    assert Path(tuner.project_dir) == tuner.study_folder


def test_best_trials_come_best_first_with_their_metrics(tuner: Any) -> None:
    trials = tuner.oracle.get_best_trials(100)
    scores = [trial.score for trial in trials]
    assert scores == sorted(scores, reverse=True)
    assert len(trials) == len(tuner.oracle.trials) >= 4
    best = trials[0]
    history = [observation.value[0] for observation in best.metrics.get_history("val_accuracy")]
    assert history[best.best_step] == best.score == max(history)
    assert tuner.oracle.get_trial(best.trial_id) is best


def test_the_best_hyperparameters_build_the_model(tuner: Any) -> None:
    (hp,) = tuner.get_best_hyperparameters()
    model = tuner.hypermodel.build(hp)
    assert model.layers[0].units == hp.get("units") == hp.values["units"]
    assert float(model.optimizer.learning_rate) == pytest.approx(hp.get("learning_rate"))


def test_the_best_models_score_what_the_search_saw(tuner: Any) -> None:
    models = tuner.get_best_models(2)
    for model, trial in zip(models, tuner.oracle.get_best_trials(2), strict=True):
        assert model.evaluate(X[90:], Y[90:], verbose=0)[1] == pytest.approx(trial.score)


def test_summaries_are_printed(tuner: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tuner.search_space_summary()
    tuner.results_summary(1)
    shown = capsys.readouterr().out
    assert "learning_rate" in shown
    assert "1e-4..0.1" in shown or "0.0001..0.1" in shown
    assert "Score: " in shown
    assert "hptune" not in shown.replace(str(tuner.study_folder), "")


def test_trials_and_curves_are_frames(tuner: Any) -> None:
    frame = tuner.trials()
    assert list(frame.index) == list(range(1, len(frame) + 1))
    assert {"state", "score", "epochs", "units", "learning_rate"} <= set(frame.columns)
    number = int(tuner.oracle.get_best_trials()[0].trial_id)
    curve = tuner.curve(number)
    assert curve["val_accuracy"].max() == frame["score"][number]
    assert curve.index[0] == 1


def test_the_proposal_is_edited_and_accepted(tuner: Any) -> None:
    proposal = tuner.narrow()
    changed = proposal.edit("learning_rate", 1e-3, 1e-2).freeze("units", 16)
    assert changed["learning_rate"] == "0.001..0.01"
    assert changed["units"] == "=16"
    assert proposal["units"] != "=16"
    assert "you froze it at 16" in repr(changed)
    assert "<td" in changed._repr_html_()
    file = changed.accept()
    assert file.name == "next-pass.yaml"
    assert "you froze it at 16" in file.read_text()
    file.unlink()
    with pytest.raises(Exception, match="no hyperparameter is named"):
        proposal.keep("unit")
    with pytest.raises(TypeError, match="two ends"):
        proposal.edit("units")


def test_the_report_is_one_page_that_a_notebook_shows(tuner: Any, tmp_path: Path) -> None:
    report = tuner.report(tmp_path / "page.html")
    page = Path(report).read_text()
    assert "val_accuracy" in page
    assert report._repr_html_().startswith("<iframe srcdoc=")
    assert "<table>" in tuner._repr_html_()


def test_confirming_trains_with_fresh_seeds(tuner: Any) -> None:
    confirmed = tuner.confirm(top=2, seeds=2)
    frame = confirmed.frame()
    assert list(frame["seeds"]) == [2, 2]
    assert confirmed.best in set(frame["trial"])
    with pytest.raises(UsageError):
        tuner.confirm(seeds=1)


def test_exports_are_texts_or_files(tuner: Any, tmp_path: Path) -> None:
    assert "learning_rate:" in tuner.export()
    model, card = tuner.export("keras", output=tmp_path / "best.keras")
    predicted = keras.saving.load_model(model).predict(X[:3], verbose=0)
    assert all(len(part) == 3 for part in predicted.values())
    assert "val_accuracy" in card.read_text()
    with pytest.raises(UsageError, match="format"):
        tuner.export("onnx")


def test_a_script_of_code_in_memory_is_refused(tuner: Any) -> None:
    with pytest.raises(Exception, match="Python program"):
        tuner.export("python")


def test_the_command_line_opens_the_study(tuner: Any) -> None:
    folder = str(tuner.study_folder)
    for command in (
        ["status"],
        ["trials"],
        ["show", "1"],
        ["narrow", "--dry-run"],
        ["export", "--format", "csv"],
    ):
        named = ["--study", folder] if command == ["show", "1"] else [folder]
        arguments = [*command[:2], *named] if len(named) == 2 else [command[0], *named, *command[1:]]
        done = subprocess.run(
            [sys.executable, "-m", "hptune", *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip()
    done = subprocess.run(
        [sys.executable, "-m", "hptune", "confirm", folder, "--seeds", "9"], capture_output=True, text=True
    )
    assert done.returncode == 3
    assert "Python program" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_study_of_the_command_line_opens_here(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    made_study(folder).close()
    opened = hptune.open_study(folder)
    assert len(opened.trials())
    assert "hyperparameter" in opened._repr_html_() or "trial" in opened._repr_html_()
    assert repr(opened) == f"hptune.open_study({str(folder)!r})"
    assert "Best:" in str(opened)


def test_the_same_program_resumes_to_the_same_trials(tmp_path: Path, tuner: Any) -> None:
    first = tuned(tmp_path / "study", max_trials=2).trials()
    assert tuned(tmp_path / "study", max_trials=2).trials().equals(first)
    more = tuned(tmp_path / "study", max_trials=4).trials()
    assert more["epochs"].sum() > first["epochs"].sum()
    assert more["units"].iloc[0] == tuner.trials()["units"].iloc[0]


def test_a_new_tuner_knows_what_was_searched(tuner: Any) -> None:
    again = hptune.CoarseToFine(build, objective="val_accuracy", study=tuner.study_folder, epochs=4)
    assert [t.trial_id for t in again.oracle.get_best_trials(3)] == [
        t.trial_id for t in tuner.oracle.get_best_trials(3)
    ]
    model = again.get_best_models()[0]
    best = again.oracle.get_best_trials()[0]
    assert model.evaluate(X[90:], Y[90:], verbose=0)[1] == pytest.approx(best.score)


def test_weights_go_into_no_other_network(tmp_path: Path) -> None:
    tuned(tmp_path / "study", max_trials=2)

    def other(hp: Any) -> Any:
        model = build(hp)
        model.layers[0].activation = keras.activations.tanh
        return model

    again = hptune.CoarseToFine(other, "val_accuracy", study=tmp_path / "study")
    with pytest.raises(UsageError, match="code has changed since"):
        again.get_best_models()


def test_a_model_is_explored_once_for_a_search_and_what_follows(tmp_path: Path) -> None:
    built: list[int] = []

    def counting(hp: Any) -> Any:
        built.append(1)
        return build(hp)

    tuner = tuned(tmp_path / "study", counting, max_trials=2)
    before = len(built)
    assert len(tuner.get_best_models(2)) == 2
    assert len(built) == before + 2
    tuner.confirm(top=1, seeds=2)
    assert len(built) == before + 4


def test_other_data_are_refused_and_overwrite_sets_the_study_aside(tmp_path: Path) -> None:
    tuned(tmp_path / "study", max_trials=1)
    other = hptune.CoarseToFine(build, "val_accuracy", 1, epochs=4, study=tmp_path / "study")
    with pytest.raises(StudyMismatchError) as caught:
        other.search(X + 1, Y, validation_split=0.25, verbose=0)
    assert "overwrite=True" in "".join(caught.value.__notes__)
    tuned(tmp_path / "study", max_trials=1, overwrite=True)
    assert (tmp_path / "study.1" / "study.db").exists()


def test_nothing_is_written_before_the_search(tmp_path: Path) -> None:
    tuner = hptune.CoarseToFine(build, objective="val_accuracy", directory=tmp_path, project_name="a/b")
    tuner.search_space_summary()
    assert tuner.oracle.get_best_trials() == []
    assert not list(tmp_path.iterdir())
    with pytest.raises(Exception, match="no study yet"):
        tuner.load_model(None)


def test_objectives_are_those_of_keras_tuner(tmp_path: Path) -> None:
    tuner = tuned(tmp_path / "a", max_trials=1, objective=keras_tuner.Objective("val_loss", "min"))
    assert tuner.oracle.objective.direction == "min"
    on_training = tuned(tmp_path / "b", max_trials=1, objective="accuracy", fit={"validation_split": 0.0})
    assert on_training.oracle.objective.name == "accuracy"
    with pytest.raises(ObjectiveError, match="no validation rows"):
        tuned(tmp_path / "c", fit={"validation_split": 0.0})
    with pytest.raises(ObjectiveError, match="one aim"):
        hptune.CoarseToFine(build, objective=["val_loss", "val_accuracy"])


def test_a_keyword_that_model_fit_takes_reaches_it(tmp_path: Path) -> None:
    seen: list[Any] = []

    def recording(hp: Any) -> Any:
        model = build(hp)
        whole = model.fit

        def fit(*args: Any, **keywords: Any) -> Any:
            seen.append(keywords.get("class_weight"))
            return whole(*args, **keywords)

        model.fit = fit
        return model

    tuned(tmp_path / "study", recording, max_trials=1, fit={"class_weight": {0: 1.0, 1: 3.0}})
    assert seen
    assert all(weights == {0: 1.0, 1: 3.0} for weights in seen)


def test_the_precision_of_the_program_holds_and_stays(tmp_path: Path) -> None:
    def without_precision(hp: Any) -> Any:
        return build(hp)

    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        tuner = tuned(tmp_path / "study", without_precision, max_trials=2, objective="val_loss")
        assert keras.mixed_precision.dtype_policy().name == "mixed_bfloat16"
        (model,) = tuner.get_best_models()
        assert {layer.compute_dtype for layer in model.layers} == {"bfloat16"}
        assert keras.mixed_precision.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.mixed_precision.set_global_policy("float32")


def test_callbacks_are_called_in_each_training(tmp_path: Path) -> None:
    begun: list[int] = []

    class Counting(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            begun.append(1)

        def __deepcopy__(self, memo: Any) -> Counting:
            return Counting()

    tuner = tuned(tmp_path / "study", max_trials=2, fit={"callbacks": [Counting()]})
    assert len(begun) >= len(tuner.oracle.trials)


class OwnFit(keras_tuner.HyperModel):  # type: ignore[misc]
    """A HyperModel whose fit has a hyperparameter and an argument of its own."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def build(self, hp: Any) -> Any:
        return build(hp)

    def fit(self, hp: Any, model: Any, *args: Any, flavour: str = "", **kwargs: Any) -> Any:
        assert flavour == "sweet"
        return model.fit(*args, batch_size=hp.Choice("batch_size", [16, 32]), **kwargs)


def test_a_hypermodels_own_fit_gets_its_arguments(tmp_path: Path) -> None:
    tuner = tuned(tmp_path / "study", OwnFit(2), max_trials=2, fit={"flavour": "sweet"})
    assert set(tuner.trials()["batch_size"]) <= {16, 32}


class OwnData(keras_tuner.HyperModel):  # type: ignore[misc]
    """A HyperModel that searches nothing of Keras's: it has no model to save and takes its own words."""

    def build(self, hp: Any) -> Any:
        return build(hp)

    def fit(self, hp: Any, model: Any, rows: Any, labels: Any, *held: Any, **kwargs: Any) -> Any:
        kwargs = {name: value for name, value in kwargs.items() if name in ("epochs", "callbacks", "verbose")}
        return model.fit(rows, labels, validation_data=held, **kwargs)


def test_arguments_that_only_an_own_fit_knows_reach_it(tmp_path: Path) -> None:
    tuner = hptune.CoarseToFine(
        OwnData(), objective="val_accuracy", max_trials=2, epochs=3, study=tmp_path / "study"
    )
    tuner.search(X[:90], Y[:90], X[90:], Y[90:], verbose=0)
    assert tuner.oracle.get_best_trials()[0].score > 0.3


class Brings(keras_tuner.HyperModel):  # type: ignore[misc]
    """A HyperModel that needs nothing from outside, and judges by a number."""

    def build(self, hp: Any) -> Any:
        return build(hp)

    def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> float:
        return (hp.Float("value", 0, 10) - 3) ** 2


def test_a_fit_that_brings_its_data_is_searched_without_any(tmp_path: Path) -> None:
    tuner = hptune.CoarseToFine(Brings(), max_trials=8, study=tmp_path / "study")
    tuner.search(verbose=0)
    assert tuner.oracle.objective.direction == "min"
    assert abs(tuner.get_best_hyperparameters()[0].get("value") - 3) < 3
    text = type("Text", (Brings,), {"fit": lambda self, hp, model, *args, **kwargs: "text"})
    judged = hptune.CoarseToFine(text(), "val_loss", 2, study=tmp_path / "text")
    with pytest.raises(ModelError, match="fit returned str"):
        judged.search(verbose=0)


def test_an_optimizer_takes_the_place_of_the_models(tmp_path: Path) -> None:
    tuner = tuned(tmp_path / "study", max_trials=2, optimizer=keras.optimizers.SGD(0.01))
    assert tuner.oracle.get_best_trials()[0].score > 0
    (model,) = tuner.get_best_models()
    assert type(model.optimizer).__name__ == "SGD"


def test_what_a_model_is_compiled_with_can_be_replaced(tmp_path: Path) -> None:
    tuner = tuned(
        tmp_path / "study", max_trials=1, objective="val_mse", loss="mse", metrics=["mse"], optimizer="sgd"
    )
    (model,) = tuner.get_best_models()
    assert model.loss == "mse"
    assert tuner.oracle.objective.name == "val_mse"


def test_hyperparameters_given_beside_the_model_count(tmp_path: Path) -> None:
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 8, 16, step=8)
    tuner = tuned(tmp_path / "study", max_trials=3, hyperparameters=hp, tune_new_entries=False)
    frame = tuner.trials()
    assert set(frame["units"]) <= {8, 16}
    assert frame["learning_rate"].nunique() == 1
    with pytest.raises(UsageError, match="learning_rate"):
        tuned(tmp_path / "other", hyperparameters=hp, allow_new_entries=False)


def test_a_build_may_ask_for_what_is_declared_beside_it(tmp_path: Path) -> None:
    def asks(hp: Any) -> Any:
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(hp.get("units"))])
        model.add(keras.layers.Dense(1, activation="sigmoid"))
        model.compile(keras.optimizers.Adam(hp.get("lr")), "binary_crossentropy", metrics=["accuracy"])
        return model

    hp = keras_tuner.HyperParameters()
    hp.Int("units", 4, 6, default=5)
    hp.Choice("lr", [0.01, 0.001])
    tuner = tuned(tmp_path / "study", asks, max_trials=2, hyperparameters=hp, allow_new_entries=False)
    assert set(tuner.trials()["units"]) <= {4, 5, 6}
    assert set(tuner.trials()["lr"]) <= {0.01, 0.001}


def test_attributes_are_those_of_a_tuner_before_it_searches(tmp_path: Path) -> None:
    tuner = hptune.CoarseToFine(build, "val_accuracy", 2, executions_per_trial=3, directory=tmp_path)
    assert tuner.oracle.objective.name == "val_accuracy"
    assert (tuner.oracle.max_trials, tuner.executions_per_trial, tuner.remaining_trials) == (2, 3, 2)
    assert {hp.name for hp in tuner.oracle.get_space().space} == {"units", "learning_rate"}
    assert Path(tuner.directory) == tmp_path
    unknown = hptune.CoarseToFine(build, "max:val_of_my_own", 2, directory=tmp_path)
    assert unknown.oracle.trials == {}
    with pytest.raises(ValueError, match="hypermodel=None"):
        hptune.CoarseToFine(objective="val_loss", directory=tmp_path)


def test_arguments_of_other_tuners_are_named(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="factor has no effect"):
        tuner = hptune.CoarseToFine(build, "val_accuracy", max_epochs=3, factor=4, study=tmp_path / "study")
    assert tuner.oracle.trials == {}
    with pytest.raises(TypeError, match="'trails'"):
        hptune.CoarseToFine(build, "val_accuracy", trails=3)
    for wrong in ({"trials": 0}, {"passes": 21}, {"seed": -1}, {"cv": 1}, {"max_time": 0}, {"epochs": 1.5}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            hptune.CoarseToFine(build, "val_accuracy", **wrong)
    with pytest.raises(TypeError, match="give one of both"):
        hptune.CoarseToFine(build, study="a", project_name="b")


def test_a_subclass_that_trains_by_itself_is_told_of_the_oracle() -> None:
    class Mine(hptune.CoarseToFine):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            return 0.0

    with pytest.raises(UsageError, match="run_trial of its own"):
        Mine(build, "val_accuracy")

    class Listens(hptune.CoarseToFine):
        def on_epoch_end(self, trial: Any, model: Any, epoch: int, logs: Any = None) -> None:
            pass

    with pytest.raises(UsageError, match="on_epoch_end of its own"):
        Listens(build, "val_accuracy")


def test_the_oracle_serves_a_tuner_of_ones_own(tmp_path: Path) -> None:
    class Square(keras_tuner.Tuner):  # type: ignore[misc]
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            hp = trial.hyperparameters
            return (hp.Float("x", -2.0, 2.0) - 1.0) ** 2

    oracle = hptune.CoarseToFineOracle(keras_tuner.Objective("default_objective", "min"), max_trials=20)
    tuner = Square(oracle=oracle, directory=tmp_path, project_name="square")
    tuner.search()
    assert tuner.oracle.get_best_trials()[0].score < 0.05


def test_progress_bars_of_keras_are_as_before(tmp_path: Path) -> None:
    before = keras.utils.is_interactive_logging_enabled()
    keras.utils.enable_interactive_logging()
    try:
        tuned(tmp_path / "study", max_trials=1)
        assert keras.utils.is_interactive_logging_enabled()
    finally:
        if not before:
            keras.utils.disable_interactive_logging()


def test_the_example_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    example = readme.split("```python\n")[1].split("```")[0]
    # The same with a smaller budget.
    smaller = example.replace("max_trials=30", "max_trials=2").replace("epochs=20", "epochs=2, verbose=0")
    assert smaller != example
    names: dict[str, Any] = {"build": build, "x": X, "y": Y}
    exec(smaller, names)
    assert names["model"].predict(X[:2], verbose=0).shape == (2, 1)
    assert (tmp_path / "studies" / "build" / "report.html").exists()


PROGRAM = """
import sys
import numpy as np, keras, hptune
sys.path.insert(0, {tests!r})
from test_tuner import build, X, Y
tuner = hptune.CoarseToFine(build, objective="val_accuracy", trials=60, epochs=30, study={study!r})
tuner.search(X, Y, validation_split=0.25)
"""


def test_ctrl_c_ends_after_the_epoch_and_is_resumed(tmp_path: Path) -> None:
    program = PROGRAM.format(tests=str(Path(__file__).parent), study=str(tmp_path / "study"))
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if "best" in line:
                running.send_signal(signal.SIGINT)
                break
        rest = running.stderr.read()
    assert running.returncode != 0
    assert "KeyboardInterrupt" in rest
    assert "the same search() resumes it" in rest
    with Study.open(tmp_path / "study") as study:
        assert 0 < study.epochs_used() < 60 * 30


def test_data_of_a_program_are_named_where_nobody_hands_them_over(tuner: Any) -> None:
    from hptune.search.task import task_of

    with Study.open(tuner.study_folder) as study, pytest.raises(DataError, match="no file holds"):
        task_of(study).load_data()
