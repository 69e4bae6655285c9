"""`hptune trials`."""

from __future__ import annotations

import click

from hptune.cli.options import json_option, study_argument
from hptune.cli.say import say

__all__ = ["command"]

STATES = ("running", "paused", "complete", "infeasible", "failed")
"""Those of `hptune.study.trial.TrialState`, which --help should not have to load."""


@click.command(name="trials", short_help="List a study's trials.")
@study_argument
@click.option("--sort", metavar="COLUMN", default="id", show_default=True, help="score, seconds, a name …")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only these.")
@click.option("--pass", "pass_number", type=click.IntRange(1, 10**9), help="Only this pass.")
@click.option("--top", type=click.IntRange(1, 10**9), help="Only the first so many.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, one row per trial.")
@json_option
def command(
    study: str | None,
    sort: str,
    states: tuple[str, ...],
    pass_number: int | None,
    top: int | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """List a study's trials; works while it is searched.

    --sort score puts the best first; any other column, a hyperparameter too, goes upwards.
    """
    from hptune.study import Study, StudyLock, find_study
    from hptune.study.trial import TrialState
    from hptune.views import tables
    from hptune.views.trial_list import select

    with Study.open(find_study(study)) as opened:
        wanted = {TrialState(state) for state in states}
        trials = select(opened, sort=sort, states=wanted, pass_number=pass_number)[:top]
        if as_json:
            say(tables.trials_json(opened, trials))
        else:
            searching = StudyLock.held(opened.folder) == "search"
            table = tables.trials_csv(trials) if as_csv else tables.trials_text(trials, searching=searching)
            say(table, exact=as_csv)
