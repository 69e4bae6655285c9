"""The distinct values of a column of text: which are numbers, and which are words for a missing value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hptune.data.conversions import marked_number
from hptune.data.table_options import TableOptions

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LIBRARY", "MOSTLY", "Texts"]

MOSTLY = 0.9
"""Share of numbers from which on a column is one of numbers, and words in it are slips.

Below it words mean something: three in four of the tickets of the Titanic are numbers, and all are codes.
"""

_SAMPLE = 1000
"""Distinct values that tell whether the others are looked at for numbers with marks."""

LIBRARY = (
    *("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>"),
    *("N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)
"""Words that pandas takes for missing by itself."""
_BLANKS = (
    *LIBRARY,
    "?",
    "-",
    "--",
    ".",
    "..",
    "...",
    "n.a.",
    "n.d.",
    "nil",
    "missing",
    "unknown",
    "\\N",
    "*",
)
"""Words that say in a column of numbers that there is none; large and small letters are the same."""
_FOLDED = frozenset(word.casefold() for word in _BLANKS)


@dataclass(frozen=True, kw_only=True, eq=False)
class Texts:
    """The distinct values of a column of text, and how often each stands."""

    counts: pd.Series[int]
    given: tuple[str, ...]
    """Those that the user says are missing."""
    blank: tuple[str, ...]
    """These, and those that say in a column of numbers that there is none."""
    rest: pd.Series[int]
    """The others."""
    plain: NDArray[np.bool_]
    """Which of the others are plain numbers."""

    @classmethod
    def of(cls, column: pd.Series[Any], options: TableOptions) -> Texts:
        import pandas as pd

        counts = column.astype("string").str.strip().value_counts()
        counts = counts[counts.index != ""]
        folded = counts.index.str.casefold().isin(list(_FOLDED))
        if options.strict:
            folded = counts.index.isin(LIBRARY)
        given = counts.index.isin(list(options.missing))
        rest = counts[~(folded | given)]
        plain = pd.to_numeric(pd.Series(rest.index.astype(object)), errors="coerce").notna().to_numpy()
        names = [tuple(map(str, counts.index[which])) for which in (given, folded | given)]
        return cls(counts=counts, given=names[0], blank=names[1], rest=rest, plain=plain)

    @property
    def share(self) -> float:
        """Share of the others that are plain numbers."""
        return float(self.rest[self.plain].sum() / self.rest.sum())

    @property
    def are_codes(self) -> bool:
        """Whether they are numbers, a letter beside some, of which one begins with a needless 0: 007."""
        digits = self.rest.index.str.contains(r"^0\d+\s*[A-Za-z]?$")
        return bool(digits.any()) and bool(self.rest.index.str.contains(r"^\d+\s*[A-Za-z]?$").all())

    @property
    def is_truth(self) -> bool:
        """Whether the others are true or false."""
        return bool(self.rest.index.str.lower().isin(["true", "false"]).all())

    def marked(self, decimal: str) -> tuple[str, float]:
        """Return the mark of decimals with which most are numbers, and their share."""
        if len({sign for sign in "$€£¥%" if self.rest.index.str.contains(sign, regex=False).any()}) > 1:
            return decimal, 0.0
        marks = (decimal, "," if decimal == "." else ".")
        some = self.rest.index[:_SAMPLE]
        if max(some.str.fullmatch(marked_number(mark)).mean() for mark in marks) < MOSTLY / 2:
            return decimal, 0.0
        shares = [
            float(self.rest[self.rest.index.str.fullmatch(marked_number(mark))].sum() / self.rest.sum())
            for mark in marks
        ]
        return (marks[0], shares[0]) if shares[0] >= shares[1] else (marks[1], shares[1])

    def marks(self, decimal: str, known: str) -> list[str]:
        """Return the numbers that have marks, but for the decimal comma of a file whose mark is `known`."""
        numbers = self.rest.index[self.rest.index.str.fullmatch(marked_number(decimal)) & ~self.plain]
        if decimal == known == ",":
            numbers = numbers[~numbers.str.fullmatch(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?")]
        return list(numbers)

    def count(self, words: Sequence[str]) -> int:
        """Return in how many rows these words stand."""
        return int(self.counts[list(words)].sum())

    def is_blank(self, column: pd.Series[Any]) -> NDArray[np.bool_]:
        """Return which values of a column are blank words, or nothing at all."""
        return np.asarray(column.astype("string").str.strip().isin(["", *self.blank]), dtype=bool)
