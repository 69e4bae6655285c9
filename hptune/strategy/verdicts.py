"""What a study shows and what to do about it: every rule that judges more than one trial.

The rules are those of the tuning playbook (google-research/tuning_playbook) where it has one; each finding
names its source.
"""

from __future__ import annotations

from collections.abc import Sequence

from hptune.proposal import Proposal
from hptune.space import Space
from hptune.strategy.curves import judge_curve
from hptune.strategy.epochs import advise_epochs
from hptune.strategy.evidence import Evidence, gather
from hptune.strategy.findings import PLAYBOOK, Finding, Kind, Severity
from hptune.strategy.importance import Importance, measure
from hptune.strategy.lead import measure_lead
from hptune.strategy.narrow import narrow
from hptune.strategy.range_verdicts import dead, duplicates, edges, infeasible_share, tier_disagreements
from hptune.strategy.rules import Rules
from hptune.trial import Objective, Trial

__all__ = ["Finding", "Kind", "Severity", "judge_study"]

_BEST = 5
"""Trials whose curves are read."""
_SAMPLING = f"{PLAYBOOK}, Not sampling enough points in the search space"
_ADOPTING = f"{PLAYBOOK}, Determining whether to adopt a training pipeline change"

_ORDER = (Severity.WARNING, Severity.ADVICE, Severity.INFO)


def judge_study(
    space: Space,
    trials: Sequence[Trial],
    objective: Objective,
    *,
    root: Space | None = None,
    rules: Rules | None = None,
    seed: int = 0,
    proposal: Proposal | None = None,
    importances: Sequence[Importance] | None = None,
) -> tuple[Finding, ...]:
    """Return what the trials of a study show, the most pressing first.

    `space` has the ranges of the newest pass and `root` those of the first. `seed` draws the bootstraps.
    A `proposal` of `narrow` and the `importances` of `measure` are made here unless they are given.
    """
    rules = rules or Rules()
    evidence = gather(trials, objective, rules=rules)
    if proposal is None:
        proposal = narrow(space, trials, objective, root=root, rules=rules)
    if importances is None:
        importances = measure(space, trials, objective, rules=rules, seed=seed)
    advice = advise_epochs(trials, objective, space=space)
    found = [
        *_sufficiency(evidence, rules),
        *infeasible_share(space, evidence, rules),
        *edges(proposal, evidence, rules),
        *_lead(trials, objective, seed),
        *([advice] if advice else []),
        *_curves(trials, objective),
        *dead(proposal, importances),
        *duplicates(space, evidence, rules),
        *tier_disagreements(importances),
    ]
    return tuple(sorted(found, key=lambda f: _ORDER.index(f.severity)))


def _sufficiency(evidence: Evidence, rules: Rules) -> list[Finding]:
    compared = len(evidence.ranked)
    if compared >= rules.min_trials and evidence.good(rules):
        return []
    if compared >= rules.min_trials:
        sentence = f"{compared} trials reached {evidence.epochs} epochs, but too many scored alike"
        action = "Take an objective that tells them apart, for example val_loss."
    else:
        missing = rules.min_trials - compared
        needed = f"{rules.min_trials} are needed to narrow"
        sentence = f"only {compared} trials reached {evidence.epochs} epochs; {needed}"
        action = f"Sample more: raise --trials until at least {missing} more get that far."
    return [
        Finding(
            kind=Kind.SUFFICIENCY,
            severity=Severity.WARNING,
            sentence=sentence,
            action=action,
            figures={"compared": compared, "needed": rules.min_trials, "epochs": evidence.epochs},
            source=_SAMPLING,
        )
    ]


def _lead(trials: Sequence[Trial], objective: Objective, seed: int) -> list[Finding]:
    """Tell which configurations the best one can't be told from."""
    lead = measure_lead(trials, objective, seed=seed)
    if lead is None or not lead.within_noise:
        return []
    close = lead.within_noise
    first = close[0]
    whence = "trainings of one configuration" if lead.retrained else "late epochs"
    others = f", and {len(close) - 1} more are as close" if len(close) > 1 else ""
    return [
        Finding(
            kind=Kind.LEAD,
            severity=Severity.ADVICE,
            sentence=f"trial {lead.best.id} leads trial {first.trial.id} by {first.gap:.2g} in "
            f"{objective.name}, within noise: {whence} differ by ±{lead.noise:.2g}, it would be behind in "
            f"{first.chance:.0%} of redraws{others}",
            action=f"hptune confirm --top {len(close) + 1}",
            figures={"gap": first.gap, "noise": lead.noise, "chance": first.chance, "rivals": len(close)},
            trials=(lead.best.id, *(r.trial.id for r in close)),
            source=_ADOPTING,
        )
    ]


def _curves(trials: Sequence[Trial], objective: Objective) -> list[Finding]:
    """Gather what the curves of the best trials show, one finding per pattern."""
    evidence = gather(trials, objective, among=_BEST)
    best = evidence.ranked[:_BEST]
    seen: dict[Kind, list[Finding]] = {}
    for trial in best:
        for finding in judge_curve(trial, objective):
            seen.setdefault(finding.kind, []).append(finding)
    gathered = []
    for kind, findings in seen.items():
        first = findings[0]
        many = f"{len(findings)} of the best {len(best)} trials: " if len(best) > 1 else ""
        gathered.append(
            Finding(
                kind=kind,
                severity=first.severity if 2 * len(findings) >= len(best) else Severity.INFO,
                sentence=f"{kind} in {many}{first.sentence}" if many else first.sentence,
                action=first.action,
                figures={**first.figures, "of": len(best), "count": len(findings)},
                trials=tuple(f.trials[0] for f in findings),
                source=first.source,
            )
        )
    return gathered
