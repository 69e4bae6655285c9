"""The next pass as a file: what was proposed is kept, what was edited is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.studies import Recipe, build

from hptune.search import next_pass
from hptune.search.next_pass import (
    NEXT_PASS,
    edited,
    propose_for,
    read_next_pass,
    remove_next_pass,
    write_next_pass,
)
from hptune.study import Study
from hptune.study.proposal import Verdict


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return build(tmp_path / "s", Recipe(trials=40, passes=2))


def no_model(study: Study) -> None:
    raise AssertionError("the model was fitted again")


def test_reading_what_was_written_fits_no_model(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    proposal = edited(study, propose_for(study), sets=("learning_rate=1e-3..1e-2",))
    write_next_pass(study, proposal)
    monkeypatch.setattr(next_pass, "propose_for", no_model)
    again = read_next_pass(study)
    assert again is not None
    assert (again.moves, again.notes, again.origin) == (proposal.moves, proposal.notes, "user")


def test_an_edited_line_is_the_users_and_the_rest_keeps_its_reasons(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = propose_for(study)
    path = write_next_pass(study, proposal)
    monkeypatch.setattr(next_pass, "propose_for", no_model)
    path.write_text("hyperparameters:\n  dropout: 0.25\n", encoding="utf-8")
    frozen = read_next_pass(study)
    assert frozen is not None
    assert (frozen["dropout"].verdict, frozen["dropout"].by_user) == (Verdict.FREEZE, True)
    assert [m for m in frozen.moves if m.name != "dropout"] == [
        m for m in proposal.moves if m.name != "dropout"
    ]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"space": 3}', '{"space": {"name": "x"}}'])
def test_a_damaged_proposal_is_made_anew(study: Study, text: str) -> None:
    proposal = propose_for(study)
    path = write_next_pass(study, proposal)
    (path.parent / "next-pass.proposal.json").write_text(text, encoding="utf-8")
    again = read_next_pass(study)
    assert again is not None
    assert again.moves == proposal.moves


def test_removing_it_leaves_nothing(study: Study) -> None:
    path = write_next_pass(study, propose_for(study))
    remove_next_pass(study)
    assert path.name == NEXT_PASS
    assert list(path.parent.glob("next-pass*")) == []
