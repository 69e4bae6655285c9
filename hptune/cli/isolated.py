"""Runs a command once more in a process that may die, and tells what becomes of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from hptune.cli.say import say
from hptune.cli.standard_input import handed_on
from hptune.data.under_way import Death, watch
from hptune.errors import SearchInterruptedError

if TYPE_CHECKING:
    from pathlib import Path

    from hptune.search.isolation import Isolation

__all__ = ["has_begun", "run_again", "run_isolated", "time_left"]


def run_isolated(
    isolation: Isolation, folder: Path, *, limit: float | None = None, writes: bool = False, hint: str = ""
) -> int:
    """Run this command on the study in `folder` in processes that may die; returns its exit code.

    `limit` as for `run_again`; `writes` says that it marks the study, `hint` how to resume it after Ctrl-C.
    """
    from hptune.search.isolation import forget_death

    if isolation.why:
        _say(f"{folder}: {isolation.why}. Your code runs in a process of its own, as by --isolate.")
    try:
        return run_again(limit=limit, deaths=isolation.deaths)
    except SearchInterruptedError as stopped:
        if writes:
            forget_death(folder)
        stopped.hint = hint
        raise


def run_again(*, limit: float | None = None, deaths: Mapping[str, Death] | None = None) -> int:
    """Run the command that was called in processes that may die; returns its exit code.

    A call of user code takes no longer than `limit` seconds, and what `deaths` tells of is not called.
    """
    from hptune.executors.watched import Watched

    arguments = click.get_current_context().find_root().obj or sys.argv[1:]
    with handed_on():
        return Watched(arguments=arguments, say=_say, limit=limit, deaths=dict(deaths or {})).run()


def has_begun() -> bool:
    """Return whether an earlier process of this command had its study."""
    seen = watch()
    return seen is not None and seen.has_study


def time_left(seconds: float | None) -> float | None:
    """Return what is left of the time that this command may take; None for no limit."""
    seen = watch()
    if seconds is None or seen is None:
        return seconds
    return max(0.0, seen.began + seconds - time.monotonic())


def _say(text: str) -> None:
    say(text, err=True)
