"""What users name as a model that is none yet, each with the sentence that says what to change."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from hptune.data.python_file import where_raised
from hptune.errors import ModelError

__all__ = ["hint_of", "refuse_other_shapes", "refuse_returned", "refused_searches"]


def refuse_other_shapes(found: Any, spec: str) -> None:
    """Raise ModelError for a Tuner, a class that needs arguments, and a function that needs other than hp."""
    file, _, name = spec.rpartition(":")
    if _is_of_keras_tuner(found if inspect.isclass(found) else type(found), "BaseTuner"):
        raise ModelError(
            f"{spec}: is a Tuner, not a model",
            hint="hptune does the tuner's part: name the build(hp) or HyperModel that the tuner is given.",
        )
    required = _required(found)
    if inspect.isclass(found):
        if required:
            raise ModelError(
                f"{spec}: its constructor needs arguments: {', '.join(required)}",
                hint=f"Make one in the file, model = {name}(…), and name that: {file}:model.",
            )
        return
    if hasattr(found, "build"):
        return
    if required[1:]:
        raise ModelError(
            f"{spec}: needs more than hp: {', '.join(required[1:])}",
            hint=f"Give it a default, or name a function of hp alone: lambda hp: {name}(hp, …).",
        )
    if not _takes_one(found):
        raise ModelError(
            f"{spec}: takes no hp",
            hint=f"If it returns a HyperModel, write model = {name}() in the file and name {file}:model.",
        )


def refuse_returned(returned: Any, spec: str) -> None:
    """Raise ModelError where what should be a model is a HyperModel, or another function that builds."""
    if _is_of_keras_tuner(type(returned), "HyperModel") or inspect.isfunction(returned):
        kind = "function" if inspect.isfunction(returned) else "HyperModel"
        file, _, name = spec.rpartition(":")
        raise ModelError(
            f"returned a {kind}, which builds a model and is none",
            hint=f"Write model = {name}(…) in the file and name that: {file}:model.",
            source=spec,
        )


def hint_of(error: BaseException) -> str:
    """Return what to change where an error comes of an older Keras; "" for any other."""
    text = str(error)
    if ("recognized" in text and "'lr'" in text) or "argument 'lr'" in text:
        return "Keras 3 calls it learning_rate: write learning_rate=… in place of lr=…."
    return ""


class _SearchedAtImport(BaseException):
    """Ends a file's own search, past whatever the file catches."""


@contextmanager
def refused_searches(spec: str) -> Iterator[None]:
    """Refuse a search of Keras Tuner's for as long as a user's file is loaded; raises ModelError."""
    # Before Keras Tuner imports Keras.
    import_module("hptune.models.backend")
    from keras_tuner import Tuner

    base = next(kind for kind in Tuner.__mro__ if "search" in vars(kind))
    search: Callable[..., Any] = base.search

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise _SearchedAtImport

    base.search = refuse
    try:
        yield
    except _SearchedAtImport as low:
        file = Path(spec.rpartition(":")[0])
        raise ModelError(
            f"{where_raised(low, file)}: calls tuner.search(…) when it is imported",
            hint='Put it under if __name__ == "__main__": for hptune does the search.',
        ) from None
    finally:
        base.search = search


def _required(function: Any) -> list[str]:
    """Return the parameters that must be given, of a class those of its constructor."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.default is p.empty and p.kind not in variable]


def _takes_one(function: Any) -> bool:
    """Return whether a function takes an argument by its place."""
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def _is_of_keras_tuner(kind: type, name: str) -> bool:
    return any(k.__name__ == name and k.__module__.startswith("keras_tuner.") for k in kind.__mro__)
