from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from support.dying import killed_at, steps

from hptune._files import appearing, write_text
from hptune.errors import InputError


def test_a_file_that_fails_half_way_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with suppress(KeyError), appearing(path) as file:
        file.write_text("ne")
        raise KeyError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_written_has_the_suffix_and_takes_the_place(tmp_path: Path) -> None:
    path = tmp_path / "a.keras"
    with appearing(path) as file:
        assert file.suffix == ".keras"
        assert file.parent == tmp_path
        file.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "a.txt")
    write_text(tmp_path / "link", "text\n")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "a.txt").read_text() == "text\n"


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/a\.txt: can't be written"):
        write_text(tmp_path / "file" / "a.txt", "text")


def test_what_a_killed_process_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    path = tmp_path / "a[1].txt"
    assert killed_at(3, lambda: write_text(path, "text"))
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".a[1].")
    others = [".b.1.tmp.txt", f".a[1].{os.getppid()}.tmp.txt", ".a[1].notes.tmp.txt", ".a[1].0.tmp.txt"]
    for name in others:
        (tmp_path / name).write_text("mine")
    write_text(path, "text")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([path.name, *others])


def test_a_file_that_is_killed_half_way_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    seen = []
    for step in steps():
        path.write_text("old")
        if not killed_at(step, lambda: write_text(path, "new")):
            break
        seen.append(path.read_text())
    assert list(dict.fromkeys(seen)) == ["old", "new"]
    assert seen.count("old") >= 2
