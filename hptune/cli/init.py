"""`hptune init`."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from hptune.cli.options import budget_options, data_options, json_option, model_options
from hptune.cli.project_file import PROJECT_FILE

__all__ = ["command"]


@click.command(name="init", short_help="Write space.yaml and hptune.toml for your data and model.")
@data_options
@model_options
@budget_options
@click.option("--force", is_flag=True, help="Replace space.yaml and hptune.toml where they are there.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    space: str | None,
    passes: int,
    trials: int,
    force: bool,
    as_json: bool,
    **search_task: Any,
) -> None:
    """Write space.yaml and hptune.toml for your data and model.

    Both are meant to be read and edited: the ranges to search, each explained, and the options
    that every command takes where you give it nothing else. Afterwards `hptune search` alone
    uses them. With a space file of your own only hptune.toml is written.
    """
    from hptune import project
    from hptune.cli.progress import ProgressListener
    from hptune.search.task import SearchTask

    # The file that the project file got from here is what is to be made anew.
    ours = space == project.SPACE_FILE and ctx.get_parameter_source("space") is ParameterSource.DEFAULT_MAP
    options = project.ProjectOptions(
        search_task=SearchTask(**search_task),
        space=None if ours else space,
        trials=trials,
        passes=passes,
        file=Path(PROJECT_FILE),
        force=force,
    )
    # What a person's own code prints is no data of ours.
    with contextlib.redirect_stdout(sys.stderr):
        begun = project.begin_project(options, ProgressListener())
    click.echo(project.project_json(begun) if as_json else project.project_text(begun))
