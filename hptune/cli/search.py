"""`hptune search`."""

from __future__ import annotations

import contextlib
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hptune.cli.completion import complete_study
from hptune.cli.flags import TaskFlags, takes
from hptune.cli.options import (
    Duration,
    FilePath,
    budget_options,
    callbacks_option,
    data_options,
    isolate_option,
    json_option,
    logger_options,
    model_options,
    option,
)
from hptune.cli.oracle_name import OracleName
from hptune.cli.standard_input import is_standard_input
from hptune.errors import SearchInterruptedError, UsageError

if TYPE_CHECKING:
    from hptune.bridges.open_loggers import Loggers
    from hptune.search.options import SearchOptions

from hptune.cli.say import say

__all__ = ["command"]


_ONCE = ("--fresh", "--retry-failed")
"""Flags that resuming a search doesn't repeat."""


@dataclass(frozen=True, kw_only=True)
class SearchFlags(TaskFlags):
    """The command line of a search."""

    study: Path | None
    passes: int
    trials: int
    oracle: str
    objective: str | None
    workers: int
    max_time: float | None
    trial_time: float | None
    max_parameters: int | None
    cv: int | None
    executions: int
    class_weight: str
    learn_from: tuple[str, ...]
    no_presets: bool
    interactive: bool
    dry_run: bool
    fresh: bool
    retry_failed: bool
    isolate: bool | None
    tensorboard: Path | None
    mlflow: str | None
    wandb: str | None
    logger: tuple[str, ...]
    as_json: bool

    def loggers(self) -> Loggers:
        """Return where its trials are shown beside the study."""
        from hptune.bridges.open_loggers import Loggers

        return Loggers(tensorboard=self.tensorboard, mlflow=self.mlflow, wandb=self.wandb, named=self.logger)

    def options(self) -> SearchOptions:
        """Return what the search is asked for; raises SpaceError where its space file is wrong."""
        from hptune.cli.isolated import has_begun
        from hptune.search.options import SearchOptions
        from hptune.study.trial import metric_of

        task = self.search_task(
            metric=metric_of(self.objective or ""),
            cv=self.cv,
            executions=self.executions,
            class_weight=self.class_weight,
            max_parameters=self.max_parameters,
        )
        return SearchOptions(
            task=task.with_space(self.space),
            study=self.study,
            passes=self.passes,
            trials=self.trials,
            oracle=self.oracle,
            objective=self.objective,
            workers=self.workers,
            trial_seconds=self.trial_time,
            learn_from=self.learn_from,
            presets=not self.no_presets,
            fresh=self.fresh and not has_begun(),
            retry_failed=self.retry_failed,
            command=shlex.join(["hptune", *(word for word in sys.argv[1:] if word not in _ONCE)]),
        )


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
@callbacks_option
@option(
    "--study",
    type=FilePath(path_type=Path),
    shell_complete=complete_study,
    help="The study directory.  [default: studies/DATA-MODEL]",
)
@budget_options
@option("--max-time", type=Duration(), help="Stop after this long: 90s, 30m, 1h30m.")
@option(
    "--oracle",
    default="coarse-to-fine",
    type=OracleName(),
    help="The search algorithm; NAME is one of another package.",
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
    help="Try first what did well in past studies; auto: all others under studies/.",
)
@option(
    "--max-parameters",
    type=click.IntRange(1),
    metavar="N",
    help="Models with more weights than this are infeasible.",
)
@option("--no-presets", is_flag=True, help="Don't try the presets that did well on many data sets.")
@isolate_option
@logger_options
@option("--seed", default=0, type=click.IntRange(0, 2**32 - 1), help="Seeds all random numbers.")
@option("--interactive", is_flag=True, help="Ask between passes.")
@click.option("--dry-run", is_flag=True, help="Print the plan and train nothing.")
@click.option("--fresh", is_flag=True, help="Archive the existing study and start over.")
@click.option(
    "--retry-failed",
    is_flag=True,
    help="Try failed trials again; those of an earlier version of your model's code always are.",
)
@json_option
@takes(SearchFlags)
def command(flags: SearchFlags) -> int | None:
    """Search for the best hyperparameters, pass after pass.

    DATA is a bundled set (digits, breast_cancer, wine, iris, diabetes), a CSV, Parquet or NPZ
    file, a folder of images by class, FILE.py:function, or - for a CSV from a pipe. The same
    command resumes a search that was stopped.
    """
    from hptune.cli.isolated import run_isolated
    from hptune.search.isolation import isolation_of

    if flags.interactive and is_standard_input(flags.data):
        raise UsageError(
            "--interactive asks through standard input, from which - reads the data",
            hint="Save it to a file.",
        )
    options = flags.options()
    isolation = isolation_of(options, flags.isolate)
    if isolation is not None:
        hint = f"Resume it with: {options.command}"
        return run_isolated(isolation, options.folder, limit=options.trial_seconds, writes=True, hint=hint)
    if flags.dry_run:
        _plan(options, as_json=flags.as_json)
    else:
        _run(options, flags)
    return None


def _plan(options: SearchOptions, *, as_json: bool) -> None:
    from hptune.cli.progress import ProgressListener
    from hptune.search.run import plan_search
    from hptune.views import tables

    with contextlib.redirect_stdout(sys.stderr):
        planned = plan_search(options, ProgressListener())
    say(tables.plan_json(*planned) if as_json else tables.plan_text(*planned))


def _run(options: SearchOptions, flags: SearchFlags) -> None:
    from hptune.bridges.open_loggers import with_loggers
    from hptune.cli.isolated import time_left
    from hptune.cli.progress import ProgressListener, stop_on_signals
    from hptune.search.run import search
    from hptune.study import Study
    from hptune.views import tables

    seconds = time_left(flags.max_time)
    with (
        ProgressListener(interactive=flags.interactive) as progress,
        with_loggers(progress, flags.loggers()) as listener,
        stop_on_signals(seconds) as stop,
    ):
        try:
            # What user code prints is no data of ours.
            with contextlib.redirect_stdout(sys.stderr):
                folder = search(options, listener=listener, stop=stop)
        except SearchInterruptedError as stopped:
            stopped.hint = f"Resume it with: {options.command}"
            raise
    with Study.open(folder) as opened:
        say(tables.summary_json(opened) if flags.as_json else tables.summary_text(opened))
