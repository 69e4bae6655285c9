"""Loads a model by its name: a built-in recipe, or FILE.py:build."""

from __future__ import annotations

from dataclasses import replace

from hptune.data import Dataset
from hptune.data.python_file import is_function_spec
from hptune.errors import ModelError, did_you_mean
from hptune.models.model import Model
from hptune.models.override import overridden
from hptune.models.recipe_model import RecipeModel
from hptune.models.recipes import (
    RECIPES,
    DataFacts,
    check_space,
    make_recipe,
    with_all_rows,
)
from hptune.models.user_model import load_user_model
from hptune.space import Space
from hptune.space.files import ready_space

__all__ = ["load_model"]


def load_model(
    spec: str, dataset: Dataset, *, space: Space | None = None, epochs: int = 0, metric: str = ""
) -> Model:
    """Return the model that `spec` names: mlp, cnn, or FILE.py:build for a user model.

    `space` is searched instead of the recipe's own; of a user model it overrides ranges,
    tiers and defaults by name. `epochs` are those of a full training, which the cosine schedule
    spans; `metric` is what a recipe shall report, besides what it always does. Raises ModelError
    where the model can't be had, SpaceError where the space does not fit it.
    """
    if spec in RECIPES:
        return _recipe(spec, space, DataFacts.of(dataset, epochs=epochs, metric=metric))
    if not is_function_spec(spec):
        raise ModelError(
            f"no model is named {spec!r}",
            hint=did_you_mean(spec, RECIPES) + " A model of your own: FILE.py:build.",
        )
    model = load_user_model(spec, dataset)
    return model if space is None else replace(model, searched=overridden(model.space(), space, spec))


def _recipe(name: str, space: Space | None, facts: DataFacts) -> RecipeModel:
    searched = space if space is not None else ready_space(name)
    check_space(searched, name)
    if name == "mlp" and searched == ready_space("mlp"):
        # A space of your own is searched as it is written; so are the other ready ones.
        searched = with_all_rows(searched, facts)
    # Data that the recipe can't learn is refused here, not in every trial.
    make_recipe(name, searched.defaults, facts)
    return RecipeModel(name=name, facts=facts, searched=searched)
