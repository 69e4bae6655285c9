"""Successive halving: many configurations trained briefly, the best of them further.

Rungs, brackets and promotion follow Hyperband (arXiv 1603.06560); who is promoted is decided as
soon as it can be, so that no worker waits (ASHA, arXiv 1810.05934).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hptune.strategy.history import Standing
from hptune.study.trial import TrialState

__all__ = ["COARSE_SHARE", "FACTOR", "Bracket", "check_rungs", "coarse_brackets", "coarse_rungs", "promotion"]

FACTOR = 3
"""One in three is promoted, to three times the epochs."""

COARSE_SHARE = 0.05
"""Share of the budget that brackets of halving may take before the model decides alone."""

_FIRST_SHARE = 0.2
"""Share of the trainings, where they can't be cut, that come before the first model."""

_MOST_BEFORE_A_MODEL = 9
_LEVELS = 3
_CHECKS = 4
_UNKNOWN_BUDGET = 50.0
"""Full trainings assumed where nobody gave a budget."""


def coarse_rungs(epochs: int) -> tuple[int, ...]:
    """Return the epochs at which the coarse phase judges: about 1/9, 1/3 and 1 of a full training."""
    parts = (FACTOR**level for level in reversed(range(_LEVELS)))
    return tuple(sorted({math.ceil(epochs / part) for part in parts}))


def check_rungs(epochs: int) -> tuple[int, ...]:
    """Return the epochs at which the model judges a training: about its quarters."""
    return tuple(sorted({math.ceil(epochs * part / _CHECKS) for part in range(1, _CHECKS + 1)}))


@dataclass(frozen=True, kw_only=True)
class Bracket:
    """How many configurations begin together, and how many reach each rung."""

    rungs: tuple[int, ...]
    """Epochs of each rung, rising."""
    sizes: tuple[int, ...]
    """How many configurations reach each rung, falling."""

    @property
    def cost(self) -> int:
        """Epochs of the whole bracket."""
        before = (0, *self.rungs[:-1])
        return sum(n * (r - b) for n, r, b in zip(self.sizes, self.rungs, before, strict=True))

    @classmethod
    def of(cls, rungs: tuple[int, ...], size: int) -> Bracket:
        """Make the bracket that begins with `size` configurations; one at least reaches the end."""
        sizes = tuple(max(1, size // FACTOR**level) for level in range(len(rungs)))
        return cls(rungs=rungs, sizes=sizes)


def coarse_brackets(epochs: int, budget: float) -> tuple[Bracket, int]:
    """Return the coarse phase's bracket and how many of them are run, at least one.

    A bracket that the budget can't pay begins with fewer configurations, at the least one.
    """
    rungs = coarse_rungs(epochs)
    if not math.isfinite(budget):
        budget = _UNKNOWN_BUDGET * epochs
    size = FACTOR ** (len(rungs) - 1)
    if size == 1:  # trainings that can't be cut: a bracket is one training
        return Bracket.of(rungs, 1), max(
            1, min(_MOST_BEFORE_A_MODEL, math.ceil(_FIRST_SHARE * budget / epochs))
        )
    while size > 1 and Bracket.of(rungs, size).cost > budget:
        size -= 1
    # A single configuration has nobody to be compared with on the way.
    bracket = Bracket.of(rungs if size > 1 else (epochs,), size)
    return bracket, max(1, round(COARSE_SHARE * budget / bracket.cost))


def promotion(trials: Sequence[Standing], bracket: Bracket) -> tuple[Standing, int] | None:
    """Return which trial is promoted in the coarse phase and up to which epoch; None where none is.

    Of all trials paused at a rung the best is promoted, once enough were judged there.
    """
    for level in reversed(range(len(bracket.rungs) - 1)):
        here, above = bracket.rungs[level], bracket.rungs[level + 1]
        judged = sum(_judged(t, here) for t in trials)
        went_on = sum(t.epochs >= above for t in trials)
        due = judged // bracket.sizes[level] * bracket.sizes[level + 1]
        waiting = [t for t in trials if t.is_paused and here <= t.epochs < above]
        if due > went_on and waiting:
            # The earlier of equals, so that the answer does not depend on the order of reports.
            best = max(waiting, key=lambda t: (t.score if t.score is not None else -math.inf, -t.trial_id))
            return best, above
    return None


def _judged(trial: Standing, rung: int) -> bool:
    """Whether a trial's fate at a rung is known; what broke down before it counts as judged."""
    if trial.state.is_bad or trial.state is TrialState.COMPLETE:
        return rung <= trial.epochs or trial.state is not TrialState.COMPLETE
    return trial.epochs >= rung and not (trial.runs and trial.epochs == rung)
