"""Past trials from a CSV file, one row each."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from hptune.bridges.guess_space import guess_space, value_of_text
from hptune.bridges.past_trials import PastSearch, PastTrial, direction_of
from hptune.errors import DataError, did_you_mean
from hptune.space import Value
from hptune.study.trial import TrialState

__all__ = ["read_csv_trials"]

_KNOWN = ("score", "epochs", "seconds", "state", "reason")
"""Columns that are no hyperparameters, by these names or by a map."""
_OURS = ("id", "trial", "pass", "pass_number", "best_epoch", "parameters", "seed", "note", "trained", "at")
"""Further columns of `hptune trials --csv`."""


def read_csv_trials(path: Path, *, objective: str, columns: Mapping[str, str] | None = None) -> PastSearch:
    """Read a table of trials: a column of scores, and one for each hyperparameter.

    `objective` is what the scores are of, such as val_accuracy or min:val_rmse; where a column has its
    name, that one is the scores. `columns` says what others stand for: a hyperparameter of another name,
    score, epochs, seconds, state (complete, paused, infeasible, failed), reason, or "" for nothing. An
    empty cell is no value. Raises DataError with the line for what can't be read.
    """
    direction, _, metric = objective.rpartition(":")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            header = list(reader.fieldnames or ())
            names = _names(path, header, metric, dict(columns or {}))
            trials = [_trial(path, reader.line_num, row, names) for row in reader]
    except OSError as error:
        raise DataError(f"{path}: can't be read: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path}: no CSV in UTF-8: {error}") from error
    if not trials:
        raise DataError(f"{path}: holds no trials")
    return PastSearch(
        name=path.stem,
        source=f"csv:{path}",
        objective=metric,
        direction=direction_of(metric, direction or None),
        space=guess_space(path.stem, [trial.values for trial in trials]),
        trials=tuple(trials),
    )


def _names(path: Path, header: list[str], metric: str, given: dict[str, str]) -> dict[str, str]:
    """Return what each column stands for."""
    for column in given:
        if column not in header:
            raise DataError(f"{path}: has no column {column!r}", hint=did_you_mean(column, header))
    # Its own columns are left out only where it is our own table.
    own = set(_OURS) if {"state", "score"} <= set(header) else set[str]()
    names = {column: given.get(column, "" if column in own else column) for column in header}
    if metric in header and metric not in given:
        names[metric] = "score"
    scores = [column for column, name in names.items() if name == "score"]
    if len(scores) != 1:
        raise DataError(
            f"{path}: {len(scores) or 'no'} columns of scores among {', '.join(header[:8])}",
            hint="Name the objective after its column, or say which it is: --map COLUMN=score.",
        )
    return names


def _trial(
    path: Path, line: int, row: Mapping[str | None, str | None], names: Mapping[str, str]
) -> PastTrial:
    if None in row:
        raise DataError(f"{path}:{line}: has more cells than the header")
    known: dict[str, str] = {}
    values: dict[str, Value] = {}
    for column, name in names.items():
        text = (row.get(column) or "").strip()
        if name in _KNOWN:
            known[name] = text
        elif name and text:
            values[name] = value_of_text(text)
    score = _number(path, line, "score", known.get("score", ""))
    epochs = _number(path, line, "epochs", known.get("epochs", ""))
    if score is None and epochs == 0:
        # It ended before its first one was over.
        epochs = None
    if epochs is not None and (epochs < 1 or epochs != int(epochs)):
        raise DataError(f"{path}:{line}: epochs is {epochs:g}, no whole number of at least 1")
    return PastTrial(
        values=values,
        score=score,
        epochs=None if epochs is None else int(epochs),
        state=_state(path, line, known.get("state", ""), scored=score is not None),
        reason=known.get("reason", ""),
        seconds=_number(path, line, "seconds", known.get("seconds", "")) or 0.0,
    )


def _number(path: Path, line: int, name: str, text: str) -> float | None:
    if not text or text.lower() in ("nan", "none", "null"):
        return None
    value = value_of_text(text)
    if isinstance(value, bool | str):
        raise DataError(f"{path}:{line}: {name} is {text!r}, no number")
    return float(value)


def _state(path: Path, line: int, text: str, *, scored: bool) -> TrialState:
    if not text:
        return TrialState.COMPLETE if scored else TrialState.FAILED
    try:
        return TrialState(text.lower())
    except ValueError:
        raise DataError(
            f"{path}:{line}: state is {text!r}", hint=f"It is one of {', '.join(TrialState)}."
        ) from None
