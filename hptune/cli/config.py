"""The project file `hptune.toml`: defaults for the options of every command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hptune.cli.commands import COMMANDS
from hptune.cli.options import OPTION_NAMES
from hptune.errors import InputError, did_you_mean

__all__ = ["PROJECT_FILE", "load_defaults"]

PROJECT_FILE = "hptune.toml"


def load_defaults(folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """Return the project file's defaults by command: its keys are options, `[search]` a command.

    A key above the first section holds for every command that has that option. Raises InputError
    naming file, line and key. {} where there is no project file.
    """
    path = (folder or Path()) / PROJECT_FILE
    if not path.is_file():
        return {}
    import tomllib

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path}: can't be read: {error}") from error
    everywhere = {key: value for key, value in content.items() if not isinstance(value, dict)}
    sections = {key: value for key, value in content.items() if isinstance(value, dict)}
    _check(path, everywhere, sections)
    return {name: _options(everywhere | sections.get(name, {})) for name in COMMANDS}


def _options(given: dict[str, Any]) -> dict[str, Any]:
    return {key.replace("-", "_"): value for key, value in given.items()}


def _check(path: Path, everywhere: dict[str, Any], sections: dict[str, Any]) -> None:
    """Raise InputError for a section or key that means nothing."""
    for name in sections:
        if name not in COMMANDS:
            raise InputError(
                f"{path}:{_line(path, f'[{name}')}: no command [{name}]", hint=did_you_mean(name, COMMANDS)
            )
    for key, value in [*everywhere.items(), *(item for part in sections.values() for item in part.items())]:
        _check_value(path, key, value)
        if key.replace("_", "-") not in OPTION_NAMES:
            raise InputError(
                f"{path}:{_line(path, key)}: no option {key!r}", hint=did_you_mean(key, OPTION_NAMES)
            )


def _check_value(path: Path, key: str, value: Any) -> None:
    """Raise InputError for a value that no option can take; which one it takes, the option says."""
    listed = isinstance(value, list) and all(isinstance(item, str) for item in value)
    if isinstance(value, str | bool | int) or (listed and key.replace("_", "-") == "learn-from"):
        return
    raise InputError(
        f"{path}:{_line(path, key)}: {key} can't be {value!r}",
        hint='Write text, a whole number or true/false; a share as text: validation = "0.3".',
    )


def _line(path: Path, start: str) -> int:
    """Return the number (from 1) of the first line that begins with `start`."""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return next((n for n, line in enumerate(lines, 1) if line.strip().startswith(start)), 1)
