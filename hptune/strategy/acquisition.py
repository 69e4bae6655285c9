"""How much a training promises: how much better it may be, or what it would tell about the best there is."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["greatest_values", "log_expected_improvement", "log_information", "probability_above"]

Array = NDArray[np.float64]

_TOPS = 16
"""How many likely greatest values the information is averaged over."""

_IN_THE_RUNNING = 600
"""Rows, the most hopeful first, that may hold the greatest value."""

_GRID = 100
_REACH = 6.0
"""Deviations above its mean up to which a row may lie."""

_HOPE = 3.0
"""Deviations above the mean that rank rows by hope."""

_FAR_ABOVE = -1e3
_FAR_BELOW = 30.0
"""Deviations below a top from which on Φ is 1."""
_TOO_LITTLE = -20.0
"""Logarithm of a share below which ln(1 − share) is −share."""


def log_expected_improvement(mean: Array, deviation: Array, best: float) -> Array:
    """Return ln E[max(f − best, 0)] for f ~ N(mean, deviation²), any shape.

    Exact and finite far below `best` too (arXiv 2310.20708, eq. 9).
    """
    from scipy.special import erfcx, log_ndtr

    z = (mean - best) / deviation
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        plain = np.log(np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi) + z * np.exp(log_ndtr(z)))
        inner = np.log1p(-np.sqrt(np.pi / 2) * erfcx(-z / np.sqrt(2)) * np.abs(z))
        low = -0.5 * z * z - 0.5 * np.log(2 * np.pi) + inner
        far = -0.5 * z * z - 0.5 * np.log(2 * np.pi) - 2 * np.log(np.abs(z))
    h = np.where(z > -1, plain, np.where(z > -1e3, low, far))
    return np.asarray(h + np.log(deviation), dtype=np.float64)


def greatest_values(mean: Array, deviation: Array, least: float) -> Array:
    """Return what the greatest of f ~ N(mean, deviation²) may be: even quantiles, rising, shape (16,).

    The rows count as independent (arXiv 1703.01968, section 3.1); no quantile lies below `least`.
    """
    from scipy.special import log_ndtr

    hopeful = np.argsort(-(mean + _HOPE * deviation), kind="stable")[:_IN_THE_RUNNING]
    mean, deviation = mean[hopeful], deviation[hopeful]
    most = float((mean + _REACH * deviation).max())
    grid = np.linspace(least, max(most, least), _GRID)
    below = np.exp(log_ndtr((grid[:, None] - mean) / deviation).sum(axis=1))
    return np.asarray(np.interp((np.arange(_TOPS) + 0.5) / _TOPS, below, grid), dtype=np.float64)


def log_information(mean: Array, deviation: Array, noise: float, tops: Array) -> Array:
    """Return ln of the nats that observing f ~ N(mean, deviation²) tells about the greatest value.

    Any shape, deviations above 0; `noise` is an observation's standard deviation and `tops` what the
    greatest value may be. Once it is known that f ≤ top, an observation's variance is smaller by the
    factor 1 − ρ² r (γ + r), where γ = (top − mean) / deviation, r = φ(γ) / Φ(γ) and ρ² is the share of f
    in the variance of what is observed; the information is −½ ln of it, averaged over `tops`. This is
    max-value entropy search (arXiv 1703.01968) under noise, as GIBBON bounds it (arXiv 2102.03324).
    Finite far below `tops`, too.
    """
    from scipy.special import erfcx, logsumexp

    # A row that is known to lie far above a top is as good as one that lies a little nearer.
    gamma = np.maximum((tops - mean[..., None]) / deviation[..., None], _FAR_ABOVE)
    log_ratio = np.where(
        gamma < _FAR_BELOW,
        0.5 * math.log(2 / math.pi) - np.log(erfcx(-np.minimum(gamma, _FAR_BELOW) / math.sqrt(2))),
        -0.5 * gamma * gamma - 0.5 * math.log(2 * math.pi),
    )
    log_share = -np.log1p((noise / deviation) ** 2)[..., None]
    log_told = log_share + log_ratio + np.log(gamma + np.exp(log_ratio))
    told = np.exp(np.maximum(log_told, _TOO_LITTLE))
    nats = np.where(log_told > _TOO_LITTLE, np.log(-0.5 * np.log1p(-told)), log_told - math.log(2))
    return np.asarray(logsumexp(nats, axis=-1) - math.log(tops.shape[-1]), dtype=np.float64)


def probability_above(mean: Array, deviation: Array, best: float) -> Array:
    """Return P(f > best) for f ~ N(mean, deviation²)."""
    from scipy.special import ndtr

    return np.asarray(ndtr((mean - best) / deviation), dtype=np.float64)
