"""Hyperparameters: what every kind of them has, as frozen values.

    Hyperparameter
    ├── Number            a range on a scale                (number.py)
    │   ├── Float
    │   └── Integer
    ├── Choice            one of several options            (choice.py)
    ├── Boolean           off or on
    └── Fixed             not searched

Whatever exists is valid: each class checks itself when it is made and raises `SpaceError`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum

from hptune.errors import SpaceError
from hptune.space.condition import Condition, Value

__all__ = ["Hyperparameter", "Tier"]


class Tier(IntEnum):
    """How soon a hyperparameter deserves attention, from the practitioner's notes."""

    FIRST = 1
    """The learning rate."""
    SECOND = 2
    """Momentum, hidden units, batch size."""
    THIRD = 3
    """Layers, learning-rate decay, Adam's betas and epsilon."""
    UNRANKED = 4
    """Everything else."""


@dataclass(frozen=True, kw_only=True)
class Hyperparameter(ABC):
    """What every kind of hyperparameter has."""

    name: str
    tier: Tier = Tier.UNRANKED
    when: tuple[Condition, ...] = ()
    """All of these must hold for it to be active."""
    hard: bool = False
    """The user set this range: nothing is tried outside it. Otherwise the range is a soft bound."""
    description: str = ""

    def __post_init__(self) -> None:
        if not self.name or not isinstance(self.name, str):
            raise SpaceError(f"a hyperparameter needs a name, got {self.name!r}")
        if self.name.startswith("tuner/"):
            self._fail("names that begin with tuner/ are Keras Tuner's own")
        object.__setattr__(self, "tier", Tier(self.tier))
        object.__setattr__(self, "when", tuple(self.when))
        parents = [condition.parent for condition in self.when]
        for parent in parents:
            if parents.count(parent) > 1:
                self._fail(f"when: {parent!r} is listed twice", "List all its values at once.", key="when")

    def _fail(self, reason: str, hint: str = "", *, key: str = "") -> None:
        raise SpaceError(reason, hint=hint, name=self.name, key=key)

    @property
    @abstractmethod
    def initial(self) -> Value:
        """The value to start from: the default, or the fixed value."""

    @property
    @abstractmethod
    def size(self) -> int | None:
        """How many values it can take; None where there is no end of them."""

    @abstractmethod
    def contains(self, value: Value) -> bool:
        """Return whether `value` is one this hyperparameter can take."""

    @abstractmethod
    def at(self, unit: float) -> Value:
        """Return the value at `unit` in [0, 1]; equal parts of [0, 1] are equally likely."""
