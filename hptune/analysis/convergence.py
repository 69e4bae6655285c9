"""Whether more trials are needed: one answer, from what the rules saw and what the last pass brought.

Source: google-research/tuning_playbook, "Not sampling enough points in the search space" and
"Identifying bad search space boundaries": a study that is too small, or whose best lies at an edge, asks
for another round.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hptune._text import counted, listed
from hptune.analysis.findings import Finding, FindingKind, Severity
from hptune.space.describe import describe_value
from hptune.study.proposal import Proposal, Verdict
from hptune.study.trial import Objective, Trial

__all__ = ["Advice", "MoreTrials", "assess_convergence"]


class MoreTrials(StrEnum):
    """How surely more trials would tell more."""

    YES = "Yes"
    PROBABLY = "Probably"
    PERHAPS = "Perhaps"
    NO = "No"


@dataclass(frozen=True, kw_only=True)
class Advice:
    """The answer and its reason."""

    answer: MoreTrials
    reason: str
    """A clause with its figures."""


def assess_convergence(
    trials: Sequence[Trial],
    objective: Objective,
    *,
    proposal: Proposal,
    findings: Sequence[Finding],
    noise: float | None,
) -> Advice:
    """Say whether more trials are needed.

    `proposal` and `findings` are what the last pass taught; `noise` is the deviation of a score by luck, in
    units of the objective, None where nothing tells it.
    """
    known = [t for t in trials if t.score is not None and math.isfinite(t.score)]
    if not known:
        lost = f"none of {counted(len(trials), 'trial')} could be trained: see first what kept them from it"
        return Advice(answer=MoreTrials.YES, reason=lost if trials else "nothing was trained yet")
    for finding in findings:
        if finding.kind is FindingKind.SUFFICIENCY:
            return Advice(answer=MoreTrials.YES, reason=finding.sentence)
    edges = [f.names[0] for f in findings if f.kind is FindingKind.EDGE and f.severity is Severity.ADVICE]
    if edges:
        lie = "lies at an edge" if len(edges) == 1 else "lie at edges"
        return Advice(
            answer=MoreTrials.YES, reason=f"the best {listed(edges)} {lie} that the next pass would move"
        )
    brought, gained = _brought(known, objective)
    if gained > 2 * (noise or 0.0):
        return Advice(answer=MoreTrials.PROBABLY, reason=brought)
    brought += ", which is within noise" if gained > 0 else ""
    finer = [m.name for m in proposal.changes if m.verdict is Verdict.NARROW]
    if finer:
        reason = f"the next pass would search {listed(finer)} more finely, though {brought}"
        return Advice(answer=MoreTrials.PERHAPS, reason=reason)
    return Advice(answer=MoreTrials.NO, reason=f"no range would move, and {brought}")


def _brought(known: Sequence[Trial], objective: Objective) -> tuple[str, float]:
    """Say what the last pass brought, and by how much it raised the best."""
    last = max(t.pass_number for t in known)
    before = [t.score for t in known if t.pass_number < last and t.score is not None]
    now = [t.score for t in known if t.pass_number == last and t.score is not None]
    if not before:
        return "there was one pass only", math.inf
    old, new = (objective.sign * max(objective.sign * s for s in scores) for scores in (before, now))
    gained = objective.sign * (new - old)
    if gained <= 0:
        return "the last pass found nothing better", 0.0
    change = (
        f"the last pass took the best {objective.name} from {describe_value(old)} to {describe_value(new)}"
    )
    return change, gained
