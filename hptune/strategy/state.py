"""What a search knows when it is asked for the next trial, and what it answers: frozen data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hptune.space import Space, Value
from hptune.study.notes import WarmStart
from hptune.study.trial import Objective, Observation

__all__ = ["Decision", "NoSuggestion", "SearchState"]


@dataclass(frozen=True, kw_only=True)
class SearchState:
    """Everything that decides the next trial; the same state gives the same answer in any process."""

    root: Space
    """The first, coarse space: the whole that may be searched."""
    space: Space
    """Today's ranges: soft bounds, but for those marked hard and for fixed values."""
    objective: Objective
    epochs: int
    """Epochs of one full training, at least 1; 1 where trainings can't be cut."""
    budget: float
    """Epochs that all trials of this search may cost together; infinite where nobody said."""
    epochs_used: float = 0.0
    """Epochs used, those of the running trials included."""
    observations: Sequence[Observation] = ()
    """The observations of this search's trials, in the order reported; a paused one may be resumed."""
    imported: Sequence[Observation] = ()
    """Trials made elsewhere: they inform, and can't be resumed."""
    warm_starts: tuple[WarmStart, ...] = ()
    """Configurations to try first; unknown names are dropped and numbers clipped to the ranges."""
    with_defaults: bool = True
    """Whether the defaults are tried before anything else."""
    seed: int = 0
    asks: int = 0
    """How many suggestions were made before this one."""
    memo: Mapping[str, Any] = field(default_factory=dict)
    """What the last suggestion left for the next: JSON values only. {} is always allowed."""

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ValueError(f"epochs must be at least 1, got {self.epochs}")


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One stretch of training to run next."""

    values: Mapping[str, Value]
    trial_id: int | None
    """The trial to take further; None for a new one."""
    initial_epoch: int
    """Epochs that trial has had; 0 for a new one."""
    epochs: int
    """Epochs it shall have had in the end."""
    note: str
    """Where it comes from, in words."""
    memo: Mapping[str, Any] = field(default_factory=dict)
    """To be handed to the next ask."""


class NoSuggestion(StrEnum):
    """Why there is no suggestion."""

    WAIT = "wait"
    """Results of running trials are needed first."""
    EXHAUSTED = "exhausted"
    """Every configuration of the space was tried."""
    BUDGET_USED = "budget used"
    """The budget allows no further training that could count."""
