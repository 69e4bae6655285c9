"""Batch size and class weights from outside, for models of one's own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hptune.__main__ import run
from hptune.study import Study

BUILD = """import keras
import keras_tuner


def build(hp):
    model = keras.Sequential([keras.layers.Dense(hp.Int("units", 2, 8)), keras.layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Own(keras_tuner.HyperModel):
    def build(self, hp):
        return build(hp)

    def fit(self, hp, model, *args, **kwargs):
        history = model.fit(*args, shuffle=False, **kwargs)
        history.history["weight"] = [float(kwargs.get("class_weight", {0: 0.0})[0])] * len(history.epoch)
        history.history["size"] = [float(kwargs.get("batch_size", 0))] * len(history.epoch)
        return {name: values[-1] for name, values in history.history.items()}


class Closed(Own):
    def fit(self, hp, model, x, y, validation_data, epochs, callbacks):
        return model.fit(x, y, validation_data=validation_data, epochs=epochs, callbacks=callbacks)


def declares(hp):
    hp.Choice("batch_size", [8, 16])
    return build(hp)
"""
SMALL = ["--study", "s", "--passes", "1", "--trials", "1", "--epochs", "2"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.py").write_text(BUILD, encoding="utf-8")


def reported(name: str) -> set[float]:
    with Study.open(Path("s")) as study:
        return {epoch[name] for trial in study.trials() for epoch in trial.curve}


def sizes() -> set[object]:
    with Study.open(Path("s")) as study:
        return {trial.values["batch_size"] for trial in study.trials()}


@pytest.mark.parametrize("model", ["build", "Own"])
def test_a_batch_size_from_outside_is_trained_with_and_exported(model: str) -> None:
    assert run(["search", "iris", "--model", f"m.py:{model}", "--batch-size", "60", *SMALL]) == 0
    assert sizes() == {60}
    if model == "Own":
        assert reported("size") == {60.0}
    assert run(["export", "s", "--format", "python", "-o", "best.py"]) == 0
    done = subprocess.run([sys.executable, "best.py"], capture_output=True, text=True, check=True)
    scores = re.search(r"val_accuracy ([\d.]+).*, (\S+) in the study", done.stdout)
    assert scores is not None, done.stdout
    assert float(scores[1]) == pytest.approx(float(scores[2]), abs=1e-6)


def test_a_space_file_fixes_a_batch_size_that_the_code_does_not_declare() -> None:
    Path("space.yaml").write_text("hyperparameters:\n  batch_size: 24\n", encoding="utf-8")
    assert run(["search", "iris", "--model", "m.py:Own", "--space", "space.yaml", *SMALL]) == 0
    assert sizes() == {24}
    assert reported("size") == {24.0}


@pytest.mark.parametrize("model", ["mlp", "m.py:declares"])
def test_a_model_with_a_batch_size_of_its_own_refuses_another(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["search", "iris", "--model", model, "--batch-size", "8", *SMALL]) == 3
    assert f"--batch-size: {model} has a hyperparameter batch_size of its own" in capsys.readouterr().err


def test_a_study_refuses_another_batch_size(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["search", "iris", "--model", "m.py:build", *SMALL]
    assert run(command) == 0
    with Study.open(Path("s")) as study:
        assert "batch_size" not in study.identity.settings
    assert run([*command, "--batch-size", "8"]) == 6
    assert "--batch-size" in capsys.readouterr().err


def test_class_weights_reach_a_fit_that_takes_them() -> None:
    command = ["search", "iris", "--model", "m.py:Own", "--class-weight", "balanced", *SMALL]
    assert run(command) == 0
    assert reported("weight") == {1.0}


def test_class_weights_are_refused_where_a_fit_does_not_take_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["search", "iris", "--model", "m.py:Closed", "--class-weight", "balanced", *SMALL]) == 3
    assert "its own fit gets no class weights" in capsys.readouterr().err
