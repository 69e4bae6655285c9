"""Which failed trials a resumed search tries again, and how the user is told.

A failure is the code's: it says nothing of the configuration once the code is mended.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hptune._text import counted
from hptune.search.task import trained_by_other_code
from hptune.space import Choice, Fixed, Space, Values
from hptune.study import Study

if TYPE_CHECKING:
    from hptune.models.model import Model

__all__ = ["Retries", "find_retries", "has_failed_trials", "retrying"]


@dataclass(frozen=True, kw_only=True)
class Retries:
    """Failed trials that are tried again."""

    trials: tuple[int, ...] = ()
    """In the order in which they were asked for."""
    of_earlier_code: bool = False
    """All of them failed with another version of the model's code."""
    model: str = ""

    def queue(self) -> deque[int]:
        """Return the trials, to be taken one by one."""
        return deque(self.trials)

    def line(self, *, paid: bool) -> str:
        """Say what becomes of them; `paid` says that there is budget left. "" where there are none."""
        if not self.trials:
            return ""
        one = len(self.trials) == 1
        which = counted(len(self.trials), "failed trial")
        which += f" of an earlier version of {self.model}" if self.of_earlier_code else ""
        if paid:
            return f"{which} {'is' if one else 'are'} tried again"
        return f"{which} {'waits' if one else 'wait'} for a larger --trials"


def has_failed_trials(study: Study) -> bool:
    """Return whether there is anything to be tried again."""
    return bool(study.failed_before(study.next_job()))


def find_retries(study: Study, model: Model, *, everything: bool = False) -> Retries:
    """Return the failed trials that are tried again.

    They are those of another version of the model's code, and those that a search with --retry-failed
    began to try again; with `everything`, all that have failed. What the model's choices hold no more is left
    as it is.
    """
    space = model.space()
    failed = tuple(
        trial
        for trial in study.failed_before(study.next_job())
        if _can_be_chosen(space, study.trial(trial).values)
    )
    earlier = set(trained_by_other_code(study, model, failed))
    asked = failed if everything else study.failed_before(study.notes.retry_before)
    again = tuple(trial for trial in failed if trial in earlier or trial in asked)
    return Retries(trials=again, of_earlier_code=earlier.issuperset(again), model=model.name)


def _can_be_chosen(space: Space, values: Values) -> bool:
    """Return whether a space still has the options of a configuration; numbers may lie outside its ranges."""
    known = ((space.get(name), value) for name, value in values.items())
    return all(hp.contains(value) for hp, value in known if isinstance(hp, Choice | Fixed))


@contextmanager
def retrying(study: Study, *, asked: bool) -> Iterator[None]:
    """Note, where --retry-failed asks for it, that all failed trials so far are tried again.

    A search that was killed had not ended: the same command tries again what is left of the same trials.
    """
    if asked and not study.notes.retrying:
        study.note(retry_before=study.next_job(), retrying=True)
    try:
        yield
    except (Exception, KeyboardInterrupt):
        # Where it can't be written any more, the search has said why.
        with suppress(sqlite3.Error):
            _end(study)
        raise
    _end(study)


def _end(study: Study) -> None:
    if study.notes.retrying:
        study.note(retrying=False)
