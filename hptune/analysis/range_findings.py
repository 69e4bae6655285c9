"""What a study shows about its ranges: edges, infeasible sides, what does nothing and what is double."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from hptune._text import counted, listed
from hptune.analysis.evidence import Evidence, reader
from hptune.analysis.findings import PLAYBOOK, Finding, FindingKind, Severity
from hptune.analysis.importance import Importance, disagreements
from hptune.analysis.split_points import SplitPoint, infeasible_split_points
from hptune.analysis.thresholds import Rules
from hptune.space import Number, Space
from hptune.space.describe import describe_range, describe_value
from hptune.space.range_moves import snapped, unit_of
from hptune.space.range_text import exact_range, exact_text
from hptune.study.proposal import Move, Proposal, Verdict
from hptune.study.trial import Trial

__all__ = ["dead", "duplicates", "edges", "infeasible_share", "tier_disagreements"]

Array = NDArray[np.float64]

_ALIKE = 0.95
"""Two hyperparameters whose ranks correlate this much can't be separated."""
_DEAD = 0.05
"""A hyperparameter whose share stays below this when trials are resampled does nothing that shows."""
_EDGES = f"{PLAYBOOK}, Identifying bad search space boundaries"
_INSIGHT = f"{PLAYBOOK}, Extracting insight from experimental results"
_IMPORTANCE = "PED-ANOVA, arXiv 2304.10255"


def infeasible_share(space: Space, evidence: Evidence, rules: Rules) -> list[Finding]:
    """Tell the share that could not be trained, and the cap that would have avoided it."""
    lost, trained = len(evidence.infeasible), len(evidence.trained)
    if not lost or lost < rules.infeasible_share * (lost + trained):
        return []
    share = lost / (lost + trained)
    caps = [(hp, cut) for hp in space if isinstance(hp, Number) for cut in _split_points(hp, evidence, rules)]
    sentence = f"{lost} of {lost + trained} trials ({share:.0%}) could not be trained"
    if caps:
        seen = "; ".join(f"{hp.name}: {cut.sentence(describe_value)}" for hp, cut in caps)
        sentence += f"; {seen}"
        action = "hptune narrow " + " ".join(_flag("--set", f"{hp.name}={_cap(hp, cut)}") for hp, cut in caps)
    else:
        action = "Look at the reasons: hptune trials. No range alone explains them."
        if share > 0.5:
            action += " So many can also be a bug in the training code."
    return [
        Finding(
            kind=FindingKind.INFEASIBLE,
            severity=Severity.WARNING if share > 0.3 or not trained else Severity.ADVICE,
            sentence=sentence,
            action=action,
            figures={"infeasible": lost, "trained": trained, "share": share},
            names=tuple(hp.name for hp, _ in caps),
            trials=tuple(t.id for t in evidence.infeasible),
            source=_INSIGHT,
        )
    ]


def _split_points(hp: Number, evidence: Evidence, rules: Rules) -> tuple[SplitPoint, ...]:
    """Return the sides of today's range where nothing could be trained."""
    return tuple(
        c for c in infeasible_split_points(hp, evidence.column(hp, rules), rules) if hp.low < c.at < hp.high
    )


def _cap(hp: Number, cut: SplitPoint) -> str:
    if cut.above:
        return f"{exact_text(hp.low)}..{exact_text(snapped(hp, hp.low, cut.at, down=True)[1])}"
    return f"{exact_text(snapped(hp, cut.at, hp.high, up=True)[0])}..{exact_text(hp.high)}"


def edges(proposal: Proposal, evidence: Evidence, rules: Rules) -> list[Finding]:
    """Tell where the best lies at a bound: one that will move, or one that the user must move."""
    found = []
    for move in proposal.moves:
        if move.verdict is Verdict.EXPAND:
            action = f"hptune narrow {_flag('--set', f'{move.name}={exact_range(move.new)}')}"
            found.append(_edge(move, Severity.ADVICE, action))
        elif isinstance(move.old, Number) and _at_hard_bound(move.old, evidence, rules):
            action = "Widen its limits in the space file, if values beyond make sense."
            found.append(_edge(move, Severity.INFO, action))
    return found


def _edge(move: Move, severity: Severity, action: str) -> Finding:
    return Finding(
        kind=FindingKind.EDGE,
        severity=severity,
        sentence=f"{move.name}: {move.reason}",
        action=action,
        figures={"range": describe_range(move.old), "proposed": describe_range(move.new)},
        names=(move.name,),
        source=_EDGES,
    )


def _at_hard_bound(hp: Number, evidence: Evidence, rules: Rules) -> bool:
    """Return whether the best lies at a bound of today's range that is a limit, too."""
    seen = evidence.column(hp, rules)
    if seen.best is None or not seen.in_best or seen.compared < rules.min_trials or hp.limits is None:
        return False
    at = unit_of(hp, seen.best)
    return (at <= rules.edge and hp.low <= hp.limits[0]) or (at >= 1 - rules.edge and hp.high >= hp.limits[1])


def dead(proposal: Proposal, importances: Sequence[Importance]) -> list[Finding]:
    """Tell which hyperparameters do nothing that shows, all in one sentence."""
    searched = {hp.name for hp in proposal.space.searched}
    still = [
        i for i in importances if i.name in searched and i.enough_data and i.high < _DEAD and i.p_value >= 0.2
    ]
    if not still:
        return []
    names = tuple(i.name for i in still)
    values = [proposal.best.get(name, proposal.space[name].initial) for name in names]
    flags = [
        _flag("--freeze", f"{name}={exact_text(value)}") for name, value in zip(names, values, strict=True)
    ]
    most, fewest = max(i.high for i in still), min(i.trials for i in still)
    one = len(still) == 1
    explain = f"{names[0]} explains" if one else f"{listed(names)} explain"
    each = "" if one else "each "
    trials = counted(fewest, "trial") + ("" if one else " or more")
    return [
        Finding(
            kind=FindingKind.DEAD,
            severity=Severity.INFO,
            sentence=f"{explain} next to nothing of reaching the best trials: {each}at most {most:.0%} "
            f"when resampled ({trials})",
            action=f"hptune narrow {' '.join(flags)}, unless {'it acts' if one else 'one acts'}"
            " together with another",
            figures={"high": most, "trials": fewest, **{f"share of {i.name}": i.share for i in still}},
            names=names,
            source=_IMPORTANCE,
        )
    ]


def duplicates(space: Space, evidence: Evidence, rules: Rules) -> list[Finding]:
    """Return which pairs of numbers moved together so closely that their effects can't be separated."""
    judged = [*evidence.ranked, *evidence.stopped]
    columns = {hp.name: _column(hp, judged) for hp in space if isinstance(hp, Number)}
    found = []
    for (a, xs), (b, ys) in combinations(columns.items(), 2):
        both = ~np.isnan(xs) & ~np.isnan(ys)
        count = int(both.sum())
        if count < rules.min_trials:
            continue
        x, y = _ranks_of(xs[both]), _ranks_of(ys[both])
        if np.ptp(x) == 0 or np.ptp(y) == 0:
            continue
        together = float(np.corrcoef(x, y)[0, 1])
        if abs(together) < _ALIKE:
            continue
        found.append(
            Finding(
                kind=FindingKind.DUPLICATE,
                severity=Severity.ADVICE,
                sentence=f"{a} and {b} moved together in {count} trials (rank correlation "
                f"{together:.2f}): their effects can't be separated",
                action=f"Freeze one of them (hptune narrow {_flag('--freeze', b)}), or let them vary apart.",
                figures={"correlation": together, "trials": count},
                names=(a, b),
                source=_INSIGHT,
            )
        )
    return found


def _column(hp: Number, trials: Sequence[Trial]) -> Array:
    read = reader(hp)
    values = [read(t.values.get(hp.name)) for t in trials]
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def _ranks_of(values: Array) -> Array:
    """Return ranks; equal values share the lowest of theirs."""
    return np.searchsorted(np.sort(values), values).astype(np.float64)


def tier_disagreements(importances: Sequence[Importance]) -> list[Finding]:
    """Tell where measured importance contradicts the declared tiers."""
    return [
        Finding(
            kind=FindingKind.TIERS,
            severity=Severity.ADVICE,
            sentence=sentence,
            action="Change `tier:` in the space file; the order of tiers is only a prior for the search.",
            source=_IMPORTANCE,
        )
        for sentence in disagreements(importances)
    ]


def _flag(flag: str, text: str) -> str:
    return f"{flag} {shlex.quote(text)}"
