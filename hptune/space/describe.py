"""Ranges and values in the words in which they are typed."""

from __future__ import annotations

from hptune.space.choices import Boolean, Choice, Fixed
from hptune.space.hyperparameter import Hyperparameter
from hptune.space.numbers import Number

__all__ = ["describe_range", "describe_value"]


def describe_range(hp: Hyperparameter) -> str:
    """Return a range as the user would type it: `1e-3..0.1`, `adam,sgd`, `=0.9`."""
    if isinstance(hp, Number):
        return f"{describe_value(hp.low)}..{describe_value(hp.high)}"
    if isinstance(hp, Choice | Boolean):
        return ",".join(describe_value(option) for option in hp.options)
    assert isinstance(hp, Fixed)
    return f"={describe_value(hp.value)}"


def describe_value(value: object) -> str:
    """Return a value as the user would type it, to four digits of x and of 1 − x: 1e-3, 0.99995."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, float):
        return str(value)
    # Four digits of 0.99995 would be 1, which a log_complement range can't hold.
    room = min(abs(value), 1 - value) if 0 < value < 1 else abs(value)
    texts = (f"{value:.{digits}g}" for digits in range(4, 13))
    text = next((t for t in texts if abs(float(t) - value) <= 1e-3 * room), f"{value:.12g}")
    return text.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
