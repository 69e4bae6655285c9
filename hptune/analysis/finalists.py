"""Finalists: trials that were trained again with fresh seeds, in the order that their means give.

The best score of many trials is partly the luckiest. Means over fresh seeds compare fairly, so a trial that
has one goes before any that has only the search's score.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from hptune.analysis.significance import Difference, differences
from hptune.study.records import Confirmation
from hptune.study.trial import Objective, Trial

__all__ = ["Confirmed", "Finalist", "confirmed_among", "ranked"]


@dataclass(frozen=True, kw_only=True)
class Finalist:
    """A trial with what other seeds gave."""

    trial: Trial
    confirmations: tuple[Confirmation, ...]

    @cached_property
    def scores(self) -> tuple[float, ...]:
        """The scores of the seeds that could be trained."""
        return tuple(c.score for c in self.confirmations if c.score is not None)

    @property
    def lost(self) -> tuple[Confirmation, ...]:
        """Those that could not be trained."""
        return tuple(c for c in self.confirmations if c.score is None)

    @property
    def mean(self) -> float | None:
        """Mean over the seeds that could be trained; None where there is none."""
        return math.fsum(self.scores) / len(self.scores) if self.scores else None

    @property
    def deviation(self) -> float | None:
        """Standard deviation over seeds, n − 1 in the denominator; None with fewer than two."""
        if len(self.scores) < 2 or self.mean is None:
            return None
        return math.sqrt(math.fsum((x - self.mean) ** 2 for x in self.scores) / (len(self.scores) - 1))


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """The finalists, best first, and how they compare."""

    study: str
    objective: Objective
    finalists: tuple[Finalist, ...]

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """Every pair of finalists that has two scores or more each, by Welch's test."""
        return differences({f.trial.id: f.scores for f in self.finalists}, self.objective.sign)

    @property
    def winner(self) -> Finalist | None:
        """The one with the best mean; None where no finalist could be trained again."""
        return self.finalists[0] if self.finalists and self.finalists[0].mean is not None else None

    def behind(self, *, is_significant: bool) -> tuple[int, ...]:
        """Return the trials that the winner beats significantly, or those that it does not."""
        first = self.winner
        return tuple(
            d.worse
            for d in self.differences
            if first is not None and d.better == first.trial.id and d.is_significant is is_significant
        )


def ranked(
    trials: Iterable[Trial], confirmations: Iterable[Confirmation], objective: Objective
) -> tuple[Finalist, ...]:
    """Return trials with their confirmations: those first that could be trained with every seed, by mean.

    Then those that some seed broke, by mean, then those that were not confirmed, by the search's score.
    """
    found: dict[int, list[Confirmation]] = {}
    for confirmation in confirmations:
        found.setdefault(confirmation.trial_id, []).append(confirmation)
    finalists = [Finalist(trial=trial, confirmations=tuple(found.get(trial.id, ()))) for trial in trials]
    return tuple(sorted(finalists, key=lambda f: _order(f, objective.sign)))


def confirmed_among(
    trials: Iterable[Trial], confirmations: Iterable[Confirmation], objective: Objective, *, study: str = ""
) -> Confirmed:
    """Return those of the trials that were trained again, best first."""
    noted = tuple(confirmations)
    known = {c.trial_id for c in noted}
    finalists = ranked([t for t in trials if t.id in known], noted, objective)
    return Confirmed(study=study, objective=objective, finalists=finalists)


def _order(finalist: Finalist, sign: int) -> tuple[int, float, int]:
    trial, mean = finalist.trial, finalist.mean
    if mean is not None:
        return (1 if finalist.lost else 0, -sign * mean, trial.id)
    if finalist.confirmations:
        return (3, 0.0, trial.id)
    return (2, -sign * trial.score if trial.score is not None else math.inf, trial.id)
