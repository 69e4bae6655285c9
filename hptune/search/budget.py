"""Tells whether a search has bought all that its budget can, so that nothing need be loaded."""

from __future__ import annotations

import json
from pathlib import Path

from hptune.data.bundled import BUNDLED
from hptune.models.recipes import RECIPES
from hptune.search.next_pass import NEXT_PASS
from hptune.search.task import SearchTask
from hptune.study import Study
from hptune.study.rows import space_to_json

__all__ = ["is_budget_exhausted", "note_exhausted"]

_NOTE = "paid_out"


def note_exhausted(study: Study, search_task: SearchTask, *, budget: int) -> None:
    """Note that `budget` epochs bought all they could, on the files as they are now."""
    study.note(_NOTE, json.dumps({"budget": budget, "asked": _asked(search_task)}))


def is_budget_exhausted(study: Study, search_task: SearchTask, *, oracle: str, budget: int) -> bool:
    """Tell whether the very same search was paid out before with at least this budget.

    False wherever that can't be told cheaply and surely: other files, folders, another space.
    """
    noted = json.loads(study.meta.get(_NOTE, "null"))
    asked = _asked(search_task)
    if noted is None or asked is None or study.identity.oracle != oracle:
        return False
    same = noted["asked"] == asked and noted["budget"] >= budget
    return same and not (study.folder / NEXT_PASS).exists()


def _asked(search_task: SearchTask) -> dict[str, object] | None:
    """Return everything that the search depends on, as JSON can hold it; None where it can't be told."""
    sources = {"data": search_task.data, "validation": search_task.validation, "model": search_task.model}
    files = {name: _stamp(source) for name, source in sources.items()}
    if None in files.values():
        return None
    return {
        "files": files,
        "names": sources,
        "settings": dict(search_task.settings),
        "epochs": search_task.epochs,
        "seed": search_task.seed,
        "space": None if search_task.space is None else space_to_json(search_task.space),
    }


def _stamp(source: str) -> list[int] | None:
    """Return what changes where a file does; [] for what is no file; None for what can't be stamped."""
    path = Path(source)
    if path.is_file():
        found = path.stat()
        return [found.st_size, found.st_mtime_ns, found.st_ino]
    known = source in BUNDLED or source in RECIPES or source.replace(".", "", 1).isdigit()
    return [] if known else None
