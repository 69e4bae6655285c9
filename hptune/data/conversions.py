"""Text that is a number, or says that there is none: exported scripts hold a copy of this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["DATES", "NUMBERS", "SAME", "TRUTH", "convert_column", "convert_columns", "marked_number"]

SAME = "same"
"""A column stays what it is, but for what is missing."""
NUMBERS = "numbers"
"""A column becomes numbers."""
TRUTH = "truth"
"""A column becomes true and false."""
DATES = "dates"
"""A column of numbers such as 20240131 becomes dates, as text."""


def convert_columns(frame: Any, conversions: Sequence[Mapping[str, Any]]) -> Any:
    """Return a table, a DataFrame, whose columns are converted where they are named."""
    made = {how["name"]: convert_column(frame[how["name"]], how) for how in conversions}
    return frame.assign(**made) if made else frame


def convert_column(column: Any, how: Mapping[str, Any]) -> Any:
    """Return a column, a pandas Series, in which `missing` values are missing, as what `to` says.

    Numbers have the mark `decimal` before their decimals, and may have thousands marked, a currency, per
    cent or brackets beside them; where it is "", they are plain. What is no number is missing then.
    """
    import pandas as pd

    if how["to"] == DATES:
        texts = as_eight_digits(column)
        texts = texts.mask(texts.isin(how["missing"]).to_numpy(dtype=bool))
        return pd.to_datetime(texts, format="%Y%m%d", errors="coerce").dt.strftime("%Y-%m-%d")
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.mask(column.isin([float(text) for text in how["missing"] if is_plain(text)]))
    texts = column.astype("string").str.strip()
    gone = texts.isin(how["missing"]).to_numpy(dtype=bool)
    if how["to"] == SAME:
        return column.mask(gone)
    texts = texts.mask(gone)
    if how["to"] == TRUTH:
        return texts.str.lower().map({"true": True, "false": False}).astype(object)
    if how["decimal"]:
        texts = texts.where(texts.str.fullmatch(marked_number(how["decimal"])))
        texts = texts.str.replace(r"[^\d.,eE+-]" if how["decimal"] == "." else r"[^\d,eE+-]", "", regex=True)
        texts = texts.str.replace(",", "" if how["decimal"] == "." else ".", regex=False)
    return pd.to_numeric(texts.astype(object), errors="coerce").astype("float64")


def as_eight_digits(column: Any) -> Any:
    """Return the numbers of a column, a pandas Series, as text where they have eight digits, else missing."""
    import pandas as pd

    numbers = pd.to_numeric(column.astype("string").str.strip(), errors="coerce").astype("Float64")
    whole = numbers.where((numbers % 1 == 0) & (numbers >= 1e7) & (numbers < 1e8))
    return whole.astype("Int64").astype("string")


def is_plain(text: str) -> bool:
    """Return whether text is a number as Python reads it."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def marked_number(decimal: str) -> str:
    """Return the pattern of a number that may have marks, with this one before its decimals."""
    point, group = (r"\.", r"[,'\s]") if decimal == "." else (",", r"[.'\s]")
    whole = rf"(?:\d{{1,3}}(?:{group}\d{{3}})+|\d+)"
    number = rf"(?:{whole}(?:{point}\d*)?(?:[eE][+-]?\d+)?|{point}\d+)"
    return rf"\[?\s*[+-]?(?:[$€£¥]\s?)?[+-]?{number}\s?[%$€£¥]?\s*\]?"
