"""What a search tries first beside the defaults: earlier studies' best, then a recipe's presets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hptune.models.recipes.presets import presets_for
from hptune.search.past_studies import earlier_studies, learned_starts
from hptune.space import Space
from hptune.strategy.initial_design import Start
from hptune.strategy.plan import Plan
from hptune.study import Study

__all__ = ["MOST_PRESETS", "SHARE", "first_starts", "noted_starts", "starts_note"]

MOST_PRESETS = 3
"""Presets that a search tries at the most; see docs/benchmarks.md for what they are worth."""
SHARE = 3
"""Presets are at the most one in so many of a search's first configurations."""
PRESET = "a preset"


def first_starts(
    space: Space,
    plan: Plan,
    *,
    model: str,
    learn_from: Sequence[str] = (),
    own: Path,
    with_presets: bool = True,
) -> tuple[Start, ...]:
    """Return what a search of `space` begins with after the defaults, the first to be tried first.

    What was learned from earlier studies comes first, all of it, for a person asked for it. Presets
    of the recipe `model` fill up to MOST_PRESETS, or to one in SHARE of the configurations that the
    plan's first bracket begins with. `own` is the study's folder, which does not learn from itself.
    """
    learned = learned_starts(earlier_studies(learn_from, own), space)
    taken = [start.values for start in learned]
    more = [values for values in presets_for(model, space) if values not in taken] if with_presets else []
    room = max(0, min(MOST_PRESETS, plan.first_configurations // SHARE) - len(learned))
    starts = (*learned, *(Start(values=values, origin=PRESET) for values in more[:room]))
    searched = {hp.name for hp in space.searched}
    # What is fixed is the space's to say.
    return tuple(
        replace(start, values={name: start.values[name] for name in start.values if name in searched})
        for start in starts
    )


def starts_note(starts: Sequence[Start]) -> str:
    """Return the starts as a study notes them, so that going on begins with the same."""
    return json.dumps([{"values": dict(start.values), "origin": start.origin} for start in starts])


def noted_starts(study: Study) -> tuple[Start, ...]:
    """Return the configurations that a study's search began with."""
    noted = json.loads(study.meta.get("starts", "[]"))
    # Studies from before there were presets noted configurations alone.
    return tuple(
        Start(values=one["values"], origin=one["origin"])
        if one.keys() == {"values", "origin"}
        else Start(values=one, origin="from earlier studies")
        for one in noted
    )
