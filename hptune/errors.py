"""Every error that the user can cause, and the exit code it ends with.

HptuneError                     1  our bug, unless a subclass says otherwise
├── UsageError                  2  the command line itself is wrong
├── InputError                  3  what the command was given is wrong, or can't be written
│   ├── SpaceError                 a space file or a hyperparameter
│   ├── DataError                  a table, an array file, a data function
│   ├── ModelError                 a model file or what it builds
│   └── ObjectiveError             an objective that training never reports
├── NoFeasibleTrialError        4  nothing that was tried could be trained
├── StudyError                  6  a study that can't be used as asked
│   ├── DamagedStudyError          its database holds what no search wrote
│   ├── StudyLockedError           another search holds it
│   └── StudyMismatchError         it belongs to other data, another model or objective
└── SearchInterruptedError    130  Ctrl-C
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import ClassVar, Self

from hptune._text import is_number

__all__ = [
    "DamagedStudyError",
    "DataError",
    "HptuneError",
    "InputError",
    "ModelError",
    "NoFeasibleTrialError",
    "ObjectiveError",
    "SearchInterruptedError",
    "SpaceError",
    "StudyError",
    "StudyLockedError",
    "StudyMismatchError",
    "UsageError",
    "did_you_mean",
]


class HptuneError(Exception):
    """An error with a message for the user, a hint and an exit code.

    The message says what is wrong, where, and what was found; the hint says what to do.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(HptuneError):
    """The command line itself is wrong."""

    exit_code = 2


class InputError(HptuneError):
    """What the command was given is wrong, and where it stands.

    The message reads `source:line: name: reason`, of which all but the reason may be missing.
    """

    exit_code = 3

    def __init__(
        self,
        reason: str,
        *,
        hint: str = "",
        source: str = "",
        line: int | None = None,
        name: str = "",
        key: str = "",
    ) -> None:
        self.reason = reason
        self.source = source
        """A file, a function, or the text of a flag; "" where it is not known yet."""
        self.line = line
        """From 1."""
        self.name = name
        """The hyperparameter or column that it is about."""
        self.key = key
        """Which key of that hyperparameter, as a file has it: range, default, when …"""
        place = source if line is None else f"{source}:{line}"
        super().__init__(": ".join(part for part in (place, name, reason) if part), hint=hint)

    def at(self, source: str, line: int | None = None) -> Self:
        """Return the same error with the place where it stands."""
        return type(self)(self.reason, hint=self.hint, source=source, line=line, name=self.name, key=self.key)


class SpaceError(InputError):
    """A search space that can't be searched."""


class DataError(InputError):
    """Data that can't be learned from."""


class ModelError(InputError):
    """A model that can't be built or trained."""


class ObjectiveError(InputError):
    """An objective that training does not report."""


class NoFeasibleTrialError(HptuneError):
    """Nothing that was tried could be trained."""

    exit_code = 4


class StudyError(HptuneError):
    """A study that can't be used as asked."""

    exit_code = 6


class DamagedStudyError(StudyError):
    """The study's database is damaged, or was edited: some of it can't be what a search wrote."""


class StudyLockedError(StudyError):
    """Another search holds the study."""


class StudyMismatchError(StudyError):
    """The study belongs to other data, another model or another objective."""


class SearchInterruptedError(HptuneError):
    """The person pressed Ctrl-C."""

    exit_code = 130


_MOST_LONGER = 5
"""Names that begin with a wrong one, beyond which listing them no longer helps."""


def did_you_mean(wrong: str, known: Iterable[str], *, and_known: bool = False) -> str:
    """Return "Did you mean 'x'?" for the nearest known name, else what is known, else "".

    Where several known names begin with the wrong one, as learning_rate_adam does with
    learning_rate, all of them are near. `and_known` tells what is known in any case.
    """
    names = sorted({str(name) for name in known})
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    listed = f"Known: {shown}." if names else ""
    near = _nearest(str(wrong), names)
    return f"{near} {listed}" if near and and_known else near or listed


def _nearest(wrong: str, names: Sequence[str]) -> str:
    folded = {name.casefold(): name for name in reversed(names)}
    longer = [name for low, name in sorted(folded.items()) if wrong and low.startswith(wrong.casefold())]
    if 1 < len(longer) <= _MOST_LONGER:
        return f"Did you mean {', '.join(map(repr, longer[:-1]))} or {longer[-1]!r}?"
    near = (
        longer if len(longer) == 1 else difflib.get_close_matches(wrong.casefold(), folded, n=1, cutoff=0.6)
    )
    # One number is not like another because its digits are.
    if not near or is_number(wrong):
        return ""
    return f"Did you mean {folded.get(near[0], near[0])!r}?"
