"""How likely chance alone explains what a few trials show: small exact tests, no random numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

__all__ = [
    "in_words",
    "p_all_above",
    "p_at_least",
    "p_combined",
    "p_of_order",
    "p_of_rank_sum",
]


def p_all_above(total: int, above: int, drawn: int) -> float:
    """Return how likely `drawn` of `total` trials, drawn at random, all lie among the `above`.

    The hypergeometric probability of drawing none of the others.
    """
    return 0.0 if above < drawn else math.exp(_log_choose(above, drawn) - _log_choose(total, drawn))


def p_at_least(total: int, marked: int, drawn: int, hits: int) -> float:
    """Return how likely at least `hits` of `drawn` trials, drawn at random, are among the `marked`."""
    ways = [
        _log_choose(marked, i) + _log_choose(total - marked, drawn - i) - _log_choose(total, drawn)
        for i in range(max(hits, drawn - (total - marked)), min(marked, drawn) + 1)
    ]
    return min(math.fsum(map(math.exp, ways)), 1.0)


def _log_choose(n: int, k: int) -> float:
    """Return the logarithm of the number of ways to choose k of n, for 0 ≤ k ≤ n."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def p_of_order(places: Sequence[float], ranks: Sequence[float]) -> float:
    """Return how likely chance alone makes the ranks follow a parabola over the places this closely.

    The F test of a regression on place and place²: with 2 and n − 3 degrees of freedom its tail is
    exactly (1 − R²)^((n − 3) / 2).
    """
    n = len(places)
    if n < 5:
        return 1.0
    x, y = np.asarray(places, dtype=np.float64), np.asarray(ranks, dtype=np.float64)
    y = y - y.mean()
    spread = float(y @ y)
    if spread == 0 or float(np.ptp(x)) == 0:
        return 1.0
    x = (x - x.mean()) / float(np.ptp(x))
    design = np.column_stack([np.ones(n), x, x**2])
    fitted = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    left = float(np.sum((y - fitted) ** 2)) / spread
    return float(min(max(left, 0.0), 1.0) ** ((n - 3) / 2))


def p_of_rank_sum(ranks: Sequence[float], total: int) -> float:
    """Return how likely chance alone gives some of `total` trials ranks that bad, or worse, on average.

    The rank-sum test in its normal approximation.
    """
    n = len(ranks)
    if not 0 < n < total:
        return 1.0
    deviation = math.sqrt((total - n) * (total + 1) / (12 * n))
    return 0.5 * math.erfc((math.fsum(ranks) / n - (total + 1) / 2) / deviation / math.sqrt(2))


def in_words(probability: float) -> str:
    """Return a small probability as the user says it: 1 in 40."""
    if probability <= 0 or 1 / probability >= 1000:
        return "less than 1 in 1000"
    return f"1 in {round(1 / probability)}"


def p_combined(places: Sequence[float], drawn: int, width: float) -> float:
    """Return how likely `drawn` of the sorted places, drawn at random, span at most `width`."""
    share, end = 0.0, 0
    all_ways = _log_choose(len(places), drawn)
    for start, place in enumerate(places):
        while end < len(places) and places[end] - place <= width + 1e-9:
            end += 1
        if end - start >= drawn:
            # The subsets whose lowest member is this one.
            share += math.exp(_log_choose(end - start - 1, drawn - 1) - all_ways)
    return min(share, 1.0)
