"""A model card: what you must know of an exported model if you did not search it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from hptune._text import listed, significant
from hptune.analysis.finalists import Finalist
from hptune.data import Dataset, Task
from hptune.data.encoder import CategoricalColumn, DateColumn
from hptune.data.structure import is_structure, leaves
from hptune.export.model import input_names, numbers_of
from hptune.models.backend import keras
from hptune.search.task import task_of
from hptune.space import Value
from hptune.study import Study
from hptune.views.tables import format_value

__all__ = ["model_card"]


def model_card(study: Study, finalist: Finalist, dataset: Dataset, model: keras.Model, *, file: str) -> str:
    """Return Markdown about `model`, which lies in `file` beside the card.

    Data and task, how to load and predict, what the prediction is, scores by seed, configuration,
    versions and the command that searched.
    """
    trial, identity = finalist.trial, study.identity
    values = study.passes()[0].space.for_model(trial.values)
    title = f"# {file}\n\n{identity.model} on {identity.data}, trial {trial.id} of {study.folder.name}."
    sections = {
        "Use": _use(dataset, model, file, identity.model),
        "What it predicts": _prediction(dataset),
        "Data": _data(dataset, identity.data),
        "Scores": _scores(finalist, identity.objective, repeated=task_of(study).is_repeated),
        "Configuration": _table(
            ["hyperparameter", "value"], [[n, format_value(v)] for n, v in values.items()]
        ),
        "How it was made": _made(study),
    }
    return "\n\n".join([title, *(f"## {head}\n\n{body}" for head, body in sections.items())])


def _use(dataset: Dataset, model: keras.Model, file: str, source: str) -> str:
    rows = [[f"`{i.name}`", str(i.dtype), str(tuple(i.shape))] for i in model.inputs]
    code = "\n".join(["```python", *_example(dataset, model, file), "```"])
    parts = [code, _table(["input", "dtype", "shape"], rows)]
    if dataset.encoder is not None:
        parts.append('Raw values: numbers as they are, NaN where missing; text as text, "" where missing.')
        dates = [column for column in dataset.encoder.columns if isinstance(column, DateColumn)]
        if dates:
            since = ", ".join(f"{date.name}: {np.datetime64(int(date.first), 'D')}" for date in dates)
            parts.append(
                f"Dates: weekday is 0 on Monday, days are counted from the first training date ({since})."
            )
    elif dataset.input_scale != 1:
        parts.append(f"Raw values from 0 to {dataset.input_scale:g}; the model scales them itself.")
    else:
        parts.append("Raw values: the model normalises them itself.")
    own = _own_classes(model)
    if own:
        named = listed([f"`{name}`" for name in own])
        parts.append(
            f"Keras loads the file where it is given what {source.rpartition(':')[0]} defines: {named}."
        )
    return "\n\n".join(parts)


def _own_classes(model: keras.Model) -> dict[str, str]:
    """Return the user's own classes of layers by name, each with the module that it is imported from."""
    kinds = {type(layer) for layer in model._flatten_layers(include_self=False)}
    ours = ("keras", __name__.partition(".")[0])
    own = {kind.__name__: kind.__module__ for kind in kinds if kind.__module__.partition(".")[0] not in ours}
    return dict(sorted(own.items()))


def _loading(model: keras.Model, file: str) -> tuple[list[str], str]:
    """Return the imports and the statement that load the file."""
    own = _own_classes(model)
    if not own:
        return [], f"model = keras.models.load_model({file!r})"
    imports = [f"from {module.removeprefix('hptune_file_')} import {name}" for name, module in own.items()]
    objects = ", ".join(f"{name!r}: {name}" for name in own)
    return imports, f"model = keras.models.load_model({file!r}, custom_objects={{{objects}}})"


def _example(dataset: Dataset, model: keras.Model, file: str) -> list[str]:
    """Return Python lines that predict one row."""
    needed, load = _loading(model, file)
    if dataset.encoder is None:
        rows = f"rows = {_example_rows(dataset.train.x)}  # yours"
        text = any(array.dtype.kind in "OUS" for array in leaves(dataset.train.x))
        imports = ["import keras", "import numpy as np", *(["import tensorflow as tf"] if text else [])]
        return [*imports, *needed, "", load, rows, "print(model.predict(rows))"]
    text, lines, names = False, [], input_names(dataset.encoder)
    for column in dataset.encoder.columns:
        if isinstance(column, CategoricalColumn):
            text = True
            level = str(column.levels[0]) if column.levels else ""
            lines.append(f"    {names[column.name]!r}: tf.constant([[{level!r}]]),")
            continue
        for part, fill in numbers_of(column):
            lines.append(f"    {names[part]!r}: np.array([[{float(fill)!r}]], dtype='float32'),")
    imports = ["import keras", "import numpy as np", *(["import tensorflow as tf"] if text else [])]
    head = [*imports, *needed, "", load, "rows = {  # one row; yours have the shape (rows, 1)"]
    return [*head, *lines, "}", "print(model.predict(rows))"]


def _example_rows(tree: Any) -> str:
    """Return a Python expression of one row, in the structure that the model takes."""
    if isinstance(tree, Mapping):
        return "{" + ", ".join(f"{key!r}: {_example_rows(part)}" for key, part in tree.items()) + "}"
    if is_structure(tree):
        return "[" + ", ".join(map(_example_rows, tree)) + "]"
    shape = (1, *tree.shape[1:])
    if tree.dtype.kind in "OUS":
        return f"tf.fill({shape}, 'text')"
    return f"np.zeros({shape}, dtype='float32')"


def _prediction(dataset: Dataset) -> str:
    if dataset.task is Task.MULTILABEL and dataset.train.given is None:
        return (
            f"`prediction`: 0 or 1 for each of {dataset.outputs} labels, shape (rows, {dataset.outputs}): 1"
            " where the probability is above 0.5.\n\n`probability`: the same shape, from 0 to 1."
        )
    if dataset.task is not Task.REGRESSION and not dataset.learns_codes:
        return "What the model itself gives; it takes targets as they are."
    what = f" of `{dataset.target}`" if dataset.target else ""
    if dataset.task is Task.REGRESSION:
        return f"`prediction`: the value{what} in its own units, shape (rows, 1)."
    classes = ", ".join(str(label) for label in dataset.classes)
    return (
        f"`prediction`: the label{what}, as it stood in the data (text comes as bytes), shape (rows,).\n\n"
        f"`probability`: shape (rows, {len(dataset.classes)}), a column per class in this order: {classes}."
    )


def _data(dataset: Dataset, source: str) -> str:
    rows = [
        ["source", source],
        ["task", dataset.task.value],
        *([["target", dataset.target]] if dataset.target else []),
        *(
            [f"{part} {what}", "not known" if count is None else str(count)]
            for part, (what, count) in zip(("training", "validation"), dataset.sizes, strict=True)
        ),
        ["fingerprint", f"`{dataset.fingerprint}`"],
    ]
    notes = "".join(f"\n- {note}" for note in dataset.notes)
    return _table(["what", "value"], rows) + (f"\n{notes}" if notes else "")


def _scores(finalist: Finalist, objective: str, *, repeated: bool) -> str:
    trial = finalist.trial
    rows = "" if repeated else ", on the validation rows"
    own = (
        f"{objective} {format_value(trial.score)} in the search{rows}. The weights are"
        f" those of seed {trial.seed} at epoch {trial.best_epoch} of {trial.epochs}"
    )
    own += ", trained once more on one split: the score is a mean over trainings." if repeated else "."
    if not finalist.confirmations:
        return f"{own}\n\nNot confirmed with other seeds: the best of many trials is partly the luckiest."
    seeds = [
        [str(c.seed), format_value(c.score) or f"could not be trained: {c.reason}", str(c.best_epoch or "")]
        for c in finalist.confirmations
    ]
    spread = (
        "" if finalist.deviation is None else f" ± {significant(finalist.deviation, 2)} (standard deviation)"
    )
    mean = f"Mean over {len(finalist.scores)} fresh seeds: {format_value(finalist.mean)}{spread}."
    summary = mean if finalist.scores else "No fresh seed could be trained."
    return f"{own}\n\n{summary}\n\n{_table(['seed', objective, 'epoch'], seeds)}"


def _made(study: Study) -> str:
    identity, notes = study.identity, study.notes
    versions = {"hptune": notes.version, **notes.versions}
    rows: list[list[str]] = [[name, str(version)] for name, version in versions.items()]
    options: Iterable[tuple[str, Value | None]] = identity.settings.items()
    rows += [[name.replace("_", " "), str(value)] for name, value in options if value is not None]
    rows += [["seed of the search", str(identity.seed)], ["epochs of a full training", str(identity.epochs)]]
    return f"```\n{notes.command}\n```\n\n{_table(['what', 'value'], rows)}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [list(header), ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(c).replace("|", "\\|") for c in line) + " |" for line in lines)
