"""Which weights stay on disk: only those that may be resumed or exported."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from hptune.errors import StudyError
from hptune.study.trial import Job, Objective, Trial, TrialState

__all__ = ["Checkpoints", "weights_path"]

FOLDER = "checkpoints"
_NAME = re.compile(rf"{FOLDER}/trial-\d+-e\d+\.npz")

KEEP_BEST = 3
"""Complete trials whose weights are kept."""
KEEP_RESUMABLE = 32
"""Paused trials whose weights are kept; any other starts over if it is resumed."""


def weights_path(folder: Path, checkpoint: str) -> Path:
    """Return where a study's folder holds the weights that its database names.

    A study may come from anyone: raises StudyError for any name but those that a search gives, and for
    links, so that no file elsewhere is read, written or deleted.
    """
    path = folder / checkpoint
    if not _NAME.fullmatch(checkpoint):
        raise StudyError(
            f"{folder}: weights at {checkpoint!r}, which no search wrote",
            hint="The database was edited: no file outside the study's folder is touched.",
        )
    for part in (path.parent, path):
        if part.is_symlink():
            raise StudyError(
                f"{part}: a link, which no search wrote", hint="Replace it by what it points to."
            )
    return path


@dataclass
class Checkpoints:
    """The weights of one study. What it holds is bounded, however many trials there are."""

    folder: Path
    """The study's folder."""
    objective: Objective
    _complete: dict[int, Trial] = field(default_factory=dict)
    _stopped: dict[int, Trial] = field(default_factory=dict)

    def prepare(self, job: Job, *, full: bool) -> Job:
        """Return the job with the paths to resume from and to write to.

        Where the weights to resume from are gone it starts over: the same seed gives the
        same training. `full` says that this is the last rung.
        """
        try:
            (self.folder / FOLDER).mkdir(exist_ok=True)
        except OSError as error:
            raise StudyError(f"{self.folder}/{FOLDER}: can't be made: {error.strerror}") from error
        source = weights_path(self.folder, job.checkpoint) if job.checkpoint else None
        there = source is not None and source.is_file()
        target = weights_path(self.folder, f"{FOLDER}/trial-{job.trial_id:05d}-e{job.epochs:04d}.npz")
        return replace(
            job,
            initial_epoch=job.initial_epoch if there else 0,
            checkpoint=str(source) if there else "",
            keep_as=str(target),
            keep_if=self._bar() if full else None,
        )

    def _bar(self) -> float | None:
        """Return the score that a complete trial must reach for its weights to be kept."""
        if len(self._complete) < KEEP_BEST:
            return None
        return min(self._complete.values(), key=self._rank).score

    def _rank(self, trial: Trial) -> float:
        """More is better."""
        return float("-inf") if trial.score is None else self.objective.sign * trial.score

    def relative(self, path: str) -> str:
        """Return a path as the study keeps it: relative to its folder."""
        return str(Path(path).relative_to(self.folder)) if path else ""

    def remember(self, trials: Iterable[Trial]) -> None:
        """Take note of weights that the study holds already."""
        for trial in trials:
            if trial.checkpoint:
                self._shelf(trial)[trial.id] = trial

    def settle(self, trial: Trial) -> list[int]:
        """Take in a trial as it stands after a job; returns the trials whose weights were let go."""
        self._complete.pop(trial.id, None)
        self._stopped.pop(trial.id, None)
        for file in (self.folder / FOLDER).glob(f"trial-{trial.id:05d}-*"):
            if f"{FOLDER}/{file.name}" != trial.checkpoint:
                file.unlink(missing_ok=True)
        if not trial.checkpoint:
            return []
        shelf = self._shelf(trial)
        shelf[trial.id] = trial
        room = KEEP_BEST if shelf is self._complete else KEEP_RESUMABLE
        let_go = sorted(shelf.values(), key=self._rank)[: max(0, len(shelf) - room)]
        for old in let_go:
            del shelf[old.id]
        return [old.id for old in let_go]

    def delete(self, trials: Iterable[Trial]) -> None:
        """Delete the weights of trials that the study has forgotten them of."""
        for trial in trials:
            if trial.checkpoint:
                weights_path(self.folder, trial.checkpoint).unlink(missing_ok=True)

    def _shelf(self, trial: Trial) -> dict[int, Trial]:
        return self._complete if trial.state is TrialState.COMPLETE else self._stopped
