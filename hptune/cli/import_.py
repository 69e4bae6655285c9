"""`hptune import`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hptune._text import counted
from hptune.cli.options import FilePath, json_option
from hptune.cli.say import say

if TYPE_CHECKING:
    from hptune.bridges.past_trials import PastSearch

__all__ = ["command"]


@click.group(name="import", short_help="Make a study of past trials of another tool.")
def command() -> None:
    """Make a study of past trials of another tool, which `hptune search --learn-from` learns from.

    All that reads a study reads it: status, trials, report, compare, export --format csv.
    """


def _to(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add where the study goes."""
    function = json_option(function)
    return click.option(
        "-o",
        "--output",
        type=FilePath(path_type=Path),
        metavar="FOLDER",
        help="The study's folder.  [default: studies/NAME]",
    )(function)


_objective = click.option(
    "--objective",
    metavar="METRIC",
    help="What the scores are of, such as val_accuracy; min: or max: before it where its name does not tell.",
)


@command.command(name="keras-tuner", short_help="A project's folder.")
@click.argument("folder", type=FilePath(path_type=Path))
@_objective
@click.option(
    "--epochs", type=click.IntRange(1, 1_000_000), help="Epochs of each training, which no file tells."
)
@_to
def keras_tuner(
    folder: Path, objective: str | None, epochs: int | None, output: Path | None, as_json: bool
) -> None:
    """Read a Keras Tuner project, directory/project_name: its JSON files alone."""
    from hptune.bridges.from_keras_tuner import read_keras_tuner

    _write(read_keras_tuner(folder, objective=objective, epochs=epochs), output, as_json=as_json)


@command.command(name="optuna", short_help="A study in its storage.")
@click.argument("url")
@click.option("--study", "name", metavar="NAME", help="Its name, where the storage holds several.")
@click.option(
    "--objective", metavar="METRIC", help="What its values are of.  [default: what it says, else value]"
)
@_to
def optuna(url: str, name: str | None, objective: str | None, output: Path | None, as_json: bool) -> None:
    """Read an Optuna study from its storage: sqlite:///FILE, or any URL that Optuna takes."""
    from hptune.bridges.from_optuna import read_optuna

    _write(read_optuna(url, study=name, objective=objective), output, as_json=as_json)


@command.command(name="csv", short_help="A table, one row per trial.")
@click.argument("file", type=FilePath(path_type=Path))
@click.option(
    "--objective",
    required=True,
    metavar="METRIC",
    help="What the scores are of; a column of that name is the scores. min: or max: before it where its name"
    " does not tell.",
)
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="COLUMN=NAME",
    help="What a column stands for: another hyperparameter, score, epochs, seconds, state, reason; nothing"
    " after = leaves it out.",
)
@_to
def csv(file: Path, objective: str, maps: tuple[str, ...], output: Path | None, as_json: bool) -> None:
    """Read a CSV file with a column of scores and one for each hyperparameter."""
    from hptune.bridges.from_csv import read_csv_trials
    from hptune.errors import UsageError

    wrong = next((text for text in maps if "=" not in text), None)
    if wrong is not None:
        raise UsageError(f"--map {wrong}: nothing is mapped", hint=f"Write --map {wrong}=NAME.")
    columns = dict(text.split("=", 1) for text in maps)
    _write(read_csv_trials(file, objective=objective, columns=columns), output, as_json=as_json)


@command.command(name="mlflow", short_help="The runs of an experiment.")
@click.argument("uri")
@click.option("--experiment", metavar="NAME", help="Its name, where several have runs.")
@click.option(
    "--objective",
    required=True,
    metavar="METRIC",
    help="A metric that the runs logged; min: or max: before it where its name does not tell.",
)
@_to
def mlflow(uri: str, experiment: str | None, objective: str, output: Path | None, as_json: bool) -> None:
    """Read the runs of an MLflow experiment: http://HOST:PORT, sqlite:///FILE or a folder of runs."""
    from hptune.bridges.from_mlflow import read_mlflow

    _write(read_mlflow(uri, objective=objective, experiment=experiment), output, as_json=as_json)


def _write(search: PastSearch, output: Path | None, *, as_json: bool) -> None:
    from hptune.bridges.past_trials import write_study
    from hptune.study import STUDIES
    from hptune.views import tables

    name = "".join(c if c.isalnum() or c in "_-." else "-" for c in search.name).strip("-.") or "imported"
    folder = write_study(search, STUDIES / name if output is None else output)
    scored = sum(trial.score is not None for trial in search.trials)
    if as_json:
        found = {
            "study": str(folder),
            "trials": len(search.trials),
            "scored": scored,
            "objective": search.objective,
            "direction": search.direction.value,
            "epochs": search.epochs,
        }
        say(tables.to_json(found))
        return
    say(str(folder))
    say(
        f"{counted(len(search.trials), 'trial')}, {scored} with a score of {search.objective}"
        f" ({search.direction.value}); a full training has {counted(search.epochs, 'epoch')}",
        err=True,
    )
    say(f"Learn from them: hptune search … --learn-from {folder}", err=True)
