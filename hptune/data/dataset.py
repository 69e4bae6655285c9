"""What every source of data becomes before anything is trained on it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hptune.space import Value

if TYPE_CHECKING:
    from hptune.data.table import TableEncoder

__all__ = ["Dataset", "Part", "Task"]


class Task(StrEnum):
    """What is to be predicted."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"
    OTHER = "other"
    """Targets of another shape, handed as they are to a person's own model."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Rows of a data set."""

    x: NDArray[Any]
    """Inputs, float32, shape (rows, *features); not normalised."""
    y: NDArray[Any]
    """Class codes, int32, shape (rows,); or targets, float32, shape (rows,) in their own units."""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.x.shape[0])


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Training and validation rows, and how to read what a model says of them."""

    name: str
    """Short name for people: digits, train.csv, data.py:load."""
    task: Task
    train: Part
    validation: Part
    classes: tuple[Value, ...] = ()
    """Original labels, in the order of their codes; empty for regression."""
    target: str = ""
    """Name of the target column; "" where there is none."""
    encoder: TableEncoder | None = None
    """How raw table rows become `x`, learned on the training part alone; None for plain arrays."""
    notes: tuple[str, ...] = ()
    """What a person should know: the inferred task, dropped columns, imputed values."""
    fingerprint: str = ""
    """SHA-256 (hex) of all rows and labels as split and encoded."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one row."""
        return tuple(int(n) for n in self.train.x.shape[1:])

    @property
    def outputs(self) -> int:
        """How many numbers a model gives per row: classes, or 1 for binary and regression."""
        return len(self.classes) if self.task is Task.MULTICLASS else 1

    @property
    def class_counts(self) -> NDArray[np.int64]:
        """Training rows of each class, in the order of `classes`."""
        return np.bincount(self.train.y.astype(np.int64), minlength=len(self.classes))
