"""A model that can't be trained in the middle of its ranges may be at their lowest values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hptune.__main__ import run
from hptune.data import load_dataset
from hptune.errors import SearchInterruptedError
from hptune.models.load import load_model
from hptune.search.engine import Engine
from hptune.search.task import load_trainer, task_of
from hptune.space.files import ready_space
from hptune.study import Study
from hptune.training import Trainer
from hptune.training.choose_feed import choose_feed
from hptune.training.numpy_path.optimizers import AdamRule

# Of four features a window of more than four can't be had; the middle of 1..9 is five.
MODEL = """import keras


def build(hp):
    window = keras.layers.Conv1D(2, {window})
    layers = [keras.layers.Reshape((4, 1)), window, keras.layers.Flatten(), keras.layers.Dense(3, "softmax")]
    model = keras.Sequential(layers)
    model.compile(optimizer=hp.Choice("optimizer", ["sgd", "adam"]), loss="{loss}", metrics=["accuracy"])
    return model
"""
LOSS = "sparse_categorical_crossentropy"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(window: str, loss: str = LOSS) -> str:
    Path("model.py").write_text(MODEL.format(window=window, loss=loss))
    return "model.py:build"


def begins(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Search until the first trial would be trained: 130 there."""

    def stop_here(engine: Engine) -> None:
        raise SearchInterruptedError("here")

    monkeypatch.setattr(Engine, "run", stop_here)
    return run(["search", "iris", *arguments])


def test_a_model_that_trains_where_keras_tuner_begins_is_searched(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert begins(monkeypatch, "--model", written('hp.Int("window", 1, 9)')) == 130
    said = capsys.readouterr().err
    assert "model.py:build: one batch can't be trained" in said
    assert "where Keras Tuner begins, it can be: the search continues" in said


def test_a_default_of_its_own_is_where_both_begin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = written('hp.Int("window", 1, 9, default=2)')
    assert begins(monkeypatch, "--model", spec) == 130
    assert "can't be trained" not in capsys.readouterr().err
    assert load_model(spec, load_dataset("iris", validation=0.2)).fallback_start() is None


def test_a_model_that_trains_at_neither_is_refused_with_what_the_middle_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert begins(monkeypatch, "--model", written('hp.Int("window", 1, 9)', loss="binary_crossentropy")) == 3
    said = capsys.readouterr().err
    assert "one batch can't be trained" in said
    assert "goes on" not in said


def test_where_keras_tuner_begins_is_the_lowest_value_inside_the_ranges_that_are_searched() -> None:
    iris = load_dataset("iris", validation=0.2)
    model = load_model(written('hp.Int("window", 1, 9)'), iris)
    assert model.fallback_start() == {"window": 1, "optimizer": "sgd"}
    Path("space.yaml").write_text("hyperparameters:\n  window: {type: int, range: [2, 4]}\n")
    from hptune.space.files import load_space

    narrower = load_model("model.py:build", iris, space=load_space(Path("space.yaml")))
    assert narrower.fallback_start() is None
    assert load_model("mlp", iris, space=ready_space("mlp")).fallback_start() is None


def test_no_data_is_not_this_folder(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a").mkdir()
    for name in ("", " "):
        assert run(["search", name, "--dry-run"]) == 3
        assert "no data: the name is empty" in capsys.readouterr().err


def test_a_name_that_several_begin_with_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    Path("space.yaml").write_text(
        "hyperparameters:\n  optimizer: {choices: [sgd, adam]}\n"
        "  learning_rate_sgd: {range: [1e-3, 0.1], when: {optimizer: sgd}}\n"
        "  learning_rate_adam: {range: [1e-3, 0.1], when: {optimizer: adam}}\n"
        "  dropout: {range: [0.0, 0.5], when: {learning_rate: [1]}}\n"
    )
    assert run(["search", "iris", "--space", "space.yaml", "--dry-run"]) == 3
    assert "Did you mean 'learning_rate_adam' or 'learning_rate_sgd'?" in capsys.readouterr().err


def test_a_fit_that_returns_nothing_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("own.py").write_text(
        "import keras\nimport keras_tuner\n\n\nclass Own(keras_tuner.HyperModel):\n"
        "    def build(self, hp):\n"
        '        model = keras.Sequential([keras.layers.Dense(3, "softmax")])\n'
        f'        model.compile(loss="{LOSS}", metrics=["accuracy"])\n'
        "        return model\n\n"
        "    def fit(self, hp, model, *args, **kwargs):\n"
        "        model.fit(*args, **kwargs)\n"
    )
    assert begins(monkeypatch, "--model", "own.py:Own") == 3
    assert "own.py:Own: fit returned None" in capsys.readouterr().err


def test_a_dry_run_refuses_an_objective_that_is_not_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "iris", "--dry-run", "--objective", "val_f1_scor"]) == 3
    assert "Did you mean 'val_f1_score'?" in capsys.readouterr().err
    assert run(["search", "iris", "--dry-run", "--objective", "val_f1_score"]) == 0
    assert "objective: val_f1_score, more is better" in capsys.readouterr().out
    assert not list(Path().iterdir())


def test_an_objective_of_the_training_rows_is_told_from_one_of_rows_held_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["search", "iris", "--dry-run", "--objective", "accuracy"]) == 0
    assert "accuracy is of the training rows; val_accuracy is of rows held out" in capsys.readouterr().err


def test_rows_of_one_class_can_not_tell_an_area(capsys: pytest.CaptureFixture[str]) -> None:
    rows = ["x,y", *(f"{i * i % 7},{'yes' if i % 2 else 'no'}" for i in range(40))]
    Path("all.csv").write_text("\n".join(rows))
    Path("no.csv").write_text("\n".join(["x,y", *(f"{i % 5},no" for i in range(12))]))
    command = ["search", "all.csv", "--target", "y", "--validation", "no.csv", "--dry-run"]
    assert run([*command, "--objective", "val_auc"]) == 3
    assert "all validation rows of all.csv are of one class" in capsys.readouterr().err
    assert run(command) == 0
    assert run(["search", "all.csv", "--target", "y", "--objective", "val_recall", "--dry-run"]) == 0
    assert "recall is of the class yes; --positive CLASS takes the other" in capsys.readouterr().err


def test_a_dry_run_refuses_what_going_on_would(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert begins(monkeypatch, "--study", "s") == 130
    assert run(["search", "iris", "--study", "s", "--dry-run"]) == 0
    assert run(["search", "iris", "--study", "s", "--dry-run", "--seed", "1"]) == 6
    assert "this study can't be resumed with this command" in capsys.readouterr().err


def test_what_is_tried_first_is_settled_when_a_study_begins(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert begins(monkeypatch, "--study", "s") == 130
    capsys.readouterr()
    assert begins(monkeypatch, "--study", "s", "--learn-from", "auto") == 130
    assert "--learn-from: s has warm starts already" in capsys.readouterr().err


def test_a_study_that_was_begun_meanwhile_is_not_put_aside(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hptune.search.opening import _settle_objective

    def meanwhile(*arguments: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr("hptune.search.opening._settle_objective", _settle_objective)
            assert begins(patch, "--study", "s") == 130
        return _settle_objective(*arguments)

    monkeypatch.setattr("hptune.search.opening._settle_objective", meanwhile)
    assert run(["search", "iris", "--study", "s"]) == 6
    assert "s: another search has created a study there meanwhile" in capsys.readouterr().err
    assert not Path("s.1").exists()


def test_a_dry_run_tells_where_a_study_stands_and_what_comes_next(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert begins(monkeypatch, "--study", "s") == 130
    capsys.readouterr()
    assert run(["search", "iris", "--study", "s", "--dry-run"]) == 0
    assert "resuming s: 0 of 600 epochs are used" in capsys.readouterr().err
    Path("s/next-pass.yaml").write_text("hyperparameters:\n  units: {type: int, range: [32, 64]}\n")
    assert run(["search", "iris", "--study", "s", "--dry-run"]) == 0
    shown = capsys.readouterr()
    assert "the next pass is s/next-pass.yaml" in shown.err
    assert "32..64" in shown.out
    Path("s/next-pass.yaml").write_text("hyperparameters:\n  units: {type: int, range: [64, 32]}\n")
    assert run(["search", "iris", "--study", "s", "--dry-run"]) == 3
    assert "low 64 must be below high 32" in capsys.readouterr().err


def test_a_model_that_was_changed_is_said_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def said() -> bool:
        assert begins(monkeypatch, "--model", "model.py:build", "--study", "s") == 130
        return "model.py:build has changed since 0 trials of s were trained" in " ".join(
            capsys.readouterr().err.split()
        )

    written("2")
    assert not said()
    written("3")
    assert [said(), said()] == [True, False]


def test_a_pass_that_nothing_is_left_to_pay_waits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert begins(monkeypatch, "--study", "s") == 130
    waiting = Path("s/next-pass.yaml")
    waiting.write_text("hyperparameters:\n  units: {type: int, range: [32, 64]}\n")
    monkeypatch.setattr(Study, "epochs_used", lambda study: 600)
    assert begins(monkeypatch, "--study", "s") == 130
    assert "waits for a larger --trials: 600 of 600 epochs are used" in " ".join(
        capsys.readouterr().err.split()
    )
    assert waiting.exists()
    assert begins(monkeypatch, "--study", "s", "--trials", "40") == 130
    assert not waiting.exists()


def test_a_search_whose_numpy_differs_is_left_to_keras_for_good(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paths: list[bool] = []

    def noted(*arguments: Any, numpy_path: bool, **more: Any) -> Any:
        paths.append(numpy_path)
        return choose_feed(*arguments, numpy_path=numpy_path, **more)

    monkeypatch.setattr("hptune.training.session.choose_feed", noted)
    arguments = ["search", "iris", "--epochs", "1", "--passes", "1", "--study", "s", "--trials"]
    with monkeypatch.context() as patch:
        patch.setattr(AdamRule, "step", lambda self, weights, gradient, rate, taken: None)
        assert run([*arguments, "1"]) == 0
    line = "Keras trains this search, not NumPy: after 3 steps on one batch"
    assert line in capsys.readouterr().err
    # NumPy is right again: the study goes on as it began.
    assert run([*arguments, "2"]) == 0
    assert line in capsys.readouterr().err
    assert paths == [False, False]
    with Study.open(Path("s")) as study:
        # As a worker, a confirmation and an export load it.
        trainer = load_trainer(task_of(study), study.identity.goal, study.identity.data_fingerprint)
        assert isinstance(trainer, Trainer)
        assert not trainer.settings.numpy_path
    assert run([*arguments[:-2], "new", "--trials", "1"]) == 0
    assert "Keras trains" not in capsys.readouterr().err
    assert paths == [False, False, True]


def test_workers_refuse_data_that_is_other_rows_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("d.py").write_text(
        "import numpy as np\n\n\ndef load():\n    rng = np.random.default_rng()\n"
        "    x = rng.normal(size=(60, 3))\n    return x, (x[:, 0] > 0).astype(int)\n",
        encoding="utf-8",
    )
    assert run(["search", "d.py:load", "--workers", "2", "--trials", "1", "--epochs", "1"]) == 3
    assert "d.py:load: gives other rows each time it is loaded" in capsys.readouterr().err
