"""Graphs that a later job can use again, because it differs in nothing that is part of them.

Building and tracing a small model takes about as long as training it. A trial that is resumed from
a checkpoint, and one that differs from an earlier one only in its learning rate, its seed or its
decay, need no graph of their own: weights, the optimiser's state and random states are variables.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hptune.training.feeds import Feed

__all__ = ["Graphs", "Traced", "begin_as"]

_KEPT = 4
"""Graphs that are kept; each holds a few megabytes."""


@dataclass(frozen=True)
class Traced:
    """A compiled model and what feeds it, traced."""

    model: Any
    feed: Feed
    held: tuple[Any, ...]
    """What the key tells by identity: kept, so that nothing else can take its place in memory."""


class Graphs:
    """The latest graphs by what they are made of."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Traced] = OrderedDict()

    def take(self, key: Hashable) -> Traced | None:
        """Take a graph out; a job that fails does not put it back."""
        return self._kept.pop(key, None)

    def put(self, key: Hashable, traced: Traced) -> None:
        """Keep a graph, in the place of the one that was not used for longest."""
        self._kept[key] = traced
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


def begin_as(fresh: Any, used: Any) -> None:
    """Put a model where `fresh`, made alike and not trained, is: its weights, an optimiser that took no step.

    The optimisers of the recipes begin with all their state at 0; their learning rate is set at
    each epoch.
    """
    for mine, theirs in zip(used.weights, fresh.weights, strict=True):
        mine.assign(theirs)
    for variable in used.optimizer.variables:
        variable.assign(np.zeros(variable.shape, dtype=variable.dtype))
