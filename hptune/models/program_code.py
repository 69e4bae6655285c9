"""What tells whether code that a Python program holds in memory is what it was."""

from __future__ import annotations

import functools
import hashlib
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from hptune.data.source_code import meaning_of
from hptune.models.backend import keras

__all__ = ["file_of", "program_fingerprint"]

_PLAIN = (bool, int, float, complex, str, bytes, type(None))


def program_fingerprint(*objects: Any) -> str:
    """Return the SHA-256 (hex) of functions, classes and objects, and of what of the program they use.

    That is the functions, classes and plain values (numbers, text, and tuples, lists and dicts of them) that
    their code names, as far as these are of the same module or of a file below the working directory.
    Optimizers, losses and metrics of Keras count by their configuration. Comments and blank lines are left
    out. Arrays and anything else count by their type alone.
    """
    digest = hashlib.sha256()
    seen: dict[int, Any] = {}
    for one in objects:
        for word in _words(one, seen):
            digest.update(f"{word}\0".encode(errors="surrogatepass"))
    return digest.hexdigest()


def file_of(code: Any) -> Path:
    """Return the file of a function's, a class's or an object's code, or a name in the working directory."""
    kind = _unwrapped(code)
    kind = kind if inspect.isfunction(kind) or inspect.isclass(kind) else type(kind)
    try:
        return Path(inspect.getfile(kind))
    except (TypeError, OSError):
        # What is typed into an interpreter has no file.
        return Path("python")


def _words(one: Any, seen: dict[int, Any]) -> Iterator[str]:
    """Give what tells an object from another one, each function and class once."""
    one = _unwrapped(one)
    plain = _plain(one)
    if plain is not None:
        yield plain
        return
    if id(one) in seen:
        return
    # Kept, so that no other object gets its address.
    seen[id(one)] = one
    if isinstance(one, functools.partial):
        yield "partial"
        for part in (one.func, *one.args, *one.keywords.values()):
            yield from _words(part, seen)
    elif isinstance(one, FunctionType):
        yield from _of_function(one, seen)
    elif inspect.isclass(one):
        yield from _of_class(one, seen)
    elif isinstance(one, Mapping | list | tuple | set | frozenset):
        yield from _of_container(one, seen)
    else:
        yield from _of_object(one, seen)


def _of_object(one: Any, seen: dict[int, Any]) -> Iterator[str]:
    yield f"{type(one).__module__}.{type(one).__qualname__}"
    if isinstance(one, keras.optimizers.Optimizer | keras.losses.Loss | keras.metrics.Metric):
        # Keras numbers those that nobody has named.
        yield from _words({key: value for key, value in one.get_config().items() if key != "name"}, seen)
    elif _is_own(type(one)):
        yield from _words(type(one), seen)
        for name, value in sorted(getattr(one, "__dict__", {}).items()):
            yield name
            yield from _words(value, seen)


def _unwrapped(one: Any) -> Any:
    if isinstance(one, MethodType):
        # Its object has the state, and the class all methods.
        return one.__self__
    return inspect.unwrap(one) if isinstance(one, FunctionType) else one


def _plain(one: Any) -> str | None:
    if isinstance(one, _PLAIN):
        return f"{type(one).__name__} {one!r}"
    return None


def _of_container(one: Any, seen: dict[int, Any]) -> Iterator[str]:
    yield type(one).__name__
    if isinstance(one, set | frozenset):
        yield from sorted(_plain(part) or type(part).__name__ for part in one)
        return
    parts = [part for item in one.items() for part in item] if isinstance(one, Mapping) else one
    for part in parts:
        yield from _words(part, seen)


def _of_function(function: FunctionType, seen: dict[int, Any]) -> Iterator[str]:
    yield function.__qualname__
    yield _source(function)
    used: list[Any] = [function.__defaults__ or (), function.__kwdefaults__ or {}]
    for cell in function.__closure__ or ():
        try:
            used.append(cell.cell_contents)
        except ValueError:
            # Not set yet.
            continue
    names = sorted(set(_names(function.__code__)))
    used += [function.__globals__[name] for name in names if name in function.__globals__]
    home = function.__module__
    for one in used:
        if _counts(one, home):
            yield from _words(one, seen)


def _of_class(kind: type, seen: dict[int, Any]) -> Iterator[str]:
    yield kind.__qualname__
    for base in kind.__bases__:
        if _is_own(base):
            yield from _words(base, seen)
        else:
            yield f"{base.__module__}.{base.__qualname__}"
    for name, value in sorted(vars(kind).items()):
        inner = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        inner = inner.fget if isinstance(inner, property) else inner
        if isinstance(inner, FunctionType) or (_plain(inner) is not None and not name.startswith("__")):
            yield name
            yield from _words(inner, seen)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _counts(one: Any, home: str) -> bool:
    """Return whether something that code names is the program's own."""
    if isinstance(one, ModuleType):
        return False
    one = _unwrapped(one)
    if isinstance(one, FunctionType) or inspect.isclass(one):
        return one.__module__ == home or _is_own(one)
    return True


def _is_own(code: Any) -> bool:
    """Return whether a class or a function is the program's, and of no installed package."""
    if code.__module__ in ("__main__", "builtins"):
        return bool(code.__module__ == "__main__")
    try:
        file = Path(inspect.getfile(code)).resolve()
    except (TypeError, OSError):
        return False
    installed = {"site-packages", "dist-packages"} & set(file.parts)
    return file.is_relative_to(Path.cwd()) and not installed


def _source(function: FunctionType) -> str:
    """Return the words of a function; its instructions where nobody knows its text."""
    try:
        return meaning_of(textwrap.dedent(inspect.getsource(function)).encode())
    except (OSError, TypeError):
        return f"{function.__code__.co_code.hex()} {_constants(function.__code__)}"


def _constants(code: CodeType) -> str:
    return " ".join(
        _constants(constant) if isinstance(constant, CodeType) else repr(constant)
        for constant in code.co_consts
    )
