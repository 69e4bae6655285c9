"""`hptune check`."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import click

from hptune.cli.flags import TaskFlags, takes
from hptune.cli.options import data_options, json_option, model_options, option
from hptune.cli.say import say

__all__ = ["command"]

_SOMETHING_WRONG = 3
"""The exit code of what a command was given being wrong, a model that can't learn included."""


@dataclass(frozen=True, kw_only=True)
class CheckFlags(TaskFlags):
    """The command line of a check."""

    as_json: bool


@click.command(name="check", short_help="Check a model before a search: gradients, start, batch size.")
@data_options
@model_options
@option("--epochs", default=20, type=click.IntRange(1), help="Epochs of a full training.")
@option("--seed", default=0, type=click.IntRange(0), help="Seeds all random numbers.")
@json_option
@takes(CheckFlags)
def command(flags: CheckFlags) -> int:
    """Check a model before a search, in the configuration that the search would begin with.

    Gradients against differences in every layer; the loss at the start against chance; units that
    are dead or alike; whether one batch can be overfitted; gradient norms; and batch sizes.
    Exits with 3 where something is wrong.
    """
    from hptune.check import CheckVerdict, run_checks
    from hptune.cli.check_text import can_show_marks, report_text
    from hptune.views import tables

    chosen = flags.search_task().with_space(flags.space)
    dataset, model = chosen.load()
    for text in (*dataset.notes, *model.remarks()):
        say(f"  {text}", err=True)
    report = run_checks(dataset, model, seed=chosen.seed, on_section=_tell)
    if flags.as_json:
        say(tables.to_json({"check": report.as_dict()}))
    else:
        say(report_text(report, unicode=can_show_marks(sys.stdout.encoding)))
    return _SOMETHING_WRONG if report.verdict is CheckVerdict.WRONG else 0


def _tell(title: str) -> None:
    if sys.stderr.isatty():
        say(f"{title} …", err=True)
