"""Trains in this process, one job at a time: the debugger's choice."""

from __future__ import annotations

from concurrent.futures import Future

from hptune.data.under_way import Died, under_way
from hptune.executors import JobTrainer, OnEpoch
from hptune.study.trial import Job, Outcome, OutcomeState

__all__ = ["TRIES", "InlineExecutor", "name_of"]

TRIES = 2
"""Processes that may die of a job before it is infeasible: one may have been killed for another's sake."""


def name_of(job: Job) -> str:
    """Return what a job is called while it is under way."""
    return f"trial {job.trial_id}, job {job.id}"


class InlineExecutor:
    """Runs a job to its end before `submit` returns."""

    slots = 1

    def __init__(self, trainer: JobTrainer) -> None:
        self._trainer = trainer

    def submit(self, job: Job, on_epoch: OnEpoch) -> Future[Outcome]:
        """Train `job` now; the future is done. A bug of ours is raised, not returned."""
        future: Future[Outcome] = Future()
        try:
            with under_way(name_of(job), tries=TRIES):
                outcome = self._trainer.run(job, lambda epoch, report: on_epoch(job, epoch, report))
        except Died as died:
            outcome = Outcome(job_id=job.id, state=OutcomeState.INFEASIBLE, reason=str(died))
        future.set_result(outcome)
        return future

    def poll(self, seconds: float) -> None:
        """Nothing to wait for: a job is done when `submit` returns."""

    def close(self) -> None:
        """Nothing is held."""
