"""What the epochs of a training came to so far: exported scripts hold a copy of it."""

from __future__ import annotations

from dataclasses import dataclass

from hptune.study.trial import Objective

__all__ = ["TrainingState"]


@dataclass
class TrainingState:
    """What the epochs so far came to."""

    epochs: int = 0
    best: float | None = None
    """Best value of the objective."""
    best_epoch: int = 0
    """The epoch (from 1) of it, the earliest of equals."""
    reference: float | None = None
    """Early stopping: the value that a later one must beat by min_delta."""
    waited: int = 0
    """Early stopping: epochs since then."""
    ended: bool = False
    """Early stopping has ended the training."""

    def note(self, value: float, objective: Objective, *, patience: int, min_delta: float) -> bool:
        """Take in an epoch's value of the objective; returns whether it is the best so far."""
        if self.reference is None or objective.sign * (value - self.reference) > min_delta:
            self.reference, self.waited = value, 0
        else:
            self.waited += 1
        self.ended = 0 < patience <= self.waited
        better = self.best is None or objective.better(value, self.best)
        if better:
            self.best, self.best_epoch = value, self.epochs
        return better
