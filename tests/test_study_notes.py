"""What a search notes of itself is typed, and comes back as it was noted."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import identity

from hptune.study import Study
from hptune.study.notes import Baseline, ExhaustedBudget, StudyNotes, WarmStart, note_to_json, read_notes

FINITE = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.dictionaries(st.text(), st.one_of(st.integers(), FINITE, st.text(), st.booleans()))
NOTES = st.builds(
    StudyNotes,
    created_at=FINITE,
    version=st.text(),
    command=st.text(),
    warm_starts=st.lists(st.builds(WarmStart, values=VALUES, origin=st.text())).map(tuple),
    model_fingerprint=st.text(),
    baseline=st.none() | st.builds(Baseline, what=st.text(), score=FINITE),
    numpy_difference=st.text(),
    budget=st.integers(),
    train_examples=st.integers(),
    versions=st.dictionaries(st.text(), st.text()),
    exhausted=st.none() | st.builds(ExhaustedBudget, budget=st.integers(), request=st.none() | VALUES),
)


@given(NOTES)
def test_notes_survive_being_written_and_read(notes: StudyNotes) -> None:
    rows = {field.name: note_to_json(field.name, getattr(notes, field.name)) for field in fields(StudyNotes)}
    assert read_notes(rows) == notes
    assert read_notes(rows | {"of a newer hptune": "1"}) == notes


def test_a_study_keeps_what_was_noted_last(tmp_path: Path) -> None:
    with Study.create(tmp_path / "s", identity(), command="hptune search") as study:
        study.note(budget=60, versions={"keras": "3.15.1"})
        study.note(budget=90)
        notes = study.notes
    assert (notes.budget, notes.versions, notes.command) == (90, {"keras": "3.15.1"}, "hptune search")
    assert notes.created_at > 0


@pytest.mark.parametrize("noted", [{"bugdet": 3}, {"budget": 3, "starts": []}])
def test_a_note_of_an_unknown_name_is_refused_whole(tmp_path: Path, noted: dict[str, Any]) -> None:
    with Study.create(tmp_path / "s", identity()) as study:
        with pytest.raises(ValueError, match="a study has no such note"):
            study.note(**noted)
        assert study.notes.budget == 0
