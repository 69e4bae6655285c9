"""Prints: the one way to a terminal, which obeys nothing of what is shown."""

from __future__ import annotations

import sys

import click

from hptune._text import printable

__all__ = ["say"]


def say(text: str = "", *, err: bool = False, exact: bool = False) -> None:
    """Print text on stdout, or on stderr; a terminal is never given what it would obey.

    `exact` is for files that are printed, such as CSV and scripts: whatever else than a terminal reads
    them gets every character.
    """
    stream = sys.stderr if err else sys.stdout
    if exact and not stream.isatty():
        # Click would take out what looks like a colour.
        click.echo(text, err=err, color=True)
    else:
        click.echo(printable(text), err=err)
