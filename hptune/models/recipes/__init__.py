"""Recipes: values → layers, optimiser, loss, schedule, as descriptions that can be built or printed."""

from hptune.models.recipes.batch_sizes import with_all_rows
from hptune.models.recipes.data_facts import DataFacts
from hptune.models.recipes.names import RECIPES, make_recipe
from hptune.models.recipes.options import OPTIONS, Option, check_space, resolve
from hptune.models.recipes.parts import metrics_on_demand
from hptune.models.recipes.recipe import Recipe
from hptune.models.recipes.remarks import remarks

__all__ = [
    "OPTIONS",
    "RECIPES",
    "DataFacts",
    "Option",
    "Recipe",
    "check_space",
    "make_recipe",
    "metrics_on_demand",
    "remarks",
    "resolve",
    "with_all_rows",
]
