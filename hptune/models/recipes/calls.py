"""One description of a Keras object, two renderings: the object, and the Python that makes it.

    Call(name="layers.Dense", arguments={"units": 64, "activation": "relu"})
        .make()    a keras.layers.Dense
        .source()  'keras.layers.Dense(units=64, activation="relu")'

What is trained and what an exported script says can't differ: both come from the same call.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Call", "Rendered", "make", "source"]

_WIDTH = 100
"""Characters of a line, beyond which arguments get a line each."""
_INDENT = "    "


@runtime_checkable
class Rendered(Protocol):
    """Whatever an argument may be besides plain values."""

    def make(self) -> Any:
        """Return the object."""
        ...

    def source(self) -> str:
        """Return a Python expression that gives the same object."""
        ...


@dataclass(frozen=True)
class Array:
    """Numbers as an argument: float32, compared by value."""

    numbers: tuple[float, ...]
    """In C order."""
    shape: tuple[int, ...]

    @classmethod
    def of(cls, values: NDArray[Any]) -> Array:
        """Return an array's numbers as they are in float32."""
        exact = np.asarray(values, dtype=np.float32)
        return cls(tuple(float(v) for v in exact.ravel()), exact.shape)

    def make(self) -> NDArray[np.float32]:
        """Return them as NumPy's array."""
        return np.array(self.numbers, dtype=np.float32).reshape(self.shape)

    def source(self) -> str:
        """Return them as Python; float32 comes back the same."""
        # The shortest digits that give the same float32 back, as NumPy prints them.
        numbers = ", ".join(str(np.float32(number)) for number in self.numbers)
        shaped = f".reshape({self.shape})" if len(self.shape) != 1 else ""
        return f'np.array([{numbers}], dtype="float32"){shaped}'


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of a class or function, with keyword arguments."""

    name: str
    """Dotted name inside `home`: layers.Dense."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Plain values, strings, tuples, lists, dictionaries, and whatever is `Rendered`."""
    home: str = "keras"
    """Module that has it. A script holds the text of any module but Keras."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "arguments", MappingProxyType(dict(self.arguments)))

    def __hash__(self) -> int:
        return hash((self.home, self.source()))

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping proxy can't be pickled.
        return (_call, (self.name, dict(self.arguments), self.home))

    def make(self) -> Any:
        """Call it; arguments are made first, in their order."""
        target: Any = importlib.import_module(self.home)
        for part in self.name.split("."):
            target = getattr(target, part)
        return target(**{key: make(value) for key, value in self.arguments.items()})

    def source(self) -> str:
        """Return the call as Python, over several lines where it is long."""
        name = f"keras.{self.name}" if self.home == "keras" else self.name
        parts = [f"{key}={source(value)}" for key, value in self.arguments.items()]
        line = f"{name}({', '.join(parts)})"
        if len(line) <= _WIDTH and "\n" not in line:
            return line
        inner = "".join(f"{_INDENT}{part.replace(chr(10), chr(10) + _INDENT)},\n" for part in parts)
        return f"{name}(\n{inner})"

    def calls(self) -> Iterator[Call]:
        """Give this call and every call inside it."""
        yield self
        for value in self.arguments.values():
            yield from _calls(value)


def _call(name: str, arguments: dict[str, Any], home: str) -> Call:
    return Call(name=name, arguments=arguments, home=home)


def _calls(value: Any) -> Iterator[Call]:
    if isinstance(value, Call):
        yield from value.calls()
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _calls(item)
    elif isinstance(value, Mapping):
        yield from _calls(list(value.values()))


def make(value: Any) -> Any:
    """Return what an argument stands for."""
    if isinstance(value, Rendered):
        return value.make()
    if isinstance(value, list | tuple):
        return type(value)(make(item) for item in value)
    if isinstance(value, Mapping):
        return {key: make(item) for key, item in value.items()}
    return value


def source(value: Any) -> str:
    """Return an argument as a Python expression."""
    if isinstance(value, Rendered):
        return value.source()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(source(item) for item in value)}]"
    if isinstance(value, tuple):
        return f"({', '.join(source(item) for item in value)}{',' if len(value) == 1 else ''})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{source(key)}: {source(item)}" for key, item in value.items()) + "}"
    return repr(value)
