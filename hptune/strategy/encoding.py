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

from hptune.scales import Scale, from_unit, to_unit
from hptune.space import (
    Boolean,
    Choice,
    Fixed,
    Hyperparameter,
    Number,
    Space,
    Tier,
    Value,
    Values,
    same_value,
)

__all__ = ["LOG_SHARE", "Axis", "Box", "Cube", "mixed_axes"]

Array = NDArray[np.float64]

LOG_SHARE = 0.8
"""A linear range over decades is laid out as 0.8 · its log position + 0.2 · its linear one."""

_DECADES = 3.0
_NEWTON_STEPS = 12
_AT_END = 1e-12
_BEYOND = 1.0
"""How far outside [0, 1] an encoded number may lie."""


def _nine_digits(x: Array) -> Array:
    """Round to nine significant digits: what is tried shall read 0.001, not 0.0010000000000000002."""
    with np.errstate(divide="ignore"):
        scale = 10.0 ** (8 - np.floor(np.log10(np.where(x == 0, 1.0, np.abs(x)))))
    return np.asarray(np.round(x * scale) / scale, dtype=np.float64)


def _is_mixed(hp: Hyperparameter) -> bool:
    if not isinstance(hp, Number) or hp.scale is not Scale.LINEAR or hp.low <= 0:
        return False
    return float(np.log10(hp.high / hp.low)) >= _DECADES - 1e-9


def mixed_axes(space: Space) -> tuple[str, ...]:
    """Return the names declared linear that are searched mostly in log: positive, three decades or more."""
    return tuple(hp.name for hp in space if _is_mixed(hp))


@dataclass(frozen=True, kw_only=True)
class Box:
    """Where candidates may lie: bounds of each column, and the options allowed of each choice."""

    low: Array
    """Shape (columns,)."""
    high: Array
    """Shape (columns,)."""
    allowed: dict[str, tuple[int, ...]]
    """Axis of options → the indices of its allowed options."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One searched hyperparameter's place in the cube."""

    hp: Hyperparameter
    """Over all the values that any pass allows."""
    start: int
    """Its first column."""
    base: Number | None
    """The number whose ends are 0 and 1; None for options."""
    options: tuple[Value, ...] = ()
    ordered: bool = False

    @property
    def name(self) -> str:
        """Name of its hyperparameter."""
        return self.hp.name

    @property
    def width(self) -> int:
        """Columns it takes: one, or one per option where options have no order."""
        return len(self.options) if self.options and not self.ordered else 1

    @property
    def columns(self) -> slice:
        """Its columns in the cube."""
        return slice(self.start, self.start + self.width)

    def index(self, value: Value) -> int:
        """Return the index of an option; −1 where it is none of them."""
        return next((i for i, option in enumerate(self.options) if same_value(option, value)), -1)

    def units_of_numbers(self, numbers: Array) -> Array:
        """Return where numbers lie on the axis: 0 at the coarse low, 1 at the coarse high."""
        assert self.base is not None
        base = self.base
        linear = to_unit(Scale.LINEAR, base.low, base.high, numbers)
        with np.errstate(divide="ignore", invalid="ignore"):
            if _is_mixed(base):
                log = to_unit(Scale.LOG, base.low, base.high, np.maximum(numbers, base.low * 1e-6))
                units = LOG_SHARE * log + (1 - LOG_SHARE) * linear
            else:
                units = to_unit(base.scale, base.low, base.high, numbers)
        return np.nan_to_num(np.clip(units, -_BEYOND, 1 + _BEYOND), nan=0.5)

    def numbers_of_units(self, units: Array) -> Array:
        """Return the numbers at places on the axis, not snapped."""
        assert self.base is not None
        base = self.base
        if not _is_mixed(base):
            return from_unit(base.scale, base.low, base.high, units)
        # Newton's method for 0.8 · log position + 0.2 · linear position = unit, in z = ln(number);
        # the left side is increasing and convex, so it converges from anywhere.
        span, width = np.log(base.high / base.low), base.high - base.low
        z = np.log(base.low) + np.clip(units, -_BEYOND, 1 + _BEYOND) * span
        for _ in range(_NEWTON_STEPS):
            number = np.exp(z)
            at = LOG_SHARE * (z - np.log(base.low)) / span + (1 - LOG_SHARE) * (number - base.low) / width
            z = z - (at - units) / (LOG_SHARE / span + (1 - LOG_SHARE) * number / width)
        numbers = np.exp(z)
        numbers = np.where(np.abs(units) < _AT_END, base.low, numbers)
        return np.asarray(np.where(np.abs(units - 1) < _AT_END, base.high, numbers), dtype=np.float64)

    def encode(self, values: Sequence[Value]) -> Array:
        """Return the columns of many values, shape (values, width)."""
        if not self.options:
            numbers = [float(v) if isinstance(v, int | float) else np.nan for v in values]
            return self.units_of_numbers(np.array(numbers, dtype=np.float64))[:, None]
        lookup = {(isinstance(o, bool), o): i for i, o in enumerate(self.options)}
        index = np.array([lookup.get((isinstance(v, bool), v), -1) for v in values], dtype=np.int64)
        return self.encode_index(index)

    def encode_index(self, index: NDArray[np.int64]) -> Array:
        """Return the columns of options given by index; an unknown one (−1) is none or the middle."""
        if self.ordered:
            place = index / (len(self.options) - 1)
            return np.where(index < 0, 0.5, place)[:, None]
        hot = np.zeros((len(index), len(self.options)))
        known = index >= 0
        hot[np.nonzero(known)[0], index[known]] = 1.0
        return hot


def _union(root: Hyperparameter, now: Hyperparameter) -> Hyperparameter:
    """Return a hyperparameter that can take what either can; `now` decides where they don't fit."""
    if isinstance(now, Fixed):
        return _with_value(root, now.value)
    if isinstance(root, Number) and isinstance(now, Number) and root.scale is now.scale:
        low, high = min(root.low, now.low), max(root.high, now.high)
        return replace(now, low=low, high=high, limits=None, default=None, step=now.step, when=root.when)
    if isinstance(root, Choice) and isinstance(now, Choice):
        more = tuple(o for o in now.options if not root.contains(o))
        return replace(root, options=root.options + more) if _alike(root.options + more) else now
    return now


def _alike(options: tuple[Value, ...]) -> bool:
    return len({str if isinstance(o, str) else bool if isinstance(o, bool) else float for o in options}) == 1


def _with_value(hp: Hyperparameter, value: Value) -> Hyperparameter:
    """Return `hp` widened to hold a frozen value."""
    if isinstance(hp, Number) and isinstance(value, int | float) and not isinstance(value, bool):
        low, high = min(hp.low, value), max(hp.high, value)
        wide = (low, high) != (hp.low, hp.high)
        return replace(hp, low=low, high=high, limits=None, default=None) if wide else hp
    if isinstance(hp, Choice) and not hp.contains(value) and _alike((*hp.options, value)):
        return replace(hp, options=(*hp.options, value))
    return hp


def _inside_limits(before: Hyperparameter, now: Hyperparameter) -> Hyperparameter:
    """Return the coarse range inside today's limits: a range that a person set binds those inside it."""
    if not isinstance(before, Number) or not isinstance(now, Number) or now.limits is None:
        return before
    if now.limits == (now.low, now.high):
        return before  # no limits were given
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
    axes: tuple[Axis, ...]
    columns: int
    groups: NDArray[np.int64]
    """Column → index of its axis, shape (columns,)."""

    @classmethod
    def of(cls, root: Space, space: Space | None = None) -> Cube:
        """Lay out the cube of `root`, widened by what `space` allows beyond it."""
        now_space = root if space is None else space
        axes: list[Axis] = []
        start = 0
        for now in now_space:
            before = root.get(now.name) or now
            if isinstance(before, Fixed) and isinstance(now, Fixed):
                continue
            axis = _axis(now if isinstance(before, Fixed) else before, now, start)
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

    def _initial(self, axis: Axis) -> Value:
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
                table[axis.name] = axis.hp.snap(_nine_digits(axis.numbers_of_units(part[:, 0])))
            elif axis.ordered:
                last = len(axis.options) - 1
                table[axis.name] = np.clip(np.round(part[:, 0] * last), 0, last).astype(np.int64)
            else:
                table[axis.name] = part.argmax(axis=1)
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
        """The whole coarse space, but for what a person set or what is frozen today."""
        kept = []
        for now in self.space:
            before = self.root.get(now.name)
            keep_now = before is None or now.hard or isinstance(now, Fixed) or isinstance(before, Fixed)
            kept.append(now if keep_now or type(before) is not type(now) else _inside_limits(before, now))
        return replace(self.space, hyperparameters=tuple(kept))

    @property
    def is_narrowed(self) -> bool:
        """Whether today's ranges differ from the whole that may be searched."""
        return self.outer.hyperparameters != self.space.hyperparameters

    def importance_order(self) -> tuple[Tier, ...]:
        """Return each axis's tier, in the order of the axes."""
        return tuple(axis.hp.tier for axis in self.axes)


def _axis(root: Hyperparameter, now: Hyperparameter, start: int) -> Axis:
    hp = _union(root, now)
    if isinstance(hp, Number):
        base = root if isinstance(root, Number) else hp
        return Axis(hp=hp, start=start, base=base)
    assert isinstance(hp, Choice | Boolean)
    ordered = isinstance(hp, Boolean) or (isinstance(hp, Choice) and (hp.ordered or len(hp.options) == 2))
    return Axis(hp=hp, start=start, base=None, options=hp.options, ordered=ordered)
