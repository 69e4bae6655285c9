"""`hptune search`."""

from __future__ import annotations

import contextlib
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hptune.cli.completion import complete_study
from hptune.cli.options import Duration, budget_options, data_options, json_option, model_options, option
from hptune.errors import SearchInterruptedError

if TYPE_CHECKING:
    from hptune.search.run import SearchOptions

__all__ = ["command"]


@click.command(name="search", short_help="Search for the best hyperparameters, pass after pass.")
@data_options
@option(
    "--cv",
    type=click.IntRange(2, 100),
    metavar="K",
    help="Score: the mean over K folds, each with preprocessing of its own; takes K times as long."
    "  [default: one split]",
)
@option(
    "--executions",
    default=1,
    type=click.IntRange(1, 100),
    help="Score: the mean over this many seeds; takes as many times as long.",
)
@option(
    "--class-weight",
    default="none",
    type=click.Choice(["none", "balanced"]),
    help="How much the rows of each class count in the loss.",
)
@model_options
@option(
    "--study",
    type=click.Path(path_type=Path),
    shell_complete=complete_study,
    help="Its folder.  [default: studies/DATA-MODEL]",
)
@budget_options
@option("--max-time", type=Duration(), help="Stop after this long: 90s, 30m, 1h30m.")
@option(
    "--oracle",
    default="coarse-to-fine",
    type=click.Choice(["coarse-to-fine", "random", "bayesian", "hyperband", "grid"]),
    help="Who suggests what to try.",
)
@option(
    "--objective",
    metavar="METRIC",
    help="What to improve, of what training reports; a recipe also knows val_auc, val_pr_auc,"
    " val_f1_score, val_balanced_accuracy, val_precision, val_recall, val_root_mean_squared_error."
    "  [default: val_accuracy, or val_loss]",
)
@option("--workers", default=1, type=click.IntRange(1, 256), help="Trainings at a time.")
@option(
    "--trial-time",
    type=Duration(),
    help="Longest that a trial may be trained without a break; one that takes longer is infeasible.",
)
@option(
    "--learn-from",
    multiple=True,
    metavar="STUDY|auto",
    help="Try first what did well in earlier studies; auto: all others under studies/.",
)
@option(
    "--max-parameters",
    type=click.IntRange(1),
    metavar="N",
    help="Models with more weights than this are infeasible.",
)
@option("--no-presets", is_flag=True, help="Leave out what did well on many other data sets.")
@option("--seed", default=0, type=click.IntRange(0, 2**32 - 1), help="Seeds everything that is drawn.")
@option("--interactive", is_flag=True, help="Ask between passes.")
@click.option("--dry-run", is_flag=True, help="Print the plan and train nothing.")
@click.option("--fresh", is_flag=True, help="Put an earlier study of this name aside and begin anew.")
@json_option
def command(
    interactive: bool,
    dry_run: bool,
    as_json: bool,
    max_time: float | None,
    space: str | None,
    study: Path | None,
    passes: int,
    trials: int,
    oracle: str,
    objective: str | None,
    workers: int,
    trial_time: float | None,
    learn_from: tuple[str, ...],
    no_presets: bool,
    fresh: bool,
    **search_task: Any,
) -> None:
    """Search for the best hyperparameters, pass after pass.

    DATA is a bundled set (digits, breast_cancer, wine, iris, diabetes), a CSV, Parquet or NPZ
    file, a folder of images by class, or FILE.py:function. The same command again goes on from
    where it was stopped.
    """
    from hptune.search.run import SearchOptions
    from hptune.search.task import SearchTask
    from hptune.study.trial import metric_of

    options = SearchOptions(
        search_task=SearchTask(metric=metric_of(objective or ""), **search_task).with_space(space),
        study=study,
        passes=passes,
        trials=trials,
        oracle=oracle,
        objective=objective,
        workers=workers,
        trial_seconds=trial_time,
        learn_from=learn_from,
        presets=not no_presets,
        fresh=fresh,
        # Going on with a search is not beginning anew.
        command=shlex.join(["hptune", *(a for a in sys.argv[1:] if a != "--fresh")]),
    )
    if dry_run:
        _plan(options, as_json=as_json)
    else:
        _run(options, interactive=interactive, max_time=max_time, as_json=as_json)


def _plan(options: SearchOptions, *, as_json: bool) -> None:
    from hptune.cli.progress import ProgressListener
    from hptune.search.run import plan_search
    from hptune.views import tables

    with contextlib.redirect_stdout(sys.stderr):
        planned = plan_search(options, ProgressListener())
    click.echo(tables.plan_json(*planned) if as_json else tables.plan_text(*planned))


def _run(options: SearchOptions, *, interactive: bool, max_time: float | None, as_json: bool) -> None:
    from hptune.cli.progress import ProgressListener, stop_on_signals
    from hptune.search.run import search
    from hptune.study import Study
    from hptune.views import tables

    with ProgressListener(interactive=interactive) as listener, stop_on_signals(max_time) as stop:
        try:
            # What a person's own code prints is no data of ours.
            with contextlib.redirect_stdout(sys.stderr):
                folder = search(options, listener=listener, stop=stop)
        except SearchInterruptedError as stopped:
            stopped.hint = f"Go on with: {options.command}"
            raise
    with Study.open(folder) as opened:
        click.echo(tables.summary_json(opened) if as_json else tables.summary_text(opened))
