"""Trials shown in other tools while they are trained: a logger that fails or is slow ends no search."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hptune._log import logger
from hptune.search.events import Listener
from hptune.space import Value
from hptune.study import Study
from hptune.study.trial import Job, Trial

__all__ = ["LoggedStudy", "Logging", "TrialLogger"]

_PATIENCE = 60.0
"""Seconds that a search waits at its end for what is not logged yet."""


@dataclass(frozen=True, kw_only=True)
class LoggedStudy:
    """What a logger knows of the study whose trials it shows."""

    name: str
    """Of its folder."""
    folder: str
    objective: str
    direction: str
    """max or min."""
    data: str
    model: str
    choices: Mapping[str, tuple[Value, ...]]
    """Options of each hyperparameter that has some; () for a range of numbers."""


class TrialLogger(Protocol):
    """Shows trials elsewhere. All calls come from one thread, in order; what it raises ends it."""

    name: str
    """As messages call it."""

    def begin(self, study: LoggedStudy) -> None:
        """Begin to show a study, or go on with one that was shown before."""
        ...

    def trial_started(self, trial: Trial) -> None:
        """Begin a trial, or go on with one that was paused."""
        ...

    def epoch_ended(self, trial: int, epoch: int, report: Mapping[str, float]) -> None:
        """Show what an epoch of a trial, both counted from 1, reported; an epoch may come again."""
        ...

    def trial_ended(self, trial: Trial) -> None:
        """End a trial, or note that it is paused; it has its whole curve."""
        ...

    def close(self) -> None:
        """Write what is not written yet."""
        ...


class Logging(Listener):
    """Hands what a search does to a logger, in a thread of its own."""

    def __init__(self, make: Callable[[], TrialLogger], name: str, warn: Callable[[str], None]) -> None:
        """Log with what `make` makes; where that fails, `warn` hears it once and nothing more is logged."""
        self._name = name
        self._warn = warn
        self._make = make
        self._due: queue.SimpleQueue[tuple[str, tuple[Any, ...]] | None] = queue.SimpleQueue()
        self._failed = threading.Event()
        self._failure = ""
        self._means = False
        self._thread = threading.Thread(target=self._log, name=f"hptune-{name}", daemon=True)
        self._thread.start()

    def on_study_opened(self, study: Study, budget: int) -> None:
        identity = study.identity
        # Of folds and seeds each reports its epochs; their means are known when the trial ends.
        self._means = bool({"cv", "executions"} & identity.settings.keys())
        spaces = [one.space for one in study.passes()[:1]]
        choices = {hp.name: tuple(getattr(hp, "options", ())) for space in spaces for hp in space.searched}
        self._put(
            "begin",
            LoggedStudy(
                name=study.folder.resolve().name,
                folder=str(study.folder.resolve()),
                objective=identity.objective,
                direction=identity.direction.value,
                data=identity.data,
                model=identity.model,
                choices=choices,
            ),
        )

    def on_trial_start(self, job: Job, trial: Trial) -> None:
        self._put("trial_started", trial)

    def on_epoch_end(self, job: Job, epoch: int, report: Mapping[str, float]) -> None:
        if not self._means:
            self._put("epoch_ended", job.trial_id, epoch, dict(report))

    def on_trial_end(self, job: Job, trial: Trial) -> None:
        if self._means:
            for epoch, report in enumerate(trial.curve, 1):
                if epoch > job.initial_epoch:
                    self._put("epoch_ended", trial.id, epoch, dict(report))
        self._put("trial_ended", trial)
        self._say()

    def close(self) -> None:
        """Wait until everything is logged, or say what is not."""
        self._due.put(None)
        self._thread.join(_PATIENCE)
        if self._thread.is_alive():
            self._warn(f"{self._name}: what the last trials reported is not logged yet, and is left out")
        self._say()

    def _put(self, call: str, *arguments: Any) -> None:
        if not self._failed.is_set():
            self._due.put((call, arguments))

    def _say(self) -> None:
        """Say once, in the search's own thread, that the logger has failed."""
        if self._failed.is_set() and self._failure:
            self._warn(f"{self._failure}; the search goes on without it")
            self._failure = ""

    def _log(self) -> None:
        try:
            made = self._make()
            while (due := self._due.get()) is not None:
                call, arguments = due
                getattr(made, call)(*arguments)
            made.close()
        except (Exception, SystemExit) as error:
            logger.debug("%s failed", self._name, exc_info=True)
            lines: Sequence[str] = str(error).strip().splitlines() or [""]
            self._failure = f"{self._name}: {type(error).__name__}: {lines[0][:300]}"
            self._failed.set()
