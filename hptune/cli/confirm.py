"""`hptune confirm`."""

from __future__ import annotations

import click

from hptune.cli.options import csv_option, isolate_option, json_option, study_argument, trust_option
from hptune.cli.say import say

__all__ = ["command"]


@click.command(
    name="confirm", short_help="Train the best again with fresh seeds: who is better significantly."
)
@study_argument
@click.option("--top", default=3, show_default=True, type=click.IntRange(1), help="How many of the best.")
@click.option("--seeds", default=5, show_default=True, type=click.IntRange(2), help="Fresh seeds for each.")
@trust_option
@isolate_option
@csv_option("one row per finalist")
@json_option
def command(
    study: str | None, top: int, seeds: int, trust: bool, isolate: bool | None, as_csv: bool, as_json: bool
) -> int | None:
    """Train the best trials again with fresh seeds and tell which differ significantly.

    Each is trained for as many epochs as it had, or until callbacks of yours end it. After Ctrl-C the
    same command resumes it; what was trained is not trained again, and asking for more --top or --seeds
    adds to it. `hptune export` then goes by the means, and so does the study's report, which is written
    anew.
    """
    from hptune.cli.confirm_progress import ConfirmProgress
    from hptune.cli.isolated import run_isolated
    from hptune.cli.progress import stop_on_signals
    from hptune.search.confirm import confirm
    from hptune.search.isolation import isolation_of_study
    from hptune.study import find_study
    from hptune.views import tables

    folder = find_study(study)
    isolation = isolation_of_study(folder, isolate)
    if isolation is not None:
        return run_isolated(isolation, folder, writes=True, hint="The same command resumes from here.")
    with stop_on_signals(None) as stop, ConfirmProgress() as watcher:
        found = confirm(folder, top=top, seeds=seeds, watcher=watcher, stop=stop, trust=trust)
    if as_json:
        say(tables.confirmed_json(found))
    else:
        say(tables.confirmed_csv(found) if as_csv else tables.confirmed_text(found), exact=as_csv)
    return None
