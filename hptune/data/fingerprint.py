"""What tells whether data is what it was."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.data.dataset import DataSplit
from hptune.data.stream import Stream, Streams
from hptune.data.structure import Given, as_tuples, leaves, map_leaves
from hptune.data.target import Targets
from hptune.study.records import BATCHES

__all__ = ["fingerprint_of", "fingerprint_of_form", "with_given"]

Parts = tuple[DataSplit, DataSplit]


def fingerprint_of(parts: Parts, targets: Targets) -> str:
    """Return the SHA-256 of all rows and labels, as they were encoded."""
    digest = hashlib.sha256(repr((str(targets.task), targets.classes)).encode())
    for part in parts:
        for array in (*leaves(part.x), part.y):
            _update(digest, array)
    return digest.hexdigest()


def with_given(coded: str, parts: Parts, given: tuple[Given, Given]) -> str:
    """Return the fingerprint of what was encoded, or another where what was given is not the same.

    The same are values and shapes; the type of numbers is not looked at.
    """
    known = [array for part in parts for array in (*leaves(part.x), part.y)]
    own = [array for part in given for array in leaves((part.x, part.y, part.weights))]
    if len(known) == len(own) and all(map(_are_equal, known, own)):
        return coded
    digest = hashlib.sha256(coded.encode())
    for part in given:
        for tree in (part.x, part.y, part.weights):
            digest.update(repr(map_leaves(lambda leaf: leaf.shape, tree)).encode())
    for array in own:
        _update(digest, array)
    return digest.hexdigest()


def fingerprint_of_form(streams: Streams) -> str:
    """Return BATCHES and the SHA-256 of what can be told of batches: their form, and how many an epoch has.

    Rows beside a stream are looked at as any others.
    """
    form = streams.form
    assert form is not None, "the form of batches is looked at where they are read"
    steps = [part.batches for part in streams.parts if isinstance(part, Stream)]
    digest = hashlib.sha256(repr((as_tuples((form.x, form.y, form.weights)), steps)).encode())
    for part in streams.parts:
        if isinstance(part, Given):
            for array in leaves((part.x, part.y, part.weights)):
                _update(digest, array)
    return f"{BATCHES}{digest.hexdigest()}"


def _are_equal(known: NDArray[Any], own: NDArray[Any]) -> bool:
    return known.shape == own.shape and bool(np.array_equal(known, own.astype(known.dtype)))


def _update(digest: Any, array: NDArray[Any]) -> None:
    array = array.astype(str) if array.dtype.kind == "O" else array
    digest.update(f"{array.dtype}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
