"""How choices and booleans move after a pass.

An ordered choice narrows to a run of neighbours, like a number. An unordered one drops an option only
when every option was tried often enough, no good trial has it, and chance would rarely do that; an option
that another hyperparameter's condition names is never dropped, nor are the last two. A boolean never
freezes by itself: one bit of space is worth less than the chance to be wrong about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace

from hptune._text import counted
from hptune.analysis.binomial import in_words, p_all_above, p_of_rank_sum
from hptune.analysis.evidence import Column, Evidence
from hptune.analysis.thresholds import Rules
from hptune.narrowing.numbers import shift
from hptune.space import Boolean, Choice, Integer, Value, same_value
from hptune.space.describe import describe_value
from hptune.study.proposal import Move, Verdict

__all__ = ["move_boolean", "move_options", "move_run"]


def move_run(hp: Choice, home: Choice, evidence: Evidence, rules: Rules, needed: Collection[Value]) -> Move:
    """Narrow an ordered choice to a run of neighbours, or widen it towards the run of the first pass.

    `needed` are options that conditions of other hyperparameters name: they stay.
    """
    whole = home if _is_run(hp, home) else hp
    first = next(i for i, o in enumerate(whole.options) if same_value(o, hp.options[0]))
    last = first + len(hp.options) - 1
    # Positions are indices into the run of the first pass, so that those outside have a place, too.
    line = Integer(name=hp.name, low=first, high=last, limits=(0, len(whole.options) - 1), hard=hp.hard)
    lines = replace(line, low=0, high=len(whole.options) - 1, default=None)
    found = shift(
        line,
        lines,
        evidence.column(whole, rules),
        rules,
        lambda i: describe_value(whole.options[round(i)]),
        evidence.epochs,
    )
    options = whole.options[round(found.low) : round(found.high) + 1]
    lost = [o for o in needed if hp.contains(o) and not any(same_value(o, kept) for kept in options)]
    if lost:
        return _keep(hp, f"{found.reason}; kept, for other hyperparameters depend on {_names(lost)}")
    if found.verdict is Verdict.KEEP:
        return _keep(hp, found.reason)
    if hp.hard:
        return _keep(hp, f"{found.reason}; you chose these options, so they stay")
    start = _start(hp, options, evidence)
    return _move(hp, found.verdict, replace(hp, options=options, default=start), found.reason)


def _is_run(hp: Choice, home: Choice) -> bool:
    """Return whether the options of `hp` are neighbours in `home`, in the same order."""
    places = [i for i, o in enumerate(home.options) if any(same_value(o, mine) for mine in hp.options)]
    run = home.options[places[0] : places[-1] + 1] if places else ()
    return len(run) == len(hp.options) and all(map(same_value, run, hp.options))


def _start(hp: Choice, options: tuple[Value, ...], evidence: Evidence) -> Value:
    """Return the best trial's option where it is among `options`, else the default, else the first."""
    best = evidence.best.values.get(hp.name) if evidence.best else None
    for value in (best, hp.default):
        if value is not None and any(same_value(value, o) for o in options):
            return value
    return options[0]


@dataclass(frozen=True)
class _Count:
    """How one option did."""

    option: Value
    tried: int
    """Judged trials that had it."""
    good: int
    infeasible: int
    ranks: tuple[float, ...]
    """Ranks of the judged ones among all judged."""
    has_best: bool
    """Whether the best trial has it."""


def _counts(hp: Choice | Boolean, seen: Column) -> list[_Count]:
    judged, good, lost = Counter(seen.judged), Counter(seen.good), Counter(seen.infeasible)
    ranks: dict[float, list[float]] = {}
    for place, rank in zip(seen.judged, seen.ranks, strict=True):
        ranks.setdefault(place, []).append(rank)
    return [
        _Count(o, judged[i], good[i], lost[i], tuple(ranks.get(i, ())), seen.best == i)
        for i, o in enumerate(hp.options)
    ]


def move_options(
    hp: Choice, home: Choice, evidence: Evidence, rules: Rules, needed: Collection[Value]
) -> Move:
    """Drop options of an unordered choice that were tried often and never good, or take one back."""
    back = _taken_back(hp, home, evidence)
    if back is not None:
        return back
    seen = evidence.column(hp, rules)
    counts = _counts(hp, seen)
    if seen.compared < rules.min_trials:
        return _keep(hp, f"{_compared(seen)}; {rules.min_trials} are needed: sample more")
    if not seen.good:
        return _keep(hp, "the scores are too alike to tell which options are good")
    table = "; ".join(f"{_names([c.option])} in {c.good} of {c.tried}" for c in counts)
    figures = f"among the best {len(seen.good)} of {len(seen.judged)}: {table}"
    if hp.hard:
        return _keep(hp, f"{figures}; you chose these options, so they stay")
    dropped, why = _droppable(counts, seen, rules)
    named = [c for c in dropped if any(same_value(c.option, n) for n in needed)]
    dropped = [c for c in dropped if c not in named]
    if named:
        why = f"{_names([c.option for c in named])} stays, for other hyperparameters depend on it"
    dropped = dropped[: len(counts) - 2]
    if not dropped:
        return _keep(hp, f"{figures}; {why}")
    gone = [c.option for c in dropped]
    options = tuple(o for o in hp.options if not any(same_value(o, g) for g in gone))
    new = replace(hp, options=options, default=_start(hp, options, evidence))
    return _move(hp, Verdict.NARROW, new, f"{figures}; {_names(gone)} dropped{_by_p_value(dropped, seen)}")


def _taken_back(hp: Choice, home: Choice, evidence: Evidence) -> Move | None:
    """Take an option of the first pass back when the best trial has it."""
    best = evidence.best.values.get(hp.name) if evidence.best else None
    if best is None or hp.contains(best) or not home.contains(best) or hp.hard:
        return None
    kept = [*hp.options, best]
    options = tuple(o for o in home.options if any(same_value(o, k) for k in kept))
    if len(options) != len(kept):
        return None
    reason = f"the best trial has {_names([best])}, which had been dropped: taken back"
    return _move(hp, Verdict.EXPAND, replace(hp, options=options, default=best), reason)


def _droppable(counts: list[_Count], seen: Column, rules: Rules) -> tuple[list[_Count], str]:
    """Return the options with enough evidence against them, and why the others stay."""
    rare = [c.option for c in counts if c.tried + c.infeasible < rules.min_tries]
    if rare:
        return [], f"{_names(rare)} tried fewer than {rules.min_tries} times: none is dropped before"
    hopeless = [c for c in counts if not c.tried]
    bad = [c for c in counts if _is_worse(c, seen, rules)]
    return [*hopeless, *bad], "no option is clearly worse"


def _is_worse(count: _Count, seen: Column, rules: Rules) -> bool:
    """Whether more than chance keeps an option from the good trials; see `Rules`."""
    if not count.tried or count.good or count.has_best:
        return False
    order = p_of_rank_sum(count.ranks, len(seen.judged))
    return _p_value(count, seen) <= (rules.side_p if order <= rules.p_value else rules.strong)


def _p_value(count: _Count, seen: Column) -> float:
    return p_all_above(len(seen.judged), len(seen.judged) - count.tried, len(seen.good))


def _rarity(count: _Count, seen: Column) -> float:
    return min(_p_value(count, seen), p_of_rank_sum(count.ranks, len(seen.judged)))


def _by_p_value(dropped: list[_Count], seen: Column) -> str:
    if all(not c.tried for c in dropped):
        return ", for none of its trials could be trained"
    return f" (by chance {in_words(max(_rarity(c, seen) for c in dropped if c.tried))})"


def _compared(seen: Column) -> str:
    return f"only {counted(seen.compared, 'trial')} compared" if seen.compared else "no trial was compared"


def move_boolean(hp: Boolean, evidence: Evidence, rules: Rules) -> Move:
    """Keep a boolean, and say what freezing it would rest on."""
    seen = evidence.column(hp, rules)
    if not seen.good:
        return _keep(
            hp,
            _compared(seen) if not seen.tied else "the scores are alike",
        )
    counts = _counts(hp, seen)
    figures = ", ".join(f"{_names([c.option])} in {c.good} of {c.tried}" for c in counts)
    reason = f"among the best {len(seen.good)} of {len(seen.judged)}: {figures}"
    losers = [c for c in counts if c.tried >= rules.min_tries and _is_worse(c, seen, rules)]
    if losers:
        value = describe_value(not losers[0].option)
        reason += f"; a boolean is never frozen by itself: --freeze {hp.name}={value} would"
    return _keep(hp, reason)


def _names(options: Collection[Value]) -> str:
    return ", ".join(describe_value(o) for o in options)


def _keep(hp: Choice | Boolean, reason: str) -> Move:
    return Move(name=hp.name, verdict=Verdict.KEEP, old=hp, new=hp, reason=reason)


def _move(hp: Choice, verdict: Verdict, new: Choice, reason: str) -> Move:
    return Move(name=hp.name, verdict=verdict, old=hp, new=new, reason=reason)
