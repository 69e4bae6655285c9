"""Past trials from the folder of a Keras Tuner project: its JSON files, and nothing else of it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hptune.bridges.guess_space import guess_space
from hptune.bridges.past_trials import PastSearch, PastTrial, direction_of, plain_values
from hptune.errors import DataError, SpaceError, did_you_mean
from hptune.space import Space
from hptune.study.trial import TrialState

__all__ = ["read_keras_tuner"]

_STATES = {
    "COMPLETED": TrialState.COMPLETE,
    "INVALID": TrialState.INFEASIBLE,
    "FAILED": TrialState.FAILED,
}
"""Of trials that ended, by Keras Tuner's words; those under way are left out."""


def read_keras_tuner(folder: Path, *, objective: str | None = None, epochs: int | None = None) -> PastSearch:
    """Read the trials of a project, directory/project_name, of any tuner of Keras Tuner's.

    `objective` is the metric that was searched for, max: or min: before it where its direction is not
    known by its name; it is found by itself where one metric alone has the trials' scores. `epochs` are
    those of each training; without it they are Hyperband's own, or as many as the latest best epoch of
    all, which is what the files tell. Raises DataError where a file is missing or is no trial.
    """
    oracle, files = folder / "oracle.json", sorted(folder.glob("trial_*/trial.json"))
    if not files:
        raise DataError(
            f"{folder}: no project of Keras Tuner: it holds no trial_…/trial.json",
            hint="Name the project's own folder: directory/project_name.",
        )
    found = [(file, _read(file)) for file in files]
    ended = [(file, trial) for file, trial in found if trial.get("status") in _STATES]
    direction, _, metric = (objective or "").rpartition(":")
    metric = metric or _objective(folder, [trial for _, trial in ended])
    _require_metric(folder, metric, [trial for _, trial in ended])
    latest = max((int(trial.get("best_step") or 0) + 1 for _, trial in ended), default=1)
    trials = tuple(_trial(file, trial, epochs, latest) for file, trial in ended)
    return PastSearch(
        name=folder.resolve().name,
        source=f"keras-tuner:{folder}",
        objective=metric,
        direction=direction_of(metric, direction or _direction(metric, [trial for _, trial in ended])),
        space=_space(folder, oracle, trials),
        trials=trials,
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{file}: can't be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{file}: no JSON: {error}") from error
    if not isinstance(found, dict):
        raise DataError(f"{file}: no object of JSON, as Keras Tuner writes one")
    return found


def _metrics(trial: Mapping[str, Any]) -> Mapping[str, Any]:
    metrics = trial.get("metrics")
    inner = metrics.get("metrics") if isinstance(metrics, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}


def _observed(metric: Any) -> list[float]:
    """Return the means of a metric's observations, in the order of their steps."""
    found = metric.get("observations") if isinstance(metric, Mapping) else None
    means: list[tuple[int, float]] = []
    for one in found if isinstance(found, list) else []:
        value = one.get("value") if isinstance(one, Mapping) else None
        numbers = [v for v in value if _is_number(v)] if isinstance(value, list) else []
        if numbers:
            means.append((int(one.get("step") or 0), math.fsum(numbers) / len(numbers)))
    return [mean for _, mean in sorted(means)]


def _objective(folder: Path, trials: Sequence[Mapping[str, Any]]) -> str:
    """Return the one metric of which the trials' scores are; raises DataError where that is not clear."""
    scored = [trial for trial in trials if _is_number(trial.get("score"))]
    names = dict.fromkeys(name for trial in scored for name in _metrics(trial))
    same = [
        name
        for name in names
        if all(trial["score"] in _observed(_metrics(trial).get(name)) for trial in scored)
    ]
    if len(same) == 1:
        return same[0]
    raise DataError(
        f"{folder}: it is not clear which metric was the objective: {', '.join(same or names) or 'none'}",
        hint="Name it: --objective val_accuracy.",
    )


def _require_metric(folder: Path, metric: str, trials: Sequence[Mapping[str, Any]]) -> None:
    names = dict.fromkeys(name for trial in trials for name in _metrics(trial))
    if metric not in names:
        raise DataError(f"{folder}: no trial has a metric {metric!r}", hint=did_you_mean(metric, names))


def _direction(metric: str, trials: Sequence[Mapping[str, Any]]) -> str | None:
    for trial in trials:
        found = _metrics(trial).get(metric)
        direction = found.get("direction") if isinstance(found, Mapping) else None
        if direction in ("min", "max"):
            return str(direction)
    return None


def _trial(file: Path, trial: Mapping[str, Any], epochs: int | None, latest: int) -> PastTrial:
    hyperparameters = trial.get("hyperparameters")
    values = hyperparameters.get("values") if isinstance(hyperparameters, Mapping) else None
    if not isinstance(values, Mapping):
        raise DataError(f"{file}: has no values of hyperparameters")
    asked: Any = values.get("tuner/epochs")
    score, state = trial.get("score"), _STATES[str(trial["status"])]
    usable = _is_number(score) and not state.is_bad
    return PastTrial(
        values=plain_values(values),
        score=float(score) if usable and score is not None else None,
        epochs=epochs or (int(asked) if _is_number(asked) and asked >= 1 else latest),
        state=state if usable or state.is_bad else TrialState.FAILED,
        reason=_last_line(trial.get("message")),
    )


def _last_line(message: Any) -> str:
    lines = [line.strip() for line in str(message or "").splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def _space(folder: Path, oracle: Path, trials: Sequence[PastTrial]) -> Space:
    """Return the space as it was declared, or as the trials covered it where no file says it."""
    name, configurations = folder.resolve().name, [trial.values for trial in trials]
    content = _read(oracle).get("hyperparameters") if oracle.is_file() else None
    declared = content.get("space") if isinstance(content, Mapping) else None
    if not isinstance(declared, list):
        return guess_space(name, configurations)
    from hptune.models.keras_tuner_json import space_from_json

    try:
        return space_from_json(declared, name=name)
    except SpaceError as error:
        raise error.at(str(oracle)) from error


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
