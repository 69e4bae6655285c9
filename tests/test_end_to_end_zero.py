"""A weight decay on a log range that may be exactly 0, through the commands: built, exported, confirmed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hptune.__main__ import run
from hptune.study import Study

MODEL = """
from pathlib import Path

import keras


def build(hp):
    wd = hp.Float("wd", 1e-5, 1e-3, sampling="log")
    with Path("built.txt").open("a") as file:
        print(repr(wd), file=file)
    model = keras.Sequential([keras.layers.Dense(3, activation="softmax")])
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=wd)
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""
SPACE = "hyperparameters:\n  wd: {range: [1e-6, 1e-2], scale: log, zero: true}\n"
SEARCH = ["search", "iris", "--model", "m.py:build", "--epochs", "2", "--passes", "1"]


def built() -> list[str]:
    """The weight decays of the models built since."""
    path = Path("built.txt")
    found = path.read_text().split()
    path.unlink()
    return found


def test_trials_are_trained_exported_and_confirmed_with_exactly_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.py").write_text(MODEL)
    Path("s.yaml").write_text(SPACE)
    assert run([*SEARCH, "--trials", "8", "--study", "s", "--space", "s.yaml"]) == 0
    assert "not searched" not in capsys.readouterr().err
    tried = built()
    with Study.open(Path("s"), read_only=False) as study:
        zeros = [t for t in study.trials() if t.values["wd_zero"]]
        others = [t for t in study.trials() if not t.values["wd_zero"]]
        assert zeros
        assert others
        assert all("wd" not in t.values for t in zeros)
        assert "0.0" in tried
        assert {repr(t.values["wd"]) for t in others} <= set(tried)
        # The best, so that it is exported.
        study._database.execute("UPDATE trials SET score = 2.0 WHERE id = ?", (zeros[0].id,))

    assert run(["confirm", "s", "--top", "1", "--seeds", "2"]) == 0
    # It is explored first.
    assert built()[-2:] == ["0.0", "0.0"]

    assert run(["export", "s", "--format", "python", "-o", "best.py"]) == 0
    script = Path("best.py").read_text(encoding="utf-8")
    assert '"wd": 0.0' in script
    assert "wd_zero" not in script
    Path("built.txt").unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "best.py"], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert "in the study" in done.stdout
    assert set(built()) == {"0.0"}

    capsys.readouterr()
    assert run(["export", "s", "--format", "yaml", "-o", "best.yaml"]) == 0
    assert "  wd: 0.0\n" in Path("best.yaml").read_text(encoding="utf-8")
    assert run([*SEARCH, "--trials", "1", "--study", "again", "--space", "best.yaml"]) == 0
    assert built()[-1] == "0.0"

    # A study's numbers stay what they were: whether one may be 0 can't change within it.
    Path("s.yaml").write_text(SPACE.replace(", zero: true", ""))
    capsys.readouterr()
    assert run([*SEARCH, "--trials", "9", "--study", "s", "--space", "s.yaml"]) == 3
    assert "wd: may be exactly 0 in the first pass of this study" in capsys.readouterr().err
    Path("s.yaml").write_text(SPACE)
    assert run(["narrow", "s", "--freeze", "wd_zero=false", "--accept"]) == 0
    assert run([*SEARCH, "--trials", "14", "--study", "s", "--space", "s.yaml"]) == 0
    capsys.readouterr()
    assert run(["trials", "s", "--json"]) == 0
    later = [t for t in json.loads(capsys.readouterr().out)["trials"] if t["pass_number"] == 2]
    assert later
    assert all(t["values"]["wd_zero"] is False and t["values"]["wd"] > 0 for t in later)
