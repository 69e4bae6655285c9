"""Whether a search has bought all that its budget can, so that nothing need be loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hptune.data.bundled import BUNDLED
from hptune.models.recipes import RECIPES
from hptune.search.next_pass import NEXT_PASS
from hptune.search.task import SearchTask
from hptune.study import Study
from hptune.study.notes import ExhaustedBudget
from hptune.study.rows import space_to_json

__all__ = ["is_budget_exhausted", "note_exhausted"]


def note_exhausted(study: Study, task: SearchTask, *, budget: int) -> None:
    """Note that `budget` epochs bought all they could, on the files as they are now."""
    study.note(exhausted=ExhaustedBudget(budget=budget, request=_request(task)))


def is_budget_exhausted(study: Study, task: SearchTask, *, oracle: str, budget: int) -> bool:
    """Return whether the very same search has already used at least this budget.

    False wherever that can't be determined cheaply and surely: other files, folders, another space.
    """
    noted, request = study.notes.exhausted, _request(task)
    if noted is None or request is None or study.identity.oracle != oracle:
        return False
    same = noted.request == request and noted.budget >= budget
    return same and not (study.folder / NEXT_PASS).exists()


def _request(task: SearchTask) -> dict[str, Any] | None:
    """Return everything that the search depends on, as JSON can hold it; None where that is not known."""
    sources = {"data": task.data, "validation": task.validation, "model": task.model}
    files = {name: _stamp(source) for name, source in sources.items()}
    if None in files.values():
        return None
    return {
        "files": files,
        "names": sources,
        "settings": dict(task.settings),
        "epochs": task.epochs,
        "seed": task.seed,
        "space": None if task.space is None else space_to_json(task.space),
    }


def _stamp(source: str) -> list[int] | None:
    """Return what changes where a file does; [] for what is no file; None for what can't be stamped."""
    path = Path(source)
    if path.is_file():
        found = path.stat()
        return [found.st_size, found.st_mtime_ns, found.st_ino]
    known = source in BUNDLED or source in RECIPES or source.replace(".", "", 1).isdigit()
    return [] if known else None
