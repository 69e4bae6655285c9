"""The rows of trials that were trained again with other seeds."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, fields

from hptune.study.records import Confirmation

__all__ = ["insert", "select"]

_COLUMNS = ", ".join(field.name for field in fields(Confirmation))
_VALUES = ", ".join(f":{field.name}" for field in fields(Confirmation))


def insert(database: sqlite3.Connection, confirmation: Confirmation) -> None:
    """Write one down; the same trial, epochs and number twice is a bug."""
    database.execute(f"INSERT INTO confirmations ({_COLUMNS}) VALUES ({_VALUES})", asdict(confirmation))


def select(database: sqlite3.Connection) -> tuple[Confirmation, ...]:
    """Return those of each trial as long as the trial has been trained by now, in order.

    A trial that went on after it was confirmed is another training now: its earlier ones stay in
    the database and count no more.
    """
    query = (
        f"SELECT {', '.join(f'c.{field.name}' for field in fields(Confirmation))} FROM confirmations c"
        " JOIN trials t ON t.id = c.trial_id AND t.epochs = c.asked ORDER BY c.trial_id, c.number"
    )
    return tuple(Confirmation(**dict(row)) for row in database.execute(query))
