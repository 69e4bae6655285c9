"""How much a training promises: by how much it may be better, and how much of that noise lets be seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["log_expected_improvement", "log_share_observable", "probability_above"]

Array = NDArray[np.float64]


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


def log_share_observable(deviation: Array, noise: float) -> Array:
    """Return ln of the share of an improvement that an observation tells, any shape.

    1 − noise / √(noise² + deviation²) for f known to within `deviation` and an observation's standard
    deviation `noise` > 0: what is already known to within the noise tells next to nothing (augmented
    expected improvement: Huang et al. 2006, doi 10.1007/s10898-005-2454-3, eq. 12).
    """
    return np.asarray(np.log(-np.expm1(-0.5 * np.log1p((deviation / noise) ** 2))), dtype=np.float64)


def probability_above(mean: Array, deviation: Array, best: float) -> Array:
    """Return P(f > best) for f ~ N(mean, deviation²)."""
    from scipy.special import ndtr

    return np.asarray(ndtr((mean - best) / deviation), dtype=np.float64)
