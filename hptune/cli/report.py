"""`hptune report`."""

from __future__ import annotations

from pathlib import Path

import click

from hptune.cli.options import FilePath, json_option, study_argument
from hptune.cli.say import say

__all__ = ["command"]


@click.command(name="report", short_help="Write one HTML file that explains a study.")
@study_argument
@click.option(
    "-o",
    "--output",
    type=FilePath(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to.  [default: report.html in the study]",
)
@json_option
def command(study: str | None, output: Path | None, as_json: bool) -> None:
    """Write one HTML file that explains a study.

    It needs no network and no other file, and works while the study is searched. Prints the
    file's path.
    """
    from hptune.study import Study, find_study
    from hptune.views import tables
    from hptune.views.report import write_report

    with Study.open(find_study(study)) as opened:
        path = write_report(opened, output)
        written = {"study": str(opened.folder), "report": str(path), "bytes": path.stat().st_size}
        say(tables.to_json(written) if as_json else str(path))
