"""Copies functions and classes of this package into a script, with all of ours that they need.

A script so trains by the very code of the search: there is no second wording that could differ.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

__all__ = ["Copies", "copied"]

_PACKAGE = __name__.partition(".")[0]
_FOR_TOOLS = re.compile(r"  # (type: ignore|noqa).*$", re.MULTILINE)
"""Remarks for our own type checker and linter."""


@dataclass(frozen=True, kw_only=True)
class _Module:
    """The top level of one of our modules."""

    texts: dict[str, str] = field(default_factory=dict)
    """Name → the statement that defines it."""
    names: dict[str, list[str]] = field(default_factory=dict)
    """Name → the names that its definition uses."""
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name → module and name in it, "" for the module itself."""


@dataclass
class Copies:
    """What was copied so far, each thing once, after what it needs."""

    imports: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    _from: dict[str, str] = field(default_factory=dict)
    """Name → the module that it was taken from."""

    def take(self, module: str, name: str) -> None:
        """Copy a name of a module; names that the module does not know are Python's or local ones."""
        home = _read(module)
        if name in home.imports:
            self._import(name, *home.imports[name])
        elif name in home.texts:
            taken = self._from.setdefault(name, module)
            assert taken == module, f"{name} is in {taken} and in {module}"
            if home.texts[name] not in self.texts:
                self._define(module, name)

    def _define(self, module: str, name: str) -> None:
        home = _read(module)
        for needed in home.names[name]:
            if needed not in self._from or self._from[needed] != module:
                self.take(module, needed)
        self.texts.append(home.texts[name])

    def _import(self, name: str, module: str, original: str) -> None:
        if module.partition(".")[0] == _PACKAGE:
            assert name == original, f"{original} of {module} has another name"
            self.take(module, original)
            return
        renamed = "" if name == (original or module) else f" as {name}"
        statement = f"from {module} import {original}" if original else f"import {module}"
        if statement + renamed not in self.imports:
            self.imports.append(statement + renamed)


def copied(*things: Any) -> Copies:
    """Return the text of functions and classes, and the imports that it needs."""
    copies = Copies()
    for thing in things:
        copies.take(thing.__module__, thing.__name__)
    return copies


@cache
def _read(name: str) -> _Module:
    text = inspect.getsource(importlib.import_module(name))
    module, lines = _Module(), text.splitlines()
    statements = list(_statements(ast.parse(text).body))
    for node, following in zip(statements, [*statements[1:], None], strict=True):
        if isinstance(node, ast.Import):
            module.imports.update({a.asname or a.name: (a.name, "") for a in node.names})
        elif isinstance(node, ast.ImportFrom):
            module.imports.update({a.asname or a.name: (str(node.module), a.name) for a in node.names})
        for defined in _defined(node):
            last = following if _is_docstring(following) and isinstance(node, ast.Assign) else node
            decorators = [d.lineno for d in getattr(node, "decorator_list", [])]
            first = min([node.lineno, *decorators])
            assert last is not None
            module.texts[defined] = _FOR_TOOLS.sub("", "\n".join(lines[first - 1 : last.end_lineno]))
            used = [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]
            module.names[defined] = [n for n in dict.fromkeys(used) if n != defined]
    return module


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Give the statements of a module, those under `with` and `if` too."""
    for node in body:
        if isinstance(node, ast.With | ast.If):
            yield from _statements(node.body)
        else:
            yield node


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    return [t.id for t in node.targets if isinstance(t, ast.Name)] if isinstance(node, ast.Assign) else []


def _is_docstring(node: ast.stmt | None) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
