"""What a search tries first beside the defaults: earlier studies' best, then a recipe's presets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hptune.models.recipes.presets import presets_for
from hptune.search.past_studies import learned_configurations, past_studies
from hptune.space import Space
from hptune.strategy.initial_design import WarmStart
from hptune.strategy.plan import Plan
from hptune.study import Study

__all__ = ["MOST_PRESETS", "SHARE", "find_warm_starts", "noted_starts", "starts_note"]

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
    """Return what a search of `space` begins with after the defaults, the first to be tried first.

    What was learned from earlier studies comes first, all of it, for a person asked for it. Presets
    of the recipe `model` fill up to MOST_PRESETS, or to one in SHARE of the configurations that the
    plan's first bracket begins with. `own` is the study's folder, which does not learn from itself.
    """
    learned = learned_configurations(past_studies(learn_from, own), space)
    taken = [start.values for start in learned]
    more = [values for values in presets_for(model, space) if values not in taken] if with_presets else []
    room = max(0, min(MOST_PRESETS, plan.find_warm_starts // SHARE) - len(learned))
    warm_starts = (
        *learned,
        *(WarmStart(values=values, origin=PRESET) for values in more[:room]),
    )
    searched = {hp.name for hp in space.searched}
    # What is fixed is the space's to say.
    return tuple(
        replace(start, values={name: start.values[name] for name in start.values if name in searched})
        for start in warm_starts
    )


def starts_note(warm_starts: Sequence[WarmStart]) -> str:
    """Return the starts as a study notes them, so that going on begins with the same."""
    return json.dumps([{"values": dict(start.values), "origin": start.origin} for start in warm_starts])


def noted_starts(study: Study) -> tuple[WarmStart, ...]:
    """Return the configurations that a study's search began with."""
    noted = json.loads(study.meta.get("starts", "[]"))
    # Studies from before there were presets noted configurations alone.
    return tuple(
        WarmStart(values=one["values"], origin=one["origin"])
        if one.keys() == {"values", "origin"}
        else WarmStart(values=one, origin="from earlier studies")
        for one in noted
    )
