"""Dates in text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["is_date"]

_DATE = r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})(?:[T ].*)?"


def is_date(texts: pd.Index[Any] | pd.Series[Any]) -> bool:
    """Return whether the first distinct texts are dates, each of them."""
    import pandas as pd

    some = pd.Series(texts[:1000])
    return len(some) > 0 and bool(some.astype("string").str.fullmatch(_DATE).all())
