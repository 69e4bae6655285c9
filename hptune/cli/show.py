"""`hptune show`."""

from __future__ import annotations

import click

from hptune.cli.completion import complete_study, complete_trial
from hptune.cli.options import json_option, option
from hptune.cli.say import say

__all__ = ["command"]


@click.command(name="show", short_help="Show one trial.")
@click.argument("trial", type=click.IntRange(1, 10**9), shell_complete=complete_trial)
@option(
    "--study",
    metavar="STUDY",
    shell_complete=complete_study,
    help="Its folder.  [default: the newest under studies/]",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print its curve as CSV, one row per epoch.")
@json_option
def command(trial: int, study: str | None, as_csv: bool, as_json: bool) -> None:
    """Show one trial: its configuration, its curve, and why it failed if it did.

    Where `hptune confirm` trained it again, also what fresh seeds gave.
    """
    from hptune.study import Study, StudyLock, find_study
    from hptune.views import tables

    with Study.open(find_study(study)) as opened:
        found, confirmed = opened.trial(trial), tables.read_confirmed(opened)
        version = (opened.model_versions().get(trial, 1), 1 + len(opened.notes.model_versions))
        if as_json:
            shown = tables.trial_dict(found) | {"traceback": found.traceback, "model_version": version[0]}
            say(tables.to_json({"trial": shown, "confirmed": tables.finalist_dict(confirmed, trial)}))
        elif as_csv:
            say(tables.curve_csv(found), exact=True)
        else:
            searching = StudyLock.held(opened.folder) == "search"
            goal = opened.identity.objective
            say(tables.trial_text(found, goal, confirmed, searching=searching, version=version))
