"""Rows of the database ↔ the frozen values of the ground floor."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from hptune.space import Hyperparameter, Space
from hptune.space.as_dict import (
    hyperparameter_from_dict,
    hyperparameter_to_dict,
    space_from_dict,
    space_to_dict,
)
from hptune.study.proposal import Move, Proposal, Verdict
from hptune.study.trial import Epoch, Job, Trial, TrialState

__all__ = [
    "found_from_json",
    "found_to_json",
    "job_of",
    "proposal_from_json",
    "proposal_to_json",
    "space_from_json",
    "space_to_json",
    "trial_from_row",
]


def space_to_json(space: Space) -> str:
    """Return a space as JSON text."""
    return json.dumps(space_to_dict(space))


def space_from_json(text: str) -> Space:
    """Return the space that `space_to_json` wrote."""
    return space_from_dict(json.loads(text))


def found_to_json(found: Iterable[Hyperparameter]) -> str:
    """Return hyperparameters as JSON text."""
    return json.dumps([hyperparameter_to_dict(hp) for hp in found])


def found_from_json(text: str | None) -> tuple[Hyperparameter, ...]:
    """Return the hyperparameters that `found_to_json` wrote; none for None."""
    return tuple(hyperparameter_from_dict(data) for data in json.loads(text or "[]"))


def proposal_to_json(proposal: Proposal) -> str:
    """Return a proposal as JSON text."""
    return json.dumps(
        {
            "space": space_to_dict(proposal.space),
            "next_space": space_to_dict(proposal.next_space),
            "moves": [
                {"name": m.name, "verdict": m.verdict.value, "reason": m.reason, "by_user": m.by_user}
                for m in proposal.moves
            ],
            "notes": list(proposal.notes),
        }
    )


def proposal_from_json(text: str) -> Proposal:
    """Return the proposal that `proposal_to_json` wrote."""
    content = json.loads(text)
    space, next_space = space_from_dict(content["space"]), space_from_dict(content["next_space"])
    moves = tuple(
        Move(
            name=m["name"],
            verdict=Verdict(m["verdict"]),
            old=space[m["name"]],
            new=next_space[m["name"]],
            reason=m["reason"],
            by_user=m["by_user"],
        )
        for m in content["moves"]
    )
    return Proposal(space=space, moves=moves, notes=tuple(content["notes"]))


def trial_from_row(row: sqlite3.Row, curve: tuple[Epoch, ...]) -> Trial:
    """Return the trial of a row of `trials`, with its curve."""
    fields: dict[str, Any] = {key: row[key] for key in row.keys()}  # noqa: SIM118 - a Row is no mapping
    fields["values"] = json.loads(fields["values"])
    fields["state"] = TrialState(fields["state"])
    return Trial(**fields, curve=curve)


def job_of(job_id: int, trial: Trial, initial_epoch: int, epochs: int) -> Job:
    """Return a job of `trial`, from `initial_epoch` with the weights that it has."""
    return Job(
        id=job_id,
        trial_id=trial.id,
        values=trial.values,
        seed=trial.seed,
        initial_epoch=initial_epoch,
        epochs=epochs,
        checkpoint=trial.checkpoint if initial_epoch else "",
    )
