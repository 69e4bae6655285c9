"""A study whose database was damaged or edited: said with its place, and what is whole can be read."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest
from support.fakes import OBJECTIVE, SPACE, FakeTrainer, identity, keep_all
from support.studies import Recipe, build, confirm, versions

from hptune.__main__ import run
from hptune.errors import DamagedStudyError
from hptune.executors.inline import InlineExecutor
from hptune.oracles.names import make_searcher
from hptune.search.engine import Engine
from hptune.study import Study

COMMANDS = [
    pytest.param(["status", "s"], id="status"),
    pytest.param(["trials", "s"], id="trials"),
    pytest.param(["show", "1", "--study", "s"], id="show"),
    pytest.param(["narrow", "s", "--dry-run"], id="narrow"),
    pytest.param(["report", "s", "-o", "r.html"], id="report"),
    pytest.param(["compare", "s", "s"], id="compare"),
    pytest.param(["export", "s"], id="export"),
    pytest.param(["export", "s", "--format", "json"], id="export json"),
    pytest.param(["search", "digits", "--study", "s"], id="search"),
    pytest.param(["confirm", "s"], id="confirm"),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "s"
    study = build(folder, Recipe(trials=9, running=1, notes=versions()))
    confirm(study, [0.95, 0.94])
    study.close()
    # One file: what is in the log of the writer is folded in.
    with contextlib.closing(sqlite3.connect(folder / "study.db")) as database:
        database.execute("PRAGMA journal_mode = DELETE")
    return folder


@pytest.fixture
def study(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(whole, "s"))


def searched(folder: Path) -> None:
    """Search with a made-up training, from wherever the study stands."""
    there = Study.exists(folder)
    with Study.open(folder, read_only=False) if there else Study.create(folder, identity()) as study:
        if not there:
            study.open_pass(SPACE, proposal=None, origin="given")
        Engine(
            study=study,
            searcher=make_searcher(
                "coarse-to-fine", objective=OBJECTIVE, root=SPACE, epochs=9, budget=27, seed=0
            ),
            executor=InlineExecutor(FakeTrainer()),
            pass_ends=(27,),
            narrow=keep_all,
        ).run()


def edit(study: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(study / "study.db")) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


DAMAGES = [
    pytest.param(
        "UPDATE trials SET state = 'odd' WHERE id = 3", "trials, row 3, state: found 'odd'", id="state"
    ),
    pytest.param("UPDATE trials SET score = 'x' WHERE id = 3", "trials, row 3, score: found 'x'", id="score"),
    pytest.param("UPDATE trials SET score = 9e999 WHERE id = 3", "row 3, score: found inf", id="infinite"),
    pytest.param("UPDATE trials SET \"values\" = '{' WHERE id = 3", "trials, row 3, values", id="values"),
    pytest.param("UPDATE jobs SET curve = '[1' WHERE id = 4", "jobs, row 4, curve", id="broken curve"),
    pytest.param("UPDATE jobs SET curve = '{}' WHERE id = 4", "jobs, row 4, curve", id="curve of no list"),
    pytest.param("UPDATE jobs SET memo = '{' WHERE id = 4", "jobs, row 4, memo", id="memo"),
    pytest.param("UPDATE jobs SET trial_id = 77 WHERE id = 4", "trial_id: found 77", id="no such trial"),
    pytest.param(
        "INSERT OR REPLACE INTO meta VALUES ('warm_starts', '[1')", "meta, row warm_starts", id="warm starts"
    ),
    pytest.param("UPDATE trials SET reason = x'ff' WHERE id = 2", "row 2, reason: found b'", id="bytes"),
    pytest.param("UPDATE meta SET value = '[]' WHERE key = 'identity'", "meta, row identity", id="identity"),
    pytest.param("DELETE FROM meta WHERE key = 'identity'", "meta, row identity", id="no identity"),
    pytest.param("DROP TABLE confirmations", "there is no table confirmations", id="table"),
    pytest.param("ALTER TABLE trials DROP COLUMN seed", "trials has no column seed", id="column"),
    pytest.param("UPDATE passes SET space = '{}' WHERE number = 2", "passes, row 2, space", id="space"),
    pytest.param("DELETE FROM jobs WHERE id = 4", "numbers of events without a gap", id="a job is gone"),
    pytest.param("DELETE FROM jobs", "trials, row 1, id: found 1, expected a trial", id="no jobs"),
]


@pytest.mark.parametrize(("statement", "said"), DAMAGES)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_is_damaged(
    study: Path, statement: str, said: str, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    edit(study, statement)
    assert run(command) == 6
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "s/study.db: the study is damaged, or was edited:" in captured.err
    assert said in captured.err
    assert "Traceback" not in captured.err
    assert "nothing of it is deleted" in captured.err


DEEP = [
    pytest.param(
        'UPDATE trials SET "values" = \'{"learning_rate": -1}\' WHERE id = 3',
        "trials, row 3, values",
        id="a value of another sign",
    ),
    pytest.param(
        'UPDATE trials SET "values" = \'{"units": "many"}\' WHERE id = 3', "trials, row 3, values", id="text"
    ),
    pytest.param("UPDATE jobs SET curve = '[3]' WHERE id = 4", "jobs, row 4, curve", id="no epoch"),
]


@pytest.mark.parametrize(("statement", "said"), DEEP)
@pytest.mark.parametrize("command", [COMMANDS[i] for i in (3, 4)])
def test_what_json_holds_is_seen_by_whatever_reads_it(
    study: Path, statement: str, said: str, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    edit(study, statement)
    assert run(command) == 6
    assert said in capsys.readouterr().err


def test_the_trials_that_are_whole_can_be_read(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "s", "--format", "csv", "--top", "99"]) == 0
    before = capsys.readouterr().out.splitlines()
    edit(study, "UPDATE trials SET score = 'x' WHERE id = 3", "UPDATE jobs SET curve = '[1' WHERE id = 4")
    assert run(["status", "s"]) == 6
    assert "hptune export s --format csv --top" in capsys.readouterr().err
    assert run(["export", "s", "--format", "csv", "--top", "99"]) == 0
    after = capsys.readouterr()
    kept = [line for line in before if not line.startswith("3,")]
    assert sorted(after.out.splitlines()) == sorted(kept)
    assert "trials, row 3, score: found 'x'" in after.err


def test_a_flipped_bit_never_ends_in_a_traceback(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = (study / "study.db").read_bytes()
    for place in range(0, len(content), len(content) // 60):
        broken = bytearray(content)
        broken[place] ^= 1 << place % 8
        (study / "study.db").write_bytes(broken)
        for command in (["status", "s"], ["trials", "s"], ["narrow", "s", "--dry-run"]):
            assert run(command) in (0, 6), (place, command)
            assert "Traceback" not in capsys.readouterr().err


def test_an_older_study_that_is_damaged_is_said(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(study, "PRAGMA user_version = 1", "INSERT OR REPLACE INTO meta VALUES ('starts', '[1')")
    assert run(["status", "s"]) == 6
    said = capsys.readouterr().err
    assert "written by an older hptune (schema 1)" in said
    assert "--fresh" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_names_of_tables_that_are_no_text_are_damage(
    study: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    content = (study / "study.db").read_bytes()
    (study / "study.db").write_bytes(content.replace(b"CREATE TABLE trials", b"CREATE TABLE tri\xd6ls"))
    assert run(command) == 6
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert "nothing of it is deleted" in said


@pytest.mark.parametrize(
    "memo", ["[]", "{}", "7", '{"asks": "x", "model": {}}', '{"asks": 1, "model": {"theta": ["x"]}}']
)
def test_a_memo_that_no_search_algorithm_wrote_is_said(tmp_path: Path, memo: str) -> None:
    folder = tmp_path / "s"
    searched(folder)
    edit(folder, f"UPDATE jobs SET memo = '{memo}' WHERE id = 4")
    with pytest.raises(DamagedStudyError, match="jobs, row 4, memo: found"):
        searched(folder)
