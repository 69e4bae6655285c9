"""Saves a trial's trained model, from raw rows to labels, with a card that describes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hptune._files import appearing, write_text
from hptune.analysis.finalists import Finalist
from hptune.data import Dataset
from hptune.data.under_way import Died, under_way
from hptune.errors import InputError, ModelError
from hptune.executors.inline import TRIES
from hptune.export.card import model_card
from hptune.export.model import with_preprocessing
from hptune.models.recipes.recipe import Target
from hptune.search.task import asked_epochs, load_again, task_of
from hptune.study import Study
from hptune.study.checkpoints import weights_path
from hptune.study.trial import Trial

__all__ = ["TrainedModel", "dying_in_words", "save_model", "trained_models"]


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainedModel:
    """A trial's model, as it learned."""

    model: Any
    """keras.Model, from encoded rows to what it learned: z-scored targets in a recipe's regression."""
    dataset: Dataset
    scaled: Target | None
    """How a recipe's target was scaled; None where it was not."""


@contextmanager
def dying_in_words(trial: int) -> Iterator[None]:
    """Tell that a trial's model is built or trained; raises ModelError where processes died of it."""
    try:
        with under_way(f"trial {trial}, to be exported", tries=TRIES):
            yield
    except Died as died:
        raise ModelError(f"trial {trial} can't be exported: {died}") from died


def save_model(study: Study, finalist: Finalist, done: TrainedModel, path: Path) -> tuple[Path, Path]:
    """Write a trained model of a finalist to `path`, with its preprocessing inside.

    A card, NAME.md, is written beside it. Raises InputError where a file can't be written.
    """
    target = None if done.scaled is None else (done.scaled.mean, done.scaled.deviation)
    path = path if path.suffix == ".keras" else path.with_name(f"{path.name}.keras")
    whole = with_preprocessing(done.model, done.dataset, target=target)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with appearing(path) as file:
            whole.save(file)
    except OSError as error:
        raise InputError(f"{path}: can't be written: {error.strerror}") from error
    except (NotImplementedError, TypeError, ValueError) as error:
        raise _only_weights(done.model, path, study, study.identity.model, error) from error
    card = model_card(study, finalist, done.dataset, whole, file=path.name)
    return path, write_text(path.with_suffix(".md"), card + "\n")


def trained_models(study: Study, trials: Sequence[Trial]) -> Iterator[TrainedModel]:
    """Give the models of trials, each of its best epoch; data and model are loaded once.

    Weights are those on disk, or the trial is trained again with its seed. A trial that is a mean over folds
    or seeds is trained once more on the one split, for as many epochs as its best has. Raises
    StudyMismatchError where data or code are others now.
    """
    dataset, model = load_again(study, trials)
    task = task_of(study)
    # The mean's best epoch is the last one here, whatever the one split would call its best.
    goal = None if task.is_repeated else study.identity.goal
    trainer = task.split_trainer(dataset, model, goal)
    for trial in trials:
        # The weights of all folds are no one model's.
        held = trial.checkpoint and not task.is_repeated
        checkpoint = weights_path(study.folder, trial.checkpoint) if held else None
        # A mean's best epoch is the end of the one training that stands for it.
        epochs = None if task.is_repeated else asked_epochs(study, trial)
        with dying_in_words(trial.id):
            trained = trainer.best_model(trial, checkpoint, epochs=epochs)
        recipe = model.recipe(trial.values)
        yield TrainedModel(model=trained, dataset=dataset, scaled=None if recipe is None else recipe.target)


def _only_weights(trained: Any, path: Path, study: Study, source: str, error: Exception) -> ModelError:
    """Write the weights of a model without get_config; return why it can't be saved whole."""
    kept = path.with_suffix(".weights.h5")
    trained.save_weights(kept)
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return ModelError(
        f"{source}: the model can't be saved whole, for Keras can't write down how to build it: {first}\n"
        f"  Its weights are in {kept}",
        hint=f"Give its classes get_config (or build it by keras.Sequential or keras.Model(inputs, outputs));"
        f" or rebuild it with the script of hptune export {study.folder} --format python, whose build_model"
        f" makes the model for load_weights({kept.name!r}).",
    )
