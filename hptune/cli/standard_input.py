"""Reads data from standard input, once for a command and all processes that it starts."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

import click

from hptune.cli.say import say
from hptune.errors import UsageError

__all__ = ["data_of", "handed_on", "is_standard_input"]

_KEPT = "_HPTUNE_STANDARD_INPUT"
"""The variable, and the key of the command's context, that names the file which holds it."""


def is_standard_input(data: str) -> bool:
    """Return whether data is to come through standard input."""
    return data == "-"


def data_of(given: str) -> str:
    """Return the data that a command line names, with the file that holds it for standard input.

    Raises UsageError where that is a terminal.
    """
    if not is_standard_input(given):
        return given
    known = click.get_current_context().meta
    if _KEPT not in known:
        # The process that watches this one has read it.
        known[_KEPT] = os.environ.pop(_KEPT, "") or _read()
    return str(known[_KEPT])


def _read() -> str:
    from hptune.data.standard_input import keep

    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "-: nothing is piped into standard input, which is a terminal",
            hint="Pipe a CSV file into it: cat train.csv | hptune search - --target COLUMN",
        )
    path = keep(sys.stdin.buffer)
    say(f"standard input is kept in {path}, which may be named in its place", err=True)
    return str(path)


@contextlib.contextmanager
def handed_on() -> Iterator[None]:
    """Let the processes that are started here know what this one has read."""
    known = click.get_current_context().meta.get(_KEPT)
    if known is None:
        yield
        return
    os.environ[_KEPT] = known
    try:
        yield
    finally:
        os.environ.pop(_KEPT, None)
