"""Ranges that the user gives beside the model, as Keras Tuner's tuners and ours take them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hptune._text import listed
from hptune.errors import UsageError
from hptune.models.keras_tuner_space import from_keras_tuner
from hptune.search.task import SearchTask
from hptune.space import Fixed, Space

__all__ = ["Ranges"]


@dataclass(frozen=True)
class Ranges:
    """What takes the place of the model's own ranges, by name."""

    space: str | Path | Space | None
    """A space, the name of a ready one, or a file."""
    preset: Any
    """keras_tuner.HyperParameters; None for none."""
    tunes_new: bool
    """Whether what the preset does not name is searched, or has its default."""
    allows_new: bool
    """Whether the model may ask for what the preset does not name."""

    def over(self, task: SearchTask, explore: Callable[[], Space]) -> SearchTask:
        """Return the task over these ranges; `explore` tells what the model asks for.

        Raises TypeError where both kinds are given, UsageError where the model asks for what it may not.
        """
        if self.preset is None:
            if isinstance(self.space, Space):
                return replace(task, space=self.space)
            return task.with_space(None if self.space is None else str(self.space))
        if self.space is not None:
            raise TypeError("space and hyperparameters are the same: give one")
        preset = from_keras_tuner(self.preset)
        others = [hp for hp in explore() if hp.name not in preset]
        if others and not self.allows_new:
            raise UsageError(
                f"the model asks for {listed([hp.name for hp in others])}, which hyperparameters lacks",
                hint="Name them there, or leave allow_new_entries=False out.",
            )
        if not self.tunes_new:
            fixed = (Fixed(name=hp.name, value=hp.initial, when=hp.when) for hp in others)
            preset = replace(preset, hyperparameters=(*preset.hyperparameters, *fixed))
        return replace(task, space=preset)
