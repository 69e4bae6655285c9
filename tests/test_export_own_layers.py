"""A model with layers of the user's own: the card beside it says how Keras loads the file."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hptune.__main__ import run

MODEL = """import keras


class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x


@keras.saving.register_keras_serializable("mine")
class Halved(keras.layers.Layer):
    def call(self, x):
        return x / 2


def build(hp):
    units = hp.Int("units", 2, 8)
    layers = [Doubled(), keras.layers.Dense(units), Halved(), keras.layers.Dense(3, "softmax")]
    model = keras.Sequential(layers)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""


def test_the_code_on_the_card_loads_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(MODEL, encoding="utf-8")
    search = ["search", "iris", "--model", "own.py:build", "--study", "s", "--passes", "1"]
    assert run([*search, "--trials", "1", "--epochs", "1"]) == 0
    assert run(["export", "s", "--format", "keras", "-o", "best.keras"]) == 0
    card = Path("best.md").read_text(encoding="utf-8")
    assert "Keras loads the file where it is given what own.py defines: `Doubled` and `Halved`." in card
    code = re.search(r"```python\n(.*?)```", card, re.DOTALL)
    assert code is not None
    Path("use.py").write_text(code[1], encoding="utf-8")
    used = subprocess.run([sys.executable, "use.py"], capture_output=True, text=True, check=False)
    assert used.returncode == 0, used.stderr
    assert "prediction" in used.stdout
