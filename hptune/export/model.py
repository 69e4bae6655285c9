"""A trained model with everything around it: from raw rows to labels, in stock Keras layers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np

from hptune.data import Dataset, Task
from hptune.data.encoder import CategoricalColumn, DateColumn, NumericColumn, TableEncoder
from hptune.data.structure import is_structure, leaves
from hptune.errors import UsageError
from hptune.models.backend import keras
from hptune.space import Value

__all__ = ["input_names", "numbers_of", "with_preprocessing"]


def with_preprocessing(
    model: keras.Model, dataset: Dataset, *, target: tuple[float, float] | None = None
) -> keras.Model:
    """Return a model from raw rows to {"prediction": …, "probability": …}.

    A table's model takes {input_names[column]: shape (rows, 1)}: numbers as floats (NaN where
    missing), text as strings ("" where missing). Any other takes rows as they came. The prediction
    is a label as it stood in the data, 0 or 1 for each of several labels, or a number in the target's own
    units. `target` is the
    (mean, deviation) that a regression's targets were z-scored by; None where they were not.

    What `model` was compiled with is taken from it: answers need no optimiser, loss or metrics, which
    may be hptune's own or the user's and be missing where the model is loaded.

    Raises UsageError for text on another backend than TensorFlow: the others have no strings.
    """
    if keras.backend.backend() != "tensorflow" and _has_text(dataset):
        raise UsageError(
            f"{dataset.name}: a model that takes or gives text needs TensorFlow, not"
            f" {keras.backend.backend()}",
            hint="Export it on TensorFlow, with the same weights: KERAS_BACKEND=tensorflow hptune export …",
        )
    if dataset.encoder is not None:
        inputs, features = _encode(dataset.encoder)
    else:
        inputs = _inputs(dataset.input_form, "rows")
        scale = dataset.input_scale
        features = inputs if scale == 1 else keras.layers.Rescaling(1 / scale)(inputs)
    model.compiled, model.optimizer = False, None
    outputs = model(features)
    if dataset.task is Task.REGRESSION:
        if target is not None:
            outputs = keras.layers.Rescaling(scale=target[1], offset=target[0])(outputs)
        return keras.Model(inputs, {"prediction": outputs}, name="regression")
    if dataset.task is Task.MULTILABEL and outputs.shape[1:] == (dataset.outputs,):
        labels = keras.ops.cast(outputs > 0.5, "int32")
        return keras.Model(inputs, {"prediction": labels, "probability": outputs}, name="labels")
    if not dataset.learns_codes:
        return keras.Model(inputs, outputs, name="model")
    return keras.Model(inputs, _labelled(outputs, dataset), name="classification")


def _inputs(tree: Any, name: str) -> Any:
    """Return an input for each array, named by its key or its place."""
    if isinstance(tree, Mapping):
        return {key: _inputs(part, str(key)) for key, part in tree.items()}
    if is_structure(tree):
        return [_inputs(part, f"input_{place}") for place, part in enumerate(tree, start=1)]
    return keras.Input(shape=tree.shape[1:], name=name, dtype="string" if tree.dtype.kind in "OUS" else None)


def _has_text(dataset: Dataset) -> bool:
    columns = dataset.encoder.columns if dataset.encoder is not None else ()
    read = any(isinstance(column, CategoricalColumn) for column in columns)
    read = read or any(array.dtype.kind in "OUS" for array in leaves(dataset.train.x))
    return read or any(isinstance(label, str) for label in dataset.classes)


def _encode(encoder: TableEncoder) -> tuple[dict[str, Any], Any]:
    """Return inputs by column and the features that they become, shape (rows, features)."""
    inputs: dict[str, Any] = {}
    features = []
    names = input_names(encoder)
    for column in encoder.columns:
        if isinstance(column, CategoricalColumn):
            name = names[column.name]
            inputs[name] = keras.Input(shape=(1,), dtype="string", name=name)
            features.append(_levels(inputs[name], column))
        else:
            parts = [names[part] for part, _ in numbers_of(column)]
            inputs |= {name: keras.Input(shape=(1,), name=name) for name in parts}
            features += _numbers([inputs[name] for name in parts], column)
    joined = keras.layers.Concatenate()(features) if len(features) > 1 else features[0]
    return inputs, joined


def input_names(encoder: TableEncoder) -> dict[str, str]:
    """Return the name of each column's input, or of each part of a date: its own, where Keras allows it.

    Not allowed are no name at all, a slash and a null byte.
    """
    columns = [
        name
        for column in encoder.columns
        for name, _ in ([(column.name, 0)] if isinstance(column, CategoricalColumn) else numbers_of(column))
    ]
    names = {name: name for name in columns if _is_allowed(name)}
    for column in columns:
        if column not in names:
            plain = column.replace("/", "_").replace("\0", "_") or "column"
            free = (f"{plain}_{number}" if number > 1 else plain for number in count(1))
            names[column] = next(name for name in free if name not in names.values())
    return names


def _is_allowed(name: str) -> bool:
    return bool(name) and "/" not in name and "\0" not in name


def numbers_of(column: NumericColumn | DateColumn) -> list[tuple[str, float]]:
    """Return the inputs of a column of numbers, or of each part of a date, with what a missing one is."""
    if isinstance(column, NumericColumn):
        return [(column.name, column.fill)]
    return [(f"{column.name}: {part}", fill) for part, fill in zip(column.parts, column.fills, strict=True)]


def _numbers(values: Sequence[Any], column: NumericColumn | DateColumn) -> list[Any]:
    filled = []
    for value, (_, fill) in zip(values, numbers_of(column), strict=True):
        missing = keras.ops.logical_not(keras.ops.isfinite(value))
        filled.append(keras.ops.where(missing, fill, value))
    return [*filled, keras.ops.cast(missing, "float32")] if column.indicator else filled


def _levels(value: Any, column: CategoricalColumn) -> Any:
    lookup = keras.layers.StringLookup(
        vocabulary=list(column.levels), oov_token=_free_word(column.levels), output_mode="one_hot"
    )
    one_hot = lookup(value)
    return one_hot if column.other else one_hot[:, 1:]


def _free_word(words: Sequence[Value]) -> str:
    """Return Keras's word for unknown text, or a longer one where that is a level or a class."""
    word = "[UNK]"
    while word in words:
        word += "_"
    return word


def _labelled(outputs: Any, dataset: Dataset) -> dict[str, Any]:
    """Return labels as they stood in the data beside the probabilities of all classes."""
    if dataset.task is Task.BINARY and outputs.shape[-1] == 1:
        outputs = keras.layers.Concatenate()([1 - outputs, outputs])
    code = keras.ops.argmax(outputs, axis=-1)
    return {"prediction": _label(code, dataset.classes), "probability": outputs}


def _label(code: Any, classes: Sequence[Value]) -> Any:
    """Return the label of each code; numbers come from a table that is not trained."""
    if all(isinstance(label, str) for label in classes):
        lookup = keras.layers.StringLookup(
            vocabulary=list(classes), num_oov_indices=0, oov_token=_free_word(classes), invert=True
        )
        return lookup(code)
    whole = all(isinstance(label, int) and not isinstance(label, bool) for label in classes)
    if whole and list(classes) == list(range(len(classes))):
        return code
    table = keras.layers.Embedding(len(classes), 1, trainable=False, name="labels")
    label = keras.ops.squeeze(table(code), axis=-1)
    table.set_weights([np.asarray(classes, dtype="float32").reshape(-1, 1)])
    if all(isinstance(name, bool) for name in classes):
        return keras.ops.cast(label, "bool")
    return keras.ops.cast(keras.ops.round(label), "int32") if whole else label
