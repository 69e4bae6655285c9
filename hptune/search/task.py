"""What a search is about, loaded: the data and the model, the same in every process and later on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hptune._text import numbered
from hptune.errors import DamagedStudyError, DataError, InputError, SpaceError, StudyMismatchError
from hptune.space import Hyperparameter, Space, Value
from hptune.space.files import load_space, located, ready_space, ready_spaces
from hptune.study import Identity, Study
from hptune.study.trial import Trial, TrialState, metric_of

if TYPE_CHECKING:
    from hptune.data import Dataset
    from hptune.models.model import Model
    from hptune.study.trial import Objective
    from hptune.training import RepeatedTrainer, Trainer

__all__ = ["SearchTask", "asked_epochs", "load_again", "load_trainer", "task_of", "trained_by_other_code"]

_ONCE: dict[str, Value | None] = {
    "batch_size": None,
    "callbacks": None,
    "cv": None,
    "class_weight": "none",
    "executions": 1,
    "image_size": None,
    "levels": 50,
    "max_parameters": None,
    "missing": None,
    "missing_target": "drop",
    "positive": None,
    "strict": False,
}
"""Settings that a study remembers only where they are others: what they are where it does not."""


_AUTO = ("levels",)
"""Settings that are "auto" by default, and were something else in studies that do not remember them."""


@dataclass(frozen=True, kw_only=True)
class SearchTask:
    """Data and model as the user names them. Plain data, so that it can go to another process."""

    data: str
    """A bundled name, a file, a folder of images, or FILE.py:function."""
    target: str | None = None
    """Column to predict, for a table."""
    validation: str = "0.2"
    """A share of the rows between 0 and 1, or a file of its own."""
    task: str | None = None
    """binary, multiclass, multilabel or regression; inferred where not given."""
    positive: str | None = None
    """Of two classes the one to be found; None leaves it to the data."""
    skip_broken: bool = False
    """Leave out images that can't be read, instead of refusing the folder."""
    image_size: int | None = None
    """Pixels of each side of a folder's images; None for their most frequent size, no side above 64."""
    missing: str | None = None
    """Words, parted by commas, that stand for a missing value in a table."""
    missing_target: str = "drop"
    """drop or refuse: what becomes of rows of a table that have no target."""
    levels: int | str = "auto"
    """Levels of a column of words that have a feature of their own, or auto: as the training rows teach."""
    strict: bool = False
    """Refuse a table where it would be mended."""
    model: str = "mlp"
    """A recipe's name or FILE.py:build."""
    space: Space | None = None
    """The space to search instead of the model's own."""
    space_file: str = ""
    """The file it was read from; "" for none."""
    found: tuple[Hyperparameter, ...] = ()
    """What trials of the study asked for that exploring the model did not find."""
    epochs: int
    """Epochs of a full training."""
    metric: str = ""
    """What a recipe shall report besides what it always does, as the objective asks: auc, f1_score."""
    seed: int = 0
    """Seeds the split."""
    cv: int | None = None
    """Folds, at least 2, over which each configuration's mean is its score; None for one split."""
    class_weight: str = "none"
    """none, or balanced: every class counts as much as any other in the loss."""
    max_parameters: int | None = None
    """Models with more weights are infeasible; None for no limit."""
    batch_size: int | None = None
    """Rows of a step, for a user model that declares no batch_size; None leaves it to the model, or 32."""
    callbacks: str | None = None
    """FILE.py:function, which makes callbacks for each training of a user model; None for none."""
    executions: int = 1
    """Seeds over which each configuration's mean is its score."""
    numpy_difference: str = ""
    """How NumPy differs from Keras, which trains everything then; "" where NumPy may train what it can."""
    in_one_go: bool = False
    """Each trial is trained to its end at once, not rung by rung."""

    def as_in(self, settings: Mapping[str, Value | None]) -> SearchTask:
        """Return the same with what studies of these settings had before there was an auto."""
        old = {name: _ONCE[name] for name in _AUTO if name not in settings and getattr(self, name) == "auto"}
        return replace(self, **old)  # type: ignore[arg-type]

    def with_space(self, given: str | None) -> SearchTask:
        """Return the same with the ready space of that name, or that file's; None changes nothing."""
        if given is None:
            return self
        if given in ready_spaces() and not Path(given).exists():
            return replace(self, space=ready_space(given), space_file="")
        return replace(self, space=load_space(Path(given)), space_file=given)

    def load(self) -> tuple[Dataset, Model]:
        """Load the data and the model; raises DataError, ModelError or SpaceError."""
        return (dataset := self.load_data()), self.load_model(dataset)

    def load_data(self) -> Dataset:
        """Load, split and encode the data."""
        from hptune.data import load_dataset

        self._prepare()
        try:
            validation: float | str = float(self.validation)
        except ValueError:
            validation = self.validation
        with self._loading():
            return load_dataset(self.data, validation=validation, **self._reading)

    def load_folds(self) -> tuple[Dataset, ...]:
        """Load the data as so many folds, each encoded by what its own training rows taught."""
        from hptune.data import load_folds

        assert self.cv is not None
        self._prepare()
        with self._loading():
            return load_folds(self.data, folds=self.cv, **self._reading)

    def _prepare(self) -> None:
        """Load Keras quietly before the user's file does, which may import TensorFlow itself."""
        from hptune.data.python_file import is_function_spec

        if is_function_spec(self.data) or is_function_spec(self.validation):
            from hptune.models.backend import has_accelerator, uses_tensorflow

            if uses_tensorflow():
                # The file may begin with tensors: what TensorFlow says where there is no GPU, it says now.
                has_accelerator()

    def _loading(self) -> AbstractContextManager[None]:
        """Refuse a search of its own in a file of functions: the model's may be the same one."""
        from hptune.data.python_file import is_function_spec

        if not is_function_spec(self.data):
            return nullcontext()
        from hptune.models.shapes import refused_searches

        return refused_searches(self.data)

    @property
    def _reading(self) -> dict[str, Any]:
        from hptune.data import Task
        from hptune.data.table_options import TableOptions
        from hptune.models.recipes import RECIPES

        return {
            "target": self.target,
            "seed": self.seed,
            "task": None if self.task is None else Task(self.task),
            "as_images": self.model == "cnn",
            "skip_broken": self.skip_broken,
            "image_size": self.image_size,
            "positive": self.positive,
            "as_given": self.model not in RECIPES,
            "tables": TableOptions.of(
                self.missing, self.missing_target, levels=self.levels, strict=self.strict
            ),
        }

    def load_model(self, dataset: Dataset) -> Model:
        """Load the model for a data set."""
        from hptune.models.load import load_model

        try:
            model = load_model(
                self.model,
                dataset,
                space=self.space,
                found=self.found,
                epochs=self.epochs,
                metric=self.metric,
                batch_size=self.batch_size,
            )
        except SpaceError as error:
            if not self.space_file:
                raise
            raise located(error, self.space_file) from error
        if self.callbacks is None:
            return model
        from hptune.training.user_callbacks import with_callbacks

        return with_callbacks(model, self.callbacks)

    def split_trainer(self, dataset: Dataset, model: Model, objective: Objective | None) -> Trainer:
        """Return a trainer on the one split, with a configuration's own seed: what is exported."""
        from hptune.training import ClassWeight, Trainer, TrainerSettings

        weights = ClassWeight(self.class_weight)
        fit = model.own_fit(model.space().defaults)
        if weights is not ClassWeight.NONE and fit is not None and not fit.takes_class_weight:
            raise InputError(
                f"{model.name}: its own fit gets no class weights",
                hint="Let fit take class_weight or **kwargs and pass it on, or leave --class-weight out.",
            )
        settings = TrainerSettings(
            class_weight=weights,
            max_parameters=self.max_parameters,
            numpy_path=not self.numpy_difference,
            in_one_go=self.in_one_go,
            callbacks=self.callbacks,
        )
        return Trainer(dataset, model, objective, settings)

    def trainer(
        self, dataset: Dataset, model: Model, objective: Objective | None
    ) -> Trainer | RepeatedTrainer:
        """Return a trainer of whatever a configuration's score is: one split, or a mean.

        Data and model are those of the split. With folds a model is made for each.
        """
        from hptune.training import RepeatedTrainer

        if not self.is_repeated:
            return self.split_trainer(dataset, model, objective)
        pairs = [(dataset, model)]
        if self.cv is not None:
            pairs = [(fold, self.load_model(fold)) for fold in self.load_folds()]
        trainers = [self.split_trainer(*pair, objective) for pair in pairs]
        return RepeatedTrainer(trainers, executions=self.executions, objective=objective)

    @property
    def is_repeated(self) -> bool:
        """Whether a configuration's score is a mean over folds or seeds."""
        return self.cv is not None or self.executions > 1

    @property
    def settings(self) -> dict[str, Value | None]:
        """What a study remembers of it beside data and model."""
        return {
            "target": self.target,
            "validation": self.validation,
            "task": self.task,
            "skip_broken": self.skip_broken,
            **{name: getattr(self, name) for name, once in _ONCE.items() if getattr(self, name) != once},
        }


def task_of(study: Study) -> SearchTask:
    """Return what a study is about, to load it again."""
    identity: Identity = study.identity
    _require_settings(study.folder, identity.settings)
    return SearchTask(
        data=identity.data,
        model=identity.model,
        space=study.passes()[0].space,
        found=study.found(),
        epochs=identity.epochs,
        metric=metric_of(identity.objective),
        seed=identity.seed,
        numpy_difference=study.notes.numpy_difference,
        in_one_go=study.notes.in_one_go,
        **{**_ONCE, **identity.settings},  # type: ignore[arg-type]
    )


_ELSEWHERE = ("data", "model", "space", "found", "epochs", "metric", "seed", "numpy_difference", "in_one_go")
"""Fields that a study keeps elsewhere than among its settings."""


def _require_settings(folder: Path, settings: Mapping[str, Value | None]) -> None:
    """Raise DamagedStudyError for settings that no search of this hptune makes."""
    known = {f.name: str(f.type).split(" | ") for f in fields(SearchTask) if f.name not in _ELSEWHERE}
    for name, value in settings.items():
        kind = "None" if value is None else type(value).__name__
        if kind in known.get(name, ()):
            continue
        raise DamagedStudyError(
            f"{folder}: the study is damaged, was edited, or is a newer hptune's: its setting"
            f" {name} is {value!r}"
        )


def load_trainer(task: SearchTask, objective: Objective, fingerprint: str) -> Trainer | RepeatedTrainer:
    """Return a trainer of the subject, in whichever process.

    Raises DataError where the data has another fingerprint than where the search began.
    """
    dataset = task.load_data()
    if dataset.fingerprint != fingerprint:
        raise DataError(
            f"{task.data}: gives other rows each time it is loaded, so that each process would have its own",
            hint="Seed what it draws, as in numpy.random.default_rng(0), and sort what it lists.",
        )
    return task.trainer(dataset, task.load_model(dataset), objective)


def asked_epochs(study: Study, trial: Trial) -> int | None:
    """Return the epochs that a trial was asked for in one go; None where it was trained rung by rung.

    A callback or a fit of the user's may have ended it sooner, and may depend on what was asked for.
    """
    whole = study.notes.in_one_go and trial.state is TrialState.COMPLETE
    return study.identity.epochs if whole else None


def load_again(study: Study, trials: Sequence[Trial]) -> tuple[Dataset, Model]:
    """Load a study's data and model to train or build some of its trials again.

    Raises StudyMismatchError where the data are others now, or the model is not what they were trained with.
    """
    dataset, model = task_of(study).load()
    if dataset.fingerprint != study.identity.data_fingerprint:
        holds = "holds other rows" if dataset.streams is None else "gives batches of another form"
        raise StudyMismatchError(
            f"{study.folder}: {study.identity.data} {holds} than those that were searched",
            hint=f"Run this where the search ran, with {Path(study.identity.data).name} as it was.",
        )
    _require_model(study, model, trials)
    return dataset, model


def trained_by_other_code(study: Study, model: Model, trials: Iterable[int]) -> list[int]:
    """Return those of these trials that were trained last by another version of the model's code."""
    notes = study.notes
    versions = [study.identity.model_fingerprint, *(v.fingerprint for v in notes.model_versions)]
    if not notes.model_versions and notes.model_fingerprint and model.known_as(notes.model_fingerprint):
        # Changed before versions were recorded: which trials are of which is not known.
        return []
    version_of = study.model_versions()
    return [trial for trial in trials if not model.known_as(versions[version_of[trial] - 1])]


def _require_model(study: Study, model: Model, trials: Sequence[Trial]) -> None:
    """Raise StudyMismatchError where the code has changed since a trial was trained."""
    others = trained_by_other_code(study, model, (trial.id for trial in trials))
    if others:
        also = (
            f" or {study.identity.settings['callbacks']}" if study.identity.settings.get("callbacks") else ""
        )
        raise StudyMismatchError(
            f"{study.folder}: {model.name}{also} has changed since {numbered('trial', others)} "
            f"{'was' if len(others) == 1 else 'were'} trained",
            hint="Put the code back as it was then, or train trials of what it is now: the same search with"
            " more --trials, or with --fresh.",
        )
