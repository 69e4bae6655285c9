"""Where progress is shown: stderr, every text shown as it is."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from hptune._text import printable

__all__ = ["EpochCounter", "bar", "console"]


class _Quiet(Console):
    """A console that falls silent where its reader has gone; the work continues."""

    def print(self, *objects: Any, **how: Any) -> None:
        """Print texts as a terminal may show them."""
        shown = (printable(one) if isinstance(one, str) else one for one in objects)
        super().print(*shown, **how)

    def on_broken_pipe(self) -> None:
        self.quiet = True


def console() -> Console:
    """Return a console on stderr; texts hold names and messages from anywhere: none is markup."""
    return _Quiet(stderr=True, highlight=False, markup=False, emoji=False)


def bar(on: Console) -> Progress:
    """Return a bar between a description and a `standing` field."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=16),
        TextColumn("{task.fields[standing]}", markup=False),
        console=on,
        refresh_per_second=4,
    )


class EpochCounter:
    """Counts the epochs of trainings by the furthest that each has reached.

    Of folds one epoch each makes one epoch of their mean: not every report is another epoch.
    """

    def __init__(self) -> None:
        self._reached: dict[object, int] = {}

    def reached(self, training: object, epoch: int, *, begun_at: int = 0) -> int:
        """Return how many epochs are new now that a training reports one; it began after `begun_at`."""
        before = self._reached.get(training, begun_at)
        self._reached[training] = max(before, epoch)
        return self._reached[training] - before

    def ended(self, training: object, epochs: int) -> int:
        """Return what a training that ended has on record beyond what it reported: 0 or less."""
        reported = self._reached.get(training, epochs)
        self._reached[training] = epochs
        return min(0, epochs - reported)
