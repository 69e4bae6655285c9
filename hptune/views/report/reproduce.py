"""How to get the same again: command, versions, seed, data."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime

from hptune.views.report.html import Section, code, paragraph, table
from hptune.views.snapshot import Snapshot

__all__ = ["reproduce"]


def reproduce(snapshot: Snapshot) -> Section:
    """Return the commands and what must be the same for the same result."""
    identity, notes = snapshot.identity, snapshot.notes
    study = shlex.quote(snapshot.folder)
    parts = []
    if notes.command:
        parts += [
            paragraph("The search; the same command resumes it:"),
            code(notes.command),
        ]
    if snapshot.best:
        parts += [
            paragraph("The best configuration with fresh seeds, and as a model:"),
            code(f"hptune confirm {study}"),
            code(f"hptune export {study} --format keras"),
        ]
    rows = [
        ["data", identity.data],
        ["data fingerprint", identity.data_fingerprint],
        ["model", f"{identity.model} ({identity.model_fingerprint})"],
        ["objective", f"{identity.objective}, {identity.direction}"],
        ["seed", str(identity.seed)],
        ["epochs of a full training", str(identity.epochs)],
        ["search algorithm", identity.oracle],
        *([name.replace("_", " "), str(v)] for name, v in identity.settings.items() if v is not None),
        ["hptune", notes.version],
        *([name, v] for name, v in notes.versions.items()),
        ["created", _date(notes.created_at)],
    ]
    parts.append(table(["what", "value"], rows, caption="What makes a result the same"))
    return Section(id="reproduce", title="How to reproduce it", body="".join(parts))


def _date(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC" if seconds else ""
