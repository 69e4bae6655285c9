"""Ends a training that takes too long, at the end of an epoch, in whichever process it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from time import monotonic

from hptune.executors import JobTrainer
from hptune.study.trial import Job, Outcome, OutcomeState

__all__ = ["LimitedTrainer", "too_long"]


def too_long(seconds: float) -> str:
    """Say why a training that took more than so many seconds is infeasible."""
    return f"took longer than {seconds:g} s"


class LimitedTrainer:
    """Trains as another trainer does, each job for no more than `max_seconds`.

    A job is ended after the first epoch that ends later; one that hangs inside an epoch is ended
    by `ProcessesExecutor` alone, which can end its process.
    """

    def __init__(self, trainer: JobTrainer, max_seconds: float) -> None:
        self._trainer = trainer
        self._max_seconds = max_seconds

    def run(self, job: Job, on_epoch: Callable[[int, Mapping[str, float]], bool]) -> Outcome:
        """Train a job; one that takes too long is infeasible and keeps the epochs it had."""
        end = monotonic() + self._max_seconds
        late = False

        def heard(epoch: int, report: Mapping[str, float]) -> bool:
            nonlocal late
            if on_epoch(epoch, report):
                return True
            late = epoch < job.epochs and monotonic() > end
            return late

        outcome = self._trainer.run(job, heard)
        if not late:
            return outcome
        return replace(
            outcome, state=OutcomeState.INFEASIBLE, reason=too_long(self._max_seconds), checkpoint=""
        )
