"""Sides of a range where nothing could be trained: evidence for the next space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hptune.analysis.binomial import p_all_above
from hptune.analysis.evidence import Column
from hptune.analysis.thresholds import Rules
from hptune.space import Number
from hptune.space.range_moves import at_unit, unit_of

__all__ = ["SplitPoint", "infeasible_split_points"]


@dataclass(frozen=True, kw_only=True)
class SplitPoint:
    """One side of a range where nothing could be trained."""

    above: bool
    """Whether it is the side above; otherwise below."""
    trained: float
    """The outermost value that could be trained."""
    count: int
    """Trials beyond it; none could be trained."""
    nearest: float
    """The innermost value among those."""
    at: float
    """Where to cut: half way between the two, on the scale."""
    reason: str

    def sentence(self, text: Callable[[float], str]) -> str:
        """Say what was seen."""
        side = "above" if self.above else "below"
        why = f" ({self.reason})" if self.reason else ""
        return f"all {self.count} trials {side} {text(self.trained)} could not be trained{why}"


def infeasible_split_points(hp: Number, seen: Column, rules: Rules) -> tuple[SplitPoint, ...]:
    """Return the sides beyond all trained values where several trials could not be trained.

    A side counts when it holds at least `infeasible_side` such trials and no other, and when they
    would rarely gather there by chance.
    """
    if not seen.trained:
        return ()
    split_points = []
    for above in (False, True):
        last = max(seen.trained) if above else min(seen.trained)
        beyond = [v for v in seen.infeasible if (v > last if above else v < last)]
        if len(beyond) < rules.infeasible_side:
            continue
        total = len(seen.infeasible) + len(seen.trained)
        if p_all_above(total, len(seen.infeasible), len(beyond)) > rules.p_value:
            continue
        nearest = min(beyond) if above else max(beyond)
        half_way = (unit_of(hp, last) + unit_of(hp, nearest)) / 2
        at = at_unit(hp, half_way)
        split_points.append(
            SplitPoint(
                above=above, trained=last, count=len(beyond), nearest=nearest, at=at, reason=seen.reason
            )
        )
    return tuple(split_points)
