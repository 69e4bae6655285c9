"""`hptune status`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click

from hptune.cli.options import csv_option, json_option, study_argument
from hptune.cli.say import say

__all__ = ["command"]


@click.command(name="status", short_help="Tell how far a study is.")
@study_argument
@click.option("--watch", is_flag=True, help="Keep showing it until the search ends or Ctrl-C.")
@click.option(
    "--every",
    type=click.FloatRange(0.1),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="How often, with --watch.",
)
@csv_option("one row per pass")
@json_option
def command(study: str | None, watch: bool, every: float, as_csv: bool, as_json: bool) -> None:
    """Tell how far a study is; works while it is searched.

    --watch keeps one view up to date on a terminal; elsewhere it prints the view again when it
    has changed. With --json it prints one object per line.
    """
    from hptune.study import Study, find_study
    from hptune.views import tables

    folder = find_study(study)
    if watch and as_csv:
        raise click.UsageError("--csv tells once: leave out --watch, or take --json")
    if not watch:
        show = tables.status_csv if as_csv else tables.status_text
        with Study.open(folder) as opened:
            say(tables.status_json(opened) if as_json else show(opened), exact=as_csv)
        return
    views = tables.follow(folder, every=every)
    try:
        if as_json:
            for status in views:
                say(tables.status_line(status))
        elif sys.stdout.isatty():
            _keep_up_to_date(views)
        else:
            _print_changes(views)
    except KeyboardInterrupt:
        say("", err=True)


def _print_changes(views: Iterator[dict[str, Any]]) -> None:
    from hptune.views import tables

    before = ""
    for status in views:
        text = tables.describe_status(status)
        if text != before:
            say(text + "\n")
        before = text


def _keep_up_to_date(views: Iterator[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from hptune._text import printable
    from hptune.views import tables

    with Live(console=Console(highlight=False), auto_refresh=False) as live:
        for status in views:
            live.update(Text(printable(tables.describe_status(status))), refresh=True)
