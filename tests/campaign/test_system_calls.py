"""Commands that are killed at each of their system calls on files, and in the middle of each of their writes.

After each kill the study holds what it held, no half-written file stands in the place of a whole one, nothing
is said to be damaged, and the same command ends as it would have.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.dying import killed_at_call, steps
from support.fakes import identity
from support.interruptions import story
from support.studies import Recipe, build, confirm, versions

from hptune.__main__ import run
from hptune.study import Study, StudyLock

pytestmark = pytest.mark.campaign

GOLDEN = Path(__file__).parents[1] / "golden" / "finished"
READERS = (["status", "s"], ["trials", "s"], ["show", "1", "--study", "s"], ["export", "s"])
EVERY = 7
"""After how many kills all that reads a study is tried."""


def command(*words: str) -> Callable[[], None]:
    """A command that must succeed, without what it prints."""

    def call() -> None:
        said = io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
            code = run(list(words))
        assert code == 0, said.getvalue()

    return call


def made_up(folder: Path) -> None:
    study = build(folder, Recipe(trials=9, notes={"budget": 300, **versions()}))
    confirm(study, [0.95, 0.94])
    study.close()


def of_schema_1(folder: Path) -> None:
    shutil.copytree(GOLDEN, folder)


def of_schema_2(folder: Path) -> None:
    """Take off what the last step of the migration adds."""
    made_up(folder)
    with contextlib.closing(sqlite3.connect(folder / "study.db", isolation_level=None)) as database:
        database.execute("DROP INDEX jobs_that_found")
        for column in ("added", "found"):
            database.execute(f"ALTER TABLE jobs DROP COLUMN {column}")
        database.execute("PRAGMA user_version = 2")
        database.execute("PRAGMA journal_mode = DELETE")


def with_a_log(folder: Path) -> None:
    """Leave what a killed search leaves: all of its transactions in the log, none in the file."""
    made_up(folder)
    with contextlib.closing(sqlite3.connect(folder / "study.db", isolation_level=None)) as database:
        database.execute("PRAGMA wal_autocheckpoint = 0")
        database.execute("UPDATE trials SET note = 'of the log'")
        shutil.copytree(folder, folder.with_name("killed"))
    shutil.rmtree(folder)
    folder.with_name("killed").rename(folder)
    assert (folder / "study.db-wal").stat().st_size > 0


def with_a_journal(folder: Path) -> None:
    """Leave half of a transaction in the file, and the journal that takes it back."""
    made_up(folder)
    path = folder / "study.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("PRAGMA cache_size = 1")
        database.execute("BEGIN IMMEDIATE")
        database.execute("UPDATE trials SET note = hex(randomblob(9000))")
        shutil.copytree(folder, folder.with_name("killed"))
        database.execute("ROLLBACK")
    shutil.rmtree(folder)
    folder.with_name("killed").rename(folder)
    assert (folder / "study.db-journal").stat().st_size > 0


def write() -> None:
    Study.open(Path("s"), read_only=False).close()


def read() -> None:
    Study.open(Path("s")).close()


def start_over() -> None:
    """As `search --fresh` makes room and begins."""
    from hptune.search.run import _archive_existing

    _archive_existing(Path("s"), fresh=True)
    with StudyLock(Path("s")), Study.create(Path("s"), identity()):
        pass


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is killed, and what it leaves where it is not."""

    study: Callable[[Path], None]
    action: Callable[[], None]
    files: tuple[str, ...] = ()
    """Written files, which are whole or not there, beside the study."""


CASES = {
    "bring a study of schema 1 up to date": Case(study=of_schema_1, action=write),
    "bring a study of schema 2 up to date": Case(study=of_schema_2, action=write),
    "open a study whose search was killed": Case(study=with_a_log, action=write),
    "read a study whose search was killed": Case(study=with_a_log, action=read),
    "take back half a transaction": Case(study=with_a_journal, action=write),
    "take back half a transaction to read": Case(study=with_a_journal, action=read),
    "narrow --accept": Case(
        study=made_up,
        action=command("narrow", "s", "--accept"),
        files=("s/next-pass.yaml", "s/next-pass.proposal.json"),
    ),
    "report": Case(study=made_up, action=command("report", "s"), files=("s/report.html",)),
    "compare": Case(study=made_up, action=command("compare", "s", "s", "-o", "c.html"), files=("c.html",)),
    "export yaml": Case(study=made_up, action=command("export", "s", "-o", "b.yaml"), files=("b.yaml",)),
    "export json": Case(
        study=made_up, action=command("export", "s", "--format", "json", "-o", "b.json"), files=("b.json",)
    ),
    "export csv": Case(
        study=made_up,
        action=command("export", "s", "--format", "csv", "--top", "9", "-o", "b.csv"),
        files=("b.csv",),
    ),
    "export into a folder": Case(study=made_up, action=command("export", "s", "--top", "3", "-o", "out")),
}


def contents(folder: Path) -> dict[str, bytes]:
    """What is there beside the database and its log."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("study.")
    }


def told(folder: Path) -> list[object]:
    with Study.open(folder) as study:
        return [story(study), study.passes(), study.confirmations(), study.notes]


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The folder to copy from, and the working directory."""
    (tmp_path / "in").mkdir()
    (tmp_path / "from").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    return tmp_path / "from", tmp_path / "in"


def again(source: Path, here: Path) -> None:
    for one in here.iterdir():
        shutil.rmtree(one) if one.is_dir() else one.unlink()
    shutil.copytree(source / "s", here / "s")


@pytest.mark.parametrize("halved", [False, True], ids=["before each call", "in each write"])
@pytest.mark.parametrize("name", list(CASES))
def test_killed_at_any_system_call_the_same_command_goes_on(
    name: str,
    halved: bool,
    places: tuple[Path, Path],
    capsys: pytest.CaptureFixture[str],
    count: Counter[str],
) -> None:
    case, (source, here) = CASES[name], places
    case.study(source / "s")
    again(source, here)
    case.action()
    whole, story_before = contents(here), told(Path("s"))
    for step in steps():
        again(source, here)
        call = killed_at_call(step, case.action, halved=halved)
        if not call:
            break
        where = f"{name}, killed at call {step}, {call}"
        left = contents(here)
        assert {k: v for k, v in left.items() if v != whole.get(k) and ".tmp" not in k} == {}, where
        assert told(Path("s")) == story_before, where
        if step % EVERY == 0:
            for reader in READERS:
                assert run(reader) == 0, where
                assert "--fresh" not in capsys.readouterr().err, where
        case.action()
        assert contents(here) == whole, where
        assert told(Path("s")) == story_before, where
        count["kills at system calls" if not halved else "kills in the middle of a write"] += 1


@pytest.mark.parametrize("halved", [False, True], ids=["before each call", "in each write"])
def test_killed_while_a_study_is_archived_both_are_whole(
    halved: bool, places: tuple[Path, Path], count: Counter[str]
) -> None:
    source, here = places
    made_up(source / "s")
    before = told(source / "s")
    for step in steps():
        again(source, here)
        call = killed_at_call(step, start_over, halved=halved)
        if not call:
            break
        old = Path("s.1") if Path("s.1").exists() else Path("s")
        assert told(old) == before, (step, call)
        if old != Path("s") and Study.exists(Path("s")):
            with Study.open(Path("s")) as study:
                assert study.trials() == ()
        start_over()
        assert told(Path("s.1")) == before, (step, call)
        with Study.open(Path("s")) as study:
            assert study.identity == identity()
        count["kills at system calls" if not halved else "kills in the middle of a write"] += 1


def test_what_is_killed_half_way_would_be_seen(tmp_path: Path) -> None:
    """A file that is written in its place is found half-written."""
    path, text = tmp_path / "a.json", json.dumps(list(range(5000)))
    seen = set()
    for step in steps():
        path.unlink(missing_ok=True)
        call = killed_at_call(step, lambda: path.write_text(text, encoding="utf-8"), halved=True)
        if not call:
            break
        seen.add(path.read_text(encoding="utf-8") == text if path.exists() else None)
    assert False in seen
