"""A user model's data comes to it as the user's function returned it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hptune.__main__ import run
from hptune.data import Dataset, Task, load_dataset, load_folds
from hptune.errors import DataError
from hptune.models.load import load_model
from hptune.study.trial import Direction, Job, Objective
from hptune.training import Trainer

DATA = """
import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(90, 4))
CODES = np.where(X[:, 0] > 0.4, 2, np.where(X[:, 1] > 0, 1, 0))
ONE_HOT = np.eye(3)[CODES]
NUMBERS = (X @ [1.0, 2.0, -1.0, 0.5])[:, None]
SIGNS = (X[:, :1] > 0).astype("float32")
PIXELS = rng.integers(0, 256, (90, 6, 6), dtype="uint8")

def one_hot(): return X, ONE_HOT
def numbers(): return X, NUMBERS
def signs(): return X, SIGNS
def flat(): return X, CODES
def labels(): return X, CODES + 1
def words(): return X, np.array(["a", "b", "c"])[CODES]
def pixels(): return PIXELS, CODES
def parts(): return (X[:60], NUMBERS[:60]), (X[60:], NUMBERS[60:])
"""

MODEL = """
import keras
from keras import layers, ops

def my_mae(y_true, y_pred):
    assert len(y_true.shape) == 2, y_true.shape
    return ops.mean(ops.abs(y_true - y_pred))

def f1(y_true, y_pred):
    both = ops.sum(y_true * y_pred)
    return 2 * both / (ops.sum(y_true) + ops.sum(y_pred) + 1e-7)

def compiled(hp, *parts, **how):
    model = keras.Sequential(list(parts))
    model.compile(keras.optimizers.Adam(hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")), **how)
    return model

def one_hot(hp):
    return compiled(hp, layers.Dense(3, "softmax"), loss="categorical_crossentropy", metrics=["accuracy"])

def sparse(hp):
    return compiled(hp, layers.Dense(3, "softmax"), loss="sparse_categorical_crossentropy")

def numbers(hp):
    return compiled(hp, layers.Dense(1), loss="mse", metrics=["mae", my_mae])

def signs(hp):
    scores = [keras.metrics.F1Score(threshold=0.5), f1]
    return compiled(hp, layers.Dense(1, "sigmoid"), loss="binary_crossentropy", metrics=scores)

def pixels(hp):
    parts = layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(3, "softmax")
    return compiled(hp, *parts, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
"""

SMALL = ["--trials", "2", "--epochs", "2", "--passes", "1", "--json"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data.py").write_text(DATA)
    Path("model.py").write_text(MODEL)


def given(name: str, **options: Any) -> Dataset:
    return load_dataset(f"data.py:{name}", as_given=True, **options)


def returned(name: str) -> tuple[Any, Any]:
    scope: dict[str, Any] = {}
    exec(DATA, scope)
    x, y = scope[name]()
    return x, y


@pytest.mark.parametrize("name", ["one_hot", "numbers", "signs", "flat", "labels", "pixels"])
def test_arrays_come_as_they_were_returned(name: str) -> None:
    dataset, (x, y) = given(name), returned(name)
    part = dataset.validation.as_given
    assert (part.x.dtype, part.y.dtype) == (x.dtype, y.dtype)
    rows = [int(np.flatnonzero((x == row).reshape(len(x), -1).all(axis=1))[0]) for row in part.x]
    np.testing.assert_array_equal(part.y, y[rows])


def test_classes_are_coded_beside_them_for_what_counts_classes() -> None:
    dataset = given("one_hot")
    assert dataset.task is Task.MULTICLASS
    np.testing.assert_array_equal(dataset.train.y, dataset.train.as_given.y.argmax(axis=1))
    assert dataset.class_counts.sum() == dataset.train.rows


def test_targets_that_are_text_are_codes_as_no_loss_takes_text() -> None:
    part = given("words").train
    np.testing.assert_array_equal(part.as_given.y, part.y)


def test_folds_come_as_they_were_returned_too() -> None:
    for fold in load_folds("data.py:numbers", folds=3, as_given=True):
        assert fold.train.as_given.y.shape == (60, 1)
        assert fold.train.as_given.y.dtype == np.float64


def test_what_a_recipe_gets_is_coded_as_before() -> None:
    part = load_dataset("data.py:pixels").train
    assert part.given is None
    assert part.x.dtype == np.float32
    assert part.x.max() <= 1


def test_a_fingerprint_is_another_only_where_the_model_gets_something_else() -> None:
    assert given("flat").fingerprint == load_dataset("data.py:flat").fingerprint
    assert given("one_hot").fingerprint != load_dataset("data.py:one_hot").fingerprint


def score_by_keras(name: str, tmp_path: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Train an epoch; return its report and what plain Keras says of the same weights."""
    dataset = given(name)
    model = load_model(f"model.py:{name}", dataset)
    trainer = Trainer(dataset, model, Objective(name="val_loss", direction=Direction.MIN))
    values, weights = model.space().defaults, str(tmp_path / "weights.npz")
    job = Job(id=1, trial_id=1, values=values, seed=0, initial_epoch=0, epochs=1, keep_as=weights)
    outcome = trainer.run(job)
    assert not outcome.reason, outcome.traceback
    from hptune.training.checkpoint import load_checkpoint, restore
    from hptune.training.session import make_ready

    plain = model.build(values, 0)
    make_ready(plain, model.arrays(dataset, values))
    restore(plain, load_checkpoint(weights))
    held = dataset.validation.as_given
    return dict(outcome.curve[0]), plain.evaluate(held.x, held.y, return_dict=True, verbose=0)


@pytest.mark.parametrize("name", ["one_hot", "numbers", "signs", "pixels"])
def test_scores_are_those_of_plain_keras(name: str, tmp_path: Path) -> None:
    report, plain = score_by_keras(name, tmp_path)
    for metric, value in plain.items():
        np.testing.assert_allclose(report[f"val_{metric}"], np.ravel(value)[0], rtol=1e-4, err_msg=metric)


def test_a_metric_function_sees_targets_of_one_column(tmp_path: Path) -> None:
    report, _ = score_by_keras("numbers", tmp_path)
    assert report["val_my_mae"] == pytest.approx(report["val_mae"], rel=1e-4)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param("one_hot", ["--class-weight", "balanced"], id="one-hot, weighed"),
        pytest.param("numbers", ["--cv", "2"], id="one column, over folds"),
        pytest.param("signs", [], id="one column of two classes"),
        pytest.param("pixels", [], id="bytes"),
    ],
)
def test_search_confirm_and_export(name: str, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    goal = ["--objective", "val_loss"]
    command = ["search", f"data.py:{name}", "--model", f"model.py:{name}", *goal, *options, *SMALL]
    assert run(command) == 0
    best = json.loads(capsys.readouterr().out)["best"]
    assert best
    assert run(["confirm", "--seeds", "2", "--top", "1"]) == 0
    assert run(["export", "--format", "keras", "-o", "best.keras"]) == 0
    assert run(["export", "--format", "python", "-o", "best.py"]) == 0
    done = subprocess.run([sys.executable, "best.py"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = re.search(r"val_loss (\S+) at epoch \d+, (\S+) in the study", done.stdout)
    assert found
    if "--cv" not in options:
        assert float(found[1]) == pytest.approx(float(found[2]), rel=1e-3)
    import keras

    held = given(name).validation.as_given
    out = keras.models.load_model("best.keras", compile=False)(held.x.astype("float32"))
    rows = len(held.x)
    assert all(part.shape[0] == rows for part in (out.values() if isinstance(out, dict) else [out]))


def test_classes_that_no_row_has_are_split_as_if_they_were_not_there(tmp_path: Path) -> None:
    file = tmp_path / "d.py"
    file.write_text(
        "import numpy as np\n\n\ndef load():\n    y = np.arange(60) % 3\n"
        "    return np.random.default_rng(0).normal(size=(60, 2)), np.eye(5)[y]\n\n\n"
        "def codes():\n    return load()[0], np.arange(60) % 3\n",
        encoding="utf-8",
    )
    wide = load_dataset(f"{file}:load", as_given=True)
    assert wide.train.as_given.y.shape == (48, 5)
    assert np.array_equal(wide.train.x, load_dataset(f"{file}:codes", as_given=True).train.x)
    with pytest.raises(DataError, match="every class needs at least 2 rows"):
        load_dataset(f"{file}:load")


def test_all_rows_that_were_given_stay_where_a_class_has_one(tmp_path: Path) -> None:
    file = tmp_path / "d.py"
    file.write_text(
        "import numpy as np\n\n\ndef load():\n    y = np.array([0, 1] * 30 + [2])\n"
        "    return np.arange(122.0).reshape(61, 2), y\n",
        encoding="utf-8",
    )
    data = load_dataset(f"{file}:load", as_given=True)
    assert data.train.rows + data.validation.rows == 61
    assert "rows are split without regard to classes, of which 2 has 1 row" in data.notes
    assert data.origin is not None
    assert not data.origin.stratified
    folds = load_folds(f"{file}:load", folds=3, as_given=True)
    assert sum(fold.validation.rows for fold in folds) == 61
