"""Scales: how a range of numbers is laid on the interval [0, 1].

One vectorised implementation; a scalar goes through it too.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scale", "from_unit", "to_unit"]

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
