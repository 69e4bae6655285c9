"""The arguments of Keras Tuner's tuners, as this search takes them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras_tuner

from hptune.errors import ObjectiveError, UsageError
from hptune.study.folder import STUDIES
from hptune.tuner.progress import in_notebook

__all__ = [
    "folder_of",
    "name_of",
    "names_of",
    "objective_text",
    "of_training_rows",
    "refuse_overriding",
    "seconds",
    "started_by",
    "whole",
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


def whole(name: str, number: int | None, low: int = 1, high: int | None = None) -> int | None:
    """Return a count, or None; raises UsageError for what is no whole number from `low` to `high`."""
    if number is None:
        return None
    fits = isinstance(number, int) and not isinstance(number, bool) and number >= low
    if not fits or (high is not None and number > high):
        bounds = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise UsageError(f"{name}: {number!r} is no whole number {bounds}")
    return number


def seconds(name: str, given: float | None) -> float | None:
    """Return a time, or None; raises UsageError for what is no number above 0."""
    if given is not None and not (isinstance(given, int | float) and given > 0):
        raise UsageError(f"{name}: {given!r} is no number of seconds above 0")
    return given


def started_by() -> str:
    """Return the command that started this program, as far as it is a script; no path of this machine."""
    script = Path(sys.argv[0]).name if sys.argv else ""
    return f"python {script}" if script.endswith(".py") and not in_notebook() else "hptune.CoarseToFine"


_NOT_CALLED = (
    *("run_trial", "_build_and_fit_model", "save_model", "pre_create_trial"),
    *(f"on_{what}_{when}" for what in ("search", "trial", "epoch", "batch") for when in ("begin", "end")),
)
"""Methods of Keras Tuner's tuners by which a subclass takes part in a search."""


def refuse_overriding(kind: type, own: type) -> None:
    """Refuse a subclass of `own` that trains or listens by methods of its own: none of them is called."""
    for name in _NOT_CALLED:
        if getattr(kind, name) is not getattr(own, name):
            raise UsageError(
                f"{kind.__name__} has a {name} of its own, which an hptune.CoarseToFine does not call",
                hint="Give a HyperModel with its own fit, and callbacks to search; or let your"
                " keras_tuner.Tuner take oracle=hptune.CoarseToFineOracle(…).",
            )
