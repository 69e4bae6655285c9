"""What every source of data becomes before anything is trained on it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune._text import counted, is_number
from hptune.data.encoder import TableEncoder
from hptune.data.kinds import SourceKind, Task
from hptune.data.reading import Reading
from hptune.data.stream import Stream, Streams
from hptune.data.structure import Given, count_rows, leaves
from hptune.space import Value

__all__ = ["DataSplit", "Dataset", "Origin"]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """How a data set was made: what a script needs to make it again."""

    kind: SourceKind
    source: str
    """As it was given: a bundled name, a path, FILE.py:function."""
    target: str | None = None
    """Target column as it was given; None for sources without columns."""
    reading: Reading | None = None
    """How a table was read; None for anything else."""
    held_reading: Reading | None = None
    """How the table of the validation rows was read, where they have a source of their own."""
    validation: float | str = 0.2
    """Share of rows held back, or the source of the validation rows, as it was given."""
    drops_unknown: bool = False
    """Whether rows of a table without a target were left out."""
    left_out: tuple[str, ...] = ()
    """Classes of a single row, as text, which were left out."""
    own_validation: bool = False
    """Whether the source itself came in training and validation rows, so that `validation` was not used."""
    seed: int = 0
    """Random state of the split."""
    stratified: bool = True
    """Whether each class, where there are classes, has its share in both parts."""
    as_images: bool = False
    """Whether rows were to have the shape (height, width, channels)."""
    image_size: tuple[int, int] | None = None
    """Height and width that images of a folder were brought to."""

    @property
    def comes_apart(self) -> bool:
        """Whether the validation rows are no share of the rows, but a source of their own."""
        return self.own_validation or is_source(self.validation)


def is_source(validation: float | str) -> bool:
    """Return whether this is a source of validation rows, and not a share of the rows there are."""
    return isinstance(validation, str) and not is_number(validation)


@dataclass(frozen=True, kw_only=True, eq=False)
class DataSplit:
    """Rows of a data set."""

    x: NDArray[Any]
    """Inputs, float32, shape (rows, *features); not normalised."""
    y: NDArray[Any]
    """Class codes, int32, shape (rows,); targets, float32, shape (rows,) in their own units; or 0 and 1 of
    several labels, float32, shape (rows, labels)."""
    given: Given | None = None
    """What a user model learns from, as it came, where that is not x and y; x is its inputs then."""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return count_rows(self.x)

    @property
    def as_given(self) -> Given:
        """What a user model learns from."""
        return Given(x=self.x, y=self.y) if self.given is None else self.given


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Training and validation rows, and how to read what a model says of them."""

    name: str
    """Short name for people: digits, train.csv, data.py:load."""
    task: Task
    train: DataSplit
    validation: DataSplit
    classes: tuple[Value, ...] = ()
    """Original labels, in the order of their codes; empty for regression."""
    positive: int = 1
    """Of two classes the code of the one to be found: precision and recall are of it."""
    target: str = ""
    """Name of the target column; "" where there is none."""
    encoder: TableEncoder | None = None
    """How raw table rows become `x`, learned on the training part alone; None for plain arrays."""
    input_scale: float = 1.0
    """What raw inputs were divided by: 255 for images of bytes."""
    notes: tuple[str, ...] = ()
    """What the user should know: the inferred task, dropped columns, imputed values."""
    fingerprint: str = ""
    """SHA-256 (hex) of all rows and labels as split and encoded."""
    origin: Origin | None = None
    """How it was made; None where it was made by hand."""
    streams: Streams | None = None
    """Where it comes in batches, those; `train` and `validation` hold the first batch of a stream then."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one row; of several inputs, that of the largest."""
        shapes = [array.shape[1:] for array in leaves(self.train.x)]
        return tuple(int(n) for n in max(shapes, key=math.prod))

    @property
    def sizes(self) -> tuple[tuple[str, int | None], tuple[str, int | None]]:
        """What there is to train on and to validate on, rows or batches; None where only training tells."""
        parts = (self.train, self.validation) if self.streams is None else self.streams.parts
        train, validation = (
            ("batches", part.batches) if isinstance(part, Stream) else ("rows", count_rows(part.x))
            for part in parts
        )
        return train, validation

    @property
    def comes_in_batches(self) -> bool:
        """Whether what is trained on comes in batches, whose size is their own."""
        return self.sizes[0][0] == "batches"

    @property
    def extent(self) -> str:
        """The same in words: `1437 training and 360 validation rows`."""
        if self.streams is None:
            return f"{self.train.rows} training and {counted(self.validation.rows, 'validation row')}"
        shown = [f"{'' if count is None else f'{count:,} '}%s {what}" for what, count in self.sizes]
        return " and ".join(shown) % ("training", "validation")

    @property
    def input_form(self) -> Any:
        """Arrays, or what stands for arrays of batches, with the `shape` and `dtype` of inputs."""
        form = None if self.streams is None else self.streams.form
        return self.train.x if form is None else form.x

    @property
    def outputs(self) -> int:
        """How many numbers a model gives per row: classes, labels, or 1 for binary and regression."""
        if self.task is Task.MULTILABEL:
            return int(self.train.y.shape[1])
        return len(self.classes) if self.task is Task.MULTICLASS else 1

    @property
    def learns_codes(self) -> bool:
        """Whether targets are class codes, one-hot or not: each output of a model stands for a class."""
        given = self.train.given
        if given is None or not self.classes:
            return bool(self.classes)
        columns = given.y.shape[1:]
        return columns == (len(self.classes),) or np.array_equal(given.y.reshape(-1), self.train.y)

    @property
    def has_own_validation(self) -> bool:
        """Whether the validation rows came apart from the training rows, and are in no fold."""
        return self.origin is not None and self.origin.comes_apart

    @property
    def class_counts(self) -> NDArray[np.int64]:
        """Training rows of each class, in the order of `classes`."""
        return np.bincount(self.train.y.astype(np.int64), minlength=len(self.classes))
