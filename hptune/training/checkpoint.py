"""How far a training has come: what the next job needs to go on exactly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune._files import appearing
from hptune.models.backend import keras
from hptune.training.progress import TrainingState

__all__ = ["Checkpoint", "load_checkpoint", "restore", "save_checkpoint", "take_checkpoint"]

Weights = list[NDArray[Any]]


@dataclass
class Checkpoint:
    """A training at the end of an epoch."""

    weights: Weights
    optimizer: Weights
    best_weights: Weights | None
    """Those of the best epoch; None where they were not kept."""
    progress: TrainingState = field(default_factory=TrainingState)


def take_checkpoint(model: Any, progress: TrainingState, best_weights: Weights | None) -> Checkpoint:
    """Copy a model's weights and its optimiser's state."""
    return Checkpoint(
        weights=_copies(model.weights),
        optimizer=_copies(_state(model)),
        best_weights=best_weights,
        progress=TrainingState(**asdict(progress)),
    )


def restore(model: Any, checkpoint: Checkpoint) -> None:
    """Put a model and its optimiser, both built, where the snapshot was taken."""
    for variables, values in ((model.weights, checkpoint.weights), (_state(model), checkpoint.optimizer)):
        if [tuple(v.shape) for v in variables] != [value.shape for value in values]:
            raise ValueError("the weights on disk are those of another model")
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def _state(model: Any) -> list[Any]:
    """Return the optimiser's variables; none where the user's own fit has no optimiser."""
    optimizer = getattr(model, "optimizer", None)
    return [] if optimizer is None else list(optimizer.variables)


def _copies(variables: list[Any]) -> Weights:
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


_PARTS = ("weights", "optimizer", "best_weights")


def save_checkpoint(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a snapshot as one NPZ file, which appears whole or not at all."""
    arrays: dict[str, Any] = {"progress": np.array(json.dumps(asdict(checkpoint.progress)))}
    for part in _PARTS:
        for number, value in enumerate(getattr(checkpoint, part) or ()):
            arrays[f"{part}.{number:04d}"] = value
    with appearing(Path(path)) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Read what `save_checkpoint` wrote."""
    with Path(path).open("rb") as file, np.load(file) as arrays:
        read: Mapping[str, Any] = {
            part: [arrays[key] for key in sorted(arrays.files) if key.startswith(f"{part}.")]
            for part in _PARTS
        }
        progress = TrainingState(**json.loads(str(arrays["progress"])))
    return Checkpoint(
        weights=read["weights"],
        optimizer=read["optimizer"],
        best_weights=read["best_weights"] or None,
        progress=progress,
    )
