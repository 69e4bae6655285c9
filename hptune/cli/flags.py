"""A command line as one frozen dataclass: what data, model and the like were given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from hptune.search.task import SearchTask

__all__ = ["TaskFlags", "takes"]

R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class TaskFlags:
    """What `data_options`, `model_options` and the like were given: data, model and how long to train."""

    data: str
    target: str | None
    validation: str
    task: str | None
    positive: str | None
    skip_broken: bool
    image_size: int | None
    missing: str | None
    missing_target: str
    levels: int | str
    strict: bool
    model: str
    space: str | None
    epochs: int
    batch_size: int | None = None
    callbacks: str | None = None
    seed: int = 0

    def search_task(self, **more: Any) -> SearchTask:
        """Return the task that these flags name, `more` of its fields included; the space is left out."""
        from hptune.cli.standard_input import data_of
        from hptune.search.task import SearchTask

        given = {field.name: getattr(self, field.name) for field in fields(TaskFlags)}
        given["data"] = data_of(self.data)
        del given["space"]
        return SearchTask(**given, **more)


def takes(kind: Callable[..., T]) -> Callable[[Callable[[T], R]], Callable[..., R]]:
    """Hand a command's options over as one frozen dataclass of this kind."""

    def decorate(command: Callable[[T], R]) -> Callable[..., R]:
        @wraps(command)
        def called(**given: Any) -> R:
            return command(kind(**given))

        return called

    return decorate
