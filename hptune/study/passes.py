"""Rows of passes, and what trials asked for beyond their spaces while they ran."""

from __future__ import annotations

import sqlite3

from hptune.space import Hyperparameter
from hptune.study import rows
from hptune.study.records import Pass

__all__ = ["select_found", "select_passes"]


def select_passes(database: sqlite3.Connection) -> tuple[Pass, ...]:
    """Return the passes so far, in order, each with what its trials found."""
    found = _found_by_pass(database)
    everything = [hp for _, several in sorted(found.items()) for hp in several]
    passes = []
    for row in database.execute("SELECT * FROM passes ORDER BY number"):
        number, space = row["number"], rows.space_of(row)
        one = Pass(
            number=number,
            space=space.extended(everything if number == 1 else found.get(number, ())),
            opened_with=space,
            proposal=rows.proposal_of(row),
            origin=row["origin"],
            started_at=row["started_at"],
        )
        passes.append(one)
    return tuple(passes)


def select_found(database: sqlite3.Connection) -> tuple[Hyperparameter, ...]:
    """Return what only trials asked for, by the conditions known now, in the order in which it was found."""
    found = _found_by_pass(database)
    latest = {hp.name: hp for _, several in sorted(found.items()) for hp in several}
    return tuple(latest.values())


def _found_by_pass(database: sqlite3.Connection) -> dict[int, list[Hyperparameter]]:
    query = "SELECT id, pass_number, found FROM jobs WHERE found IS NOT NULL ORDER BY reported"
    found: dict[int, list[Hyperparameter]] = {}
    for row in database.execute(query):
        found.setdefault(row["pass_number"], []).extend(rows.found_of(row))
    return found
