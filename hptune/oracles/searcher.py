"""Asks one search algorithm for configurations and reports how they did, pass after pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hptune.oracles.driven import DrivenOracle, plain
from hptune.space import Hyperparameter, Space, Value, Values
from hptune.strategy.state import NoSuggestion
from hptune.study.trial import Trial, TrialState

__all__ = ["NextOracle", "NoSuggestion", "Searcher", "Suggestion"]

NextOracle = Callable[[DrivenOracle | None, Space, int, tuple[Trial, ...]], DrivenOracle]
"""(The oracle of the pass before, the space and number of the next pass, earlier trials) → its oracle."""


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """What to train next."""

    values: Mapping[str, Value]
    """Active hyperparameters only."""
    oracle_values: Mapping[str, Value]
    """As the oracle gave them, `tuner/…` included."""
    resumes: int | None
    """The trial whose training is resumed; None for a new one."""
    initial_epoch: int
    epochs: int
    memo: object
    note: str


@dataclass(frozen=True)
class _Open:
    """What was asked for and not reported yet."""

    oracle: DrivenOracle
    trial: Any
    """Keras Tuner's."""
    trial_id: int = 0
    """The study's, once its job is known."""


@dataclass
class Searcher:
    """One search's oracle, asked for configurations and given their scores."""

    next_oracle: NextOracle
    epochs: int
    """Epochs of a full training, for oracles that don't say how long to train."""
    _oracle: DrivenOracle | None = None
    _asked: _Open | None = None
    """The latest ask, until its job is known."""
    _open: dict[int, tuple[_Open, ...]] = field(default_factory=dict)
    """By job; several where a configuration that failed was suggested again, and is tried again."""
    _failed: dict[int, tuple[_Open, ...]] = field(default_factory=dict)
    """What was reported to the oracle as failed, by the study's trial."""
    _trial_of: dict[str, int] = field(default_factory=dict)
    """The study's trial of each trial of the oracle, which counts every ask."""

    def begin_pass(self, number: int, space: Space, earlier: tuple[Trial, ...] = ()) -> None:
        """Continue with a pass over `space`, after `earlier` trials."""
        before, self._oracle = self._oracle, self.next_oracle(self._oracle, space, number, earlier)
        if self._oracle is not before:
            self._trial_of.clear()
            self._failed.clear()

    def ask(self) -> Suggestion | NoSuggestion:
        """Ask for the next configuration; `started` must follow before the next call."""
        assert self._oracle is not None
        asked = self._oracle.ask()
        if asked.status == "IDLE":
            return NoSuggestion.WAIT
        if asked.status == "STOPPED":
            return self._oracle.no_suggestion
        self._asked = _Open(self._oracle, asked)
        given = plain(asked.hyperparameters.values)
        resumed = given.get("tuner/trial_id")
        return Suggestion(
            values={name: value for name, value in given.items() if not name.startswith("tuner/")},
            oracle_values=given,
            resumes=None if resumed is None else self._trial_of[str(resumed)],
            initial_epoch=int(given.get("tuner/initial_epoch", 0)),
            epochs=min(int(given.get("tuner/epochs", self.epochs)), self.epochs),
            memo=self._oracle.memo(),
            note=self._oracle.note,
        )

    def started(self, job_id: int, trial_id: int) -> None:
        """Say which job of which trial trains what was asked for last."""
        assert self._asked is not None
        self._trial_of[self._asked.trial.trial_id] = trial_id
        self._open[job_id] = (replace(self._asked, trial_id=trial_id),)
        self._asked = None

    def retry(self, job_id: int, trial_id: int) -> None:
        """Say which job tries a trial again that was reported as failed.

        An oracle of an earlier pass, which is asked no more, hears nothing of it.
        """
        again = self._failed.pop(trial_id, ())
        for failed in again:
            failed.oracle.retry(failed.trial)
        self._open[job_id] = again

    def report(
        self,
        job_id: int,
        state: TrialState,
        score: float | None,
        *,
        epochs: int = 0,
        added: Values | None = None,
    ) -> None:
        """Report to the oracle that asked for it how a job ended, and after how many epochs in all.

        `added` are values of what its model asked for beyond what it was given.
        """
        for known in self._open.pop(job_id):
            known.oracle.report(known.trial, state, score, epochs=epochs, added=added)
            if state is TrialState.FAILED and known.oracle is self._oracle:
                self._failed[known.trial_id] = (*self._failed.get(known.trial_id, ()), known)

    def extend(self, space: Space, found: Sequence[Hyperparameter]) -> None:
        """Search hyperparameters that a trial asked for, with which the space has become `space`."""
        assert self._oracle is not None
        self._oracle.extend(space, found)

    def replay_ask(
        self, job_id: int, trial_id: int, oracle_values: Mapping[str, Value], memo: object
    ) -> None:
        """Bring the oracle to where it was after it gave `oracle_values`.

        Raises WrongMemoError where `memo` is not what it noted then.
        """
        assert self._oracle is not None
        self._asked = _Open(self._oracle, self._oracle.replay(oracle_values, memo))
        self.started(job_id, trial_id)
