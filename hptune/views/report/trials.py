"""The trials table: the best ones in the page, all of them at a press."""

from __future__ import annotations

from hptune.study.trial import Trial
from hptune.views.plots.svg import element
from hptune.views.report.html import Section, note, paragraph, table
from hptune.views.snapshot import Snapshot
from hptune.views.tables import format_value

__all__ = ["order", "trials"]

MOST_ROWS = 50
"""Rows without a press: a print of 5,000 trials helps nobody."""


def trials(snapshot: Snapshot) -> Section:
    """Return the best trials as a table; the page's script sorts it and shows the rest."""
    names = [hp.name for hp in snapshot.hyperparameters]
    header = ["trial", "pass", "state", snapshot.identity.objective, "epochs", "seconds", *names, "reason"]
    ordered = order(snapshot)
    if not ordered:
        return Section(id="trials", title="The trials", body=note("There is none yet."))
    rows = [_row(t, names) for t in ordered[:MOST_ROWS]]
    words = {
        "state",
        "reason",
        *(hp.name for hp in snapshot.hyperparameters if not _numeric(snapshot, hp.name)),
    }
    body = table(
        header,
        rows,
        caption="Trials, best first" if len(ordered) <= MOST_ROWS else f"The best {MOST_ROWS} trials",
        numeric=[i for i, h in enumerate(header) if h not in words],
        id_="trial-table",
    )
    more = ""
    if len(ordered) > MOST_ROWS:
        button = element("button", f"Show all {len(ordered):,}", type="button", id="show-all")
        more = element("p", button, class_="interactive")
        more += paragraph(f"All of them: hptune trials {snapshot.folder} --csv", class_="note")
    return Section(id="trials", title="The trials", body=body + more)


def _numeric(snapshot: Snapshot, name: str) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in snapshot.values(name))


def order(snapshot: Snapshot) -> list[Trial]:
    """Return all trials, best first, those without a score last."""
    known = {t.id for t in snapshot.ranked}
    return [*snapshot.ranked, *(t for t in snapshot.trials if t.id not in known)]


def _row(trial: Trial, names: list[str]) -> list[str]:
    return [
        str(trial.id),
        str(trial.pass_number),
        trial.state.value,
        format_value(trial.score),
        str(trial.epochs),
        f"{trial.seconds:.1f}",
        *(format_value(trial.values.get(name)) for name in names),
        trial.reason,
    ]
