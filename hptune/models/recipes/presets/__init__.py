"""Presets: configurations of a recipe that did well on many data sets, for a search to try first.

`benchmarks/presets.py` learnt them from real trainings and wrote the files beside this one.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from hptune.space import Space, Value
from hptune.strategy.initial_design import fit_to

__all__ = ["presets", "presets_for"]


@cache
def presets(recipe: str) -> tuple[dict[str, Value], ...]:
    """Return the presets of a recipe, the one that helps most first; () where it has none."""
    # Reading YAML costs a tenth of a second: not before presets are wanted.
    from hptune.space.yaml_lines import read_yaml

    file = files(__package__) / f"{recipe}.yaml"
    if not file.is_file():
        return ()
    return tuple(read_yaml(file.read_text(encoding="utf-8"), f"{recipe}.yaml").data or ())


def presets_for(recipe: str, space: Space) -> list[dict[str, Value]]:
    """Return a recipe's presets as `space` can take them, each once, without the defaults.

    Numbers are clipped to the ranges, and what a preset leaves open is at the space's default. Where
    the space does not search a preset's learning rate, or not together with its other choices, the
    preset would be another configuration: it is left out.
    """
    searched = {hp.name for hp in space.searched}
    found: list[dict[str, Value]] = []
    for preset, fitted in zip(presets(recipe), fit_to(space, presets(recipe)), strict=True):
        rates = {name for name in preset if name.startswith("learning_rate")}
        if rates <= searched & set(fitted) and fitted not in [space.defaults, *found]:
            found.append(fitted)
    return found
