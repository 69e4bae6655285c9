"""A model file that is edited after a search: old weights never meet the new network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hptune.__main__ import run
from hptune.data.source_code import code_fingerprint
from hptune.errors import StudyMismatchError
from hptune.search.task import load_again
from hptune.study import Study

BUILD = """import keras

from parts import scaled


def build(hp):
    # Ranges as usual.
    units = hp.Int("units", 2, 8)
    layers = [scaled(), keras.layers.Dense(units, "relu"), keras.layers.Dense(3, "softmax")]
    model = keras.Sequential(layers)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""
PARTS = """import keras


def scaled():
    return keras.layers.Rescaling(0.1)
"""
SEARCH = ["search", "iris", "--model", "m.py:build", "--study", "s", "--passes", "1", "--epochs", "2"]


@pytest.fixture(autouse=True)
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.py").write_text(BUILD, encoding="utf-8")
    Path("parts.py").write_text(PARTS, encoding="utf-8")
    assert run([*SEARCH, "--trials", "1"]) == 0


def edit(file: str, old: str, new: str) -> None:
    text = Path(file).read_text(encoding="utf-8")
    assert old in text
    Path(file).write_text(text.replace(old, new), encoding="utf-8")


COMMANDS = [
    ["export", "s", "--format", "keras", "-o", "best.keras"],
    ["export", "s", "--format", "python", "-o", "best.py"],
    ["confirm", "s", "--top", "1", "--seeds", "2"],
]


@pytest.mark.parametrize("file", ["m.py", "parts.py"])
def test_what_would_build_another_network_is_refused(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    edit(*(("m.py", '"relu"', '"tanh"') if file == "m.py" else ("parts.py", "0.1", "10.0")))
    for command in COMMANDS:
        assert run(command) == 6, command
        err = " ".join(capsys.readouterr().err.split())
        assert "m.py:build has changed since trial" in err
        assert "Put the code back as it was" in err
    assert not Path("best.keras").exists()
    assert not Path("best.py").exists()


def test_a_comment_is_no_change() -> None:
    edit("m.py", "# Ranges as usual.", "# Wide ranges.\n\n    # They are kept.")
    assert [run(command) for command in COMMANDS] == [0, 0, 0]


def test_a_study_says_which_trials_are_of_which_version(capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("m.py").read_text(encoding="utf-8")
    with Study.open(Path("s")) as opened:
        first = len(opened.trials())
    edit("m.py", '"relu"', '"tanh"')
    assert run([*SEARCH, "--trials", "3"]) == 0
    capsys.readouterr()
    assert run(["trials", "s", "--json"]) == 0
    trials = {t["id"]: t for t in json.loads(capsys.readouterr().out)["trials"]}
    versions = {number: t["model_version"] for number, t in trials.items()}
    assert versions[1] == 1
    assert versions[max(versions)] == 2
    assert set(versions.values()) == {1, 2}
    new = next(number for number in sorted(trials) if number > first and trials[number]["score"] is not None)
    assert run(["show", str(new), "--study", "s"]) == 0
    assert "trained with version 2 of 2 of the model's code" in capsys.readouterr().out
    assert may_be_built(new)
    assert not may_be_built(1)
    Path("m.py").write_text(before, encoding="utf-8")
    assert may_be_built(1)
    assert not may_be_built(new)


def may_be_built(trial: int) -> bool:
    with Study.open(Path("s")) as opened:
        try:
            load_again(opened, [opened.trial(trial)])
        except StudyMismatchError:
            return False
        return True


def test_code_is_known_by_its_words_and_by_what_it_imports(tmp_path: Path) -> None:
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit" / "__init__.py").write_text("")
    (tmp_path / "kit" / "deep.py").write_text("VALUE = 1\n")
    file = tmp_path / "own.py"
    file.write_text("from kit.deep import VALUE\nimport json\n\n\ndef build(hp):\n    return VALUE\n")
    known = code_fingerprint(file)
    file.write_text("from kit.deep import VALUE  # one\nimport json\n\ndef build(hp):\n\n    return VALUE\n")
    assert code_fingerprint(file) == known
    (tmp_path / "kit" / "deep.py").write_text("VALUE = 2\n")
    changed = code_fingerprint(file)
    assert changed != known
    file.write_text(
        "from kit.deep import VALUE\nimport json\n\n\ndef build(hp):\n    pass\n\n\nbuild = VALUE\n"
    )
    assert code_fingerprint(file) not in (known, changed)


def test_files_that_import_each_other_end(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import b\n")
    (tmp_path / "b.py").write_text("import a\n")
    assert code_fingerprint(tmp_path / "a.py") != code_fingerprint(tmp_path / "b.py")
