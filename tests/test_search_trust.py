"""Code that a study names runs only where it lies below the working directory, or is vouched for."""

from __future__ import annotations

from pathlib import Path

import pytest

from hptune.__main__ import run

BUILD = """from pathlib import Path

import keras

Path(__file__).with_name("ran").write_text("")


def build(hp):
    model = keras.Sequential([keras.layers.Dense(hp.Int("units", 2, 8)), keras.layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""
ARGUMENTS = ["--study", "s", "--passes", "1", "--epochs", "1", "--trials", "1"]
IMPORTING = [
    pytest.param(["export", "s", "--format", "keras", "-o", "best.keras"], id="keras"),
    pytest.param(["export", "s", "--format", "python", "-o", "best.py"], id="python"),
    pytest.param(["confirm", "s", "--top", "1", "--seeds", "2"], id="confirm"),
]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study of a model that lies in the folder beside it."""
    top = tmp_path_factory.mktemp("top")
    (top / "theirs").mkdir()
    (top / "mine").mkdir()
    (top / "theirs" / "m.py").write_text(BUILD, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(top / "mine")
        assert run(["search", "iris", "--model", "../theirs/m.py:build", *ARGUMENTS]) == 0
    (top / "theirs" / "ran").unlink()
    return top


@pytest.mark.parametrize("command", IMPORTING)
def test_code_elsewhere_is_not_run(
    searched: Path, command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(searched / "mine")
    assert run(command) == 6
    said = capsys.readouterr().err
    assert "../theirs/m.py, which the study names and which lies outside the current folder" in said
    assert "--trust" in said
    assert not (searched / "theirs" / "ran").exists()


def test_a_link_below_the_folder_leads_nowhere_else(
    searched: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    (tmp_path / "theirs" / "m.py").symlink_to(searched / "theirs" / "m.py")
    assert run(["export", str(searched / "mine" / "s"), "--format", "python"]) == 6
    assert not (searched / "theirs" / "ran").exists()


def test_code_that_is_vouched_for_runs(searched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(searched / "mine")
    assert run(["export", "s", "--format", "python", "-o", "best.py", "--trust"]) == 0
    assert (searched / "theirs" / "ran").exists()
    (searched / "theirs" / "ran").unlink()


def test_an_absolute_path_below_the_folder_needs_no_word(
    searched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(searched / "mine")
    (searched / "mine" / "m.py").write_text(BUILD, encoding="utf-8")
    model = f"{searched / 'mine' / 'm.py'}:build"
    assert run(["search", "iris", "--model", model, "--study", "t", *ARGUMENTS[2:]]) == 0
    assert run(["export", "t", "--format", "python", "-o", "best.py"]) == 0


@pytest.mark.parametrize("form", ["yaml", "json", "csv"])
def test_what_runs_no_code_asks_for_nothing(
    searched: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(searched / "mine")
    assert run(["export", "s", "--format", form]) == 0
    assert not (searched / "theirs" / "ran").exists()
