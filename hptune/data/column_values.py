"""What the values of a column of text are: numbers, levels, or words for a missing value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hptune._text import counted, first_of, listed
from hptune.data.column_texts import LIBRARY, MOSTLY, Texts
from hptune.data.conversions import (
    DATES,
    NUMBERS,
    SAME,
    TRUTH,
    as_eight_digits,
    convert_column,
)
from hptune.data.dates import is_date
from hptune.data.raw import SHOWN
from hptune.data.table_options import TableOptions
from hptune.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Judge", "Judged", "grouped_notes", "missing_notes"]

FEW = 20
"""Distinct values up to which text is a column of levels, whatever it looks like."""

_ROWS_PER_LEVEL = 3
_FEWEST_DATES = 10
"""Distinct numbers such as 20240131 from which on they are dates, where all are."""
_FIRST_DATE, _LAST_DATE = 1800_01_01, 2199_12_31
_SCALARS = (str, bool, int, float, np.generic)

Where = Callable[[Sequence[int]], str]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a column was found to be."""

    conversion: Mapping[str, Any] | None = None
    """How it is converted; None for a column that stays as it is."""
    notes: tuple[str, ...] = ()
    """What to say of it."""
    missing: tuple[str, ...] = ()
    """Words that count as missing."""
    rows: int = 0
    """In how many rows one of these stands."""
    words: tuple[str, ...] = ()
    """Words that stay levels, though they often stand for a missing value."""


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Says what columns hold: one source, its options, and how its messages name it."""

    name: str
    where: Where
    options: TableOptions
    decimal: str = "."
    """The mark of decimals in text of this source."""
    like: Mapping[str, bool] | None = None
    """Of each column of the training rows whether it holds numbers, where these are validation rows."""
    types_numbers: bool = True
    """Whether numbers come as such, so that a column of text in which all are numbers is meant as text."""

    def column(self, column: pd.Series[Any]) -> Judged:
        """Return what a column is; its index counts the rows of the source from 0.

        Raises `DataError` with `strict` for words among numbers.
        """
        import pandas as pd

        types = pd.api.types
        if types.is_bool_dtype(column.dtype) or types.is_complex_dtype(column.dtype):
            return Judged()
        if types.is_numeric_dtype(column.dtype):
            return self._numbers(column)
        if not (types.is_string_dtype(column.dtype) or column.dtype == object) or not _is_text(column):
            return Judged()
        return self._text(column, Texts.of(column, self.options))

    def infinite(self, column: pd.Series[Any]) -> str:
        """Say that a column of numbers has values that can't be learned from; "" where it has none.

        Raises `DataError` for these with `strict`.
        """
        import pandas as pd

        if column.dtype.kind not in "fi" and not pd.api.types.is_float_dtype(column.dtype):
            return ""
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        rows = column.index.to_numpy()[np.abs(numbers) > np.finfo(np.float32).max]
        if len(rows) == 0:
            return ""
        at = self._some(rows)
        if self.options.strict:
            value = float(numbers[np.abs(numbers) > np.finfo(np.float32).max][0])
            raise DataError(
                f"{self.name}: column {column.name!r}: {self.where([int(rows[0])])} has {value:g}, which"
                " can't be learned from",
                hint="Leave the value empty if it is missing, or leave --strict out.",
            )
        count = "as missing: its value is" if len(rows) == 1 else "as missing: their values are"
        return (
            f"column {column.name!r}: {counted(len(rows), 'row')} count{'s' if len(rows) == 1 else ''}"
            f" {count} infinite, or beyond float32 ({at})"
        )

    def _numbers(self, column: pd.Series[Any]) -> Judged:
        """Return what a column of numbers is, in which some may stand for missing values."""
        if self._are_dates(column):
            return self._made(column, DATES, self.options.missing)
        given = [word for word in self.options.missing if _number(word) is not None]
        found = [word for word in given if (column == _number(word)).any()]
        if not found:
            return Judged()
        rows = int(column.isin([_number(word) for word in found]).sum())
        return replace(self._made(column, SAME, found), missing=tuple(found), rows=rows)

    def _are_dates(self, column: pd.Series[Any]) -> bool:
        """Return whether the numbers of a column are dates, each of them: 20240131.

        Few distinct ones may be so by chance. Validation rows hold dates where the training rows do.
        """
        import pandas as pd

        is_number = None if self.like is None else self.like.get(str(column.name))
        known = column.dropna().drop_duplicates()
        known = known[~known.isin([_number(word) for word in self.options.missing])]
        if is_number or len(known) < (1 if is_number is False else _FEWEST_DATES):
            return False
        if not known.between(_FIRST_DATE, _LAST_DATE).all():
            return False
        texts = as_eight_digits(known)
        return bool(pd.to_datetime(texts, format="%Y%m%d", errors="coerce").notna().all())

    def _text(self, column: pd.Series[Any], texts: Texts) -> Judged:
        """Return what a column of text is."""
        number = None if self.like is None else self.like.get(str(column.name))
        if number is not False and texts.rest.size and (number or not texts.are_codes):
            if texts.share == 1.0 and (texts.blank or self._are_numbers(texts)):
                return self._blank(column, texts, NUMBERS)
            if texts.blank and texts.is_truth:
                return self._blank(column, texts, TRUTH)
            found = self._among_numbers(column, texts, is_number=bool(number))
            if found is not None:
                return found
        if texts.blank and is_date(texts.rest.index):
            return self._blank(column, texts, SAME)
        made = self._given(column, texts)
        return replace(made, words=tuple(w for w in texts.blank if w in LIBRARY and w not in texts.given))

    def _are_numbers(self, texts: Texts) -> bool:
        """Return whether numbers that came as text are no codes: they are many, and none is very long."""
        long = texts.rest.index.str.contains(r"\d{16}")
        return not self.types_numbers and len(texts.rest) > FEW and not long.any()

    def _blank(self, column: pd.Series[Any], texts: Texts, to: str) -> Judged:
        """Return that a column becomes this, and blank words in it are missing."""
        made = self._made(column, to, texts.blank)
        return replace(made, missing=texts.blank, rows=texts.count(texts.blank))

    def _given(self, column: pd.Series[Any], texts: Texts) -> Judged:
        """Return that words are missing, where the user says so."""
        if not texts.given:
            return Judged()
        made = self._made(column, SAME, texts.given)
        return replace(made, missing=texts.given, rows=texts.count(texts.given))

    def _among_numbers(self, column: pd.Series[Any], texts: Texts, *, is_number: bool) -> Judged | None:
        """Return what a column is that holds numbers with marks, or words among them; None for any other."""
        if len(texts.rest) > FEW or is_number:
            decimal, share = texts.marked(self.decimal)
            if share > texts.share and share >= MOSTLY:
                return self._with_slips(column, texts, decimal)
        if texts.share < MOSTLY or texts.share == 1.0:
            return None
        slips = texts.rest[~texts.plain]
        repeated = len(texts.rest) <= FEW and slips.min() > 1
        few = len(texts.rest) <= FEW and texts.rest.sum() >= _ROWS_PER_LEVEL * len(texts.rest)
        if is_number or not (repeated or (few and not self.options.strict)):
            return self._with_slips(column, texts, "")
        if repeated:
            return None
        words = listed([repr(word) for word in slips.index[:SHOWN]])
        said = f"column {column.name!r}: each of its {len(texts.rest)} values is a level, as {words}"
        are = "is no number" if len(slips) == 1 else "are no numbers"
        rows = f"({int(slips.sum())} of {counted(int(texts.rest.sum()), 'row')})"
        made = self._given(column, texts)
        return replace(made, notes=(*made.notes, f"{said} {are} {rows}"))

    def _with_slips(self, column: pd.Series[Any], texts: Texts, decimal: str) -> Judged:
        """Return that a column is one of numbers, and its words are missing; refuse them with `strict`."""
        import pandas as pd

        made = self._made(column, NUMBERS, texts.blank, decimal=decimal)
        assert made.conversion is not None
        numbers = convert_column(column, made.conversion)
        wrong = column.index[(numbers.isna() & column.notna()).to_numpy() & ~texts.is_blank(column)]
        rows = wrong.to_numpy()
        said = []
        if len(rows):
            said.append(self._slipped(column, rows))
        marks = texts.marks(decimal, self.decimal) if decimal else []
        if marks:
            example = str(marks[0])
            value = float(convert_column(pd.Series([example]), made.conversion).iloc[0])
            said.append(
                f"column {column.name!r}: numbers are written with marks, {example!r} is read as {value:.10g}"
            )
        return replace(self._blank(column, texts, NUMBERS), conversion=made.conversion, notes=tuple(said))

    def _slipped(self, column: pd.Series[Any], rows: NDArray[Any]) -> str:
        """Say which values of a column of numbers are none."""
        value = column.loc[rows[0]]
        if self.options.strict:
            more = f" (and {len(rows) - 1} more rows)" if len(rows) > 1 else ""
            raise DataError(
                f"{self.name}: column {column.name!r} holds numbers, but {self.where([int(rows[0])])} has"
                f" {value!r}{more}",
                hint="Correct the value, or leave it empty if it is missing.",
            )
        values = [repr(text) for text in column.loc[rows].drop_duplicates()]
        are = "values is no number and counts" if len(rows) == 1 else "values are no numbers and count"
        them = "it" if len(rows) == 1 else "them"
        return (
            f"column {column.name!r}: {len(rows):,} of {len(column):,} {are} as missing:"
            f" {first_of(values, SHOWN)} ({self._some(rows)}); --strict refuses {them}"
        )

    def _made(self, column: pd.Series[Any], to: str, missing: Sequence[str], *, decimal: str = "") -> Judged:
        how = {"name": str(column.name), "to": to, "missing": list(missing), "decimal": decimal}
        return Judged(conversion=how)

    def _some(self, rows: NDArray[Any]) -> str:
        named = self.where([int(row) for row in rows[:SHOWN]])
        return named + (f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else "")


def missing_notes(judged: Mapping[str, Judged]) -> list[str]:
    """Say of columns, by name, which words count as missing; columns with the same words in one note."""
    columns: dict[tuple[str, ...], list[str]] = {}
    for name, found in judged.items():
        if found.missing:
            said = f"{name!r} ({counted(found.rows, 'row')})"
            columns.setdefault(tuple(sorted(found.missing)), []).append(said)
    notes = []
    for words, names in columns.items():
        count = "counts" if len(words) == 1 else "count"
        where = "column" if len(names) == 1 else f"{len(names)} columns,"
        named = listed([repr(word) for word in words[:SHOWN]])
        notes.append(f"{named} {count} as missing in {where} {first_of(names, SHOWN)}")
    return notes


def grouped_notes(words: Mapping[str, Sequence[str]]) -> list[str]:
    """Say of columns, by name, which words are levels in them; columns with the same words in one note."""
    columns: dict[tuple[str, ...], list[str]] = {}
    for name, some in words.items():
        if some:
            columns.setdefault(tuple(sorted(some)), []).append(name)
    notes = []
    for some, names in columns.items():
        are = "is a word" if len(some) == 1 else "are words"
        column = "column" if len(names) == 1 else f"{len(names)} columns,"
        them = "it" if len(some) == 1 else "them"
        notes.append(
            f"{listed([repr(word) for word in some])} {are} as any other in {column}"
            f" {first_of([repr(name) for name in names], SHOWN)}; --missing {','.join(some)} takes {them} for"
            " missing"
        )
    return notes


def _is_text(column: pd.Series[Any]) -> bool:
    """Return whether a column holds text, and besides it nothing but numbers, true and false."""
    import pandas as pd

    found = pd.api.types.infer_dtype(column, skipna=True)
    if found == "string":
        return True
    if found not in ("mixed", "mixed-integer"):
        return False
    known = column.dropna()
    return bool(known.map(lambda value: isinstance(value, _SCALARS)).all())


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None
