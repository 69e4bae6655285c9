"""`hptune narrow`."""

from __future__ import annotations

import functools
import sys

import click

from hptune.cli.completion import complete_hyperparameter
from hptune.cli.options import csv_option, json_option, study_argument
from hptune.cli.say import say

__all__ = ["command"]

_by_name = functools.partial(click.option, multiple=True, shell_complete=complete_hyperparameter)


@click.command(name="narrow", short_help="See what a pass taught and steer the next one.")
@study_argument
@click.option(
    "--accept",
    is_flag=True,
    help="Take the proposal; --set, --freeze and --keep, which imply it, change some of it.",
)
@_by_name("--set", "sets", metavar="NAME=LOW..HIGH", help="A range, or choices a,b.")
@_by_name("--freeze", metavar="NAME=VALUE", help="Search it no more.")
@_by_name("--keep", metavar="NAME", help="Leave its range as it is.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@csv_option("one row per range")
@json_option
def command(
    study: str | None,
    accept: bool,
    sets: tuple[str, ...],
    freeze: tuple[str, ...],
    keep: tuple[str, ...],
    dry_run: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """See what a pass taught and steer the next one.

    Shows how each range would move and why. --accept, --set, --freeze and --keep write
    next-pass.yaml in the study; on a terminal and without them it asks.
    """
    from hptune.search import next_pass
    from hptune.study import Study, StudyLock, find_study
    from hptune.views import tables
    from hptune.views.snapshot import read_snapshot

    with Study.open(find_study(study)) as opened:
        snapshot = read_snapshot(opened)
        proposal = next_pass.edited(opened, snapshot.proposal, sets=sets, freeze=freeze, keep=keep)
        decided = bool(accept or sets or freeze or keep)
        for_programs = as_json or as_csv
        if not decided and not dry_run and not for_programs and sys.stdin.isatty() and sys.stdout.isatty():
            from hptune.cli.ask import ask
            from hptune.views.tables.steering import convergence_text

            answer = ask(proposal, snapshot, headline=convergence_text(snapshot))
            if answer is None:
                say("Nothing was changed.")
                return
            proposal, decided = answer, True
        else:
            show = tables.proposal_csv if as_csv else tables.proposal_text
            say(tables.proposal_json(proposal) if as_json else show(proposal), exact=as_csv)
        if decided and not dry_run:
            path = next_pass.write_next_pass(opened, proposal)
            say(f"Wrote {path}", err=True)
            say("The next `hptune search` runs it, as a pass of its own.", err=True)
            if StudyLock.held(opened.folder):
                say("The running search keeps its own ranges.", err=True)
            if opened.epochs_used() >= opened.notes.budget > 0:
                say("Its budget is used: give that search more --trials.", err=True)
