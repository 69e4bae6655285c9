"""A study that is killed while it is brought up to date, archived or steered: nothing of it is lost.

SQL statements and changes of files are the instants to be killed at; `tests/campaign` tries each system call.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.dying import killed_at, steps
from support.fakes import identity
from support.interruptions import story
from support.studies import Recipe, build

from hptune.__main__ import run
from hptune.errors import StudyError
from hptune.search.next_pass import NEXT_PASS, propose_for, read_next_pass, write_next_pass
from hptune.study import Study, archive
from hptune.study.schema import VERSION, connect

GOLDEN = Path(__file__).parent / "golden" / "finished"


def again(source: Path, folder: Path) -> None:
    for one in folder.parent.glob(f"{folder.name}*"):
        shutil.rmtree(one)
    shutil.copytree(source, folder)


def told(folder: Path) -> list[object]:
    with Study.open(folder) as study:
        return [story(study), study.passes(), study.notes, study.confirmations()]


def test_an_older_study_that_is_killed_while_it_is_brought_up_to_date_is_whole(tmp_path: Path) -> None:
    folder, before = tmp_path / "s", told(GOLDEN)
    for step in steps(every=6):
        again(GOLDEN, folder)
        if not killed_at(step, lambda: Study.open(folder, read_only=False).close()):
            break
        assert told(folder) == before, step
        Study.open(folder, read_only=False).close()
        assert told(folder) == before, step
        database = connect(str(folder / "study.db"), read_only=True)
        assert database.execute("PRAGMA user_version").fetchone()[0] == VERSION
        database.close()
    assert step > 20


def test_a_study_that_is_killed_while_it_is_archived_is_here_or_there(tmp_path: Path) -> None:
    source, folder = tmp_path / "of", tmp_path / "s"
    build(source, Recipe(trials=3, passes=1)).close()
    before = told(source)

    def start_over() -> None:
        archive(folder)
        Study.create(folder, identity()).close()

    for step in steps():
        again(source, folder)
        if not killed_at(step, start_over):
            break
        there = Path(f"{folder}.1")
        assert told(there if there.exists() else folder) == before, step
        start_over()
        assert told(there) == before, step
    assert step > 10


def test_a_next_pass_that_is_killed_half_way_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    source, folder = tmp_path / "of", tmp_path / "s"
    with build(source, Recipe(trials=9)) as study:
        proposal = propose_for(study)

    def steer() -> None:
        with Study.open(folder) as study:
            write_next_pass(study, proposal)

    again(source, folder)
    steer()
    text = (folder / NEXT_PASS).read_text(encoding="utf-8")
    seen = set()
    for step in steps():
        again(source, folder)
        if not killed_at(step, steer):
            break
        with Study.open(folder) as study:
            read = read_next_pass(study)
        seen.add(read is None)
        assert read is None or (read.next_space, read.origin) == (proposal.next_space, proposal.origin), step
        steer()
        assert (folder / NEXT_PASS).read_text(encoding="utf-8") == text
        assert [path.name for path in folder.glob("*.tmp.*")] == []
    assert seen == {True, False}


def test_a_study_that_cannot_be_archived_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "s"
    folder.mkdir()

    def busy(self: Path, target: Path) -> Path:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(Path, "rename", busy)
    with pytest.raises(StudyError, match=r"s: can't be archived as s\.1: Device or resource busy"):
        archive(folder)


def test_a_study_is_not_archived_onto_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s.1").symlink_to("nowhere")
    assert archive(tmp_path / "s") == tmp_path / "s.2"
    assert (tmp_path / "s.1").is_symlink()


def test_a_killed_command_is_not_told_to_start_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for step in (10, 30, 50):
        again(GOLDEN, Path("s"))
        assert killed_at(step, lambda: Study.open(Path("s"), read_only=False).close())
        for command in (["status", "s"], ["trials", "s"], ["show", "1", "--study", "s"], ["export", "s"]):
            assert run(command) == 0
            assert "--fresh" not in capsys.readouterr().err
