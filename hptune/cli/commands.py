"""The commands by name, so that --help loads none of them."""

from __future__ import annotations

import importlib
import keyword
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

__all__ = ["COMMANDS", "load_command"]

COMMANDS = {
    "search": "Search for the best hyperparameters, pass after pass.",
    "init": "Write space.yaml and hptune.toml for your data and model.",
    "narrow": "See what a pass taught and steer the next one.",
    "status": "Tell how far a study is.",
    "trials": "List a study's trials.",
    "show": "Show one trial.",
    "report": "Write one HTML file that explains a study.",
    "compare": "Compare studies at the same budget.",
    "confirm": "Train the best again with fresh seeds: who is better significantly.",
    "check": "Check a model before a search: gradients, start, batch size.",
    "export": "Write the best configurations, as a script or a trained model too.",
    "import": "Make a study of past trials of another tool.",
    "spaces": "List, show and describe search spaces.",
}
"""Each command's file in this package, import_.py for import, and its summary."""


def load_command(name: str) -> click.Command:
    """Return a command by its name, and load its file and no other."""
    file = f"{name}_" if keyword.iskeyword(name) else name
    command: click.Command = importlib.import_module(f"hptune.cli.{file}").command
    return command
