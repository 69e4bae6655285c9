"""How sentences count and list things."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

__all__ = [
    "counted",
    "first_of",
    "is_number",
    "listed",
    "numbered",
    "on_one_line",
    "printable",
    "quoted",
    "significant",
]

_PLAIN = 1e7
"""Numbers below are written out."""


def counted(count: int, name: str) -> str:
    """Return a count with its name: `1 trial`, `1,200 trials`."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def listed(names: Sequence[object]) -> str:
    """Return names as a sentence lists them: `a`, `a and b`, `a, b and c`."""
    shown = [str(name) for name in names]
    return " and ".join(shown) if len(shown) < 3 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def numbered(name: str, numbers: Sequence[int]) -> str:
    """Return what bears these numbers: `trial 3`, `trials 3, 7 and 9`; "" for none."""
    return f"{name}{'s' if len(numbers) > 1 else ''} {listed(numbers)}" if numbers else ""


def first_of(names: Sequence[object], most: int, separator: str = ", ") -> str:
    """Return at most so many names, and how many are left out: `a, b and 7 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return separator.join(map(str, names[:most])) + more


def is_number(text: str) -> bool:
    """Return whether text is a number as Python reads it."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def significant(number: float | None, digits: int) -> str:
    """Return a number rounded to so many digits: `0.9861`, `31620`, `1700`, `1e-7`; "" for none."""
    if number is None:
        return ""
    text = f"{number:.{digits}g}"
    if "e+" in text and abs(number) < _PLAIN:
        return f"{float(text):.0f}"
    return text.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def quoted(text: str) -> str:
    """Return text in double quotes on one line, as YAML and TOML both read it, whatever it holds."""
    return '"' + "".join(map(_escaped, text)) + '"'


_COMMANDS = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of Unicode that a terminal may obey: controls, directions, halves of a pair, breaks."""
_JOINERS = "\u200c\u200d"
"""Of these the ones that spelling and emoji need, and that do nothing else."""


def printable(text: str, *, keep: str = "\n\t") -> str:
    """Return text that a terminal only shows: what it would obey is written as `\\x1b`.

    Names and messages may come from a file or a study of anyone's. `keep` are controls that stay.
    """
    if text.isprintable():
        return text
    return "".join(c if c in keep or not _is_obeyed(c) else _named(c) for c in text)


def on_one_line(text: str) -> str:
    """Return text as a cell or a part of a line shows it: breaks and tabs are written as `\\n` and `\\t`."""
    return printable(text, keep="")


def _is_obeyed(character: str) -> bool:
    return unicodedata.category(character) in _COMMANDS and character not in _JOINERS


def _named(character: str) -> str:
    return ascii(character)[1:-1]


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
