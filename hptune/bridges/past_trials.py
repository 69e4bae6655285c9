"""Trials of another tool, whichever, as a study."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hptune.errors import DataError, InputError
from hptune.space import Choice, Float, Hyperparameter, Space, Value, Values
from hptune.study import Identity, Study, StudyLock
from hptune.study.trial import Direction, Outcome, OutcomeState, Trial, TrialState

__all__ = ["IMPORTED", "PastSearch", "PastTrial", "direction_of", "plain_values", "write_study"]

IMPORTED = "imported"
"""What a study of past trials has for its model and its search algorithm."""
_LESS_IS_BETTER = (
    "loss",
    "error",
    "mse",
    "mae",
    "rmse",
    "mape",
    "msle",
    "logloss",
    "crossentropy",
    "perplexity",
)


@dataclass(frozen=True, kw_only=True)
class PastTrial:
    """One trial of another tool."""

    values: Values
    score: float | None
    """Of the objective; None where it has none."""
    epochs: int | None = None
    """Epochs that it was trained for, at least 1; None where nobody noted it."""
    curve: tuple[float, ...] = ()
    """The objective after each epoch, where it was noted."""
    state: TrialState = TrialState.COMPLETE
    """COMPLETE, PAUSED, INFEASIBLE or FAILED."""
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PastSearch:
    """Trials over one space, compared by one objective."""

    name: str
    """For people, and for the study's folder."""
    source: str
    """Where they come from: keras-tuner:FOLDER."""
    objective: str
    direction: Direction
    space: Space
    trials: tuple[PastTrial, ...]

    @property
    def epochs(self) -> int:
        """Epochs of the longest trial, which counts as a full training; 1 where nobody noted any."""
        return max([1, *(t.epochs for t in self.trials if t.epochs), *(len(t.curve) for t in self.trials)])


def write_study(search: PastSearch, folder: Path) -> Path:
    """Write trials as a study of one pass, which appears whole; returns its folder.

    A trial of fewer epochs than the longest counts as paused. Raises DataError where no trial has a score,
    InputError where the folder exists.
    """
    scored = [trial for trial in search.trials if trial.score is not None]
    if not scored:
        raise DataError(
            f"{search.source}: none of {len(search.trials)} trials has a score of {search.objective}"
        )
    if folder.exists():
        raise InputError(f"{folder}: exists already", hint="Choose another place with --output.")
    beside = folder.with_name(f".{folder.name}.importing")
    _remove(beside)
    identity = Identity(
        data=search.source,
        data_fingerprint=_fingerprint(search),
        model=IMPORTED,
        model_fingerprint="",
        objective=search.objective,
        direction=search.direction,
        epochs=search.epochs,
        oracle=IMPORTED,
        seed=0,
        settings={},
    )
    with StudyLock(beside), Study.create(beside, identity, command=f"hptune import {search.source}") as study:
        study.open_pass(search.space, proposal=None, origin="given")
        for trial in search.trials:
            _record(study, search, trial)
    (beside / "study.lock").unlink(missing_ok=True)
    beside.rename(folder)
    return folder


def _record(study: Study, search: PastSearch, past: PastTrial) -> None:
    values = _fitting(past.values, search.space)
    epochs = past.epochs or len(past.curve) or search.epochs
    asked = Trial(id=0, pass_number=1, values=values, seed=0, state=TrialState.RUNNING, note=IMPORTED)
    job = study.record_ask(
        trial=asked,
        initial_epoch=0,
        epochs=epochs,
        oracle_values={**values, "tuner/epochs": epochs},
        pass_number=1,
    )
    if past.score is None:
        state = past.state if past.state.is_bad else TrialState.FAILED
        reason = past.reason or "it has no score"
        outcome = Outcome(job_id=job.id, state=OutcomeState(state.value), reason=reason, seconds=past.seconds)
        study.record_outcome(outcome, state)
        return
    curve = tuple({search.objective: value} for value in _whole_curve(past, epochs))
    outcome = Outcome(job_id=job.id, state=OutcomeState.DONE, curve=curve, seconds=past.seconds)
    full = past.state is TrialState.COMPLETE and epochs >= search.epochs
    study.record_outcome(outcome, TrialState.COMPLETE if full else TrialState.PAUSED)


def _fitting(values: Values, space: Space) -> Values:
    """Return the values of what is searched, each of the kind that its hyperparameter has."""
    return {name: _of_kind(space[name], value) for name, value in values.items() if name in space}


def _of_kind(hp: Hyperparameter, value: Value) -> Value:
    if isinstance(hp, Float) and not isinstance(value, str):
        return float(value)
    if isinstance(hp, Choice) and all(isinstance(option, str) for option in hp.options):
        return str(value)
    return value


def _whole_curve(past: PastTrial, epochs: int) -> Sequence[float]:
    """Return a score for each epoch: where only the best is known, that one, as if it stood all the time."""
    assert past.score is not None
    noted = [value for value in past.curve if math.isfinite(value)]
    return noted if len(noted) == epochs else [past.score] * epochs


def direction_of(objective: str, given: str | None = None) -> Direction:
    """Return which way a metric gets better: as given (min or max), else by its name."""
    if given is not None:
        return Direction(given)
    words = objective.lower().removeprefix("val_").replace("-", "_")
    return Direction.MIN if any(word in words for word in _LESS_IS_BETTER) else Direction.MAX


def _fingerprint(search: PastSearch) -> str:
    content = [[dict(trial.values), trial.score, trial.epochs] for trial in search.trials]
    return hashlib.sha256(json.dumps([search.objective, content]).encode()).hexdigest()


def _remove(folder: Path) -> None:
    """Remove what an import that was killed left."""
    if folder.is_dir() and not folder.is_symlink():
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def plain_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a hyperparameter can have, without those of the tool's own."""
    own = ("tuner/",)
    return {
        str(name): value
        for name, value in values.items()
        if isinstance(value, bool | int | float | str) and not str(name).startswith(own)
    }
