"""Searches of HyperModels whose fit does not do what it is asked for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hptune.__main__ import run
from hptune.study import Study
from hptune.study.trial import TrialState

MODEL = """import keras
import keras_tuner
import numpy as np


class Own(keras_tuner.HyperModel):
    def build(self, hp):
        units = hp.Int("units", 2, 8)
        model = keras.Sequential([keras.layers.Dense(units), keras.layers.Dense(3, "softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    def fit(self, hp, model, *args, **kwargs):
        {body}
"""
SEARCH = ["search", "iris", "--model", "m.py:Own", "--study", "s", "--passes", "1"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(body: str) -> None:
    Path("m.py").write_text(MODEL.format(body=body), encoding="utf-8")


def trials(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run(["trials", "s", "--json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["trials"]
    return found


@pytest.mark.parametrize("oracle", ["coarse-to-fine", "hyperband"])
def test_epochs_of_its_own_are_trained_once_and_charged(
    capsys: pytest.CaptureFixture[str], oracle: str
) -> None:
    write('return model.fit(*args, epochs=hp.Int("epochs", 5, 15, step=5), **kwargs)')
    assert run([*SEARCH, "--trials", "6", "--epochs", "4", "--oracle", oracle]) == 0
    assert "its fit sets its own epochs (10 when it was tried)" in capsys.readouterr().err
    with Study.open(Path("s")) as study:
        found, used, jobs = study.trials(), study.epochs_used(), study.progress()
    assert len(found) > 1
    assert {t.state for t in found} == {TrialState.COMPLETE}
    assert [len(t.curve) for t in found] == [t.values["epochs"] for t in found]
    assert used == sum(t.epochs for t in found) >= 24
    assert len([job for job in jobs if job.epochs]) == len(found)


def test_the_script_of_such_a_trial_has_its_score(capsys: pytest.CaptureFixture[str]) -> None:
    write('return model.fit(*args, epochs=hp.Int("epochs", 5, 15, step=5), shuffle=False, **kwargs)')
    assert run([*SEARCH, "--trials", "2", "--epochs", "4"]) == 0
    capsys.readouterr()
    assert run(["export", "s", "--format", "python", "-o", "best.py"]) == 0
    done = subprocess.run([sys.executable, "best.py"], capture_output=True, text=True, check=True)
    scores = re.search(r"val_accuracy (\S+), (\S+) in the study", done.stdout)
    assert scores is not None, done.stdout
    assert float(scores[1]) == pytest.approx(float(scores[2]), abs=1e-6)


def test_one_number_is_of_a_whole_training(capsys: pytest.CaptureFixture[str]) -> None:
    write('return max(model.fit(*args, **kwargs).history["val_accuracy"])')
    assert run([*SEARCH, "--trials", "3", "--epochs", "4", "--objective", "max:objective"]) == 0
    with Study.open(Path("s")) as study:
        jobs = study.progress()
    assert {t["state"] for t in trials(capsys)} == {"complete"}
    assert len([job for job in jobs if job.epochs]) == len(trials(capsys))


def test_a_fit_that_brings_its_own_data_is_searched_and_exported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(
        "x, y = np.random.default_rng(0).normal(size=(30, 7)), np.arange(30) % 3\n"
        "        return model.fit(x, y, *args, validation_data=(x, y), shuffle=False, **kwargs)"
    )
    assert run([*SEARCH, "--trials", "2", "--epochs", "3"]) == 0
    assert {t["epochs"] for t in trials(capsys)} == {3}
    assert run(["export", "s", "--format", "python", "-o", "best.py"]) == 0
    done = subprocess.run([sys.executable, "best.py"], capture_output=True, text=True, check=True)
    scores = re.search(r"val_accuracy (\S+), (\S+) in the study", done.stdout)
    assert scores is not None, done.stdout
    assert float(scores[1]) == pytest.approx(float(scores[2]), abs=1e-6)
