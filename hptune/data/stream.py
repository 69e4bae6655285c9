"""Batches as a user's object gives them, in its own order: exported scripts copy it."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from hptune.data.structure import Given, leaves, map_leaves

__all__ = ["ENDLESS", "UNKNOWN", "Stream", "Streams", "is_stream", "part_of_stream", "seed_order"]

ENDLESS = -1
"""How many batches there are where they never end, as tf.data has it."""
UNKNOWN = -2
"""How many batches there are where only going through them tells."""
_KERAS_TAKES = {
    "DatasetV2": "tensorflow.",
    "PyDataset": "keras.",
    "DataLoader": "torch.",
}
"""Classes, with the package that each is of, whose objects Keras's fit goes through by itself."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Stream:
    """Batches that come one after the other: nothing split, shuffled, scaled or coded."""

    source: Any
    """A tf.data.Dataset, PyDataset, DataLoader or generator, or anything else with `__iter__`."""
    given_steps: int | None = None
    """Batches of an epoch where the user gave them; None for as many as there are."""

    @property
    def kind(self) -> str:
        """The class by which Keras knows it; "" for what Keras takes as a generator only."""
        return _kind(self.source)

    @property
    def is_used_up(self) -> bool:
        """Whether it can be gone through once only, as a generator."""
        return hasattr(self.source, "__next__")

    @property
    def length(self) -> int:
        """How many batches it has, or ENDLESS or UNKNOWN."""
        if self.kind == "DatasetV2":
            return int(self.source.cardinality())
        if self.kind == "PyDataset":
            with suppress(NotImplementedError, TypeError):
                batches = self.source.num_batches
                return ENDLESS if batches is None else int(batches)
            return ENDLESS
        with suppress(NotImplementedError, TypeError):
            return ENDLESS if self.is_used_up else len(self.source)
        # Keras takes the end of a DataLoader for that of the epoch; of anything else it has to be told.
        return UNKNOWN if self.kind else ENDLESS

    @property
    def batches(self) -> int | None:
        """Batches of an epoch; None where only going through them tells."""
        if self.given_steps is not None:
            return self.given_steps
        return self.length if self.length >= 0 else None

    @property
    def steps(self) -> int | None:
        """Batches of an epoch where Keras's fit has to be told; None where it sees the end by itself."""
        return self.given_steps if self.kind else self.batches

    @property
    def is_shuffled_by_keras(self) -> bool:
        """Whether Keras's fit takes its batches in an order of its own, as it does by default."""
        return self.kind == "PyDataset" and self.length >= 0

    def for_fit(self) -> Any:
        """Return what Keras's fit takes: the object itself, or a generator of its batches."""
        return self.source if self.kind else _again_and_again(self.source)

    def first(self, count: int) -> list[Given]:
        """Return the first few batches, fewer where there are fewer, as NumPy arrays."""
        if self.kind == "PyDataset":
            most = count if self.length < 0 else min(count, self.length)
            batches: Iterator[Any] = iter([self.source[place] for place in range(most)])
        else:
            batches = islice(iter(self.source), count)
        return [Given(**dict(zip(("x", "y", "weights"), _arrays(b), strict=False))) for b in batches]


@dataclass(frozen=True, kw_only=True, eq=False)
class Streams:
    """What is trained on and what is validated on, at least one of them a stream."""

    name: str
    """What messages call the function."""
    train: Stream | Given
    validation: Stream | Given
    again: Callable[[], Streams]
    """Calls the user's function once more."""
    form: Given | None = None
    """The form of each array of training, with `shape` and `dtype`, where it was looked at."""

    @staticmethod
    def of(made: Any, again: Callable[[], Any], name: str) -> Streams | None:
        """Return the pair (training, validation) where one is a stream; None for anything else.

        `made` is what a user's function of this `name` returned, and `again` calls it once more.
        """
        if not isinstance(made, list | tuple) or len(made) != 2:
            return None
        if not any(part_of_stream(part) for part in made):
            return None
        train, validation = (part_of_stream(part) or _rows_of(part) for part in made)
        if train is None or validation is None:
            return None

        def anew() -> Streams:
            found = Streams.of(again(), again, name)
            assert found is not None, "the data function returned batches before"
            return found

        return Streams(name=name, train=train, validation=validation, again=anew)

    @property
    def parts(self) -> tuple[Stream | Given, Stream | Given]:
        """Both, the training's first."""
        return self.train, self.validation

    def fresh(self) -> Streams:
        """Return streams that begin anew, of the function once more where these are used up by a training."""
        used_up = any(isinstance(part, Stream) and part.is_used_up for part in self.parts)
        return self.again() if used_up else self

    def few(self, rows: int) -> Streams:
        """Return the first batch of each stream, and so many of the rows beside one."""
        train, validation = (
            replace(part, given_steps=1) if isinstance(part, Stream) else part.take(slice(rows))
            for part in self.parts
        )
        return replace(self, train=train, validation=validation, again=lambda: self.again().few(rows))


def is_stream(made: object) -> bool:
    """Return whether this gives batches, and is no array or structure of arrays."""
    if hasattr(made, "shape") or isinstance(made, Mapping | list | tuple | str | bytes | set | frozenset):
        return False
    indexed = hasattr(made, "__getitem__") and hasattr(made, "__len__")
    return not isinstance(made, type) and (hasattr(made, "__iter__") or indexed)


def part_of_stream(part: Any) -> Stream | None:
    """Return a stream, or one that comes as (stream, steps); None for anything else."""
    if is_stream(part):
        return Stream(source=part)
    with_steps = isinstance(part, list | tuple) and len(part) == 2 and is_stream(part[0])
    if with_steps and isinstance(part[1], int | np.integer) and not isinstance(part[1], bool):
        return Stream(source=part[0], given_steps=int(part[1]))
    return None


def seed_order(*numbers: int) -> None:
    """Seed what the order of batches is commonly drawn from: Python, NumPy and, where loaded, PyTorch."""
    seed = int(np.random.default_rng(numbers).integers(2**31 - 1))
    random.seed(seed)
    np.random.seed(seed)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)


def _kind(source: Any) -> str:
    for kind in type(source).__mro__:
        if kind.__module__.startswith(_KERAS_TAKES.get(kind.__name__, "\0")):
            return kind.__name__
    return ""


def _rows_of(part: Any) -> Given | None:
    """Return the rows beside a stream, (x[, y[, weights]]); None for anything else."""
    if not isinstance(part, list | tuple) or not 1 <= len(part) <= 3 or any(map(is_stream, part)):
        return None
    arrays = leaves([tree for tree in part if tree is not None])
    if not arrays or not all(len(getattr(leaf, "shape", ())) for leaf in arrays):
        return None
    return Given.of(*part)


def _again_and_again(source: Any) -> Iterator[tuple[Any, ...]]:
    """Give the batches of an object, over and over again, as Keras takes them of a generator."""
    while True:
        empty = True
        for batch in source:
            empty = False
            yield _columns(batch)
        if empty or hasattr(source, "__next__"):
            return


def _columns(batch: Any) -> tuple[Any, ...]:
    """Return a batch as (x[, y[, weights]])."""
    return tuple(batch) if isinstance(batch, list | tuple) and 1 <= len(batch) <= 3 else (batch,)


def _arrays(batch: Any) -> tuple[Any, ...]:
    return tuple(map_leaves(_as_numpy, tree) for tree in _columns(batch))


def _as_numpy(leaf: Any) -> Any:
    return np.asarray(leaf.detach().cpu() if hasattr(leaf, "detach") else leaf)
