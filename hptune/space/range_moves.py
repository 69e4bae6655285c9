"""Moving the ends of a number's range: on its grid, inside its limits, to numbers the user can read."""

from __future__ import annotations

import math
from dataclasses import replace

from hptune.space.condition import Value
from hptune.space.numbers import Float, Integer, Number
from hptune.space.scales import Scale, from_unit, to_unit

__all__ = ["at_unit", "snapped", "unit_of", "values_between", "with_range"]

_TINY = 1e-290
_TIDY = 0.02
"""A rounded end lies at most this far, of the old width, from the one that was asked for."""
_SLACK = 1e-9


def unit_of(hp: Number, value: float) -> float:
    """Return where `value` lies in the range: 0 at low, 1 at high, beyond outside."""
    return float(to_unit(hp.scale, hp.low, hp.high, value))


def at_unit(hp: Number, unit: float) -> float:
    """Return the number at `unit` of the range, inside its limits; units outside [0, 1] lie beyond it."""
    assert hp.limits is not None
    # The scale has no more numbers far beyond the limits, so go no further than they are.
    ends = sorted(
        unit_of(hp, hard_bound) if math.isfinite(hard_bound) else math.copysign(1e6, hard_bound)
        for hard_bound in hp.limits
    )
    if unit <= ends[0] or unit >= ends[1]:
        return float(hp.limits[0] if unit <= ends[0] else hp.limits[1])
    return float(from_unit(hp.scale, hp.low, hp.high, unit))


def snapped(
    hp: Number, low: float, high: float, *, up: bool = False, down: bool = False
) -> tuple[float, float]:
    """Return the range of readable numbers on the grid of `hp` that covers low..high.

    With `up` the low end is rounded up, with `down` the high end down: for a side that must stay out.
    The old ends and the limits stay what they are.
    """
    assert hp.limits is not None
    if isinstance(hp, Float) and hp.step is None:
        return _tidy(hp, low, up=up), _tidy(hp, high, up=not down)
    first = _on_grid(hp, low, up=up, whole_below=True)
    # An old end need not lie on the grid, so the last value below it may lie below the other end.
    return first, max(first, _on_grid(hp, high, up=not down, whole_below=False))


def _tidy(hp: Number, value: float, *, up: bool) -> float:
    """Return `value` rounded to the fewest digits (of 1 − x on that scale) that stay near it."""
    assert hp.limits is not None
    value = min(max(value, hp.limits[0]), hp.limits[1])
    if value in (hp.low, hp.high, *hp.limits):
        return value
    mirrored = hp.scale is Scale.LOG_COMPLEMENT
    at = unit_of(hp, value)
    for digits in range(1, 13):
        rounded = 1 - _round(1 - value, digits, up=not up) if mirrored else _round(value, digits, up=up)
        rounded = min(max(float(f"{rounded:.12g}"), hp.limits[0]), hp.limits[1])
        if abs(unit_of(hp, rounded) - at) <= _TIDY:
            return rounded
    return value


def _round(value: float, digits: int, *, up: bool) -> float:
    """Return `value` at so many significant digits, rounded up or down."""
    if abs(value) < _TINY:
        # Digits below it are beyond what a float can hold.
        return value
    exponent = math.floor(math.log10(abs(value))) - digits + 1
    steps = value / 10.0**exponent
    whole = math.ceil(steps - _SLACK * abs(steps)) if up else math.floor(steps + _SLACK * abs(steps))
    return float(f"{whole}e{exponent}")


def _on_grid(hp: Number, value: float, *, up: bool, whole_below: bool) -> float:
    """Return the neighbour of `value` on the grid that starts at low and continues in both directions.

    `whole_below`: the low end of an integer's grid of factors must itself be whole, so that the grid
    stays the same; go on downwards to one that is.
    """
    assert hp.limits is not None
    if value in (hp.low, hp.high):
        return value
    hard_low, hard_high = hp.limits
    least = math.ceil(_index(hp, hard_low) - _SLACK) if hard_low > -math.inf else -(10**6)
    most = math.floor(_index(hp, hard_high) + _SLACK) if hard_high < math.inf else 10**6
    index = _index(hp, value)
    i = math.ceil(index - _SLACK) if up else math.floor(index + _SLACK)
    i = min(max(i, least), most)
    while whole_below and isinstance(hp, Integer) and i != 0 and not _is_whole(_grid(hp, i)):
        # Towards the old low end, which is whole.
        i += 1 if i < 0 else -1
    # Twelve digits of a grid value may lie a hair beyond the limit that it equals.
    return _cast(hp, min(max(_grid(hp, i), hard_low), hard_high))


def _index(hp: Number, value: float) -> float:
    if hp.scale is Scale.LOG and hp.step is not None:
        return math.log(value / hp.low) / math.log(hp.step) if value > 0 else -1e6
    return (value - hp.low) / (hp.step or 1)


def _grid(hp: Number, index: int) -> float:
    if hp.scale is Scale.LOG and hp.step is not None:
        return float(f"{hp.low * hp.step**index:.12g}")
    return float(f"{hp.low + index * (hp.step or 1):.12g}")


def _is_whole(value: float) -> bool:
    return (round(value) != 0 or value == 0) and abs(value - round(value)) < 1e-9 * max(1.0, abs(value))


def _cast(hp: Number, value: float) -> float:
    return round(value) if isinstance(hp, Integer) else value


def values_between(hp: Number, low: float, high: float) -> int | None:
    """Return how many values of the grid of `hp` lie in low..high; None without a grid."""
    if isinstance(hp, Float) and hp.step is None:
        return None
    return math.floor(_index(hp, high) + _SLACK) - math.ceil(_index(hp, low) - _SLACK) + 1


def with_range(
    hp: Number,
    low: float,
    high: float,
    start: Value,
    *,
    hard: bool,
    limits: tuple[float, float] | None = None,
) -> Number:
    """Return `hp` with another range, starting from the value nearest to `start`; raises SpaceError."""
    new = replace(hp, low=low, high=high, default=None, hard=hard, limits=limits or hp.limits)
    if isinstance(start, bool) or not isinstance(start, int | float) or not math.isfinite(start):
        return new
    nearest = float(new.snap(start))
    return replace(new, default=round(nearest) if isinstance(new, Integer) else nearest)
