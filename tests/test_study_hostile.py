"""A study that was made to reach for files elsewhere: by links, or by a journal that names one."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest
from support.studies import Recipe, build

from hptune.__main__ import run
from hptune.errors import StudyError


@pytest.fixture
def victim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file outside, beside a folder with a study."""
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    build(Path("s"), Recipe(trials=3, passes=1)).close()
    victim = tmp_path / "victim"
    victim.write_text("mine", encoding="utf-8")
    return victim


@pytest.mark.parametrize(
    ("name", "command"),
    [
        pytest.param("report.html", ["report", "s"], id="report"),
        pytest.param("next-pass.yaml", ["narrow", "s", "--accept"], id="next pass"),
        pytest.param("next-pass.proposal.json", ["narrow", "s", "--accept"], id="proposal"),
        pytest.param("study.lock", ["confirm", "s"], id="lock of confirm"),
        pytest.param("study.lock", ["search", "iris", "--study", "s"], id="lock of search"),
    ],
)
def test_no_file_is_written_through_a_link(
    victim: Path, name: str, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (Path("s") / name).unlink(missing_ok=True)
    (Path("s") / name).symlink_to(victim)
    assert run(command) == 6
    assert f"s/{name}: a link, which no search wrote" in capsys.readouterr().err
    assert victim.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["next-pass.proposal.json", "study.lock", "study.db-wal"])
def test_a_folder_in_the_place_of_a_file_is_said(
    victim: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (Path("s") / name).unlink(missing_ok=True)
    (Path("s") / name).mkdir()
    for command in (["report", "s"], ["narrow", "s", "--accept"], ["confirm", "s"]):
        assert run(command) == 6
        said = capsys.readouterr().err
        assert "Traceback" not in said
        assert f"s/{name}: is no file, which a search would write there" in said or "can't be" in said


def hot_journal(study: Path, named: Path) -> None:
    """Leave the journal of a half-written transaction, which names another file as SQLite's own would."""
    path = study / "study.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("PRAGMA cache_size = 1")
        database.execute("BEGIN IMMEDIATE")
        database.execute("UPDATE trials SET note = hex(randomblob(9000))")
        shutil.copy(f"{path}-journal", "journal")
        shutil.copy(path, "db")
        database.execute("ROLLBACK")
    shutil.copy("db", path)
    name = str(named).encode()
    page = (2**30 // 4096 + 1).to_bytes(4, "big")
    tail = len(name).to_bytes(4, "big") + sum(name).to_bytes(4, "big") + bytes.fromhex("d9d505f920a163d7")
    Path(f"{path}-journal").write_bytes(Path("journal").read_bytes() + page + name + tail)


@pytest.mark.parametrize("command", [["status", "s"], ["search", "iris", "--study", "s"], ["narrow", "s"]])
def test_no_file_is_deleted_that_a_journal_names(
    victim: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    hot_journal(Path("s"), victim)
    assert run(command) == 6
    assert "study.db-journal: names a file that is to be deleted" in capsys.readouterr().err
    assert victim.exists()


def test_sqlite_itself_would_delete_it(victim: Path) -> None:
    hot_journal(Path("s"), victim)
    with contextlib.closing(sqlite3.connect("s/study.db")) as database:
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    assert not victim.exists()


def test_a_path_that_sqlite_does_not_take_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deep = "/".join([str(tmp_path), *["a" * 200] * 3])
    with pytest.raises(StudyError, match="bytes, and SQLite takes 500"):
        build(Path(deep), Recipe(trials=1, passes=1))
