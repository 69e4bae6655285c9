"""Drives one Keras Tuner oracle by ask and tell, in memory.

Keras Tuner's own way of keeping an oracle is a JSON file per trial, rewritten whole at every
call; a study keeps the asks and tells instead, and replaying them rebuilds the oracle.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hptune._log import logger
from hptune.space import Space, Value
from hptune.study.trial import Objective, Trial, TrialState

__all__ = ["NoSuggestion", "Searcher", "Suggestion"]


class NoSuggestion(StrEnum):
    """Why an oracle gives no configuration now."""

    WAIT = "wait"
    """Ask again when a running job has been told."""
    EXHAUSTED = "exhausted"
    """There is nothing more to try in this pass."""
    SPENT = "spent"
    """What is left of the budget pays no training that could count."""


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """What to train next."""

    values: Mapping[str, Value]
    """Active hyperparameters only."""
    oracle_values: Mapping[str, Value]
    """As the oracle gave them, `tuner/…` included."""
    continues: int | None
    """The job whose training goes on; None for a new trial."""
    initial_epoch: int
    epochs: int
    memo: object
    note: str


@dataclass
class Searcher:
    """One search's oracle: asked for configurations, told their scores, pass after pass.

    `make` builds the oracle of a pass; an oracle that has `begin_pass` is built once and lives
    through all passes.
    """

    make: Callable[[Space, int], Any]
    objective: Objective
    epochs: int
    """Epochs of a full training, for oracles that don't say how long to train."""
    _oracle: Any = None
    _pass_number: int = 0
    _job_of: dict[str, int] = field(default_factory=dict)
    """Job of each trial of the oracle, which counts its own asks."""
    _trial_of: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    """The oracle that asked for each job that is not told yet, and its trial."""
    _asked: Any = None
    """The oracle's trial that was asked for last and has no job yet."""

    def begin_pass(self, number: int, space: Space, earlier: tuple[Trial, ...] = ()) -> None:
        """Go on to a pass over `space`; an oracle of its own learns the `earlier` trials in it."""
        self._pass_number = number
        if self._oracle is not None and hasattr(self._oracle, "begin_pass"):
            self._oracle.begin_pass(space)
            _copied_cheaply(self._oracle)
            return
        self._oracle = _in_memory(self.make(space, number))
        self._job_of.clear()
        if getattr(self._oracle, "learns_from_earlier_trials", False):
            for trial in earlier:
                if (
                    trial.score is not None
                    and trial.epochs == self.epochs
                    and not space.problems(trial.values)
                ):
                    self._learn(trial)

    def _learn(self, trial: Trial) -> None:
        """Tell the oracle of a trial that it never asked for."""
        asked = self._create(dict(trial.values))
        self._end(self._oracle, asked, TrialState.COMPLETE, trial.score)

    def ask(self) -> Suggestion | NoSuggestion:
        """Ask for the next configuration; `begun` must follow before the next call."""
        asked = self._create(None)
        if asked.status == "IDLE":
            return NoSuggestion.WAIT
        if asked.status == "STOPPED":
            epochs_used = getattr(self._oracle, "answer", None) == NoSuggestion.SPENT.value
            return NoSuggestion.SPENT if epochs_used else NoSuggestion.EXHAUSTED
        self._asked = asked
        given = _plain(asked.hyperparameters.values)
        continued = given.get("tuner/trial_id")
        return Suggestion(
            values={name: value for name, value in given.items() if not name.startswith("tuner/")},
            oracle_values=given,
            continues=None if continued is None else self._job_of[str(continued)],
            initial_epoch=int(given.get("tuner/initial_epoch", 0)),
            epochs=min(int(given.get("tuner/epochs", self.epochs)), self.epochs),
            memo=self._oracle.memo() if hasattr(self._oracle, "memo") else None,
            note=str(getattr(self._oracle, "note", "")),
        )

    def begun(self, job_id: int) -> None:
        """Say which job trains what was asked for last."""
        self._job_of[self._asked.trial_id] = job_id
        self._trial_of[job_id] = (self._oracle, self._asked)
        self._asked = None

    def tell(self, job_id: int, state: TrialState, score: float | None, *, epochs: int = 0) -> None:
        """Tell the oracle that asked for it how a job ended, and after how many epochs in all."""
        self._end(*self._trial_of.pop(job_id), state, score, epochs=epochs)

    def replay_ask(self, job_id: int, oracle_values: Mapping[str, Value], memo: object) -> None:
        """Bring the oracle to where it was after it gave `oracle_values`."""
        asked = self._create(dict(oracle_values))
        if hasattr(self._oracle, "set_memo"):
            self._oracle.set_memo(memo)
        self._asked = asked
        self.begun(job_id)

    def _create(self, recorded: dict[str, Value] | None) -> Any:
        """Ask the oracle; where `recorded` is given, that is what it says."""
        # Keras Tuner returns the trial under way of a tuner_id: each ask gets one of its own.
        tuner_id = f"ask-{self._pass_number}-{len(self._oracle.trials)}"
        if recorded is None:
            return self._oracle.create_trial(tuner_id)
        populate = self._oracle.populate_space

        def replayed(trial_id: str) -> dict[str, Any]:
            if not hasattr(self._oracle, "set_memo"):
                # Its random state moves on only by being asked.
                again = populate(trial_id)
                if _plain(again.get("values") or {}) != recorded:
                    logger.debug("replay: %s gave %s, recorded is %s", trial_id, again, recorded)
            return {"status": "RUNNING", "values": recorded}

        self._oracle.populate_space = replayed
        try:
            return self._oracle.create_trial(tuner_id)
        finally:
            del self._oracle.populate_space

    def _end(
        self, oracle: Any, asked: Any, state: TrialState, score: float | None, *, epochs: int = 0
    ) -> None:
        if score is not None and not state.is_bad:
            oracle.update_trial(asked.trial_id, {self.objective.name: score}, step=epochs)
            asked.status = "COMPLETED"
        else:
            if hasattr(oracle, "trained"):
                oracle.trained(asked.trial_id, epochs)
            asked.status = "INVALID" if state is TrialState.INFEASIBLE else "FAILED"
            asked.message = state.value
        oracle.end_trial(asked)


def _plain(values: Mapping[str, Any]) -> dict[str, Value]:
    """Return plain Python values of what may be NumPy's."""
    return {name: value.item() if hasattr(value, "item") else value for name, value in values.items()}


def _in_memory(oracle: Any) -> Any:
    """Keep an oracle from writing files and from ending the search after three failures."""
    _copied_cheaply(oracle)
    oracle.save = lambda: None
    oracle._save_trial = lambda trial: None
    oracle._check_consecutive_failures = lambda: None
    oracle.verbose = 0
    return oracle


def _copied_cheaply(oracle: Any) -> None:
    """Let an oracle's trials share its hyperparameters.

    Keras Tuner copies every hyperparameter for every trial, by writing and reading it; they never
    change here, and a copy of 15 of them costs more than all the rest of a trial.
    """
    space = oracle.hyperparameters

    def with_values_of_its_own() -> Any:
        copied = copy.copy(space)
        copied.values = dict(space.values)
        return copied

    space.copy = with_values_of_its_own
