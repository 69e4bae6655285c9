"""What tells whether the code of a user's file is what it was."""

from __future__ import annotations

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

__all__ = ["code_fingerprint", "meaning_of"]

_WITHOUT_MEANING = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENCODING)


def code_fingerprint(file: Path) -> str:
    """Return the SHA-256 (hex) of a file's code, and of the files beside it that it imports.

    Comments and blank lines are left out. Raises OSError where the file can't be read.
    """
    digest = hashlib.sha256()
    home = file.resolve().parent
    for path in _with_imports(file.resolve(), home, set()):
        digest.update(
            f"{path.relative_to(home)}\0{meaning_of(path.read_bytes())}\0".encode(errors="surrogatepass")
        )
    return digest.hexdigest()


def meaning_of(content: bytes) -> str:
    """Return the words of a text; its bytes where it is not Python."""
    try:
        words = [
            f"{token.type} " if token.type in (tokenize.INDENT, tokenize.DEDENT) else token.string
            for token in tokenize.tokenize(io.BytesIO(content).readline)
            if token.type not in _WITHOUT_MEANING
        ]
    except (tokenize.TokenError, SyntaxError, UnicodeDecodeError):
        return content.hex()
    return " ".join(words)


def _with_imports(file: Path, home: Path, known: set[Path]) -> Iterator[Path]:
    """Give a file, and then the files under `home` that it imports, each once."""
    known.add(file)
    yield file
    for name in _imported(file):
        for path in _files_of(name, home):
            if path not in known:
                yield from _with_imports(path, home, known)


def _imported(file: Path) -> list[str]:
    """Return the dotted names of what a file imports, sorted; relative ones as from its own folder."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return []
    names = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names |= {module, *(f"{module}.{alias.name}".strip(".") for alias in node.names)}
    return sorted(names - {""})


def _files_of(name: str, home: Path) -> Iterator[Path]:
    """Give the files under `home` that hold a module, and the packages that it lies in."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        place = home.joinpath(*parts[:end])
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if path.is_file():
                yield path.resolve() if path.resolve().is_relative_to(home) else path
