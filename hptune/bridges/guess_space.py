"""The space that trials were taken from, where nobody wrote it down."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from hptune.errors import DataError
from hptune.space import Boolean, Choice, Fixed, Float, Hyperparameter, Integer, Space, Value, Values
from hptune.space.names import meaning
from hptune.space.scales import Scale

__all__ = ["guess_space", "value_of_text"]

_WIDE = 100.0
"""A range of positive numbers whose ends differ by more than this factor was searched by its logarithm."""
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def guess_space(name: str, configurations: Sequence[Values]) -> Space:
    """Return a space of the range that each hyperparameter covered; one with a single value is fixed.

    A scale is that which the name tells, or logarithmic where positive numbers cover more than two
    powers of ten. Raises DataError where a name has values of several kinds.
    """
    names = dict.fromkeys(name for values in configurations for name in values)
    found = tuple(
        _hyperparameter(one, [v[one] for v in configurations if one in v], len(configurations))
        for one in names
    )
    return Space(name=name, description="As past trials covered it", hyperparameters=found)


def value_of_text(text: str) -> Value:
    """Return the value that a text writes: a number, true or false, or itself."""
    if text.strip().lower() in ("true", "false"):
        return text.strip().lower() == "true"
    if _NUMBER.fullmatch(text.strip()):
        number = float(text)
        whole = number.is_integer() and not re.search(r"[.eE]", text)
        return int(text) if whole else number
    return text


def _hyperparameter(name: str, values: Sequence[Value], trials: int) -> Hyperparameter:
    distinct = list(dict.fromkeys((type(value), value) for value in values))
    plain: list[Any] = [value for _, value in distinct]
    tier = meaning(name).tier
    if len(plain) == 1:
        return Fixed(name=name, value=plain[0], tier=tier)
    if all(isinstance(value, bool) for value in plain):
        return Boolean(name=name, tier=tier)
    if all(isinstance(value, str) for value in plain):
        return Choice(name=name, options=tuple(plain), tier=tier)
    if any(isinstance(value, bool | str) for value in plain):
        kinds = sorted({type(value).__name__ for value in plain})
        raise DataError(f"{name}: has values of several kinds: {', '.join(kinds)}")
    return _number(name, plain)


def _number(name: str, values: Iterable[float]) -> Hyperparameter:
    known = meaning(name)
    low, high = min(values), max(values)
    scale = known.scale
    fits = {Scale.LOG: low > 0, Scale.LOG_COMPLEMENT: low >= 0 and high < 1}
    if not fits.get(scale, True):
        scale = Scale.LINEAR
    if scale is Scale.LINEAR and low > 0 and high / low > _WIDE:
        scale = Scale.LOG
    kind = Integer if all(isinstance(value, int) for value in values) else Float
    return kind(name=name, low=low, high=high, scale=scale, tier=known.tier)
