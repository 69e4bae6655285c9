"""What is named as a model and is none: a sentence each that says what to change."""

from __future__ import annotations

from pathlib import Path

import keras_tuner
import pytest

from hptune.__main__ import run

FILE = """import keras
import keras_tuner
import numpy as np


def build(hp, input_shape):
    return keras.Sequential([keras.Input(input_shape), keras.layers.Dense(3)])


class Net(keras_tuner.HyperModel):
    def __init__(self, classes):
        super().__init__()
        self.classes = classes

    def build(self, hp):
        layers = [keras.layers.Dense(hp.Int("units", 2, 4)), keras.layers.Dense(self.classes, "softmax")]
        model = keras.Sequential(layers)
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model


net = Net(3)


def make():
    return Net(3)


def make_with(hp):
    return Net(3)


class MyTuner(keras_tuner.RandomSearch):
    pass

tuner = object.__new__(MyTuner)
tuner.hypermodel = make


def legacy(hp):
    model = net.build(hp)
    model.compile(keras.optimizers.Adam(lr=hp.Float("lr", 1e-4, 1e-2)), "mse")
    return model


def load():
    return np.eye(12, dtype="float32"), np.arange(12) % 3
"""
SEARCHES = """
tuner = keras_tuner.RandomSearch(net.build, objective="val_accuracy", max_trials=1, overwrite=True)
try:
    tuner.search(*load(), epochs=1)
except Exception:
    pass
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.py").write_text(FILE, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("build", "m.py:build: needs more than hp: input_shape", "lambda hp: build(hp, …)"),
        ("Net", "m.py:Net: its constructor needs arguments: classes", "model = Net(…), and name that"),
        ("make", "m.py:make: takes no hp", "write model = make() in the file and name m.py:model"),
        ("make_with", "m.py:make_with: returned a HyperModel", "name that: m.py:model"),
        ("MyTuner", "m.py:MyTuner: is a Tuner, not a model", "name the build(hp) or HyperModel"),
        ("tuner", "m.py:tuner: is a Tuner, not a model", "name the build(hp) or HyperModel"),
        ("legacy", "m.py:legacy: can't be built", "Keras 3 calls it learning_rate"),
    ],
)
def test_each_says_what_to_change(
    name: str, said: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["search", "iris", "--model", f"m.py:{name}", "--dry-run"]) == 3
    error = capsys.readouterr().err
    assert said in error
    assert hint in error
    assert "Traceback" not in error


def test_an_instance_of_a_class_with_arguments_is_a_model() -> None:
    assert run(["search", "iris", "--model", "m.py:net", "--dry-run"]) == 0


@pytest.mark.parametrize("data", ["iris", "m.py:load"])
def test_a_search_at_import_is_refused_and_nothing_stays_patched(
    data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = keras_tuner.Tuner.search
    Path("m.py").write_text(FILE + SEARCHES, encoding="utf-8")
    assert run(["search", data, "--model", "m.py:net", "--dry-run"]) == 3
    error = capsys.readouterr().err
    assert "m.py:51: calls tuner.search(…) when it is imported" in error
    assert 'if __name__ == "__main__":' in error
    assert keras_tuner.Tuner.search is before
    assert not list(Path().glob("untitled_project/trial_*"))
