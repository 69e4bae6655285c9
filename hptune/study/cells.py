"""What each cell of a study's database may hold: the one list, for SQL, which is quick, and for Python.

SQLite takes any kind of value in any column, and a file may be damaged or edited.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hptune.errors import HptuneError
from hptune.space.condition import kind_of
from hptune.study.trial import TrialState

__all__ = [
    "TABLES",
    "DamagedCellError",
    "Kind",
    "Table",
    "checked",
    "epochs",
    "read_json",
    "scalars",
    "shown",
]

_LONGEST = 60
"""Characters of a cell that are shown."""


class DamagedCellError(Exception):
    """A cell holds what no search wrote there; `str` says which, what it holds, and what belongs there."""

    def __init__(self, table: str, row: object, column: str, found: str, expected: str) -> None:
        super().__init__(f"{table}, row {row}, {column}: found {found}, expected {expected}")
        self.table = table
        self.row = row


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of cell."""

    sql: str
    """A condition on `{c}` that holds for such a cell."""
    holds: Callable[[Any], bool]
    expected: str

    def or_none(self) -> Kind:
        """Return the same kind, or NULL."""
        return Kind(
            sql=f"({{c}} IS NULL OR {self.sql})",
            holds=lambda value: value is None or self.holds(value),
            expected=f"{self.expected} or nothing",
        )


@dataclass(frozen=True, kw_only=True)
class Table:
    """The columns of a table; the first tells its rows apart."""

    columns: Mapping[str, Kind]

    @property
    def key(self) -> str:
        """The column that tells rows apart."""
        return next(iter(self.columns))

    @property
    def damaged(self) -> str:
        """A condition in SQL that holds for a row with a cell of a wrong kind."""
        return " OR ".join(
            f"NOT coalesce({kind.sql.format(c=_quoted(name))}, 0)" for name, kind in self.columns.items()
        )


def _quoted(column: str) -> str:
    return f'"{column}"'


_LARGEST = 1e15
"""Of seconds, and of seconds since 1970."""


def _is_whole(value: Any, low: int) -> bool:
    return type(value) is int and low <= value


def _whole(low: int, expected: str) -> Kind:
    return Kind(
        sql=f"(typeof({{c}}) = 'integer' AND {{c}} >= {low})",
        holds=lambda value: _is_whole(value, low),
        expected=expected,
    )


def _one_of(names: Sequence[str]) -> Kind:
    listed = ", ".join(f"'{name}'" for name in names)
    return Kind(sql=f"{{c}} IN ({listed})", holds=lambda v: v in names, expected=f"one of {', '.join(names)}")


def _json(kind: str, made: type) -> Kind:
    # Python writes not-a-number and infinity as words that SQLite does not take for JSON.
    return Kind(
        sql=f"(typeof({{c}}) = 'text' AND CASE WHEN json_valid({{c}}) THEN json_type({{c}}) = '{kind}'"
        " ELSE instr({c}, 'NaN') + instr({c}, 'Infinity') > 0 END)",
        holds=lambda value: isinstance(value, str) and isinstance(_loaded(value), made),
        expected=f"a JSON {kind}",
    )


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


_NUMBER = Kind(
    sql="(typeof({c}) IN ('real', 'integer') AND abs({c}) <= 1.7976931348623157e308)",
    holds=lambda value: type(value) in (int, float) and math.isfinite(value),
    expected="a finite number",
)
_DURATION = Kind(
    sql=f"(typeof({{c}}) IN ('real', 'integer') AND {{c}} >= 0 AND {{c}} < {_LARGEST})",
    holds=lambda value: type(value) in (int, float) and 0 <= value < _LARGEST,
    expected="a number of seconds",
)
_TEXT = Kind(sql="typeof({c}) = 'text'", holds=lambda value: isinstance(value, str), expected="text")
_ID = _whole(1, "a whole number from 1")
_COUNT = _whole(0, "a whole number from 0")
_OBJECT, _LIST = _json("object", dict), _json("array", list)
_ANY_JSON = Kind(
    sql="(json_valid({c}) OR instr({c}, 'NaN') + instr({c}, 'Infinity') > 0)",
    holds=lambda value: isinstance(value, str) and (value.strip() == "null" or _loaded(value) is not None),
    expected="JSON",
)
_STATE = _one_of([state.value for state in TrialState])

TABLES: Mapping[str, Table] = {
    "meta": Table(columns={"key": _TEXT, "value": _ANY_JSON}),
    "passes": Table(
        columns={
            "number": _ID,
            "space": _OBJECT,
            "proposal": _OBJECT.or_none(),
            "origin": _one_of(["given", "narrowed", "user"]),
            "started_at": _DURATION,
        }
    ),
    "trials": Table(
        columns={
            "id": _ID,
            "pass_number": _ID,
            "values": _OBJECT,
            "seed": _COUNT,
            "state": _STATE,
            "reason": _TEXT,
            "traceback": _TEXT,
            "score": _NUMBER.or_none(),
            "best_epoch": _ID.or_none(),
            "epochs": _COUNT,
            "seconds": _DURATION,
            "parameters": _COUNT.or_none(),
            "checkpoint": _TEXT,
            "created_at": _DURATION,
            "note": _TEXT,
        }
    ),
    "jobs": Table(
        columns={
            "id": _ID,
            "trial_id": _ID,
            "pass_number": _ID,
            "initial_epoch": _COUNT,
            "epochs": _COUNT,
            "asked": _ID,
            "reported": _ID.or_none(),
            "oracle_values": _OBJECT,
            "memo": _ANY_JSON.or_none(),
            "score": _NUMBER.or_none(),
            "state": _STATE,
            "curve": _LIST,
            "epoch": _COUNT,
            "timings": _OBJECT,
            "seconds": _DURATION,
            "added": _OBJECT.or_none(),
            "found": _LIST.or_none(),
            "superseded_by": _ID.or_none(),
        }
    ),
    "confirmations": Table(
        columns={
            "trial_id": _ID,
            "asked": _COUNT,
            "number": _ID,
            "seed": _COUNT,
            "score": _NUMBER.or_none(),
            "best_epoch": _ID.or_none(),
            "epochs": _COUNT,
            "seconds": _DURATION,
            "reason": _TEXT,
        }
    ),
}


def checked(table: str, row: Mapping[str, Any]) -> None:
    """Raise DamagedCellError for the first cell of a row that holds another kind of value."""
    for column, kind in TABLES[table].columns.items():
        if not kind.holds(row[column]):
            raise DamagedCellError(table, row[TABLES[table].key], column, shown(row[column]), kind.expected)


def read_json(
    table: str, row: object, column: str, text: Any, read: Callable[[Any], Any], expected: str
) -> Any:
    """Return what `read` makes of the JSON in a cell; raises DamagedCellError for whatever it raises."""
    try:
        content = json.loads(text)
        if "\\u" in text:
            # Half of a pair, which no output could encode.
            json.dumps(content, ensure_ascii=False).encode()
        return read(content)
    except (
        *(ArithmeticError, AttributeError, AssertionError, LookupError, RecursionError, TypeError),
        *(ValueError, HptuneError),
    ) as error:
        why = error.message if isinstance(error, HptuneError) else ""
        found = shown(text) + (f" ({why})" if why else "")
        raise DamagedCellError(table, row, column, found, expected) from error


def scalars(found: Any) -> dict[str, Any]:
    """Return a mapping from names to values of hyperparameters; raises TypeError or ValueError."""
    if not isinstance(found, dict):
        raise TypeError("no mapping")
    for value in found.values():
        if not kind_of(value) or (isinstance(value, float) and not math.isfinite(value)):
            raise ValueError(f"{value!r}")
    return found


def epochs(found: Any) -> list[dict[str, float]]:
    """Return a curve: metric → number for each epoch; raises TypeError."""
    if not isinstance(found, list):
        raise TypeError("no list")
    for epoch in found:
        if not isinstance(epoch, dict):
            raise TypeError("no epoch")
        for value in epoch.values():
            if type(value) is not float and (kind_of(value) != "number" or not math.isfinite(value)):
                raise TypeError("no number")
    return found


def shown(cell: object) -> str:
    """Return what a cell holds, shortened, on one line of printable characters."""
    if cell is None:
        return "nothing"
    text = ascii(cell) if isinstance(cell, bytes) else repr(cell)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
