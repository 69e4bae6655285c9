"""Processes of this machine."""

from __future__ import annotations

import os

__all__ = ["is_running"]


def is_running(process: int) -> bool:
    """Return whether there is a process of this number, anybody's."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
