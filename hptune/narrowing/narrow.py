"""Narrowing: what a pass taught, as a proposal for the ranges of the next one.

Trials of all passes count, compared at one length of training. Per hyperparameter, on its own scale in
the unit interval of its old range: the box of the best 20 %, a quarter of the old width beyond it on each
side and at least 0.3 of it in each direction, joined with the best trial. A side moves only where chance
alone would rarely leave it as empty of good trials. Where the best lies at an edge the range grows by half
its width, as far as its limits allow.

Box from the best quantile: Perrone et al. 2019, arXiv 1909.12552. Edges and sufficiency: the tuning
playbook (google-research/tuning_playbook), "Identifying bad search space boundaries" and "Not sampling
enough points in the search space".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hptune._text import counted
from hptune.analysis.evidence import Evidence, gather
from hptune.analysis.importance import MIN_TRIALS, disagreements, measure
from hptune.analysis.thresholds import Rules
from hptune.narrowing.choices import move_boolean, move_options, move_run
from hptune.narrowing.numbers import shift
from hptune.space import Boolean, Choice, Fixed, Hyperparameter, Integer, Number, Space, Value
from hptune.space.describe import describe_value
from hptune.space.range_moves import with_range
from hptune.study.proposal import Move, Proposal, Verdict
from hptune.study.trial import Objective, Trial

__all__ = ["Rules", "narrow"]

"""What is said of every range that the rules moved."""


def narrow(
    space: Space,
    trials: Sequence[Trial],
    objective: Objective,
    *,
    root: Space | None = None,
    rules: Rules | None = None,
    promising: Mapping[str, tuple[float, float]] | None = None,
) -> Proposal:
    """Return the ranges for the next pass, each with a verdict and the figures behind it.

    `space` has the ranges of the pass just done and `root` those of the first pass: a narrowed range
    may widen towards it, and never becomes less than a tenth of it. A range that the user set
    (`hard`) is never widened; inside it the new range steers, and the set range becomes its limits.
    `promising` are ranges in which a model expects the best (`plausible.plausible`): they count where
    the trials themselves don't tell. The order of the trials makes no difference, and neither does a
    failed one.
    """
    rules = rules or Rules()
    evidence = gather(trials, objective, rules=rules)
    expected = promising or {}
    moves = tuple(_move(hp, space, root or space, evidence, rules, expected.get(hp.name)) for hp in space)
    best = dict(evidence.best.values) if evidence.best else {}
    return Proposal(
        space=space,
        moves=moves,
        notes=(*_notes(evidence, trials, rules), *_surprises(space, trials, objective, evidence, rules)),
        best=best,
    )


def _surprises(
    space: Space, trials: Sequence[Trial], objective: Objective, evidence: Evidence, rules: Rules
) -> tuple[str, ...]:
    """Say where measured importance contradicts the declared tiers, once there are trials enough to."""
    if evidence.judged < MIN_TRIALS:
        return ()
    return disagreements(measure(space, trials, objective, rules=rules))


def _move(
    hp: Hyperparameter,
    space: Space,
    root: Space,
    evidence: Evidence,
    rules: Rules,
    promising: tuple[float, float] | None,
) -> Move:
    home = root.get(hp.name)
    if isinstance(hp, Fixed):
        frozen = home is not None and not isinstance(home, Fixed)
        return _keep(hp, f"frozen by you at {describe_value(hp.value)}" if frozen else "fixed in the space")
    if isinstance(hp, Number):
        return _move_number(hp, _same_kind(hp, home), evidence, rules, promising)
    if isinstance(hp, Choice):
        before = home if isinstance(home, Choice) else hp
        needed = _needed(hp, space)
        act = move_run if hp.ordered and before.ordered else move_options
        return _bounded(act(hp, before, evidence, rules, needed))
    assert isinstance(hp, Boolean)
    return move_boolean(hp, evidence, rules)


def _same_kind(hp: Number, home: Hyperparameter | None) -> Number:
    """Return the range of the first pass where it can be compared, else today's."""
    return home if isinstance(home, Number) and home.scale is hp.scale else hp


def _needed(hp: Choice, space: Space) -> tuple[Value, ...]:
    """Return the options that conditions of other hyperparameters name."""
    return tuple(v for other in space for c in other.when if c.parent == hp.name for v in c.values)


def _move_number(
    hp: Number, home: Number, evidence: Evidence, rules: Rules, promising: tuple[float, float] | None
) -> Move:
    whole = isinstance(hp, Integer)
    found = shift(
        hp,
        home,
        evidence.column(hp, rules),
        rules,
        lambda x: describe_value(round(x) if whole and x == round(x) else x),
        evidence.epochs,
        promising,
    )
    if found.verdict is Verdict.KEEP:
        return _keep(hp, found.reason)
    best = evidence.best.values.get(hp.name, hp.initial) if evidence.best else hp.initial
    # What the user set stays a wall for whatever is narrowed inside it.
    assert hp.limits is not None
    hard_bounds = (hp.low, hp.high) if hp.hard else hp.limits
    # Widened again to all that they set, it is theirs again, and hard.
    theirs = (found.low, found.high) == hard_bounds and (
        home.low < hard_bounds[0] or hard_bounds[1] < home.high
    )
    new = with_range(hp, found.low, found.high, best, hard=theirs, limits=hard_bounds)
    return _bounded(Move(name=hp.name, verdict=found.verdict, old=hp, new=new, reason=found.reason))


def _bounded(move: Move) -> Move:
    """Say of a range that moved within one that the user set how far trials may come from outside."""
    if move.verdict is Verdict.KEEP or not (move.old.hard or move.new.hard):
        return move
    words = "it steers: half of the trials may still come from the range you set"
    if move.new.hard:
        words = "that is all of the range you set: nothing is tried outside it"
    return replace(move, reason=f"{move.reason}; {words}")


def _keep(hp: Hyperparameter, reason: str) -> Move:
    return Move(name=hp.name, verdict=Verdict.KEEP, old=hp, new=hp, reason=reason)


def _notes(evidence: Evidence, trials: Sequence[Trial], rules: Rules) -> tuple[str, ...]:
    """Return what concerns the whole proposal."""
    notes = []
    compared = len(evidence.ranked)
    if not evidence.trained:
        notes.append(f"none of {len(trials)} trials has a score: nothing to learn from")
    elif compared < rules.min_trials:
        notes.append(
            f"only {counted(compared, 'trial')} reached {counted(evidence.epochs, 'epoch')}; "
            f"{rules.min_trials} are needed to narrow: sample more"
        )
    elif len({t.epochs for t in evidence.trained}) > 1:
        more = f", {len(evidence.stopped)} more were paused before" if evidence.stopped else ""
        notes.append(f"compared at {counted(evidence.epochs, 'epoch')}: {counted(compared, 'trial')}{more}")
    if compared > 1 and evidence.scores[0] == evidence.scores[-1]:
        notes.append(f"all {compared} trials scored {describe_value(evidence.scores[0])}")
    lost = len(evidence.infeasible)
    if lost and lost >= rules.infeasible_share * (lost + len(evidence.trained)):
        share = lost / (lost + len(evidence.trained))
        notes.append(f"{lost} of {lost + len(evidence.trained)} trials ({share:.0%}) could not be trained")
    return tuple(notes)
