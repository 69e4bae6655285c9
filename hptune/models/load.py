"""Loads a model by the name a person gives it."""

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
    metrics_on_demand,
    remarks,
    with_all_rows,
)
from hptune.models.user_model import UserModel, load_user_model
from hptune.space import Space, Values
from hptune.space.files import ready_space

__all__ = ["load_model", "other_metrics", "other_start", "remarks_of"]


def load_model(
    spec: str, dataset: Dataset, *, space: Space | None = None, epochs: int = 0, metric: str = ""
) -> Model:
    """Return the model that `spec` names: mlp, cnn, or FILE.py:build for a person's own.

    `space` is searched instead of the recipe's own; of a person's model it overrides ranges,
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


def remarks_of(model: Model) -> tuple[str, ...]:
    """Return what a person should know of the space that a model is searched in; nothing for their own."""
    return remarks(model.searched, model.facts) if isinstance(model, RecipeModel) else ()


def other_metrics(model: Model) -> tuple[str, ...]:
    """Return the metrics that a recipe reports only where one is asked for; none of a person's model."""
    return tuple(metrics_on_demand(model.facts)) if isinstance(model, RecipeModel) else ()


def other_start(model: Model) -> Values | None:
    """Return where Keras Tuner would begin with a person's model, or None where that is its default.

    A range without a default begins in its middle here, and at its lowest value in Keras Tuner.
    """
    if not isinstance(model, UserModel):
        return None
    space, tried = model.space(), model.first_tried
    values = {name: value for name, value in tried.items() if name in space and space[name].contains(value)}
    start = space.active(values)
    return None if start == space.defaults else start


def _recipe(name: str, space: Space | None, facts: DataFacts) -> RecipeModel:
    searched = space if space is not None else ready_space(name)
    check_space(searched, name)
    if name == "mlp" and searched == ready_space("mlp"):
        # A space of one's own is searched as it is written; so are the other ready ones.
        searched = with_all_rows(searched, facts)
    # Data that the recipe can't learn is refused here, not in every trial.
    make_recipe(name, searched.defaults, facts)
    return RecipeModel(name=name, facts=facts, searched=searched)
