"""Dates, in text or as such, as numbers: exported scripts hold a copy of this."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["date_numbers", "date_order", "is_date"]

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
_NAME = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_TIME = r"(?:[T ].*)?"
_DATE = rf"(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{4}}){_TIME}"
_NAMED = rf"(?i)(?:{_NAME}\s+\d{{1,2}},?\s+\d{{4}}|\d{{1,2}}[-\s.]+{_NAME}[-\s,]+\d{{4}}){_TIME}"
_PIECES = r"^\s*(\w{1,4})\w*[-/.,\s]+(\w{1,3})\w*[-/.,\s]+(\d{1,4})(?:[T ]\s*(\d{1,2}):)?"
"""The first three pieces of a date, of a month's name its beginning, and the hour."""


def is_date(texts: Any) -> bool:
    """Return whether the first distinct texts are dates, each of them."""
    import pandas as pd

    some = pd.Series(texts[:1000]).astype("string")
    return len(some) > 0 and any(bool(some.str.fullmatch(form).all()) for form in (_DATE, _NAMED))


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
    if texts.str.contains("[A-Za-z]{3}").all():
        return "mdy" if texts.str.contains(r"^\s*[A-Za-z]").all() else "dmy"
    if (pieces[0].str.len() == 4).all():
        return "ymd"
    first, second = (pd.to_numeric(pieces[place], errors="coerce") for place in (0, 1))
    if (first > 12).any():
        return "dmy"
    if (second > 12).any():
        return "mdy"
    return "dmy" if texts.str.contains(r"^\s*\d+\.").any() else "mdy"


def date_numbers(column: Any, order: str) -> dict[str, NDArray[np.float64]]:
    """Return year, month, day, weekday (0 is Monday), hour and days since 1970 of each date; shape (rows,).

    They are NaN where it is missing.
    """
    import pandas as pd

    if order:
        pieces = column.astype("string").str.extract(_PIECES)
        year, month, day = (pieces[order.index(piece)] for piece in "ymd")
        named = {name: str(place) for place, name in enumerate(_MONTHS.split(), start=1)}
        month = month.str[:3].str.lower().replace(named)
        iso = year + "-" + month.str.zfill(2) + "-" + day.str.zfill(2)
        times = pd.to_datetime(iso, format="%Y-%m-%d", errors="coerce")
        hour = pd.to_numeric(pieces[3].astype(object), errors="coerce").where(times.notna())
        hour = hour.fillna(0).where(times.notna())
    else:
        times = pd.to_datetime(column, errors="coerce", utc=True).dt.tz_localize(None)
        hour = times.dt.hour
        times = times.dt.floor("D")
    days = (times - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
    numbers = {"year": times.dt.year, "month": times.dt.month, "day": times.dt.day}
    numbers |= {"weekday": times.dt.day_of_week, "hour": hour, "days": days}
    return {part: number.to_numpy(dtype=np.float64, na_value=np.nan) for part, number in numbers.items()}
