"""What only a trial asks for, through the commands: found, searched, kept, shown, exported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hptune.__main__ import run
from hptune.study import Study

MODEL = """
import keras


def build(hp):
    lr = hp.Float("lr", 1e-3, 0.1, sampling="log", default=2e-3)
    layers = hp.Int("layers", 1, 64, default=4)
    optimizer = hp.Choice("optimizer", ["adam", "sgd"])
    model = keras.Sequential([keras.layers.Dense(4, activation="relu")])
    if lr > 0.0123 and layers > 20:
        model.add(keras.layers.Dropout(hp.Float("rare_dropout", 0.1, 0.5)))
    if lr > 0.005 and optimizer == "sgd":
        with hp.name_scope("sgd"):
            momentum = hp.Float("momentum", 0.1, 0.9)
        step = keras.optimizers.SGD(lr, momentum=momentum)
    else:
        step = keras.optimizers.Adam(lr)
    model.add(keras.layers.Dense(3, activation="softmax"))
    model.compile(optimizer=step, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""
SEARCH = ["search", "iris", "--model", "m.py:build", "--epochs", "3", "--passes", "2"]

KILLED = """
import os, signal, sys
from hptune.__main__ import run
from hptune.study import Study

record = Study.record_outcome

def dies(self, *args, **more):
    if more["found"] and {before}:
        os.kill(os.getpid(), signal.SIGKILL)
    trial = record(self, *args, **more)
    if more["found"]:
        os.kill(os.getpid(), signal.SIGKILL)
    return trial

Study.record_outcome = dies
run(sys.argv[1:])
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("m.py").write_text(MODEL)
    return tmp_path


def search(*more: str) -> None:
    assert run([*SEARCH, *more]) == 0


def trials(study: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run(["trials", study, "--json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["trials"]
    return [
        {key: trial[key] for key in ("id", "pass_number", "values", "seed", "epochs", "score", "note")}
        for trial in found
    ]


def passes(study: str) -> int:
    with Study.open(Path(study)) as opened:
        return len(opened.passes())


def test_killed_before_or_after_it_is_recorded_it_resumes_to_the_same_trials(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    search("--trials", "8", "--study", "whole")
    said = capsys.readouterr().err
    assert "asked for rare_dropout (0.1..0.5)" in said
    assert "sgd/momentum (0.1..0.9 where optimizer is sgd)" in said
    assert "not searched" not in said
    whole = trials("whole", capsys)
    asked = [t for t in whole if t["values"]["lr"] > 0.0123 and t["values"]["layers"] > 20]
    assert asked
    assert all("rare_dropout" in t["values"] for t in asked)
    for before in (True, False):
        study = f"before-{before}"
        command = [*SEARCH, "--trials", "8", "--study", study]
        done = subprocess.run(
            [sys.executable, "-c", KILLED.format(before=before), *command], capture_output=True, check=False
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        with Study.open(Path(study)) as cut:
            assert bool(cut.found()) is not before
        search("--trials", "8", "--study", study)
        assert trials(study, capsys) == whole
        assert passes(study) == passes("whole")


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(["--workers", "2"], id="workers"),
        pytest.param(["--oracle", "random"], id="random"),
        pytest.param(["--oracle", "bayesian"], id="bayesian"),
        pytest.param(["--executions", "2"], id="repeated"),
    ],
)
def test_it_is_searched_and_known_when_the_search_is_resumed(
    here: Path, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    search("--trials", "8", "--study", "s", *more)
    said = capsys.readouterr().err
    assert said.count("asked for rare_dropout (0.1..0.5)") + said.count(", rare_dropout (0.1..0.5)") == 1
    assert passes("s") == 2
    search("--trials", "10", "--study", "s", *more)
    said = capsys.readouterr().err
    assert "rare_dropout (0.1..0.5)" not in said
    assert "not searched" not in said
    # More epochs in the last pass, and no other space.
    assert passes("s") == 2
    found = trials("s", capsys)
    asked = [t for t in found if t["values"]["lr"] > 0.0123 and t["values"]["layers"] > 20]
    assert all("rare_dropout" in t["values"] for t in asked)
    assert len({t["values"].get("rare_dropout") for t in found}) > 2


@pytest.fixture
def found(here: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Path, int]:
    """A study, and a trial of its first pass that asked first; it is the best, so that it is exported."""
    search("--trials", "8", "--passes", "1", "--study", "s")
    with Study.open(here / "s", read_only=False) as study:
        first = next(t for t in study.trials() if "rare_dropout" in t.values)
        study._database.execute("UPDATE trials SET score = 2.0 WHERE id = ?", (first.id,))
    capsys.readouterr()
    return here / "s", first.id


def test_every_view_and_command_knows_it(found: tuple[Path, int], capsys: pytest.CaptureFixture[str]) -> None:
    _, first = found
    for command in (
        ["trials", "s"],
        ["show", str(first), "--study", "s"],
        ["narrow", "s", "--dry-run"],
        ["export", "s", "--format", "yaml"],
        ["export", "s", "--format", "json"],
        ["export", "s", "--format", "csv"],
        [*SEARCH, "--study", "s", "--dry-run"],
    ):
        assert run(command) == 0, command
        assert "rare_dropout" in capsys.readouterr().out, command
    assert run(["report", "s", "-o", "r.html"]) == 0
    assert "rare_dropout" in Path("r.html").read_text(encoding="utf-8")
    assert run(["status", "s"]) == 0
    assert run(["confirm", "s", "--top", "1", "--seeds", "2"]) == 0
    assert run(["export", "s", "--format", "keras", "-o", "best.keras"]) == 0
    assert "rare_dropout" in Path("best.md").read_text(encoding="utf-8")
    capsys.readouterr()
    assert run(["export", "s", "--format", "python", "-o", "best.py"]) == 0
    assert '"rare_dropout": 0.1' in Path("best.py").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "best.py"], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert "in the study" in done.stdout


def test_narrow_edits_it_and_the_next_pass_searches_the_edited_range(
    found: tuple[Path, int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["narrow", "s", "--set", "rare_dropout=0.2..0.3", "--accept"]) == 0
    assert "rare_dropout" in Path("s/next-pass.yaml").read_text(encoding="utf-8")
    search("--trials", "12", "--passes", "1", "--study", "s")
    new = [t for t in trials("s", capsys) if t["pass_number"] == 2 and "rare_dropout" in t["values"]]
    assert new
    assert all(0.2 <= t["values"]["rare_dropout"] <= 0.3 for t in new)
    assert passes("s") == 2


def test_an_exported_configuration_that_has_it_is_searched_in_a_new_study(
    found: tuple[Path, int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["export", "s", "--format", "yaml", "-o", "best.yaml"]) == 0
    search("--trials", "1", "--space", "best.yaml", "--study", "new")
    [trial] = trials("new", capsys)
    assert trial["values"]["rare_dropout"] == 0.1
    search("--trials", "2", "--space", "best.yaml", "--study", "new")
    assert run(["export", "new", "--format", "keras", "-o", "new.keras"]) == 0
    Path("best.yaml").write_text(Path("best.yaml").read_text().replace("rare_dropout", "rare_dropuot"))
    capsys.readouterr()
    assert run([*SEARCH, "--space", "best.yaml", "--study", "typo"]) == 3
    assert "rare_dropuot: m.py:build declares no such hyperparameter" in capsys.readouterr().err


def test_a_new_study_that_learns_from_it_searches_it_from_the_start(
    found: tuple[Path, int], capsys: pytest.CaptureFixture[str]
) -> None:
    learning = ["--trials", "4", "--learn-from", "s", "--study", "new"]
    search(*learning)
    assert "m.py:build asked for rare_dropout (0.1..0.5)" in capsys.readouterr().err
    with Study.open(Path("new")) as study:
        assert "rare_dropout" in study.passes()[0].opened_with
        assert any("rare_dropout" in start.values for start in study.notes.warm_starts)
        before = len(study.passes())
    search("--trials", "6", "--study", "new")
    assert passes("new") == before
    assert run(["export", "new"]) == 0
    Path("m.py").write_text(MODEL + "ANOTHER = True\n")
    capsys.readouterr()
    assert run([*SEARCH, "--trials", "4", "--learn-from", "s", "--study", "other", "--dry-run"]) == 0
    assert "rare_dropout" not in capsys.readouterr().out


def test_a_space_file_that_leaves_it_out_leaves_it_as_the_code_has_it(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("space.yaml").write_text("hyperparameters:\n  lr: {range: [0.02, 0.1]}\n  optimizer: adam\n")
    search("--trials", "4", "--space", "space.yaml", "--study", "s")
    assert "asked for rare_dropout (0.1..0.5)" in capsys.readouterr().err
    found = trials("s", capsys)
    assert not any("sgd/momentum" in t["values"] for t in found)
    before = passes("s")
    # From then on the file may name it.
    Path("space.yaml").write_text(
        "hyperparameters:\n  lr: {range: [0.02, 0.1]}\n  optimizer: adam\n  rare_dropout: 0.2\n"
    )
    search("--trials", "6", "--space", "space.yaml", "--study", "s")
    assert passes("s") > before
    new = [t for t in trials("s", capsys) if t["pass_number"] > before]
    assert new
    assert all(t["values"].get("rare_dropout", 0.2) == 0.2 for t in new)


FLIPS = """
import keras
import keras_tuner

TRAINED = []


class Model(keras_tuner.HyperModel):
    def build(self, hp):
        model = keras.Sequential([keras.layers.Dense(hp.Int("units", 4, 8), activation="relu")])
        if len(TRAINED) > 3:
            model.add(keras.layers.Dropout(hp.Float("late", 0.1, 0.5)))
        model.add(keras.layers.Dense(3, activation="softmax"))
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    def fit(self, hp, model, *args, **kwargs):
        TRAINED.append(1)
        if len(TRAINED) > 4:
            kwargs["batch_size"] = hp.Choice("rows", [16, 32])
        return model.fit(*args, **kwargs)
"""


def test_what_a_global_flag_or_an_own_fit_asks_for_later_is_searched_everywhere_from_there_on(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("flips.py").write_text(FLIPS)
    command = [
        "search",
        "iris",
        "--model",
        "flips.py:Model",
        "--epochs",
        "2",
        "--passes",
        "1",
        "--study",
        "s",
    ]
    assert run([*command, "--trials", "8"]) == 0
    said = capsys.readouterr().err
    assert "asked for late (0.1..0.5), rows (16,32): searched from here on" in said
    found = trials("s", capsys)
    first = next(t for t in found if "late" in t["values"])
    assert first["values"]["late"] == 0.1
    assert first["values"]["rows"] == 16
    later = [t for t in found if t["id"] > first["id"]]
    assert later
    assert all({"late", "rows"} <= t["values"].keys() for t in later)
    assert len({t["values"]["late"] for t in later}) > 1
