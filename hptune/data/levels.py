"""Which levels of a column of words have a feature of their own."""

from __future__ import annotations

from collections.abc import Mapping

from hptune.data.table_options import MOST_LEVELS

__all__ = ["chosen_levels"]

_ROWS_PER_LEVEL = 3
"""Training rows that a level beyond the most frequent MOST_LEVELS must stand in: fewer teach little of it."""
_HARD_LIMIT = 1000
"""Levels of a column at the most."""
_MOST_VALUES = 1 << 26
"""Numbers that the features of a column may take beyond those of MOST_LEVELS: 256 MiB in float32."""


def chosen_levels(counts: Mapping[str, int], rows: int, most: int | None) -> tuple[list[str], str]:
    """Return the levels that have a feature of their own, sorted, and what to say of the others.

    `counts` says in how many of the `rows` training rows each level stands. `most` is how many levels are
    taken, the most frequent ones. None takes MOST_LEVELS of them, and more where they stand in at least three
    training rows each: up to 1,000, and as many as fit into 256 MiB.
    """
    by_count = sorted((-count, level) for level, count in counts.items())
    if most is None:
        room = max(MOST_LEVELS, min(_HARD_LIMIT, _MOST_VALUES // max(1, rows)))
        frequent = sum(-count >= _ROWS_PER_LEVEL for count, _ in by_count)
        taken = max(MOST_LEVELS, min(frequent, room))
    else:
        taken = most
    levels = sorted(level for _, level in by_count[:taken])
    if len(levels) == len(counts):
        many = most is None and len(levels) > MOST_LEVELS
        return levels, f"each of its {len(levels)} levels has a feature of its own" if many else ""
    return levels, (
        f"the {len(levels)} most frequent of {len(counts)} levels count, all others as one;"
        " --levels N takes another number"
    )
