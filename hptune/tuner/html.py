"""Studies and proposals as HTML that a notebook shows."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from hptune._text import counted
from hptune.space import Fixed
from hptune.space.describe import describe_range
from hptune.study import Study
from hptune.study.proposal import Proposal
from hptune.views.tables import format_value

__all__ = ["proposal_html", "study_html"]

_LEFT = ' style="text-align: left"'


def study_html(study: Study, shown: int = 5) -> str:
    """Return where a study stands and its best trials as a table."""
    identity, best = study.identity, study.best(shown)
    tried, passes = sum(tally.trials for tally in study.tallies()), len(study.passes())
    standing = (
        f"<b>{_escaped(study.folder.name)}</b>: {counted(tried, 'trial')} in"
        f" {passes} pass{'' if passes == 1 else 'es'}, {counted(study.epochs_used(), 'epoch')};"
        f" {_escaped(identity.objective)} ({identity.direction.value})"
    )
    searched = [hp.name for hp in study.passes()[0].space.searched] if study.passes() else []
    rows = [
        [
            str(trial.id),
            format_value(trial.score),
            f"{trial.best_epoch} of {trial.epochs}",
            *(format_value(trial.values.get(name)) for name in searched),
        ]
        for trial in best
    ]
    return f"<p>{standing}</p>" + (_table(["trial", "score", "epoch", *searched], rows) if rows else "")


def proposal_html(proposal: Proposal) -> str:
    """Return a proposal as a table with the reasons, important hyperparameters first."""
    rows = []
    for move in sorted(proposal.moves, key=lambda move: move.old.tier):
        old, new = describe_range(move.old), describe_range(move.new)
        if not (isinstance(move.old, Fixed) and old == new):
            rows.append([move.name, move.verdict.value, old, "" if new == old else new, move.reason])
    notes = "".join(f"<p>{_escaped(note)}</p>" for note in proposal.notes)
    return _table(["hyperparameter", "verdict", "range", "next", "why"], rows) + notes


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    titles = "".join(f"<th{_LEFT}>{_escaped(title)}</th>" for title in head)
    body = "".join(
        "<tr>" + "".join(f"<td{_LEFT}>{_escaped(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def _escaped(text: str) -> str:
    return html.escape(text)
