"""What each part of a script adds to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from textwrap import indent
from typing import Any

__all__ = ["ScriptPart", "function"]


@dataclass(frozen=True, kw_only=True)
class ScriptPart:
    """Imports, configuration, functions and copies of one part of a script."""

    imports: tuple[str, ...] = ()
    """Whole statements."""
    needs: tuple[str, ...] = ()
    """Packages to install, beside keras and numpy."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """What the script's CONFIG holds."""
    functions: tuple[str, ...] = ()
    """Whole definitions that are written for this script."""
    copies: tuple[Any, ...] = ()
    """Functions and classes of ours that are copied into it."""

    def __add__(self, other: ScriptPart) -> ScriptPart:
        """Return both, one after the other, each thing once."""
        return ScriptPart(
            imports=_once(self.imports + other.imports),
            needs=_once(self.needs + other.needs),
            config={**self.config, **other.config},
            functions=_once(self.functions + other.functions),
            copies=_once(self.copies + other.copies),
        )


def _once(things: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(things))


def function(head: str, docstring: str, lines: Iterable[str]) -> str:
    """Return a definition: its head (name and arguments), what it does, and its statements."""
    body = "\n".join([f'"""{docstring}"""', *lines])
    return f"def {head}:\n{indent(body, '    ')}"
