"""How much of the best trial's lead is luck: a bootstrap over what is known of the noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hptune.space import Value
from hptune.trial import Objective, Trial, TrialState

__all__ = ["Lead", "Rival", "measure_lead"]

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
    chance: float
    """How often it would be ahead if the luck were drawn again, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class Lead:
    """The best configuration and those next to it."""

    best: Trial
    rivals: tuple[Rival, ...]
    """Next to it, best first."""
    noise: float
    """Deviation of a score by luck, in units of the objective."""
    retrained: bool
    """The noise was seen between trainings of one configuration; otherwise only between late epochs of
    one training, and a new seed will differ by more."""

    @property
    def within_noise(self) -> tuple[Rival, ...]:
        """Rivals that would be ahead in more than one of twenty draws."""
        return tuple(r for r in self.rivals if r.chance > 0.05)


def measure_lead(
    trials: Sequence[Trial], objective: Objective, *, top: int = 5, seed: int = 0
) -> Lead | None:
    """Return how safe the lead of the best configuration is against the `top` − 1 next ones.

    Noise comes from trainings of one configuration with several seeds where there are any, else from
    late epochs around their trend, pooled over the finalists. Scores are redrawn by adding such
    deviations (a bootstrap of residuals). None with fewer than two configurations, or where nothing tells
    the noise.
    """
    groups = _configurations(trials, objective)
    if len(groups) < 2:
        return None
    finalists = groups[:top]
    residuals = _between_trainings(groups)
    retrained = len(residuals) > 0
    if not retrained:
        residuals = np.concatenate([_late_residuals(g[0], objective) for g in finalists])
    if len(residuals) < 3:
        return None
    rng = np.random.default_rng(seed)
    scores = np.array([_mean(g) for g in finalists])
    counts = np.array([len(g) for g in finalists])
    luck = rng.choice(residuals, size=(_DRAWS, len(finalists))) / np.sqrt(counts)
    drawn = objective.sign * (scores + luck)
    rivals = tuple(
        Rival(
            trial=group[0],
            gap=float(objective.sign * (scores[0] - scores[i])),
            # A tie is nobody's lead.
            chance=float(np.mean(drawn[:, i] > drawn[:, 0]) + np.mean(drawn[:, i] == drawn[:, 0]) / 2),
        )
        for i, group in enumerate(finalists[1:], 1)
    )
    return Lead(
        best=finalists[0][0],
        rivals=rivals,
        noise=float(math.sqrt(np.mean(residuals**2))),
        retrained=retrained,
    )


def _configurations(trials: Sequence[Trial], objective: Objective) -> list[list[Trial]]:
    """Return the scored trials by configuration, the best mean first, the best trial of each first."""
    groups: dict[frozenset[tuple[str, bool, Value]], list[Trial]] = {}
    for t in trials:
        if (
            t.score is None
            or not math.isfinite(t.score)
            or t.state in (TrialState.INFEASIBLE, TrialState.FAILED)
        ):
            continue
        key = frozenset((name, isinstance(v, bool), v) for name, v in t.values.items())
        groups.setdefault(key, []).append(t)
    ordered = [sorted(g, key=lambda t: (-objective.sign * (t.score or 0.0), t.id)) for g in groups.values()]
    return sorted(ordered, key=lambda g: (-objective.sign * _mean(g), g[0].id))


def _mean(group: Sequence[Trial]) -> float:
    return math.fsum(t.score or 0.0 for t in group) / len(group)


def _between_trainings(groups: Sequence[Sequence[Trial]]) -> Array:
    """Return deviations of repeated trainings from their mean, as wide as single ones deviate."""
    found = [
        ((t.score or 0.0) - _mean(g)) * math.sqrt(len(g) / (len(g) - 1))
        for g in groups
        if len(g) > 1
        for t in g
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
