"""Brings the database of an older hptune up to date."""

from __future__ import annotations

import json
import sqlite3

__all__ = ["migrate"]


def migrate(database: sqlite3.Connection, version: int) -> None:
    """Bring tables of an older schema up to date; the caller's transaction makes it all or nothing."""
    for step in _STEPS[version - 1 :]:
        step(database)


def _to_2(database: sqlite3.Connection) -> None:
    """Take up the field's words: paused trials, reported jobs, typed notes."""
    database.execute("ALTER TABLE jobs RENAME COLUMN told TO reported")
    for table in ("trials", "jobs"):
        database.execute(f"UPDATE {table} SET state = 'paused' WHERE state = 'stopped early'")
    database.execute("UPDATE passes SET origin = 'user' WHERE origin = 'person'")
    for number, text in database.execute("SELECT number, proposal FROM passes").fetchall():
        if text is not None:
            moved = text.replace('"by_person":', '"by_user":')
            database.execute("UPDATE passes SET proposal = ? WHERE number = ?", (moved, number))
    notes = dict(database.execute("SELECT key, value FROM meta").fetchall())
    database.execute("DELETE FROM meta WHERE key <> 'identity'")
    database.executemany("INSERT INTO meta VALUES (?, ?)", _notes_of_1(notes).items())


def _notes_of_1(notes: dict[str, str]) -> dict[str, str]:
    """Return the notes of schema 1, some of which were plain text, as JSON under today's names."""
    plain, as_json = ("version", "command", "model_fingerprint"), ("created_at", "budget", "train_examples")
    found = {str(key): json.dumps(notes[key]) for key in plain if key in notes}
    found |= {key: notes[key] for key in (*as_json, "versions") if key in notes}
    if "guess" in notes:
        found["baseline"] = notes["guess"]
    if "starts" in notes:
        # Before there were presets a study noted configurations alone.
        found["warm_starts"] = json.dumps(
            [
                one if one.keys() == {"values", "origin"} else {"values": one, "origin": "from past studies"}
                for one in json.loads(notes["starts"])
            ]
        )
    if "paid_out" in notes:
        old = json.loads(notes["paid_out"])
        found["exhausted"] = json.dumps({"budget": old["budget"], "request": old["asked"]})
    return found


def _to_3(database: sqlite3.Connection) -> None:
    """Let jobs hold what their models asked for beyond what was found."""
    database.execute("ALTER TABLE jobs ADD COLUMN added TEXT")
    database.execute("ALTER TABLE jobs ADD COLUMN found TEXT")
    database.execute("CREATE INDEX jobs_that_found ON jobs (reported) WHERE found IS NOT NULL")


def _to_4(database: sqlite3.Connection) -> None:
    """Let failed jobs be tried again."""
    database.execute("ALTER TABLE jobs ADD COLUMN superseded_by INTEGER")
    database.execute("CREATE INDEX jobs_superseded ON jobs (superseded_by) WHERE superseded_by IS NOT NULL")


_STEPS = (_to_2, _to_3, _to_4)
"""The first brings schema 1 to 2, and so on."""
