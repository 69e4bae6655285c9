"""Rows of the database ↔ the frozen values of the ground floor."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

from hptune.space import Hyperparameter, Number, Space, Value, Values
from hptune.space.as_dict import (
    hyperparameter_from_dict,
    hyperparameter_to_dict,
    space_from_dict,
    space_to_dict,
)
from hptune.space.condition import kind_of
from hptune.space.scales import Scale
from hptune.study.cells import DamagedCellError, epochs, read_json, scalars
from hptune.study.notes import read_note
from hptune.study.proposal import Move, Proposal, Verdict
from hptune.study.records import Identity
from hptune.study.trial import Direction, Epoch, Job, Trial, TrialState

__all__ = [
    "added_of",
    "curve_of",
    "found_of",
    "found_to_json",
    "identity_from_json",
    "job_of",
    "memo_of",
    "oracle_values_of",
    "proposal_from_json",
    "proposal_of",
    "proposal_to_json",
    "read_whole",
    "space_of",
    "space_to_json",
    "trial_from_row",
]


def space_to_json(space: Space) -> str:
    """Return a space as JSON text."""
    return json.dumps(space_to_dict(space))


def space_of(row: sqlite3.Row) -> Space:
    """Return the space that `space_to_json` wrote into a row of `passes`."""
    space: Space = _read("passes", row, "space", _space, "a search space", key="number")
    return space


def _space(content: Any) -> Space:
    space = space_from_dict(content)
    if not space.hyperparameters or not isinstance(space.name, str) or not isinstance(space.description, str):
        raise TypeError("name and description are text")
    return space


def proposal_of(row: sqlite3.Row) -> Proposal | None:
    """Return the proposal that `proposal_to_json` wrote into a row of `passes`; None for NULL."""
    if row["proposal"] is None:
        return None
    proposal: Proposal = _read("passes", row, "proposal", _proposal, "a proposal", key="number")
    return proposal


def found_to_json(found: Iterable[Hyperparameter]) -> str:
    """Return hyperparameters as JSON text."""
    return json.dumps([hyperparameter_to_dict(hp) for hp in found])


def found_of(row: sqlite3.Row) -> tuple[Hyperparameter, ...]:
    """Return the hyperparameters that `found_to_json` wrote into a row of `jobs`; none for NULL."""
    return _read("jobs", row, "found", _found, "hyperparameters") if row["found"] is not None else ()


def _found(content: Any) -> tuple[Hyperparameter, ...]:
    return tuple(hyperparameter_from_dict(data) for data in content)


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
    """Return the proposal that `proposal_to_json` wrote; raises whatever it is not."""
    return _proposal(json.loads(text))


def _proposal(content: Any) -> Proposal:
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
    if sorted(move.name for move in moves) != sorted(hp.name for hp in space):
        raise ValueError("one move for each hyperparameter")
    texts = [*content["notes"], *(move.reason for move in moves)]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("notes and reasons are text")
    return Proposal(space=space, moves=moves, notes=tuple(content["notes"]))


def identity_from_json(text: Any) -> Identity:
    """Return what a study is about, of the row of `meta` that says so."""
    found: Identity = read_json("meta", "identity", "value", text, _identity, "what the study is about")
    return found


def _identity(content: Any) -> Identity:
    identity = Identity(**content | {"direction": Direction(content["direction"])})
    texts = ("data", "data_fingerprint", "model", "model_fingerprint", "objective", "oracle")
    wrong = [name for name in texts if not isinstance(getattr(identity, name), str)]
    wrong += [name for name in ("epochs", "seed") if type(getattr(identity, name)) is not int]
    if wrong or identity.epochs < 1 or identity.seed < 0:
        raise ValueError(f"{wrong}")
    scalars({name: value for name, value in identity.settings.items() if value is not None})
    return identity


def trial_from_row(
    row: sqlite3.Row, curve: tuple[Epoch, ...], root: Space | None = None, objective: str | None = None
) -> Trial:
    """Return the trial of a row of `trials`, with its curve.

    Its values are some that `root` can have, and its best epoch is one of the curve's that has the
    objective, where these are given. Raises DamagedCellError.
    """
    best = row["best_epoch"]
    if objective is not None and best is not None and (best > len(curve) or objective not in curve[best - 1]):
        expected = f"an epoch of its curve that has {objective}"
        raise DamagedCellError("trials", row["id"], "best_epoch", repr(best), expected)
    fields: dict[str, Any] = {key: row[key] for key in row.keys()}  # noqa: SIM118 - a Row is no mapping
    fields["values"] = _read("trials", row, "values", lambda found: _values(found, root), "values by name")
    fields["state"] = TrialState(fields["state"])
    return Trial(**fields, curve=curve)


def _values(found: Any, root: Space | None) -> Values:
    for name, value in scalars(found).items():
        hp = None if root is None else root.get(name)
        if hp is not None and not _fits(hp, value):
            raise ValueError(f"{name}: {value!r}")
    values: Values = found
    return values


def _fits(hp: Hyperparameter, value: Value) -> bool:
    """Return whether a hyperparameter can ever have had this value, in whichever range."""
    if kind_of(value) != kind_of(hp.initial):
        return False
    if not isinstance(hp, Number):
        return True
    number = float(value)
    return not (hp.scale is Scale.LOG and number <= 0) and not (
        hp.scale is Scale.LOG_COMPLEMENT and number >= 1
    )


def curve_of(row: sqlite3.Row) -> list[dict[str, float]]:
    """Return what the epochs of a row of `jobs` reported."""
    curve: list[dict[str, float]] = _read("jobs", row, "curve", epochs, "numbers by metric for each epoch")
    return curve


def oracle_values_of(row: sqlite3.Row) -> Values:
    """Return what the oracle said in a row of `jobs`."""
    values: Values = _read("jobs", row, "oracle_values", scalars, "values by name")
    return values


def added_of(row: sqlite3.Row) -> Values:
    """Return the values that a model asked for beyond its trial's; none for NULL."""
    if row["added"] is None:
        return {}
    values: Values = _read("jobs", row, "added", scalars, "values by name")
    return values


def memo_of(row: sqlite3.Row) -> object:
    """Return the oracle's small state of a row of `jobs`; None for NULL."""
    if row["memo"] is None:
        return None
    return _read("jobs", row, "memo", lambda memo: memo, "JSON")


def read_whole(table: str, row: sqlite3.Row) -> object:
    """Read all JSON of a row; returns what was made of it. Raises DamagedCellError."""
    if table == "meta":
        if row["key"] == "identity":
            return identity_from_json(row["value"])
        return read_note(row["key"], row["value"])
    if table == "passes":
        return space_of(row), proposal_of(row)
    if table == "trials":
        return trial_from_row(row, ())
    if table == "jobs":
        return oracle_values_of(row), memo_of(row), added_of(row), found_of(row), curve_of(row)
    return None


def _read(
    table: str, row: sqlite3.Row, column: str, read: Callable[[Any], Any], expected: str, key: str = "id"
) -> Any:
    return read_json(table, row[key], column, row[column], read, expected)


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
