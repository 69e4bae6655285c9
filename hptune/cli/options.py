"""Options that several commands share; those of `option` can be set by an environment variable too."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from hptune._files import wrong_name
from hptune._text import listed
from hptune.cli.completion import (
    complete_data,
    complete_file,
    complete_model,
    complete_space,
    complete_study,
)
from hptune.cli.say import say

__all__ = [
    "OPTION_NAMES",
    "Duration",
    "FilePath",
    "budget_options",
    "callbacks_option",
    "csv_option",
    "data_options",
    "isolate_option",
    "json_option",
    "logger_options",
    "model_options",
    "option",
    "study_argument",
    "trust_option",
]

F = TypeVar("F", bound=Callable[..., Any])

OPTION_NAMES: tuple[str, ...] = (
    *("data", "target", "validation", "task", "model", "space", "study", "passes", "trials", "epochs"),
    *(
        "max-time",
        "oracle",
        "objective",
        "workers",
        "trial-time",
        "learn-from",
        "seed",
        "interactive",
    ),
    *("cv", "executions", "class-weight", "no-presets", "skip-broken", "isolate"),
    *("image-size", "max-parameters", "positive", "batch-size", "callbacks"),
    *("missing", "missing-target", "levels", "strict"),
    *("tensorboard", "mlflow", "wandb", "logger"),
)
"""What a project file may set."""

_OF_DATA = (
    *("target", "validation", "task", "skip_broken", "image_size", "positive"),
    *("missing", "missing_target", "levels", "strict"),
)
"""Parameters that say how one's data is read."""


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """Return a click option that HPTUNE_<NAME> sets as well, defaults shown in --help."""
    long = next(name for name in names if name.startswith("--")).split("/")[0]
    variable = "HPTUNE_" + long.lstrip("-").replace("-", "_").upper()
    settings.setdefault("show_default", settings.get("default") is not None and not settings.get("is_flag"))
    return click.option(*names, envvar=variable, **settings)


def data_options(command: F) -> F:
    """Add DATA and what says how it is read."""
    decorators: tuple[Callable[[F], F], ...] = (
        click.argument(
            "data",
            default="digits",
            envvar="HPTUNE_DATA",
            shell_complete=complete_data,
            is_eager=True,
            callback=_without_defaults_of_other_data,
        ),
        option("--target", metavar="COLUMN", help="Column to predict, for a table."),
        option(
            "--validation",
            default="0.2",
            metavar="SHARE|FILE",
            help="Share of the rows to validate on, or a file of its own.",
        ),
        option(
            "--task",
            type=click.Choice(["binary", "multiclass", "multilabel", "regression"]),
            help="What kind of target it is.  [default: inferred]",
        ),
        option(
            "--positive",
            metavar="CLASS",
            help="Of two classes the one that precision, recall and F1 are of.  [default: true, yes or the"
            " greater number; of other names the rarer one]",
        ),
        table_options,
        option("--skip-broken", is_flag=True, help="Leave out images that can't be read."),
        option(
            "--image-size",
            type=click.IntRange(1, 4096),
            metavar="PIXELS",
            help="Bring the images of a folder to squares of this side."
            "  [default: their most frequent size, no side above 64]",
        ),
    )
    return _decorated(command, decorators)


def table_options(command: F) -> F:
    """Add what becomes of flaws in a table."""
    decorators = (
        option(
            "--missing",
            metavar="WORD,…",
            help="Words or numbers that stand for a missing value in a table, as NA,?,-999.",
        ),
        option(
            "--missing-target",
            type=click.Choice(["drop", "refuse"]),
            default="drop",
            help="Leave out rows of a table without a target, or refuse it.",
        ),
        option(
            "--levels",
            type=Levels(),
            default="auto",
            metavar="N|auto",
            help="Levels of a column of words that have a feature of their own, the most frequent ones; auto:"
            " 50, and up to 1000 that stand in three training rows or more.",
        ),
        option(
            "--strict",
            is_flag=True,
            help="Refuse a table where it would be mended: words among numbers, infinite values, missing"
            " targets, classes of one row.",
        ),
    )
    return _decorated(command, decorators)


def _without_defaults_of_other_data(ctx: click.Context, parameter: click.Parameter, data: str) -> str:
    """Leave out what the project file says of its own data where other data is named, and say so."""
    defaults = ctx.default_map or {}
    own = str(defaults.get("data", data))
    left_out = [name for name in _OF_DATA if name in defaults]
    if left_out and not _is_same_source(own, data):
        ctx.default_map = {name: value for name, value in defaults.items() if name not in _OF_DATA}
        if not ctx.resilient_parsing:
            what = listed([name.replace("_", "-") for name in left_out])
            say(f"hptune.toml: {what} of {own}, not used with {data}", err=True)
    return data


def _is_same_source(one: str, other: str) -> bool:
    """Return whether two names mean one source: ./train.csv is train.csv."""
    (file, _, function), (file_2, _, function_2) = one.partition(".py:"), other.partition(".py:")
    return function == function_2 and os.path.realpath(file) == os.path.realpath(file_2)


def model_options(command: F) -> F:
    """Add --model and --space."""
    decorators = (
        option(
            "--model",
            default="mlp",
            metavar="NAME|FILE.py:build",
            shell_complete=complete_model,
            help="A recipe, or your own build(hp).",
        ),
        option(
            "--space",
            metavar="NAME|FILE",
            shell_complete=complete_space,
            help="A ready space or a space file.  [default: the model's own]",
        ),
        option(
            "--batch-size",
            type=click.IntRange(1),
            metavar="N",
            help="Rows of a step, for a model of your own that declares no batch_size.  [default: 32]",
        ),
    )
    return _decorated(command, decorators)


def callbacks_option(command: F) -> F:
    """Add --callbacks."""
    return option(
        "--callbacks",
        metavar="FILE.py:function",
        shell_complete=complete_file,
        help="Makes Keras callbacks anew for each training of a model of your own, by Keras's fit.",
    )(command)


def isolate_option(command: F) -> F:
    """Add --isolate."""
    return option(
        "--isolate/--no-isolate",
        default=None,
        help="Call your code in a process that may die: what ends it is infeasible, or an error."
        "  [default: where an earlier process of the study died]",
    )(command)


def logger_options(command: F) -> F:
    """Add --tensorboard, --mlflow, --wandb and --logger."""
    decorators = (
        option(
            "--tensorboard",
            type=FilePath(path_type=Path),
            metavar="FOLDER",
            help="Write each trial's curve and hyperparameters there, for tensorboard --logdir FOLDER.",
        ),
        option(
            "--mlflow",
            is_flag=False,
            flag_value="",
            metavar="[URI]",
            help="Log each trial as a run of MLflow: http://HOST:PORT, sqlite:///FILE; without a URI what"
            " MLFLOW_TRACKING_URI says.",
        ),
        option(
            "--wandb",
            is_flag=False,
            flag_value="",
            metavar="[PROJECT]",
            help="Log each trial as a run of Weights & Biases, of the study's name without a project.",
        ),
        option(
            "--logger", multiple=True, metavar="NAME", help="Log trials by an installed package's logger."
        ),
    )
    return _decorated(command, decorators)


def budget_options(command: F) -> F:
    """Add --passes, --trials and --epochs."""
    decorators = (
        option(
            "--passes", default=3, type=click.IntRange(1, 20), help="Passes; between them the ranges move."
        ),
        option(
            "--trials",
            default=30,
            type=click.IntRange(1, 10_000_000),
            help="Budget in full trainings, over all passes.",
        ),
        option("--epochs", default=20, type=click.IntRange(1, 1_000_000), help="Epochs of a full training."),
    )
    return _decorated(command, decorators)


def _decorated(command: F, decorators: Sequence[Callable[[F], F]]) -> F:
    """Add options in the order in which --help lists them."""
    for decorate in reversed(decorators):
        command = decorate(command)
    return command


def json_option(command: F) -> F:
    """Add --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def csv_option(what: str) -> Callable[[F], F]:
    """Add --csv, which prints `what`."""
    return click.option("--csv", "as_csv", is_flag=True, help=f"Print CSV: {what}.")


def trust_option(command: F) -> F:
    """Add --trust."""
    return click.option("--trust", is_flag=True, help="Run the study's own Python files, wherever they lie.")(
        command
    )


def study_argument(command: F) -> F:
    """Add STUDY: a folder, a name under studies/, or the newest one when left out."""
    return click.argument("study", required=False, envvar="HPTUNE_STUDY", shell_complete=complete_study)(
        command
    )


class FilePath(click.Path):
    """A path that a file can have, and that a terminal only shows."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Return the path."""
        if not isinstance(value, str | os.PathLike):
            self.fail(f"{value!r} is not text", param, ctx)
        shown = os.fspath(value)
        wrong = wrong_name(shown)
        if wrong:
            self.fail(f"{shown[:_SHOWN]!r}{'…' if len(shown) > _SHOWN else ''} {wrong}", param, ctx)
        return super().convert(value, param, ctx)


_SHOWN = 40
"""Characters of a wrong path that are shown."""


class Levels(click.ParamType[int | str]):
    """A number from 1 to 1,000,000, or auto."""

    name = "levels"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """Return the number, or auto."""
        if value == "auto":
            return "auto"
        if not str(value).lstrip("-").isdecimal():
            self.fail(f"{value!r} is neither a number of levels nor auto", param, ctx)
        return click.IntRange(1, 1_000_000).convert(value, param, ctx)


class Duration(click.ParamType[float]):
    """A time such as 90s, 30m or 1h30m; a bare number is seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        if isinstance(value, int | float):
            value = f"{value:g}s"
        text = value.strip().lower()
        parts = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?", text)
        if not parts or not any(parts.groups()):
            self.fail(f"{value!r} is not a time: write 90s, 30m or 1h30m", param, ctx)
        hours, minutes, seconds = (float(part or 0) for part in parts.groups())
        total = 3600 * hours + 60 * minutes + seconds
        if total <= 0:
            self.fail("the time must be above 0", param, ctx)
        return total
