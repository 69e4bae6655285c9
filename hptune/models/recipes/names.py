"""The built-in recipes by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from hptune.errors import ModelError, did_you_mean
from hptune.models.recipes.cnn import cnn
from hptune.models.recipes.data_facts import DataFacts
from hptune.models.recipes.mlp import mlp
from hptune.models.recipes.recipe import Recipe
from hptune.space import Values

__all__ = ["RECIPES", "make_recipe"]

RECIPES: Mapping[str, Callable[[Values, DataFacts], Recipe]] = MappingProxyType({"mlp": mlp, "cnn": cnn})
"""Name → values and facts of the data → what is trained."""


def make_recipe(name: str, values: Values, facts: DataFacts) -> Recipe:
    """Return the configuration that `values` describe.

    Raises ModelError for an unknown recipe, SpaceError for an unknown option or value.
    """
    if name not in RECIPES:
        raise ModelError(f"no recipe is named {name!r}", hint=did_you_mean(name, RECIPES))
    return RECIPES[name](values, facts)
