"""What an oracle asked for and what was reported of it: one record a trial, however often it is resumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from hptune.space import Space, Value, Values
from hptune.study.trial import Observation, TrialState

__all__ = ["Ledger", "missing", "read_observation"]


@dataclass(kw_only=True)
class _Record:
    """One trial. Keras Tuner counts every segment of its training as a trial of its own."""

    number: int
    """Keras Tuner's number of the first segment, which names the trial in observations."""
    segment: str
    """Keras Tuner's trial_id of the latest segment."""
    epochs: int
    """Epochs it has had; while it runs, those that it will have had."""


@dataclass(kw_only=True)
class Ledger:
    """The trials of one oracle, with what was reported of them."""

    full: int
    """Epochs of a full training."""
    reports_epochs: bool
    """Whether reports tell after how many epochs a segment ended, so that early stopping is known."""
    _records: dict[int, _Record] = field(default_factory=dict)
    """By number, in the order in which they were started."""
    _at: dict[str, _Record] = field(default_factory=dict)
    """Each trial by its latest segment."""
    _reported: list[Observation] = field(default_factory=list)
    _running: dict[str, Observation] = field(default_factory=dict)
    """By the segment that runs."""
    _ended_at: dict[str, int] = field(default_factory=dict)
    """Epochs after which a running segment ended, as they were noted."""

    def __len__(self) -> int:
        return len(self._records)

    @property
    def epochs_used(self) -> int:
        """Epochs of all trials, those of running ones included."""
        return sum(record.epochs for record in self._records.values())

    @property
    def observations(self) -> list[Observation]:
        """What was reported, in the order reported, and then what runs."""
        return [*self._reported, *self._running.values()]

    def latest_segment(self, number: int) -> str:
        """Return the segment from which a trial is resumed."""
        return self._records[number].segment

    def begin(self, segment: str, given: Mapping[str, Any], pass_number: int) -> None:
        """Note that a segment begins with these values, Keras Tuner's own (`tuner/…`) among them.

        A segment that Keras Tuner retries is noted already.
        """
        if segment in self._at:
            return
        resumed = given.get("tuner/trial_id")
        until = int(given.get("tuner/epochs", 1))
        if resumed is None:
            record = _Record(number=int(segment), segment=segment, epochs=until)
            self._records[record.number] = record
        else:
            record = self._at.pop(str(resumed))
            record.segment, record.epochs = segment, until
        self._at[segment] = record
        self._running[segment] = Observation(
            trial_id=record.number,
            values={name: value for name, value in given.items() if not name.startswith("tuner/")},
            epochs=until,
            score=None,
            state=TrialState.RUNNING,
            pass_number=pass_number,
        )

    def begin_again(self, segment: str, given: Mapping[str, Any]) -> None:
        """Note that a segment which failed is tried again.

        That it failed stays among the observations: it teaches nothing, and their order is kept.
        """
        record = self._at[segment]
        record.epochs = int(given.get("tuner/epochs", 1))
        failed = next(o for o in reversed(self._reported) if o.trial_id == record.number)
        self._running[segment] = replace(failed, epochs=record.epochs, state=TrialState.RUNNING)

    def note_epochs(self, segment: str, epochs: int) -> None:
        """Note after how many epochs in all a segment ends."""
        self._ended_at[segment] = epochs

    def add_values(self, segment: str, added: Values) -> None:
        """Let the trial of a running segment have further values, and have had them all along."""
        running = self._running[segment]
        self._running[segment] = _with(running, added)
        if any(o.trial_id == running.trial_id for o in self._reported):
            self._reported = [
                _with(o, added) if o.trial_id == running.trial_id else o for o in self._reported
            ]

    def complete(self, space: Space, defaults: Values) -> None:
        """Let configurations that lack some of these, and would have them in `space`, have these defaults."""
        self._reported = [_with(o, missing(space, o.values, defaults)) for o in self._reported]
        self._running = {
            segment: _with(o, missing(space, o.values, defaults)) for segment, o in self._running.items()
        }

    def is_over(self, segment: str) -> bool:
        """Return whether more epochs would change nothing: it had them all, or ended by itself."""
        until = self._running[segment].epochs
        if until >= self.full:
            return True
        return self.reports_epochs and 0 < self._ended_at.get(segment, until) < until

    def end(self, segment: str, state: TrialState, score: float | None) -> None:
        """Note how a segment ended."""
        running = self._running.pop(segment)
        epochs, ended_at = running.epochs, self._ended_at.pop(segment, running.epochs)
        if self.reports_epochs:
            # A score without epochs is one whose epochs were not reported.
            had = epochs if not ended_at and score is not None else min(epochs, ended_at)
            self._at[segment].epochs = had
            epochs = had or epochs
        score = None if score is None else float(score)
        self._reported.append(replace(running, epochs=epochs, score=score, state=state))

    def get_state(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {
            "reported": [asdict(o) for o in self._reported],
            "running": {segment: asdict(o) for segment, o in self._running.items()},
            "records": [asdict(record) for record in self._records.values()],
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore what `get_state` returned."""
        self._reported = [read_observation(o) for o in state["reported"]]
        self._running = {segment: read_observation(o) for segment, o in state["running"].items()}
        records = [_Record(**record) for record in state["records"]]
        self._records = {record.number: record for record in records}
        self._at = {record.segment: record for record in records}


def missing(space: Space, values: Values, defaults: Values) -> dict[str, Value]:
    """Return those of `defaults` that a configuration lacks although they are active in it."""
    active = space.active(values)
    return {name: value for name, value in defaults.items() if name in active and name not in values}


def _with(observed: Observation, more: Values) -> Observation:
    return replace(observed, values={**observed.values, **more}) if more else observed


def read_observation(data: Mapping[str, Any]) -> Observation:
    """Read what `dataclasses.asdict` made of an observation."""
    return Observation(**{**data, "state": TrialState(data["state"])})
