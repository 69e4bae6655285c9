"""What a ready space offers beside its file's ranges, because of the data: batch gradient descent."""

from __future__ import annotations

from dataclasses import replace

from hptune.models.recipes.data_facts import DataFacts
from hptune.space import Integer, Space
from hptune.space.scales import Scale

__all__ = ["SMALL_DATA", "with_all_rows"]

SMALL_DATA = 2000
"""Training rows up to which all of them at each step is sensible, by the practitioner's notes."""


def with_all_rows(space: Space, facts: DataFacts) -> Space:
    """Return the space with a `batch_size` that ends where a batch takes all training rows.

    For up to SMALL_DATA rows its largest value, also its upper limit, becomes the first on its
    grid that is not below the rows: one step for each epoch, batch gradient descent. So all rows
    are a single value at the end of the axis, next to the batches that train most like it, and no
    two values mean the same. The default stays below it. A space is returned as it is where the
    data are larger, or smaller than two batches, or where batch_size is no range of factors.
    """
    hp = space.get("batch_size")
    if not isinstance(hp, Integer) or hp.scale is not Scale.LOG or hp.step is None:
        return space
    assert hp.limits is not None
    if not hp.limits[0] < facts.rows <= min(SMALL_DATA, hp.limits[1]):
        return space
    high = hp.low
    while high < facts.rows:
        high *= hp.step
    # Of very few rows the smallest batch would already be all: it begins a factor below.
    low = min(hp.low, max(hp.limits[0], high / hp.step))
    default = min(hp.initial, high / hp.step)
    offered = replace(
        hp, low=int(low), high=int(high), default=int(default), limits=(hp.limits[0], int(high))
    )
    return space.with_changes([offered])
