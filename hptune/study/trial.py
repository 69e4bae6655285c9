"""Trials, the jobs that train them, and the outcomes of training: plain frozen data.

Nothing but `Job` and `Outcome` crosses a process.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hptune.space import Hyperparameter, Value

__all__ = [
    "Direction",
    "Job",
    "Objective",
    "Observation",
    "Outcome",
    "OutcomeState",
    "Trial",
    "TrialState",
    "metric_of",
]

Epoch = Mapping[str, float]
"""What one epoch of training reported: metric name → value."""


class Direction(StrEnum):
    """Which way an objective gets better."""

    MAX = "max"
    MIN = "min"


@dataclass(frozen=True, kw_only=True)
class Objective:
    """The metric that a search improves."""

    name: str
    """As Keras reports it, for example val_accuracy."""
    direction: Direction

    @property
    def sign(self) -> int:
        """+1 where more is better, −1 where less is."""
        return 1 if self.direction is Direction.MAX else -1

    def better(self, a: float, b: float) -> bool:
        """Return whether `a` is better than `b`."""
        return self.sign * a > self.sign * b

    def best_epoch(self, curve: tuple[Epoch, ...]) -> int | None:
        """Return the epoch (from 1) with the best finite value, the earliest of equals, or None."""
        best: int | None = None
        for i, epoch in enumerate(curve, 1):
            value = epoch.get(self.name)
            if value is None or not math.isfinite(value):
                continue
            if best is None or self.better(value, curve[best - 1][self.name]):
                best = i
        return best


def metric_of(objective: str) -> str:
    """Return the metric that an objective is measured by: auc of val_auc and of max:val_auc."""
    return objective.rpartition(":")[2].removeprefix("val_")


class TrialState(StrEnum):
    """Where a trial stands."""

    RUNNING = "running"
    COMPLETE = "complete"
    """Trained for all the epochs there are, or ended by its own early stopping."""
    PAUSED = "paused"
    """Judged at a rung and left there: others promise more. It may be resumed."""
    INFEASIBLE = "infeasible"
    """Could not be trained (diverged, out of memory, too large): evidence for the next space."""
    FAILED = "failed"
    """An exception in the model's code: see its traceback."""

    @property
    def is_bad(self) -> bool:
        """Whether it ended without a score, for whatever reason."""
        return self in (TrialState.INFEASIBLE, TrialState.FAILED)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One configuration in one pass."""

    id: int
    """From 1, in the order in which trials were asked for; unique in its study."""
    pass_number: int
    """From 1."""
    values: Mapping[str, Value]
    """Active hyperparameters only."""
    seed: int
    """Seeds initial weights, shuffling and dropout."""
    state: TrialState
    reason: str = ""
    """Why it is infeasible, failed or stopped, in words."""
    traceback: str = ""
    curve: tuple[Epoch, ...] = ()
    """One mapping per trained epoch, in order."""
    score: float | None = None
    """Best value of the objective over its epochs; None before the first."""
    best_epoch: int | None = None
    """The epoch (from 1) of that score."""
    epochs: int = 0
    """Epochs trained so far."""
    seconds: float = 0.0
    """Wall time spent on it so far."""
    parameters: int | None = None
    """Number of weights of the model."""
    checkpoint: str = ""
    """Weights on disk, relative to the study's folder; "" where none are kept."""
    created_at: float = 0.0
    """Seconds since 1970-01-01 UTC."""
    note: str = ""
    """Where the configuration came from: start, bracket, model, preset …"""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One stretch of training: take a trial from `initial_epoch` to `epochs`."""

    id: int
    """From 1, in the order in which jobs were asked for; unique in its study."""
    trial_id: int
    values: Mapping[str, Value]
    seed: int
    initial_epoch: int
    """Epochs the trial has had already; 0 to begin it."""
    epochs: int
    """Epochs it shall have had in the end."""
    checkpoint: str = ""
    """Path of the weights to resume from; "" when it begins."""
    keep_as: str = ""
    """Path to write the weights to when done; "" to write none."""
    keep_if: float | None = None
    """Write them only where the score is at least this good, or the training was interrupted;
    None writes them always."""
    part: str = ""
    """Which of the trial's trainings it is, where there are several: fold 2, run 3, confirmation 1."""

    @property
    def name(self) -> str:
        """What this training may call its own files: trial-12, trial-12-fold-2."""
        return "-".join([f"trial-{self.trial_id}", *self.part.replace(",", "").split()])

    def keeps(self, best: float | None, objective: Objective | None, *, interrupted: bool) -> bool:
        """Return whether its weights are to be written; `best` is the trial's best score so far."""
        if not self.keep_as:
            return False
        if interrupted or self.keep_if is None or objective is None:
            return True
        return best is not None and not objective.better(self.keep_if, best)


class OutcomeState(StrEnum):
    """How a job ended."""

    DONE = "done"
    """It reached its epochs, or its own early stopping ended it."""
    INTERRUPTED = "interrupted"
    """It was asked to stop and did so at the end of an epoch."""
    INFEASIBLE = "infeasible"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a job's training."""

    job_id: int
    state: OutcomeState
    curve: tuple[Epoch, ...] = ()
    """The new epochs only."""
    ended: bool = False
    """Early stopping inside the training: more epochs would change nothing."""
    reason: str = ""
    traceback: str = ""
    seconds: float = 0.0
    """Wall time of the whole job."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Where the seconds went: build, trace, fit, checkpoint."""
    parameters: int | None = None
    checkpoint: str = ""
    """Path of the weights written; "" where none."""
    unsearched: Mapping[str, Value] = field(default_factory=dict)
    """Hyperparameters that the model asked for and was given no value of, with the values they had."""
    declared: tuple[Hyperparameter, ...] = ()
    """How the model declared those that were not found when it was explored, parents first."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What a search strategy sees of one configuration at one rung.

    A configuration judged at several rungs has one observation for each, in order; the last
    tells where it stands. `score` is None while it runs and where it has none.
    """

    trial_id: int
    values: Mapping[str, Value]
    epochs: int
    """Epochs it has had (or will have had, while it runs)."""
    score: float | None
    """Best value of the objective over those epochs."""
    state: TrialState
    """RUNNING, PAUSED, COMPLETE, INFEASIBLE or FAILED."""
    pass_number: int = 1
