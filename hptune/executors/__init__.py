"""Where jobs are trained: each executor gives a Future of an Outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Protocol

from hptune.study.trial import Job, Outcome

__all__ = ["Executor", "JobTrainer", "OnEpoch"]

OnEpoch = Callable[[Job, int, Mapping[str, float]], bool]
"""Called after each epoch with (job, epochs so far, what the epoch reported); True asks to stop."""


class JobTrainer(Protocol):
    """Whatever trains a job."""

    def run(self, job: Job, on_epoch: Callable[[int, Mapping[str, float]], bool]) -> Outcome:
        """Train `job`, calling `on_epoch(epochs so far, report)` after each epoch."""
        ...


class Executor(Protocol):
    """Whatever runs jobs."""

    @property
    def slots(self) -> int:
        """How many jobs it can hold at once."""
        ...

    def submit(self, job: Job, on_epoch: OnEpoch) -> Future[Outcome]:
        """Begin a job."""
        ...

    def poll(self, seconds: float) -> None:
        """Train until some job is done, or wait up to `seconds` where others train.

        Hands on the epochs that running jobs have reported since the last call.
        """
        ...

    def close(self) -> None:
        """Let go of what it holds; jobs under way are ended."""
        ...
