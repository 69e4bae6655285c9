"""One source of data as it was read: nothing inferred, split or encoded yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hptune.data.kinds import SourceKind
from hptune.data.parquet_rows import ParquetRows
from hptune.data.reading import Reading
from hptune.data.stream import Streams
from hptune.data.structure import Given, as_array, count_rows, is_structure, leaves
from hptune.errors import DataError
from hptune.space import Value

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SHOWN", "Raw", "is_table", "of_structure", "pair", "refuse_streams", "row_names"]

SHOWN = 5
"""How many rows, files or names a message lists before it says how many more there are."""


def row_names(rows: Sequence[int]) -> str:
    """Name rows by their place, counted from 0, as arrays are."""
    return f"row{'s' if len(rows) > 1 else ''} {', '.join(map(str, rows))} (counted from 0)"


@dataclass(frozen=True, kw_only=True, eq=False)
class Raw:
    """Inputs and targets of one source, row by row."""

    name: str
    """Short name for people, which its messages begin with."""
    kind: SourceKind
    x: Any
    """Columns without the target, a DataFrame; or an array of shape (rows, *features); or several arrays."""
    y: pd.Series[Any] | NDArray[Any] | None
    """Targets as they came; where `classes` is given, codes of those. None for none or several."""
    given: Given | None = None
    """The same rows as the user's own arrays have them; None for sources that are always encoded."""
    target: str = ""
    """Name of the target column."""
    classes: tuple[Value, ...] = ()
    """Labels, where the source itself knows them."""
    own_validation: Raw | None = None
    """Validation rows, where the source has them."""
    streams: Streams | None = None
    """Batches, where it gives those; x and `given`, here and in `own_validation`, are the first one then."""
    reading: Reading | None = None
    """How a table was read."""
    image_size: tuple[int, int] | None = None
    """Height and width that images of a folder were brought to."""
    notes: tuple[str, ...] = ()
    where: Callable[[Sequence[int]], str] = row_names
    """Names rows, given by their place counted from 0, as the user finds them: lines of a file."""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return count_rows(self.x)

    def some(self, rows: NDArray[Any]) -> str:
        """Name the first few of these rows, and say how many more there are."""
        named = self.where([int(row) for row in rows[:SHOWN]])
        return named + (f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else "")


def refuse_streams(raw: Raw, why: str, hint: str) -> None:
    """Raise `DataError` where a source gives batches; `why` says what needs rows."""
    if raw.streams is not None:
        raise DataError(f"{raw.name}: gives batches, and {why}", hint=hint)


def is_table(x: object) -> bool:
    """Return whether this is a table, a DataFrame or Parquet rows, without importing pandas for it."""
    if isinstance(x, ParquetRows):
        return True
    return type(x).__module__.partition(".")[0] == "pandas" and hasattr(x, "columns")


def pair(name: str, kind: SourceKind, x: Any, y: Any, **more: Any) -> Raw:
    """Make a `Raw` of inputs and targets as the user's arrays or frames have them.

    Raises `DataError` where they have no rows, or not the same number of rows.
    """
    table, given_y = is_table(x), as_array(y)
    x = x.reset_index(drop=True) if table else np.asarray(x)
    is_series = type(y).__module__.partition(".")[0] == "pandas"
    if is_series and getattr(y, "ndim", 1) == 2 and y.shape[1] == 1:
        y = y.iloc[:, 0]
    target = str(y.name) if is_series and getattr(y, "name", None) is not None else ""
    y = y.reset_index(drop=True) if is_series and y.ndim == 1 else np.asarray(y)
    for what, array in (("inputs", x), ("targets", y)):
        if array.ndim == 0:
            raise DataError(f"{name}: the {what} are one value, not one per row")
    if len(x) != len(y):
        raise DataError(f"{name}: {len(x)} rows of inputs but {len(y)} targets")
    if len(x) == 0:
        raise DataError(f"{name}: has no rows")
    given = Given(x=x, y=given_y)
    if not table and x.ndim == 1:
        x = x[:, None]
    return Raw(name=name, kind=kind, x=x, y=y, given=given, target=target, **more)


def of_structure(name: str, kind: SourceKind, given: Given) -> Raw:
    """Make a `Raw` of several inputs or targets, of inputs alone, of weighted rows, or of text.

    Raises `DataError` where they have no rows, or not the same number of rows.
    """
    rows = count_rows(given.x)
    for what, tree in (("inputs", given.x), ("targets", given.y), ("weights", given.weights)):
        for place, leaf in enumerate(leaves(tree), start=1):
            if leaf.ndim == 0:
                raise DataError(f"{name}: the {what} are one value, not one per row")
            if len(leaf) != rows:
                raise DataError(
                    f"{name}: {rows} rows of inputs but {len(leaf)} in array {place} of the {what}"
                )
    if rows == 0:
        raise DataError(f"{name}: has no rows")
    y = None if is_structure(given.y) else given.y
    return Raw(name=name, kind=kind, x=given.x, y=y, given=given)
