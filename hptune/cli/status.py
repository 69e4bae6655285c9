"""`hptune status`."""

from __future__ import annotations

import click

from hptune.cli.options import json_option, study_argument

__all__ = ["command"]


@click.command(name="status", short_help="Tell how far a study is.")
@study_argument
@json_option
def command(study: str | None, as_json: bool) -> None:
    """Tell how far a study is; works while it is searched."""
    from hptune import tables
    from hptune.study import Study, find_study

    with Study.open(find_study(study)) as opened:
        click.echo(tables.status_json(opened) if as_json else tables.status_text(opened))
