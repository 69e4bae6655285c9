"""A Keras Tuner oracle that is driven by ask and report, in memory.

Keras Tuner's own way of keeping an oracle is a JSON file per trial, rewritten whole at every call; a
study keeps what was asked and reported instead, and replaying it rebuilds the oracle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from hptune._log import logger
from hptune.oracles.ledger import missing
from hptune.space import Hyperparameter, Space, Value, Values
from hptune.strategy.state import NoSuggestion
from hptune.study.trial import TrialState

if TYPE_CHECKING:
    import keras_tuner

__all__ = ["Driven", "DrivenOracle", "DrivenStock", "WrongMemoError", "plain"]


class WrongMemoError(Exception):
    """What is replayed as an oracle's memo is none."""


class DrivenOracle(Protocol):
    """What a search needs of an oracle."""

    note: str
    """Where the latest suggestion comes from, in words."""
    no_suggestion: NoSuggestion
    """Why the latest ask gave none."""

    def ask(self) -> Any:
        """Return Keras Tuner's trial of the next suggestion; its status is RUNNING where there is one."""
        ...

    def replay(self, values: Mapping[str, Value], memo: object) -> Any:
        """Return the trial of an ask that gave `values`, and bring the oracle to where it was then."""
        ...

    def memo(self) -> object:
        """Return what the next answer depends on beside what was asked and reported: JSON values."""
        ...

    def report(
        self,
        trial: Any,
        state: TrialState,
        score: float | None,
        *,
        epochs: int,
        added: Values | None = None,
    ) -> None:
        """Report how a trial ended, after how many epochs in all, and with which further values."""
        ...

    def retry(self, trial: Any) -> None:
        """Let a trial that was reported as failed run again, to be reported once more."""
        ...

    def extend(self, space: Space, found: Sequence[Hyperparameter]) -> None:
        """Search hyperparameters that a trial asked for, with which the space has become `space`."""
        ...


class Driven:
    """Mixed into a `keras_tuner.Oracle`, before it: asks and reports, without files."""

    note = ""
    no_suggestion = NoSuggestion.EXHAUSTED
    asks_again = False
    """Whether the state moves on only by being asked, so that a replay asks again."""
    _recorded: Mapping[str, Value] | None = None

    if TYPE_CHECKING:
        trials: dict[str, Any]
        hyperparameters: Any
        objective: Any
        verbose: int
        create_trial: Any
        update_trial: Any
        end_trial: Any
        memo: Any
        set_memo: Any
        note_epochs: Any
        add_values: Any
        begin_again: Any
        ongoing_trials: dict[str, Any]

    def ask(self) -> Any:
        # Keras Tuner returns the trial under way of a tuner_id: each ask gets one of its own.
        return self.create_trial(f"ask-{len(self.trials)}")

    def replay(self, values: Mapping[str, Value], memo: object) -> Any:
        self._recorded = values
        try:
            trial = self.ask()
        finally:
            self._recorded = None
        if memo is not None:
            try:
                self.set_memo(memo)
            except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
                raise WrongMemoError(str(error)) from error
        return trial

    def retry(self, trial: Any) -> None:
        trial.status, trial.message = "RUNNING", None
        self.ongoing_trials[f"again-{trial.trial_id}"] = trial
        self.begin_again(trial.trial_id)

    def learn(self, values: Mapping[str, Value], score: float) -> None:
        """Report a trial that was never asked for."""
        self.report(self.replay(values, None), TrialState.COMPLETE, score, epochs=0)

    def report(
        self,
        trial: Any,
        state: TrialState,
        score: float | None,
        *,
        epochs: int,
        added: Values | None = None,
    ) -> None:
        if added:
            trial.hyperparameters.values.update(added)
            self.add_values(trial.trial_id, added)
        if score is not None and not state.is_bad:
            self.update_trial(trial.trial_id, {self.objective.name: score}, step=epochs)
            trial.status = "COMPLETED"
        else:
            self.note_epochs(trial.trial_id, epochs)
            trial.status = "INVALID" if state is TrialState.INFEASIBLE else "FAILED"
            trial.message = state.value
        self.end_trial(trial)

    def extend(self, space: Space, found: Sequence[Hyperparameter]) -> None:
        from hptune.models.keras_tuner_space import to_keras_tuner

        self.hyperparameters = to_keras_tuner(space)
        defaults = {hp.name: space[hp.name].initial for hp in found}
        for trial in self.trials.values():
            # Keras Tuner draws what a trial lacks and its space has; grid search needs it of all of them.
            values = trial.hyperparameters.values
            trial.hyperparameters = self.hyperparameters.copy()
            trial.hyperparameters.values = {**values, **missing(space, values, defaults)}

    # Keras Tuner's side

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        if self._recorded is not None and not self.asks_again:
            return {"status": "RUNNING", "values": dict(self._recorded)}
        answer: dict[str, Any] = super().populate_space(trial_id)  # type: ignore[misc]
        if self._recorded is None:
            return answer
        if plain(answer.get("values") or {}) != self._recorded:
            logger.debug("replay: %s gave %s, recorded is %s", trial_id, answer, self._recorded)
        return {"status": "RUNNING", "values": dict(self._recorded)}

    def save(self) -> None:
        """Keep no file."""

    def _save_trial(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Keep no file."""

    def _check_consecutive_failures(self) -> None:
        """Never end a search for failures: what fails is evidence."""


class DrivenStock(Driven):
    """The same for Keras Tuner's own oracles, which count no epochs and tell nothing of their state."""

    asks_again = True

    def memo(self) -> object:
        """Return None: nothing is known of its state."""
        return None

    def set_memo(self, memo: Any) -> None:
        """Do nothing: there is no memo."""

    def note_epochs(self, trial_id: str, epochs: int) -> None:
        """Do nothing: Keras Tuner's oracles don't count epochs."""

    def begin_again(self, trial_id: str) -> None:
        """Do nothing: that it runs is all that they know."""

    def add_values(self, trial_id: str, added: Values) -> None:
        """Do nothing: a trial's own values are all that they know."""


def plain(values: Mapping[str, Any]) -> dict[str, Value]:
    """Return plain Python values of what may be NumPy's."""
    return {name: value.item() if hasattr(value, "item") else value for name, value in values.items()}
