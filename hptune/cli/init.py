"""`hptune init`."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path

import click
from click.core import ParameterSource

from hptune.cli.flags import TaskFlags, takes
from hptune.cli.options import (
    budget_options,
    callbacks_option,
    data_options,
    isolate_option,
    json_option,
    model_options,
)
from hptune.cli.project_file import PROJECT_FILE
from hptune.cli.say import say
from hptune.cli.standard_input import data_of

__all__ = ["command"]


@dataclass(frozen=True, kw_only=True)
class InitFlags(TaskFlags):
    """The command line that begins a project."""

    passes: int
    trials: int
    force: bool
    isolate: bool | None
    as_json: bool


@click.command(name="init", short_help="Write space.yaml and hptune.toml for your data and model.")
@data_options
@model_options
@callbacks_option
@budget_options
@isolate_option
@click.option("--force", is_flag=True, help="Replace space.yaml and hptune.toml where they are there.")
@json_option
@takes(InitFlags)
def command(flags: InitFlags) -> int | None:
    """Write space.yaml and hptune.toml for your data and model.

    Both are meant to be read and edited: the ranges to search, each explained, and the options
    that every command takes where you give it nothing else. Afterwards `hptune search` alone
    uses them. With a space file of your own only hptune.toml is written.
    """
    from hptune import project
    from hptune.cli.isolated import run_again
    from hptune.cli.progress import ProgressListener
    from hptune.data.under_way import watch

    if flags.isolate and watch() is None:
        data_of(flags.data)
        return run_again()
    # The file that the project file got from here is what is to be made anew.
    source = click.get_current_context().get_parameter_source("space")
    ours = flags.space == project.SPACE_FILE and source is ParameterSource.DEFAULT_MAP
    options = project.ProjectOptions(
        task=flags.search_task(),
        space=None if ours else flags.space,
        trials=flags.trials,
        passes=flags.passes,
        file=Path(PROJECT_FILE),
        force=flags.force,
        isolate=bool(flags.isolate),
    )
    # What user code prints is no data of ours.
    with contextlib.redirect_stdout(sys.stderr):
        written = project.init_project(options, ProgressListener())
    say(project.project_json(written) if flags.as_json else project.project_text(written))
    return None
