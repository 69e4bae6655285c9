"""Scales: how a range of numbers is laid on the interval [0, 1].

One vectorised implementation; a scalar goes through it too.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scale", "from_unit", "grid_index", "grid_size", "grid_values", "to_unit"]

Array = NDArray[np.float64]


class Scale(StrEnum):
    """How equal steps on [0, 1] move through a range."""

    LINEAR = "linear"
    """Equal steps add the same amount."""

    LOG = "log"
    """Equal steps multiply by the same factor; the range must be above 0."""

    LOG_COMPLEMENT = "log_complement"
    """Equal steps multiply 1 − x by the same factor; the range must be below 1.

    For momentum and the betas: from 0.9 to 0.999 the middle is 0.99.
    """


def _forward(scale: Scale, values: Array) -> Array:
    if scale is Scale.LOG:
        return np.log(values)
    if scale is Scale.LOG_COMPLEMENT:
        return -np.log1p(-values)
    return values


def _backward(scale: Scale, values: Array) -> Array:
    if scale is Scale.LOG:
        return np.exp(values)
    if scale is Scale.LOG_COMPLEMENT:
        return -np.expm1(-values)
    return values


def to_unit(scale: Scale, low: float, high: float, values: Any) -> Array:
    """Return where `values` lie in [low, high] on `scale`: 0 at low, 1 at high.

    Values outside the range give numbers outside [0, 1]; a range of width 0 gives 0.5.
    """
    x = np.asarray(values, dtype=np.float64)
    if low == high:
        return np.full(x.shape, 0.5)
    start, end, at = (_forward(scale, np.asarray(v, dtype=np.float64)) for v in (low, high, x))
    return np.asarray((at - start) / (end - start), dtype=np.float64)


def from_unit(scale: Scale, low: float, high: float, units: Any) -> Array:
    """Return the values in [low, high] at `units` on `scale`; the ends are exact."""
    u = np.asarray(units, dtype=np.float64)
    start, end = (_forward(scale, np.asarray(v, dtype=np.float64)) for v in (low, high))
    values = _backward(scale, start + u * (end - start))
    values = np.where(u == 0, low, np.where(u == 1, high, values))
    inside = (u >= 0) & (u <= 1)
    return np.asarray(np.where(inside, np.clip(values, low, high), values), dtype=np.float64)


def grid_size(scale: Scale, low: float, high: float, step: float) -> int:
    """Return how many values there are from `low` in steps (log: factors) of `step` up to `high`."""
    if scale is Scale.LOG:
        return math.floor((math.log(high) - math.log(low)) / math.log(step) + 1e-9) + 1
    return math.floor((high - low) / step + 1e-9) + 1


def grid_values(scale: Scale, low: float, step: float, index: Any) -> Array:
    """Return the values `index` steps (log: factors) above `low`, to twelve significant digits.

    So 0.1 + 2 · 0.1 is what the user writes, 0.3, and -0.3 + 3 · 0.1 is 0: digits are those of the step
    where a value is smaller.
    """
    i = np.asarray(index, dtype=np.float64)
    half = np.floor(i / 2)
    # A factor from the lowest to the highest number may be larger than any number.
    x = low * step**half * step ** (i - half) if scale is Scale.LOG else low + i * step
    size = np.abs(x) if scale is Scale.LOG else np.maximum(np.abs(x), step)
    magnitude = np.floor(np.log10(np.where(size == 0, 1.0, size)))
    digits = 10.0 ** np.minimum(11 - magnitude, 300)
    return np.asarray(np.where(i == 0, low, np.round(x * digits) / digits + 0.0), dtype=np.float64)


def grid_index(scale: Scale, low: float, step: float, values: Any) -> Array:
    """Return how many steps (log: factors) `values` lie above `low`: the inverse of `grid_values`."""
    x = np.asarray(values, dtype=np.float64)
    if scale is Scale.LOG:
        return np.asarray((np.log(x) - math.log(low)) / math.log(step), dtype=np.float64)
    return np.asarray((x - low) / step, dtype=np.float64)
