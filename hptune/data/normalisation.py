"""Normalising inputs: a shift and a scale per feature, learned from training rows."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Normalisation", "statistics", "variance_of"]

_CHUNK_VALUES = 1 << 22
"""Values that are looked at in float64 at a time."""


class Normalisation(StrEnum):
    """What is done to each feature x, whose mean is μ and standard deviation σ in the training rows."""

    NONE = "none"
    """x"""
    CENTRE = "centre"
    """x − μ"""
    SCALE = "scale"
    """x / σ"""
    Z_SCORE = "z-score"
    """(x − μ) / σ, as scikit-learn's StandardScaler"""
    MIN_MAX = "min-max"
    """(x − min) / (max − min), as scikit-learn's MinMaxScaler"""


def statistics(kind: Normalisation, x: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return offset and scale such that x' = (x − offset) / scale is normalised; both float32.

    `x` are training rows, shape (rows, *features), finite. Offset and scale have the shape of the features;
    for images, shape (rows, height, width, channels), the shape (channels,), as all pixels of a channel are
    normalised alike. σ is that of the population (divided by rows, not rows − 1), computed in float64 in two
    passes. A feature that is constant has the scale 1, so it survives.
    """
    features = x.shape[-1:] if x.ndim >= 4 else x.shape[1:]
    flat = x.reshape(-1, *features)
    offset = np.zeros(features, dtype=np.float64)
    scale = np.ones(features, dtype=np.float64)
    if kind is Normalisation.NONE:
        return offset.astype(np.float32), scale.astype(np.float32)
    low, high = flat.min(axis=0).astype(np.float64), flat.max(axis=0).astype(np.float64)
    if kind is Normalisation.MIN_MAX:
        offset, scale = low, high - low
    else:
        # Rounding must not move the mean of a constant off its value.
        mean = np.clip(sum(part.sum(axis=0) for part in _chunks(flat)) / len(flat), low, high)
        if kind is not Normalisation.SCALE:
            offset = mean
        if kind is not Normalisation.CENTRE:
            squares = sum(((part - mean) ** 2).sum(axis=0) for part in _chunks(flat))
            scale = np.sqrt(squares / len(flat))
    scale = np.where(low == high, 1.0, scale).astype(np.float32)
    return offset.astype(np.float32), np.where(scale == 0, np.float32(1), scale)


def variance_of(scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what keras.layers.Normalization takes, which divides by the root of it.

    In float64 the square loses nothing.
    """
    return (scale.astype(np.float64) ** 2).astype(np.float32)


def _chunks(flat: NDArray[Any]) -> Iterator[NDArray[np.float64]]:
    """Give the rows in float64, some at a time, so that a copy of all of them is never needed."""
    step = max(1, _CHUNK_VALUES // max(1, int(np.prod(flat.shape[1:]))))
    for start in range(0, len(flat), step):
        yield flat[start : start + step].astype(np.float64)
