"""docs/commands.md, made of the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator

import click

from hptune.cli.commands import COMMANDS, load_command

__all__ = ["reference"]

_HEAD = """\
# Commands

Every command with its arguments and options, as `hptune COMMAND --help` shows them. Options that a project
file `hptune.toml` or a variable `HPTUNE_…` may set are named there by their long name; flags win. Exit codes:
0 done, 2 wrong usage, 3 wrong input, 4 no feasible trial, 6 a study that is in use or does not fit, 130
interrupted, 1 our bug.

This page is made by `python tests/support/command_reference.py > docs/commands.md`, which
a test compares.
"""


def reference() -> str:
    """Return the page."""
    context = click.Context(click.Group("hptune"), info_name="hptune")
    parts = [_HEAD]
    for name in COMMANDS:
        parts += _command(load_command(name), name, context, "##")
    return "\n".join(parts)


def _command(command: click.Command, name: str, parent: click.Context, mark: str) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f"{mark} {context.command_path}\n"
    yield f"```\n{context.command_path} {pieces}\n```\n"
    yield _text(command.help or "")
    rows = [row for row in (p.get_help_record(context) for p in command.get_params(context)) if row]
    if len(rows) > 1:
        yield "| option | |\n|---|---|"
        shown = [(flags, said) for flags, said in rows if said and "--help" not in flags]
        yield "\n".join(f"| `{_cell(flags)}` | {_cell(said)} |" for flags, said in shown)
        yield ""
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            yield from _command(found, inner, context, f"{mark}#")


def _text(said: str) -> str:
    paragraphs = said.replace("\b", "").strip().split("\n\n")
    return "\n\n".join(" ".join(one.split()) for one in paragraphs) + "\n"


def _cell(said: str) -> str:
    return " ".join(said.split()).replace("|", "\\|")


if __name__ == "__main__":
    print(reference(), end="")
