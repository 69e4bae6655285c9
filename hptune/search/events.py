"""Whoever hears what a search does, and how it is asked to stop."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from hptune.data import Dataset
from hptune.study import Pass, Study
from hptune.study.notes import WarmStart
from hptune.study.proposal import Proposal
from hptune.study.trial import Job, Trial

__all__ = ["Listener", "Listeners", "Stop"]


@dataclass
class Stop:
    """Asks a search to end after the epoch that is running."""

    asked: bool = False
    """The user asked (Ctrl-C)."""
    running: bool = False
    """Epochs have been trained: the one under way is waited for. Before that, asking ends all at once."""
    deadline: float | None = None
    """Monotonic time after which no epoch begins; None for no limit."""

    @property
    def now(self) -> bool:
        """Whether to stop."""
        return self.asked or self.out_of_time

    @property
    def out_of_time(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.monotonic() >= self.deadline


class Listener:
    """Hears what a search does. This one ignores it; the command line's shows it."""

    def on_data_loaded(self, dataset: Dataset) -> None:
        """See the data that is searched on."""

    def on_remark(self, text: str) -> None:
        """Hear what the user should know of the space before it is searched."""

    def on_warning(self, text: str) -> None:
        """Hear of something that went wrong beside the search."""

    def on_study_opened(self, study: Study, budget: int) -> None:
        """See where the study stands before the search continues to `budget` epochs."""

    def on_warm_starts(self, warm_starts: tuple[WarmStart, ...]) -> None:
        """See the configurations that a new search tries first, after the defaults."""

    def on_pass_start(self, the_pass: Pass, end: int) -> None:
        """Note that a pass begins (or is resumed) and lasts until `end` epochs are used in all."""

    def on_trial_start(self, job: Job, trial: Trial) -> None:
        """Note that a job begins."""

    def on_epoch_end(self, job: Job, epoch: int, report: Mapping[str, float]) -> None:
        """Note that a job has trained another epoch."""

    def on_trial_end(self, job: Job, trial: Trial) -> None:
        """Note that a job has ended and its trial stands as given."""

    def on_ranges_moved(self, proposal: Proposal) -> Proposal | None:
        """See what a pass taught; return the proposal to continue with, or None to stop here."""
        return proposal

    def on_space_exhausted(self, the_pass: Pass) -> None:
        """Note that a pass ends early because its space holds nothing more to try."""


class Listeners(Listener):
    """Several listeners as one. The first is asked where something is to be decided."""

    def __init__(self, first: Listener, *others: Listener) -> None:
        self._first = first
        self._all = (first, *others)

    def on_data_loaded(self, dataset: Dataset) -> None:
        for one in self._all:
            one.on_data_loaded(dataset)

    def on_remark(self, text: str) -> None:
        for one in self._all:
            one.on_remark(text)

    def on_warning(self, text: str) -> None:
        for one in self._all:
            one.on_warning(text)

    def on_study_opened(self, study: Study, budget: int) -> None:
        for one in self._all:
            one.on_study_opened(study, budget)

    def on_warm_starts(self, warm_starts: tuple[WarmStart, ...]) -> None:
        for one in self._all:
            one.on_warm_starts(warm_starts)

    def on_pass_start(self, the_pass: Pass, end: int) -> None:
        for one in self._all:
            one.on_pass_start(the_pass, end)

    def on_trial_start(self, job: Job, trial: Trial) -> None:
        for one in self._all:
            one.on_trial_start(job, trial)

    def on_epoch_end(self, job: Job, epoch: int, report: Mapping[str, float]) -> None:
        for one in self._all:
            one.on_epoch_end(job, epoch, report)

    def on_trial_end(self, job: Job, trial: Trial) -> None:
        for one in self._all:
            one.on_trial_end(job, trial)

    def on_ranges_moved(self, proposal: Proposal) -> Proposal | None:
        return self._first.on_ranges_moved(proposal)

    def on_space_exhausted(self, the_pass: Pass) -> None:
        for one in self._all:
            one.on_space_exhausted(the_pass)
