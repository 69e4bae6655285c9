"""Which means over seeds differ significantly: Welch's t-test, held to all pairs at once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["LEVEL", "Difference", "differences"]

LEVEL = 0.05
"""Means differ significantly where luck alone would show such a difference more rarely than this."""

_MOST_TERMS = 500


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One pair of trials, compared by what several seeds gave."""

    better: int
    """Trial with the better mean."""
    worse: int
    gap: float
    """By how much its mean is better, in units of the objective; 0 or more."""
    p: float
    """How often luck alone would show a gap as wide among this many pairs, 0 to 1."""

    @property
    def is_significant(self) -> bool:
        """Whether they differ significantly."""
        return self.p < LEVEL


def differences(scores: Mapping[int, Sequence[float]], sign: int) -> tuple[Difference, ...]:
    """Compare every pair of trials, given their scores by seed; better pairs first.

    `sign` is +1 where more is better. Trials with fewer than two scores are left out: one score
    tells nothing of luck. The p-values are those of Welch's test (Biometrika 34, 1947, pages
    28–35), two-sided, adjusted for the number of pairs by Holm's method (Scandinavian Journal of
    Statistics 6, 1979, pages 65–70).
    """
    known = {trial: list(found) for trial, found in scores.items() if len(found) >= 2}
    ordered = sorted(known, key=lambda trial: (-sign * _mean(known[trial]), trial))
    pairs = list(itertools.combinations(ordered, 2))
    adjusted = _holm([_welch(known[a], known[b]) for a, b in pairs])
    return tuple(
        Difference(better=a, worse=b, gap=sign * (_mean(known[a]) - _mean(known[b])), p=p)
        for (a, b), p in zip(pairs, adjusted, strict=True)
    )


def _mean(scores: Sequence[float]) -> float:
    return math.fsum(scores) / len(scores)


def _welch(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the two-sided p-value of Welch's test.

    Accuracies of a few hundred rows can repeat by chance: where no score of either varies, two means that
    differ get what a permutation test of as many scores gives them.
    """
    parts = [math.fsum((x - _mean(s)) ** 2 for x in s) / (len(s) - 1) / len(s) for s in (a, b)]
    gap, error = abs(_mean(a) - _mean(b)), sum(parts)
    # Differences in the last digits of equal scores are rounding, not luck.
    if math.sqrt(error) <= 1e-12 * max(map(abs, (*a, *b))):
        apart = gap > 1e-12 * max(map(abs, (*a, *b)))
        return 2 / math.comb(len(a) + len(b), len(a)) if apart else 1.0
    freedom = error**2 / sum(p**2 / (len(s) - 1) for p, s in zip(parts, (a, b), strict=True))
    return _beyond(gap / math.sqrt(error), freedom)


def _beyond(t: float, freedom: float) -> float:
    """Return how often Student's t lies farther from 0 than `t`, 0 to 1: DLMF 8.17.4 with x = ν/(ν + t²).

    Written out here because loading scipy takes longer than all else that `hptune status` does.
    """
    x = freedom / (freedom + t * t)
    a, b = freedom / 2, 0.5
    # The continued fraction converges quickly below the mean of the distribution, so one of both sides.
    return _incomplete_beta(x, a, b) if x < (a + 1) / (a + b + 2) else 1 - _incomplete_beta(1 - x, b, a)


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b) by its continued fraction (DLMF 8.17.22)."""
    if x <= 0:
        return 0.0
    front = math.exp(
        a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    )
    # Evaluated from the front by Lentz's method (DLMF 3.10(iii)).
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        before = value
        for term in (even, odd):
            c, d = 1 + term / c, 1 / (1 + term * d)
            value *= c * d
        if abs(value - before) <= 1e-15 * value:
            break
    return front / a * value


def _holm(values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for being many, in the order given."""
    adjusted = [0.0] * len(values)
    highest = 0.0
    for rank, i in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, (len(values) - rank) * values[i]))
        adjusted[i] = highest
    return adjusted
