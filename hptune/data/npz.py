"""NumPy archives: x and y, or x_train, y_train and their validation rows."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hptune.data.kinds import SourceKind
from hptune.data.on_disk import machine_memory
from hptune.data.raw import Raw, pair
from hptune.errors import DataError

__all__ = ["array_names", "read_npz"]

_TRAIN = ("", "_train")
_VALIDATION = ("_val", "_valid", "_validation", "_test")
"""Endings of the names of validation arrays, the first that is there counts."""


def read_npz(path: Path) -> Raw:
    """Read x and y, or x_train and y_train, and x_val or x_test with their y where they are there.

    Large and small letters are the same. Raises `DataError` with the names there are where one is lacking.
    """
    try:
        # Opened here, as NumPy leaves the file open where it is no archive.
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise DataError(f"{path}: holds one array, not an archive of x and y")
            names = {name.lower(): name for name in archive.files}
            train = _pair(path, archive, names, _TRAIN)
            if train is None:
                raise _lacks(path, list(archive.files))
            own = _pair(path, archive, names, _VALIDATION)
    except MemoryError as low:
        raise DataError(f"{path}: is larger than memory") from low
    except FileNotFoundError as low:
        raise DataError(f"{path}: no such file") from low
    except (OSError, zipfile.BadZipFile, EOFError) as low:
        raise DataError(f"{path}: can't be read as a NumPy archive: {low}") from low
    except ValueError as low:
        raise DataError(
            f"{path}: can't be read as a NumPy archive of plain arrays: {low}",
            hint="Save numbers or text, not Python objects: numpy.savez(path, x=x, y=y).",
        ) from low
    return replace(train, own_validation=own)


def array_names(files: Sequence[str]) -> tuple[tuple[str, str] | None, tuple[str, str] | None]:
    """Return the names of x and y, and those of the validation rows; None where one or both lack."""
    names = {name.lower(): name for name in files}
    return _complete(_names(names, _TRAIN)), _complete(_names(names, _VALIDATION))


def _complete(found: tuple[str | None, str | None]) -> tuple[str, str] | None:
    x, y = found
    return None if x is None or y is None else (x, y)


def _names(names: dict[str, str], endings: tuple[str, ...]) -> tuple[str | None, str | None]:
    """Return the names of the first ending of which one is there."""
    found = [(names.get(f"x{ending}"), names.get(f"y{ending}")) for ending in endings]
    return next((both for both in found if any(both)), (None, None))


def _pair(path: Path, archive: Any, names: dict[str, str], endings: tuple[str, ...]) -> Raw | None:
    x, y = _names(names, endings)
    if x is None and y is None:
        return None
    if x is None or y is None:
        raise _lacks(path, list(archive.files))
    name = path.name if endings is _TRAIN else f"{path.name} ({x})"
    for array in (x, y):
        _require_plain(path, archive, array)
    return pair(name, SourceKind.NPZ, archive[x], archive[y])


def _require_plain(path: Path, archive: Any, name: str) -> None:
    """Look at an array's head before it is read: a small file may claim more than memory holds.

    Raises `DataError` for that, and for what is no array of numbers or text.
    """
    shape, dtype = _head(path, archive, name)
    said = _OTHER_KINDS.get(dtype.kind)
    if said:
        raise DataError(
            f"{path}: {name} holds {said}", hint="Save numbers or text: numpy.savez(path, x=x, y=y)."
        )
    size, there = math.prod(shape) * dtype.itemsize, archive.zip.getinfo(_member(archive, name)).file_size
    if size > there:
        raise DataError(
            f"{path}: {name} claims {' × '.join(map(str, shape))} values of {dtype}, {size:,} bytes;"
            f" the file holds {there:,}",
            hint="The file is damaged: save it again.",
        )
    if size > machine_memory():
        raise DataError(
            f"{path}: {name} takes {size / 2**30:,.1f} GiB, more than there is memory",
            hint="Give fewer rows, or a Parquet file, which may be larger than memory.",
        )


_OTHER_KINDS = {
    "M": "dates: give them as numbers, such as days",
    "m": "time spans: give them as numbers, such as seconds",
    "V": "records of several fields: give each field as a column of its own",
    "c": "complex numbers: give real and imaginary parts as columns",
}
"""Kinds of arrays that no model learns from, and what to do."""


def _member(archive: Any, name: str) -> str:
    return name if name in archive.zip.namelist() else f"{name}.npy"


def _head(path: Path, archive: Any, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and kind of an array without reading it; raises ValueError where it is none."""
    with archive.zip.open(_member(archive, name)) as member:
        version = np.lib.format.read_magic(member)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(member)
        elif version == (2, 0):
            shape, _, dtype = np.lib.format.read_array_header_2_0(member)
        else:
            # Later ones differ in how names of fields are written, which no plain array has.
            raise ValueError(f"{name} is of version {version}")
    return shape, dtype


def _lacks(path: Path, files: list[str]) -> DataError:
    there = ", ".join(sorted(files)) or "nothing"
    return DataError(
        f"{path}: needs arrays x and y, or x_train and y_train; holds {there}",
        hint="Validation rows, if any, are x_val and y_val or x_test and y_test.",
    )
