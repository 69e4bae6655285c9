"""One writer per study: a lock that the system takes back when its holder dies."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import IO

from hptune.errors import StudyError, StudyLockedError

__all__ = ["StudyLock"]


class StudyLock:
    """Hold a study's lock file for as long as the object is entered.

    The lock belongs to the process, not to the file: after kill -9 the next search can take it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "study.lock"
        self._file: IO[str] | None = None

    def __enter__(self) -> StudyLock:
        """Take the lock; raises StudyLockedError where another process has it."""
        import fcntl

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._path.open("a+", encoding="utf-8")
        except OSError as error:
            raise StudyError(
                f"{self._path.parent}: can't be written to: {error.strerror}",
                hint="Choose another folder with --study.",
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip()
            file.close()
            raise StudyLockedError(
                f"{self._path.parent}: another search is running on this study"
                + (f" (process {holder})" if holder else ""),
                hint="Wait for it, stop it with Ctrl-C, or give this search its own --study.",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
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
    def held(folder: Path) -> bool:
        """Tell whether a search is running on the study in `folder`."""
        import fcntl

        try:
            with (folder / "study.lock").open("r+", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False
