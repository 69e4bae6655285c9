"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hptune._processes import is_running
from hptune._text import on_one_line
from hptune.errors import InputError

__all__ = ["appearing", "write_text", "wrong_name"]

_LONGEST_NAME = 255
"""Bytes that common file systems take for the name of one file."""
_LONGEST_PATH = 4095


def wrong_name(path: str) -> str:
    """Return why no file can or should have this path: it is empty, too long …; else ""."""
    if not path:
        return "is empty"
    try:
        parts = [part.encode() for part in path.split("/")]
    except UnicodeEncodeError:
        return "is not UTF-8 text"
    if on_one_line(path) != path:
        return "holds control characters"
    if max(map(len, parts)) > _LONGEST_NAME or len(path.encode()) > _LONGEST_PATH:
        return "is longer than file systems take"
    return ""


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Give a file beside `path` to write; it takes the place of `path` when the block ends without an error.

    Its suffix is that of `path`. A link stays one, and what is no plain file, such as a pipe, is
    itself given. Raises what the block and the system raise; nothing is left behind then. What a process
    that was killed has left behind is deleted by the next that writes the same file.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        yield target
        return
    temporary = target.with_name(f".{target.stem}.{os.getpid()}.tmp{target.suffix}")
    _clear_away(target)
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _clear_away(target: Path) -> None:
    """Delete half-written files of processes that were killed while they wrote this one."""
    name = re.compile(rf"\.{re.escape(target.stem)}\.([1-9]\d{{0,8}})\.tmp{re.escape(target.suffix)}")
    with suppress(OSError), os.scandir(target.parent) as files:
        for file in files:
            found = name.fullmatch(file.name)
            if found and not is_running(int(found[1])):
                Path(file).unlink(missing_ok=True)


def write_text(path: Path, text: str, *, hint: str = "") -> Path:
    """Write a text file, its folder too where there is none; raises InputError where it can't be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with appearing(path) as file:
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: can't be written: {error.strerror}", hint=hint) from error
    return path
