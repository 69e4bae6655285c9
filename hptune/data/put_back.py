"""What user code may change of its process, put back after each call: the next call finds what this one did.

What running a file sets holds on: environment variables and entries of `sys.path` for the process, warning
filters and NumPy's errstate for the functions that are called from it. What one of those sets does not
outlast its call.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["leave_if_forked", "putting_back", "random_numbers_kept"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_STREAMS = ("stdin", "stdout", "stderr")


@dataclass(frozen=True)
class _Process:
    """A process as user code finds it."""

    number: int
    folder: str | None
    """The working directory; None where it is gone."""
    streams: tuple[Any, ...]
    handlers: tuple[Any, ...]
    """Of SIGINT and SIGTERM; () in a thread, which can set none."""
    variables: dict[str, str]
    path: tuple[list[str], list[str]]
    """The list that is `sys.path`, and what it holds."""
    filters: list[Any]
    arithmetic: Mapping[str, Any]
    """NumPy's errstate."""

    @classmethod
    def now(cls) -> _Process:
        """Return it as it is."""
        in_main = threading.current_thread() is threading.main_thread()
        return cls(
            number=os.getpid(),
            folder=_working_directory(),
            streams=tuple(getattr(sys, name) for name in _STREAMS),
            handlers=tuple(signal.getsignal(number) for number in _SIGNALS) if in_main else (),
            variables=os.environ.copy(),
            path=(sys.path, list(sys.path)),
            filters=list(warnings.filters),
            arithmetic=np.geterr(),
        )

    def after_running(self) -> _Process:
        """Return the same with the variables and the entries of `sys.path` that are there now."""
        known, entries = self.path
        kept = list(sys.path)
        if not set(entries) <= set(kept):
            kept = [*entries, *(entry for entry in kept if entry not in entries)]
        return replace(self, variables=os.environ.copy(), path=(known, kept))

    def restore(self) -> None:
        """Make it that again; only what was changed costs time."""
        if self.folder is not None and _working_directory() != self.folder:
            # Where it was deleted, there is nowhere to go back to.
            with suppress(OSError):
                os.chdir(self.folder)
        for name, stream in zip(_STREAMS, self.streams, strict=True):
            setattr(sys, name, _open_again(name, stream) if getattr(stream, "closed", False) else stream)
        for number, handler in zip(_SIGNALS, self.handlers, strict=False):
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)
        _set_variables(self.variables)
        known, entries = self.path
        sys.path = known
        if known != entries:
            known[:] = entries
        _set_filters(self.filters)
        if np.geterr() != self.arithmetic:
            np.seterr(**self.arithmetic)


@dataclass(frozen=True)
class _Left:
    """What running a file left for its functions alone."""

    filters: tuple[Any, ...]
    """Warning filters that it added, the foremost first."""
    arithmetic: Mapping[str, Any]

    @classmethod
    def since(cls, before: _Process) -> _Left:
        """Return what has changed."""
        arithmetic = np.geterr()
        return cls(
            filters=tuple(one for one in warnings.filters if one not in before.filters),
            arithmetic={} if arithmetic == before.arithmetic else arithmetic,
        )

    def apply(self) -> None:
        """Set it again."""
        if self.filters:
            _set_filters([*self.filters, *(one for one in warnings.filters if one not in self.filters)])
        if self.arithmetic:
            np.seterr(**self.arithmetic)


_left: dict[str, _Left] = {}
"""By the file that left it."""


@contextmanager
def putting_back(file: str, *, running: bool = False) -> Iterator[None]:
    """Put back what code of `file`, an absolute path, changes of the process: some 50 µs where nothing is.

    That is the working directory, the standard streams, the handlers of SIGINT and SIGTERM, environment
    variables, `sys.path`, warning filters and NumPy's errstate. `running` says that the file itself is run,
    whose settings hold for its functions. A child that the code forked, and that returns as well, ends here:
    it must not go on as a second search.
    """
    before = _Process.now()
    if not running and file in _left:
        _left[file].apply()
    try:
        yield
    finally:
        leave_if_forked(before.number, failed=sys.exc_info()[0] is not None)
        if running:
            _left[file] = _Left.since(before)
            before = before.after_running()
        before.restore()


def leave_if_forked(number: int, *, failed: bool = False) -> None:
    """End this process at once where it is not process `number`, but a child that user code forked."""
    if os.getpid() != number:
        os._exit(int(failed))


@contextmanager
def random_numbers_kept() -> Iterator[None]:
    """Put back the state of `random` and of NumPy's global random numbers."""
    before = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])


_open_files = {1: sys.__stdout__, 2: sys.__stderr__}
"""What standard output and standard error are written through, by their file descriptors."""


def _keep_open() -> dict[int, int]:
    """Return copies of both file descriptors."""
    kept = {}
    for number in _open_files:
        with suppress(OSError):
            kept[number] = os.dup(number)
    return kept


_kept = _keep_open()


def _open_again(name: str, stream: Any) -> Any:
    """Open what user code has closed, to where it led."""
    number = next((number for number, known in _open_files.items() if known is stream), 2)
    if name == "stdin" or number not in _kept:
        return stream
    os.dup2(_kept[number], number)
    _open_files[number] = opened = os.fdopen(number, "w", buffering=1, encoding="utf-8", closefd=False)
    setattr(sys, "__stdout__" if number == 1 else "__stderr__", opened)
    return opened


def _working_directory() -> str | None:
    try:
        return str(Path.cwd())
    except OSError:
        return None


def _set_variables(variables: Mapping[str, str]) -> None:
    now = os.environ.copy()
    if now == variables:
        return
    for name in now.keys() - variables.keys():
        del os.environ[name]
    for name, value in variables.items():
        if now.get(name) != value:
            os.environ[name] = value


def _set_filters(filters: list[Any]) -> None:
    if warnings.filters != filters:
        warnings.filters[:] = filters  # type: ignore[index]
        # That tells the interpreter that they have changed.
        with warnings.catch_warnings():
            pass
