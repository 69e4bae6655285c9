"""docs/commands.md says what the commands say."""

from __future__ import annotations

from pathlib import Path

from support.command_reference import reference

from hptune.cli.commands import COMMANDS

PAGE = Path(__file__).parent.parent / "docs" / "commands.md"


def test_the_page_is_that_of_the_commands() -> None:
    made_by = "python tests/support/command_reference.py > docs/commands.md"
    assert PAGE.read_text(encoding="utf-8") == reference(), f"make it anew: {made_by}"


def test_every_command_and_its_options_are_on_it() -> None:
    page = reference()
    assert all(f"## hptune {name}\n" in page for name in COMMANDS)
    assert "### hptune import csv" in page
    assert "| `--trials INTEGER RANGE` | Budget in full trainings" in page
