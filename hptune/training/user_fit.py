"""A HyperModel's own fit, called as Keras Tuner calls it, and what its results mean."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from hptune.errors import ModelError
from hptune.models.model import Arrays, OwnFit
from hptune.study.trial import Objective
from hptune.training.epoch_rules import EpochRules, as_number
from hptune.training.failures import Diverged
from hptune.training.objective import UNNAMED

__all__ = ["run_own_fit"]

Report = dict[str, float]


def run_own_fit(
    fit: OwnFit,
    model: Any,
    arrays: Arrays,
    rules: EpochRules,
    objective: Objective | None,
    *,
    initial_epoch: int,
    epochs: int,
    class_weight: Mapping[int, float] | None = None,
    callbacks: Sequence[Any] = (),
) -> tuple[list[Report], bool]:
    """Call fit(model, x, y, validation_data=…, epochs=…, callbacks=[…]) → a curve, whether that is all.

    A History, as `model.fit` returns it, is a curve, and a later job resumes it. Where the fit
    sets its own epochs, or ends before those asked for, the History is the whole training: asked
    again, it would train the same once more. A dictionary of metrics, or a number, which is the
    objective (one to minimise where none was named, as Keras Tuner has it), is one judgement of the
    whole training: a curve of one epoch that is not resumed. So is a list of any of these,
    which is averaged. Of metrics that report each class the mean counts; what is no number is left out.
    Raises ModelError where the result is anything else, or has no objective.
    """
    more: dict[str, Any] = {"initial_epoch": initial_epoch} if initial_epoch else {}
    more |= {} if class_weight is None else {"class_weight": dict(class_weight)}
    rows, keywords = arrays.for_own_fit()
    more |= keywords
    result = fit.run(model, *rows, epochs=epochs, callbacks=[*callbacks, rules], verbose=0, **more)
    curve = _curve_of(result)
    if curve is not None:
        _require(objective, [name for report in curve for name in report])
        # The callbacks may not have been passed on, or passed on several times.
        whole = "epochs" in fit.refused or rules.epochs_of(epochs) != epochs
        ended = len(curve) != epochs - initial_epoch and not rules.stopped
        return (rules.curve if len(rules.curve) == len(curve) else curve), whole or ended
    report = _judged(result, objective)
    _require(objective, report)
    if objective is not None and not math.isfinite(report[objective.name]):
        raise Diverged(epochs, objective.name, report[objective.name])
    return [{name: value for name, value in report.items() if math.isfinite(value)}], True


def _require(objective: Objective | None, reported: Iterable[str]) -> None:
    """Refuse a training that does not report the objective, as Keras Tuner does."""
    names = dict.fromkeys(reported)
    if objective is not None and objective.name not in names:
        raise ModelError(
            f"fit reported no {objective.name}, which is the objective, but {', '.join(names) or 'nothing'}",
            hint="Return it for every configuration.",
        )


def _numbers(metrics: Mapping[Any, Any]) -> Report:
    """Return the metrics that are numbers, or arrays of numbers."""
    found: Report = {}
    for name, value in metrics.items():
        with suppress(TypeError, ValueError):
            found[str(name)] = as_number(value)
    return found


def _curve_of(result: Any) -> list[Report] | None:
    """Return a History's epochs; None for anything else."""
    history = getattr(result, "history", None)
    if not isinstance(history, Mapping):
        return None
    epochs = max((len(values) for values in history.values()), default=0)
    return [_numbers({name: v[i] for name, v in history.items() if i < len(v)}) for i in range(epochs)]


def _judged(result: Any, objective: Objective | None) -> Report:
    """Return what a whole training came to as one report."""
    if isinstance(result, list) and result:
        return _mean([_judged(one, objective) for one in result])
    curve = _curve_of(result)
    if curve:
        best = None if objective is None else objective.best_epoch(tuple(curve))
        return curve[(best or len(curve)) - 1]
    if isinstance(result, Mapping):
        return _numbers(result)
    if isinstance(result, int | float | np.floating | np.integer) and not isinstance(result, bool):
        return {UNNAMED if objective is None else objective.name: float(result)}
    raise ModelError(
        f"fit returned {'None' if result is None else type(result).__name__}",
        hint="Return what model.fit returned, a dictionary of metrics, or the objective as a number.",
    )


def _mean(reports: list[Report]) -> Report:
    """Average the metrics that every report has."""
    names = [name for name in reports[0] if all(name in report for report in reports)]
    return {name: math.fsum(report[name] for report in reports) / len(reports) for name in names}
