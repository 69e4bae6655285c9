"""Damaged and hostile studies that are searched on and confirmed: words, an exit code, and no file elsewhere.

The study is a real one, which the commands resume: what opening it does not see is met by the search.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from support.hostile import CELLS, ODD, one_file, outside, said, set_cell

pytestmark = pytest.mark.campaign

SMALL = ["--passes", "2", "--epochs", "4", "--study", "s"]
BEGIN = ["search", "iris", *SMALL[:-1], "whole", "--trials", "3"]
COMMANDS = {
    "search": ["search", "iris", *SMALL, "--trials", "4"],
    "resume": ["search", "iris", *SMALL, "--trials", "3"],
    "confirm": ["confirm", "s", "--top", "1", "--seeds", "2"],
}
CODES = (0, 3, 4, 6)
SLOW = settings(
    deadline=None,
    derandomize=True,
    database=None,
    # To make an example smaller takes longer than to look at it.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FILES = ["study.lock", "report.html", "next-pass.yaml", "next-pass.proposal.json", "checkpoints"]
FILES += [f"study.db{suffix}" for suffix in ("-wal", "-shm", "-journal", ".new")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a searched study that is steered, under way in a trial, and has confirmations."""
    top = tmp_path_factory.mktemp("hostile")
    (top / "outside").mkdir()
    (top / "outside" / "victim").write_text("mine", encoding="utf-8")
    (top / "victim").write_text("mine", encoding="utf-8")
    (top / "in").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(top / "in")
        assert said(BEGIN)[0] == 0
        assert said(["confirm", "whole", "--top", "1", "--seeds", "2"])[0] == 0
        assert said(["narrow", "whole", "--accept"])[0] == 0
        one_file(Path("whole/study.db"))
        yield top


def again() -> None:
    shutil.rmtree("s", ignore_errors=True)
    shutil.copytree("whole", "s")


def require_words(place: Path, name: str, count: Counter[str], what: str) -> None:
    before = outside(place)
    code, words = said(COMMANDS[name])
    assert "Traceback" not in words, words
    assert code in CODES, words
    assert outside(place) == before, words
    if "damaged" in words:
        assert code == 6
        assert "nothing of it is deleted" in words
    if "study is damaged, or was edited:\n" in words:
        assert "row " in words or "there is no table" in words or "has no column" in words, words
    count[f"{what}, searched on or confirmed"] += 1


@settings(SLOW, max_examples=200)
@given(cell=st.sampled_from(CELLS), row=st.integers(0, 9), value=ODD, name=st.sampled_from(list(COMMANDS)))
def test_an_odd_value_in_any_field(
    place: Path, count: Counter[str], cell: tuple[str, str], row: int, value: object, name: str
) -> None:
    again()
    assume(set_cell(Path("s/study.db"), *cell, row, value))
    require_words(place, name, count, "studies with an odd value")


@settings(SLOW, max_examples=60)
@given(
    at=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=40),
    name=st.sampled_from(list(COMMANDS)),
)
def test_odd_bytes_in_the_database(
    place: Path, count: Counter[str], at: list[tuple[float, int]], name: str
) -> None:
    again()
    content = bytearray(Path("s/study.db").read_bytes())
    for share, byte in at:
        content[int(share * len(content))] = byte
    Path("s/study.db").write_bytes(content)
    require_words(place, name, count, "studies with odd bytes")


@settings(SLOW, max_examples=60)
@given(
    name=st.sampled_from(list(COMMANDS)),
    file=st.sampled_from(FILES),
    how=st.sampled_from(["bytes", "link", "folder", "empty", "cut"]),
    content=st.binary(max_size=200),
)
def test_an_odd_file_in_the_study(
    place: Path, count: Counter[str], name: str, file: str, how: str, content: bytes
) -> None:
    again()
    found = Path("s") / file
    if found.is_dir():
        weights = sorted(found.iterdir())
        found = weights[len(content) % len(weights)] if weights and how != "link" else found
    if how == "cut":
        assume(found.is_file())
        found.write_bytes(found.read_bytes()[: len(content)])
    else:
        shutil.rmtree(found) if found.is_dir() else found.unlink(missing_ok=True)
        if how == "link":
            found.symlink_to(place / ("outside" if file == "checkpoints" else "victim"))
        elif how == "folder":
            found.mkdir()
        else:
            found.write_bytes(content if how == "bytes" else b"")
    require_words(place, name, count, "studies with an odd file")


@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_table_without_rows_or_a_column_less(place: Path, count: Counter[str], name: str) -> None:
    statements = [f"DELETE FROM {table}" for table in ("meta", "passes", "trials", "jobs", "confirmations")]
    statements += [f"DROP TABLE {table}" for table in ("meta", "passes", "trials", "jobs", "confirmations")]
    statements += ["DELETE FROM jobs WHERE id % 2", "DELETE FROM trials WHERE id % 2"]
    statements += ["UPDATE jobs SET reported = NULL, state = 'running' WHERE id > 2"]
    for statement in statements:
        again()
        with contextlib.closing(sqlite3.connect("s/study.db")) as database:
            database.execute(statement)
            database.commit()
        require_words(place, name, count, "studies that lack rows")
