"""The commands by name, so that --help loads none of them."""

from __future__ import annotations

__all__ = ["COMMANDS"]

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
    "spaces": "List, show and describe search spaces.",
}
"""Each command's file in this package and its summary."""
