"""What a Python program hands over from its memory: data, a model and callbacks that no file names.

They have names all the same, such as python:arrays, by which a study knows them; and they can be had by
those names only while the program hands them over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hptune.errors import InputError

__all__ = ["PREFIX", "InProgram", "handed_over", "handing_over", "is_in_program"]

PREFIX = "python:"


@dataclass(frozen=True, kw_only=True, eq=False)
class InProgram:
    """What a search is about, as objects."""

    data: Any
    """As a data function returns it: ((x, y), (validation_x, validation_y)), with weights, or streams."""
    build: Callable[[Any], Any]
    """Takes Keras Tuner's hp, gives a compiled model."""
    fit: Callable[..., Any] | None
    """The HyperModel's own fit(hp, model, *args, **kwargs); None for Keras's."""
    callbacks: Callable[..., Any] | None
    """Makes callbacks for each training; None for none."""
    file: Path
    """Where the code of `build` is, as far as the interpreter knows."""
    fingerprint: str
    """Changes where the code does: SHA-256, hex."""
    explored: dict[str, Any] = field(default_factory=dict)
    """What exploring the build found, by its name: it is the same object whenever it is loaded."""


_handed_over: ContextVar[InProgram | None] = ContextVar("handed_over", default=None)


def is_in_program(source: str) -> bool:
    """Return whether this names an object of a Python program, and no file."""
    return source.startswith(PREFIX)


@contextmanager
def handing_over(objects: InProgram) -> Iterator[None]:
    """Let the names of a study find these objects meanwhile, in this thread."""
    before = _handed_over.set(objects)
    try:
        yield
    finally:
        _handed_over.reset(before)


def handed_over(source: str, *, error: type[InputError]) -> InProgram:
    """Return the objects of the program; raises `error` where none hands any over."""
    objects = _handed_over.get()
    if objects is None:
        raise error(
            f"{source}: an object of the Python program that searched, which no file holds",
            hint="Run this from that program: make the same hptune.CoarseToFine there, call its search"
            " with the same data, and then its confirm or export.",
        )
    return objects
