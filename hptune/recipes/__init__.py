"""Recipes: values → layers, optimiser, loss, schedule, as descriptions that can be built or printed."""

from hptune.recipes.book import RECIPES, make_recipe
from hptune.recipes.facts import Facts
from hptune.recipes.offered import with_all_rows
from hptune.recipes.options import OPTIONS, Option, check_space, resolve
from hptune.recipes.parts import metrics_on_demand
from hptune.recipes.recipe import Recipe
from hptune.recipes.remarks import remarks

__all__ = [
    "OPTIONS",
    "RECIPES",
    "Facts",
    "Option",
    "Recipe",
    "check_space",
    "make_recipe",
    "metrics_on_demand",
    "remarks",
    "resolve",
    "with_all_rows",
]
