"""The first configurations: what is known to be good, then the important hyperparameters first.

Tiers are a prior, never a hard bound: some of the first configurations move the most important
hyperparameters only, the others move everything.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from hptune.space import Choice, Fixed, Hyperparameter, Number, Space, Tier, Value, Values
from hptune.strategy.encoding import Box, Cube

__all__ = ["TIER_SHARE", "fit_to", "quasi_random", "soft_tier_row"]

Array = NDArray[np.float64]

TIER_SHARE = 0.4
"""Share of the first configurations that move the first tier only."""


def quasi_random(index: int, dimensions: int, seed: int) -> Array:
    """Return the point `index` of a sequence that fills the unit cube evenly, shape (dimensions,).

    The additive recurrence with the generalised golden ratio (M. Roberts 2018, "The unreasonable
    effectiveness of quasirandom sequences"), shifted at random by the seed.
    """
    ratio = 2.0
    for _ in range(60):
        ratio = (1.0 + ratio) ** (1.0 / (dimensions + 1))
    steps = ratio ** -np.arange(1.0, dimensions + 1)
    shift = np.random.default_rng([seed, 0x51]).random(dimensions)
    return np.asarray((shift + (index + 1) * steps) % 1.0, dtype=np.float64)


def soft_tier_row(cube: Cube, box: Box, index: int, seed: int) -> Array:
    """Return the row of the first phase's configuration `index` (from 0), shape (columns,)."""
    point = quasi_random(index, len(cube.axes) + 1, seed)
    row: Array = cube.encode([cube.space.defaults])[0]
    tiers = cube.tiers
    first = min(tiers, default=Tier.UNRANKED)
    everything = first is Tier.UNRANKED or point[-1] >= TIER_SHARE
    for axis, tier, unit in zip(cube.axes, tiers, point, strict=False):
        if not (everything or tier is first):
            continue
        if axis.options:
            allowed = box.allowed[axis.name]
            pick = allowed[min(int(unit * len(allowed)), len(allowed) - 1)]
            row[axis.columns] = axis.encode_index(np.array([pick]))[0]
        else:
            low, high = box.low[axis.start], box.high[axis.start]
            row[axis.columns] = low + unit * (high - low)
    return row


def fit_to(space: Space, warm_starts: Iterable[Values]) -> list[dict[str, Value]]:
    """Return the configurations as `space` can take them: unknown names dropped, numbers clipped.

    A 0 stays one where the space has a boolean that says so.
    """
    fitted = []
    for start in map(space.from_model, warm_starts):
        values = {name: _fit_value(space[name], value) for name, value in start.items() if name in space}
        fitted.append(space.active(values))
    return fitted


def _fit_value(hp: Hyperparameter, value: Value) -> Value:
    if isinstance(hp, Fixed):
        return hp.value
    if isinstance(hp, Number):
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            return hp.initial
        return hp._cast(hp.snap(value))
    if hp.contains(value):
        return next(o for o in hp.options if o == value) if isinstance(hp, Choice) else value
    return hp.initial
