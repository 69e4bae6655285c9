"""Arrays too large for memory: they lie in a file without a name, and rows are read as they are needed.

The file is gone with its last process, however that ends.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from hptune.errors import DataError

__all__ = ["MEMORY", "fits_memory", "machine_memory", "new_array", "take_rows"]

MEMORY = "HPTUNE_MEMORY"
"""Environment variable: bytes up to which rows are held in memory, as 500M or 8G."""
_SHARE = 4
"""Without it, one part in so many of the machine's memory, or of what its control group allows."""
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_GROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
_BYTES_AT_ONCE = 1 << 26
"""How much of an array is copied at a time."""


def fits_memory(size: int) -> bool:
    """Return whether so many bytes of rows are held in memory. Raises `DataError` for a wrong limit."""
    return size <= _limit(os.environ.get(MEMORY, ""))


def new_array(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array to be filled, in memory where it fits, else in a file that reads as one.

    Raises `DataError` where the disk has no room for it.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if fits_memory(size):
        return np.empty(shape, dtype)
    try:
        with tempfile.TemporaryFile(prefix="hptune-") as file:
            # Room is taken now: a full disk would end the process with a signal later.
            os.posix_fallocate(file.fileno(), 0, size)
            return np.memmap(file, dtype=dtype, mode="r+", shape=shape)
    except OSError as low:
        raise DataError(
            f"{tempfile.gettempdir()}: no room for {size / 2**30:.1f} GiB of rows that do not fit into memory"
            f" ({low.strerror})",
            hint=f"Set TMPDIR to a folder with more room, or {MEMORY} to let rows take more memory (now"
            f" {_limit(os.environ.get(MEMORY, '')) / 2**30:.1f} GiB).",
        ) from low


def take_rows(
    array: NDArray[Any], rows: NDArray[np.int64], dtype: DTypeLike | None = None, scale: float = 1.0
) -> NDArray[Any]:
    """Return these rows of an array in this type, divided by `scale`; many are copied part by part."""
    dtype = array.dtype if dtype is None else np.dtype(dtype)
    if array.dtype.hasobject:
        return array[rows].astype(dtype, copy=False)
    width = math.prod(array.shape[1:])
    made = new_array((len(rows), *array.shape[1:]), dtype)
    step = max(1, _BYTES_AT_ONCE // max(1, width * dtype.itemsize))
    for start in range(0, len(rows), step):
        part = array[rows[start : start + step]].astype(dtype, copy=False)
        made[start : start + step] = part if scale == 1.0 else np.divide(part, scale, dtype=dtype)
    return made


@cache
def _limit(given: str) -> int:
    """Return the bytes that rows may take in memory."""
    if given:
        known = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?", given.strip().upper())
        if known is None:
            raise DataError(f"{MEMORY}: {given!r} is no amount of memory", hint="Write it as 500M or 8G.")
        return int(float(known[1]) * _UNITS[known[2]])
    return machine_memory() // _SHARE


def machine_memory() -> int:
    """Return the bytes of memory that this process can have at the most."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):
        total = min(total, int(_GROUP_LIMIT.read_text()))
    return total
