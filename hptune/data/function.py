"""Data from a function of a user's own, named as FILE.py:FUNCTION."""

from __future__ import annotations

import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from hptune.data.csv_and_parquet import check_columns, take_target
from hptune.data.kinds import SourceKind
from hptune.data.python_file import importable, load_function, where_raised
from hptune.data.raw import Raw, is_table, pair, row_names
from hptune.errors import DataError

__all__ = ["read_function"]

_FORMS = "Return (x, y), ((x_train, y_train), (x_val, y_val)), or a DataFrame with the target in it."


def read_function(spec: str, target: str | None) -> Raw:
    """Call a function without arguments and take what it returns.

    That may be (x, y) or ((x_train, y_train), (x_val, y_val)), of NumPy arrays or of pandas objects; or one
    DataFrame, of which `target` names a column. Raises `DataError` where the function raises, or returns
    anything else.
    """
    file = spec.rpartition(":")[0]
    function = load_function(spec, error=DataError)
    with importable(file):
        try:
            made = function()
        except (Exception, SystemExit) as low:
            last = traceback.format_exception_only(low)[-1].strip()
            raise DataError(f"{spec}: it raised {last} ({where_raised(low, file)})") from low
    name = f"{Path(file).name}:{spec.rpartition(':')[2]}"
    if is_table(made):
        return _from_frame(name, made, target)
    if target is not None:
        raise DataError(
            f"{name}: returns {_described(made)}, which has no column {target!r}",
            hint="Without --target, y is what is predicted.",
        )
    if not _is_pair(made):
        raise DataError(f"{name}: returned {_described(made)}", hint=_FORMS)
    first, second = made
    if isinstance(first, tuple) and isinstance(second, tuple):
        if not (_is_pair(first) and _is_pair(second)):
            raise DataError(f"{name}: returned ({_described(first)}, {_described(second)})", hint=_FORMS)
        own = _checked(f"{name} (validation)", *second)
        return replace(_checked(name, *first), own_validation=own)
    return _checked(name, first, second)


def _from_frame(name: str, frame: Any, target: str | None) -> Raw:
    frame = frame.reset_index(drop=True)
    if len(frame) == 0:
        raise DataError(f"{name}: has no rows")
    check_columns(name, frame, row_names)
    x, y = take_target(name, frame, target)
    return Raw(name=name, kind=SourceKind.FUNCTION, x=x, y=y, target=str(y.name))


def _checked(name: str, x: Any, y: Any) -> Raw:
    try:
        raw = pair(name, SourceKind.FUNCTION, x, y)
    except ValueError as low:
        raise DataError(f"{name}: returned lists of unequal length: {low}", hint=_FORMS) from low
    if is_table(raw.x):
        check_columns(name, raw.x, row_names)  # type: ignore[arg-type]
    return raw


def _is_pair(made: object) -> bool:
    return isinstance(made, tuple | list) and len(made) == 2


def _described(made: object) -> str:
    if made is None:
        return "None"
    if isinstance(made, tuple | list):
        return f"a {type(made).__name__} of {len(made)}"
    shape = getattr(made, "shape", None)
    return f"{type(made).__name__}" + (f" of shape {shape}" if shape is not None else "")
