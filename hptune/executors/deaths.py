"""How processes die: in words, and with the one that started them."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import time

__all__ = ["EXITED", "die_with", "how_it_died", "is_from_outside"]

EXITED = 256
"""Stands for the exit code 0 of a process that user code ended: no process has it."""
_PR_SET_PDEATHSIG = 1
_LOOK_EVERY_SECONDS = 0.5


def how_it_died(code: int | None) -> str:
    """Say how a process ended that should not have, by its exit code, negative for a signal."""
    code = 0 if code == EXITED else code
    how = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
    return f"its process died ({how})" + (", perhaps for lack of memory" if how == "SIGKILL" else "")


def is_from_outside(code: int | None) -> bool:
    """Return whether somebody else ended a process: a person, or the system for lack of memory."""
    return code in (-signal.SIGKILL, -signal.SIGTERM)


def die_with(parent: int) -> None:
    """Let this process end at once when process `parent`, which started it, does."""
    try:
        told = ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) == 0
    except (AttributeError, OSError):
        told = False
    if os.getppid() != parent:
        os._exit(1)
    if not told:
        threading.Thread(target=_look_after, args=(parent,), daemon=True).start()


def _look_after(parent: int) -> None:
    """End this process once its parent is gone."""
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY_SECONDS)
    os._exit(1)
