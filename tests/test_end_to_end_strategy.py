"""A model that is built inside the scope of a tf.distribute strategy."""

from __future__ import annotations

from pathlib import Path

import pytest

from hptune.__main__ import run
from hptune.study import Study

MODEL = """import keras
import tensorflow as tf


def build(hp):
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        model = keras.Sequential([{first}keras.layers.Dense(hp.Int("units", 2, 8))])
        model.add(keras.layers.Dense(3, "softmax"))
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""


@pytest.mark.parametrize(
    "first",
    [
        pytest.param("keras.Input((4,)), ", id="built"),
        pytest.param("", id="built by its data"),
        pytest.param("keras.layers.LayerNormalization(), ", id="trained by Keras"),
    ],
)
def test_a_mirrored_strategy_made_in_build_is_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.py").write_text(MODEL.format(first=first), encoding="utf-8")
    small = ["--study", "s", "--passes", "1", "--trials", "2", "--epochs", "2"]
    assert run(["search", "iris", "--model", "m.py:build", *small]) == 0
    with Study.open(Path("s")) as study:
        trials = study.trials()
    assert trials
    assert all(trial.score is not None for trial in trials), [t.traceback for t in trials]
    assert run(["export", "s", "--format", "keras", "-o", "best.keras"]) == 0
