"""`hptune check`."""

from __future__ import annotations

import sys
from typing import Any

import click

from hptune.cli.options import data_options, json_option, model_options, option

__all__ = ["command"]

_SOMETHING_WRONG = 3
"""The exit code of what a command was given being wrong, a model that can't learn included."""


@click.command(name="check", short_help="Check a model before a search: gradients, start, batch size.")
@data_options
@model_options
@option("--epochs", default=20, type=click.IntRange(1), help="Epochs of a full training.")
@option("--seed", default=0, type=click.IntRange(0), help="Seeds everything that is drawn.")
@json_option
def command(as_json: bool, space: str | None, **search_task: Any) -> int:
    """Check a model before a search, in the configuration that the search would begin with.

    Gradients against differences in every layer; the loss at the start against chance; units that
    are dead or alike; whether one batch can be overfitted; gradient norms; and batch sizes.
    Exits with 3 where something is wrong.
    """
    from hptune.check import CheckVerdict, run_checks
    from hptune.cli.check_text import can_show_marks, report_text
    from hptune.models.load import remarks_of
    from hptune.search.task import SearchTask
    from hptune.views import tables

    chosen = SearchTask(**search_task).with_space(space)
    dataset, model = chosen.load()
    for text in (*dataset.notes, *remarks_of(model)):
        click.echo(f"  {text}", err=True)
    report = run_checks(dataset, model, seed=chosen.seed, on_section=_tell)
    if as_json:
        click.echo(tables.to_json({"check": report.as_dict()}))
    else:
        click.echo(report_text(report, unicode=can_show_marks(sys.stdout.encoding)))
    return _SOMETHING_WRONG if report.verdict is CheckVerdict.WRONG else 0


def _tell(title: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"{title} …", err=True)
