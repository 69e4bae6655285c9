"""Which user code is under way, told to the process that watches this one, where one does.

A process that is watched may die: the next one is told what the last one died of, and does not call that
again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

__all__ = ["Death", "Died", "Watch", "be_watched", "under_way", "watch"]


class Died(Exception):  # noqa: N818  (what happened to an earlier process)
    """An earlier process died of what was to be called."""


@dataclass(frozen=True, kw_only=True)
class Death:
    """What processes died of so far."""

    times: int
    reason: str
    """its process died (SIGSEGV)"""
    final: bool = False
    """It is not to be tried again, however often it may be."""


@dataclass(kw_only=True)
class Watch:
    """What a watched process knows of the one that watches it."""

    told: int
    """File descriptor of the pipe to it."""
    deaths: Mapping[str, Death] = field(default_factory=dict)
    """By what was under way."""
    began: float = 0.0
    """Monotonic time at which the first of the processes began."""
    again: bool = False
    """Another process was there before this one."""
    has_study: bool = False
    """One of those before had opened or created its study."""
    process: int = field(default_factory=os.getpid)
    inside: bool = False
    """User code is under way."""

    def tell(self, kind: str, text: str = "") -> None:
        """Tell what happens; nothing where this is a child that user code forked."""
        if os.getpid() == self.process:
            # Where nobody reads any more, this process is ended from there.
            with suppress(OSError):
                os.write(self.told, (json.dumps([kind, text]) + "\n").encode())


_watch: Watch | None = None


def be_watched(given: Watch) -> None:
    """Tell from here on what is under way."""
    global _watch
    _watch = given


def watch() -> Watch | None:
    """Return who watches this process; None where nobody does."""
    return _watch


@contextmanager
def under_way(what: str, *, tries: int = 1, loads: bool = False) -> Iterator[None]:
    """Tell that user code is under way, and when it has returned; costs nothing where nobody watches.

    `what` names it, the same in each process. Raises Died where as many processes as `tries` died of it.
    Inside another one that is under way it does nothing. `loads` says that it may take any time: a file that
    is run, a function that loads data.
    """
    seen = _watch
    if seen is None or seen.inside:
        yield
        return
    death = seen.deaths.get(what)
    if death is not None and (death.final or death.times >= tries):
        raise Died(death.reason)
    seen.inside = True
    seen.tell("load" if loads else "job" if tries > 1 else "call", what)
    try:
        yield
    finally:
        seen.inside = False
        seen.tell("end")
