"""The space of a build that a program holds, without data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hptune.data.put_back import random_numbers_kept
from hptune.data.python_file import importable
from hptune.models.asked import Asked
from hptune.models.discover import discover
from hptune.models.keras_tuner_space import from_keras_tuner
from hptune.space import Space

__all__ = ["find_space"]


def find_space(build: Callable[[Any], Any], file: Path) -> Space:
    """Return what a build asks for; what it raises goes through."""

    def explore(hp: Any) -> None:
        with random_numbers_kept(), importable(file):
            build(hp)

    return discover(explore, from_keras_tuner, Asked()).space
