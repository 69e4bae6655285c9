"""Dates, in text or as such, as numbers: exported scripts hold a copy of this."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["date_numbers", "date_order", "is_date"]

_DATE = r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})(?:[T ].*)?"
_PIECES = r"^\s*(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})(?:[T ]\s*(\d{1,2}):)?"


def is_date(texts: Any) -> bool:
    """Return whether the first distinct texts are dates, each of them."""
    import pandas as pd

    some = pd.Series(texts[:1000])
    return len(some) > 0 and bool(some.astype("string").str.fullmatch(_DATE).all())


def date_order(column: Any) -> str:
    """Return in which order the dates of a column stand: ymd, dmy or mdy; "" for dates that are no text.

    A first number above 12 is a day. Where none tells, day comes first before points and month before
    slashes and dashes.
    """
    import pandas as pd

    if not (column.dtype == object or pd.api.types.is_string_dtype(column.dtype)):
        return ""
    known = column.dropna()
    if not len(known) or not isinstance(known.iloc[0], str):
        return ""
    texts = known.astype("string").drop_duplicates()
    pieces = texts.str.extract(_PIECES)
    if (pieces[0].str.len() == 4).all():
        return "ymd"
    first, second = (pd.to_numeric(pieces[place], errors="coerce") for place in (0, 1))
    if (first > 12).any():
        return "dmy"
    if (second > 12).any():
        return "mdy"
    return "dmy" if texts.str.contains(r"^\s*\d+\.").any() else "mdy"


def date_numbers(column: Any, order: str) -> dict[str, NDArray[np.float64]]:
    """Return year, month, weekday (0 is Monday), hour and days since 1970 of each date; NaN where missing.

    Each has the shape (rows,).
    """
    import pandas as pd

    if order:
        pieces = column.astype("string").str.extract(_PIECES)
        year, month, day = (pieces[order.index(piece)] for piece in "ymd")
        iso = year + "-" + month.str.zfill(2) + "-" + day.str.zfill(2)
        times = pd.to_datetime(iso, format="%Y-%m-%d", errors="coerce")
        hour = pd.to_numeric(pieces[3].astype(object), errors="coerce").where(times.notna())
        hour = hour.fillna(0).where(times.notna())
    else:
        times = pd.to_datetime(column, errors="coerce", utc=True).dt.tz_localize(None)
        hour = times.dt.hour
        times = times.dt.floor("D")
    days = (times - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
    numbers = {"year": times.dt.year, "month": times.dt.month, "weekday": times.dt.day_of_week}
    numbers |= {"hour": hour, "days": days}
    return {part: number.to_numpy(dtype=np.float64, na_value=np.nan) for part, number in numbers.items()}
