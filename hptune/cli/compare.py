"""`hptune compare`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from hptune.cli.completion import complete_study
from hptune.cli.options import FilePath, csv_option, json_option
from hptune.cli.say import say

__all__ = ["command"]


@click.command(name="compare", short_help="Compare studies at the same budget.")
@click.argument("studies", nargs=-1, metavar="STUDY STUDY…", shell_complete=complete_study)
@click.option(
    "-o",
    "--output",
    type=FilePath(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write an HTML file as well.",
)
@csv_option("the best score of each study for the same epochs")
@json_option
def command(studies: tuple[str, ...], output: Path | None, as_csv: bool, as_json: bool) -> None:
    """Compare studies at the same budget.

    Shows the best score that the same number of epochs bought, the best configurations side by
    side, and the ranges that differ. The studies need the same objective.
    """
    from hptune.study import Study, find_study
    from hptune.views import tables
    from hptune.views.compare import compare
    from hptune.views.report import render_comparison, write_page

    with ExitStack() as stack:
        opened = [stack.enter_context(Study.open(find_study(study))) for study in studies]
        found = compare(opened)
    if as_json:
        say(tables.comparison_json(found))
    else:
        say(tables.comparison_csv(found) if as_csv else tables.comparison_text(found), exact=as_csv)
    if output is not None:
        write_page(output, render_comparison(found))
        say(f"Wrote {output}", err=True)
