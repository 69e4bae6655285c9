"""What a study shows and what to do about it: every rule that judges more than one trial.

The rules are those of the tuning playbook (google-research/tuning_playbook) where it has one; each finding
names its source.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from hptune._text import counted, significant
from hptune.analysis.best_margin import BestMargin, measure_best_margin
from hptune.analysis.curves import judge_curve
from hptune.analysis.epoch_advice import advise_epochs
from hptune.analysis.evidence import Evidence, gather
from hptune.analysis.finalists import ranked
from hptune.analysis.findings import PLAYBOOK, Finding, FindingKind, Severity
from hptune.analysis.importance import Importance, measure
from hptune.analysis.range_findings import dead, duplicates, edges, infeasible_share, tier_disagreements
from hptune.analysis.thresholds import Rules
from hptune.study.proposal import Proposal
from hptune.study.records import Confirmation
from hptune.study.trial import Objective, Trial

__all__ = ["Finding", "FindingKind", "Severity", "judge_study"]

_BEST = 5
"""Trials whose curves are read."""
_SAMPLING = f"{PLAYBOOK}, Not sampling enough points in the search space"
_ADOPTING = f"{PLAYBOOK}, Determining whether to adopt a training pipeline change"

_ORDER = (Severity.WARNING, Severity.ADVICE, Severity.INFO)


def judge_study(
    proposal: Proposal,
    trials: Sequence[Trial],
    objective: Objective,
    *,
    rules: Rules | None = None,
    seed: int = 0,
    importances: Sequence[Importance] | None = None,
    confirmations: Sequence[Confirmation] = (),
) -> tuple[Finding, ...]:
    """Return what the trials of a study show, the most pressing first.

    `proposal` is what the newest pass teaches. `seed` draws the bootstraps. The `importances` of `measure`
    are made here unless they are given.
    `confirmations` are trainings of finalists with fresh seeds; they decide who leads.
    """
    rules, space = rules or Rules(), proposal.space
    evidence = gather(trials, objective, rules=rules)
    if importances is None:
        importances = measure(space, trials, objective, rules=rules, seed=seed)
    advice = advise_epochs(trials, objective, space=space)
    found = [
        *_sufficiency(evidence, rules),
        *infeasible_share(space, evidence, rules),
        *edges(proposal, evidence, rules),
        *_best_margin(trials, objective, confirmations, seed),
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
        sentence = f"{compared} trials reached {counted(evidence.epochs, 'epoch')}, but too many scored alike"
        action = "Take an objective that tells them apart, for example val_loss."
    else:
        missing = rules.min_trials - compared
        needed = f"{rules.min_trials} are needed to narrow"
        reached = f"only {counted(compared, 'trial')} reached {counted(evidence.epochs, 'epoch')}"
        sentence = f"{reached if evidence.epochs else 'no trial has a score'}; {needed}"
        action = f"Sample more: raise --trials until at least {missing} more get that far."
        if not evidence.trained and evidence.infeasible:
            action = "Mend first what keeps them from being trained: hptune trials."
    return [
        Finding(
            kind=FindingKind.SUFFICIENCY,
            severity=Severity.WARNING,
            sentence=sentence,
            action=action,
            figures={"compared": compared, "needed": rules.min_trials, "epochs": evidence.epochs},
            source=_SAMPLING,
        )
    ]


def _best_margin(
    trials: Sequence[Trial], objective: Objective, confirmations: Sequence[Confirmation], seed: int
) -> list[Finding]:
    """Return what is not significantly worse than the best, and a better one that was not confirmed."""
    margin = measure_best_margin(trials, objective, confirmations=confirmations, seed=seed)
    if margin is None:
        return []
    found = [_within_noise(margin, objective, len(confirmations))] if margin.within_noise else []
    return found + (_unconfirmed(trials, objective, confirmations) if margin.confirmed else [])


def _within_noise(margin: BestMargin, objective: Objective, trainings: int) -> Finding:
    close = margin.within_noise
    first = close[0]
    more = f"{len(close) - 1} more {'is' if len(close) == 2 else 'are'} as close"
    others = f", and {more}" if len(close) > 1 else ""
    figures: dict[str, float | int | str] = {
        "gap": first.gap,
        "noise": margin.noise,
        "p_value": first.p_value,
    }
    gap = f"by {significant(first.gap, 2)} in {objective.name}"
    if first.p is not None:
        seeds = math.ceil(trainings / (len(margin.rivals) + 1))
        figures["p"] = first.p
        sentence = (
            f"with fresh seeds trial {margin.best.id} is ahead of trial {first.trial.id} {gap}, which is "
            f"not significant (p = {first.p:.2g}){others}"
        )
        action = f"Take the cheaper one, or hptune confirm --top {len(close) + 1} --seeds {2 * seeds}"
    else:
        whence = "trainings of one configuration" if margin.retrained else "late epochs"
        sentence = (
            f"trial {margin.best.id} leads trial {first.trial.id} {gap}, within noise: {whence} differ by "
            f"±{significant(margin.noise, 2)}, it would be behind in {first.p_value:.0%} of redraws{others}"
        )
        action = f"hptune confirm --top {len(close) + 1}"
    return Finding(
        kind=FindingKind.BEST_MARGIN,
        severity=Severity.ADVICE,
        sentence=sentence,
        action=action,
        figures=figures | {"rivals": len(close)},
        trials=(margin.best.id, *(r.trial.id for r in close)),
        source=_ADOPTING,
    )


def _unconfirmed(
    trials: Sequence[Trial], objective: Objective, confirmations: Sequence[Confirmation]
) -> list[Finding]:
    """Tell that later trials scored better than those that were confirmed."""
    known = {c.trial_id for c in confirmations}
    order = ranked((t for t in trials if t.score is not None), (), objective)
    ahead = list(itertools.takewhile(lambda f: f.trial.id not in known, order))
    if not ahead:
        return []
    ids = tuple(f.trial.id for f in ahead)
    some = f"trial {ids[0]} has" if len(ids) == 1 else f"{len(ids)} trials, the best of them {ids[0]}, have"
    return [
        Finding(
            kind=FindingKind.BEST_MARGIN,
            severity=Severity.ADVICE,
            sentence=f"{some} a better score of the search than any that was trained again with fresh seeds",
            action=f"hptune confirm --top {min(len(ids) + 1, _BEST)}",
            figures={"unconfirmed": len(ids)},
            trials=ids,
            source=_ADOPTING,
        )
    ]


def _curves(trials: Sequence[Trial], objective: Objective) -> list[Finding]:
    """Gather what the curves of the best trials show, one finding per pattern."""
    evidence = gather(trials, objective, among=_BEST)
    best = evidence.ranked[:_BEST]
    seen: dict[FindingKind, list[Finding]] = {}
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
