"""Builds the model of a configuration, ready to be called and asked for its loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hptune.data import Task
from hptune.errors import HptuneError, ModelError
from hptune.models.backend import keras
from hptune.models.memory import room_for_weights
from hptune.models.model import Arrays, Model
from hptune.space import Values
from hptune.training.failures import in_words

__all__ = ["LOSSES", "build_ready", "file_of"]

LOSSES = {
    Task.BINARY: "binary_crossentropy",
    Task.MULTICLASS: "sparse_categorical_crossentropy",
    Task.MULTILABEL: "binary_crossentropy",
    Task.REGRESSION: "mean_squared_error",
}
"""The loss that a task is usually learned with."""


def file_of(model: Model) -> Path | None:
    """Return the file of a user's own model."""
    return getattr(model, "file", None)


def build_ready(model: Model, values: Values, seed: int, arrays: Arrays, task: Task) -> Any:
    """Return a compiled keras.Model that has its weights.

    A model that only its own fit compiles gets the usual loss of the task. Raises ModelError
    where it can't be built, called or compiled, with the line of the user's file.
    """
    try:
        with room_for_weights():
            built = model.build(values, seed)
        if not built.compiled:
            if task not in LOSSES:
                raise ModelError(
                    f"{model.name}: the model is not compiled",
                    hint="Call model.compile(…) in build, so that there is a loss to check.",
                )
            built.compile(optimizer="adam", loss=LOSSES[task])
        if not built.built:
            with room_for_weights():
                built(keras.ops.convert_to_tensor(arrays.x[:1]))
    except HptuneError:
        raise
    except Exception as error:
        raise ModelError(f"{model.name}: can't be built: {in_words(error, file_of(model))}") from error
    return built
