"""A line of numbers as a line of blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["sparkline"]

_BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int = 40) -> str:
    """Return at most `width` blocks, tall where the value is large; "" for no finite value.

    Where there are more values than room, each block is the last value of its part.
    """
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return ""
    count = min(width, len(finite))
    shown = [finite[(i + 1) * len(finite) // count - 1] for i in range(count)]
    low, high = min(shown), max(shown)
    if low == high:
        return _BLOCKS[len(_BLOCKS) // 2] * count
    return "".join(_BLOCKS[round((v - low) / (high - low) * (len(_BLOCKS) - 1))] for v in shown)
