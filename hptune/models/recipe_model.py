"""Built-in recipes as models."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hptune.data import Dataset
from hptune.models.model import Arrays, OwnFit, Training
from hptune.models.recipes import DataFacts, Recipe, make_recipe, metrics_on_demand, remarks
from hptune.models.recipes.calls import Call
from hptune.space import Hyperparameter, Space, Values

__all__ = ["RecipeModel"]

_EDITION = 1
"""Counts up where a recipe's configurations train differently than before."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RecipeModel:
    """A recipe, what it knows of the data, and the space to search."""

    name: str
    facts: DataFacts
    searched: Space
    _latest: list[tuple[Dataset, Arrays]] = field(default_factory=list, repr=False)
    """The latest data and its arrays: the same ones each time, so that nothing is copied twice."""

    @property
    def fingerprint(self) -> str:
        """Changes where the recipe does."""
        return hashlib.sha256(f"recipe {self.name} {_EDITION}".encode()).hexdigest()

    def known_as(self, fingerprint: str) -> bool:
        """Return whether a recorded fingerprint is this recipe's."""
        return fingerprint == self.fingerprint

    def space(self) -> Space:
        """Return the space to search: the recipe's own, or the one given instead."""
        return self.searched

    def recipe(self, values: Values) -> Recipe:
        """Return everything that is trained, as a description."""
        return make_recipe(self.name, self.searched.for_model(values), self.facts)

    def build(self, values: Values, seed: int) -> Any:
        """Return the compiled keras.Model of a configuration."""
        from hptune.models.backend import set_random_seed

        set_random_seed(seed)
        return self.recipe(values).build()

    def training(self, values: Values, rows: int) -> Training:
        """Return how a configuration is trained on so many rows."""
        recipe = self.recipe(values)
        return Training(
            batch_size=min(recipe.batch_size, rows),
            learning_rate=recipe.schedule,
            averaged=recipe.averaged,
            patience=recipe.patience,
            min_delta=recipe.min_delta,
            units=recipe.units,
        )

    def batch_size(self, values: Values, rows: int) -> int:
        """Return how many rows a step takes."""
        return self.training(values, rows).batch_size

    def arrays(self, dataset: Dataset, values: Values) -> Arrays:
        """Return inputs as they are and targets as the recipe learns them: z-scored in a regression."""
        if self._latest and self._latest[0][0] is dataset:
            return self._latest[0][1]
        target = self.recipe(values).target
        learned = [
            (part.x, part.y if target is None else target.z_scores(part.y))
            for part in (dataset.train, dataset.validation)
        ]
        (x, y), (validation_x, validation_y) = learned
        arrays = Arrays(x=x, y=y, validation_x=validation_x, validation_y=validation_y)
        self._latest[:] = [(dataset, arrays)]
        return arrays

    def graph_key(self, values: Values) -> Hashable | None:
        """Return all that is built, without the learning rate, which is set at each epoch."""
        recipe = self.recipe(values)
        arguments = {k: v for k, v in recipe.optimizer.arguments.items() if k != "learning_rate"}
        optimizer = Call(name=recipe.optimizer.name, arguments=arguments, home=recipe.optimizer.home)
        return (recipe.layers, optimizer, recipe.loss, recipe.metrics)

    def own_fit(self, values: Values) -> OwnFit | None:
        """Return None: recipes are trained by Keras's fit."""
        return None

    def unsearched(self) -> Values:
        """Return nothing: a recipe knows all its options."""
        return {}

    def declared(self) -> tuple[Hyperparameter, ...]:
        """Return nothing."""
        return ()

    def with_conditions(
        self, found: tuple[Hyperparameter, ...], values: Values, space: Space
    ) -> tuple[Hyperparameter, ...]:
        """Return them as they are: there are never any."""
        return found

    def remarks(self) -> tuple[str, ...]:
        """Return what is worth knowing of the options that its space searches."""
        return remarks(self.searched, self.facts)

    def metrics_on_demand(self) -> tuple[str, ...]:
        """Return the metrics that the recipe reports only where one is the objective."""
        return tuple(metrics_on_demand(self.facts))

    def fallback_start(self) -> Values | None:
        """Return None: a recipe's defaults can be trained."""
        return None

    @property
    def source_file(self) -> Path | None:
        """None: a recipe is no user's file."""
        return None

    def keras_tuner_build(self, hp: Any) -> Any:
        """Build for a stock Keras Tuner: `keras_tuner.RandomSearch(model.keras_tuner_build, …)`.

        Registers the space with `hp` and returns the compiled model of its values. Batch size,
        decay and early stopping belong to fitting and are the tuner's there.
        """
        from hptune.models.keras_tuner_space import to_keras_tuner, values_of

        ours = to_keras_tuner(self.searched)
        given = dict(hp.values)
        hp.merge(ours.space)
        hp.values.update(given)
        hp.ensure_active_values()
        values = {name: value for name, value in values_of(hp).items() if name in self.searched}
        return self.recipe(self.searched.active(values)).build()
