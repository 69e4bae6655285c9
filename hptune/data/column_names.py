"""What the name of a column says of the numbers in it."""

from __future__ import annotations

import re

__all__ = ["names_rows", "names_things"]

_THINGS = {"id", "ids", "uuid", "guid", "subject", "patient", "participant", "respondent"}
_ROWS = {
    *_THINGS,
    *("idx", "index", "key", "rowid", "rownumber", "unnamed", "pid", "code"),
    *("seqno", "caseno", "recno", "docno", "obsno"),
}
_LAST = {"no", "nr", "nbr"}
"""The same as the last of several words: alone, NO is a gas."""


def _words(name: str) -> list[str]:
    """Return the words of a name in small letters: customer_id, PassengerId."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def names_things(name: str) -> bool:
    """Return whether whole numbers in a column of this name stand for somebody or something."""
    return bool({*_words(name)} & _THINGS)


def names_rows(name: str) -> bool:
    """Return whether distinct whole numbers in a column of this name only tell the rows apart."""
    words = _words(name)
    return bool({*words, "".join(words)} & _ROWS) or (len(words) > 1 and words[-1] in _LAST)
