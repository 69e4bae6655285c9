"""What is to be predicted, read off the targets themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hptune._text import first_of
from hptune.data.kinds import Task
from hptune.data.labels import class_codes, distinct_labels, plain_values
from hptune.data.raw import SHOWN, Raw
from hptune.errors import DataError, did_you_mean
from hptune.space import Value

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Targets", "code_targets", "read_targets"]

_MOST_CLASSES = 20
_ROWS_PER_CLASS = 3
_WIDEST_SPAN = 100

_YES = ("1", "pos", "positive", "t", "true", "y", "yes")
"""Names of the class to be found, whatever the other is called."""

_LEAVE_OUT = "Leave --task out: a model of your own gets targets of any shape as they are."

_CLASSES = (Task.BINARY, Task.MULTICLASS)


@dataclass(frozen=True, kw_only=True, eq=False)
class Targets:
    """The targets of all rows, as they are learned."""

    task: Task
    y: NDArray[Any]
    """Class codes, int32, shape (rows,); numbers, float32, shape (rows,); 0 and 1 of several labels,
    float32, shape (rows, labels); or as they came."""
    classes: tuple[Value, ...] = ()
    """Labels in the order of their codes."""
    one_hot: bool = False
    """Whether they came as one column per class."""
    note: str = ""
    """The task, and what it was inferred from."""
    positive: int = 1
    """Of two classes the code of the one to be found."""


def read_targets(
    raw: Raw, task: Task | None = None, *, positive: str | None = None, labels: bool = False
) -> Targets:
    """Bring targets to the form of their task, and tell which of two classes is to be found.

    `labels` takes several columns of 0 and 1 for labels, which else stay as they are. The class to be found
    is the one that `positive` names; else true, yes or the greater of two numbers; of other names the rarer
    one. Raises `DataError` as `_read_targets` does, and where `positive` is none of two classes.
    """
    found = _read_targets(raw, task, labels=labels)
    if positive is None and found.task is not Task.BINARY:
        return found
    return replace(found, positive=_positive(raw, found, positive))


def _positive(raw: Raw, targets: Targets, given: str | None) -> int:
    """Return the code of the class to be found."""
    names = [str(label) for label in targets.classes]
    if given is not None:
        same = [name for name in names if name.casefold() == given.casefold()]
        given = same[0] if len(same) == 1 else given
        if targets.task is not Task.BINARY or given not in names:
            raise DataError(
                f"{raw.name}: the target has no class {given!r} of two, that is to be found",
                hint=did_you_mean(given, names) if targets.task is Task.BINARY else "Leave --positive out.",
            )
        return names.index(given)
    if not isinstance(targets.classes[0], str):
        return 1
    meant = [code for code, name in enumerate(names) if name.strip().casefold() in _YES]
    if len(meant) == 1:
        return meant[0]
    counts = np.bincount(targets.y, minlength=2)
    return 0 if counts[0] < counts[1] else 1


def _read_targets(raw: Raw, task: Task | None = None, *, labels: bool = False) -> Targets:
    """Infer the task from the targets, unless it is given, and bring them to its form.

    Text and true or false are classes. Whole numbers are classes if there are at most two distinct ones, or
    if at most 20 distinct ones span at most 100 between them and come with 3 rows each on average. Other
    numbers are a regression. One column per class, each row with a single 1 and else 0, are classes;
    other columns of 0 and 1 are labels, where `labels` says so. Anything else of two or more dimensions is
    `Task.OTHER` and stays as it is. Names of classes are sorted.

    Raises `DataError` for missing or infinite targets, for a single class, and for targets that can't be
    what `task` says.
    """
    if raw.y is None:
        return _none_or_several(raw, task)
    if task is Task.OTHER:
        return Targets(task=Task.OTHER, y=_plain(raw), note="task: other, as given; targets stay as they are")
    if raw.classes and (task is None or task in _CLASSES):
        codes = np.asarray(raw.y).astype(np.int32)
        return _classes(raw, task, codes, raw.classes, "the data says so")
    values = np.asarray(raw.classes)[np.asarray(raw.y)] if raw.classes else _plain(raw)
    if values.ndim > 1:
        return _of_more_dimensions(raw, values, task, labels=labels)
    if task is Task.MULTILABEL:
        raise DataError(
            f"{raw.name}: the task is given as multilabel, but there is one target for each row",
            hint="Several labels are an array of shape (rows, labels) of 0 and 1.",
        )
    if task is Task.REGRESSION:
        return _regression(raw, values, "as given")
    why = _why_classes(values)
    if task is None and not why:
        return _regression(raw, values, "inferred from numbers as the target")
    codes, names = distinct_labels(values)
    return _classes(raw, task, codes, names, why)


def _none_or_several(raw: Raw, task: Task | None) -> Targets:
    """Return targets without a column: nothing is known of several outputs, or of rows without a target."""
    several = raw.given is not None and raw.given.y is not None
    what = "several targets for each row" if several else "no targets"
    if task is not None:
        raise DataError(f"{raw.name}: has {what}, but the task is given as {task}", hint=_LEAVE_OUT)
    note = f"task: other, as there are {what}; the model gets them as they are"
    if not several:
        note = "task: other, as there are inputs alone, without targets"
    return Targets(task=Task.OTHER, y=np.empty((raw.rows, 0), np.float32), note=note)


def code_targets(raw: Raw, like: Targets) -> NDArray[Any]:
    """Bring the targets of validation rows to the form that those of the training rows have.

    Raises `DataError` for a label that the training rows have not.
    """
    if raw.y is None:
        return np.empty((raw.rows, 0), np.float32)
    if raw.classes and raw.classes == like.classes:
        return np.asarray(raw.y).astype(np.int32)
    values = np.asarray(raw.classes)[np.asarray(raw.y)] if raw.classes else _plain(raw)
    if like.task is Task.OTHER:
        if values.shape[1:] != like.y.shape[1:]:
            raise DataError(
                f"{raw.name}: targets of shape {values.shape[1:]} per row; "
                f"the training rows have {like.y.shape[1:]}"
            )
        return values
    if like.task is Task.MULTILABEL:
        return _labels(raw, values, like.y.shape[1])
    if like.task is Task.REGRESSION:
        return _numbers(raw, values)
    if like.one_hot and values.ndim == 2 and values.shape[1] == len(like.classes) and _is_one_hot(values):
        return class_codes(values, like.classes)
    if values.ndim > 1:
        raise DataError(f"{raw.name}: targets of shape {values.shape}; the training rows have one each")
    unknown = [label for label in distinct_labels(values)[1] if label not in like.classes]
    if unknown:
        raise DataError(
            f"{raw.name}: the training rows have no class {first_of(unknown, 2 * SHOWN)}",
            hint=did_you_mean(str(unknown[0]), map(str, like.classes)),
        )
    return class_codes(values, like.classes)


def _plain(raw: Raw) -> NDArray[Any]:
    """Return targets as an array of numbers, of true and false, or of text; shape (rows,) or more."""
    y = raw.y
    assert y is not None, "targets of another form have no values to read"
    if isinstance(y, np.ndarray) and y.dtype.kind in "biuf":
        values = plain_values(y)
        if values.dtype.kind == "f":
            _refuse(raw, np.isnan(values), "no value")
        return values
    if isinstance(y, np.ndarray) and y.ndim > 1 and y.shape[1] != 1:
        raise DataError(f"{raw.name}: targets of shape {y.shape} hold {y.dtype}, not numbers")
    import pandas as pd

    column = pd.Series(y.reshape(-1).astype(object)) if isinstance(y, np.ndarray) else y
    if column.dtype == object:
        _refuse_structures(raw, column)
    missing = column.isna()
    if pd.api.types.is_string_dtype(column.dtype) or column.dtype == object:
        missing = missing | (column == "")
    _refuse(raw, missing.to_numpy(dtype=bool), "no value")
    try:
        return plain_values(y)
    except TypeError as low:
        hint = "Give numbers or text."
        raise DataError(f"{_the_target(raw)} holds {low}, which can't be predicted", hint=hint) from low


def _refuse_structures(raw: Raw, column: pd.Series[Any]) -> None:
    """Raise `DataError` for a column of lists or of dicts, as Parquet and JSON may hold."""
    found = next(
        (value for value in column if isinstance(value, list | dict | tuple | set | np.ndarray)), None
    )
    if found is not None:
        what = "records" if isinstance(found, dict) else "lists"
        raise DataError(
            f"{_the_target(raw)} holds {what}, which can't be predicted",
            hint="Predict one number or one class: put what matters of them in a column of its own.",
        )


def _of_more_dimensions(raw: Raw, values: NDArray[Any], task: Task | None, *, labels: bool) -> Targets:
    if task is Task.MULTILABEL or (task is None and labels and _is_of_labels(values)):
        return _multilabel(raw, values, "as given" if task else "as each row has several of 0 and 1")
    if _is_one_hot(values) and task is not Task.REGRESSION:
        codes = class_codes(values, range(values.shape[1]))
        why = f"the target has a column for each of {values.shape[1]} classes"
        made = _classes(raw, task, codes, tuple(range(values.shape[1])), why)
        return Targets(task=made.task, y=made.y, classes=made.classes, note=made.note, one_hot=True)
    if task is not None:
        raise DataError(
            f"{raw.name}: targets of shape {values.shape}, but {task} has one for each row",
            hint=_LEAVE_OUT,
        )
    note = f"task: other, as each target has the shape {values.shape[1:]}; targets stay as they are"
    return Targets(task=Task.OTHER, y=values, note=note)


def _is_of_labels(values: NDArray[Any]) -> bool:
    """Return whether these are columns of 0 and 1 of which a row may have any number of 1."""
    zeros_and_ones = values.ndim == 2 and bool(np.all((values == 0) | (values == 1)))
    return zeros_and_ones and not _is_one_hot(values)


def _multilabel(raw: Raw, values: NDArray[Any], reason: str) -> Targets:
    y = _labels(raw, values, values.shape[-1])
    if np.all(y == y[0]):
        raise DataError(f"{_the_target(raw)} is the same in every row", hint="There is nothing to predict.")
    note = f"task: multilabel ({y.shape[1]} labels, {y.mean(axis=1).mean():.0%} of them are 1), {reason}"
    return Targets(task=Task.MULTILABEL, y=y, note=note)


def _labels(raw: Raw, values: NDArray[Any], columns: int) -> NDArray[np.float32]:
    """Return 0 and 1 of several labels; raises `DataError` for anything else."""
    if values.ndim != 2 or values.shape[1] != columns:
        raise DataError(
            f"{raw.name}: targets of shape {values.shape}, but several labels are of shape (rows, {columns})"
        )
    wrong = (values != 0) & (values != 1)
    if wrong.any():
        found = values[wrong].reshape(-1)[0]
        raise DataError(f"{_the_target(raw)} holds {found!r}, and labels are 0 or 1")
    return values.astype(np.float32)


def _is_one_hot(values: NDArray[Any]) -> bool:
    if values.ndim != 2 or values.shape[1] < 2 or values.dtype.kind not in "biuf":
        return False
    return bool(np.all((values == 0) | (values == 1)) and np.all(values.sum(axis=1) == 1))


def _why_classes(values: NDArray[Any]) -> str:
    """Return why these are classes; "" where they are numbers."""
    if values.dtype.kind == "b":
        return "the target is true or false"
    if values.dtype.kind not in "iuf":
        return "the target is text"
    if not np.all(np.isfinite(values)) or np.any(values != np.floor(values)):
        return ""
    distinct = np.unique(values)
    few = len(distinct) <= _MOST_CLASSES and len(values) >= _ROWS_PER_CLASS * len(distinct)
    if len(distinct) <= 2 or (few and distinct[-1] - distinct[0] <= _WIDEST_SPAN):
        doubt = "; --task regression takes them for quantities" if len(distinct) > 2 else ""
        return f"the target has {len(distinct)} distinct whole numbers{doubt}"
    return ""


def _classes(
    raw: Raw, task: Task | None, codes: NDArray[np.int32], labels: tuple[Value, ...], why: str
) -> Targets:
    if len(np.unique(codes)) < 2:
        raise DataError(
            f"{_the_target(raw)} has one class only, {labels[int(codes[0])]!r}",
            hint="There is nothing to tell apart: at least two classes are needed.",
        )
    if task is Task.BINARY and len(labels) != 2:
        raise DataError(f"{_the_target(raw)} has {len(labels)} classes, but the task is given as binary")
    inferred = Task.BINARY if len(labels) == 2 else Task.MULTICLASS
    reason = "as given" if task else f"as {why}"
    note = f"task: {task or inferred} ({len(labels)} classes: {first_of(labels, 2 * SHOWN)}), {reason}"
    return Targets(task=task or inferred, y=codes, classes=labels, note=note)


def _regression(raw: Raw, values: NDArray[Any], reason: str) -> Targets:
    y = _numbers(raw, values)
    if np.all(y == y[0]):
        raise DataError(f"{_the_target(raw)} is always {y[0]:g}", hint="There is nothing to predict.")
    note = f"task: regression ({y.min():g} to {y.max():g}), {reason}"
    return Targets(task=Task.REGRESSION, y=y, note=note)


def _numbers(raw: Raw, values: NDArray[Any]) -> NDArray[np.float32]:
    if values.ndim > 1:
        raise DataError(f"{raw.name}: targets of shape {values.shape}, but regression has one for each row")
    try:
        numbers = values.astype(np.float64)
    except ValueError as low:
        raise DataError(f"{_the_target(raw)} is text, which regression can't predict: {low}") from low
    with np.errstate(over="ignore"):
        y = numbers.astype(np.float32)
    _refuse(raw, ~np.isfinite(y), "no finite value")
    return y


def _refuse(raw: Raw, wrong: NDArray[np.bool_], what: str) -> None:
    rows = np.flatnonzero(wrong if wrong.ndim == 1 else wrong.reshape(len(wrong), -1).any(axis=1))
    if len(rows):
        raise DataError(
            f"{_the_target(raw)} has {what} in {raw.some(rows)}",
            hint="Fill in or remove these rows: what is to be predicted must be known.",
        )


def _the_target(raw: Raw) -> str:
    return f"{raw.name}: the target" + (f" {raw.target!r}" if raw.target else "")
