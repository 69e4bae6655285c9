"""What a layer is called, and where the user wrote it."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

__all__ = ["all_layers", "display_names", "is_own", "where_written"]

_LIBRARIES = ("keras", "tensorflow", "hptune", "jax", "torch", "numpy")


def all_layers(model: Any) -> list[Any]:
    """Return every layer of a model once, nested ones too, in order, without the model itself."""
    found: dict[int, Any] = {}
    for layer in model._flatten_layers(include_self=False, recursive=True):
        found.setdefault(id(layer), layer)
    return list(found.values())


def display_names(model: Any) -> dict[int, str]:
    """Return a name for each layer by its id, as a fresh process would name it.

    Keras counts unnamed layers on for as long as the process lives: dense_7 is the first one of a
    model that is built a second time.
    """
    names: dict[int, str] = {}
    counts: dict[str, int] = {}
    for layer in all_layers(model):
        base = re.sub(r"_\d+$", "", layer.name)
        if base != _automatic(type(layer).__name__):
            names[id(layer)] = layer.name
            continue
        number = counts.get(base, 0)
        counts[base] = number + 1
        names[id(layer)] = f"{base}_{number}" if number else base
    return names


def _automatic(class_name: str) -> str:
    """Return what Keras names a layer of this class: its name in lower case, words apart."""
    words = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", re.sub(r"\W+", "", class_name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()


def is_own(thing: Any) -> bool:
    """Return whether a class, or a function, is the user's and not a library's."""
    if not inspect.isclass(thing) and not inspect.isroutine(thing):
        thing = type(thing)
    return str(getattr(thing, "__module__", "keras")).split(".")[0] not in _LIBRARIES


def where_written(thing: Any) -> str:
    """Return FILE:LINE of a user's class or function; "" for a library's, or where it is not known."""
    if not inspect.isclass(thing) and not inspect.isroutine(thing):
        thing = type(thing)
    if not is_own(thing):
        return ""
    if not inspect.isclass(thing):
        code = getattr(inspect.unwrap(thing), "__code__", None)
        return "" if code is None else f"{_short(code.co_filename)}:{code.co_firstlineno}"
    # inspect would look the module up, which the user's file no longer is.
    members = (inspect.unwrap(member) for member in vars(thing).values() if inspect.isroutine(member))
    codes = [member.__code__ for member in members if hasattr(member, "__code__")]
    if not codes:
        return ""
    file = codes[0].co_filename
    return f"{_short(file)}:{_line_of_class(file, thing.__name__) or codes[0].co_firstlineno}"


def _line_of_class(file: str, name: str) -> int | None:
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError):
        return None
    lines = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name]
    return lines[0] if len(lines) == 1 else None


def _short(file: str) -> str:
    """Return a path relative to the working directory, if it lies below."""
    path = Path(file)
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else file
