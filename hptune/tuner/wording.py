"""What is said of flags of the command line, said of a tuner's arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from hptune.errors import HptuneError

__all__ = ["hints_shown", "in_python"]

_FLAG = re.compile(r"--([a-z][a-z-]+)(?: (?:[A-Z][A-Z_.:]*\b|(?=N\b)N))?")
_ARGUMENTS = {
    "fresh": "overwrite=True",
    "executions": "executions_per_trial",
    "max-parameters": "max_model_size",
    "batch-size": "search(batch_size=…)",
    "callbacks": "search(callbacks=…)",
    "task": "",
}
"""Flags that an argument of another name stands for; "" where there is none."""


def in_python(text: str) -> str:
    """Return a message with each flag as the argument that it is here: `--trials` as `trials`."""
    return _FLAG.sub(_argument, text)


def _argument(found: re.Match[str]) -> str:
    flag = found[1]
    return _ARGUMENTS.get(flag) or flag.replace("-", "_")


@contextmanager
def hints_shown() -> Iterator[None]:
    """Let an error that passes show its hint below its message, as Python shows notes."""
    try:
        yield
    except HptuneError as error:
        if error.hint:
            error.add_note(in_python(error.hint))
            error.hint = ""
        raise
