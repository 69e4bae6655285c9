"""A model file that fails for one choice is mended: the same command tries again what failed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hptune.__main__ import run

BUILD = """import keras


def build(hp):
    layers = [keras.layers.Dense(4, "relu"), keras.layers.Dense(3, "softmax")]
    if hp.Choice("extra", ["no", "yes"]) == "yes":
        layers.insert(1, extra_layer())
    model = keras.Sequential(layers)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""
MENDED = BUILD.replace("extra_layer()", 'keras.layers.Dense(4, "relu")')
SEARCH = ["search", "iris", "--model", "m.py:build", "--study", "s", "--passes", "1", "--epochs", "2"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.py").write_text(BUILD, encoding="utf-8")


def states(capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    assert run(["trials", "s", "--json"]) == 0
    trials = json.loads(capsys.readouterr().out)["trials"]
    return [t["state"] for t in sorted(trials, key=lambda t: t["id"])]


def test_a_mended_file_opens_what_failed_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*SEARCH, "--trials", "3"]) == 0
    assert states(capsys) == ["complete", "failed"]
    assert run([*SEARCH, "--trials", "4"]) == 0
    assert states(capsys) == ["complete", "failed"], "the same code fails the same way"
    Path("m.py").write_text(MENDED, encoding="utf-8")
    assert run([*SEARCH, "--trials", "5", "--dry-run"]) == 0
    assert "1 failed trial of an earlier version of m.py:build is tried again" in capsys.readouterr().err
    assert run([*SEARCH, "--trials", "5"]) == 0
    assert "1 failed trial of an earlier version of m.py:build is tried again" in capsys.readouterr().err
    assert states(capsys) == ["complete", "complete"]
    assert run(["show", "2", "--study", "s"]) == 0
    shown = capsys.readouterr().out
    assert "tried again" in shown
    assert "NameError" not in shown
    assert run(["report", "s"]) == 0


def test_a_flag_opens_it_again_whatever_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    Path("m.py").write_text(
        "import os\n" + BUILD.replace("extra_layer()", "os.stat('missing.txt') and keras.layers.Dense(4)"),
        encoding="utf-8",
    )
    assert run([*SEARCH, "--trials", "3"]) == 0
    assert run([*SEARCH, "--trials", "3", "--retry-failed"]) == 0
    assert "1 failed trial is tried again" in capsys.readouterr().err
    assert states(capsys) == ["complete", "failed"]
    Path("missing.txt").touch()
    assert run([*SEARCH, "--trials", "3"]) == 0
    assert states(capsys) == ["complete", "failed"]
    assert run([*SEARCH, "--trials", "3", "--retry-failed"]) == 0
    assert states(capsys) == ["complete", "complete"]
