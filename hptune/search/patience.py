"""When a search gives up: where nothing can be trained, or nothing any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from hptune.errors import NoFeasibleTrialError
from hptune.study.trial import Trial, TrialState

__all__ = ["GIVE_UP_AFTER", "GIVE_UP_BROKEN", "Patience"]

GIVE_UP_AFTER = 10
"""Trials in a row at the very start, none of which could be trained."""
GIVE_UP_BROKEN = 30
"""Jobs in a row, at any time, that failed before their first epoch: something is broken outside the model."""


@dataclass
class Patience:
    """Counts what could not be trained."""

    any_score: bool = False
    """Whether any trial has a score."""
    _in_a_row: int = 0
    """Trials of this run that could not be trained, while none could."""
    _broken: int = 0
    """Jobs in a row that failed before their first epoch."""

    def count(self, trial: Trial, trained: int, trials: Iterable[Trial]) -> None:
        """Count a job that ended after `trained` epochs; `trials` are all of the study.

        Raises NoFeasibleTrialError, with the commonest reasons, where it is to be given up.
        """
        self.any_score = self.any_score or trial.score is not None
        self._in_a_row += trial.state.is_bad and not self.any_score
        self._broken = self._broken + 1 if trial.state is TrialState.FAILED and not trained else 0
        if self._in_a_row >= GIVE_UP_AFTER or self._broken >= GIVE_UP_BROKEN:
            raise self.given_up(trials)

    def given_up(self, trials: Iterable[Trial]) -> NoFeasibleTrialError:
        """Return the error that tells of the trials that could not be trained."""
        bad = [one for one in trials if one.state.is_bad]
        if self.any_score:
            bad = bad[-GIVE_UP_BROKEN:]
        reasons = Counter(f"{t.state}: {t.reason}" for t in bad)
        listed = "".join(f"\n  {count} × {reason}" for reason, count in reasons.most_common(5))
        which = f"the last {len(bad)}" if self.any_score else f"the {len(bad)}"
        return NoFeasibleTrialError(
            f"none of {which} trials could be trained{listed}",
            hint="See `hptune show TRIAL` for a traceback, or start from smaller learning rates and models."
            + (" What was trained is kept: the same command resumes it." if self.any_score else ""),
        )
