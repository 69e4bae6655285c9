"""Several inputs or outputs, inputs alone, weights and text: from a user's function to what is exported."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.interruptions import Killed, kill_at

from hptune.__main__ import run
from hptune.data import Dataset, Task, load_dataset, load_folds
from hptune.data.structure import leaves
from hptune.errors import DataError
from hptune.models.load import load_model
from hptune.study import Study
from hptune.study.trial import Direction, Job, Objective
from hptune.training import Trainer
from hptune.training.checkpoint import load_checkpoint, restore
from hptune.training.session import make_ready

DATA = """
import numpy as np
from scipy import sparse

rng = np.random.default_rng(0)
A, B = rng.normal(size=(80, 3)).astype("float32"), rng.normal(size=(80, 2)).astype("float32")
Y = (A[:, :1] - B[:, 1:]).astype("float32")
CODES = (Y[:, 0] > 0).astype("int32")
WORDS = np.where(CODES == 1, "good film", "bad play").astype(object)
W = np.where(CODES == 1, 2.0, 0.5).astype("float32")

def dicts(): return {"a": A, "b": B}, {"value": Y, "kind": CODES}
def lists(): return [A, B], CODES
def tuples(): return ((A[:60], B[:60]), Y[:60]), ((A[60:], B[60:]), Y[60:])
def alone(): return A
def alone_pair(): return A, None
def weighted(): return A, CODES, W
def four(): return A[:60], CODES[:60], A[60:], CODES[60:]
def words(): return WORDS, CODES
def sparse_rows(): return sparse.csr_matrix(A), CODES
def two_numbers(): return A, B
def short(): return [A, B[:-1]], CODES
"""

MODEL = """
import keras
import keras_tuner
from keras import layers

def ended(hp, inputs, outputs, loss, **more):
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")), loss, **more)
    return model

def two():
    return {"a": layers.Input((3,), name="a"), "b": layers.Input((2,), name="b")}

def dicts(hp):
    ins = two()
    joined = layers.Dense(4, "relu")(layers.Concatenate()([ins["a"], ins["b"]]))
    value, kind = layers.Dense(1, name="value"), layers.Dense(1, "sigmoid", name="kind")
    outs = {"value": value(joined), "kind": kind(joined)}
    loss = {"value": "mse", "kind": "binary_crossentropy"}
    return ended(hp, ins, outs, loss, metrics={"value": ["mae"], "kind": ["accuracy"]})

def lists(hp):
    ins = list(two().values())
    return ended(hp, ins, layers.Dense(1, "sigmoid")(layers.Concatenate()(ins)), "binary_crossentropy")

def tuples(hp):
    ins = list(two().values())
    return ended(hp, ins, layers.Dense(1)(layers.Concatenate()(ins)), "mse")

class Auto(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, x):
        out = self.dense(x)
        self.add_loss(keras.ops.mean((out - x) ** 2))
        return out

def alone(hp):
    model = Auto()
    model.compile(keras.optimizers.Adam(hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")))
    return model

def single(hp):
    x = layers.Input((3,))
    return ended(hp, x, layers.Dense(1, "sigmoid")(x), "binary_crossentropy", weighted_metrics=["accuracy"])

class Own(keras_tuner.HyperModel):
    def build(self, hp):
        return dicts(hp)

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, batch_size=hp.Choice("batch_size", [16, 32]), **kwargs)

class Weighted(Own):
    def build(self, hp):
        return single(hp)

def words(hp):
    text = layers.TextVectorization(max_tokens=10, output_sequence_length=2)
    text.adapt(["good film", "bad play"])
    x = layers.Input((1,), dtype="string")
    out = layers.Dense(1, "sigmoid")(layers.Flatten()(layers.Embedding(10, 2)(text(x))))
    return ended(hp, x, out, "binary_crossentropy")
"""

SMALL = ["--objective", "val_loss", "--trials", "2", "--epochs", "2", "--passes", "1", "--json"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data.py").write_text(DATA)
    Path("model.py").write_text(MODEL)


def given(name: str, **options: Any) -> Dataset:
    return load_dataset(f"data.py:{name}", as_given=True, **options)


def test_each_array_of_a_structure_is_split_alike() -> None:
    part = given("dicts").validation.as_given
    assert set(part.x) == {"a", "b"}
    np.testing.assert_array_equal(part.y["value"], part.x["a"][:, :1] - part.x["b"][:, 1:])
    assert {len(leaf) for leaf in leaves((part.x, part.y))} == {16}


def test_classes_are_stratified_where_each_row_has_one_target() -> None:
    dataset = given("lists")
    assert dataset.task is Task.BINARY
    assert abs(dataset.train.y.mean() - dataset.validation.y.mean()) < 0.05


@pytest.mark.parametrize("name", ["alone", "alone_pair"])
def test_inputs_alone_have_no_targets(name: str) -> None:
    dataset = given(name)
    assert dataset.train.as_given.y is None
    assert dataset.task is Task.OTHER


def test_weights_go_with_their_rows() -> None:
    part = given("weighted").train.as_given
    np.testing.assert_array_equal(part.weights, np.where(part.y == 1, 2.0, 0.5))


@pytest.mark.parametrize(("name", "rows"), [("tuples", (60, 20)), ("four", (60, 20))])
def test_rows_may_come_split(name: str, rows: tuple[int, int]) -> None:
    dataset = given(name)
    assert (dataset.train.rows, dataset.validation.rows) == rows


def test_folds_hold_each_row_once() -> None:
    held = [fold.validation.as_given.x["a"] for fold in load_folds("data.py:dicts", folds=4, as_given=True)]
    assert len(np.unique(np.concatenate(held), axis=0)) == 80


def test_a_fingerprint_sees_every_array() -> None:
    before = {name: given(name).fingerprint for name in ("dicts", "lists", "alone", "weighted", "words")}
    assert len(set(before.values())) == len(before)
    Path("data.py").write_text(
        DATA.replace("WORDS =", "B[3, 0] += 1; W = 1\nWORDS =").replace("2.0, 0.5", "2.0, 0.6")
    )
    assert given("dicts").fingerprint != before["dicts"]
    assert given("weighted").fingerprint != before["weighted"]
    assert given("alone").fingerprint == before["alone"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lists", "data.py:lists: has 2 inputs for each row, which no built-in recipe learns from"),
        ("alone", "data.py:alone: has inputs alone, without targets, which no built-in recipe learns from"),
        ("weighted", "data.py:weighted: has a weight for each row, which no built-in recipe learns from"),
        (
            "sparse_rows",
            "data.py:sparse_rows: returned a SciPy sparse matrix of shape (80, 3), and arrays are needed",
        ),
    ],
)
def test_what_can_not_be_learned_from_is_said(name: str, message: str) -> None:
    with pytest.raises(DataError) as refused:
        load_dataset(f"data.py:{name}")
    assert refused.value.message == message


def test_inputs_of_other_lengths_are_refused() -> None:
    with pytest.raises(DataError, match="80 rows of inputs but 79 in array 2 of the inputs"):
        given("short")


def test_the_way_out_of_several_numbers_is_no_task_that_is_refused() -> None:
    with pytest.raises(DataError) as refused:
        given("two_numbers", task=Task.REGRESSION)
    assert refused.value.hint.startswith("Leave --task out")


CASES = {"dicts": "dicts", "lists": "lists", "tuples": "tuples", "alone": "alone", "weighted": "single"}
CASES |= {"four": "single", "words": "words"}


@pytest.mark.parametrize("name", CASES)
def test_search_confirm_and_export(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    model = CASES[name]
    assert run(["search", f"data.py:{name}", "--model", f"model.py:{model}", *SMALL]) == 0
    assert json.loads(capsys.readouterr().out)["best"]
    assert run(["export", "--format", "python", "-o", "best.py"]) == 0
    done = subprocess.run([sys.executable, "best.py"], capture_output=True, text=True, timeout=300)
    found = re.search(r"val_loss (\S+) at epoch \d+, (\S+) in the study", done.stdout)
    assert found, done.stderr
    assert float(found[1]) == pytest.approx(float(found[2]), rel=1e-3)
    assert run(["confirm", "--seeds", "2", "--top", "1"]) == 0
    assert run(["check", f"data.py:{name}", "--model", f"model.py:{model}"]) in (0, 3)
    exported = run(["export", "--format", "keras", "-o", "best.keras"])
    assert exported in ((0, 2, 3) if name == "alone" else (0,))


@pytest.mark.parametrize(("name", "model"), [("dicts", "Own"), ("weighted", "Weighted"), ("dicts", "dicts")])
def test_own_fits_and_folds_get_them_too(name: str, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", f"data.py:{name}", "--model", f"model.py:{model}", "--cv", "2", *SMALL]) == 0
    assert json.loads(capsys.readouterr().out)["best"]


def test_weighted_rows_have_no_class_weights(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["search", "data.py:weighted", "--model", "model.py:single", "--class-weight", "balanced"]
    assert run([*command, *SMALL]) == 3
    assert "weights of their own" in capsys.readouterr().err


def curves(study: Study) -> list[Any]:
    return [(t.id, dict(t.values), t.score, [*t.curve]) for t in study.trials()]


@pytest.mark.parametrize("name", ["dicts", "alone", "weighted", "words"])
def test_a_killed_search_goes_on_as_if_it_had_not_been(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["search", f"data.py:{name}", "--model", f"model.py:{CASES[name]}", *SMALL, "--epochs", "4"]
    assert run([*command, "--study", "whole"]) == 0
    with monkeypatch.context() as patched:
        kill_at("record_outcome", 2, patched, after=True)
        with pytest.raises(Killed):
            run([*command, "--study", "killed"])
    assert run([*command, "--study", "killed"]) == 0
    with Study.open(Path("whole")) as whole, Study.open(Path("killed")) as killed:
        assert curves(killed) == curves(whole)


def test_scores_are_those_of_plain_keras(tmp_path: Path) -> None:
    dataset = given("dicts")
    model = load_model("model.py:dicts", dataset)
    goal = Objective(name="val_kind_accuracy", direction=Direction.MAX)
    weights = str(tmp_path / "weights.npz")
    values = model.space().defaults
    job = Job(id=1, trial_id=1, values=values, seed=0, initial_epoch=0, epochs=1, keep_as=weights)
    outcome = Trainer(dataset, model, goal).run(job)
    assert not outcome.reason, outcome.traceback
    plain = model.build(values, 0)
    make_ready(plain, model.arrays(dataset, values))
    restore(plain, load_checkpoint(weights))
    held = dataset.validation.as_given
    for metric, value in plain.evaluate(held.x, held.y, return_dict=True, verbose=0).items():
        assert outcome.curve[0][f"val_{metric}"] == pytest.approx(value, rel=1e-4), metric
