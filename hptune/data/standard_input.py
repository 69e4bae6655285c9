"""A table that comes through a pipe: kept in a file, as whatever goes on with a study reads it again."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from hptune.errors import DataError
from hptune.study.folder import STUDIES

__all__ = ["STANDARD_INPUT", "how_to_get_it_back", "keep"]

STANDARD_INPUT = "-"
"""What stands for standard input in the place of data."""
_NAME = "stdin-"
_DIGITS = 12
_AT_ONCE = 1 << 20


def keep(stream: BinaryIO) -> Path:
    """Read a stream to its end and return the CSV file under studies/ that holds it.

    Its name is that of its content: the same bytes have the same file, and so the same study. Raises
    `DataError` where there are no bytes, or where they can't be written.
    """
    temporary = STUDIES / f".{_NAME}{os.getpid()}.tmp"
    digest = hashlib.sha256()
    try:
        STUDIES.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            while part := stream.read(_AT_ONCE):
                digest.update(part)
                file.write(part)
            size = file.tell()
        if not size:
            raise DataError("standard input is empty", hint="Pipe a CSV file into it: cat train.csv | …")
        path = STUDIES / f"{_NAME}{digest.hexdigest()[:_DIGITS]}.csv"
        if not (path.is_file() and _digest(path) == digest.hexdigest()):
            temporary.replace(path)
    except OSError as error:
        raise DataError(f"{STUDIES}/: standard input can't be kept there: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def how_to_get_it_back(path: Path) -> str:
    """Return the hint for a file of standard input that is gone; "" for any other file."""
    if not path.name.startswith(_NAME):
        return ""
    return (
        "It held what came through standard input: the same once more, `… | hptune search -`, brings it back."
    )
