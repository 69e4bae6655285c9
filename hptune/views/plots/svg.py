"""Elements of SVG and HTML as text, escaped once, here."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

__all__ = ["element", "number", "path", "text"]

_VOID = ("input", "meta")
_SHAPES = ("circle", "line", "path", "rect")


def number(x: float) -> str:
    """Return a coordinate with one decimal at most."""
    return f"{x:.1f}".removesuffix(".0")


def text(content: object) -> str:
    """Return text for the inside of an element."""
    return escape(str(content), quote=False)


def element(name: str, /, *children: str, **attributes: object) -> str:
    """Return an element; children are markup already, attributes are escaped here.

    `class_` is class, `data_name` is data-name; None and False leave an attribute out.
    """
    parts = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        shown = number(value) if isinstance(value, float) else str(value)
        parts.append(key if value is True else f'{key}="{escape(shown)}"')
    opened = " ".join(parts)
    if name in _VOID:
        return f"<{opened}>"
    if not children and name in _SHAPES:
        return f"<{opened}/>"
    return f"<{opened}>{''.join(children)}</{name}>"


def path(points: Iterable[tuple[float, float]]) -> str:
    """Return the data of a path through points."""
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
