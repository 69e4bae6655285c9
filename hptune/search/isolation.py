"""Whether a search runs in a process that may die, and what is known of the ones that did."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hptune.data.python_file import is_function_spec
from hptune.data.under_way import Death, watch
from hptune.errors import StudyError
from hptune.executors.inline import name_of
from hptune.study import Study, StudyLock

if TYPE_CHECKING:
    from hptune.search.options import SearchOptions
    from hptune.search.task import SearchTask

__all__ = ["Isolation", "forget_death", "isolation_of", "isolation_of_study", "marked_under_way"]


@dataclass(frozen=True, kw_only=True)
class Isolation:
    """A search that runs in a process that may die."""

    why: str = ""
    """In words, where nobody asked for it."""
    deaths: dict[str, Death] = field(default_factory=dict)
    """By what was under way when an earlier process died."""


def isolation_of(options: SearchOptions, asked: bool | None) -> Isolation | None:
    """Return how a search is isolated; None where it is not.

    That is where it was asked for, and where the last search of the study died while user code may have been
    under way: neither Ctrl-C nor an error ended it. None where this process is the one that may die.
    """
    if watch() is not None or asked is False:
        return None
    asked_for = Isolation() if asked else None
    if options.fresh or not _calls_user_code(options.task) or not Study.exists(options.folder):
        return asked_for
    with Study.open(options.folder) as study:
        notes = study.notes
        if notes.under_way and StudyLock.held(options.folder) is None:
            # Jobs are trained one after the other here: the first one open was under way.
            job = next(iter(study.open_jobs() if options.workers == 1 else ()), None)
            deaths = {} if job is None else {name_of(job): Death(times=1, reason="its process died")}
            during = "" if job is None else f" while trial {job.trial_id} was under way"
            return Isolation(why=f"its process died{during}", deaths=deaths)
        return Isolation(why="processes died of its trials") if notes.isolate else asked_for


def isolation_of_study(folder: Path, asked: bool | None) -> Isolation | None:
    """Return how the trials of a study are built or trained again in isolation; None where they are not.

    That is where it was asked for, and where processes died of the study's user code before. None where this
    process is the one that may die, and for a study that can't be read, which is said later.
    """
    if watch() is not None or asked is False:
        return None
    with suppress(StudyError), Study.open(folder) as study:
        notes, identity = study.notes, study.identity
        sources = (identity.model, identity.data, str(identity.settings.get("validation")))
        if any(map(is_function_spec, sources)):
            if notes.under_way and StudyLock.held(folder) is None:
                return Isolation(why="its process died")
            if notes.isolate:
                return Isolation(why="processes died of its trials")
    return Isolation() if asked else None


def forget_death(folder: Path) -> None:
    """Note that a process which holds the study no more was ended because the person asked."""
    if Study.exists(folder):
        unwritten = suppress(StudyError, sqlite3.Error)
        with unwritten, StudyLock(folder), Study.open(folder, read_only=False) as study:
            study.note(under_way=False)


@contextmanager
def marked_under_way(study: Study, task: SearchTask) -> Iterator[None]:
    """Mark a study, which this process holds, for as long as a search calls user code.

    The mark stays where the process dies, and tells the next search.
    """
    seen = watch()
    if seen is not None:
        seen.tell("study")
        if seen.deaths:
            study.note(isolate=True)
    if not _calls_user_code(task):
        yield
        return
    study.note(under_way=True)
    try:
        yield
    finally:
        # Where it can't be written any more, the search has said why.
        with suppress(sqlite3.Error):
            study.note(under_way=False)


def _calls_user_code(task: SearchTask) -> bool:
    return any(is_function_spec(source) for source in (task.model, task.data, task.validation))
