"""Coarse-to-fine search as a Keras Tuner oracle: the shell around `hptune.strategy`.

It keeps what was asked and reported; what to try next is decided by pure functions.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import keras_tuner

from hptune.errors import ObjectiveError
from hptune.oracles.ledger import Ledger, read_observation
from hptune.space import Hyperparameter, Space, Value, Values
from hptune.strategy.state import NoSuggestion, SearchState
from hptune.strategy.suggest import suggest
from hptune.strategy.threads import one_thread
from hptune.study.notes import WarmStart
from hptune.study.trial import Direction, Objective, Observation, TrialState

__all__ = ["CoarseToFineOracle"]


class CoarseToFineOracle(keras_tuner.Oracle):  # type: ignore[misc]
    """Asks for partial trainings that may be resumed, or, under a stock Tuner, whole ones.

    Every ask is a trial of Keras Tuner's. With `max_epochs` its values say how far to train and
    from where, in Keras Tuner's words: `tuner/epochs`, `tuner/initial_epoch` and, where an earlier
    trial is resumed, that trial's `tuner/trial_id`. Without `max_epochs` every trial is trained as
    long as the Tuner likes, as `keras_tuner.Tuner(oracle=...)` does.

    Between asks `memo()` is what the next answer depends on beside what was reported; an oracle that
    is given the same reports and the memo continues in the same way, in any process.
    """

    def __init__(
        self,
        objective: Any = None,
        *,
        space: Space | None = None,
        root: Space | None = None,
        max_epochs: int | None = None,
        budget_epochs: float | None = None,
        seed: int | None = 0,
        warm_starts: Sequence[Values | WarmStart] = (),
        with_defaults: bool = True,
        reports_epochs: bool = False,
        max_trials: int | None = None,
        hyperparameters: Any = None,
        **keras_tuner_arguments: Any,
    ) -> None:
        """Make an oracle over `space`, or over what `hyperparameters` or the Tuner's model declare.

        `root` is the coarse space of the first pass (`space` when not given). `budget_epochs` is
        the total in epochs; without `max_epochs`, `max_trials` is the total. `warm_starts` are tried
        right after the defaults. `reports_epochs` promises that the step of `update_trial` counts
        the epochs trained, so that a training that ended by itself is known. Other arguments go
        to `keras_tuner.Oracle`, which refuses those it does not know.
        """
        from hptune.models.keras_tuner_space import to_keras_tuner

        if hyperparameters is None and space is not None:
            hyperparameters = to_keras_tuner(space)
        super().__init__(
            objective=objective,
            max_trials=max_trials,
            hyperparameters=hyperparameters,
            seed=seed,
            **keras_tuner_arguments,
        )
        if seed is not None:
            self.seed = seed  # 0 is a seed, too
        self._goal = _objective(self.objective)
        self._space, self._root = space, root or space
        self._declared: tuple[int, Space] | None = None
        self._max_epochs = max_epochs
        self._budget = _budget(budget_epochs, max_epochs, max_trials)
        self._warm_starts = tuple(
            start
            if isinstance(start, WarmStart)
            else WarmStart(values=start, origin=f"configuration {number}")
            for number, start in enumerate(warm_starts, 1)
        )
        self._with_defaults = with_defaults
        self._pass_number = 1
        self._ledger = Ledger(full=max_epochs or 1, reports_epochs=reports_epochs)
        self._imported: list[Observation] = []
        self._asks = 0
        self._memo: dict[str, Any] = {}
        self.note = ""
        self.answer: NoSuggestion | None = None
        self.verbose = 0

    # What a study hands over

    def begin_pass(self, space: Space) -> None:
        """Continue with other ranges; everything reported so far still counts."""
        from hptune.models.keras_tuner_space import to_keras_tuner

        self._root = self._root or space
        self._space = space
        # Keras Tuner fills in what it knows of and a configuration lacks.
        self.hyperparameters = to_keras_tuner(space)
        self._pass_number += 1

    def search_also(self, found: Sequence[Hyperparameter]) -> None:
        """Search what a trial asked for beyond the space, from here on; or under fewer conditions.

        Earlier trials that lack a value of it count with its default, and can be resumed.
        """
        assert self._space is not None
        self._space = self._space.extended(found)
        self._root = (self._root or self._space).extended(found)
        self._ledger.complete(self._space, {hp.name: self._root[hp.name].initial for hp in found})

    def add_values(self, trial_id: str, added: Values) -> None:
        """Say what else a running trial asked for, and which values it got."""
        self._ledger.add_values(trial_id, added)

    def add_observations(self, observations: Iterable[Observation]) -> None:
        """Learn from imported trials; they cost nothing and can't be resumed."""
        self._imported.extend(observations)

    def set_budget(self, budget_epochs: float) -> None:
        """Change the total, in epochs."""
        self._budget = budget_epochs

    def memo(self) -> dict[str, Any]:
        """Return what the next answer depends on beside what was reported: JSON values."""
        return {"asks": self._asks, "model": dict(self._memo)}

    def set_memo(self, memo: Mapping[str, Any]) -> None:
        """Take up a memo; raises LookupError, TypeError or ValueError for what is none."""
        model = dict(memo["model"])
        if not all(math.isfinite(number) for number in model.get("theta", ())):
            raise ValueError("the model's numbers are not finite")
        self._asks, self._memo = int(memo["asks"]), model

    # Keras Tuner's side

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        with one_thread():
            answer = suggest(self.search_state())
        if isinstance(answer, NoSuggestion):
            self.answer = answer
            return {"status": "IDLE" if answer is NoSuggestion.WAIT else "STOPPED"}
        self.answer = None
        self._asks += 1
        self._memo = dict(answer.memo)
        self.note = answer.note
        values: dict[str, Value] = dict(answer.values)
        if self._max_epochs is not None:
            values["tuner/epochs"] = answer.epochs
            values["tuner/initial_epoch"] = answer.initial_epoch
            if answer.trial_id is not None:
                values["tuner/trial_id"] = self._ledger.latest_segment(answer.trial_id)
        return {"status": "RUNNING", "values": values}

    def search_state(self) -> SearchState:
        """Return everything that decides the next answer."""
        space = self._today()
        return SearchState(
            root=self._root or space,
            space=space,
            objective=self._goal,
            epochs=self._max_epochs or 1,
            budget=self._budget,
            epochs_used=float(self._ledger.epochs_used),
            observations=self._ledger.observations,
            imported=self._imported,
            warm_starts=self._warm_starts,
            with_defaults=self._with_defaults,
            seed=self.seed,
            asks=self._asks,
            memo=self._memo,
        )

    def _today(self) -> Space:
        """Return the ranges to search: given, or declared by the Tuner's model so far."""
        if self._space is not None:
            return self._space
        from hptune.models.keras_tuner_space import from_keras_tuner

        count = len(self.hyperparameters.space)
        if self._declared is None or self._declared[0] != count:
            self._declared = (count, from_keras_tuner(self.hyperparameters))
        return self._declared[1]

    @keras_tuner.synchronized  # type: ignore[untyped-decorator]
    def create_trial(self, tuner_id: str) -> Any:
        known = tuner_id in self.ongoing_trials
        trial = super().create_trial(tuner_id)
        if trial.status == "RUNNING" and not known:
            self._ledger.begin(trial.trial_id, trial.hyperparameters.values, self._pass_number)
        return trial

    @keras_tuner.synchronized  # type: ignore[untyped-decorator]
    def update_trial(self, trial_id: str, metrics: Mapping[str, float], step: int = 0) -> Any:
        self._ledger.note_epochs(trial_id, int(step or 0))
        with _nothing_but_nan_allowed():
            return super().update_trial(trial_id, metrics, step)

    @keras_tuner.synchronized  # type: ignore[untyped-decorator]
    def end_trial(self, trial: Any) -> None:
        # Keras Tuner turns what can't be trained into a failure once there are no retries left.
        infeasible = trial.status == "INVALID"
        with _nothing_but_nan_allowed():
            super().end_trial(trial)
        if trial.trial_id in self._retry_queue:
            return
        ended = self.trials[trial.trial_id]
        if ended.status == "COMPLETED":
            state = TrialState.COMPLETE if self._ledger.is_over(trial.trial_id) else TrialState.PAUSED
        elif infeasible or trial.status == "COMPLETED" or _is_nan(ended.score):
            state = TrialState.INFEASIBLE
        else:
            state = TrialState.FAILED
        self._ledger.end(trial.trial_id, state, ended.score if ended.status == "COMPLETED" else None)

    def note_epochs(self, trial_id: str, epochs: int) -> None:
        """Say after how many epochs in all a trial ended, whatever it came to."""
        self._ledger.note_epochs(trial_id, epochs)

    def begin_again(self, trial_id: str) -> None:
        """Take up a trial again that has failed."""
        self._ledger.begin_again(trial_id, self.trials[trial_id].hyperparameters.values)

    def _check_consecutive_failures(self) -> None:
        """Never end a search for failures: what fails is evidence."""

    # What lasts: files are for a stock Tuner, which names a folder; a study keeps its own database

    def save(self) -> None:
        if getattr(self, "_project_name", None) is not None:
            super().save()

    def _save_trial(self, trial: Any) -> None:
        if getattr(self, "_project_name", None) is not None:
            super()._save_trial(trial)

    def get_state(self) -> dict[str, Any]:
        state: dict[str, Any] = super().get_state()
        state["coarse_to_fine"] = {
            "memo": self.memo(),
            "pass_number": self._pass_number,
            "imported": [asdict(o) for o in self._imported],
            **self._ledger.get_state(),
        }
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        ours = state["coarse_to_fine"]
        self.set_memo(ours["memo"])
        self._pass_number = ours["pass_number"]
        self._imported = [read_observation(o) for o in ours["imported"]]
        self._ledger.set_state(ours)


@contextmanager
def _nothing_but_nan_allowed() -> Iterator[None]:
    """Silence NumPy where Keras Tuner looks for the best of scores that are all NaN."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="All-NaN")
        yield


def _objective(goal: Any) -> Objective:
    """Return Keras Tuner's objective as ours; it must be a single one."""
    if hasattr(goal, "objectives") or not isinstance(getattr(goal, "direction", None), str):
        raise ObjectiveError(
            f"coarse-to-fine improves one metric, got {goal!r}",
            hint='Name one, for example objective="val_accuracy".',
        )
    return Objective(name=goal.name, direction=Direction(goal.direction))


def _budget(budget_epochs: float | None, max_epochs: int | None, max_trials: int | None) -> float:
    if budget_epochs is not None:
        return float(budget_epochs)
    if max_epochs is None and max_trials is not None:
        return float(max_trials)
    return math.inf


def _is_nan(score: Any) -> bool:
    return isinstance(score, float) and math.isnan(score)
