"""The progress of a search: one live line on a terminal, a line per pass elsewhere."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from types import FrameType, TracebackType
from typing import Any

import click
from rich.progress import Progress, TaskID

from hptune._text import counted, significant
from hptune.cli.console import EpochCounter, bar, console
from hptune.cli.say import say
from hptune.data import Dataset
from hptune.data.under_way import watch
from hptune.search.events import Listener, Stop
from hptune.space.describe import describe_range
from hptune.study import Pass, Study
from hptune.study.notes import WarmStart
from hptune.study.proposal import Proposal, Verdict
from hptune.study.trial import Job, Trial, TrialState
from hptune.views.tables.plans import start_lines

__all__ = ["ProgressListener", "stop_on_signals"]


class ProgressListener(Listener):
    """Shows a search on stderr: passes, trials, best so far and the time it will still take."""

    def __init__(self, *, interactive: bool = False) -> None:
        # A notebook has lines of its own in its place.
        self._console: Any = console()
        self._interactive = interactive
        watched = watch()
        # Where an earlier process of this command died, it told of data and model before.
        self._knows_data = watched is not None and watched.again
        self._knows_model = watched is not None and watched.has_study
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._trials = 0
        self._best: float | None = None
        self._bad: dict[int, TrialState] = {}
        """How trials ended that could not be trained, by number."""
        self._epochs_used = 0
        self._budget = 0
        self._sign = 1
        self._begun_at: float | None = None
        """When the first epoch of this run was over."""
        self._trained = 0
        """Epochs trained by this run, for the time it will still take."""
        self._counter = EpochCounter()
        self._title = ""
        self._study: Study | None = None

    def __enter__(self) -> ProgressListener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_bar()

    def on_warning(self, text: str) -> None:
        """Say what went wrong beside the search."""
        if not self._knows_model or self._study is not None:
            self._console.print(text, style="yellow")

    def on_data_loaded(self, dataset: Dataset) -> None:
        """Say what was inferred from the data."""
        if self._knows_data:
            return
        self._console.print(f"{dataset.name}: {dataset.extent}")
        for note in dataset.notes:
            self._console.print(f"  {note}", style="dim", soft_wrap=True)

    def on_remark(self, text: str) -> None:
        """Say what the user should know of the space."""
        if not self._knows_model or self._study is not None:
            self._console.print(f"  {text}", style="dim", soft_wrap=True)

    def on_study_opened(self, study: Study, budget: int) -> None:
        """See where the study stands before the search continues."""
        self._study = study
        best = study.best(1)
        trials = study.trials(curves=False)
        self._epochs_used, self._budget, self._trials = study.epochs_used(), budget, len(trials)
        self._sign = study.identity.goal.sign
        self._best = best[0].score if best else None
        self._bad = {t.id: t.state for t in trials if t.state.is_bad}
        if trials:
            self._console.print(f"Resuming {study.folder}: {self._standing()}")
        else:
            self._console.print(
                f"New study {study.folder}: {study.identity.objective}, {counted(budget, 'epoch')}"
            )

    def on_warm_starts(self, warm_starts: tuple[WarmStart, ...]) -> None:
        """Say which configurations are tried first, and where they come from."""
        for line in start_lines(warm_starts):
            self._console.print(f"  {line}", style="dim", soft_wrap=True)

    def on_pass_start(self, the_pass: Pass, end: int) -> None:
        """Begin the bar of a pass."""
        self._end_bar()
        self._title = f"pass {the_pass.number}"
        if not self._console.is_terminal:
            self._console.print(f"{self._title}: {self._standing()}")
            return
        self._progress = bar(self._console)
        self._progress.start()
        self._task = self._progress.add_task(
            self._title, total=self._budget, completed=self._epochs_used, standing=self._standing()
        )

    def on_epoch_end(self, job: Job, epoch: int, report: Mapping[str, float]) -> None:
        """Move the bar."""
        # The first epoch waits for a graph to be made: it says little of the others.
        self._begun_at = self._begun_at or time.monotonic()
        new = self._counter.reached(job.id, epoch, begun_at=job.initial_epoch)
        self._epochs_used += new
        self._trained += new
        self._refresh()

    def on_trial_start(self, job: Job, trial: Trial) -> None:
        """Count a new trial; one that had failed is open again."""
        self._trials = max(self._trials, job.trial_id)
        self._bad.pop(job.trial_id, None)

    def on_trial_end(self, job: Job, trial: Trial) -> None:
        """Note a score, and say at once what could not be trained."""
        # Epochs that only some of the folds had are not on record.
        self._epochs_used += self._counter.ended(job.id, trial.epochs)
        if trial.state.is_bad:
            self._bad[trial.id] = trial.state
            self._console.print(f"  trial {trial.id} {trial.state}: {trial.reason}", style="yellow")
        elif trial.score is not None and (
            self._best is None or self._sign * trial.score > self._sign * self._best
        ):
            self._best = trial.score
            self._show_better()
        self._refresh()

    def _show_better(self) -> None:
        """Say that there is a better trial, where no line moves."""
        if not self._console.is_terminal:
            self._console.print(f"{self._title}: {self._standing()}")

    def on_ranges_moved(self, proposal: Proposal) -> Proposal | None:
        """Say how the ranges move; ask first where the search is interactive."""
        self._end_bar()
        if self._interactive:
            return self._ask(proposal)
        for move in proposal.changes:
            if move.verdict is not Verdict.KEEP:
                ranges = f"{describe_range(move.old)} → {describe_range(move.new)}"
                self._console.print(f"  {move.verdict.value:<7}{move.name}: {ranges}", style="cyan")
        return proposal

    def _ask(self, proposal: Proposal) -> Proposal | None:
        """Ask what to do with a proposal; None where the person leaves or nobody answers."""
        from hptune.cli.ask import ask
        from hptune.views.snapshot import read_snapshot

        assert self._study is not None
        left = max(0, self._budget - self._epochs_used)
        best = "" if self._best is None else f" Best {significant(self._best, 4)}."
        headline = (
            f"{self._title.capitalize()} is over after {self._told}.{best}"
            f" {left} of {self._budget} epochs are left{self._time_left()}."
        )
        try:
            with _interrupts_at_once():
                decided = ask(proposal, read_snapshot(self._study), headline=headline, err=True)
        except click.Abort:
            decided = None
        if decided is None:
            self._console.print("Nothing was changed. The same command asks again.")
        # What was thought over was not trained.
        self._begun_at, self._trained = None, 0
        return decided

    @property
    def _told(self) -> str:
        return counted(self._trials, "trial")

    def on_space_exhausted(self, the_pass: Pass) -> None:
        """Say that there is nothing more to try."""
        self._console.print(f"  pass {the_pass.number}: every configuration of its space was tried")

    def _standing(self) -> str:
        parts = [self._told, f"{self._epochs_used}/{self._budget} epochs"]
        if self._best is not None:
            parts.append(f"best {significant(self._best, 4)}")
        bad = Counter(self._bad.values())
        parts += [f"{bad[state]} {state}" for state in TrialState if bad[state]]
        seconds = self._seconds_left()
        if seconds is not None:
            parts.append(f"ETA {_duration(seconds)}")
        return " · ".join(parts)

    def _seconds_left(self) -> float | None:
        """Return the time that the budget will still take, by the pace so far."""
        if self._begun_at is None or self._trained < 10:
            return None
        pace = (time.monotonic() - self._begun_at) / (self._trained - 1)
        return pace * (self._budget - self._epochs_used)

    def _time_left(self) -> str:
        seconds = self._seconds_left()
        return "" if seconds is None else f", about {_duration(seconds)} at the pace so far"

    def _refresh(self) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=self._epochs_used, standing=self._standing())

    def _end_bar(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextlib.contextmanager
def _interrupts_at_once() -> Iterator[None]:
    """Let Ctrl-C end a question, where nothing is trained that could be finished first."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def stop_on_signals(max_seconds: float | None) -> Iterator[Stop]:
    """Let the first Ctrl-C (or SIGTERM) end what is trained after its epoch, and the second at once.

    Where nothing is trained, as while data and model are loaded, the first ends all at once too. Processes
    that a user's data forks to load batches leave Ctrl-C to this one.
    """
    own = os.getpid()
    deadline = None if max_seconds is None else time.monotonic() + max_seconds
    stop = Stop(deadline=deadline)

    def asked(number: int, frame: FrameType | None) -> None:
        if os.getpid() != own:
            if number == signal.SIGTERM:
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
            return
        if stop.asked or not stop.running:
            raise KeyboardInterrupt
        stop.asked = True
        say("\nStopping after this epoch; Ctrl-C again stops at once.", err=True)

    before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
