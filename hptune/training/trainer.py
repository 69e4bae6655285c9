"""Trains jobs; returns their outcomes."""

from __future__ import annotations

import errno
import gc
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.data import Dataset, Task
from hptune.data.put_back import leave_if_forked
from hptune.data.structure import is_structure
from hptune.data.under_way import Died, under_way
from hptune.errors import HptuneError, InputError, ModelError, StudyError
from hptune.models.backend import keras, set_up
from hptune.models.memory import room_for_weights
from hptune.models.model import Arrays, Model, OwnFit
from hptune.space import Values
from hptune.space.describe import describe_value
from hptune.study.trial import Job, Objective, Outcome, OutcomeState, Trial
from hptune.training.checkpoint import read_snapshot
from hptune.training.epoch_callback import OnEpoch, never_stop
from hptune.training.failures import Infeasible, in_words, infeasible_reason, is_fatal, traceback_text
from hptune.training.feeds import as_floats
from hptune.training.graph_cache import Graphs
from hptune.training.preflight import Preflight, try_one_batch
from hptune.training.session import Session, make_ready
from hptune.training.user_callbacks import UserCallbacks, carried_along

__all__ = ["ClassWeight", "Trainer", "TrainerSettings", "balanced_weights", "class_weights"]

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
"""Errors of the machine, which say nothing of a configuration."""
_COLLECT_EVERY = 8
"""Jobs after which memory of finished ones is collected: it takes a tenth of a second."""


class ClassWeight(StrEnum):
    """How much the rows of each class count in the loss."""

    NONE = "none"
    BALANCED = "balanced"
    """Every class as much as any other: rows / (classes · rows of the class), as scikit-learn has it."""


@dataclass(frozen=True, kw_only=True)
class TrainerSettings:
    """What holds for every job."""

    class_weight: ClassWeight = ClassWeight.NONE
    max_parameters: int | None = None
    """Models with more weights are infeasible; None for no limit."""
    numpy_path: bool = True
    """Whether NumPy may train what it can; False leaves all to Keras."""
    in_one_go: bool = False
    """Whether each job is a whole training."""
    callbacks: str | None = None
    """FILE.py:function, which makes callbacks for each training; None for none."""


class Trainer:
    """Trains one model's configurations on one data set.

    A trial trained in one job and one trained in several, each going on from the last one's
    checkpoint in a process of its own, come out the same bits: what is random in an epoch
    depends on the seed and the epoch alone, and a checkpoint holds all the rest.
    """

    def __init__(
        self,
        dataset: Dataset,
        model: Model,
        objective: Objective | None,
        settings: TrainerSettings | None = None,
    ) -> None:
        self.settings = settings or TrainerSettings()
        self._dataset = dataset
        self._model = model
        self._objective = objective
        self._row_weights = _row_weights(dataset, self.settings.class_weight)
        weighs = self._row_weights is not None
        self._class_weight = class_weights(dataset.train.y, len(dataset.classes)) if weighs else None
        callbacks = self.settings.callbacks
        self._callbacks = None if callbacks is None else UserCallbacks(callbacks)
        self._graphs = Graphs()
        self._jobs = 0

    def run(self, job: Job, on_epoch: OnEpoch = never_stop) -> Outcome:
        """Train a job from its checkpoint, or from the start, to its epochs.

        `on_epoch` gets the epochs so far and what the epoch reported; True stops the training
        there. Failures are reported in the outcome, not raised, except for errors of the space
        and KeyboardInterrupt.
        """
        began = time.perf_counter()
        self._tidy()
        job = self._where_to_begin(job)
        session = self._session(job, graphs=self._graphs)
        try:
            outcome = session.train(_guarded(on_epoch))
        except _ListenerFailed as failed:
            raise failed.error from None
        except Infeasible as infeasible:
            outcome = _outcome(job, OutcomeState.INFEASIBLE, str(infeasible))
        except (Exception, SystemExit) as error:
            outcome = self._failed(job, error)
        return replace(
            outcome,
            curve=tuple(session.curve),
            seconds=time.perf_counter() - began,
            timings=session.timings,
            parameters=session.parameters,
            unsearched=self._model.unsearched(),
            declared=self._model.declared(),
        )

    def _where_to_begin(self, job: Job) -> Job:
        """Return the job, or one that starts over where its weights can't be resumed from.

        Weights that have had more epochs than the record knows of were written by a process that was killed
        before it recorded them.
        """
        if not job.checkpoint:
            return job
        fit, found = self._model.own_fit(job.values), read_snapshot(job.checkpoint)
        known = found is not None and found.progress.epochs <= job.initial_epoch
        if known and (fit is None or fit.goes_on):
            return job
        return replace(job, checkpoint="", initial_epoch=0)

    def _failed(self, job: Job, error: Exception | SystemExit) -> Outcome:
        """Return what an exception means for a job; raises it where it is not the model's doing."""
        infeasible = infeasible_reason(error)
        if infeasible:
            return _outcome(job, OutcomeState.INFEASIBLE, infeasible)
        if is_fatal(error):
            raise ModelError(
                f"the search was ended by the model: {in_words(error, self._file)}",
                hint="What was trained is kept: the same command resumes it once that is mended.",
                source=self._model.name,
            ) from error
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            raise StudyError(
                f"{error.filename or 'the disk'}: {error.strerror}",
                hint="Nothing that was trained is lost. Make room: the same command resumes from here.",
            ) from error
        if isinstance(error, HptuneError) and not isinstance(error, ModelError):
            raise error
        reason = error.message if isinstance(error, ModelError) else in_words(error, self._file)
        return replace(_outcome(job, OutcomeState.FAILED, reason), traceback=traceback_text(error))

    @property
    def _file(self) -> Path | None:
        """The user's file, where the model is from one."""
        return self._model.source_file

    def preflight(self, values: Values) -> Preflight:
        """Train one batch and evaluate one; returns the metrics' names, and whether NumPy does as Keras.

        Raises ModelError, with what was raised and where, if that does not work.
        """
        self._tidy()
        tried = ", ".join(f"{name} {describe_value(value)}" for name, value in values.items())
        try:
            with under_way(f"{self._model.name}: one batch with {tried}"):
                return self._try_one_batch(values)
        except Died as died:
            raise ModelError(
                f"one batch can't be trained: {died}\n  It was tried with {tried}", source=self._model.name
            ) from died
        except ModelError as error:
            if error.source:
                raise
            raise error.at(self._model.name) from error
        except HptuneError:
            raise
        except (Exception, SystemExit) as error:
            raise ModelError(
                f"one batch can't be trained: {in_words(error, self._file)}",
                hint=self._shapes(),
                source=self._model.name,
            ) from error

    def _try_one_batch(self, values: Values) -> Preflight:
        arrays = self._model.arrays(self._dataset, values)
        few = arrays.few(self._model.batch_size(values, arrays.rows))
        fit = self._model.own_fit(values)
        if fit is not None:
            return self._try_callbacks(values, self._try_own_fit(fit, values, few))
        with room_for_weights():
            model = self._model.build(values, seed=0)
            make_ready(model, few)
        return self._try_callbacks(values, try_one_batch(model, few.each(as_floats)))

    def _try_callbacks(self, values: Values, found: Preflight) -> Preflight:
        """Have the user's callbacks made twice, as two trials would; Keras trains all with them."""
        if self._callbacks is None:
            return found
        made, _ = (self._callbacks.make(values, "preflight") for _ in range(2))
        divided = self._model.own_fit(values) is None and carried_along(made) == tuple(made)
        names = tuple(type(one).__name__ for one in made)
        return replace(found, numpy_difference="", in_one_go=found.in_one_go or not divided, callbacks=names)

    def _try_own_fit(self, fit: OwnFit, values: Values, few: Arrays) -> Preflight:
        """Let a user's own fit train an epoch, on a few rows or, where these won't do, on all.

        It may pass weights of all rows, or rows of its own: what fails on a few rows alone is no fault.
        """
        job = Job(id=0, trial_id=0, values=values, seed=0, initial_epoch=0, epochs=1)
        # It stands for the user's callbacks: a training that is thrown away leaves none of their files.
        probe = None if self._callbacks is None else keras.callbacks.Callback()
        passed = None if probe is None else lambda: [probe]
        session = self._session(job, arrays=few, callbacks=passed)
        try:
            outcome = session.train(never_stop)
        except (Exception, SystemExit):
            session = self._session(job, callbacks=passed)
            outcome = session.train(never_stop)
        self._refuse_dropped(session.refused, unheard=probe is not None and probe.model is None)
        return Preflight(
            reported=tuple(name for name in session.curve[0] if name != "learning_rate"),
            own_epochs=len(session.curve) if len(session.curve) > job.epochs else 0,
            in_one_go=outcome.ended or not fit.goes_on or bool(session.stateful),
            stateful=session.stateful,
        )

    def _refuse_dropped(self, refused: set[str], *, unheard: bool) -> None:
        """Refuse a fit that leaves out what the user asked for: it did not take it, or set its own.

        `unheard` says that callbacks were given to it and reached no fit of Keras's.
        """
        asked = {"batch_size": "--batch-size", "class_weight": "--class-weight", "sample_weight": "weights"}
        for keyword, what in asked.items():
            if keyword in refused:
                raise ModelError(
                    f"its own fit does not take {keyword}, or sets its own: {what} would have no effect",
                    hint="Let fit take **kwargs and pass them on to model.fit, with nothing of its own there;"
                    " or leave it out.",
                    source=self._model.name,
                )
        if unheard or (self._callbacks is not None and "callbacks" in refused):
            raise ModelError(
                f"its own fit does not pass on the callbacks of {self.settings.callbacks}",
                hint="Let fit take callbacks, or **kwargs, and pass them on to model.fit; or leave"
                " --callbacks out.",
                source=self._model.name,
            )

    def _shapes(self) -> str:
        train = self._dataset.train.as_given
        return f"The data: x of {_shapes_of(train.x)}; y of {_shapes_of(train.y)}."

    def best_model(self, trial: Trial, checkpoint: Path | None = None, *, epochs: int | None = None) -> Any:
        """Return the keras.Model of a trial with the weights of its best epoch.

        They are taken from a checkpoint where it has them; otherwise the trial is trained again,
        which gives the same. It predicts what it learned: z-scored targets in a recipe's
        regression. `epochs` are those that it was asked for where it was trained in one go, for what it does
        in each may depend on them; None trains to its best. Raises ModelError where it can't be trained
        again, or its weights fit no more.
        """
        self._tidy()
        job = Job(
            id=0,
            trial_id=trial.id,
            values=trial.values,
            seed=trial.seed,
            initial_epoch=0,
            epochs=epochs or trial.best_epoch or max(1, trial.epochs),
            part="export",
        )
        kept = None if checkpoint is None else read_snapshot(checkpoint)
        fit = self._model.own_fit(trial.values)
        built = fit is None or not fit.own_data
        if built and kept and kept.best_weights and kept.progress.best_epoch == trial.best_epoch:
            model = self._model.build(trial.values, trial.seed)
            make_ready(model, self._model.arrays(self._dataset, trial.values))
            try:
                model.set_weights(kept.best_weights)
            except ValueError as low:
                raise ModelError(
                    f"{self._model.name}: builds another model for trial {trial.id} than the one trained:"
                    " its weights do not fit",
                    hint="Run this with the model as it was then, or search anew with --fresh.",
                ) from low
            return model
        session = self._session(job)
        try:
            session.train(never_stop, keep_best=True)
        except Infeasible as infeasible:
            raise ModelError(f"trial {trial.id} can't be trained again: {infeasible}") from infeasible
        return session.keras_model

    def _session(
        self, job: Job, *, arrays: Any = None, graphs: Graphs | None = None, callbacks: Any = None
    ) -> Session:
        found = self._model.arrays(self._dataset, job.values) if arrays is None else arrays
        if callbacks is None and self._callbacks is not None:
            callbacks = partial(self._callbacks.make, self._model.space().for_model(job.values), job.name)
        return Session(
            job=job,
            model=self._model,
            training=self._model.training(job.values, found.rows),
            arrays=found,
            weights=self._row_weights if arrays is None else None,
            class_weight=self._class_weight,
            objective=self._objective,
            most_parameters=self.settings.max_parameters,
            graphs=graphs,
            numpy_path=self.settings.numpy_path,
            in_one_go=self.settings.in_one_go,
            callbacks=callbacks,
        )

    def _tidy(self) -> None:
        """Let go of what earlier jobs left in Keras."""
        keras.backend.clear_session(free_memory=False)
        set_up(self._dataset.input_shape)
        self._jobs += 1
        if self._jobs % _COLLECT_EVERY == 0:
            gc.collect()


class _ListenerFailed(BaseException):
    """Carries an error of whoever listens past everything that catches the model's."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def _guarded(on_epoch: OnEpoch) -> OnEpoch:
    """Keep what a listener raises from being taken for the model's doing; end a forked child here."""
    own = os.getpid()

    def heard(epoch: int, report: Mapping[str, float]) -> bool:
        leave_if_forked(own)
        try:
            return on_epoch(epoch, report)
        except Exception as error:
            raise _ListenerFailed(error) from error

    return heard


def _outcome(job: Job, state: OutcomeState, reason: str) -> Outcome:
    return Outcome(job_id=job.id, state=state, reason=reason)


def _shapes_of(tree: Any) -> str:
    if is_structure(tree):
        named = tree.items() if isinstance(tree, Mapping) else enumerate(tree)
        return ", ".join(f"{name}: {_shapes_of(part)}" for name, part in named)
    if tree is None:
        return "no array"
    return f"shape {('rows', *tree.shape[1:])}, {tree.dtype}".replace("'", "")


def _row_weights(dataset: Dataset, kind: ClassWeight) -> NDArray[np.float32] | None:
    """Return how much each training row counts; None where all count alike."""
    if kind is ClassWeight.NONE:
        return None
    if dataset.streams is not None:
        raise InputError(
            f"class weights need the classes of all rows, and {dataset.name} gives batches",
            hint="Leave --class-weight out, and let batches hold weights: (x, y, sample_weight).",
        )
    if dataset.task not in (Task.BINARY, Task.MULTICLASS):
        raise InputError(
            "class weights need classes, and this data has none", hint="Leave --class-weight out."
        )
    if dataset.train.as_given.weights is not None:
        raise InputError(
            "rows have weights of their own in this data, so that classes can't have others",
            hint="Leave --class-weight out, or return (x, y) without weights.",
        )
    return balanced_weights(dataset.train.y, len(dataset.classes))


def balanced_weights(codes: NDArray[Any], classes: int) -> NDArray[np.float32]:
    """Return how much each row counts in the loss if every class counts as much as any other."""
    codes = codes.reshape(-1).astype(np.int64)
    weights = class_weights(codes, classes)
    return np.array([weights[code] for code in codes.tolist()], dtype=np.float32)


def class_weights(codes: NDArray[Any], classes: int) -> dict[int, float]:
    """Return how much a row of each class counts, as Keras's `class_weight` has it."""
    codes = codes.reshape(-1).astype(np.int64)
    counts = np.maximum(np.bincount(codes, minlength=classes), 1)
    return dict(enumerate((len(codes) / (len(counts) * counts)).tolist()))
