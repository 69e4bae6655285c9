"""Does a model compute in less than float64? Then differences are rounding, and nothing can be checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune._text import first_of
from hptune.check.autodiff import to_array
from hptune.check.capture import watch_layers
from hptune.check.naming import all_layers, display_names
from hptune.models.backend import keras

__all__ = ["has_narrow_weights", "is_rounded", "where_rounded"]

_POINTS = 12
_SPACING = 4e-6
"""How far all weights together are moved to see whether a value is rounded."""
_PLACES = (0.0, 1e-3, 2e-3)
"""Where this is done, as distances from the weights."""
_ROUNDED = 1e-10
"""Share of a value above which its rounding is not float64's."""


def has_narrow_weights(model: Any) -> bool:
    """Return whether a layer with weights computes in less than float64."""
    return any(layer.trainable_variables and layer.compute_dtype != "float64" for layer in all_layers(model))


def is_rounded(value: Callable[[], float], variables: Sequence[Any], seed: int) -> bool:
    """Return whether something on the way from variables to a value rounds to less than float64.

    So near to a point a smooth function is a parabola: what is left beside the best one is rounding.
    It is looked for at three places, as a kink leaves something too, but hardly at each. The steps are
    uneven, since even ones may all be rounded alike.
    """
    rng = np.random.default_rng(seed)
    bases = [to_array(variable) for variable in variables]
    lines = [rng.standard_normal(base.shape) for base in bases]
    length = np.sqrt(sum(np.sum(line**2) for line in lines))

    def along(t: float) -> float:
        for variable, base, line in zip(variables, bases, lines, strict=True):
            variable.assign(base + t / length * line)
        return value()

    try:
        noises = []
        for place in _PLACES:
            steps = rng.uniform(-1, 1, _POINTS)
            values = np.array([along(place + _SPACING * step) for step in steps])
            rest = values - np.polyval(np.polyfit(steps, values, 2), steps)
            noises.append(np.std(rest) / (np.max(np.abs(values)) or 1.0))
    finally:
        along(0.0)
    return bool(min(noises) > _ROUNDED)


def where_rounded(model: Any, x: NDArray[Any]) -> str:
    """Say which layers give less than float64."""
    names = display_names(model)
    found = {}
    for number, seen in watch_layers(model, x, training=True).items():
        types = {keras.backend.standardize_dtype(t.dtype) for t in keras.tree.flatten(seen.output)}
        narrow = sorted(name for name in types if "float" in name and name != "float64")
        if narrow and not seen.layer._layers:
            found[names[number]] = narrow[0]
    where = first_of([f"{name} ({dtype})" for name, dtype in found.items()], 3) or "some step inside a layer"
    return f"{where} computes in less than float64, and differences would be rounding"
