"""`hptune check`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from hptune.cli.flags import TaskFlags, takes
from hptune.cli.options import data_options, isolate_option, json_option, model_options, option
from hptune.cli.say import say

if TYPE_CHECKING:
    from hptune.search.task import SearchTask

__all__ = ["command"]

_SOMETHING_WRONG = 3
"""The exit code of what a command was given being wrong, a model that can't learn included."""


@dataclass(frozen=True, kw_only=True)
class CheckFlags(TaskFlags):
    """The command line of a check."""

    isolate: bool | None
    as_json: bool


@click.command(name="check", short_help="Check a model before a search: gradients, start, batch size.")
@data_options
@model_options
@option("--epochs", default=20, type=click.IntRange(1), help="Epochs of a full training.")
@option("--seed", default=0, type=click.IntRange(0), help="Seeds all random numbers.")
@isolate_option
@json_option
@takes(CheckFlags)
def command(flags: CheckFlags) -> int:
    """Check a model before a search, in the configuration that the search would begin with.

    Gradients against differences in every layer; the loss at the start against chance; units that
    are dead or alike; whether one batch can be overfitted; gradient norms; and batch sizes.
    Exits with 3 where something is wrong.
    """
    from hptune.cli.isolated import run_isolated
    from hptune.search.isolation import isolation_of_study
    from hptune.study import default_path

    chosen = flags.search_task().with_space(flags.space)
    folder = default_path(chosen.data, chosen.model)
    isolation = isolation_of_study(folder, flags.isolate)
    if isolation is not None:
        return run_isolated(isolation, folder)
    return _check(chosen, as_json=flags.as_json)


def _check(chosen: SearchTask, *, as_json: bool) -> int:
    from hptune.check import CheckVerdict, run_checks
    from hptune.cli.check_text import can_show_marks, report_text
    from hptune.views import tables

    dataset, model = chosen.load()
    for text in (*dataset.notes, *model.remarks()):
        say(f"  {text}", err=True)
    report = run_checks(dataset, model, seed=chosen.seed, on_section=_tell)
    if as_json:
        say(tables.to_json({"check": report.as_dict()}))
    else:
        say(report_text(report, unicode=can_show_marks(sys.stdout.encoding)))
    return _SOMETHING_WRONG if report.verdict is CheckVerdict.WRONG else 0


def _tell(title: str) -> None:
    if sys.stderr.isatty():
        say(f"{title} …", err=True)
