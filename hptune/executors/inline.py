"""Trains in this process, one job at a time: the debugger's choice."""

from __future__ import annotations

from concurrent.futures import Future

from hptune.executors import JobTrainer, OnEpoch
from hptune.study.trial import Job, Outcome

__all__ = ["InlineExecutor"]


class InlineExecutor:
    """Runs a job to its end before `submit` returns."""

    slots = 1

    def __init__(self, trainer: JobTrainer) -> None:
        self._trainer = trainer

    def submit(self, job: Job, on_epoch: OnEpoch) -> Future[Outcome]:
        """Train `job` now; the future is done. A bug of ours is raised, not returned."""
        future: Future[Outcome] = Future()
        future.set_result(self._trainer.run(job, lambda epoch, report: on_epoch(job, epoch, report)))
        return future

    def poll(self, seconds: float) -> None:
        """Nothing to wait for: a job is done when `submit` returns."""

    def close(self) -> None:
        """Nothing is held."""
