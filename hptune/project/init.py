"""Loads data and model, and writes a space file and a project file for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hptune._files import write_text
from hptune._text import counted, listed
from hptune.data import Dataset, Task
from hptune.errors import UsageError
from hptune.models.model import Model
from hptune.project.settings_file import Settings, settings_text
from hptune.project.space_file import SPACE_FILE, space_file_text
from hptune.search.events import Listener
from hptune.search.preflight import preflight
from hptune.search.task import SearchTask
from hptune.space import Fixed, Space
from hptune.space.files import parse_space, ready_spaces

__all__ = ["Project", "ProjectOptions", "init_project"]


@dataclass(frozen=True, kw_only=True)
class ProjectOptions:
    """What a project begins with."""

    task: SearchTask
    """Data and model, without a space."""
    space: str | None = None
    """A ready space or a space file; None for the model's own."""
    trials: int
    passes: int
    file: Path
    """The project file to write."""
    isolate: bool = False
    """Searches call user code in a process that may die."""
    force: bool = False
    """Replace what is there."""

    @property
    def ready(self) -> str | None:
        """The ready space that is asked for by name."""
        return self.space if self.space in ready_spaces() and not Path(self.space).exists() else None

    @property
    def given_file(self) -> str | None:
        """The space file that is given, and so not written."""
        return None if self.ready else self.space

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files to write."""
        return (Path(SPACE_FILE), self.file) if self.given_file is None else (self.file,)


@dataclass(frozen=True, kw_only=True)
class Project:
    """What was written."""

    files: dict[Path, str]
    """Each file with what it holds, in words."""
    space: Space
    """What is searched by these files."""


def init_project(options: ProjectOptions, listener: Listener) -> Project:
    """Write the files of a project, once its data and model are loaded.

    Raises UsageError where one is there already, and what a search would raise before it trains: nothing is
    written then.
    """
    _refuse_to_replace(options)
    dataset, model = _load(options, listener)
    texts, files = {}, {}
    if options.given_file is None:
        text = space_file_text(model, options.ready)
        texts[Path(SPACE_FILE)] = text
        files[Path(SPACE_FILE)] = _held(parse_space(text, SPACE_FILE))
    settings = _settings(options, dataset, model)
    texts[options.file] = settings_text(settings, str(options.file))
    files[options.file] = _budget(options)
    for path, text in texts.items():
        write_text(path, text)
    return Project(files=files, space=model.space())


def _refuse_to_replace(options: ProjectOptions) -> None:
    there = [path for path in options.paths if path.exists()]
    if there and not options.force:
        raise UsageError(
            f"{listed(there)}: already there",
            hint="Write anew with --force: what was changed by hand is lost.",
        )


def _load(options: ProjectOptions, listener: Listener) -> tuple[Dataset, Model]:
    """Load data and model as a search would, train a user model's first batch, and tell what was inferred."""
    task = options.task.with_space(options.space)
    dataset = task.load_data()
    listener.on_data_loaded(dataset)
    model = task.load_model(dataset)
    if model.source_file is not None:
        preflight(task, dataset, model, listener)
    for text in model.remarks():
        listener.on_remark(text)
    return dataset, model


def _settings(options: ProjectOptions, dataset: Dataset, model: Model) -> Settings:
    task, classes = options.task, dataset.task in (Task.BINARY, Task.MULTICLASS)
    fit = model.own_fit(model.space().defaults)
    return Settings(
        data=task.data,
        target=task.target,
        validation=None if task.validation == SearchTask.validation else task.validation,
        task=task.task,
        positive=task.positive,
        skip_broken=task.skip_broken,
        image_size=task.image_size,
        missing=task.missing,
        levels=None if task.levels == SearchTask.levels else task.levels,
        strict=task.strict,
        missing_target=None if task.missing_target == SearchTask.missing_target else task.missing_target,
        model=task.model,
        space=options.given_file or SPACE_FILE,
        callbacks=task.callbacks,
        isolate=options.isolate,
        trials=options.trials,
        epochs=task.epochs,
        passes=options.passes,
        objective=_objective(dataset, recipe=model.recipe(model.space().defaults) is not None),
        takes_class_weight=classes and (fit is None or fit.takes_class_weight),
    )


def _objective(dataset: Dataset, *, recipe: bool) -> str:
    """Return what a search improves where nothing is said; a user model may report no accuracy."""
    of_task = {
        Task.BINARY: "val_accuracy",
        Task.MULTICLASS: "val_accuracy",
        Task.MULTILABEL: "val_binary_accuracy",
    }
    return of_task.get(dataset.task, "val_loss") if recipe else "val_loss"


def _held(space: Space) -> str:
    """Say what a space file holds: `mlp, 10 hyperparameters to search and 14 fixed`."""
    fixed = sum(isinstance(hp, Fixed) for hp in space)
    named = f"{space.name}, " if space.name else ""
    text = f"{named}{counted(len(space) - fixed, 'hyperparameter')} to search"
    return f"{text} and {fixed:,} fixed" if fixed else text


def _budget(options: ProjectOptions) -> str:
    """Say what a project file holds: `digits with mlp, 30 trainings of 20 epochs in 3 passes`."""
    task = options.task
    over = f" over {options.given_file}" if options.given_file else ""
    passes = "1 pass" if options.passes == 1 else f"{options.passes} passes"
    return (
        f"{task.data} with {task.model}{over}, {counted(options.trials, 'training')}"
        f" of {counted(task.epochs, 'epoch')} in {passes}"
    )
