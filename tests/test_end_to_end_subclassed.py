"""A subclassed model without get_config: its weights are kept, and it is said why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hptune.__main__ import run

MODEL = """import keras


class Net(keras.Model):
    def __init__(self, units):
        super().__init__()
        self.hidden = keras.layers.Dense(units)
        self.out = keras.layers.Dense(3, activation="softmax")

    def call(self, x):
        return self.out(self.hidden(x))


def build(hp):
    model = Net(hp.Int("units", 2, 8))
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""


def test_weights_are_kept_where_the_model_can_not_be_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.py").write_text(MODEL, encoding="utf-8")
    small = ["--study", "s", "--passes", "1", "--trials", "1", "--epochs", "2"]
    assert run(["search", "iris", "--model", "m.py:build", *small]) == 0
    capsys.readouterr()
    assert run(["export", "s", "--format", "keras", "-o", "best.keras"]) == 3
    said = capsys.readouterr().err
    assert "m.py:build: the model can't be saved whole" in said
    assert "get_config" in said
    assert "Traceback" not in said
    assert not Path("best.keras").exists()

    assert run(["export", "s", "--format", "python", "-o", "best.py"]) == 0
    done = subprocess.run([sys.executable, "best.py"], capture_output=True, text=True, check=True)
    assert "saved the weights alone" in done.stdout
    rebuild = (
        "import best, numpy as np; model = best.build_model(None); model(np.ones((1, 4)));"
        "model.load_weights('{}'); print(*map(np.sum, model.get_weights()))"
    )
    sums = [
        subprocess.run(
            [sys.executable, "-c", rebuild.format(file)], capture_output=True, text=True, check=True
        ).stdout.split()
        for file in ("best.weights.h5", "best-trained.weights.h5")
    ]
    assert len(sums[0]) == 4
    assert np.array(sums[0], float) == pytest.approx(np.array(sums[1], float), abs=1e-4)
