"""The arguments of Keras Tuner's tuners, as this search takes them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras_tuner

from hptune.errors import ObjectiveError, UsageError
from hptune.study.folder import STUDIES

__all__ = [
    "at_least",
    "folder_of",
    "name_of",
    "names_of",
    "objective_text",
    "of_training_rows",
    "without_effect",
]

_MEANINGLESS = {
    "factor": "Hyperband's",
    "hyperband_iterations": "Hyperband's",
    "num_initial_points": "Bayesian optimization's",
    "alpha": "Bayesian optimization's",
    "beta": "Bayesian optimization's",
    "tuner_id": "distributed tuning's",
    "logger": "an older Keras Tuner's",
    "max_retries_per_trial": "Keras Tuner's: what fails is evidence here, and is not tried again",
    "max_consecutive_failed_trials": "Keras Tuner's: what fails is evidence here, and the search goes on",
}
"""Arguments of Keras Tuner's tuners that this search has no use for, and whose they are."""


def without_effect(stock: Mapping[str, Any]) -> None:
    """Say which arguments of a tuner of Keras Tuner have no effect; raises TypeError for any other."""
    for name, value in stock.items():
        if name not in _MEANINGLESS:
            raise TypeError(f"CoarseToFine() got an unexpected keyword argument {name!r}")
        if value not in (None, 0, 3):
            warnings.warn(f"{name} has no effect: it is {_MEANINGLESS[name]}", stacklevel=3)


def objective_text(given: Any) -> str | None:
    """Return an objective as the command line has it: val_loss, or max:val_f1 with its direction."""
    if given is None or isinstance(given, str):
        return given
    if isinstance(given, keras_tuner.Objective) and type(given) is keras_tuner.Objective:
        return f"{given.direction}:{given.name}"
    if isinstance(given, list | tuple) and len(given) == 1:
        return objective_text(given[0])
    raise ObjectiveError(
        f"objective {given!r}: one aim is searched for",
        hint="Give one name, such as val_accuracy, or one keras_tuner.Objective.",
    )


def of_training_rows(objective: str | None) -> str:
    """Return an objective of rows that nothing is held out of; raises ObjectiveError for one of others."""
    name = "" if objective is None else objective.rpartition(":")[2]
    if objective is None or name.startswith("val_"):
        raise ObjectiveError(
            f"objective {name or 'val_loss'}: search() got no validation rows",
            hint="Give validation_data=(x, y) or validation_split=0.2.",
        )
    return objective


def folder_of(
    study: str | Path | None, directory: str | Path | None, project_name: str | None, hypermodel: Any
) -> Path:
    """Return the study's folder; raises TypeError where it is given in both ways."""
    if study is not None:
        if directory is not None or project_name is not None:
            raise TypeError("study is directory and project_name in one: give one of both")
        return Path(study)
    if directory is not None or project_name is not None:
        return Path(directory or ".") / (project_name or "untitled_project")
    return STUDIES / name_of(hypermodel)


def name_of(code: Any) -> str:
    """Return what a function, or the class of an object, is called, as a name of a file."""
    name = getattr(code, "__name__", None) or type(code).__name__
    return "".join(c if c.isalnum() or c in "_-." else "_" for c in name).strip(".") or "model"


def names_of(given: str | Path | Sequence[str | Path]) -> tuple[str, ...]:
    """Return one name or several as texts."""
    return (str(given),) if isinstance(given, str | Path) else tuple(map(str, given))


def at_least(name: str, number: int) -> int:
    """Return a count; raises UsageError for what is no whole number of at least 1."""
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise UsageError(f"{name}: {number!r} is no whole number of at least 1")
    return number
