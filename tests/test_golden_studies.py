"""Studies that were written by schema 1 open, report and continue to the same trials.

Both were searched before trials were called paused (`hptune search iris --space space.yaml`): `finished` with
--trials 8 --epochs 9, confirmed, and narrowed with `--set learning_rate_adam=1e-3..1e-2`; `interrupted` with
--trials 8 --epochs 30 and Ctrl-C in its fourteenth job. The JSON files are what that hptune printed.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from hptune.__main__ import run
from hptune.study import Study

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(GOLDEN, tmp_path / "g")
    monkeypatch.chdir(tmp_path / "g")
    return tmp_path / "g"


def story(text: str) -> list[tuple[Any, ...]]:
    """What must be the same, whatever it is called."""
    trials = json.loads(text)["trials"]
    return [(t["id"], t["pass_number"], t["values"], t["seed"], t["epochs"], t["score"]) for t in trials]


def written(name: str) -> list[tuple[Any, ...]]:
    return story((GOLDEN / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["finished", "interrupted"])
def test_it_reads_without_being_written(here: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    before = (here / name / "study.db").read_bytes()
    assert run(["trials", name, "--json"]) == 0
    out = capsys.readouterr().out
    assert story(out) == written(f"{name}-trials.json")
    assert "stopped early" not in out
    for command in (
        ["status", name, "--json"],
        ["show", "1", "--study", name],
        ["report", name, "-o", "r.html"],
    ):
        assert run(command) == 0, command
    assert (here / name / "study.db").read_bytes() == before
    assert "</html>" in (here / "r.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "command", "expected"),
    [
        pytest.param(
            "finished", ["--trials", "12", "--epochs", "9"], "edited-continued.json", id="edited pass"
        ),
        pytest.param(
            "interrupted", ["--trials", "8", "--epochs", "30"], "interrupted-continued.json", id="interrupted"
        ),
    ],
)
def test_it_continues_to_the_same_trials(
    here: Path, capsys: pytest.CaptureFixture[str], name: str, command: list[str], expected: str
) -> None:
    assert run(["search", "iris", "--space", "space.yaml", *command, "--study", name]) == 0
    capsys.readouterr()
    assert run(["trials", name, "--json"]) == 0
    assert story(capsys.readouterr().out) == written(expected)


def test_a_finished_one_continues_without_an_edited_pass(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "finished" / "next-pass.yaml").unlink()
    more = ["--space", "space.yaml", "--trials", "12", "--epochs", "9"]
    assert run(["search", "iris", *more, "--study", "finished"]) == 0
    capsys.readouterr()
    assert run(["trials", "finished", "--json"]) == 0
    assert story(capsys.readouterr().out) == written("finished-continued.json")


def test_the_writer_brings_its_tables_up_to_date(here: Path) -> None:
    with Study.open(here / "finished", read_only=False) as study:
        notes, origins = study.notes, [p.origin for p in study.passes()]
        assert notes.baseline is not None
        assert (notes.baseline.what, notes.budget) == ("always setosa", 72)
        assert notes.versions["keras"]
        assert origins == ["given", "narrowed", "narrowed"]
        assert study.confirmations()
    database = sqlite3.connect(here / "finished" / "study.db")
    assert database.execute("PRAGMA user_version").fetchone() == (4,)
    states = {state for (state,) in database.execute("SELECT DISTINCT state FROM jobs")}
    assert states == {"complete", "paused"}
    database.close()


def test_a_migration_that_is_cut_off_leaves_the_study_as_it_was(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hptune.study import migrations

    def broken(notes: dict[str, str]) -> dict[str, str]:
        raise RuntimeError("cut off")

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "_notes_of_1", broken)
        with pytest.raises(RuntimeError, match="cut off"):
            Study.open(here / "finished", read_only=False)
    with Study.open(here / "finished") as study:
        assert len(study.trials()) == len(written("finished-trials.json"))
