"""Numbers: ranges on a scale, whole or not, with steps and limits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.space.condition import Value, kind_of
from hptune.space.hyperparameter import Hyperparameter
from hptune.space.scales import Scale, from_unit, grid_index, grid_size, grid_values, to_unit

__all__ = ["Float", "Integer", "Number"]

_MOST_STEPS = 1e12
"""Of a range: its values are written to twelve significant digits."""
_LONGEST_GRID = 10_000


@dataclass(frozen=True, kw_only=True)
class Number(Hyperparameter):
    """A range of numbers, both ends included."""

    low: float
    high: float
    scale: Scale = Scale.LINEAR
    step: float | None = None
    """Linear: the distance between values. Log: the factor between them, above 1."""
    default: float | None = None
    """Where to start; the middle of the range on its scale when not given."""
    limits: tuple[float, float] | None = None
    """Walls that an expansion never crosses; the range itself when not given."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_numbers()
        self._check_scale()
        limits = (self.low, self.high) if self.limits is None else self.limits
        object.__setattr__(self, "limits", self._limits(limits))
        self._check_limits()
        if self.default is None:
            object.__setattr__(self, "default", self.at(0.5))
        elif not self.contains(self.default):
            self._fail(
                f"default {self.default:g} is not a value in {self.low:g}..{self.high:g}"
                + (f" with step {self.step:g}" if self.step else ""),
                key="default",
            )

    def _check_numbers(self) -> None:
        for key in ("low", "high", "step", "default"):
            number = getattr(self, key)
            if number is None and key in ("step", "default"):
                continue
            object.__setattr__(self, key, self._number(key, number))
        if not self.low < self.high:
            self._fail(
                f"low {self.low:g} must be below high {self.high:g}",
                f"For a single value write it alone: {self.low:g}." if self.low == self.high else "",
            )

    def _number(self, key: str, number: float) -> float:
        """Return `number` in the type of this kind, or fail."""
        if kind_of(number) != "number":
            self._fail(f"{key} must be a number, got {number!r}", key=key)
        if not math.isfinite(number):
            self._fail(f"{key} must be finite, got {number!r}", key=key)
        return float(number)

    def _limits(self, limits: tuple[float, float]) -> tuple[float, float]:
        if len(limits) != 2:
            self._fail(f"limits must be two numbers, got {limits!r}", key="limits")
        return (self._number("limits", limits[0]), self._number("limits", limits[1]))

    def _check_scale(self) -> None:
        if self.scale is Scale.LOG and self.low <= 0:
            self._fail(
                f"a log range must lie above 0, but low is {self.low:g}",
                "Use a small positive number, with zero: true where it may be exactly 0; or scale: linear.",
            )
        if self.scale is Scale.LOG_COMPLEMENT and self.high >= 1:
            self._fail(
                f"a log_complement range must lie below 1, but high is {self.high:g}",
                "Use for example 0.999, or scale: linear.",
            )
        if self.step is None:
            return
        if self.scale is Scale.LOG_COMPLEMENT:
            self._fail("a step has no meaning on the log_complement scale", "List choices.", key="step")
        if self.scale is Scale.LOG and self.step <= 1:
            self._fail(
                f"on a log scale the step is a factor and must be above 1, got {self.step:g}", key="step"
            )
        if self.scale is Scale.LINEAR and self.step <= 0:
            self._fail(f"step must be above 0, got {self.step:g}", key="step")
        if self.scale is Scale.LINEAR and self.high - self.low > self.step * _MOST_STEPS:
            self._fail(
                f"a step of {self.step:g} is too small for {self.low:g}..{self.high:g}",
                "Leave it out.",
                key="step",
            )

    def _check_limits(self) -> None:
        assert self.limits is not None
        low, high = self.limits
        if not (low <= self.low and self.high <= high):
            self._fail(
                f"the range {self.low:g}..{self.high:g} reaches past its limits {low:g}..{high:g}",
                "Widen the limits or narrow the range.",
            )
        if self.scale is Scale.LOG and low <= 0:
            self._fail(f"limits of a log range must lie above 0, got {low:g}", key="limits")
        if self.scale is Scale.LOG_COMPLEMENT and high >= 1:
            self._fail(f"limits of a log_complement range must lie below 1, got {high:g}", key="limits")

    @property
    def initial(self) -> float:
        assert self.default is not None
        return self.default

    @property
    def size(self) -> int | None:
        return None if self.step is None else grid_size(self.scale, self.low, self.high, self.step)

    def snap(self, values: Any) -> NDArray[np.float64]:
        """Return the nearest values this hyperparameter can take, inside its range."""
        x = np.clip(np.asarray(values, dtype=np.float64), self.low, self.high)
        if self.step is None:
            return x
        last = grid_size(self.scale, self.low, self.high, self.step) - 1
        index = np.clip(np.round(grid_index(self.scale, self.low, self.step, x)), 0, last)
        return np.clip(grid_values(self.scale, self.low, self.step, index), self.low, self.high)

    def from_units(self, units: Any) -> NDArray[np.float64]:
        """Return the values at `units` in [0, 1], snapped to what it can take."""
        return self.snap(from_unit(self.scale, self.low, self.high, np.clip(units, 0, 1)))

    def to_units(self, values: Any) -> NDArray[np.float64]:
        """Return where `values` lie in the range: 0 at low, 1 at high, beyond outside."""
        return to_unit(self.scale, self.low, self.high, values)

    def at(self, unit: float) -> Value:
        size = self.size
        if self.step is None or size is None:
            return self._cast(self.from_units(unit))
        # Each value of a grid gets an equal part of [0, 1], the ends included.
        index = min(int(unit * size), size - 1)
        return self._cast(self.snap(grid_values(self.scale, self.low, self.step, index)))

    def _cast(self, number: Any) -> Value:
        return float(number)

    def contains(self, value: Value) -> bool:
        if isinstance(value, bool | str) or not self.low <= value <= self.high:
            return False
        return math.isclose(float(self.snap(value)), value, rel_tol=1e-9, abs_tol=1e-12)


@dataclass(frozen=True, kw_only=True)
class Float(Number):
    """A range of real numbers."""


@dataclass(frozen=True, kw_only=True)
class Integer(Number):
    """A range of whole numbers."""

    def _number(self, key: str, number: float) -> float:
        number = super()._number(key, number)
        if key == "step" and self.scale is Scale.LOG:
            return int(number) if number == int(number) else number
        if number != int(number):
            self._fail(f"{key} of an integer must be a whole number, got {number!r}", key=key)
        return int(number)

    @cached_property
    def _grid(self) -> NDArray[np.float64] | None:
        """The values of a log range with a step: factors fall between whole numbers."""
        if self.step is None or self.scale is not Scale.LOG:
            return None
        size = grid_size(self.scale, self.low, self.high, self.step)
        if size > _LONGEST_GRID:
            self._fail(
                f"a step of {self.step:g} times is too small for whole numbers", "Leave it out.", key="step"
            )
        return np.unique(np.round(grid_values(self.scale, self.low, self.step, np.arange(size))))

    @property
    def size(self) -> int | None:
        if self._grid is not None:
            return len(self._grid)
        return int(self.high - self.low) + 1 if self.step is None else super().size

    def snap(self, values: Any) -> NDArray[np.float64]:
        if self._grid is None:
            return np.clip(np.round(super().snap(values)), self.low, self.high)
        x = np.clip(np.asarray(values, dtype=np.float64), self.low, self.high)
        nearest = np.abs(np.log(x)[..., None] - np.log(self._grid)).argmin(axis=-1)
        return np.asarray(self._grid[nearest], dtype=np.float64)

    def at(self, unit: float) -> Value:
        if self._grid is not None:
            return self._cast(self._grid[min(int(unit * len(self._grid)), len(self._grid) - 1)])
        if self.step is not None:
            return super().at(unit)
        # Half a step beyond each end, so that the ends are as likely as their neighbours.
        if self.scale is Scale.LINEAR:
            return self._cast(min(math.floor(self.low + unit * (self.high - self.low + 1)), self.high))
        if self.scale is Scale.LOG:
            x = float(from_unit(self.scale, self.low - 0.5, self.high + 0.5, unit))
            return self._cast(np.clip(round(x), self.low, self.high))
        return self._cast(self.from_units(unit))

    def _cast(self, number: Any) -> Value:
        return int(number)
