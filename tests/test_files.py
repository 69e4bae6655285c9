from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

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
