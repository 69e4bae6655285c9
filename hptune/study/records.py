"""What a study holds beside trials: what it is about, its passes, its asks and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from hptune.space import Hyperparameter, Space, Value, Values
from hptune.study.proposal import Proposal
from hptune.study.trial import Direction, Job, Objective, TrialState

__all__ = ["Ask", "Confirmation", "Identity", "JobProgress", "Pass", "Report", "Tally"]


BATCHES = "batches:"
"""How the fingerprint of data begins that comes in batches: it is of their form alone."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a study is about. Trials compare only where all of it is the same."""

    data: str
    """As given on the command line."""
    data_fingerprint: str
    model: str
    model_fingerprint: str
    objective: str
    direction: Direction
    epochs: int
    """Epochs of one full training."""
    oracle: str
    seed: int
    settings: Mapping[str, Value | None]
    """Other options that change what a trial scores: target, validation, normalisation …"""

    @property
    def goal(self) -> Objective:
        """The objective with its direction."""
        return Objective(name=self.objective, direction=self.direction)

    def difference(self, wanted: Identity) -> str:
        """Say in words the first thing that keeps trials of the two from comparing, or ""."""
        # Other settings split and encode other rows: they say it better.
        for one in sorted(fields(Identity), key=lambda one: one.name != "settings"):
            mine, theirs = getattr(self, one.name), getattr(wanted, one.name)
            # A moved data file or a corrected model file can be resumed with; other rows can't.
            if one.name in ("data", "model_fingerprint") or mine == theirs:
                continue
            if one.name == "data_fingerprint" and BATCHES in (mine[: len(BATCHES)], theirs[: len(BATCHES)]):
                return f"its batches, or rows, have another form than those that {wanted.data} gives now"
            if one.name == "data_fingerprint":
                return f"its rows are not those of {wanted.data} as it is now split and encoded"
            if one.name == "settings":
                return _differing(mine, theirs)
            return f"its {one.name} is {mine}, not {theirs}"
        return ""


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One search over one space."""

    number: int
    space: Space
    """With what trials asked for beyond it while it ran. That of the first pass, by whose ranges those of all
    others are compared, has what later passes found as well."""
    opened_with: Space
    """The space that it began with."""
    proposal: Proposal | None
    """What made the space; None for a space that was given."""
    origin: str
    """given, narrowed (by the rules alone) or user (a proposal that the user edited)."""
    started_at: float


@dataclass(frozen=True, kw_only=True)
class Ask:
    """The oracle was asked and gave this."""

    job: Job
    oracle_values: Mapping[str, Value]
    """Its values as it gave them, `tuner/…` included."""
    memo: object
    """Its small state right after."""
    pass_number: int
    retries: bool = False
    """Nothing was asked of the oracle: its trial, which had failed, is tried again."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """This was reported to the oracle of a job."""

    job_id: int
    trial_id: int
    state: TrialState
    score: float | None
    epochs: int
    """Epochs that the trial had had by then, as far as it is told from the job alone."""
    pass_number: int
    added: Values = field(default_factory=dict)
    """What the model asked for and was given no value of: the trial's from here on."""
    found: tuple[Hyperparameter, ...] = ()
    """What the space is extended by from here on; of a name that it has, other conditions."""


@dataclass(frozen=True, kw_only=True)
class JobProgress:
    """What one stretch of training cost and gave."""

    trial_id: int
    pass_number: int
    epochs: int
    """Trained in this stretch; 0 where the trial was known already."""
    seconds: float
    """Wall time of the whole job."""
    fit_seconds: float
    """Of those, inside the training loop; 0 where it was not timed."""
    score: float | None
    """Of its trial, after this stretch."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many trials of one pass stand at one state."""

    pass_number: int
    state: TrialState
    trials: int
    seconds: float
    """Wall time spent on them so far."""
    best: float | None
    """The best score among them."""


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """How a trial did when it was trained again from the start with another seed."""

    trial_id: int
    asked: int
    """Epochs it was trained for, which are those that the trial had had."""
    number: int
    """From 1: the first other seed, the second …"""
    seed: int
    score: float | None
    """Best value of the objective; None where it could not be trained."""
    best_epoch: int | None
    """The epoch (from 1) of that score."""
    epochs: int
    """Epochs trained: `asked`, or fewer where early stopping ended it."""
    seconds: float
    reason: str = ""
    """Why it could not be trained."""


_LEFT_OUT = "left out"


def _differing(mine: Mapping[str, Value | None], theirs: Mapping[str, Value | None]) -> str:
    names = sorted(name for name in {*mine, *theirs} if mine.get(name) != theirs.get(name))
    return "; ".join(
        f"its --{name.replace('_', '-')} is {mine.get(name, _LEFT_OUT)}, not {theirs.get(name, _LEFT_OUT)}"
        for name in names
    )
