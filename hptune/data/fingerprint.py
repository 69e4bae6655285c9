"""What tells whether data is what it was."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.data.dataset import DataSplit
from hptune.data.structure import Given
from hptune.data.target import Targets

__all__ = ["fingerprint_of", "with_given"]

Parts = tuple[DataSplit, DataSplit]


def fingerprint_of(parts: Parts, targets: Targets) -> str:
    """Return the SHA-256 of all rows and labels, as they were encoded."""
    digest = hashlib.sha256(repr((str(targets.task), targets.classes)).encode())
    for part in parts:
        for array in (part.x, part.y):
            _update(digest, array)
    return digest.hexdigest()


def with_given(coded: str, parts: Parts, given: tuple[Given, Given]) -> str:
    """Return the fingerprint of what was encoded, or another where what was given is not the same.

    The same are values and shapes; the type of numbers is not looked at.
    """
    pairs = [
        both for part, own in zip(parts, given, strict=True) for both in ((part.x, own.x), (part.y, own.y))
    ]
    if all(np.array_equal(known, own.astype(known.dtype)) for known, own in pairs):
        return coded
    digest = hashlib.sha256(coded.encode())
    for _, own in pairs:
        _update(digest, own)
    return digest.hexdigest()


def _update(digest: Any, array: NDArray[Any]) -> None:
    digest.update(f"{array.dtype}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
