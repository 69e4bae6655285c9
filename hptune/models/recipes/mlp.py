"""The recipe `mlp`: dense layers, one after the other."""

from __future__ import annotations

import math

from hptune.models.recipes.data_facts import DataFacts
from hptune.models.recipes.options import resolve
from hptune.models.recipes.parts import entrance, hidden, normalisation, output
from hptune.models.recipes.recipe import Recipe
from hptune.space import Values

__all__ = ["mlp"]


def mlp(values: Values, facts: DataFacts) -> Recipe:
    """Return the multilayer perceptron that `values` describe; see OPTIONS for what they may be.

    Inputs of any shape are made flat. Raises SpaceError for an unknown option or value.
    """
    options = resolve(values, "mlp")
    shape = (math.prod(facts.input_shape),)
    layers = entrance(facts, shape) + normalisation(options, facts, shape)
    for number in range(1, options["layers"] + 1):
        units = options.get(f"units_{number}", options["units"])
        layers += hidden("layers.Dense", {"units": units}, options)
    layers.append(output(facts, "mlp"))
    return Recipe.of("mlp", layers, options, facts)
