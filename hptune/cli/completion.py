"""What a shell completes, where it was reported to: `eval "$(_HPTUNE_COMPLETE=bash_source hptune)"`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hptune._text import significant
from hptune.errors import HptuneError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from hptune.study import Study

__all__ = [
    "complete_data",
    "complete_file",
    "complete_hyperparameter",
    "complete_model",
    "complete_space",
    "complete_study",
    "complete_trial",
]

_FILE = "file"
"""Tells the shell to complete paths itself."""


def complete_study(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the names of studies under studies/ that begin as typed, or paths."""
    names = sorted(path.parent.name for path in Path("studies").glob("*/study.db"))
    return _beginning(incomplete, names) or _paths(incomplete)


def complete_trial(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the ids of the study's trials that begin as typed, with their scores."""
    with suppress(HptuneError, sqlite3.Error), _opened(ctx.params.get("study")) as study:
        goal = study.identity.goal
        known = {
            str(t.id): str(t.state) if t.score is None else f"{goal.name} {significant(t.score, 5)}"
            for t in study.trials(curves=False)
        }
        return [_item(number, help=help) for number, help in known.items() if number.startswith(incomplete)]
    return []


def complete_hyperparameter(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the names of the last pass's hyperparameters that begin as typed."""
    with suppress(HptuneError, sqlite3.Error), _opened(ctx.params.get("study")) as study:
        return _beginning(incomplete, [hp.name for hp in study.passes()[-1].space])
    return []


def complete_data(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the bundled data sets that begin as typed, or paths."""
    from hptune.data.bundled import BUNDLED

    return _beginning(incomplete, BUNDLED) or _paths(incomplete)


def complete_model(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the recipes that begin as typed, or paths."""
    from hptune.models.of_packages import recipes_of_packages
    from hptune.models.recipes import RECIPES

    return _beginning(incomplete, (*RECIPES, *recipes_of_packages())) or _paths(incomplete)


def complete_space(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the ready spaces that begin as typed, or paths."""
    from hptune.space.files import ready_spaces

    return _beginning(incomplete, ready_spaces()) or _paths(incomplete)


def complete_file(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return paths."""
    return _paths(incomplete)


def _opened(given: Any) -> Study:
    from hptune.study import Study, find_study

    return Study.open(find_study(given))


def _beginning(incomplete: str, names: Iterable[str]) -> list[CompletionItem]:
    return [_item(name) for name in names if name.startswith(incomplete)]


def _paths(incomplete: str) -> list[CompletionItem]:
    return [_item(incomplete, type=_FILE)]


def _item(value: str, **more: str) -> CompletionItem:
    # Only who completes needs it.
    from click.shell_completion import CompletionItem

    return CompletionItem(value, **more)
