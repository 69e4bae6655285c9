"""The coarse-to-fine search as a tuner of Keras Tuner."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from hptune.bridges.open_loggers import Loggers, with_loggers
from hptune.data.in_program import PREFIX, InProgram, handing_over
from hptune.errors import SearchInterruptedError, StudyError, UsageError
from hptune.export.trained import trained_models
from hptune.models.find_space import find_space
from hptune.models.keras_tuner_space import from_keras_tuner, with_values
from hptune.models.precision import in_precision_of_now
from hptune.models.program_code import file_of, program_fingerprint
from hptune.models.user_code import own_fit_of
from hptune.oracles.of_study import StudyOracle
from hptune.search.options import SearchOptions
from hptune.search.run import search
from hptune.search.task import SearchTask
from hptune.space import Space
from hptune.space.describe import describe_range, describe_value
from hptune.study import Study
from hptune.study.checkpoints import weights_path
from hptune.study.trial import Trial, metric_of
from hptune.training.checkpoint import read_snapshot
from hptune.tuner.arguments import (
    folder_of,
    name_of,
    names_of,
    objective_text,
    of_training_rows,
    refuse_overriding,
    seconds,
    started_by,
    whole,
    without_effect,
)
from hptune.tuner.bound_fit import bound_fit
from hptune.tuner.fit_arguments import FitArguments
from hptune.tuner.progress import listening, stopping
from hptune.tuner.ranges import Ranges
from hptune.tuner.studies import StudyMethods
from hptune.tuner.wording import hints_shown

# After Keras's backend is set up.
import keras_tuner  # isort: skip

__all__ = ["CoarseToFine"]

_TRIALS = 30


class CoarseToFine(StudyMethods, keras_tuner.Tuner):  # type: ignore[misc]
    """A coarse-to-fine search of Keras models, in Keras Tuner's protocol.

    It takes the place of `keras_tuner.RandomSearch`, `BayesianOptimization` or `Hyperband`:

        tuner = hptune.CoarseToFine(build, objective="val_accuracy", trials=30, epochs=20)
        tuner.search(x, y, validation_split=0.2)
        model = tuner.get_best_models()[0]

    Unpromising trials are paused and the ranges narrow from pass to pass, so that a budget tries more
    configurations than as many full trainings would. The same program resumes a search that was interrupted.
    The study's folder opens with the command line as well: `hptune status`.

    Args:
        hypermodel: A function `build(hp)` that returns a compiled keras.Model, or a HyperModel.
        objective: As Keras Tuner has it: a name, such as "val_accuracy" or "max:val_f1", or a
            `keras_tuner.Objective`. None for val_accuracy, or val_loss where nothing is classified.
        trials: The budget, at least 1: the cost of as many full trainings. `max_trials` is the same.
        epochs: Epochs of a full training, at least 1. None for those that `search` is given, or 1, as in
            model.fit. `max_epochs` bounds them.
        passes: How often the ranges are looked at, from 1 to 20, the first search included.
        study: The study's folder. None for `directory`/`project_name` where these are given, else
            studies/ and the function's name.
        space: Ranges that take the place of the model's own, by name: a space, its file, or
            `keras_tuner.HyperParameters` as `hyperparameters`.
        learn_from: Past studies, whose best is tried first; "auto" for all under studies/.
        max_time: Seconds after which the search ends. None for no limit.
        trial_time: Seconds after which a training is infeasible. None for no limit.
        cv: Folds, at least 2, over which a configuration's mean is its score; validation data are left
            aside then. None for the validation that `search` is given.
        tensorboard: A folder into which each trial's curve and values are written. None for nowhere.
        mlflow: A tracking URI, or "" for what MLFLOW_TRACKING_URI says, to which each trial is logged.
        wandb: A project of Weights & Biases, or "" for the study's name, likewise.
        loggers: Loggers of other packages, by the names of their entry points.
        seed: Seeds all random numbers, from 0 to 2³² − 1. None for 0.
        tune_new_entries: Whether what `hyperparameters` does not name is searched, or has its default.
        allow_new_entries: Whether the model may ask for what `hyperparameters` does not name.
        executions_per_trial: Seeds over which a configuration's mean is its score.
        max_model_size: Models with more weights are infeasible. None for no limit.
        optimizer: Takes the place of what the model is compiled with; so do `loss` and `metrics`.
        distribution_strategy: A tf.distribute.Strategy, under whose scope models are built.
        overwrite: Whether a study that exists is set aside (renamed FOLDER.1) instead of resumed.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        trials: int | None = None,
        *,
        epochs: int | None = None,
        passes: int = 3,
        study: str | Path | None = None,
        space: str | Path | Space | None = None,
        learn_from: str | Path | Sequence[str | Path] = (),
        max_time: float | None = None,
        trial_time: float | None = None,
        cv: int | None = None,
        tensorboard: str | Path | None = None,
        mlflow: str | None = None,
        wandb: str | None = None,
        loggers: Sequence[str] = (),
        max_trials: int | None = None,
        max_epochs: int | None = None,
        seed: int | None = None,
        hyperparameters: Any = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        executions_per_trial: int = 1,
        max_model_size: int | None = None,
        optimizer: Any = None,
        loss: Any = None,
        metrics: Any = None,
        distribution_strategy: Any = None,
        directory: str | Path | None = None,
        project_name: str | None = None,
        overwrite: bool = False,
        **stock: Any,
    ) -> None:
        """Prepare a search; nothing is built or written before `search`.

        Raises TypeError for an argument that neither this nor a tuner of Keras Tuner has, UsageError for a
        value out of range.
        """
        without_effect(stock)
        if trials is not None and max_trials is not None:
            raise TypeError("trials and max_trials are the same: give one")
        self._trials = whole("trials", max_trials if trials is None else trials) or _TRIALS
        self._epochs, self._max_epochs = whole("epochs", epochs), whole("max_epochs", max_epochs)
        self._passes = whole("passes", passes, high=20) or 1
        self._seed = whole("seed", seed, low=0, high=2**32 - 1) or 0
        whole("executions_per_trial", executions_per_trial, high=100)
        whole("max_model_size", max_model_size)
        self._ranges = Ranges(space, hyperparameters, tune_new_entries, allow_new_entries)
        self._learn_from = names_of(learn_from)
        self._max_time, self._trial_time = seconds("max_time", max_time), seconds("trial_time", trial_time)
        self._cv = whole("cv", cv, low=2, high=100)
        self._loggers = Loggers(
            tensorboard=None if tensorboard is None else Path(tensorboard),
            mlflow=mlflow,
            wandb=wandb,
            named=tuple(loggers),
        )
        self._objective = objective_text(objective)
        self._folder = folder_of(study, directory, project_name, hypermodel)
        self._fresh = overwrite
        self._objects: InProgram | None = None
        self._explored: Space | None = None
        refuse_overriding(type(self), CoarseToFine)
        super().__init__(
            oracle=StudyOracle(objective, self._trials, self._explore),
            hypermodel=hypermodel,
            max_model_size=max_model_size,
            optimizer=optimizer,
            loss=loss,
            metrics=metrics,
            distribution_strategy=distribution_strategy,
            directory=str(self._folder.parent),
            project_name=self._folder.name,
            executions_per_trial=executions_per_trial,
        )
        if not overwrite:
            self.reload()

    # What Keras Tuner's tuners do

    @hints_shown()
    def search(self, *args: Any, **kwargs: Any) -> None:
        """Search, or resume a search; takes what model.fit takes, or the HyperModel's own fit.

        Callbacks are copied for each training. Raises what `hptune.errors` lists, and KeyboardInterrupt
        where the user stops: the same call resumes from there.
        """
        own_fit = own_fit_of(self.hypermodel)
        given = FitArguments.of(args, kwargs, own_fit=own_fit is not None)
        self._objects = self._in_program(given, own_fit)
        options = self._options(given)
        with (
            self._building(),
            listening(quiet=given.quiet) as shown,
            with_loggers(shown, self._loggers) as listener,
            stopping(self._max_time) as stop,
        ):
            if given.epochs is None and self._epochs is None and own_fit is None:
                listener.on_warning(
                    "each trial trains 1 epoch, as model.fit does without epochs: give search(…, epochs=N)"
                )
            try:
                search(options, listener=listener, stop=stop)
            except SearchInterruptedError as stopped:
                self.reload()
                raise KeyboardInterrupt(f"{stopped.message}; the same search() resumes it") from stopped
        self._fresh = False
        self.reload()

    def reload(self) -> None:
        """Read the study again, as far as it has been searched: another process may search it."""
        if not Study.exists(self._folder) or self._fresh:
            return
        with Study.open(self._folder) as study:
            if study.passes():
                budget = study.notes.budget or self._trials * study.identity.epochs
                left = max(0, budget - study.epochs_used()) // study.identity.epochs
                self.oracle.read(study, left=left)

    def save(self) -> None:
        """Do nothing: the study has everything, from the first trial on."""

    @hints_shown()
    def load_model(self, trial: Any) -> Any:
        """Return the keras.Model of a trial, one of `oracle.get_best_trials()`, at its best epoch.

        Its weights are those that the search kept, for the best few trials, or it is trained again with its
        seed. Raises StudyError where nothing was searched yet, and UsageError where the data are needed
        and `search` was not called in this program.
        """
        if not Study.exists(self._folder):
            raise StudyError(f"{self._folder}: there is no study yet", hint="Call search first.")
        return self._models([trial])[0]

    def _models(self, trials: Sequence[Any]) -> list[Any]:
        """Return the models of trials; data and model are loaded once."""
        with self._reading() as study:
            found = [study.trial(int(trial.trial_id)) for trial in trials]
            if self._objects is None:
                return [self._from_weights(study, trial) for trial in found]
            with self._building():
                return [done.model for done in trained_models(study, found)]

    def _from_weights(self, study: Study, trial: Trial) -> Any:
        """Return a model with the weights that the search kept, without its data.

        Weights of one network are none of another's: its code is what it was when the trial was trained.
        """
        if self._fingerprint() != study.trained_with()[trial.id]:
            raise UsageError(
                f"trial {trial.id}: the model's code has changed since, or search passed arguments to fit",
                hint="Call search with the same data and arguments first: what was trained is kept.",
            )
        kept = read_snapshot(weights_path(study.folder, trial.checkpoint)) if trial.checkpoint else None
        model = self._build()(with_values(study.passes()[0].space, trial.values))
        if kept is None or kept.progress.best_epoch != trial.best_epoch or not model.built:
            raise UsageError(
                f"trial {trial.id}: its weights are not on disk, or its model is built by its data only",
                hint="Call search with the same data first: what was trained is kept.",
            )
        model.set_weights(kept.best_weights)
        return model

    @hints_shown()
    def get_best_models(self, num_models: int = 1) -> list[Any]:
        """Return the models of the best trials, best first, each at its best epoch."""
        best = self.oracle.get_best_trials(num_models)
        return self._models(best) if best else []

    @property
    def project_dir(self) -> str:
        """The study's folder, as text; it appears with the first search."""
        return str(self._folder)

    def search_space_summary(self, extended: bool = False) -> None:
        """Print each hyperparameter with its range, important ones first; `extended` adds their tiers."""
        space = from_keras_tuner(self.oracle.get_space())
        print(f"Search space summary\n{len(space.hyperparameters)} hyperparameters")
        for hp in sorted(space, key=lambda hp: hp.tier):
            tier = f", tier {int(hp.tier)}" if extended else ""
            when = ", ".join(f"{c.parent} is {' or '.join(map(describe_value, c.values))}" for c in hp.when)
            print(f"{hp.name}: {describe_range(hp)}{tier}{f' (when {when})' if when else ''}")

    def _populate_initial_space(self) -> None:
        """Do nothing: the model is explored when its space is asked for."""

    # What it adds

    def __repr__(self) -> str:
        return f"hptune.CoarseToFine(study={str(self._folder)!r})"

    @contextmanager
    def _building(self) -> Iterator[None]:
        with super()._building():
            if self._objects is None:
                yield
                return
            # The study knows data and model by names alone.
            with handing_over(self._objects):
                yield

    def _explore(self) -> Space:
        """Return what the model asks for, with what the user wrote over it."""
        if self.hypermodel is None:
            raise UsageError("no hypermodel was given")
        if self._explored is None:
            self._explored = find_space(self._build(), file_of(self.hypermodel))
        return self._explored

    def _in_program(self, given: FitArguments, own_fit: Callable[..., Any] | None) -> InProgram:
        """Return data, model and callbacks as a search finds them."""
        return InProgram(
            data=given.data,
            build=in_precision_of_now(self._build()),
            fit=bound_fit(given, own_fit),
            callbacks=given.callbacks,
            file=file_of(self._code),
            fingerprint=self._fingerprint(*given.own),
        )

    def _fingerprint(self, *passed: Any) -> str:
        """Return what changes where the model does, or what of the user's own search passes to its fit."""
        return program_fingerprint(self._code, self.loss, self.optimizer, self.metrics, *passed)

    @property
    def _code(self) -> Any:
        """What the user gave: Keras Tuner wraps a function."""
        build = self.hypermodel.build
        return build if inspect.isfunction(build) else self.hypermodel

    def _build(self) -> Callable[[Any], Any]:
        """Return what builds a model, under the strategy and with what it is compiled with instead."""
        if self.hypermodel is None:
            raise UsageError("no hypermodel was given")
        overridden = self.distribution_strategy or self.optimizer or self.loss or self.metrics
        if not overridden and self._ranges.preset is None:
            return self.hypermodel.build  # type: ignore[no-any-return]

        @wraps(self.hypermodel.build)
        def build(hp: Any) -> Any:
            if self._ranges.preset is not None:
                # The build may ask for their values without declaring them.
                hp.merge(self._ranges.preset, overwrite=False)
            return self._build_hypermodel(hp) if overridden else self.hypermodel.build(hp)

        return build

    def _options(self, given: FitArguments) -> SearchOptions:
        """Return what the search is asked for."""
        objective = self._objective
        if not given.held_out:
            objective = of_training_rows(objective)
        epochs = given.epochs or self._epochs or 1
        task = SearchTask(
            data=f"{PREFIX}arrays",
            model=f"{PREFIX}{name_of(self._code)}",
            epochs=min(epochs, self._max_epochs or epochs),
            metric=metric_of(objective or ""),
            seed=self._seed,
            cv=self._cv,
            max_parameters=self.max_model_size,
            batch_size=given.batch_size,
            callbacks=None if given.callbacks is None else f"{PREFIX}callbacks",
            executions=self.executions_per_trial,
        )
        return SearchOptions(
            task=self._ranges.over(task, self._explore),
            study=self._folder,
            passes=self._passes,
            trials=self._trials,
            oracle="coarse-to-fine",
            objective=objective,
            trial_seconds=self._trial_time,
            learn_from=self._learn_from,
            fresh=self._fresh,
            command=started_by(),
        )
