"""A study's trials as Keras Tuner's users read them: `tuner.oracle`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import keras_tuner
from keras_tuner.engine import metrics_tracking
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
        self._numbers: list[int] | None = None
        """Of the study's trials; None where there is none yet."""
        self._explored: keras_tuner.HyperParameters | None = None
        self._made: dict[int, Any] = {}
        self._left: int | None = None
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
        """Take trials and space of an open study; `left` is how many trainings its budget still has.

        A trial is made when it is asked for: it has its whole curve.
        """
        self._goal, self._space, self._folder = study.identity.goal, study.passes()[0].space, study.folder
        self.objective = _kt_objective(self._goal)
        self._explored = to_keras_tuner(self._space)
        found = study.trials(curves=False)
        self._numbers = [trial.id for trial in found]
        self._best = [trial.id for trial in study.best(len(found))]
        self._made = {}
        self.end_order = [str(trial.id) for trial in found if trial.state is not TrialState.RUNNING]
        self.start_order = [str(trial.id) for trial in found]
        self._left = left

    @property
    def trials(self) -> dict[str, Any]:
        """All trials by their numbers, as text."""
        if self._numbers is None:
            return self._set
        return dict(zip(map(str, self._numbers), self._trials_of(self._numbers), strict=True))

    @trials.setter
    def trials(self, given: dict[str, Any]) -> None:
        # Keras Tuner begins with none.
        self._set, self._numbers = given, None

    def get_trial(self, trial_id: str) -> Any:
        """Return one trial; raises KeyError where there is none of that number."""
        if self._numbers is None or int(trial_id) not in self._numbers:
            return self._set[trial_id]
        return self._trials_of([int(trial_id)])[0]

    def get_best_trials(self, num_trials: int = 1) -> list[Any]:
        """Return the best trials that have a score, best first; of equals the one asked for first."""
        if self._numbers is None:
            return list(super().get_best_trials(num_trials)) if self._set else []
        return self._trials_of(self._best[:num_trials])

    def _trials_of(self, numbers: Sequence[int]) -> list[Any]:
        missing = [number for number in numbers if number not in self._made]
        if missing:
            with Study.open(self._folder) as study:
                for number in missing:
                    self._made[number] = _kt_trial(study.trial(number), self._space, self._goal)
        return [self._made[number] for number in numbers]

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
    # Keras Tuner counts epochs from 0.
    found.best_step = (trial.best_epoch or 1) - 1
    for name in dict.fromkeys(name for report in trial.curve for name in report):
        direction = goal.direction.value if name == goal.name else _direction(name)
        found.metrics.register(name, direction=direction)
        # The history itself: told of each value, Keras Tuner looks for the best of all each time.
        history = found.metrics.metrics[name]
        for epoch, report in enumerate(trial.curve):
            if name in report:
                history.update(report[name], step=epoch)
    return found


@cache
def _direction(name: str) -> str:
    """Return which way a metric gets better, as Keras Tuner infers it; min where it can't."""
    return str(metrics_tracking.infer_metric_direction(name) or "min")
