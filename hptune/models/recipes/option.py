"""One option of a recipe, and which values it takes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from hptune.errors import SpaceError, did_you_mean
from hptune.models.recipes.schedules import read_rates
from hptune.space import Value

__all__ = ["Option", "OptionKind"]


class OptionKind(StrEnum):
    """What values an option takes."""

    NUMBER = "a number"
    WHOLE = "a whole number"
    SWITCH = "true or false"
    CHOICE = "one of its choices"
    BATCH = 'a whole number or "all"'
    RATES = "a list of learning rates"


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option of a recipe."""

    name: str
    kind: OptionKind
    default: Value | None
    """None where another option decides."""
    text: str
    """What it does, in a line."""
    choices: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    """Both ends are allowed, unless `above` or `below` says otherwise."""
    above: bool = False
    """Whether `low` itself is not allowed."""
    below: bool = False
    """Whether `high` itself is not allowed."""
    recipes: tuple[str, ...] = ("mlp", "cnn")
    """Which recipes have it."""
    needs: tuple[str, tuple[Value, ...]] | None = None
    """An option without one of whose values this one does nothing."""

    @property
    def range(self) -> str:
        """The values it takes, in words."""
        if self.kind is OptionKind.CHOICE:
            return ", ".join(self.choices)
        if self.kind not in (OptionKind.NUMBER, OptionKind.WHOLE, OptionKind.BATCH):
            return self.kind.value
        ends = [f"above {self.low:g}" if self.above else f"at least {self.low:g}"] * math.isfinite(self.low)
        ends += [f"below {self.high:g}" if self.below else f"at most {self.high:g}"] * math.isfinite(
            self.high
        )
        return " ".join([self.kind.value, *ends])

    def read(self, value: Value) -> Value:
        """Return `value` as the recipe uses it; raises SpaceError where it is not one of its values."""
        if self.kind is OptionKind.SWITCH and isinstance(value, bool):
            return value
        if self.kind is OptionKind.CHOICE and value in self.choices and isinstance(value, str):
            return value
        if (
            self.kind is OptionKind.RATES
            and isinstance(value, str | int | float)
            and not isinstance(value, bool)
        ):
            read_rates(str(value))
            return str(value)
        if self.kind in (OptionKind.NUMBER, OptionKind.WHOLE, OptionKind.BATCH):
            number = self._number(value)
            if number is not None:
                return number
        hint = did_you_mean(str(value), self.choices) if self.choices else ""
        raise SpaceError(f"{value!r} is not {self.range}", hint=hint, name=self.name)

    def _number(self, value: Value) -> Value | None:
        if self.kind is OptionKind.BATCH and isinstance(value, str):
            # A choice among numbers and "all" is a choice among texts.
            if value == "all":
                return value
            value = int(value) if re.fullmatch(r"\d+", value) else math.nan
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return None
        if self.kind is not OptionKind.NUMBER and value != int(value):
            return None
        inside = (self.low < value or (value == self.low and not self.above)) and (
            value < self.high or (value == self.high and not self.below)
        )
        if not inside:
            return None
        return float(value) if self.kind is OptionKind.NUMBER else int(value)
