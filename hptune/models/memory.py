"""Refuses weights that memory has no room for before they are made: making them would end the process."""

from __future__ import annotations

import contextlib
import functools
import math
import re
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hptune.data.on_disk import machine_memory

__all__ = ["NoRoomError", "available_memory", "room_for_weights"]

_PAGE = resource.getpagesize()
_GROUP_USED = Path("/sys/fs/cgroup/memory.current")
_ELEMENT_BYTES = 4
"""Of a weight whose type says nothing of its size."""
_inside = False


class NoRoomError(MemoryError):
    """The weights of a model are larger than the memory that is left."""


def available_memory() -> int:
    """Return the bytes that this process may still take: of the machine, its group and its own limit."""
    left = [machine_memory()]
    with contextlib.suppress(OSError, ValueError, IndexError):
        found = re.search(r"MemAvailable:\s*(\d+)", Path("/proc/meminfo").read_text(encoding="ascii"))
        left += [int(found[1]) * 1024] if found else []
    with contextlib.suppress(OSError, ValueError):
        left.append(machine_memory() - int(_GROUP_USED.read_text(encoding="ascii")))
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        with contextlib.suppress(OSError, ValueError, IndexError):
            taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
            left.append(limit - taken * _PAGE)
    return max(0, min(left))


@contextlib.contextmanager
def room_for_weights() -> Iterator[None]:
    """Raise NoRoomError where a model that is built inside makes more weights than memory has room for.

    That is before they are made. With a GPU nothing is looked at: its memory is another, and where that runs
    out, the backend raises.
    """
    global _inside
    from hptune.models.backend import has_accelerator, keras

    if _inside or has_accelerator():
        yield
        return
    made = keras.layers.Layer.add_weight
    room, taken = available_memory(), 0

    @functools.wraps(made)
    def add_weight(self: Any, shape: Any = None, *rest: Any, **more: Any) -> Any:
        nonlocal taken
        taken += _bytes(self, shape, more.get("dtype"))
        if taken > room:
            raise NoRoomError(
                f"{self.name} makes a weight of shape {tuple(shape)}, with which the weights take"
                f" {taken / 2**30:,.1f} GiB, and {room / 2**30:,.1f} GiB of memory are left"
            )
        return made(self, shape, *rest, **more)

    _inside = True
    keras.layers.Layer.add_weight = add_weight
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = made
        _inside = False


def _bytes(layer: Any, shape: Any, dtype: Any) -> int:
    """Return the size of a weight; 0 where its shape is not known."""
    try:
        count = math.prod(int(n) for n in shape)
    except TypeError:
        return 0
    bits = re.search(r"\d+$", str(dtype or layer.variable_dtype))
    return count * (int(bits[0]) // 8 if bits else _ELEMENT_BYTES)
