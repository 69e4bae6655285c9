"""Opens files, compressed ones too, as pandas does by their names."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["BROKEN", "COMPRESSED", "open_bytes", "open_text"]

COMPRESSED = (".gz", ".bz2", ".xz", ".zip")
"""Endings after that of the kind of file: train.csv.gz."""

BROKEN = (gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What a compressed file raises that is none, or only half of one."""

_OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


@contextmanager
def open_bytes(path: Path) -> Iterator[Any]:
    """Open a file for its bytes; raises OSError, or one of `BROKEN`."""
    ending = path.suffix.lower()
    if ending == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(names) != 1:
                raise zipfile.BadZipFile(f"it holds {len(names)} files, and a table is one")
            with archive.open(names[0]) as file:
                yield file
        return
    opened: Any = _OPENERS.get(ending, open)
    with opened(path, "rb") as file:
        yield file


@contextmanager
def open_text(path: Path) -> Iterator[Any]:
    """Open a file for its text, UTF-8, line breaks as they are; raises as `open_bytes` does."""
    with open_bytes(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        yield text
