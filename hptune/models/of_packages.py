"""Models that other packages offer by name: entry points of the group `hptune.recipes`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from hptune.errors import ModelError

__all__ = ["GROUP", "is_of_package", "load_of_package", "recipes_of_packages"]

GROUP = "hptune.recipes"
"""Each entry point is a `build(hp)`, a HyperModel, or a HyperModel class that needs no arguments."""


def recipes_of_packages() -> Mapping[str, EntryPoint]:
    """Return what installed packages offer, by name."""
    return {point.name: point for point in entry_points(group=GROUP)}


def is_of_package(spec: str) -> bool:
    """Return whether an installed package offers a model of this name."""
    return bool(spec) and bool(entry_points(group=GROUP, name=spec))


def load_of_package(name: str) -> tuple[Path, Any]:
    """Return the file and the object that a package offers; raises ModelError where it can't be loaded."""
    try:
        found = recipes_of_packages()[name].load()
        kind = found if inspect.isclass(found) or inspect.isfunction(found) else type(found)
        return Path(inspect.getfile(kind)), found
    except (Exception, SystemExit) as error:
        raise ModelError(
            f"--model {name}: its package can't be loaded: {type(error).__name__}: {error}",
            hint="Install the package again, or another version of it.",
        ) from error
