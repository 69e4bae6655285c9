"""Which rows are trained on and which are held back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune._text import counted, first_of
from hptune.data.dataset import DataSplit
from hptune.data.structure import leaves
from hptune.errors import DataError
from hptune.space import Value

__all__ = [
    "FEWEST_ROWS",
    "Indices",
    "check_rows",
    "fold_indices",
    "rows_in_both",
    "split_indices",
    "to_stratify",
]

FEWEST_ROWS = 10
"""Rows below which nothing is learned."""

Indices = NDArray[np.int64]

_FEW = 20
"""Distinct values of an input up to which rows may well be equal by chance."""

_AT_ONCE = 4096
"""Rows hashed at a time: a product of all of them would be twice as large as they are."""


def check_rows(name: str, rows: int) -> None:
    """Raise `DataError` for fewer rows than anything can be learned from."""
    if rows < FEWEST_ROWS:
        raise DataError(
            f"{name}: {rows} row{'s are' if rows != 1 else ' is'} too few to learn from",
            hint=f"At least {FEWEST_ROWS} are needed, and hundreds for a result to trust.",
        )


def split_indices(
    name: str,
    rows: int,
    *,
    validation: float,
    seed: int,
    codes: NDArray[Any] | None = None,
    classes: tuple[Value, ...] = (),
) -> tuple[Indices, Indices]:
    """Return the places of training rows and of validation rows, in the order in which they are used.

    This is `sklearn.model_selection.train_test_split(numpy.arange(rows), test_size=validation,
    random_state=seed, stratify=codes)`; with `codes`, each class has its share in both parts.

    Raises `DataError` for a share that leaves a part without a row of each class, and for a seed that
    scikit-learn does not take.
    """
    from sklearn.model_selection import train_test_split

    _check_seed(seed)
    if not 0 < validation < 1:
        raise DataError(
            f"validation: {validation:g} is not a share of the rows",
            hint="Give a number above 0 and below 1, such as 0.2, or a file of its own.",
        )
    held_back = math.ceil(validation * rows)
    if held_back >= rows:
        raise DataError(
            f"{name}: a validation share of {validation:g} leaves none of {rows} rows to train on"
        )
    if codes is not None:
        _check_classes(name, codes, classes, 2, "one to train on and one to hold back")
        smaller = min(held_back, rows - held_back)
        if smaller < len(classes):
            part = "validation" if held_back <= rows - held_back else "training"
            raise DataError(
                f"{name}: a validation share of {validation:g} leaves {smaller} of {rows} rows for {part}, "
                f"fewer than the {len(classes)} classes",
                hint="Give another share with --validation.",
            )
    train, held = train_test_split(np.arange(rows), test_size=validation, random_state=seed, stratify=codes)
    return train, held


def fold_indices(
    name: str,
    rows: int,
    *,
    folds: int,
    seed: int,
    codes: NDArray[Any] | None = None,
    classes: tuple[Value, ...] = (),
) -> tuple[tuple[Indices, Indices], ...]:
    """Return, for each fold, the places of training rows and of validation rows.

    Every row is held back in exactly one fold. This is `sklearn.model_selection.StratifiedKFold(folds,
    shuffle=True, random_state=seed)` with `codes`, and `KFold` of the same without.

    Raises `DataError` for fewer than 2 folds, and for fewer rows, of any class, than folds.
    """
    from sklearn.model_selection import KFold, StratifiedKFold

    _check_seed(seed)
    if folds < 2:
        raise DataError(f"cross-validation needs at least 2 folds, not {folds}")
    if rows < folds:
        raise DataError(f"{name}: {rows} rows can't be parted into {folds} folds")
    places = np.arange(rows)
    if codes is None:
        return tuple(KFold(folds, shuffle=True, random_state=seed).split(places))
    _check_classes(name, codes, classes, folds, f"one for each of {folds} folds")
    return tuple(StratifiedKFold(folds, shuffle=True, random_state=seed).split(places, codes))


def to_stratify(
    codes: NDArray[Any], classes: tuple[Value, ...], fewest: int, smaller: int
) -> tuple[NDArray[Any] | None, tuple[Value, ...], str]:
    """Return what rows are stratified by where all of them must stay, and the classes that they have.

    `fewest` are the rows that each class must have, and `smaller` those of the smaller part. Where there
    are fewer, rows are not stratified: None, no classes, and a note that says why.
    """
    present, places = np.unique(codes, return_inverse=True)
    counts = np.bincount(places)
    if counts.min() >= fewest and smaller >= len(present):
        return places, tuple(classes[code] for code in present), ""
    rarest = int(counts.argmin())
    label, rows = classes[int(present[rarest])], counted(int(counts[rarest]), "row")
    return None, (), f"rows are split without regard to classes, of which {label!r} has {rows}"


def rows_in_both(train: DataSplit, held: DataSplit) -> int:
    """Return how many rows that are held back equal a training row, in its target too.

    0 where no input has more than a few distinct values: there rows are equal by chance.
    """
    if any(array.dtype.kind not in "biuf" for array in leaves(train.x)):
        return 0
    equal = int(np.isin(_hashes(held), _hashes(train)).sum())
    columns = (
        [column for array in leaves(train.x) for column in array.reshape(train.rows, -1).T] if equal else []
    )
    return equal if any(len(np.unique(column)) > _FEW for column in columns) else 0


def _hashes(part: DataSplit) -> NDArray[np.uint64]:
    """Return a number per row that equal rows share, and others all but never: multilinear hashing.

    Targets that are text are left out.
    """
    numeric = [array for array in (*leaves(part.x), part.y) if array.size and array.dtype.kind in "biuf"]
    words = [np.ascontiguousarray(array, dtype=np.float32).reshape(part.rows, -1) for array in numeric]
    rng = np.random.default_rng(0)
    hashes = np.zeros(part.rows, dtype=np.uint64)
    for columns in words:
        weights = rng.integers(2**64, size=columns.shape[1], dtype=np.uint64)
        for start in range(0, part.rows, _AT_ONCE):
            block = slice(start, start + _AT_ONCE)
            hashes[block] += columns[block].view(np.uint32) @ weights
    return hashes


def _check_classes(name: str, codes: NDArray[Any], classes: tuple[Value, ...], fewest: int, why: str) -> None:
    counts = np.bincount(codes, minlength=len(classes))
    few = [f"{label!r} has {count}" for label, count in zip(classes, counts, strict=True) if count < fewest]
    if few:
        many = len(few) > len(classes) / 2 and len(few) > 20
        raise DataError(
            f"{name}: every class needs at least {fewest} rows ({why}), but {first_of(few, 5)}",
            hint="Is this really a target of classes? If its values are numbers, the task is regression."
            if many
            else f"Add rows of these classes, or remove them.{_or_numbers(classes)}",
        )


def _or_numbers(classes: tuple[Value, ...]) -> str:
    numbers = all(isinstance(label, int | float) and not isinstance(label, bool) for label in classes)
    return " Where they are quantities, give --task regression." if numbers and len(classes) > 2 else ""


def _check_seed(seed: int) -> None:
    if not 0 <= seed < 2**32:
        raise DataError(f"seed: {seed} is not between 0 and {2**32 - 1}")
