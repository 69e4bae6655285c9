"""The project file `hptune.toml`: defaults for the options of every command."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from hptune.cli.commands import COMMANDS, load_command
from hptune.cli.options import OPTION_NAMES
from hptune.errors import UsageError, did_you_mean

__all__ = ["PROJECT_FILE", "check_values", "load_defaults"]

PROJECT_FILE = "hptune.toml"
_HEADER = re.compile(r"\s*\[+\s*[\"']?([\w-]+)")
_SETS = re.compile(r"\s*(?:([\w-]+)\s*\.\s*)?[\"']?([\w-]+)[\"']?\s*=")


@dataclass(frozen=True, kw_only=True)
class _Setting:
    """One key of the file."""

    section: str
    """A command, or "" above the first section."""
    key: str
    """As it is written."""
    value: Any
    parameter: str
    """What Click calls the option."""
    place: str
    """FILE:LINE"""


def load_defaults(folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """Return the project file's defaults by command: its keys are options, `[search]` a command.

    A key above the first section holds for every command that has that option; one in a section
    must be an option of that command. Raises UsageError naming file, line and key. {} where there
    is no project file.
    """
    settings = _settings((folder or Path()) / PROJECT_FILE)
    if not settings:
        return {}
    return {
        name: {s.parameter: s.value for s in settings if s.section == ""}
        | {s.parameter: s.value for s in settings if s.section == name}
        for name in COMMANDS
    }


def check_values(command: str, folder: Path | None = None) -> None:
    """Check that the options of a command take what the project file gives them.

    Raises UsageError naming file, line and key.
    """
    settings = [s for s in _settings((folder or Path()) / PROJECT_FILE) if s.section in ("", command)]
    if not settings:
        return
    parameters = {parameter.name: parameter for parameter in _parameters(command)}
    for setting in settings:
        if setting.parameter in parameters:
            _check_value(setting, parameters[setting.parameter])


def _check_value(setting: _Setting, parameter: click.Parameter) -> None:
    value, place = setting.value, f"{setting.place}: {setting.key}"
    several = getattr(parameter, "multiple", False)
    listed = several and isinstance(value, list) and all(isinstance(item, str) for item in value)
    if not isinstance(value, str | bool | int) and not listed:
        raise UsageError(
            f"{place} can't be {value!r}",
            hint='Write text, a whole number or true/false; a share as text: validation = "0.3".',
        )
    if any("\0" in text for text in (value if isinstance(value, list) else [str(value)])):
        raise UsageError(f"{place} holds a null byte", hint="Write what the option takes.")
    if isinstance(value, bool) and not getattr(parameter, "is_flag", False):
        raise UsageError(f"{place} can't be {str(value).lower()}", hint="Write what the option takes.")
    try:
        parameter.type_cast_value(
            click.Context(click.Command("")), [value] if several and not listed else value
        )
    except click.BadParameter as error:
        raise UsageError(f"{place}: {error.message}") from error


def _settings(path: Path) -> list[_Setting]:
    """Read the file; raises UsageError for a section or key that means nothing."""
    content = _read(path)
    lines = _lines(path) if content else {}
    found = []
    for name, section in content.items():
        if not isinstance(section, dict):
            place = f"{path}:{lines.get(('', name)) or lines.get((name, ''), 1)}"
            parameter = _known(name, dict.fromkeys(OPTION_NAMES, ""), place)
            found.append(_Setting(section="", key=name, value=section, parameter=parameter, place=place))
            continue
        if name not in COMMANDS:
            place = f"{path}:{lines.get((name, ''), 1)}"
            raise UsageError(f"{place}: no command [{name}]", hint=did_you_mean(name, COMMANDS))
        options = {long: str(p.name) for p in _parameters(name) for long in _longs(p)}
        for key, value in section.items():
            place = f"{path}:{lines.get((name, key), 1)}"
            parameter = _known(key, options, place, of=f" of {name}")
            found.append(_Setting(section=name, key=key, value=value, parameter=parameter, place=place))
    return found


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    if not path.is_file():
        raise UsageError(f"{path}: not a file", hint="The project file is text: `hptune init` writes one.")
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError, OSError) as error:
        raise UsageError(f"{path}: can't be read: {error}") from error


def _lines(path: Path) -> dict[tuple[str, str], int]:
    """Return the line (from 1) of each section and key: ("search", "") is where [search] begins."""
    found: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if opened := _HEADER.match(line):
            section = opened[1]
            found.setdefault((section, ""), number)
        elif sets := _SETS.match(line):
            found.setdefault((sets[1] or section, sets[2]), number)
            found.setdefault((sets[1] or section, ""), number)
    return found


def _parameters(command: str) -> list[click.Parameter]:
    return [parameter for parameter in load_command(command).params if parameter.name]


def _longs(parameter: click.Parameter) -> list[str]:
    """Return what a parameter is called in the file: max-time for --max-time, data for DATA."""
    if isinstance(parameter, click.Argument):
        return [str(parameter.name)]
    return [name.removeprefix("--") for name in parameter.opts if name.startswith("--")]


def _known(key: str, options: Mapping[str, str], place: str, of: str = "") -> str:
    """Return the name of the parameter that a key sets; raises UsageError where there is none."""
    option = key.replace("_", "-")
    if option not in options:
        raise UsageError(f"{place}: no option {key!r}{of}", hint=did_you_mean(key, options))
    return options[option] or option.replace("-", "_")
