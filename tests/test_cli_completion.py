"""What a shell completes, asked as a shell asks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from support.studies import MLP, Recipe, build

from hptune.cli.app import app


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    build(folder / "studies" / "digits-mlp", Recipe(trials=12, epochs=3)).close()
    return folder


def proposed(words: str) -> list[str]:
    """Return what is proposed for the last of some words, as `type,value`."""
    _, *args, incomplete = words.split(" ")
    found = ShellComplete(app, {}, "hptune", "_HPTUNE_COMPLETE").get_completions(args, incomplete)
    return [f"{item.type},{item.value}" for item in found]


def completed(folder: Path, words: str, shell: str = "bash") -> list[str]:
    """Return what a shell hears that asks `hptune` itself."""
    asked = {
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
        "_HPTUNE_COMPLETE": f"{shell}_complete",
    }
    done = subprocess.run(
        [str(Path(sys.executable).parent / "hptune")],
        cwd=folder,
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("hptune sea", ["plain,search"]),
        ("hptune search di", ["plain,digits", "plain,diabetes"]),
        ("hptune search trai", ["file,trai"]),
        ("hptune search --model ", ["plain,mlp", "plain,cnn"]),
        ("hptune check --space mlp", ["plain,mlp", "plain,mlp-small-budget"]),
        ("hptune status ", ["plain,digits-mlp"]),
        ("hptune show --study dig", ["plain,digits-mlp"]),
        ("hptune show 1", ["plain,1", "plain,10", "plain,11", "plain,12"]),
        ("hptune narrow --freeze mo", ["plain,momentum"]),
    ],
)
def test_names_are_completed(
    folder: Path, words: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert sorted(proposed(words)) == sorted(expected)


def test_every_hyperparameter_of_a_study_is_proposed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = proposed("hptune narrow digits-mlp --set ")
    assert sorted(found) == sorted(f"plain,{hp.name}" for hp in MLP)


def test_a_shell_hears_them_from_the_command(folder: Path) -> None:
    assert completed(folder, "hptune status ") == ["plain,digits-mlp"]


def test_trials_come_with_their_scores_where_the_shell_shows_them(folder: Path) -> None:
    lines = completed(folder, "hptune show ", shell="zsh")
    assert lines[:2] == ["plain", "1"]
    assert any(line.startswith("val_accuracy 0.") for line in lines)


def test_where_there_is_no_study_nothing_is_proposed_and_nothing_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert completed(tmp_path, "hptune show ") == []
    monkeypatch.chdir(tmp_path)
    assert proposed("hptune narrow --keep ") == []
