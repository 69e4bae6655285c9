"""Runs a command once more in a process that may die, and tells what becomes of it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from hptune.data.under_way import watch
from hptune.errors import SearchInterruptedError

if TYPE_CHECKING:
    from hptune.search.isolation import Isolation
    from hptune.search.options import SearchOptions

__all__ = ["has_begun", "is_run_again", "run_isolated", "time_left"]


def run_isolated(isolation: Isolation, options: SearchOptions) -> int:
    """Run this command in processes that may die; returns its exit code."""
    from hptune.executors.watched import Watched
    from hptune.search.isolation import forget_death

    if isolation.why:
        _say(f"{options.folder}: {isolation.why}. Your code runs in a process of its own, as by --isolate.")
    arguments = click.get_current_context().find_root().obj or sys.argv[1:]
    watched = Watched(
        arguments=arguments, say=_say, limit=options.trial_seconds, deaths=dict(isolation.deaths)
    )
    try:
        return watched.run()
    except SearchInterruptedError as stopped:
        forget_death(options)
        stopped.hint = f"Resume it with: {options.command}"
        raise


def is_run_again() -> bool:
    """Return whether an earlier process of this command has died."""
    seen = watch()
    return seen is not None and seen.again


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
    click.echo(text, err=True)
