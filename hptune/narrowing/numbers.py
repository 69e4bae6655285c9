"""How the range of a number, or a run of ordered choices, moves after a pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hptune._text import counted
from hptune.analysis.binomial import (
    in_words,
    p_all_above,
    p_at_least,
    p_combined,
    p_of_order,
)
from hptune.analysis.evidence import Column
from hptune.analysis.split_points import SplitPoint, infeasible_split_points
from hptune.analysis.thresholds import Rules
from hptune.space import Number
from hptune.space.range_moves import at_unit, snapped, unit_of, values_between
from hptune.study.proposal import Verdict

__all__ = ["Shift", "shift"]

_FEWEST_VALUES = 3
_NEAR = 0.25
_ALONE = "but the other good trials do not gather there"
_SPREAD = "luck alone may explain that"
_SLACK = 1e-9


@dataclass(frozen=True, kw_only=True)
class Shift:
    """Where a range goes, and why."""

    verdict: Verdict
    low: float
    high: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class _Case:
    """One range and all that bears on it."""

    hp: Number
    home: Number
    """Its range in the first pass."""
    seen: Column
    rules: Rules
    text: Callable[[float], str]
    """A position in words."""
    promising: tuple[float, float] | None
    """Where the model expects the best values; None where it was not asked."""
    split_points: tuple[SplitPoint, ...]

    def unit(self, value: float) -> float:
        return unit_of(self.hp, value)

    def keep(self, reason: str) -> Shift:
        return Shift(verdict=Verdict.KEEP, low=self.hp.low, high=self.hp.high, reason=reason)

    def span(self, low: float, high: float) -> str:
        return f"{self.text(low)}..{self.text(high)}"

    @property
    def best_of(self) -> str:
        return f"best {len(self.seen.good)} of {len(self.seen.judged)}"


def shift(
    hp: Number,
    home: Number,
    seen: Column,
    rules: Rules,
    text: Callable[[float], str],
    epochs: int,
    promising: tuple[float, float] | None = None,
) -> Shift:
    """Decide on a range: expand, else narrow, else keep; each with the figures that speak for it.

    `home` is the range of the first pass, `text` says a position in words, `epochs` is the length of
    training at which the trials were compared. Where the trials themselves don't tell, the range
    narrows to what the model finds `promising`.
    """
    case = _Case(
        hp=hp,
        home=home,
        seen=seen,
        rules=rules,
        text=text,
        promising=promising,
        split_points=infeasible_split_points(hp, seen, rules),
    )
    found = _by_trials(case, epochs)
    return _by_model(case, found) if found.verdict is Verdict.KEEP else found


def _by_model(case: _Case, found: Shift) -> Shift:
    """Narrow to where the model expects the best values and a margin, joined with the best trial."""
    if case.promising is None:
        return found
    core = [*case.promising, *([] if case.seen.best is None else [case.seen.best])]
    units = [min(max(case.unit(v), 0.0), 1.0) for v in core]
    low = max(0.0, min(units) - case.rules.model_margin)
    high = min(1.0, max(units) + case.rules.model_margin)
    if high - low > 1 - case.rules.min_gain:
        return found
    low, high, said = _apply_split_points(case, low, high)
    reason = (
        f"the model expects the best in {case.span(*case.promising)}, joined with the best trial;"
        f" {case.rules.model_margin:.0%} of the old width kept on each side"
    )
    return _settle(case, low, high, "; ".join([reason, *said]))


def _by_trials(case: _Case, epochs: int) -> Shift:
    """Decide by where the trials themselves lie."""
    seen, rules = case.seen, case.rules
    if seen.compared < rules.min_trials:
        return _cut_only(case, _too_few(seen, rules, epochs))
    stuck = ""
    edge = _edge(case)
    if edge is not None:
        move, stuck = _expand(case, *edge)
        if move is not None and _worth_it(case, edge[0]):
            return move
        stuck = stuck or f"{edge[1]}, {_ALONE}"
    if not seen.good:
        return _cut_only(case, stuck or "the scores are too alike to tell which values are good")
    return _narrow(case, stuck)


def _too_few(seen: Column, rules: Rules, epochs: int) -> str:
    needed = f"{rules.min_trials} are needed to narrow: sample more"
    if not seen.compared and not epochs:
        return f"no trial was scored with it; {needed}"
    reached = f"reached {counted(epochs, 'epoch')}" if epochs else "had a score"
    few = f"only {counted(seen.compared, 'trial')}" if seen.compared else "no trial"
    return f"{few} {reached} with it; {needed}"


def _edge(case: _Case) -> tuple[bool, str] | None:
    """Return the side to expand to (True: upwards) and why, or None."""
    seen, rules = case.seen, case.rules
    if seen.best is None:
        return None
    best = case.unit(seen.best)
    where = f"the best lies at {case.text(seen.best)}"
    if best < -_SLACK or best > 1 + _SLACK:
        return best > 1, f"{where}, outside {case.span(case.hp.low, case.hp.high)}"
    if seen.in_best and (best <= rules.edge or best >= 1 - rules.edge):
        above = best >= 1 - rules.edge
        return above, f"{where}, at the {'upper' if above else 'lower'} edge of {_old(case)}"
    for above in (False, True):
        out = sum((case.unit(v) > 1 + _SLACK) if above else (case.unit(v) < -_SLACK) for v in seen.good)
        if out and 2 * out >= len(seen.good):
            side = "above" if above else "below"
            return above, f"{out} of the {case.best_of} lie {side} {_old(case)}"
    return None


def _worth_it(case: _Case, above: bool) -> bool:
    """Return whether to widen: towards the first range always, past it only if the good gather at the edge.

    Where a hyperparameter does not matter the best lies at an edge by luck, and most of all when
    candidates are put on the bounds. So half of the good trials must lie in the nearest quarter, and
    either the order of all trials shows that it matters, or chance would rarely put the others there.
    """
    seen, rules = case.seen, case.rules
    reach = unit_of(case.home, case.hp.high if above else case.hp.low)
    if seen.best is None or not _within(case.unit(seen.best)):
        return True
    if reach < 1 - rules.edge if above else reach > rules.edge:
        return True
    units = [case.unit(v) for v in seen.judged]
    near = sum(u >= 1 - _NEAR if above else u <= _NEAR for u in units)
    hits = sum(u >= 1 - _NEAR if above else u <= _NEAR for u in map(case.unit, seen.good))
    if not hits or 2 * hits < len(seen.good):
        return False
    # The best lies there whatever the others do.
    others = int(seen.best in seen.good)
    gathered = p_at_least(len(units) - others, near - others, len(seen.good) - others, hits - others)
    return min(p_of_order(units, seen.ranks), gathered) <= rules.p_value


def _old(case: _Case) -> str:
    return case.span(case.hp.low, case.hp.high)


def _expand(case: _Case, above: bool, why: str) -> tuple[Shift | None, str]:
    """Return the expansion, or None and what is in its way."""
    hp, rules = case.hp, case.rules
    if hp.hard:
        return None, f"{why}; you set this range, so only you can widen it"
    cut = next((c for c in case.split_points if c.above is above), None)
    outermost = [case.unit(v) for v in (*case.seen.good, case.seen.best) if v is not None]
    unit = max(1.0, *outermost) + rules.growth if above else min(0.0, *outermost) - rules.growth
    inside_hard_bounds = cut is not None and (case.unit(cut.at) < unit if above else case.unit(cut.at) > unit)
    reach = cut.at if cut is not None and inside_hard_bounds else at_unit(hp, unit)
    low = hp.low if above else min(reach, hp.low)
    high = max(reach, hp.high) if above else hp.high
    low, high = snapped(hp, low, high, up=inside_hard_bounds and not above, down=inside_hard_bounds and above)
    gained = case.unit(high) - 1 if above else -case.unit(low)
    if gained <= _SLACK or (values_between(hp, low, high) is None and gained < rules.edge):
        blocked = (
            f"but {cut.sentence(case.text)}"
            if cut is not None and inside_hard_bounds
            else "the limit is reached"
        )
        return None, f"{why}; {blocked}"
    if inside_hard_bounds and cut is not None:
        extent = f", but no further, for {cut.sentence(case.text)}"
    else:
        extent = ", as far as its limit" if hp.limits and (high if above else low) in hp.limits else ""
    reason = f"{why}: widened by half the old width beyond it{extent}"
    return Shift(verdict=Verdict.EXPAND, low=low, high=high, reason=reason), ""


def _cut_only(case: _Case, otherwise: str) -> Shift:
    """Narrow by what could not be trained alone, or keep."""
    low, high, said = _apply_split_points(case, 0.0, 1.0)
    if not said:
        return case.keep(otherwise)
    return _settle(case, low, high, f"{'; '.join(said)}; {otherwise}")


def _apply_split_points(case: _Case, low: float, high: float) -> tuple[float, float, list[str]]:
    """Return a range of units without the sides that could not be trained, and what was seen there."""
    said = []
    for cut in case.split_points:
        at = case.unit(cut.at)
        if cut.above and at < high:
            high = at
        elif not cut.above and at > low:
            low = at
        else:
            continue
        said.append(cut.sentence(case.text))
    return low, high, said


def _narrow(case: _Case, stuck: str) -> Shift:
    """Narrow to the good trials and a margin, on the sides where chance does not explain it."""
    seen, rules = case.seen, case.rules
    good = [v for v in seen.good if _within(case.unit(v))]
    if len(good) < rules.min_good:
        return _cut_only(
            case, f"only {len(good)} of the {case.best_of} lie in {_old(case)}: sample more there"
        )
    # Joined with the best trial, and with good ones outside, for which that side stays open: or the
    # next pass would find them at or beyond an edge and widen again.
    core = [min(max(v, case.hp.low), case.hp.high) for v in (*seen.good, seen.best) if v is not None]
    first, last = case.unit(min(core)), case.unit(max(core))
    middle = (first + last) / 2
    clear_low, clear_high, p_value = _clear_sides(case, len(good), first, last)
    low = max(0.0, min(first - rules.margin, middle - rules.half_width)) if clear_low else 0.0
    high = min(1.0, max(last + rules.margin, middle + rules.half_width)) if clear_high else 1.0
    where = f"{case.best_of} lie in {case.span(min(good), max(good))}"
    if seen.best is not None and not min(good) <= seen.best <= max(good):
        where += f", the best trial at {case.text(seen.best)}"
    cut_low, cut_high, said = _apply_split_points(case, low, high)
    parts = [stuck] if stuck else []
    if cut_high - cut_low > 1 - rules.min_gain and not said:
        why = "a margin on each side leaves most of the range" if clear_low or clear_high else _SPREAD
        return case.keep("; ".join([*parts, f"{where}: {why}"]))
    if low > 0 or high < 1:
        side = "each side" if low > 0 and high < 1 else ("the lower side" if low > 0 else "the upper side")
        parts += [f"{where} (by chance {in_words(p_value)})", f"{_share(rules.margin)} kept on {side}"]
    else:
        parts += [f"{where}: {_SPREAD}"]
    return _settle(case, cut_low, cut_high, "; ".join([*parts, *said]))


def _within(unit: float) -> bool:
    return -_SLACK <= unit <= 1 + _SLACK


def _share(part: float) -> str:
    return "a quarter of the old width" if part == 0.25 else f"{part:.0%} of the old width"


def _clear_sides(case: _Case, good: int, first: float, last: float) -> tuple[bool, bool, float]:
    """Tell for the low and the high side whether more than chance keeps the good trials from it.

    A side is clear when so empty a side is strong evidence alone, or when it is some evidence and the
    order of all trials shows that the hyperparameter matters. The third is the smallest probability.

    How empty: for a random choice of as many trials, that all lie above `first` (below `last`), or that
    they lie as close together as first..last; the smaller counts. Exact, by counting combinations.
    """
    rules, seen = case.rules, case.seen
    inside = [(u, r) for u, r in zip(map(case.unit, seen.judged), seen.ranks, strict=True) if _within(u)]
    places = sorted(u for u, _ in inside)
    order = p_of_order([u for u, _ in inside], [r for _, r in inside])
    together = p_combined(places, good, last - first)
    above = p_all_above(len(places), sum(u >= first - _SLACK for u in places), good)
    below = p_all_above(len(places), sum(u <= last + _SLACK for u in places), good)
    empty = (min(above, together), min(below, together))
    enough = rules.side_p if order <= rules.p_value else rules.strong
    return empty[0] <= enough, empty[1] <= enough, min(order, *empty)


def _settle(case: _Case, low: float, high: float, reason: str) -> Shift:
    """Turn units into a range that is wide enough, readable, on the grid and holds the best."""
    hp = case.hp
    least = _least_width(case)
    if least >= 1 - case.rules.min_gain:
        return case.keep(f"{reason}; already as narrow as a range may get")
    if high - low < least:
        low = max(0.0, min((low + high - least) / 2, 1 - least))
        high = low + least
    ends = snapped(hp, at_unit(hp, low), at_unit(hp, high), up=_cut_at(case, low), down=_cut_at(case, high))
    inside = [v for v in (*case.seen.good, case.seen.best) if v is not None and hp.low <= v <= hp.high]
    ends = snapped(hp, min([ends[0], *inside]), max([ends[1], *inside]))
    start, end = _with_enough_values(hp, max(ends[0], hp.low), min(ends[1], hp.high))
    if (start, end) == (hp.low, hp.high) or not start < end:
        return case.keep(f"{reason}; there is no smaller range of values to keep")
    return Shift(verdict=Verdict.NARROW, low=start, high=end, reason=reason)


def _cut_at(case: _Case, unit: float) -> bool:
    """Whether this end comes from a side that could not be trained, which must stay out."""
    return any(abs(case.unit(c.at) - unit) < _SLACK for c in case.split_points)


def _least_width(case: _Case) -> float:
    """Return the least width of a range, as a part of the old width."""
    now = unit_of(case.home, case.hp.high) - unit_of(case.home, case.hp.low)
    return case.rules.min_width / now if now > 0 else 1.0


def _with_enough_values(hp: Number, low: float, high: float) -> tuple[float, float]:
    """Return the range, or the old one where a grid would be left with fewer than three values."""
    count = values_between(hp, low, high)
    if count is None or count >= _FEWEST_VALUES:
        return low, high
    return hp.low, hp.high
