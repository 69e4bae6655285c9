"""A Python script that trains a trial's configuration again, with plain Keras."""

from __future__ import annotations

import math
import platform
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from hptune._text import on_one_line
from hptune.data import Dataset
from hptune.data.in_program import is_in_program
from hptune.data.normalisation import Normalisation
from hptune.data.python_file import is_function_spec
from hptune.errors import StudyError, UsageError
from hptune.export.embed import copied
from hptune.export.script_data import argument, codes_of, data, is_structured
from hptune.export.script_model import recipe_model, user_model
from hptune.export.script_part import ScriptPart
from hptune.export.script_train import TrainingPlan, training
from hptune.models.backend import SMALL_ROW, keras
from hptune.models.model import Model
from hptune.models.of_packages import is_of_package
from hptune.models.recipes import resolve
from hptune.models.recipes.calls import source as literal
from hptune.search.task import asked_epochs, load_again, task_of
from hptune.study import Study
from hptune.study.records import BATCHES
from hptune.study.trial import Trial
from hptune.views.tables import format_value

__all__ = ["assemble", "script"]

_COPIES = "# From here on: copies of what the search itself uses."
_LONGEST = 72
"""Characters of a value up to which it stands in one line."""


def script(study: Study, trial: Trial) -> str:
    """Return a script that loads the data, builds the model and trains it as the trial was.

    On the same backend its score is the trial's, except where that is a mean over folds or seeds:
    then the script is one training, on the one split. Raises StudyError for a trial without a score, and
    what loading the study's data and model raises.
    """
    if trial.score is None:
        raise StudyError(f"{study.folder}: trial {trial.id} has no score", hint="Export another one.")
    if is_in_program(study.identity.model):
        raise UsageError(
            f"{study.folder}: a Python program holds the data and the model of this study, and no script can",
            hint="That program has both: tuner.hypermodel.build(tuner.get_best_hyperparameters()[0]).",
        )
    if is_of_package(study.identity.model):
        raise UsageError(
            f"{study.folder}: a script can't carry {study.identity.model}, which is a package's",
            hint="Export the trained model: --format keras.",
        )
    dataset, model = load_again(study, [trial])
    _refuse_weights(dataset, fits=model.own_fit(trial.values) is not None)
    part = data(dataset, skip_broken=bool(study.identity.settings.get("skip_broken")))
    part += _model(model, trial) + training(_plan(study, trial, dataset, model))
    header = "\n".join(f"# {on_one_line(line)}".rstrip() for line in _header(study, trial, dataset, part))
    return f'{header}\n\n{assemble(part)}\n\n\nif __name__ == "__main__":\n    main()'


def _refuse_weights(dataset: Dataset, *, fits: bool) -> None:
    """Refuse weighted rows of a table, or to a fit of one's own, which a script would not hand on."""
    weighted = dataset.streams is None and dataset.train.as_given.weights is not None
    if weighted and (fits or dataset.encoder is not None):
        raise UsageError(
            f"{dataset.name}: no script can carry the weights of rows "
            + ("to a fit of its own" if fits else "of a DataFrame"),
            hint="Export the trained model: --format keras.",
        )


def assemble(part: ScriptPart) -> str:
    """Return one module, without a last line break: configuration, functions, copies of ours."""
    copies = copied(*part.copies)
    imports = _imports((*part.imports, *copies.imports))
    config = "".join(f"    {literal(name)}: {_broken(value)},\n" for name, value in part.config.items())
    head = f"from __future__ import annotations\n\n{imports}\n\nCONFIG = {{\n{config}}}"
    return "\n\n\n".join([head, *part.functions, _COPIES, *copies.texts])


def _broken(value: Any) -> str:
    """Return a literal in one line, or, of a list that is too long for it, an element a line."""
    text = literal(value)
    if len(text) <= _LONGEST or not isinstance(value, list):
        return text
    return "[\n" + "".join(f"        {literal(element)},\n" for element in value) + "    ]"


def _model(model: Model, trial: Trial) -> ScriptPart:
    recipe, values = model.recipe(trial.values), model.space().for_model(trial.values)
    if recipe is not None:
        kind = Normalisation(resolve(values, model.name)["input_normalization"])
        return recipe_model(recipe, kind)
    return user_model(model.name, values, fits=model.own_fit(trial.values) is not None)


def _plan(study: Study, trial: Trial, dataset: Dataset, model: Model) -> TrainingPlan:
    """Return how the trial was trained."""
    assert trial.score is not None
    recipe = model.recipe(trial.values)
    balanced = study.identity.settings.get("class_weight") == "balanced"
    fit = model.own_fit(trial.values)
    return TrainingPlan(
        seed=trial.seed,
        epochs=asked_epochs(study, trial) or trial.epochs,
        training=model.training(trial.values, dataset.train.rows),
        objective=study.identity.goal,
        recorded=trial.score,
        target=recipe.target if recipe else None,
        threads=1 if math.prod(dataset.input_shape) <= SMALL_ROW else None,
        fits=fit is not None,
        users=recipe is None,
        passes_batch_size=getattr(model, "passes_batch_size", False),
        own_data=fit is not None and fit.own_data,
        bare=bool(recipe and recipe.homes),
        classes=len(dataset.classes) if balanced else 0,
        codes=codes_of(dataset, "arrays.y"),
        structured=is_structured(dataset),
        streamed=dataset.streams is not None,
        callbacks=task_of(study).callbacks,
        trial=f"trial-{trial.id}-script",
    )


def _header(study: Study, trial: Trial, dataset: Dataset, part: ScriptPart) -> list[str]:
    """Return what a reader should know first: what this is, how it is run, where it came from."""
    identity = study.identity
    usage = "python FILE.py" + (" [DATA]" if dataset.origin and argument(dataset.origin) else "")
    needs = ["keras", "numpy", *part.needs, keras.backend.backend()]
    if is_function_spec(identity.model):
        named = (identity.model, task_of(study).callbacks or "")
        needs += dict.fromkeys(file for name in named if (file := name.rpartition(":")[0]))
    stopped = f" (a full training has {identity.epochs})" if trial.epochs < identity.epochs else ""
    recorded = f"{identity.objective} {format_value(trial.score)} at epoch {trial.best_epoch}"
    command = study.notes.command
    lines = [
        f"Trial {trial.id} of {study.folder.name} ({identity.data} with {identity.model}) with Keras alone:",
        "",
        f"    {usage}",
        "",
        f"The study has {recorded} of {trial.epochs}{stopped}; {_compared(study)}.",
        f"Found by: {command}" if command else "",
        f"With: {', '.join(f'{name} {number}' for name, number in _versions(study).items())}",
        f"Needs: {', '.join(needs)}",
    ]
    if keras.backend.backend() != "tensorflow":
        lines.append(f"Set KERAS_BACKEND={keras.backend.backend()}: another backend gives other numbers.")
    return [line for number, line in enumerate(lines) if line or number in (1, 3)]


def _compared(study: Study) -> str:
    """Say how the script's score compares with the study's."""
    settings = study.identity.settings
    named = (("cv", "folds"), ("executions", "seeds"))
    means = [f"{settings[name]} {what}" for name, what in named if name in settings]
    if means:
        return f"that is a mean over {' and '.join(means)}, and this is one training"
    if study.identity.data_fingerprint.startswith(BATCHES):
        return "it is the same where the batches come in the same order, and near it elsewhere"
    # A search may have trained by NumPy, whose sums are rounded another way.
    return "on the same backend this is the same but for rounding: rows that are nearly alike may swap"


def _versions(study: Study) -> dict[str, str]:
    """Return the versions that the study was searched with, or those of today where it does not say."""
    if study.notes.versions:
        return dict(study.notes.versions)
    found = {"Python": platform.python_version()}
    for name in ("keras", keras.backend.backend()):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _imports(statements: Sequence[str]) -> str:
    """Return imports in two blocks, the standard library's first, what comes from one module in one line."""
    names: dict[str, list[str]] = {}
    plain = {"import keras", "import numpy as np"}
    for statement in statements:
        module, _, name = statement.removeprefix("from ").partition(" import ")
        if name:
            names[module] = sorted({*names.get(module, []), name})
        else:
            plain.add(statement)
    every = [
        *sorted(plain),
        *(f"from {module} import {', '.join(names[module])}" for module in sorted(names)),
    ]
    blocks: tuple[list[str], list[str]] = ([], [])
    for statement in every:
        blocks[_package(statement) not in sys.stdlib_module_names].append(statement)
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _package(statement: str) -> str:
    return statement.split()[1].partition(".")[0]
