"""A study's trials as Keras Tuner's users read them: `tuner.oracle`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as kt_trial
from keras_tuner.src.engine.objective import create_objective

from hptune.errors import UsageError
from hptune.models.keras_tuner_space import to_keras_tuner, with_values
from hptune.space import Space
from hptune.study import Study
from hptune.study.trial import Objective, Trial, TrialState

__all__ = ["StudyOracle"]

_STATUS = {
    TrialState.RUNNING: kt_trial.TrialStatus.RUNNING,
    TrialState.COMPLETE: kt_trial.TrialStatus.COMPLETED,
    TrialState.PAUSED: kt_trial.TrialStatus.COMPLETED,
    TrialState.INFEASIBLE: kt_trial.TrialStatus.INVALID,
    TrialState.FAILED: kt_trial.TrialStatus.FAILED,
}


class StudyOracle(keras_tuner.Oracle):  # type: ignore[misc]
    """Shows a study as a `keras_tuner.Oracle`: its trials, the best of them, its space.

    It is read from the study, and what is changed in it changes nothing there. Trials have the numbers that
    they have in the study, as text. A trial that is paused has a score and counts as completed.
    """

    def __init__(self, objective: Any, max_trials: int, explore: Callable[[], Space]) -> None:
        """Begin without trials; `explore` gives the space where no study does yet.

        `objective` is what Keras Tuner takes; where it can't tell the direction, the search finds it.
        """
        self._explore = explore
        self._explored: keras_tuner.HyperParameters | None = None
        super().__init__(max_trials=max_trials)
        with contextlib.suppress(ValueError):
            self.objective = create_objective(objective)

    @property
    def hyperparameters(self) -> keras_tuner.HyperParameters:
        """The space: that of the study's first pass, or what exploring the model finds."""
        if self._explored is None:
            self._explored = to_keras_tuner(self._explore())
        return self._explored

    @hyperparameters.setter
    def hyperparameters(self, found: keras_tuner.HyperParameters) -> None:
        # Keras Tuner begins with an empty one, which nobody gave.
        if found.space:
            self._explored = found

    def read(self, study: Study, *, left: int | None = None) -> None:
        """Take trials and space of an open study; `left` is how many trainings its budget still has."""
        goal, space = study.identity.goal, study.passes()[0].space
        self.objective = _kt_objective(goal)
        self._explored = to_keras_tuner(space)
        found = study.trials()
        order = [trial.id for trial in study.best(len(found))]
        self.trials = {str(trial.id): _kt_trial(trial, space, goal) for trial in found}
        self.end_order = [str(trial.id) for trial in found if trial.state is not TrialState.RUNNING]
        self.start_order = [str(trial.id) for trial in found]
        self._best = [self.trials[str(number)] for number in order]
        self._left = left

    _best: list[Any] = []  # noqa: RUF012  (replaced, never changed)
    _left: int | None = None

    def get_best_trials(self, num_trials: int = 1) -> list[Any]:
        """Return the best trials that have a score, best first; of equals the one asked for first."""
        return self._best[:num_trials]

    def remaining_trials(self) -> int | None:
        """Return how many full trainings the budget still has."""
        return self.max_trials if self._left is None else self._left

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Refuse: the study's own search algorithm asks and reports."""
        raise UsageError(
            "the oracle of an hptune.CoarseToFine shows its study and suggests nothing",
            hint="Call the tuner's search; another tuner takes hptune.CoarseToFineOracle.",
        )

    def save(self) -> None:
        """Keep no file: the study does."""

    def reload(self) -> None:
        """Read no file: the study has everything."""


def _kt_objective(objective: Objective) -> keras_tuner.Objective:
    return keras_tuner.Objective(objective.name, direction=objective.direction.value)


def _kt_trial(trial: Trial, space: Space, goal: Objective) -> Any:
    """Return a trial with its values, its score and what each epoch reported."""
    found = kt_trial.Trial(
        hyperparameters=with_values(space, trial.values),
        trial_id=str(trial.id),
        status=_STATUS[trial.state],
        message=trial.traceback or trial.reason or None,
    )
    found.score = trial.score
    found.best_step = trial.best_epoch or 0
    for epoch, report in enumerate(trial.curve):
        for name, value in report.items():
            if not found.metrics.exists(name):
                direction = goal.direction.value if name == goal.name else _direction(name)
                found.metrics.register(name, direction=direction)
            found.metrics.update(name, value, step=epoch)
    return found


def _direction(name: str) -> str:
    """Return which way a metric gets better, as Keras Tuner infers it; min where it can't."""
    from keras_tuner.engine import metrics_tracking

    return str(metrics_tracking.infer_metric_direction(name) or "min")
