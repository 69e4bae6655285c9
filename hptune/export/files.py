"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

from hptune.errors import InputError

__all__ = ["write_text"]


def write_text(path: Path, text: str) -> Path:
    """Write a text file with a last line break; raises InputError where it can't be."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path}: can't be written: {error.strerror}") from error
    return path
