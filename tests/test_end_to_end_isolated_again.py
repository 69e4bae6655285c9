"""What builds or trains a study's trials once more, with code that ends its process by now."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hptune.study import Study

MODEL = """import os
from pathlib import Path

import keras


class Deadly(keras.layers.Layer):
    def call(self, x):
        if Path("deadly").exists():
            os._exit(9)
        return x


def build(hp):
    layers = [Deadly(), keras.layers.Dense(hp.Int("units", 2, 8), "relu"), keras.layers.Dense(3, "softmax")]
    model = keras.Sequential(layers)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""
OF = ["iris", "--model", "m.py:build"]
CONFIRM = ["confirm", "s", "--top", "1", "--seeds", "2"]
DIED = "its process died (exit code 9)"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # As a process of its own would find it.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    Path("m.py").write_text(MODEL, encoding="utf-8")


def hptune(*arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hptune", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == expect, done.stdout + done.stderr
    return done


def test_confirm_notes_what_died_and_export_says_it() -> None:
    hptune("search", *OF, "--trials", "1", "--epochs", "2", "--passes", "1", "--study", "s")
    Path("deadly").touch()
    hptune(*CONFIRM, expect=9)
    again = hptune(*CONFIRM, "--json")
    assert "its process died. Your code runs in a process of its own" in again.stderr
    with Study.open(Path("s")) as study:
        assert [c.reason for c in study.confirmations()] == [DIED, DIED]
        assert study.notes.isolate
        assert not study.notes.under_way
    json.loads(again.stdout)
    for weights in Path("s/checkpoints").iterdir():
        weights.unlink()
    refused = hptune("export", "s", "--format", "keras", "-o", "best.keras", expect=3)
    assert "processes died of its trials" in refused.stderr
    assert f"trial 1 can't be exported: {DIED}" in refused.stderr


def test_check_says_what_died() -> None:
    Path("deadly").touch()
    hptune("check", *OF, expect=9)
    refused = hptune("check", *OF, "--isolate", expect=3)
    assert f"m.py:build: can't be built: {DIED}" in refused.stderr
