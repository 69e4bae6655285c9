"""What the user sees of one hyperparameter before deciding on its range: plot, importance, trials."""

from __future__ import annotations

from hptune.study.proposal import Move
from hptune.study.trial import Trial, TrialState
from hptune.views.plots.axis import axis_of, score_axis
from hptune.views.plots.terminal import ASCII, UNICODE, Dot, text_plot
from hptune.views.snapshot import Snapshot
from hptune.views.tables.text import columns, format_value

__all__ = ["convergence_text", "importance_text", "range_plot", "trials_behind"]

_BEHIND = 10
"""Trials shown of those behind a range."""


def range_plot(snapshot: Snapshot, move: Move, *, width: int = 80, unicode: bool = True) -> list[str]:
    """Return a plot of value against objective with the old and the proposed range below it.

    `width` counts all columns. No lines where nothing was tried.
    """
    name = move.name
    scored = _ranked(snapshot, name)
    lost = _lost(snapshot, name)
    if not scored and not lost:
        return []
    first = snapshot.root.get(name)
    known = [hp for hp in (first, move.old, move.new) if hp is not None]
    x = axis_of(name, known, [t.values[name] for t in (*scored, *lost)])
    y = score_axis(snapshot.goal.name, [t.score or 0.0 for t in scored], snapshot.goal)
    dots = [
        Dot(place=place, score=None if t.state.is_bad else t.score)
        for t in (*scored, *lost)
        if (place := x.at(t.values[name])) is not None
    ]
    same = move.old == move.new
    return text_plot(
        x,
        y,
        dots,
        [("range", move.old)] if same else [("old", move.old), ("new", move.new)],
        best=dots[0] if dots and scored else None,
        width=max(20, min(60, width - 12)),
        marks=UNICODE if unicode else ASCII,
    )


def importance_text(snapshot: Snapshot, name: str) -> str:
    """Say what a hyperparameter explains of good trials, or that too few tell."""
    found = next((known for known in snapshot.importances if known.name == name), None)
    if found is None or not found.enough_data:
        return "importance not measured yet: too few trials"
    return (
        f"importance {found.share:.0%}, rank {found.rank} of {len(snapshot.importances)};"
        f" p = {found.p_value:.2f}"
    )


def convergence_text(snapshot: Snapshot) -> str:
    """Return whether more trials are needed, and why."""
    return f"More trials? {snapshot.convergence.answer}: {snapshot.convergence.reason}."


def trials_behind(snapshot: Snapshot, name: str) -> str:
    """Return a short table of the best trials with their value of a hyperparameter."""
    scored = _ranked(snapshot, name)
    lost = _lost(snapshot, name)
    rows = [
        [str(t.id), str(t.pass_number), format_value(t.values[name]), format_value(t.score), str(t.epochs)]
        for t in scored[:_BEHIND]
    ]
    header = ["trial", "pass", name, snapshot.goal.name, "epochs"]
    sentence = f"the best {len(rows)} of {len(scored)} trials with a score"
    sentence += f"; {len(lost)} more could not be trained" if lost else ""
    return f"{columns(rows, header)}\n{sentence}"


def _ranked(snapshot: Snapshot, name: str) -> list[Trial]:
    """Return the trials with a score that had a value for `name`, best first."""
    return [t for t in snapshot.ranked if name in t.values and not t.state.is_bad]


def _lost(snapshot: Snapshot, name: str) -> list[Trial]:
    """Return the trials that could not be trained with a value for `name`."""
    return [t for t in snapshot.trials if name in t.values and t.state is TrialState.INFEASIBLE]
