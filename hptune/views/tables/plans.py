"""What a search would do, before it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from hptune.space import Space
from hptune.space.describe import describe_range
from hptune.study.trial import Objective
from hptune.views.tables.text import columns, format_value, to_json

if TYPE_CHECKING:
    from hptune.strategy.plan import Plan
    from hptune.study.notes import WarmStart

__all__ = ["plan_json", "plan_text", "start_lines"]


def plan_text(space: Space, plan: Plan, goal: Objective, warm_starts: Sequence[WarmStart] = ()) -> str:
    """Describe what a search would do: its ranges, passes, rungs, cost and objective."""
    ranges = [
        [hp.name, str(int(hp.tier)) if hp.tier < 4 else "–", describe_range(hp), format_value(hp.initial)]
        for hp in sorted(space, key=lambda hp: hp.tier)
    ]
    return "\n".join(
        [
            f"Space {space.name}:" if space.name else "Space:",
            columns(ranges, ["hyperparameter", "tier", "range", "default"], indent="  "),
            "",
            f"objective: {goal.name}, {'more' if goal.sign > 0 else 'less'} is better",
            *plan.lines,
            *start_lines(warm_starts),
        ]
    )


def start_lines(warm_starts: Sequence[WarmStart]) -> list[str]:
    """Say what is tried first beside the defaults: where each comes from, and its values."""
    return [
        f"first, {start.origin}: "
        + ", ".join(f"{name} {format_value(value)}" for name, value in start.values.items())
        for start in warm_starts
    ]


def plan_json(space: Space, plan: Plan, goal: Objective, warm_starts: Sequence[WarmStart] = ()) -> str:
    """Return the same as JSON."""
    from hptune.space.as_dict import space_to_dict

    first = [{"from": start.origin, "values": dict(start.values)} for start in warm_starts]
    return to_json(
        {
            "space": space_to_dict(space),
            "plan": asdict(plan),
            "objective": goal.name,
            "direction": goal.direction.value,
            "warm_starts": first,
        }
    )
