"""What a confirmation looks like while it runs: a line per training, and on a terminal a live one."""

from __future__ import annotations

import contextlib
import time

from rich.progress import Progress, TaskID

from hptune._text import counted
from hptune.cli.console import EpochCounter, bar, console
from hptune.search.confirm import Watcher
from hptune.study import Confirmation
from hptune.study.trial import Trial
from hptune.views.tables import duration, format_value

__all__ = ["ConfirmProgress"]


class ConfirmProgress(Watcher, contextlib.AbstractContextManager["ConfirmProgress"]):
    """Shows a confirmation on stderr."""

    def __init__(self) -> None:
        self._console = console()
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._epochs = 0
        self._done = 0
        self._counter = EpochCounter()
        self._begun_at: float | None = None

    def __exit__(self, *raised: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def planned(self, trials: int, trainings: int, epochs: int, known: int) -> None:
        """Say what is to be trained."""
        self._epochs = epochs
        done = f", {known} done already" if known else ""
        work = f"{counted(trainings, 'training')}, {counted(epochs, 'epoch')}{done}"
        self._console.print(f"{counted(trials, 'finalist')}: {work}")
        if trainings and self._console.is_terminal:
            self._progress = bar(self._console)
            self._progress.start()
            self._task = self._progress.add_task("confirm", total=epochs, standing="")

    def epoch(self, trial: Trial, number: int, epoch: int) -> None:
        """Move the bar."""
        # The first epoch waits for a graph to be made: it says little of the others.
        self._begun_at = self._begun_at or time.monotonic()
        self._done += self._counter.reached((trial.id, number), epoch)
        if self._progress is None or self._task is None:
            return
        standing = f"trial {trial.id}, seed {number} · {self._done}/{self._epochs} epochs{self._eta()}"
        self._progress.update(self._task, completed=self._done, standing=standing)

    def ended(self, confirmation: Confirmation) -> None:
        """Say how a training ended."""
        score = format_value(confirmation.score) or f"could not be trained: {confirmation.reason}"
        self._console.print(
            f"  trial {confirmation.trial_id}, seed {confirmation.number}: {score}", soft_wrap=True
        )

    def warned(self, text: str) -> None:
        """Say what went wrong beside the confirmation."""
        self._console.print(f"Warning: {text}", soft_wrap=True)

    def _eta(self) -> str:
        if self._begun_at is None or self._done < 10:
            return ""
        pace = (time.monotonic() - self._begun_at) / (self._done - 1)
        return f" · ETA {duration(pace * (self._epochs - self._done))}"
