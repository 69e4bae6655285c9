"""What each part of a script adds to it."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

__all__ = ["ScriptPart", "code"]


@dataclass(frozen=True, kw_only=True)
class ScriptPart:
    """Imports, constants and functions of one part of a script."""

    imports: tuple[str, ...] = ()
    """Whole statements."""
    needs: tuple[str, ...] = ()
    """Packages to install, beside keras and numpy."""
    constants: tuple[str, ...] = ()
    """Whole assignments, one or several lines each."""
    functions: tuple[str, ...] = ()
    """Whole definitions, without blank lines around them."""

    def __add__(self, other: ScriptPart) -> ScriptPart:
        """Return both, one after the other, each thing once."""
        return ScriptPart(
            imports=_once(self.imports + other.imports),
            needs=_once(self.needs + other.needs),
            constants=_once(self.constants + other.constants),
            functions=_once(self.functions + other.functions),
        )


def _once(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def code(text: str, *lines: str) -> str:
    """Return a text without its common indentation; `lines` stand where it says @0, @1, … alone.

    An empty one leaves no line behind; others are indented as the @ is.
    """
    written = []
    for line in dedent(text).strip("\n").splitlines():
        mark = line.strip()
        if not (mark.startswith("@") and mark[1:].isdigit()):
            written.append(line)
            continue
        indent = line[: len(line) - len(mark)]
        inserted = lines[int(mark[1:])]
        written += [f"{indent}{part}".rstrip() for part in inserted.splitlines()] if inserted else []
    return "\n".join(written)
