"""One searched hyperparameter's axis in the unit cube: values to places, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hptune.space import Boolean, Choice, Fixed, Hyperparameter, Number, Space, Value, same_value
from hptune.space.scales import Scale, from_unit, to_unit

__all__ = ["LOG_SHARE", "CubeAxis", "alike", "axis_of", "mixed_axes"]

Array = NDArray[np.float64]

LOG_SHARE = 0.8
"""A linear range over decades is laid out as 0.8 · its log position + 0.2 · its linear one."""

_DECADES = 3.0
_NEWTON_STEPS = 12
_AT_END = 1e-12
_BEYOND = 1.0
"""How far outside [0, 1] an encoded number may lie; farther where today's range or limits do."""
_FARTHEST = 1e6
_LARGEST = float(np.log(np.finfo(np.float64).max)) - 1e-9
"""The logarithm of the largest number there is."""


def _is_mixed(hp: Hyperparameter) -> bool:
    if not isinstance(hp, Number) or hp.scale is not Scale.LINEAR or hp.low <= 0:
        return False
    return float(np.log10(hp.high) - np.log10(hp.low)) >= _DECADES - 1e-9


def mixed_axes(space: Space) -> tuple[str, ...]:
    """Return the names declared linear that are searched mostly in log: positive, three decades or more."""
    return tuple(hp.name for hp in space if _is_mixed(hp))


@dataclass(frozen=True, kw_only=True)
class CubeAxis:
    """One searched hyperparameter's place in the cube."""

    hp: Hyperparameter
    """Over all the values that any pass allows."""
    start: int
    """Its first column."""
    base: Number | None
    """The number whose ends are 0 and 1; None for options."""
    reach: tuple[float, float] = (-_BEYOND, 1 + _BEYOND)
    """Places of the lowest and the highest number; what lies beyond counts as lying there."""
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
        return np.nan_to_num(np.clip(self._places(numbers), *self.reach), nan=0.5)

    def reaching(self, numbers: Sequence[float]) -> CubeAxis:
        """Return the same axis on which these numbers have places of their own."""
        places = self._places(np.array(numbers, dtype=np.float64))
        places = np.clip(places[np.isfinite(places)], -_FARTHEST, _FARTHEST)
        low, high = self.reach
        return replace(self, reach=(min([low, *places]), max([high, *places])))

    def _places(self, numbers: Array) -> Array:
        assert self.base is not None
        base = self.base
        with np.errstate(all="ignore"):
            linear = to_unit(Scale.LINEAR, base.low, base.high, numbers)
            if _is_mixed(base):
                log = to_unit(Scale.LOG, base.low, base.high, np.maximum(numbers, base.low * 1e-6))
                return np.asarray(LOG_SHARE * log + (1 - LOG_SHARE) * linear, dtype=np.float64)
            return np.asarray(to_unit(base.scale, base.low, base.high, numbers), dtype=np.float64)

    def numbers_of_units(self, units: Array) -> Array:
        """Return the numbers at places on the axis, not snapped."""
        assert self.base is not None
        base = self.base
        if not _is_mixed(base):
            return from_unit(base.scale, base.low, base.high, units)
        # Newton's method for 0.8 · log position + 0.2 · linear position = unit, in z = ln(number);
        # the left side is increasing and convex, so it converges from anywhere; the linear position of z
        # is at most its log position up to the high end and at least that beyond, which bounds z.
        start, width = np.log(base.low), base.high - base.low
        span = np.log(base.high) - start
        most = np.minimum(start + np.maximum(units, 1) * span, _LARGEST)
        z = np.minimum(start + np.clip(units, *self.reach) * span, most)
        for _ in range(_NEWTON_STEPS):
            number = np.exp(z)
            at = LOG_SHARE * (z - start) / span + (1 - LOG_SHARE) * (number - base.low) / width
            z = z - (at - units) / (LOG_SHARE / span + (1 - LOG_SHARE) * number / width)
            z = np.minimum(z, most)
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

    def index_of_rows(self, columns: Array) -> NDArray[np.int64]:
        """Return the nearest option's index, shape (rows,), for its columns, shape (rows, width)."""
        if not self.ordered:
            return np.asarray(columns.argmax(axis=1), dtype=np.int64)
        last = len(self.options) - 1
        return np.asarray(np.clip(np.round(columns[:, 0] * last), 0, last), dtype=np.int64)


def _union(root: Hyperparameter, now: Hyperparameter) -> Hyperparameter:
    """Return a hyperparameter that can take what either can; `now` decides where they don't fit."""
    if isinstance(now, Fixed):
        return _with_value(root, now.value)
    if isinstance(now, Number) and now.hard:
        return now
    if isinstance(root, Number) and isinstance(now, Number) and root.scale is now.scale:
        assert now.limits is not None
        if now.limits != root.limits and np.isfinite(now.limits).all():
            # The user set them: a grid begins where theirs does, and ends inside.
            return replace(now, low=now.limits[0], high=now.limits[1], default=None)
        low, high = min(root.low, now.low), max(root.high, now.high)
        return replace(now, low=low, high=high, limits=None, default=None)
    if isinstance(root, Choice) and isinstance(now, Choice):
        more = tuple(o for o in now.options if not root.contains(o))
        return replace(root, options=root.options + more) if alike(root.options + more) else now
    return now


def alike(options: tuple[Value, ...]) -> bool:
    """Return whether options are all text, all numbers or all booleans."""
    return len({str if isinstance(o, str) else bool if isinstance(o, bool) else float for o in options}) == 1


def _with_value(hp: Hyperparameter, value: Value) -> Hyperparameter:
    """Return `hp` widened to hold a frozen value."""
    if isinstance(hp, Number) and isinstance(value, int | float) and not isinstance(value, bool):
        low, high = min(hp.low, value), max(hp.high, value)
        wide = (low, high) != (hp.low, hp.high)
        return replace(hp, low=low, high=high, limits=None, default=None) if wide else hp
    if isinstance(hp, Choice) and not hp.contains(value) and alike((*hp.options, value)):
        return replace(hp, options=(*hp.options, value))
    return hp


def axis_of(root: Hyperparameter, now: Hyperparameter, start: int) -> CubeAxis:
    """Lay out the axis of a hyperparameter that was `root` in the coarse space and is `now` today."""
    hp = _union(root, now)
    if isinstance(hp, Number):
        base = root if isinstance(root, Number) and root.scale is hp.scale else hp
        limits = now.limits if isinstance(now, Number) and now.limits else ()
        return CubeAxis(hp=hp, start=start, base=base).reaching([hp.low, hp.high, *limits])
    assert isinstance(hp, Choice | Boolean)
    ordered = isinstance(hp, Boolean) or (isinstance(hp, Choice) and (hp.ordered or len(hp.options) == 2))
    return CubeAxis(hp=hp, start=start, base=None, options=hp.options, ordered=ordered)
