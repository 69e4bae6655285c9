"""What a search is asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from hptune.errors import StudyMismatchError
from hptune.search.task import SearchTask
from hptune.space import Space
from hptune.strategy.plan import Plan, plan
from hptune.study import Study, default_path
from hptune.study.trial import metric_of

__all__ = ["SearchOptions"]


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """What a search is asked for, beside its task."""

    task: SearchTask
    study: Path | None = None
    passes: int
    trials: int
    """The budget: as many full trainings, in all."""
    oracle: str
    """The search algorithm: one of `hptune.oracles.ORACLES`, or the name of a package's entry point."""
    objective: str | None = None
    workers: int = 1
    trial_seconds: float | None = None
    """Longest that a job may be trained, above 0; one that takes longer is infeasible. None for no limit."""
    learn_from: tuple[str, ...] = ()
    """Past studies whose best configurations are tried first; "auto" for all others."""
    presets: bool = True
    """Whether a recipe's presets are tried first too."""
    fresh: bool = False
    """Archive the existing study and start over."""
    retry_failed: bool = False
    """Try all trials of the study again that have failed."""
    command: str = ""
    """The command line that repeats this."""

    @property
    def folder(self) -> Path:
        """The study's folder."""
        return self.study or default_path(self.task.data, self.task.model)

    @property
    def budget(self) -> int:
        """Epochs that the whole search may cost."""
        return self.trials * self.task.epochs

    def plan(self, space: Space) -> Plan:
        """Return what the budget buys in `space`."""
        return plan(space, trials=self.trials, epochs=self.task.epochs, passes=self.passes)

    def resuming(self, study: Study) -> SearchOptions:
        """Return the same with what a study settled: its objective, who trains, what trials asked for.

        What an older hptune left to no choice stays as it was.

        Raises StudyMismatchError where another objective is asked for.
        """
        identity = study.identity
        direction, _, name = (self.objective or identity.objective).rpartition(":")
        if name != identity.objective or direction not in ("", identity.direction.value):
            raise StudyMismatchError(
                f"{self.folder}: this study's objective is {identity.direction.value}:{identity.objective},"
                f" not {self.objective}",
                hint="Give the new search its own folder with --study, or archive this one with --fresh.",
            )
        notes = study.notes
        task = replace(
            self.task.as_in(identity.settings),
            numpy_difference=notes.numpy_difference,
            in_one_go=notes.in_one_go,
            metric=metric_of(name),
            found=study.found(),
        )
        return replace(self, task=task)
