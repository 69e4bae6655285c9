"""A dialogue in a terminal, line after line: no cursor is moved, so a screen reader follows."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap

import click

from hptune._text import printable

__all__ = ["Prompt"]

_NARROWEST = 40
_WIDEST = 80
_PLAIN = str.maketrans(
    {"→": "->", "−": "-", "±": "+/-", "×": "x", "·": ".", "…": "...", "–": "-", "¬": "not "}
)
"""What stands for signs that a terminal without Unicode can't show."""


class Prompt:
    """Says and asks, on stdout or stderr, as wide as the terminal and in the signs that it has."""

    def __init__(self, *, err: bool) -> None:
        stream = sys.stderr if err else sys.stdout
        self._err = err
        self._encoding = stream.encoding or "ascii"
        self._colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.unicode = self._encoding.lower().replace("-", "").startswith("utf")
        self.width = max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns))

    def line(self, text: str = "", *, bold: bool = False, colour: str | None = None) -> None:
        """Print one line as it is. What a colour shows stands in the words, too."""
        shown = self._shown(text)
        if self._colour and (bold or colour):
            shown = click.style(shown, bold=bold or None, fg=colour)
        click.echo(shown, err=self._err)

    def sentence(self, text: str, *, indent: int = 2, colour: str | None = None) -> None:
        """Print a sentence, wrapped to the width."""
        space = " " * indent
        for piece in textwrap.wrap(
            text, self.width, initial_indent=space, subsequent_indent=space, break_on_hyphens=False
        ):
            self.line(piece, colour=colour)

    def ask(self, what: str, default: str = "") -> str:
        """Ask for a line and return it without spaces around; click.Abort where there is no answer."""
        answer: str = click.prompt(
            self._shown(what), default=default, show_default=bool(default), err=self._err
        )
        return answer.strip()

    def _shown(self, text: str) -> str:
        text = printable(text)
        if self.unicode:
            return text
        return text.translate(_PLAIN).encode(self._encoding, errors="replace").decode(self._encoding)
