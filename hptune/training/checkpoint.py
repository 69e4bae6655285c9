"""How far a training has come: what the next job needs to go on exactly."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune._files import appearing
from hptune.models.backend import keras
from hptune.training.callback_state import CallbackState
from hptune.training.progress import TrainingState

__all__ = ["Checkpoint", "load_checkpoint", "read_snapshot", "restore", "save_checkpoint", "take_checkpoint"]

Weights = list[NDArray[Any]]


@dataclass
class Checkpoint:
    """A training at the end of an epoch."""

    weights: Weights
    optimizer: Weights
    best_weights: Weights | None
    """Those of the best epoch; None where they were not kept."""
    progress: TrainingState = field(default_factory=TrainingState)
    callbacks: list[CallbackState] = field(default_factory=list)
    """Of the user's callbacks, in their order; empty where there are none or they are trained in one go."""
    others: Weights = field(default_factory=list)
    """Of each further optimiser that the model holds: the places of its variables among the model's weights,
    (variables,), then its state."""


def take_checkpoint(model: Any, progress: TrainingState, best_weights: Weights | None) -> Checkpoint | None:
    """Copy a model's weights and the state of its optimisers.

    None where a further optimiser trains variables that are no weights of the model: where it would go on
    is not known then.
    """
    places = {id(variable): place for place, variable in enumerate(model.weights)}
    others: Weights = []
    for optimizer in _further_optimizers(model):
        trained = [places.get(id(variable), -1) for variable in _trained(optimizer)]
        if -1 in trained:
            return None
        others += [np.array(trained, dtype=np.int64), *_copies(list(optimizer.variables))]
    return Checkpoint(
        others=others,
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
    _restore_others(model, list(checkpoint.others))


def _restore_others(model: Any, others: Weights) -> None:
    """Build the further optimisers as they were, and give them their state."""
    if not others:
        # Written where there were none, or by an older version.
        return
    for optimizer in _further_optimizers(model):
        trained = [model.weights[place] for place in others.pop(0).tolist()]
        if trained and not optimizer.built:
            optimizer.build(trained)
        for variable in optimizer.variables:
            variable.assign(others.pop(0))


def _further_optimizers(model: Any) -> list[Any]:
    """Return the optimisers that a model holds beside its own, as one with a train_step of its own may."""
    own = getattr(model, "optimizer", None)
    held = {id(v): v for v in vars(model).values() if isinstance(v, keras.optimizers.Optimizer)}
    return [optimizer for optimizer in held.values() if optimizer is not own]


def _trained(optimizer: Any) -> list[Any]:
    """Return the variables that an optimiser trains, a wrapped one's where it wraps one."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return list(getattr(inner, "_trainable_variables", ()) or ())


def _state(model: Any) -> list[Any]:
    """Return the optimiser's variables; none where the user's own fit has no optimiser."""
    optimizer = getattr(model, "optimizer", None)
    return [] if optimizer is None else list(optimizer.variables)


def _copies(variables: list[Any]) -> Weights:
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


_PARTS = ("weights", "optimizer", "best_weights", "others")


def save_checkpoint(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a snapshot as one NPZ file, which appears whole or not at all."""
    arrays: dict[str, Any] = {"progress": np.array(json.dumps(asdict(checkpoint.progress)))}
    for part in _PARTS:
        for number, value in enumerate(getattr(checkpoint, part) or ()):
            arrays[f"{part}.{number:04d}"] = value
    arrays["callbacks"] = np.array(json.dumps([dict(state.numbers) for state in checkpoint.callbacks]))
    for place, state in enumerate(checkpoint.callbacks):
        for number, value in enumerate(state.weights):
            arrays[f"callback-{place}.{number:04d}"] = value
    with appearing(Path(path)) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Read what `save_checkpoint` wrote."""
    with Path(path).open("rb") as file, np.load(file) as arrays:
        read: Mapping[str, Any] = {part: _numbered(arrays, part) for part in _PARTS}
        # Older ones have none.
        known = json.loads(str(arrays["callbacks"])) if "callbacks" in arrays.files else []
        callbacks = [
            CallbackState(numbers, _numbered(arrays, f"callback-{place}"))
            for place, numbers in enumerate(known)
        ]
        progress = TrainingState(**json.loads(str(arrays["progress"])))
    return Checkpoint(
        weights=read["weights"],
        optimizer=read["optimizer"],
        best_weights=read["best_weights"] or None,
        others=read["others"],
        callbacks=callbacks,
        progress=progress,
    )


def _numbered(arrays: Any, part: str) -> Weights:
    return [arrays[key] for key in sorted(arrays.files) if key.startswith(f"{part}.")]


def read_snapshot(path: str | Path) -> Checkpoint | None:
    """Return what a checkpoint holds; None where it is gone or damaged."""
    try:
        return load_checkpoint(path)
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None
