"""Where other tools keep trials: files, folders and servers."""

from __future__ import annotations

from pathlib import Path

from hptune.errors import DataError

__all__ = ["first_line", "require_there", "sqlite_file"]

_SQLITE = "sqlite:///"


def sqlite_file(url: str) -> str | None:
    """Return the path in sqlite:///FILE; None for any other storage."""
    return url.removeprefix(_SQLITE).partition("?")[0] if url.startswith(_SQLITE) else None


def require_there(path: str | None) -> None:
    """Raise DataError for a file or folder that is not there: other tools would make an empty one."""
    if path is not None and not Path(path).exists():
        raise DataError(f"{path}: no such file")


def first_line(error: Exception) -> str:
    """Return the first line of what another tool, or a database below it, says."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:300]
