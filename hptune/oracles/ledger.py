"""What an oracle was asked and told, leg by leg: a trial that goes on is one trial in several legs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from hptune.study.trial import Observation, TrialState

__all__ = ["Ledger", "read_observation"]


@dataclass(kw_only=True)
class Ledger:
    """Keras Tuner numbers every ask; here a configuration has one number, however often it is taken up."""

    full: int
    """Epochs of a full training."""
    reports_epochs: bool
    """Whether it is told how many epochs a leg took, so that a training that ended by itself is known."""
    _told: list[Observation] = field(default_factory=list)
    _running: dict[str, Observation] = field(default_factory=dict)
    """By the leg that runs."""
    _number_of: dict[str, int] = field(default_factory=dict)
    """Each leg's trial."""
    _leg_of: dict[int, str] = field(default_factory=dict)
    """Each trial's last leg."""
    _steps: dict[str, int] = field(default_factory=dict)
    """Epochs after which a leg ended, as they were noted."""
    _epochs_had: dict[int, int] = field(default_factory=dict)
    """By trial; while it runs, those that it will have had."""

    @property
    def epochs_used(self) -> int:
        """Epochs of all trials, those of running ones included."""
        return sum(self._epochs_had.values())

    @property
    def observations(self) -> list[Observation]:
        """What was told, in the order told, and then what runs."""
        return [*self._told, *self._running.values()]

    def last_leg(self, number: int) -> str:
        """Return the leg from which a trial goes on."""
        return self._leg_of[number]

    def begin(self, leg: str, given: Mapping[str, Any], pass_number: int) -> None:
        """Note that a leg begins with these values, those of Keras Tuner's own (`tuner/…`) among them.

        A leg that was begun before, and is tried again, is noted already.
        """
        if leg in self._number_of:
            return
        continued = given.get("tuner/trial_id")
        number = len(self._leg_of) + 1 if continued is None else self._number_of[str(continued)]
        until = int(given.get("tuner/epochs", 1))
        self._number_of[leg] = number
        self._leg_of[number] = leg
        self._epochs_had[number] = until
        self._running[leg] = Observation(
            trial_id=number,
            values={name: value for name, value in given.items() if not name.startswith("tuner/")},
            epochs=until,
            score=None,
            state=TrialState.RUNNING,
            pass_number=pass_number,
        )

    def note_epochs(self, leg: str, epochs: int) -> None:
        """Note after how many epochs in all a leg ends."""
        self._steps[leg] = epochs

    def is_over(self, leg: str) -> bool:
        """Whether more epochs would change nothing: it had them all, or ended by itself."""
        until = self._running[leg].epochs
        if until >= self.full:
            return True
        return self.reports_epochs and 0 < self._steps.get(leg, until) < until

    def end(self, leg: str, state: TrialState, score: float | None) -> None:
        """Note how a leg ended."""
        running = self._running.pop(leg)
        epochs = running.epochs
        if self.reports_epochs:
            known = self._steps.get(leg, epochs)
            # A score without epochs is one whose epochs were not told.
            had = epochs if not known and score is not None else min(epochs, known)
            self._epochs_had[running.trial_id] = had
            epochs = had or epochs
        self._told.append(
            Observation(
                trial_id=running.trial_id,
                values=running.values,
                epochs=epochs,
                score=None if score is None else float(score),
                state=state,
                pass_number=running.pass_number,
            )
        )

    def get_state(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {
            "told": [asdict(o) for o in self._told],
            "running": {leg: asdict(o) for leg, o in self._running.items()},
            "number_of": self._number_of,
            "epochs_had": {str(number): epochs for number, epochs in self._epochs_had.items()},
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take up what `get_state` returned."""
        self._told = [read_observation(o) for o in state["told"]]
        self._running = {leg: read_observation(o) for leg, o in state["running"].items()}
        self._number_of = dict(state["number_of"])
        self._leg_of = {number: leg for leg, number in self._number_of.items()}
        self._epochs_had = {int(number): epochs for number, epochs in state["epochs_had"].items()}


def read_observation(data: Mapping[str, Any]) -> Observation:
    """Read what `dataclasses.asdict` made of an observation."""
    return Observation(**{**data, "state": TrialState(data["state"])})
