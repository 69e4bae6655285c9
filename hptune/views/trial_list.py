"""Choose and sort a study's trials."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from hptune.errors import UsageError, did_you_mean
from hptune.study import Study
from hptune.study.trial import Trial, TrialState

__all__ = ["select"]

_FIELDS = ("id", "pass_number", "state", "score", "best_epoch", "epochs", "seconds", "parameters")


def select(
    study: Study,
    *,
    sort: str = "id",
    states: Collection[TrialState] = (),
    pass_number: int | None = None,
) -> list[Trial]:
    """Return the trials in these states (all by default), sorted by a field or hyperparameter.

    By score the best comes first; whatever has no value comes last. Raises UsageError where no
    trial has the column.
    """
    trials = list(study.trials(curves=False))
    names = {name for trial in trials for name in trial.values}
    if sort not in _FIELDS and sort not in names:
        raise UsageError(f"--sort {sort}: no such column", hint=did_you_mean(sort, [*_FIELDS, *names]))
    chosen = [
        t
        for t in trials
        if (not states or t.state in states) and (pass_number is None or t.pass_number == pass_number)
    ]
    sign = -study.identity.goal.sign if sort == "score" else 1

    def key(trial: Trial) -> tuple[bool, bool, Any]:
        value = getattr(trial, sort) if sort in _FIELDS else trial.values.get(sort)
        if value is None:
            return (True, False, 0)
        return (False, isinstance(value, str), value if isinstance(value, str) else sign * value)

    return sorted(chosen, key=key)
