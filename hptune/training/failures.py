"""Why a training could not be finished: infeasible, which is evidence, or failed, which is a bug."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

from hptune.data.python_file import where_raised
from hptune.models.memory import NoRoomError

__all__ = [
    "Diverged",
    "Exhausted",
    "Infeasible",
    "TooLarge",
    "in_words",
    "infeasible_reason",
    "is_fatal",
    "is_out_of_memory",
    "traceback_text",
]

_OUT_OF_MEMORY = ("ResourceExhaustedError", "OutOfMemoryError", "MemoryError")
_LONGEST = 200


class Infeasible(Exception):  # noqa: N818  (an outcome, not an error)
    """A configuration that can't be trained."""


class Diverged(Infeasible):
    """A loss or an objective that is no longer a finite number."""

    def __init__(self, epoch: int, metric: str, value: float) -> None:
        super().__init__(f"diverged at epoch {epoch} ({metric} {value:g})")


class TooLarge(Infeasible):
    """A model with more weights than are allowed."""

    def __init__(self, parameters: int, most: int) -> None:
        super().__init__(f"too large: {parameters:,} weights, {most:,} allowed")


class Exhausted(Exception):  # noqa: N818  (what happened to the data, no fault of the code that notes it)
    """Batches that ended before the end of an epoch."""


def infeasible_reason(error: BaseException) -> str:
    """Return why an exception is the configuration's fault; "" where it is the code's.

    Keras Tuner's FailedTrialError is how a user's code refuses a configuration: its message is the reason.
    """
    if isinstance(error, NoRoomError):
        return f"out of memory: {error}"
    if is_out_of_memory(error):
        return "out of memory"
    if _is_of_keras_tuner(error, "FailedTrialError"):
        return in_words(error, None).removeprefix("FailedTrialError: ")
    return ""


def is_fatal(error: BaseException) -> bool:
    """Return whether this is Keras Tuner's FatalError, by which a user's code ends the whole search."""
    return _is_of_keras_tuner(error, "FatalError")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out, of this machine or of a device, on any backend."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & set(_OUT_OF_MEMORY)) or "RESOURCE_EXHAUSTED" in str(error)


def _is_of_keras_tuner(error: BaseException, name: str) -> bool:
    """Return whether an error is one of Keras Tuner's, which need not be imported to know it."""
    return any(k.__name__ == name and k.__module__.startswith("keras_tuner.") for k in type(error).__mro__)


_TENSORFLOWS_OWN = re.compile(r"\{\{[^}]*\}\}\s*|\s*\[Op:[^\]]*\].*")
"""Where in its graph TensorFlow was, which tells the user nothing."""


def in_words(error: BaseException, file: Path | None) -> str:
    """Return what was raised in a line, and where in the user's file."""
    stripped = (_TENSORFLOWS_OWN.sub("", line).strip() for line in str(error).splitlines())
    lines = [line for line in stripped if line]
    first = next((line for line in lines if not _says_nothing(line)), lines[0] if lines else "")
    if len(first) > _LONGEST:
        first = first[: _LONGEST - 1] + "…"
    text = f"{type(error).__name__}: {first}" if first else type(error).__name__
    where = "" if file is None else where_raised(error, file)
    # Nothing is said where none of the file's own lines led to it.
    return text if where in ("", str(file)) else f"{text} ({where})"


def _says_nothing(line: str) -> bool:
    """Tell a heading of Keras's or TensorFlow's from what went wrong."""
    headings = (
        "Graph execution error:",
        "Detected at node ",
        "Exception encountered when calling ",
        'File "',
    )
    return line.startswith(headings)


def traceback_text(error: BaseException) -> str:
    """Return the traceback as Python prints it."""
    return "".join(traceback.format_exception(error))
