"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

from hptune.errors import InputError

__all__ = ["write_text"]


def write_text(path: Path, text: str) -> Path:
    """Write a text file with a last line break; raises InputError where it can't be."""
    # A link stays one; what is no plain file, such as a pipe, is written to and not replaced.
    target = path.resolve()
    whole = target.exists() and not target.is_file()
    temporary = target if whole else target.with_name(f".{target.name}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text + "\n", encoding="utf-8")
        if not whole:
            temporary.replace(target)
    except OSError as error:
        if not whole:
            temporary.unlink(missing_ok=True)
        raise InputError(f"{path}: can't be written: {error.strerror}") from error
    return path
