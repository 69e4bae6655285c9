"""Values of hyperparameters, and the conditions under which a hyperparameter counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from hptune.errors import SpaceError

__all__ = ["Condition", "Value", "Values", "kind_of", "same_value"]

Value = bool | int | float | str
Values = Mapping[str, Value]
"""One configuration: the value of each active hyperparameter."""


def same_value(a: Value, b: Value) -> bool:
    """Return whether two values are the same option: True is not 1, but 1 is 1.0."""
    return isinstance(a, bool) == isinstance(b, bool) and a == b


def kind_of(value: object) -> str:
    """Return what a value is, in words: boolean, number, text, or "" for anything else."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else ""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A hyperparameter counts only where its parent has one of these values."""

    parent: str
    """Name of the hyperparameter that decides."""
    values: tuple[Value, ...]
    """Values of the parent under which this one is active; at least one, all of one kind."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(self.values))
        if not self.values:
            raise SpaceError("no value is listed, so it would never be active", name=f"when {self.parent}")
        for value in self.values:
            finite = not isinstance(value, float) or math.isfinite(value)
            if not kind_of(value) or not finite:
                raise SpaceError(
                    f"{value!r} is not text, a finite number or a boolean", name=f"when {self.parent}"
                )

    def holds(self, values: Values) -> bool:
        """Return whether the parent is active and has one of the values."""
        return self.parent in values and any(same_value(values[self.parent], v) for v in self.values)
