"""What a stacked training begins with: first weights as Keras draws them, inputs as the model sees them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.models.backend import keras, set_random_seed
from hptune.recipes import Recipe
from hptune.stack.layout import Layout

__all__ = ["first_weights", "prepare"]


def first_weights(recipe: Recipe, layout: Layout, seed: int) -> list[NDArray[np.float32]]:
    """Return the weights that the recipe's own model would begin with, without building it.

    Keras draws the seed of each initialiser when a layer is made, in order; so the layers that
    have weights or draw seeds are made, and nothing else.
    """
    set_random_seed(seed)
    made = [call.make() for call in recipe.layers if _draws(call.name)]
    dense = iter(layer for layer in made if isinstance(layer, keras.layers.Dense))
    shapes = iter(layout.variables)
    weights: list[NDArray[np.float32]] = []
    while len(weights) < len(layout.variables):
        shape, _ = next(shapes)
        if len(shape) == 2:
            weights.append(_array(next(dense).kernel_initializer(shape, dtype="float32")))
            continue
        # A bias; or gamma, beta, mean and variance.
        last = len(weights) == len(layout.variables) - 1
        if layout.structure.has_bias or last:
            weights.append(np.zeros(shape, np.float32))
        if layout.structure.normalised and not last:
            ones, zeros = np.ones(shape, np.float32), np.zeros(shape, np.float32)
            weights += [ones, zeros, zeros.copy(), ones.copy()]
            for _ in range(4 if layout.structure.has_bias else 3):
                next(shapes)
    return weights


def _draws(name: str) -> bool:
    return name in ("layers.Dense", "layers.Dropout", "layers.BatchNormalization")


def _array(tensor: Any) -> NDArray[np.float32]:
    return np.array(keras.ops.convert_to_numpy(tensor), dtype=np.float32)


def prepare(recipe: Recipe, x: NDArray[Any]) -> NDArray[np.float32]:
    """Return rows as they reach the first layer with weights: flat and normalised."""
    calls = [
        call for call in recipe.layers if call.name in ("Input", "layers.Flatten", "layers.Normalization")
    ]
    if len(calls) == 1:
        return np.asarray(x, dtype=np.float32)
    found = keras.Sequential([call.make() for call in calls])(keras.ops.convert_to_tensor(x))
    return np.array(keras.ops.convert_to_numpy(found), dtype=np.float32)
