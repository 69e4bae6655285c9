"""The command group. It knows its commands by name and loads only the one that is called."""

from __future__ import annotations

import click

from hptune import __version__
from hptune.cli.commands import COMMANDS, load_command
from hptune.cli.project_file import check_values, load_defaults

__all__ = ["app"]


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return load_command(name) if name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from hptune.errors import UsageError, did_you_mean

            raise UsageError(f"no command {args[0]!r}", hint=did_you_mean(args[0], COMMANDS))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_Commands,
    name="hptune",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with: hptune search",
)
@click.version_option(__version__, prog_name="hptune")
@click.pass_context
def app(ctx: click.Context) -> None:
    """Coarse-to-fine hyperparameter search for Keras."""
    if not ctx.resilient_parsing:
        ctx.default_map = load_defaults()
        if ctx.invoked_subcommand is not None:
            check_values(ctx.invoked_subcommand)
