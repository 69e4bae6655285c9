"""Data from a function of a user's own, named as FILE.py:FUNCTION, or from a Python program's memory."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hptune.data.column_kinds import number_columns
from hptune.data.column_values import Judge
from hptune.data.in_program import PREFIX, handed_over
from hptune.data.kinds import SourceKind
from hptune.data.python_file import importable, load_function, seeded, where_raised
from hptune.data.raw import Raw, is_table, of_structure, pair, row_names
from hptune.data.read_streams import read_streams
from hptune.data.reading import Reading
from hptune.data.structure import Given, as_array, is_structure, leaves, parts_of
from hptune.data.table_columns import raw_of_frame, read_columns
from hptune.data.table_options import NO_OPTIONS, TableOptions
from hptune.data.under_way import Died, under_way
from hptune.errors import DataError

__all__ = ["read_function", "read_program"]

_FORMS = (
    "Return (x, y), (x, y, sample_weight), ((x_train, y_train), (x_val, y_val)), a DataFrame with the"
    " target in it, or (train, validation) that give batches."
)


def read_function(
    spec: str,
    target: str | None,
    options: TableOptions = NO_OPTIONS,
    *,
    like: Mapping[str, bool] | None = None,
) -> Raw:
    """Call a function without arguments and take what it returns.

    That may be one DataFrame, of which `target` names a column; or what `structure.parts_of` knows, of NumPy
    arrays or of pandas objects, with a dict, list or tuple of arrays for several inputs or several outputs;
    or batches of training and of validation (`read_streams`).
    Raises `DataError` where the function raises, or returns anything else.
    """
    file = spec.rpartition(":")[0]
    function = load_function(spec, error=DataError)

    def call() -> Any:
        with importable(file), seeded():
            try:
                with under_way(spec, loads=True):
                    return function()
            except Died as died:
                raise DataError(f"{spec}: {died}") from died
            except (Exception, SystemExit) as low:
                last = traceback.format_exception_only(low)[-1].strip()
                raise DataError(f"{spec}: it raised {last} ({where_raised(low, file)})") from low

    made = call()
    name = f"{Path(file).name}:{spec.rpartition(':')[2]}"
    return _read_made(name, file, made, call, target, options, like)


def read_program(
    spec: str,
    target: str | None,
    options: TableOptions = NO_OPTIONS,
    *,
    like: Mapping[str, bool] | None = None,
) -> Raw:
    """Take what a Python program hands over as data, in the forms that a function may return.

    Raises `DataError` where no program hands anything over, or for anything else.
    """
    objects = handed_over(spec, error=DataError)
    name = spec.removeprefix(PREFIX)
    return _read_made(name, str(objects.file), objects.data, lambda: objects.data, target, options, like)


def _read_made(
    name: str,
    file: str,
    made: Any,
    again: Callable[[], Any],
    target: str | None,
    options: TableOptions,
    like: Mapping[str, bool] | None,
) -> Raw:
    if is_table(made):
        return _from_frame(made, target, Judge(name=name, where=row_names, options=options, like=like))
    if target is not None:
        raise DataError(
            f"{name}: returns {_described(made)}, which has no column {target!r}",
            hint="Without --target, y is what is predicted.",
        )
    streamed = read_streams(name, file, made, again)
    if streamed is not None:
        return streamed
    parts = parts_of(made)
    if not parts:
        raise DataError(f"{name}: returned {_described(made)}", hint=_FORMS)
    judge = Judge(name=name, where=row_names, options=options, like=like)
    train = _checked(parts[0], judge)
    if len(parts) == 1:
        return train
    held = _checked(parts[1], replace(judge, name=f"{name} (validation)", like=number_columns(train)))
    return replace(train, own_validation=held)


def _from_frame(frame: Any, target: str | None, judge: Judge) -> Raw:
    if len(frame) == 0:
        raise DataError(f"{judge.name}: has no rows")
    return raw_of_frame(frame.reset_index(drop=True), target, judge, SourceKind.FUNCTION)


def _checked(part: tuple[Any, ...], judge: Judge) -> Raw:
    name = judge.name
    x, y, weights = (*part, None, None)[:3]
    _refuse_sparse(name, part)
    try:
        if is_table(x) and y is not None and not is_structure(y):
            raw = pair(name, SourceKind.FUNCTION, x, y)
            frame, conversions, notes = read_columns(raw.x, judge)
            given = Given(x=frame, y=as_array(y), weights=None if weights is None else as_array(weights))
            reading = Reading(conversions=conversions)
            return replace(raw, x=frame, given=given, reading=reading, notes=tuple(notes))
        if _is_value(x) or _is_value(y):
            return pair(name, SourceKind.FUNCTION, x, y)
        given = Given.of(x, y, weights)
    except ValueError as low:
        raise DataError(f"{name}: returned lists of unequal length: {low}", hint=_FORMS) from low
    if given.is_plain:
        return pair(name, SourceKind.FUNCTION, given.x, y)
    return of_structure(name, SourceKind.FUNCTION, given)


def _is_value(tree: object) -> bool:
    return tree is not None and not isinstance(tree, Mapping | list | tuple) and not hasattr(tree, "shape")


def _refuse_sparse(name: str, part: tuple[Any, ...]) -> None:
    for leaf in leaves([tree for tree in part if is_structure(tree) or hasattr(tree, "shape")]):
        if type(leaf).__module__.startswith("scipy.sparse"):
            raise DataError(
                f"{name}: returned a SciPy sparse matrix of shape {leaf.shape}, and arrays are needed",
                hint="Return x.toarray(), or fewer columns where that does not fit into memory.",
            )


def _described(made: object) -> str:
    if made is None:
        return "None"
    if isinstance(made, tuple | list):
        return f"a {type(made).__name__} of {len(made)}"
    shape = getattr(made, "shape", None)
    return f"{type(made).__name__}" + (f" of shape {shape}" if shape is not None else "")
