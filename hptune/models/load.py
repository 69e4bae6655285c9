"""Loads a model by its name: a built-in recipe, or FILE.py:build."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hptune.data import Dataset
from hptune.data.in_program import is_in_program
from hptune.data.python_file import is_function_spec
from hptune.errors import ModelError, did_you_mean
from hptune.models.load_user_model import load_user_model
from hptune.models.model import Model
from hptune.models.of_packages import is_of_package, recipes_of_packages
from hptune.models.override import OF_THE_TRAINER, overridden
from hptune.models.recipe_model import RecipeModel
from hptune.models.recipes import (
    RECIPES,
    DataFacts,
    check_space,
    make_recipe,
    with_all_rows,
)
from hptune.models.user_model import UserModel
from hptune.space import Fixed, Hyperparameter, Space
from hptune.space.files import ready_space

__all__ = ["load_model"]


def load_model(
    spec: str,
    dataset: Dataset,
    *,
    space: Space | None = None,
    found: Sequence[Hyperparameter] = (),
    epochs: int = 0,
    metric: str = "",
    batch_size: int | None = None,
) -> Model:
    """Return the model that `spec` names: mlp, cnn, or FILE.py:build for a user model.

    `space` is searched instead of the recipe's own; of a user model it overrides ranges,
    tiers and defaults by name. `found` is what trials asked for that exploring a user model does not
    find. `epochs` are those of a full training, which the cosine schedule spans; `metric` is what a
    recipe shall report, besides what it always does; `batch_size` is that of a user model which
    declares none. Raises ModelError where the model can't be had, SpaceError where the space does
    not fit it.
    """
    if spec in RECIPES:
        if batch_size is not None:
            raise _declares_it(spec)
        return _recipe(spec, space, DataFacts.of(dataset, epochs=epochs, metric=metric))
    if not (is_function_spec(spec) or is_in_program(spec) or is_of_package(spec)):
        raise ModelError(
            f"no model is named {spec!r}",
            hint=did_you_mean(spec, (*RECIPES, *recipes_of_packages()))
            + " A model of your own: FILE.py:build.",
        )
    if batch_size is not None and dataset.comes_in_batches:
        raise ModelError(
            f"--batch-size: {dataset.name} gives batches, of a size of their own",
            hint="Leave --batch-size out, and set the size where the batches are made.",
        )
    model = load_user_model(spec, dataset)
    own = _with_found(model.space(), found)
    if space is not None:
        more = _that_a_file_asks_for(model, own, space)
        own, found = own.extended(more), (*found, *more)
    declares = "batch_size" in own
    searched = own if space is None else overridden(own, space, spec)
    if batch_size is not None:
        if declares:
            raise _declares_it(spec)
        fixed = Fixed(name="batch_size", value=batch_size)
        others = tuple(hp for hp in searched if hp.name != fixed.name)
        searched = replace(searched, hyperparameters=(*others, fixed))
    return replace(
        model,
        searched=searched,
        passes_batch_size="batch_size" in searched and not declares,
        found=frozenset(hp.name for hp in found),
    )


def _that_a_file_asks_for(model: UserModel, own: Space, given: Space) -> tuple[Hyperparameter, ...]:
    """Return what a file names and exploring did not find, and the code asks for at the file's values."""
    missing = {hp.name for hp in given.of_model if hp.name not in own and hp.name not in OF_THE_TRAINER}
    if not missing:
        return ()
    values = given.for_model(given.defaults)
    asked = tuple(hp for hp in model.declares(values) if hp.name in missing)
    return model.with_conditions(asked, {n: v for n, v in values.items() if n in own}, own)


def _with_found(explored: Space, found: Sequence[Hyperparameter]) -> Space:
    """Return the space with what trials found; what exploring finds as well has the trials' conditions."""
    more = explored.extended(hp for hp in found if hp.name not in explored)
    return more.with_changes(
        hp for hp in found if hp.name in explored and replace(explored[hp.name], when=hp.when) == hp
    )


def _declares_it(spec: str) -> ModelError:
    return ModelError(
        f"--batch-size: {spec} has a hyperparameter batch_size of its own",
        hint="Fix it in a space file instead: batch_size: 64.",
    )


def _recipe(name: str, space: Space | None, facts: DataFacts) -> RecipeModel:
    searched = space if space is not None else ready_space(name)
    check_space(searched, name)
    if name == "mlp" and searched == ready_space("mlp"):
        # A space of your own is searched as it is written; so are the other ready ones.
        searched = with_all_rows(searched, facts)
    # Data that the recipe can't learn is refused here, not in every trial.
    make_recipe(name, searched.for_model(searched.defaults), facts)
    return RecipeModel(name=name, facts=facts, searched=searched)
