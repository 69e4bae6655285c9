"""How much of the best trial's lead is luck: a bootstrap over what is known of the noise.

Where finalists were trained again with fresh seeds, their means decide, by the test of `hptune confirm`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hptune.analysis.finalists import Confirmed, Finalist, confirmed_among
from hptune.analysis.significance import LEVEL
from hptune.space import Value
from hptune.study.records import Confirmation
from hptune.study.trial import Objective, Trial

__all__ = ["BestMargin", "Rival", "measure_best_margin"]

Array = NDArray[np.float64]

_DRAWS = 4000
_LATE = 5
"""Epochs at the end of a curve that tell its noise, at least; a quarter of it where that is more."""


@dataclass(frozen=True, kw_only=True)
class Rival:
    """A configuration behind the best one."""

    trial: Trial
    gap: float
    """By how much it is behind, in units of the objective; 0 or more."""
    p_value: float
    """How often it would be ahead if the luck were drawn again, 0 to 1."""
    p: float | None = None
    """How often luck alone would show a gap as wide between means over fresh seeds (Welch's test, Holm's
    adjustment); None where scores of the search are compared."""

    @property
    def within_noise(self) -> bool:
        """Whether no significant difference is found, or it is ahead in more than one of twenty draws."""
        return self.p_value > 0.05 if self.p is None else self.p >= LEVEL


@dataclass(frozen=True, kw_only=True)
class BestMargin:
    """The best configuration and those next to it."""

    best: Trial
    rivals: tuple[Rival, ...]
    """Next to it, best first."""
    noise: float
    """Deviation of a score by luck, in units of the objective."""
    retrained: bool
    """The noise was seen between trainings of one configuration; otherwise only between late epochs of
    one training, and a new seed will differ by more."""
    confirmed: bool = False
    """Means over fresh seeds are compared, not scores of the search."""

    @property
    def within_noise(self) -> tuple[Rival, ...]:
        """Rivals that do not differ significantly from the best."""
        return tuple(r for r in self.rivals if r.within_noise)


def measure_best_margin(
    trials: Sequence[Trial],
    objective: Objective,
    *,
    confirmations: Sequence[Confirmation] = (),
    top: int = 5,
    seed: int = 0,
) -> BestMargin | None:
    """Return how safe the lead of the best configuration is against the `top` − 1 next ones.

    Where two trials or more have `confirmations` with two scores or more, those are compared, by their
    means. Otherwise noise comes from trainings of one configuration with several seeds where there are any,
    else from late epochs around their trend, pooled over the finalists. Scores are redrawn by adding such
    deviations (a bootstrap of residuals). None with fewer than two configurations, or where nothing tells
    the noise.
    """
    found = confirmed_among(trials, confirmations, objective)
    compared = [f for f in found.finalists if len(f.scores) > 1]
    if len(compared) > 1:
        return _between_means(found, compared[:top], objective, seed)
    groups = _configurations(trials, objective)
    if len(groups) < 2:
        return None
    finalists = groups[:top]
    residuals = _deviations([[t.score or 0.0 for t in g] for g in groups] + [f.scores for f in compared])
    retrained = len(residuals) > 0
    if not retrained:
        residuals = np.concatenate([_late_residuals(g[0], objective) for g in finalists])
    if len(residuals) < 3:
        return None
    means, counts = [_mean(g) for g in finalists], [len(g) for g in finalists]
    p_values = _redrawn(means, counts, residuals, objective, seed)
    rivals = tuple(
        Rival(trial=group[0], gap=objective.sign * (means[0] - mean), p_value=p_value)
        for group, mean, p_value in zip(finalists[1:], means[1:], p_values, strict=True)
    )
    return BestMargin(best=finalists[0][0], rivals=rivals, noise=_size(residuals), retrained=retrained)


def _between_means(
    found: Confirmed, finalists: Sequence[Finalist], objective: Objective, seed: int
) -> BestMargin:
    """Compare what fresh seeds gave: the finalists have two scores or more each."""
    means, counts = [f.mean or 0.0 for f in finalists], [len(f.scores) for f in finalists]
    residuals = _deviations([f.scores for f in finalists])
    p_values = _redrawn(means, counts, residuals, objective, seed)
    first = finalists[0].trial
    tests = {d.worse: d for d in found.differences if d.better == first.id}
    tests |= {d.better: d for d in found.differences if d.worse == first.id}
    rivals = tuple(
        Rival(trial=f.trial, gap=objective.sign * (means[0] - mean), p_value=p_value, p=tests[f.trial.id].p)
        for f, mean, p_value in zip(finalists[1:], means[1:], p_values, strict=True)
    )
    return BestMargin(best=first, rivals=rivals, noise=_size(residuals), retrained=True, confirmed=True)


def _redrawn(
    means: Sequence[float], counts: Sequence[int], residuals: Array, objective: Objective, seed: int
) -> list[float]:
    """Return how often each but the first would be ahead of it if the luck were drawn again."""
    rng = np.random.default_rng(seed)
    luck = rng.choice(residuals, size=(_DRAWS, len(means))) / np.sqrt(np.array(counts))
    drawn = objective.sign * (np.array(means) + luck)
    first, others = drawn[:, :1], drawn[:, 1:]
    # A tie is nobody's lead.
    ahead = np.mean(others > first, axis=0) + np.mean(others == first, axis=0) / 2
    return [float(p_value) for p_value in ahead]


def _size(residuals: Array) -> float:
    return float(math.sqrt(np.mean(residuals**2)))


def _configurations(trials: Sequence[Trial], objective: Objective) -> list[list[Trial]]:
    """Return the scored trials by configuration, the best mean first, the best trial of each first."""
    groups: dict[frozenset[tuple[str, bool, Value]], list[Trial]] = {}
    for t in trials:
        if t.score is None or not math.isfinite(t.score) or t.state.is_bad:
            continue
        key = frozenset((name, isinstance(v, bool), v) for name, v in t.values.items())
        groups.setdefault(key, []).append(t)
    ordered = [sorted(g, key=lambda t: (-objective.sign * (t.score or 0.0), t.id)) for g in groups.values()]
    return sorted(ordered, key=lambda g: (-objective.sign * _mean(g), g[0].id))


def _mean(group: Sequence[Trial]) -> float:
    return math.fsum(t.score or 0.0 for t in group) / len(group)


def _deviations(groups: Sequence[Sequence[float]]) -> Array:
    """Return deviations of repeated trainings from their mean, as wide as single ones deviate."""
    found = [
        (score - math.fsum(g) / len(g)) * math.sqrt(len(g) / (len(g) - 1))
        for g in groups
        if len(g) > 1
        for score in g
    ]
    return np.array(found if len(found) >= 3 else [], dtype=np.float64)


def _late_residuals(trial: Trial, objective: Objective) -> Array:
    """Return how late epochs deviate from the straight line through them, as wide as single ones do."""
    values = [e[objective.name] for e in trial.curve if objective.name in e]
    late = np.array(values[-max(_LATE, len(values) // 4) :], dtype=np.float64)
    if len(late) < _LATE or not np.all(np.isfinite(late)):
        return np.empty(0)
    at = np.arange(len(late), dtype=np.float64)
    line = np.polyval(np.polyfit(at, late, 1), at)
    return np.asarray((late - line) * math.sqrt(len(late) / (len(late) - 2)), dtype=np.float64)
