"""`hptune --help` and `import hptune` load nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "tensorflow",
    "keras",
    "keras_tuner",
    "pandas",
    "scipy",
    "sklearn",
    "plotly",
    "numpy",
    "pydantic",
    "rich",
)


def heavy_modules(code: str) -> list[str]:
    """The heavy modules that a fresh process has loaded after `code`."""
    script = f"import sys\n{code}\nprint(*[m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stderr.split()


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert heavy_modules("import hptune") == []


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]], ids=" ".join)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert heavy_modules(f"from hptune.__main__ import run; run({arguments!r})") == []


@pytest.mark.parametrize(
    "command",
    [
        "search",
        "narrow",
        "status",
        "trials",
        "show",
        "report",
        "compare",
        "confirm",
        "export",
        "spaces",
        "init",
    ],
)
def test_a_commands_help_loads_nothing_heavy(command: str) -> None:
    loaded = heavy_modules(f"from hptune.__main__ import run; run([{command!r}, '--help'])")
    assert loaded == []


def test_the_guard_can_fail() -> None:
    assert heavy_modules("import numpy") == ["numpy"]
