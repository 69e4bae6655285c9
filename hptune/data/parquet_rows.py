"""The rows of Parquet files that do not fit into memory as a table, a column or some rows at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hptune.data.conversions import convert_columns

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ParquetRows", "open_parquet"]

_ROWS_AT_ONCE = 1 << 16


@dataclass(frozen=True, kw_only=True, eq=False)
class ParquetRows:
    """Columns of Parquet files, in the files' order; a column is read whole, rows some at a time."""

    dataset: Any
    """A pyarrow.dataset.Dataset."""
    columns: tuple[str, ...]
    rows: int
    bytes: int
    """What its columns take where they are not compressed."""
    conversions: tuple[Mapping[str, Any], ...] = ()
    """What columns of text become (`conversions.convert_columns`)."""
    _dtypes: dict[str, Any] = field(default_factory=dict)
    """Types of whole columns: some rows of one may have another, where the whole has missing values."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return (self.rows, len(self.columns))

    def converted(self, conversions: tuple[Mapping[str, Any], ...]) -> ParquetRows:
        """Return the same with columns of text converted."""
        return replace(self, conversions=conversions, _dtypes={})

    def without(self, name: str) -> ParquetRows:
        """Return the same without a column."""
        columns = tuple(column for column in self.columns if column != name)
        return replace(self, columns=columns, _dtypes={})

    def column(self, name: str) -> pd.Series[Any]:
        """Return a whole column; its index counts the rows from 0."""
        column: pd.Series[Any] = self._frame(self.dataset.to_table(columns=[name]))[name]
        self._dtypes[name] = column.dtype
        return column

    def taken(self, rows: NDArray[np.int64]) -> _Taken:
        """Return some rows, whose columns are read one at a time."""
        return _Taken(self, rows)

    def parts(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Give these columns, some rows at a time, each with the type that the whole column has."""
        names = list(columns)
        for name in names:
            if name not in self._dtypes:
                self.column(name)
        start = 0
        for batch in self.dataset.to_batches(
            columns=names, batch_size=_ROWS_AT_ONCE, batch_readahead=1, fragment_readahead=1
        ):
            frame = self._frame(batch)
            frame.index = frame.index + start
            start += len(frame)
            yield frame.astype({name: self._dtypes[name] for name in names})

    def _frame(self, table: Any) -> pd.DataFrame:
        """Return a pyarrow table as pandas has it, its rows counted from 0, with its columns converted."""
        frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
        there = [how for how in self.conversions if how["name"] in frame.columns]
        converted: pd.DataFrame = convert_columns(frame, there)
        return converted


@dataclass(frozen=True)
class _Taken:
    """Some rows of a table."""

    table: ParquetRows
    rows: NDArray[np.int64]

    def items(self) -> Iterator[tuple[str, pd.Series[Any]]]:
        """Give the name and the values of each column."""
        for name in self.table.columns:
            yield name, self.table.column(name).iloc[self.rows]


def open_parquet(path: Path) -> ParquetRows:
    """Open a Parquet file or a folder of them; raises what pyarrow does."""
    import pyarrow.dataset as arrow

    partitions = arrow.HivePartitioning.discover(infer_dictionary=True)
    dataset = arrow.dataset(path, format="parquet", partitioning=partitions)
    size = 0
    for fragment in dataset.get_fragments():
        size += sum(group.total_byte_size for group in fragment.row_groups)
    index = _index_columns(dataset.schema.metadata or {})
    columns = tuple(name for name in dataset.schema.names if name not in index)
    return ParquetRows(dataset=dataset, columns=columns, rows=int(dataset.count_rows()), bytes=int(size))


def _index_columns(metadata: dict[bytes, bytes]) -> set[str]:
    """Return the columns that hold the index of the table that was written."""
    kept = json.loads(metadata.get(b"pandas", b"{}")).get("index_columns", [])
    return {name for name in kept if isinstance(name, str)}
