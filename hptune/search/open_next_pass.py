"""Which pass a search runs next: the first, one that was given, or one that was edited."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hptune.errors import SpaceError
from hptune.search.next_pass import NEXT_PASS, read_next_pass, remove_next_pass
from hptune.search.task import SearchTask
from hptune.space import Choice, Space
from hptune.space.files import located
from hptune.study import Study

if TYPE_CHECKING:
    from hptune.data import Dataset

__all__ = ["open_next_pass"]


def open_next_pass(study: Study, task: SearchTask, dataset: Dataset, space: Space) -> None:
    """Open the next pass before the search continues: the first, a given or an edited one."""
    passes = study.passes()
    # What its trials found since is no other space.
    given = [p.space.extended(task.found) for p in passes if p.origin == "given"]
    if passes:
        _require_same_zeros(space, passes[0].space)
        space = _without_what_is_gone(space, passes[0].space)
    if not given or given[-1] != space:
        study.open_pass(space, proposal=None, origin="given")
    edited = read_next_pass(study) if passes else None
    if edited is None:
        return
    path = study.folder / NEXT_PASS
    if edited.next_space != study.passes()[-1].space:
        try:
            # The model itself checks it, before anything is written.
            replace(task, space=edited.next_space, space_file="").load_model(dataset)
        except SpaceError as error:
            raise located(error, path) from error
        study.open_pass(edited.next_space, proposal=edited, origin=edited.origin)
    remove_next_pass(study)


def _require_same_zeros(space: Space, first: Space) -> None:
    """Refuse a space in which other numbers may be 0: a trial's values would mean something else in it."""
    now, before = space.zero_switches, first.zero_switches
    for switch in (*now, *before):
        if now.get(switch) == before.get(switch):
            continue
        name = (now if switch in now else before)[switch]
        may = "may" if switch in before else "may not"
        raise SpaceError(
            f"{may} be exactly 0 in the first pass of this study, and that can't change",
            hint=f"Begin a new study (--study, or --fresh), which can take this one's trials (--learn-from);"
            f" or search on with a space file that says so of {name}.",
            name=name,
        )


def _without_what_is_gone(space: Space, first: Space) -> Space:
    """Return a space of which options that the first pass had, and it has not, are not tried again."""
    changed = []
    for now in space:
        before = first.get(now.name)
        if isinstance(now, Choice) and isinstance(before, Choice):
            gone = any(not now.contains(option) for option in before.options)
            changed += [replace(now, hard=True)] if gone and not now.hard else []
    return space.with_changes(changed) if changed else space
