"""What a person should know of a space is said on standard error before anything is trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hptune.__main__ import run
from hptune.errors import SearchInterruptedError
from hptune.search.engine import Engine

ZEROS = "kernel_initializer zeros: all units of a hidden layer begin alike"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def stop_here(*arguments: object, **settings: object) -> None:
    raise SearchInterruptedError("here")


def test_a_dry_run_says_it_beside_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "iris", "--space", "initialisation", "--dry-run", "--json"]) == 0
    said = capsys.readouterr()
    assert ZEROS in said.err
    assert json.loads(said.out)["space"]["name"] == "initialisation"


def test_a_search_says_it_before_it_trains(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Engine, "run", stop_here)
    assert run(["search", "iris", "--space", "initialisation"]) == 130
    assert ZEROS in capsys.readouterr().err


def test_a_check_says_it_before_it_checks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hptune.check.run_checks", stop_here)
    assert run(["check", "iris", "--space", "initialisation"]) == 130
    assert ZEROS in capsys.readouterr().err


def test_the_default_space_says_which_batch_takes_all_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "iris", "--dry-run"]) == 0
    said = capsys.readouterr()
    assert "batch_size 128: all 120 training rows in each step" in said.err
    assert "16..128" in said.out


def test_an_ordinary_space_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "iris", "--space", "regularisation", "--dry-run"]) == 0
    rows, task = capsys.readouterr().err.splitlines()
    assert rows == "iris: 120 training and 30 validation rows"
    assert "task: multiclass" in task


def test_folds_are_told_from_the_split(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["search", "iris", "--cv", "3", "--dry-run"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "--cv 3: a score is the mean over 3 folds of 150 rows; the 30 validation rows above score" in said
    rows = ["x,y", *(f"{i % 11},{'ab'[i % 2]}" for i in range(60))]
    for name, some in (("train", rows), ("held", rows[:21])):
        (tmp_path / f"{name}.csv").write_text("\n".join(some))
    files = [str(tmp_path / "train.csv"), "--target", "y", "--validation", str(tmp_path / "held.csv")]
    assert run(["search", *files, "--cv", "2", "--dry-run"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "the mean over 2 folds of 60 rows; the 20 validation rows above score" in said
