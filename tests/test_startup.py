"""`hptune --help` and `import hptune` load nothing heavy."""

from __future__ import annotations

import pytest
from support.startup import heavy_modules

from hptune.cli.commands import COMMANDS


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert heavy_modules("import hptune") == []


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]], ids=" ".join)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert heavy_modules(f"from hptune.__main__ import run; run({arguments!r})") == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_commands_help_loads_nothing_heavy(command: str) -> None:
    loaded = heavy_modules(f"from hptune.__main__ import run; run([{command!r}, '--help'])")
    assert loaded == []


def test_the_guard_can_fail() -> None:
    assert heavy_modules("import numpy") == ["numpy"]
