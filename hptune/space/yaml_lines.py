"""Reads YAML 1.2 (and so JSON) into plain values that know their lines.

YAML 1.2 takes 1e-5 for a number and `on` for text, as people do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from hptune.errors import SpaceError

__all__ = ["Document", "Path", "dotted", "read_yaml"]

Path = tuple[str | int, ...]
"""Keys and list positions from the top of a document down to a value."""

_TAG = "tag:yaml.org,2002:"
_MOST_REPEATED = 1000
"""Values that aliases may stand for once more: what a few lines can grow to."""
_LARGEST = 10**300
_SHOWN = 40
"""Characters of a wrong number that are shown."""


def dotted(path: Path) -> str:
    """Return a path as people say it: `learning_rate.range`, without the section it is in."""
    return ".".join(map(str, path[1:] if path[:1] == ("hyperparameters",) and path[1:] else path))


@dataclass(frozen=True, kw_only=True)
class Document:
    """What a file says, and where."""

    source: str
    """The file, as the person named it."""
    data: Any
    """Mappings, lists, text, numbers, booleans and None."""
    lines: Mapping[Path, int] = field(default_factory=dict)
    """Line (from 1) of each key or list item."""

    def line(self, *path: str | int) -> int:
        """Return the line (from 1) of what lies at `path`, or of the nearest thing above it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(text: str, source: str) -> Document:
    """Read one YAML document; an empty one gives None. SpaceError with the line where it can't be."""
    try:
        top = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        problem = " ".join(str(part) for part in (error.context, error.problem) if part)
        hint = "Indent with spaces." if "\\t" in problem else ""
        raise SpaceError(f"not valid YAML: {problem}", hint=hint, source=source, line=line) from error
    except ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise SpaceError(
            f"not valid YAML: the character #x{error.character:04x} is not allowed", source=source, line=line
        ) from error
    except RecursionError as error:
        raise SpaceError("nested too deeply", source=source, line=1) from error
    except ValueError as error:
        raise SpaceError(f"not valid YAML: {error}", source=source, line=1) from error
    except YAMLError as error:
        raise SpaceError(f"not valid YAML: {error}", source=source, line=1) from error
    if top is None:
        return Document(source=source, data=None)
    reading = _Reading(source)
    data = reading.value(top, ())
    return Document(source=source, data=data, lines=reading.lines)


class _Reading:
    """Turns YAML's nodes into plain values and notes their lines."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines: dict[Path, int] = {}
        self._open: list[int] = []
        self._seen: set[int] = set()
        self._repeated = 0

    def fail(self, node: Node, path: Path, message: str, hint: str = "") -> None:
        line = node.start_mark.line + 1
        raise SpaceError(message, hint=hint, source=self.source, line=line, name=dotted(path))

    def value(self, node: Node, path: Path) -> Any:
        self._repeated += id(node) in self._seen
        self._seen.add(id(node))
        if self._repeated > _MOST_REPEATED:
            self.fail(node, path, "aliases repeat too much", "Write it out.")
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._open:
            self.fail(node, path, "a value can't hold itself")
        self._open.append(id(node))
        assert isinstance(node, MappingNode | SequenceNode)
        found = self._mapping(node, path) if isinstance(node, MappingNode) else self._list(node, path)
        self._open.pop()
        return found

    def _list(self, node: SequenceNode, path: Path) -> list[Any]:
        found = []
        for i, item in enumerate(node.value):
            self.lines[(*path, i)] = item.start_mark.line + 1
            found.append(self.value(item, (*path, i)))
        return found

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if key_node.tag != _TAG + "str":
                self.fail(key_node, path, f"a key must be text, got {key}", "Put it in quotes.")
            here = (*path, key)
            line = key_node.start_mark.line + 1
            if key in found:
                self.fail(key_node, here, f"the key is used twice: line {self.lines[here]} has it first")
            self.lines[here] = line
            found[key] = self.value(value_node, here)
        return found

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        text: str = node.value
        tag = str(node.tag)
        kind = tag.removeprefix(_TAG)
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in ("true", "yes", "on", "y")
        if kind in ("int", "float"):
            return self._number(node, path, _whole if kind == "int" else _real)
        if not tag.startswith(_TAG):
            self.fail(node, path, f"YAML tags such as {tag} have no meaning here")
        return text

    def _number(self, node: Node, path: Path, read: Callable[[str], float]) -> float:
        shown = node.value if len(node.value) <= _SHOWN else f"{node.value[:_SHOWN]}…"
        try:
            number = read(node.value)
        except ValueError:
            self.fail(node, path, f"{shown!r} is not a number, or has too many digits")
            raise
        if isinstance(number, int) and abs(number) > _LARGEST:
            self.fail(node, path, f"{shown} is too large a number")
        return number


def _whole(text: str) -> int:
    digits = text.replace("_", "")
    return int(digits, 0) if digits.lstrip("+-")[:2].lower() in ("0x", "0o", "0b") else int(digits)


def _real(text: str) -> float:
    plain = text.replace("_", "").lower()
    if plain.endswith((".inf", ".nan")):
        return -math.inf if plain.startswith("-") else math.inf if plain.endswith("inf") else math.nan
    return float(plain)
