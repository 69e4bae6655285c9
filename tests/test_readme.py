"""What the README says can be done: its commands and options are there, its files too."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from hptune.cli.commands import COMMANDS, load_command

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    """Every hptune command line of the README's shell blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    lines += re.findall(r"^\$ (hptune .*?)(?: \||$)", README, flags=re.MULTILINE)
    lines += re.findall(r"`(hptune [a-z]+(?: [^`]*)?)`", README)
    return sorted({line for line in lines if line.startswith("hptune ")})


def test_commands_are_found() -> None:
    assert "hptune search train.csv --target churn" in commands()
    assert len(commands()) >= 10


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_readme_is_one(line: str) -> None:
    name, *arguments = shlex.split(line)[1:]
    assert name in COMMANDS
    command = load_command(name)
    # Parsing fails on an unknown option or a missing argument; nothing is run.
    command.make_context(name, arguments, resilient_parsing=False)


def test_every_command_stands_in_the_readme() -> None:
    table = README[README.index("## Commands") :]
    for name in COMMANDS:
        assert f"`{name}`" in table or f"`hptune {name}`" in table, name


def test_files_that_the_readme_names_are_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_first_blocks_are_one_line_each() -> None:
    first, second = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)[:2]
    for block in (first, second):
        assert len(block.splitlines()) == 1
        assert block.startswith("python3 -m venv .venv && .venv/bin/pip install")
    assert first.rstrip().endswith(".venv/bin/hptune search")
    assert ".venv/bin/pytest" in second
