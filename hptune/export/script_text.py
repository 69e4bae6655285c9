"""Python as `ruff format` would leave it: literals, and statements broken where they are too long."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from textwrap import dedent
from typing import Any

__all__ = ["WIDTH", "comment", "inside", "layout", "literal"]

WIDTH = 88
"""Columns of a line: the default of ruff and black."""
_STEP = 4


def literal(value: Any) -> str:
    """Return a plain value (text, number, list, tuple, dictionary) as one line of Python."""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    return repr(value)


def comment(lines: Iterable[str]) -> str:
    """Return lines of text as comments."""
    flat = [part for line in lines for part in (line.splitlines() or [""])]
    return "\n".join(f"# {line}".rstrip() for line in flat)


def layout(code: str, *, indent: int = 0, tail: str = "") -> str:
    """Return one assignment, return or expression, `indent` columns to the right, in lines that fit.

    What does not fit is broken inside its brackets, an element a line. `tail` follows the last line.
    """
    (statement,) = ast.parse(code.strip()).body
    head, value = _halves(statement)
    room = WIDTH - indent - len(tail)
    text = _broken(value, indent, indent + len(head), len(tail))
    if head and isinstance(value, ast.Constant) and len(head) + len(text) > room >= _STEP + len(text):
        text = f"(\n{' ' * (indent + _STEP)}{text}\n{' ' * indent})"
    return f"{' ' * indent}{head}{text}{tail}"


def inside(code: str, indent: int, *, tail: str = "") -> str:
    """Return the same without its indentation, to be put into a text that has it."""
    return dedent(layout(code, indent=indent, tail=tail))


def _halves(statement: ast.stmt) -> tuple[str, ast.expr]:
    """Return what stands before a statement's value, and the value."""
    if isinstance(statement, ast.Assign):
        (target,) = statement.targets
        # A tuple on the left has no parentheses.
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        return f"{', '.join(map(_flat, names))} = ", statement.value
    if isinstance(statement, ast.Return) and statement.value is not None:
        return "return ", statement.value
    assert isinstance(statement, ast.Expr)
    return "", statement.value


def _broken(node: ast.expr, indent: int, column: int, tail: int) -> str:
    """Return an expression that begins at `column` of a line, with room for `tail` behind it."""
    flat = _flat(node)
    parts = _parts(node)
    if column + len(flat) + tail <= WIDTH or parts is None:
        return flat
    opening, elements, closing = parts
    inner = indent + _STEP
    lines = [
        f"{' ' * inner}{head}{_broken(value, inner, inner + len(head), 1)},\n" for head, value in elements
    ]
    return f"{opening}\n{''.join(lines)}{' ' * indent}{closing}"


def _parts(node: ast.expr) -> tuple[str, list[tuple[str, ast.expr]], str] | None:
    """Return opening, elements with what stands before their values, and closing; None where it has none."""
    if isinstance(node, ast.Call) and (node.args or node.keywords):
        given = [("", value) for value in node.args]
        return f"{_flat(node.func)}(", [*given, *((f"{k.arg}=", k.value) for k in node.keywords)], ")"
    if isinstance(node, ast.Dict) and node.keys:
        pairs = zip(node.keys, node.values, strict=True)
        return "{", [(f"{_flat(key)}: ", value) for key, value in pairs if key is not None], "}"
    if isinstance(node, ast.List | ast.Tuple) and node.elts:
        ends = "[]" if isinstance(node, ast.List) else "()"
        return ends[0], [("", value) for value in node.elts], ends[1]
    return None


class _Quote(ast.NodeTransformer):
    """Puts names that read like the literals in the place of texts: Python's own unparser prefers '."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Name(id=_quoted(node.value)) if isinstance(node.value, str) else node


def _flat(node: ast.expr) -> str:
    return ast.unparse(_Quote().visit(ast.parse(ast.unparse(node), mode="eval").body))


def _quoted(text: str) -> str:
    """Return a text in double quotes, unless that needs more backslashes than single ones do."""
    shown = repr(text)
    single = shown.startswith("'")
    if single and text.count('"') > text.count("'"):
        return shown
    inner = shown[1:-1].replace("\\'", "'") if single else shown[1:-1]
    return '"' + (inner.replace('"', '\\"') if single else inner) + '"'
