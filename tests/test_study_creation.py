"""A study that is killed while it is made leaves nothing in the way of the same command."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from support.fakes import identity

from hptune.errors import StudyError
from hptune.study import Study
from hptune.study.folder import DATABASE


def killed(folder: Path, code: str) -> None:
    """Run code that ends its own process as kill -9 does."""
    head = f"import os, sqlite3\nfrom pathlib import Path\nfolder = Path({str(folder)!r})\n"
    text = head + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


HOT_JOURNAL = """
    folder.mkdir()
    database = sqlite3.connect(folder / "study.db", isolation_level=None)
    database.execute("PRAGMA cache_size = 1")
    database.execute("CREATE TABLE t (x)")
    database.execute("BEGIN")
    for _ in range(200):
        database.execute("INSERT INTO t VALUES (randomblob(4000))")
    os.kill(os.getpid(), 9)
"""


def test_a_journal_of_a_killed_process_is_rolled_back(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    killed(folder, HOT_JOURNAL)
    assert (folder / f"{DATABASE}-journal").stat().st_size > 0
    assert not Study.exists(folder)
    with pytest.raises(StudyError, match="there is no study here"):
        Study.open(folder)
    with Study.create(folder, identity()) as study:
        assert study.passes() == ()
    assert Study.exists(folder)


@pytest.mark.parametrize("step", range(1, 40))
def test_killed_at_any_statement_of_creating_it_the_same_again_succeeds(tmp_path: Path, step: int) -> None:
    """Each SQL statement, and the replacing of the file, is an instant to be killed at."""
    folder = tmp_path / "s"
    pid = os.fork()
    if pid == 0:
        count = 0
        real = sqlite3.connect

        def dies(statement: str) -> None:
            nonlocal count
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)

        def traced(*arguments: object, **more: object) -> sqlite3.Connection:
            database: sqlite3.Connection = real(*arguments, **more)  # type: ignore[call-overload]
            database.set_trace_callback(dies)
            return database

        sqlite3.connect = traced  # type: ignore[assignment]
        Study.create(folder, identity())
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert not Study.exists(folder) or Study.open(folder).identity == identity()
    if not Study.exists(folder):
        Study.create(folder, identity()).close()
    with Study.open(folder) as study:
        assert study.identity == identity()
    assert list(folder.glob("*.new*")) == []


@pytest.mark.parametrize("room", range(0, 100_000, 8192))
def test_a_study_that_there_is_no_room_for_is_not_there(tmp_path: Path, room: int) -> None:
    """No file may grow beyond `room`, as on a full disk."""
    folder = tmp_path / "s"
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        try:
            Study.create(folder, identity()).close()
        except StudyError:
            os._exit(0)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert status == 0
    if Study.exists(folder):
        with Study.open(folder) as study:
            assert study.identity == identity()
            assert study.trials() == ()
    else:
        Study.create(folder, identity()).close()


def test_a_study_is_not_made_over_another(tmp_path: Path) -> None:
    Study.create(tmp_path / "s", identity()).close()
    with pytest.raises(StudyError, match="holds a study already"):
        Study.create(tmp_path / "s", identity())
