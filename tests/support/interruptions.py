"""Searches that are killed or stopped somewhere, and what must be the same afterwards."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from hptune.search.events import Listener, Stop
from hptune.study import Study
from hptune.study.trial import Job


def story(study: Study) -> list[tuple[Any, ...]]:
    """All that must be the same for two searches to be the same."""
    return [
        (t.id, t.pass_number, dict(t.values), t.seed, t.state, t.score, t.epochs, [*t.curve])
        for t in study.trials()
    ]


class Killed(BaseException):
    """Stands for a process that dies: nothing after it runs."""


def kill_at(method: str, count: int, monkeypatch: pytest.MonkeyPatch, *, after: bool) -> None:
    """Die at the count-th call of a method of Study, before or after it has written."""
    original: Callable[..., Any] = getattr(Study, method)
    calls = itertools.count(1)

    def dying(self: Study, *args: Any, **kwargs: Any) -> Any:
        if next(calls) == count:
            if after:
                original(self, *args, **kwargs)
            raise Killed
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Study, method, dying)


class StopsAfter(Listener):
    """Asks to stop after so many epochs, as Ctrl-C does."""

    def __init__(self, stop: Stop, epochs: int) -> None:
        self.stop, self.left = stop, epochs

    def on_epoch_end(self, job: Job, epoch: int, report: object) -> None:
        self.left -= 1
        self.stop.asked = self.left <= 0
