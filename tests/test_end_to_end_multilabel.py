"""Targets of several labels: what recipes make of them, from the file to the exported model."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hptune.__main__ import run
from hptune.data import Task, load_dataset
from hptune.data.baseline import baseline_of
from hptune.errors import DataError, ObjectiveError
from hptune.models.backend import keras
from hptune.models.load import load_model
from hptune.training import resolve_objective

SEARCH = ["search", "labels.npz", "--study", "s", "--passes", "1", "--trials", "1", "--epochs", "3"]


def some_rows() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 5)).astype("float32")
    return x, (x @ rng.normal(size=(5, 3)) > [0.0, 0.5, -1.0]).astype("int64")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    x, y = some_rows()
    np.savez("labels.npz", x=x, y=y)


def test_columns_of_0_and_1_are_labels() -> None:
    dataset = load_dataset("labels.npz")
    assert dataset.task is Task.MULTILABEL
    assert dataset.train.y.dtype == np.float32
    assert (dataset.outputs, dataset.train.y.shape, dataset.classes) == (3, (160, 3), ())
    assert dataset.notes[0].startswith("task: multilabel (3 labels, ")


def test_a_model_of_ones_own_gets_them_as_they_are() -> None:
    dataset = load_dataset("labels.npz", as_given=True)
    assert dataset.task is Task.OTHER
    assert dataset.train.as_given.y.dtype == np.int64


def test_a_single_1_in_each_row_is_a_class_unless_it_is_said_to_be_a_label() -> None:
    x, _ = some_rows()
    np.savez("labels.npz", x=x, y=np.eye(3)[np.arange(200) % 3])
    assert load_dataset("labels.npz").task is Task.MULTICLASS
    assert load_dataset("labels.npz", task=Task.MULTILABEL).train.y.shape == (160, 3)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        pytest.param(np.full((200, 2), 2), "labels are 0 or 1", id="other numbers"),
        pytest.param(np.arange(200) % 2, "one target for each row", id="one column"),
        pytest.param(np.ones((200, 2)), "the same in every row", id="all the same"),
        pytest.param(np.zeros((200, 2, 2)), "several labels are of shape", id="more dimensions"),
    ],
)
def test_what_are_no_labels_is_refused(y: Any, message: str) -> None:
    np.savez("labels.npz", x=some_rows()[0], y=y)
    with pytest.raises(DataError, match=message):
        load_dataset("labels.npz", task=Task.MULTILABEL)


def test_validation_rows_have_as_many_labels() -> None:
    x, y = some_rows()
    np.savez("labels.npz", x=x, y=y, x_val=x[:20], y_val=y[:20, :2])
    with pytest.raises(DataError, match=r"\(rows, 3\)"):
        load_dataset("labels.npz")
    np.savez("labels.npz", x=x, y=y, x_val=x[:20], y_val=y[:20])
    assert load_dataset("labels.npz").validation.y.shape == (20, 3)


def test_a_recipe_gives_each_label_a_sigmoid() -> None:
    dataset = load_dataset("labels.npz")
    model = load_model("mlp", dataset, metric="auc")
    recipe = model.recipe(model.space().defaults)
    assert recipe is not None
    assert recipe.layers[-1].arguments == {"units": 3, "activation": "sigmoid"}
    assert recipe.loss == "binary_crossentropy"
    built = model.build(model.space().defaults, 0)
    predicted = built.predict(dataset.validation.x, verbose=0)
    scores = built.evaluate(dataset.validation.x, dataset.validation.y, verbose=0, return_dict=True)
    right = np.mean((predicted > 0.5) == dataset.validation.y)
    assert scores["binary_accuracy"] == pytest.approx(right, abs=1e-6)
    assert 0 < scores["auc"] < 1


def test_the_objective_and_the_baseline_are_those_of_labels() -> None:
    dataset = load_dataset("labels.npz")
    reported = ("loss", "binary_accuracy", "val_loss", "val_binary_accuracy")
    assert resolve_objective(None, reported, Task.MULTILABEL).name == "val_binary_accuracy"
    with pytest.raises(ObjectiveError, match="val_f1_score"):
        resolve_objective("val_f1_score", reported, Task.MULTILABEL, on_demand=("auc",))
    found = baseline_of(dataset, "val_binary_accuracy", recipe=True)
    assert found is not None
    often = dataset.train.y.mean(axis=0) > 0.5
    assert found.score == pytest.approx(np.mean(dataset.validation.y == often))
    alike = baseline_of(dataset, "val_auc", recipe=True)
    assert alike is not None
    assert alike.score == 0.5


@pytest.mark.parametrize("objective", ["val_binary_accuracy", "val_auc"])
def test_what_is_searched_is_exported_in_both_formats(
    objective: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run([*SEARCH, "--objective", objective, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert run(["export", "s", "--format", "keras", "-o", "best.keras"]) == 0
    x, y = some_rows()
    answers = keras.models.load_model("best.keras").predict(x, verbose=0)
    assert answers["prediction"].shape == answers["probability"].shape == y.shape
    assert np.array_equal(answers["prediction"], answers["probability"] > 0.5)
    assert np.mean(answers["prediction"] == y) > 0.6
    assert "each of 3 labels" in Path("best.md").read_text(encoding="utf-8")
    assert run(["export", "s", "--format", "python", "-o", "best.py"]) == 0
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["best.py"])
    runpy.run_path("best.py", run_name="__main__")
    last = capsys.readouterr().out.splitlines()[-1]
    scores = [float(word) for word in last.replace(",", "").split() if word.startswith("0.")]
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)
    assert scores[0] == pytest.approx(found["best"]["score"], abs=1e-6)
    assert objective in Path("s/report.html").read_text(encoding="utf-8")


def test_a_function_gives_them_too(capsys: pytest.CaptureFixture[str]) -> None:
    Path("data.py").write_text(
        "import numpy as np\n\ndef load():\n    found = np.load('labels.npz')\n"
        "    return found['x'], found['y']\n",
        encoding="utf-8",
    )
    assert run(["search", "data.py:load", *SEARCH[2:], "--cv", "2"]) == 0
    assert "val_binary_accuracy" in capsys.readouterr().out
    assert run(["check", "data.py:load"]) == 0
    assert "ln 2" in capsys.readouterr().out
