"""The progress of a search from Python: one line that moves in a notebook, the terminal's elsewhere."""

from __future__ import annotations

import html
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from hptune._text import printable
from hptune.cli.progress import ProgressListener, stop_on_signals
from hptune.search.events import Listener, Stop
from hptune.study import Pass, Study
from hptune.study.trial import Job, Trial
from hptune.tuner.wording import in_python

__all__ = ["NotebookProgress", "in_notebook", "listening", "stopping"]

_EVERY = 0.5
"""Seconds between two drawings."""
_MOST_LINES = 200
"""Lines that are kept."""


def in_notebook() -> bool:
    """Return whether this runs in a Jupyter kernel, whose output shows HTML."""
    get = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = None if get is None else get()
    return shell is not None and "IPKernelApp" in getattr(shell, "config", {})


class _Progress(ProgressListener):
    """Shows a search as the command line does, in words of Python."""

    def on_warning(self, text: str) -> None:
        super().on_warning(in_python(text))

    def on_remark(self, text: str) -> None:
        super().on_remark(in_python(text))


class NotebookProgress(_Progress):
    """Says the same in one output of the cell, which is drawn over: what was said, and below it a bar."""

    def __init__(self) -> None:
        super().__init__()
        self._console = self._said = _Lines()
        self._handle: Any = None
        self._drawn_at = 0.0

    def on_study_opened(self, study: Study, budget: int) -> None:
        super().on_study_opened(study, budget)
        self._draw(now=True)

    def on_pass_start(self, the_pass: Pass, end: int) -> None:
        self._title = f"pass {the_pass.number}"
        self._draw(now=True)

    def on_epoch_end(self, job: Job, epoch: int, report: Mapping[str, float]) -> None:
        super().on_epoch_end(job, epoch, report)
        self._draw()

    def on_trial_end(self, job: Job, trial: Trial) -> None:
        super().on_trial_end(job, trial)
        self._draw()

    def _show_better(self) -> None:
        """Do nothing: the line below the bar says it."""

    def __exit__(self, *error: Any) -> None:
        self._draw(now=True)
        super().__exit__(*error)

    def _draw(self, *, now: bool = False) -> None:
        """Draw it over, at most twice a second."""
        if not now and time.monotonic() - self._drawn_at < _EVERY:
            return
        from IPython.display import display

        self._drawn_at = time.monotonic()
        shown = _Shown(
            tuple(self._said), f"{self._title}: {self._standing()}", self._epochs_used, self._budget
        )
        if self._handle is None:
            self._handle = display(shown, display_id=True)
        else:
            self._handle.update(shown)


class _Lines(list[str]):
    """Keeps the last lines that are printed to it."""

    is_terminal = False

    def print(self, text: str, **how: Any) -> None:
        self.append(printable(text))
        del self[:-_MOST_LINES]


class _Shown:
    """A search's output as text and as HTML: a notebook shows what it can."""

    def __init__(self, lines: Sequence[str], standing: str, done: int, budget: int) -> None:
        self._text = "\n".join([*lines, standing])
        self._markup = (
            f"<pre>{html.escape(chr(10).join(lines))}</pre>"
            f'<progress value="{done}" max="{max(1, budget)}"></progress> {html.escape(standing)}'
        )

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return self._markup


@contextmanager
def listening(*, quiet: bool) -> Iterator[Listener]:
    """Give whoever shows a search."""
    if quiet:
        yield Listener()
        return
    with NotebookProgress() if in_notebook() else _Progress() as listener:
        yield listener


@contextmanager
def stopping(max_seconds: float | None) -> Iterator[Stop]:
    """Let the first Ctrl-C, or a notebook's stop button, end what is trained after its epoch.

    In a thread other than the main one, which gets no signals, only the deadline of `max_seconds` ends it.
    """
    if threading.current_thread() is threading.main_thread():
        with stop_on_signals(max_seconds) as stop:
            yield stop
        return
    yield Stop(deadline=None if max_seconds is None else time.monotonic() + max_seconds)
