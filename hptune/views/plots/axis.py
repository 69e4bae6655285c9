"""Axes: where values lie on [0, 1], and the ticks that the user would draw."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hptune.space import Boolean, Choice, Fixed, Hyperparameter, Integer, Number, Value, same_value
from hptune.space.describe import describe_value
from hptune.space.scales import Scale, from_unit, grid_values, to_unit
from hptune.study.trial import Objective

__all__ = ["Axis", "axis_of", "linear_axis", "log_axis", "score_axis"]

Ticks = tuple[tuple[float, str], ...]

_APART = 0.7
"""Part of the room of one value over which its points are spread."""
_FEW = 13
"""Up to so many numbers have room of their own each."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis of a plot."""

    label: str
    ticks: Ticks
    """Positions in [0, 1] with their texts."""
    low: float = 0.0
    high: float = 1.0
    scale: Scale = Scale.LINEAR
    options: tuple[Value, ...] | None = None
    """For choices: each has the middle of an equal part."""
    whole: bool = False
    """Only whole numbers."""
    few: tuple[float, ...] = ()
    """Where only a few numbers are possible, those; each has room of its own, as an option has."""
    spread: float = 0.0
    """How far points of one value may lie apart without reaching the next value's, in units of the axis."""

    def at(self, value: Value | None) -> float | None:
        """Return where a value lies; None where it has no place on this axis."""
        return self.places([value])[0]

    def places(self, values: Sequence[Value | None]) -> list[float | None]:
        """Return where values lie; None where one has no place on this axis."""
        if self.options is not None:
            count = len(self.options)
            found = {_key(option): (i + 0.5) / count for i, option in enumerate(self.options)}
            return [None if value is None else found.get(_key(value)) for value in values]
        known = [i for i, value in enumerate(values) if self._fits(value)]
        units = to_unit(self.scale, self.low, self.high, [values[i] for i in known]).tolist()
        placed: list[float | None] = [None] * len(values)
        for i, unit in zip(known, units, strict=True):
            placed[i] = unit
        return placed

    def _fits(self, value: Value | None) -> bool:
        """Return whether a number can lie on this scale."""
        if value is None or isinstance(value, str) or not math.isfinite(value):
            return False
        return _on_scale(self.scale, value)

    def span(self, hp: Hyperparameter) -> tuple[float, float] | None:
        """Return where a range (or a run of options) begins and ends; None for options that are apart."""
        if isinstance(hp, Number) and self.options is None:
            ends = [self.at(hp.low), self.at(hp.high)]
        elif isinstance(hp, Fixed):
            ends = [self.at(hp.value)] * 2
        else:
            return None
        if ends[0] is None or ends[1] is None:
            return None
        return ends[0], ends[1]

    def cover(self, hp: Hyperparameter) -> tuple[float, float] | None:
        """Return the span of a range with the room in which the points of its ends are spread."""
        span = self.span(hp)
        return None if span is None else (span[0] - self.spread / 2, span[1] + self.spread / 2)

    def chosen(self, hp: Hyperparameter) -> tuple[int, ...]:
        """Return which options of this axis a hyperparameter can take."""
        return tuple(i for i, option in enumerate(self.options or ()) if hp.contains(option))


def axis_of(name: str, known: Sequence[Hyperparameter], values: Iterable[Value]) -> Axis:
    """Return the axis that holds every range that `name` had, pass by pass, and every value tried."""
    tried = list(values)
    numbers = [hp for hp in known if isinstance(hp, Number)]
    if numbers and not any(isinstance(v, str) for v in tried):
        return _number_axis(name, numbers, [hp.value for hp in known if isinstance(hp, Fixed)] + tried)
    options: list[Value] = []
    listed = [o for hp in known for o in _options(hp)]
    for option in (*listed, *tried):
        if not any(same_value(option, o) for o in options):
            options.append(option)
    if any(isinstance(hp, Choice) and hp.ordered for hp in known):
        options.sort(key=lambda o: (isinstance(o, str), o))
    ticks = tuple(((i + 0.5) / len(options), describe_value(o)) for i, o in enumerate(options))
    return Axis(label=name, ticks=ticks, options=tuple(options), spread=_APART / max(len(options), 1))


def _options(hp: Hyperparameter) -> tuple[Value, ...]:
    if isinstance(hp, Choice | Boolean):
        return hp.options
    return (hp.value,) if isinstance(hp, Fixed) else ()


def _number_axis(name: str, known: Sequence[Number], values: Iterable[Any]) -> Axis:
    scale = known[0].scale
    inside = [float(v) for v in values if math.isfinite(v) and _on_scale(scale, float(v))]
    low = min([hp.low for hp in known if _on_scale(scale, hp.low)] + inside)
    high = max([hp.high for hp in known if _on_scale(scale, hp.high)] + inside)
    whole = all(isinstance(hp, Integer) for hp in known)
    ticks = _TICKS[scale](low, high, whole)
    if len(ticks) < 2:
        ticks = [low, high]
    few, spread = _few(scale, known, inside), 0.0
    if few:
        # Room for each number as an option has: points of one number can lie side by side.
        half = 0.5 / (len(few) - 1)
        low, high = (float(x) for x in from_unit(scale, low, high, [-half, 1 + half]))
        spread = _APART / len(few)
    placed = tuple((float(to_unit(scale, low, high, t)), describe_value(t)) for t in ticks)
    return Axis(
        label=name, ticks=placed, low=low, high=high, scale=scale, whole=whole, spread=spread, few=few
    )


def _few(scale: Scale, known: Sequence[Number], tried: Sequence[float]) -> tuple[float, ...]:
    """Return the numbers that an axis can hold where they are few and lie evenly; () elsewhere."""
    if any(hp.size is None or hp.size > _FEW for hp in known):
        return ()
    found = sorted({*tried, *(float(v) for hp in known for v in _grid(hp))})
    if not 2 <= len(found) <= _FEW:
        return ()
    gaps = np.diff(to_unit(scale, found[0], found[-1], found))
    # Factors between whole numbers are rounded: 11, 16, 23.
    return tuple(found) if gaps.min() >= 0.8 * gaps.max() else ()


def _grid(hp: Number) -> Iterable[float]:
    """Return the values of a range that has few."""
    if hp.step is None:
        return range(int(hp.low), int(hp.high) + 1)
    values = grid_values(hp.scale, hp.low, hp.step, np.arange(hp.size or 0)).tolist()
    return [round(v) for v in values] if isinstance(hp, Integer) else values


def _key(value: Value) -> tuple[bool, Value]:
    """Return what only the same option shares: True is not 1, but 1 is 1.0."""
    return isinstance(value, bool), value


def _on_scale(scale: Scale, x: float) -> bool:
    return (scale is not Scale.LOG or x > 0) and (scale is not Scale.LOG_COMPLEMENT or x < 1)


def linear_axis(label: str, low: float, high: float, *, whole: bool = False) -> Axis:
    """Return an axis for plain numbers; equal ends are drawn apart."""
    if not low < high:
        low, high = low - (abs(low) or 1) * 0.05, high + (abs(high) or 1) * 0.05
    ticks = _linear_ticks(low, high, whole)
    shown = _short if high >= 1e4 else _plain
    placed = tuple((float((t - low) / (high - low)), shown(t)) for t in ticks)
    return Axis(label=label, ticks=placed, low=low, high=high, whole=whole)


def log_axis(label: str, low: float, high: float) -> Axis:
    """Return an axis whose equal steps multiply; the ends lie above 0."""
    if not low < high:
        low, high = low / 1.5, high * 1.5
    ticks = _log_ticks(low, high, False)
    placed = tuple((float(to_unit(Scale.LOG, low, high, t)), _short(t)) for t in ticks)
    return Axis(label=label, ticks=placed, low=low, high=high, scale=Scale.LOG)


def score_axis(label: str, scores: Sequence[float], goal: Objective) -> Axis:
    """Return the axis for scores given best first: down to three times the best half's spread."""
    if not scores:
        return Axis(label=label, ticks=())
    best, worst, middle = scores[0], scores[-1], scores[len(scores) // 2]
    spread = abs(best - middle)
    end = worst
    if len(scores) >= 8 and spread > 0 and abs(best - worst) > 4 * spread:
        end = best - goal.sign * 3 * spread
    margin = 0.04 * abs(best - end)
    return linear_axis(label, min(best, end) - margin, max(best, end) + margin)


def _short(x: float) -> str:
    """Return 12k for 12,000: seconds and parameters grow long."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if x >= size:
            return f"{x / (1e3 if letter == 'k' else size):g}{letter}"
    return _plain(x)


def _plain(x: float) -> str:
    return describe_value(round(x) if abs(x - round(x)) < 1e-12 and abs(x) < 1e6 else float(f"{x:.6g}"))


def _linear_ticks(low: float, high: float, whole: bool, count: int = 5) -> list[float]:
    rough = (high - low) / count
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough * 0.999)
    if whole:
        step = max(1, round(step))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    ticks = [float(f"{i * step:.10g}") for i in range(first, last + 1)]
    return [round(t) for t in ticks] if whole else ticks


def _log_ticks(low: float, high: float, whole: bool) -> list[float]:
    decades = math.log10(high / low)
    if whole and low >= 1 and decades < 4:
        return _powers(2, low, high, most=6)
    if decades >= 2:
        return _powers(10, low, high, most=6)
    steps = (1, 2, 5) if decades >= 0.8 else (1, 1.5, 2, 3, 4, 5, 7)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [float(f"{m * 10.0**p:.6g}") for p in powers for m in steps]
    found = [t for t in found if low * 0.999 <= t <= high * 1.001]
    return found if len(found) >= 2 else _linear_ticks(low, high, whole, 4)


def _powers(base: int, low: float, high: float, *, most: int) -> list[float]:
    first = math.ceil(math.log(low, base) - 1e-6)
    last = math.floor(math.log(high, base) + 1e-6)
    every = max(1, math.ceil((last - first + 1) / most))
    ticks = [float(base) ** p for p in range(first, last + 1, every)]
    return [round(t) if t >= 1 else t for t in ticks]


def _complement_ticks(low: float, high: float, whole: bool) -> list[float]:
    """Ticks of a 1 − x scale: 0.9, 0.99, 0.999, and halves where that is too few."""
    steps = (1.0,) if (1 - low) / (1 - high) >= 100 else (1.0, 2.0, 5.0)
    found = sorted({float(f"{1 - m * 10.0**-p:.12g}") for p in range(12) for m in steps if m * 10.0**-p <= 1})
    # One tick near the low end, which lies between two powers.
    found = [t for t in found if low - 1e-12 <= t <= high + 1e-12]
    room = to_unit(Scale.LOG_COMPLEMENT, low, high, found[0]) if found else 1
    if room > 0.15:
        found.insert(0, low)
    return found


def _linear(low: float, high: float, whole: bool) -> list[float]:
    return _linear_ticks(low, high, whole)


_TICKS = {Scale.LINEAR: _linear, Scale.LOG: _log_ticks, Scale.LOG_COMPLEMENT: _complement_ticks}
