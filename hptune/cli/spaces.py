"""`hptune spaces`."""

from __future__ import annotations

import json
import textwrap

import click

from hptune.cli.completion import complete_space
from hptune.cli.options import json_option
from hptune.cli.say import say

__all__ = ["command"]

_WIDTH = 52
"""Columns for what a space is for, so that a line of the list has 80."""


@click.group(name="spaces", short_help="List, show and describe search spaces.", invoke_without_command=True)
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the ready search spaces, show one, or print the file format's JSON Schema."""
    if ctx.invoked_subcommand is not None:
        return
    from hptune.space.files import ready_space, ready_spaces, space_to_dict
    from hptune.views.tables import columns, to_json

    spaces = [ready_space(name) for name in sorted(ready_spaces())]
    if as_json:
        say(to_json({"spaces": [space_to_dict(space) for space in spaces]}))
        return
    rows = []
    for space in spaces:
        first, *more = textwrap.wrap(space.description, _WIDTH) or [""]
        rows += [[space.name, str(len(space.searched)), first], *(["", "", line] for line in more)]
    say(columns(rows, ["space", "searched", "what for"]))


@command.command(name="show")
@click.argument("name", shell_complete=complete_space)
@json_option
def show(name: str, as_json: bool) -> None:
    """Print a ready space's file, to copy and edit."""
    from hptune.errors import SpaceError, did_you_mean
    from hptune.space.files import ready_space, ready_spaces, space_to_dict
    from hptune.views.tables import to_json

    ready = ready_spaces()
    if name not in ready:
        raise SpaceError(f"no ready space is named {name!r}", hint=did_you_mean(name, ready))
    if as_json:
        say(to_json({"space": space_to_dict(ready_space(name))}))
    else:
        say(ready[name].read_text(encoding="utf-8").rstrip("\n"))


@command.command(name="schema")
def schema() -> None:
    """Print the JSON Schema of space files, for editors."""
    from hptune.space.files import schema

    say(json.dumps(schema(), indent=2))
