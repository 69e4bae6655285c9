"""The unit cube in which configurations are compared: one axis per searched hyperparameter.

The cube belongs to the first, coarse space, so that trials of every pass lie in it together. A
value outside the coarse ranges lies outside [0, 1] and still informs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.space import (
    Choice,
    Fixed,
    Hyperparameter,
    Integer,
    Number,
    Space,
    Tier,
    Value,
    Values,
    same_value,
)
from hptune.strategy.axis import CubeAxis, alike, axis_of, mixed_axes

__all__ = ["Box", "Cube", "CubeAxis", "mixed_axes"]

Array = NDArray[np.float64]


def _nine_digits(x: Array) -> Array:
    """Round to nine significant digits: what is tried shall read 0.001, not 0.0010000000000000002."""
    with np.errstate(divide="ignore"):
        scale = 10.0 ** np.minimum(8 - np.floor(np.log10(np.where(x == 0, 1.0, np.abs(x)))), _MOST_DIGITS)
    return np.asarray(np.round(x * scale) / scale, dtype=np.float64)


_MOST_DIGITS = 300.0
_NARROW = 1e-4
"""A range that is narrower than this share of its numbers has need of all their digits."""


def _readable(hp: Number, x: Array) -> Array:
    if isinstance(hp, Integer) or hp.high - hp.low < _NARROW * max(abs(hp.low), abs(hp.high)):
        return x
    return _nine_digits(x)


@dataclass(frozen=True, kw_only=True)
class Box:
    """Where candidates may lie: bounds of each column, and the options allowed of each choice."""

    low: Array
    """Shape (columns,)."""
    high: Array
    """Shape (columns,)."""
    allowed: dict[str, tuple[int, ...]]
    """Axis of options → the indices of its allowed options."""


def _inside_limits(before: Hyperparameter, now: Hyperparameter) -> Hyperparameter:
    """Return the coarse range inside today's limits: a range that the user set binds those inside it."""
    if not isinstance(before, Number) or not isinstance(now, Number):
        return before
    assert now.limits is not None
    low, high = max(before.low, now.limits[0]), min(before.high, now.limits[1])
    if (low, high) == (before.low, before.high):
        return before
    return replace(before, low=low, high=high, default=None) if low < high else now


@dataclass(frozen=True)
class Cube:
    """The unit cube of a coarse space, and today's space laid in it."""

    root: Space
    """The first, coarse space: its ranges are [0, 1]."""
    space: Space
    """Today's space: it has the same names."""
    axes: tuple[CubeAxis, ...]
    columns: int
    groups: NDArray[np.int64]
    """Column → index of its axis, shape (columns,)."""

    @classmethod
    def of(cls, root: Space, space: Space | None = None) -> Cube:
        """Lay out the cube of `root`, widened by what `space` allows beyond it."""
        now_space = root if space is None else space
        axes: list[CubeAxis] = []
        start = 0
        for now in now_space:
            before = root.get(now.name) or now
            if isinstance(before, Fixed) and isinstance(now, Fixed):
                if same_value(before.value, now.value) or not alike((before.value, now.value)):
                    continue
                # So that trials with either can be distinguished.
                both = (before.value, now.value)
                before = Choice(name=now.name, options=both, tier=now.tier, when=now.when)
            axis = axis_of(now if isinstance(before, Fixed) else before, now, start)
            axes.append(axis)
            start += axis.width
        groups = np.concatenate([[i] * axis.width for i, axis in enumerate(axes)] or [[]])
        return cls(root, now_space, tuple(axes), start, groups.astype(np.int64))

    def encode(self, configurations: Sequence[Values]) -> Array:
        """Return the rows of many configurations, shape (configurations, columns).

        Missing and inactive values are taken at their defaults.
        """
        rows = np.empty((len(configurations), self.columns))
        for axis in self.axes:
            initial = self._initial(axis)
            rows[:, axis.columns] = axis.encode([c.get(axis.name, initial) for c in configurations])
        return rows

    def _initial(self, axis: CubeAxis) -> Value:
        """Return what an inactive hyperparameter counts as; the same in every pass."""
        before = self.root.get(axis.name)
        return (before or self.space[axis.name]).initial

    def snap(self, rows: Array) -> Array:
        """Return the nearest rows that are configurations: snapped, inactive ones at their default."""
        table, active = self._table(rows)
        snapped = np.empty_like(rows)
        for axis in self.axes:
            column = table[axis.name]
            units = axis.encode_index(column) if axis.options else axis.units_of_numbers(column)[:, None]
            snapped[:, axis.columns] = units
            off = ~active[axis.name]
            if off.any():
                snapped[off, axis.columns] = axis.encode([self._initial(axis)])
        return snapped

    def decode(self, rows: Array) -> list[dict[str, Value]]:
        """Return the configurations at rows, active hyperparameters only, in the order of the space."""
        table, active = self._table(rows)
        by_name = {axis.name: axis for axis in self.axes}
        configurations: list[dict[str, Value]] = []
        for i in range(len(rows)):
            values: dict[str, Value] = {}
            for hp in self.space:
                if not active[hp.name][i]:
                    continue
                axis = by_name.get(hp.name)
                if isinstance(hp, Fixed) or axis is None:
                    values[hp.name] = hp.initial
                elif axis.options:
                    values[hp.name] = axis.options[int(table[hp.name][i])]
                else:
                    assert isinstance(axis.hp, Number)
                    values[hp.name] = axis.hp._cast(table[hp.name][i])
            configurations.append(values)
        return configurations

    def _table(self, rows: Array) -> tuple[dict[str, Any], dict[str, NDArray[np.bool_]]]:
        """Return the value (or the option's index) per axis and who is active, shape (rows,) each."""
        table: dict[str, Any] = {}
        for axis in self.axes:
            part = rows[:, axis.columns]
            now = self.space[axis.name]
            if isinstance(now, Fixed):
                fixed = axis.index(now.value) if axis.options else float(now.value)
                table[axis.name] = np.full(len(rows), fixed)
            elif not axis.options:
                assert isinstance(axis.hp, Number)
                table[axis.name] = axis.hp.snap(_readable(axis.hp, axis.numbers_of_units(part[:, 0])))
            else:
                table[axis.name] = axis.index_of_rows(part)
        return table, self._activity(table, len(rows))

    def _activity(self, table: dict[str, Any], count: int) -> dict[str, NDArray[np.bool_]]:
        by_name = {axis.name: axis for axis in self.axes}
        active: dict[str, NDArray[np.bool_]] = {}
        for hp in self.space.ordered:
            mask = np.ones(count, dtype=bool)
            for condition in hp.when:
                mask &= active[condition.parent]
                axis = by_name.get(condition.parent)
                if axis is None:
                    mask &= condition.holds({condition.parent: self.space[condition.parent].initial})
                else:
                    wanted = [axis.index(v) if axis.options else v for v in condition.values]
                    mask &= np.isin(table[condition.parent], [w for w in wanted if not isinstance(w, str)])
            active[hp.name] = mask
        return active

    def box(self, space: Space) -> Box:
        """Return the ranges of `space` in the cube."""
        low, high = np.zeros(self.columns), np.ones(self.columns)
        allowed: dict[str, tuple[int, ...]] = {}
        for axis in self.axes:
            hp = space.get(axis.name) or self.space[axis.name]
            if axis.options:
                values = (hp.value,) if isinstance(hp, Fixed) else getattr(hp, "options", axis.options)
                index = tuple(i for i in (axis.index(v) for v in values) if i >= 0)
                allowed[axis.name] = index or tuple(range(len(axis.options)))
                if axis.ordered:
                    last = len(axis.options) - 1
                    low[axis.start] = min(allowed[axis.name]) / last
                    high[axis.start] = max(allowed[axis.name]) / last
                continue
            ends = (hp.value, hp.value) if isinstance(hp, Fixed) else (hp.low, hp.high)  # type: ignore[attr-defined]
            low[axis.start], high[axis.start] = axis.encode(ends)[:, 0]
        return Box(low=low, high=high, allowed=allowed)

    @property
    def outer(self) -> Space:
        """The whole coarse space, but for what the user set or what is frozen today."""
        kept = []
        for now in self.space:
            before = self.root.get(now.name)
            keep_now = before is None or now.hard or isinstance(now, Fixed) or isinstance(before, Fixed)
            kept.append(now if keep_now or type(before) is not type(now) else _inside_limits(before, now))
        return replace(self.space, hyperparameters=tuple(kept))

    def still_allows(self, values: Values) -> bool:
        """Return whether a configuration, tried before, is none that the user has ruled out since."""
        if values.keys() != self.space.active(values).keys():
            return False
        return all(self._allows(self.space[name], value) for name, value in values.items())

    @staticmethod
    def _allows(now: Hyperparameter, value: Value) -> bool:
        if not isinstance(now, Number):
            return now.contains(value) if isinstance(now, Fixed) or now.hard else True
        ends = (now.low, now.high) if now.hard else now.limits
        assert ends is not None
        return not isinstance(value, str) and ends[0] <= value <= ends[1]

    @property
    def is_narrowed(self) -> bool:
        """Whether today's ranges differ from the whole that may be searched."""
        return self.outer.hyperparameters != self.space.hyperparameters

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """Return each axis's tier, in the order of the axes."""
        return tuple(axis.hp.tier for axis in self.axes)
