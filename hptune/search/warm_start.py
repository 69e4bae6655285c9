"""What a search tries first beside the defaults: the best of past studies, then a recipe's presets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hptune.models.recipes.presets import presets_for
from hptune.search.past_studies import learned_configurations, past_studies
from hptune.space import Space
from hptune.strategy.plan import Plan
from hptune.study.notes import WarmStart

__all__ = ["MOST_PRESETS", "SHARE", "find_warm_starts"]

MOST_PRESETS = 3
"""Presets that a search tries at the most; see docs/benchmarks.md for what they are worth."""
SHARE = 3
"""Presets are at the most one in so many of a search's first configurations."""
PRESET = "a preset"


def find_warm_starts(
    space: Space,
    plan: Plan,
    *,
    model: str,
    learn_from: Sequence[str] = (),
    own: Path,
    with_presets: bool = True,
) -> tuple[WarmStart, ...]:
    """Return the configurations that a search of `space` tries right after the defaults, in that order.

    What was learned from past studies comes first, all of it, because it was asked for. Presets
    of the recipe `model` fill up to MOST_PRESETS, or to one in SHARE of the configurations that the
    plan's first bracket begins with. `own` is the study's folder, which does not learn from itself.
    """
    learned = learned_configurations(past_studies(learn_from, own), space)
    taken = [start.values for start in learned]
    more = [values for values in presets_for(model, space) if values not in taken] if with_presets else []
    room = max(0, min(MOST_PRESETS, plan.first_configurations // SHARE) - len(learned))
    starts = (*learned, *(WarmStart(values=values, origin=PRESET) for values in more[:room]))
    searched = {hp.name for hp in space.searched}
    # What is fixed is the space's to say.
    return tuple(
        replace(start, values={name: start.values[name] for name in start.values if name in searched})
        for start in starts
    )
