"""What a person sees of one hyperparameter before deciding on its range: plot, importance, trials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from hptune.plots.axis import axis_of, score_axis
from hptune.plots.terminal import ASCII, UNICODE, Dot, text_plot
from hptune.proposal import Move, Proposal
from hptune.space import Space
from hptune.strategy.importance import Importance, measure
from hptune.strategy.lead import measure_lead
from hptune.strategy.owed import more_trials
from hptune.strategy.verdicts import judge_study
from hptune.study import Confirmation, Study
from hptune.tables.text import columns, format_value
from hptune.trial import Objective, Trial, TrialState

__all__ = ["Evidence", "importance_text", "owed_text", "range_plot", "read_evidence", "trials_behind"]

_BEHIND = 10
"""Trials shown of those behind a range."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the trials so far say about every range."""

    study: str
    """The study as a person names it on the command line."""
    trials: tuple[Trial, ...]
    objective: Objective
    root: Space
    """The space of the first pass, whose limits and options bind a person."""
    importances: Mapping[str, Importance]
    confirmations: tuple[Confirmation, ...] = ()
    """Trainings of finalists with fresh seeds."""

    def ranked(self, name: str) -> list[Trial]:
        """Return the trials with a score that had a value for `name`, best first."""
        found = [t for t in self.trials if name in t.values and _finite(t)]
        return sorted(found, key=lambda t: (-self.objective.sign * (t.score or 0.0), t.id))


def read_evidence(study: Study) -> Evidence:
    """Read a study; it may be searched at the same time."""
    root, trials, goal = study.passes()[0].space, study.trials(curves=True), study.identity.goal
    return Evidence(
        study=str(study.folder),
        trials=trials,
        objective=goal,
        root=root,
        importances={found.name: found for found in measure(root, trials, goal)},
        confirmations=study.confirmations(),
    )


def range_plot(evidence: Evidence, move: Move, *, width: int = 80, unicode: bool = True) -> list[str]:
    """Return a plot of value against objective with the old and the proposed range below it.

    `width` counts all columns. No lines where nothing was tried.
    """
    name = move.name
    scored = evidence.ranked(name)
    lost = [t for t in evidence.trials if name in t.values and t.state is TrialState.INFEASIBLE]
    if not scored and not lost:
        return []
    first = evidence.root.get(name)
    known = [hp for hp in (first, move.old, move.new) if hp is not None]
    x = axis_of(name, known, [t.values[name] for t in (*scored, *lost)])
    y = score_axis(evidence.objective.name, [t.score or 0.0 for t in scored], evidence.objective)
    dots = [
        Dot(place=place, score=t.score if _finite(t) else None)
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


def importance_text(evidence: Evidence, name: str) -> str:
    """Say what a hyperparameter explains of good trials, or that too few tell."""
    found = evidence.importances.get(name)
    if found is None or not found.enough_data:
        return "importance not measured yet: too few trials"
    return (
        f"importance {found.share:.0%}, rank {found.rank} of {len(evidence.importances)};"
        f" luck alone looks as telling in {found.chance:.0%} of cases"
    )


def owed_text(evidence: Evidence, proposal: Proposal) -> str:
    """Say whether more trials are owed, and why."""
    trials, goal, noted = evidence.trials, evidence.objective, evidence.confirmations
    findings = judge_study(
        proposal.space,
        trials,
        goal,
        root=evidence.root,
        proposal=proposal,
        importances=tuple(evidence.importances.values()),
        confirmations=noted,
    )
    lead = measure_lead(trials, goal, confirmations=noted)
    noise = lead.noise if lead else None
    found = more_trials(trials, goal, proposal=proposal, findings=findings, noise=noise)
    return f"More trials? {found.answer}: {found.reason}."


def trials_behind(evidence: Evidence, name: str) -> str:
    """Return a short table of the best trials with their value of a hyperparameter."""
    scored = evidence.ranked(name)
    lost = [t for t in evidence.trials if name in t.values and t.state is TrialState.INFEASIBLE]
    rows = [
        [str(t.id), str(t.pass_number), format_value(t.values[name]), format_value(t.score), str(t.epochs)]
        for t in scored[:_BEHIND]
    ]
    header = ["trial", "pass", name, evidence.objective.name, "epochs"]
    said = f"the best {len(rows)} of {len(scored)} trials with a score"
    said += f"; {len(lost)} more could not be trained" if lost else ""
    return f"{columns(rows, header)}\n{said}"


def _finite(trial: Trial) -> bool:
    return trial.score is not None and math.isfinite(trial.score) and not trial.state.is_bad
