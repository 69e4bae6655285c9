"""One writer per study: a lock that the system takes back when its holder dies."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from hptune.errors import StudyError, StudyLockedError
from hptune.study.folder import refuse_links

__all__ = ["StudyLock"]

_TRIES = 5
_PAUSE_SECONDS = 0.02


class StudyLock:
    """Hold a study's lock file for as long as the object is entered.

    The lock belongs to the process, not to the file: after kill -9 the next search can take it.
    `command` is what it is held for, the name of hptune's command.
    """

    def __init__(self, folder: Path, command: str = "search") -> None:
        self._path = folder / "study.lock"
        self._command = command
        self._file: IO[str] | None = None

    def __enter__(self) -> StudyLock:
        """Take the lock; raises StudyLockedError where another process has it."""
        refuse_links(self._path.parent)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._path.open("a+", encoding="utf-8")
        except OSError as error:
            raise StudyError(
                f"{self._path.parent}: can't be written to: {error.strerror}",
                hint="Choose another folder with --study.",
            ) from error
        if not _taken(file):
            file.seek(0)
            process, command = _read(file)
            file.close()
            raise StudyLockedError(
                f"{self._path.parent}: another `hptune {command}` is running on this study"
                + (f" (process {process})" if process else ""),
                hint="Wait for it, stop it with Ctrl-C, or give this one its own --study."
                if self._command == "search"
                else "Wait for it, or stop it with Ctrl-C.",
            )
        file.truncate(0)
        file.write(f"{os.getpid()} {self._command}")
        file.flush()
        self._file = file
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    @staticmethod
    def taken_at(folder: Path) -> float:
        """Return when the study's lock was last taken, in seconds since 1970-01-01 UTC; 0 for never."""
        try:
            return (folder / "study.lock").stat().st_mtime
        except OSError:
            return 0.0

    @staticmethod
    def held(folder: Path) -> str | None:
        """Return the command that holds the lock of the study in `folder`; None where none does."""
        import fcntl

        try:
            with (folder / "study.lock").open(encoding="utf-8") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except OSError:
                    return _read(file)[1]
        except OSError:
            return None
        return None


def _taken(file: IO[str]) -> bool:
    """Take the lock of a file; what only looks whether it is held, as `held` does, lets go in an instant."""
    import fcntl

    for _ in range(_TRIES):
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(_PAUSE_SECONDS)
    return False


def _read(file: IO[str]) -> tuple[str, str]:
    """Return the process that a lock file names, "" for none, and what it holds the lock for."""
    process, _, command = file.read().strip().partition(" ")
    return process, command or "search"
