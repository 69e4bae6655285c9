"""A Python script that trains a trial's configuration again, with plain Keras."""

from __future__ import annotations

import inspect
import math
import platform
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from hptune.data import Dataset
from hptune.data.normalisation import Normalisation
from hptune.data.python_file import is_function_spec
from hptune.errors import StudyError
from hptune.export.script_data import argument, data
from hptune.export.script_model import recipe_model, user_model
from hptune.export.script_part import ScriptPart
from hptune.export.script_text import comment
from hptune.export.script_train import TrainingPlan, training
from hptune.models.backend import SMALL_ROW, keras
from hptune.models.model import Model
from hptune.models.recipes import resolve
from hptune.models.recipes.calls import Call
from hptune.search.task import load_again
from hptune.study import Study
from hptune.study.trial import Trial
from hptune.training.feeds import rows_at_once
from hptune.views.tables import format_value

__all__ = ["assemble", "script"]


def script(study: Study, trial: Trial) -> str:
    """Return a script that loads the data, builds the model and trains it as the trial was.

    On the same backend its score is the trial's, except where that is a mean over folds or seeds:
    then the script is one training, on the one split. Raises StudyError for a trial without a score, and
    what loading the study's data and model raises.
    """
    if trial.score is None:
        raise StudyError(f"{study.folder}: trial {trial.id} has no score", hint="Export another one.")
    dataset, model = load_again(study)
    part = data(dataset, skip_broken=bool(study.identity.settings.get("skip_broken")))
    part += _model(model, trial) + training(_plan(study, trial, dataset, model))
    return f"{comment(_header(study, trial, dataset, part))}\n\n{assemble(part)}"


def assemble(part: ScriptPart) -> str:
    """Return imports, constants and functions as one module, without a last line break."""
    head = [_imports(part.imports), "\n".join(part.constants)]
    return "\n\n\n".join(["\n\n".join(filter(None, head)), *part.functions])


def _model(model: Model, trial: Trial) -> ScriptPart:
    recipe = model.recipe(trial.values)
    if recipe is not None:
        kind = Normalisation(resolve(trial.values, model.name)["input_normalization"])
        return recipe_model(recipe, kind)
    return user_model(model.name, trial.values, fits=model.own_fit(trial.values) is not None)


def _plan(study: Study, trial: Trial, dataset: Dataset, model: Model) -> TrainingPlan:
    """Return how the trial was trained."""
    assert trial.score is not None
    rows, goal = dataset.train.rows, study.identity.goal
    trained = model.training(trial.values, rows)
    recipe = model.recipe(trial.values)
    return TrainingPlan(
        seed=trial.seed,
        epochs=trial.epochs,
        batch_size=trained.batch_size,
        validation_batch=rows_at_once(dataset.validation.x, trained.batch_size),
        validation_rows=dataset.validation.rows,
        objective=goal,
        recorded=trial.score,
        schedule=recipe.schedule if recipe else None,
        averaged=trained.averaged,
        patience=trained.patience,
        min_delta=trained.min_delta * trained.unit_of(goal.name),
        target=recipe.target if recipe else None,
        factor=goal.name.removeprefix("val_") in trained.units,
        draws=recipe is None or any(map(_draws, recipe.layers)),
        one_thread=math.prod(dataset.input_shape) <= SMALL_ROW,
        fits=model.own_fit(trial.values) is not None,
        bare=bool(recipe and recipe.homes),
        torch=keras.backend.backend() == "torch",
        balanced=study.identity.settings.get("class_weight") == "balanced",
    )


def _draws(layer: Call) -> bool:
    """Tell whether a layer draws random numbers in training: then it takes a seed."""
    made = getattr(keras.layers, layer.name.rpartition(".")[2])
    return "seed" in inspect.signature(made).parameters


def _header(study: Study, trial: Trial, dataset: Dataset, part: ScriptPart) -> list[str]:
    """Return what a reader should know first: what this is, how it is run, where it came from."""
    identity = study.identity
    usage = "python FILE.py" + (" [DATA]" if dataset.origin and argument(dataset.origin) else "")
    needs = ["keras", "numpy", *part.needs, keras.backend.backend()]
    if is_function_spec(identity.model):
        needs.append(identity.model.rpartition(":")[0])
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
    if not means:
        # A search may have trained by NumPy, whose sums are rounded another way.
        return "on the same backend this gives the same but for rounding: rows told all but alike may swap"
    return f"that is a mean over {' and '.join(means)}, and this is one training"


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
    """Return imports in two blocks, the standard library's first, each in the order of isort."""
    every = {*statements, "import keras", "import numpy as np"}
    blocks: tuple[list[str], list[str]] = ([], [])
    for statement in sorted(every, key=lambda text: (text.startswith("from"), text.lower())):
        blocks[_package(statement) not in sys.stdlib_module_names].append(statement)
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _package(statement: str) -> str:
    return statement.split()[1].partition(".")[0]
