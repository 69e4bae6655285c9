"""One job from its model to its outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.data.structure import map_leaves
from hptune.errors import DataError
from hptune.models.backend import keras
from hptune.models.memory import room_for_weights
from hptune.models.model import Arrays, Model, OwnFit, Training
from hptune.study.trial import Job, Objective, Outcome, OutcomeState
from hptune.training.checkpoint import Checkpoint, load_checkpoint, restore, save_checkpoint
from hptune.training.choose_feed import choose_feed
from hptune.training.epoch_callback import EpochCallback, OnEpoch
from hptune.training.failures import Exhausted, TooLarge
from hptune.training.graph_cache import Graphs, Traced, begin_as
from hptune.training.progress import TrainingState
from hptune.training.user_callbacks import carried_along, noting_callbacks, with_state
from hptune.training.user_fit import run_own_fit

__all__ = ["Session", "make_ready"]


def make_ready(model: Any, arrays: Arrays) -> None:
    """Give a model and its optimiser their variables, where they wait for the first rows."""
    # Variables of a tf.distribute strategy are made inside its scope.
    strategy = getattr(model, "distribute_strategy", None)
    with nullcontext() if strategy is None else strategy.scope():
        if not model.built:
            model(map_leaves(lambda array: keras.ops.convert_to_tensor(array[:1]), arrays.x))
        optimizer = getattr(model, "optimizer", None)
        if optimizer is not None and not optimizer.built:
            optimizer.build(model.trainable_variables)


class Session:
    """Trains one job; its attributes say how far it came, whatever happens."""

    def __init__(
        self,
        *,
        job: Job,
        model: Model,
        training: Training,
        arrays: Arrays,
        weights: NDArray[np.float32] | None,
        class_weight: Mapping[int, float] | None = None,
        objective: Objective | None,
        most_parameters: int | None,
        graphs: Graphs | None = None,
        numpy_path: bool = True,
        in_one_go: bool = False,
        callbacks: Callable[[], Sequence[Any]] | None = None,
    ) -> None:
        """Prepare to train.

        `graphs` are those of earlier jobs, None to use and leave none. `numpy_path` False leaves the
        model to Keras. `in_one_go` says that the job is a whole training; `callbacks` makes the user's.
        """
        self.curve: list[dict[str, float]] = []
        self.timings: dict[str, float] = {}
        self.parameters: int | None = None
        self.keras_model: Any = None
        self.stateful: tuple[str, ...] = ()
        """Callbacks that the model's own fit added and whose state no checkpoint holds."""
        self.refused: set[str] = set()
        """Keywords that the model's own fit did not take, or set itself."""
        self._job = job
        self._model = model
        self._training = training
        self._arrays = arrays
        self._weights = arrays.weights if weights is None else weights
        self._class_weight = class_weight
        self._objective = objective
        self._most_parameters = most_parameters
        self._graphs = graphs
        self._numpy_path = numpy_path
        self._in_one_go = in_one_go
        self._make_callbacks = callbacks

    def train(self, on_epoch: OnEpoch, *, keep_best: bool = False) -> Outcome:
        """Train the job; raises Infeasible, or whatever the model's code raises."""
        with self._timed("build"):
            traced = self._reused()
            self.keras_model = self._built() if traced is None else traced.model
        self._count_parameters()
        fit = self._model.own_fit(self._job.values)
        callbacks = None if self._make_callbacks is None else self._make_callbacks()
        carried = () if fit is not None else carried_along(callbacks or ())
        epoch_callback = self._epoch_callback(on_epoch, keep_best or bool(self._job.keep_as), carried)
        self.curve = epoch_callback.curve
        ended = epoch_callback.progress.ended
        if ended:
            # By early stopping, in an earlier job.
            pass
        elif fit is None:
            self._fit(epoch_callback, traced, callbacks)
        else:
            ended = self._fit_by_itself(fit, epoch_callback, callbacks or ())
        if self.stateful or (callbacks and not carried):
            self._forget_what_lacks_state(epoch_callback)
        self._count_parameters()
        if keep_best and epoch_callback.best_weights is not None:
            self.keras_model.set_weights(epoch_callback.best_weights)
        return Outcome(
            job_id=self._job.id,
            state=OutcomeState.INTERRUPTED if epoch_callback.stopped else OutcomeState.DONE,
            ended=ended or epoch_callback.progress.ended or epoch_callback.ended_by_others,
            checkpoint=self._keep(epoch_callback),
        )

    def _built(self) -> Any:
        with room_for_weights():
            model = self._model.build(self._job.values, self._job.seed)
            fit = self._model.own_fit(self._job.values)
            if fit is None or not fit.own_data:
                make_ready(model, self._arrays)
        return model

    def _count_parameters(self) -> None:
        """Note how many weights there are, which a model knows once it has seen its data."""
        if not self.keras_model.built:
            return
        self.parameters = int(self.keras_model.count_params())
        if self._most_parameters is not None and self.parameters > self._most_parameters:
            raise TooLarge(self.parameters, self._most_parameters)

    def _reused(self) -> Traced | None:
        """Return a graph of an earlier job, its weights as this job begins; None where none fits."""
        if self._graphs is None or self._key is None:
            return None
        traced = self._graphs.take(self._key)
        if traced is not None and not self._job.checkpoint:
            begin_as(self._model.build(self._job.values, self._job.seed), traced.model)
        return traced

    @cached_property
    def _key(self) -> Hashable | None:
        """The key of this job's graph; None where it is not to be used again."""
        key = self._model.graph_key(self._job.values)
        held = (id(self._arrays), id(self._weights))
        return None if key is None else (key, self._training.batch_size, held)

    def _epoch_callback(self, on_epoch: OnEpoch, keep_best: bool, carried: Sequence[Any]) -> EpochCallback:
        """Return who conducts the epochs, having gone to where the checkpoint was taken."""
        checkpoint: Checkpoint | None = None
        if self._job.checkpoint:
            with self._timed("checkpoint"):
                checkpoint = load_checkpoint(self._job.checkpoint)
                restore(self.keras_model, checkpoint)
        epoch_callback = EpochCallback(
            job=self._job,
            training=self._training,
            objective=self._objective,
            on_epoch=on_epoch,
            progress=checkpoint.progress if checkpoint else TrainingState(),
            best_weights=checkpoint.best_weights if checkpoint else None,
            keep_best=keep_best,
            carried=carried,
        )
        # Where there is nothing more to train, that is what is kept again.
        epoch_callback.checkpoint = checkpoint
        return epoch_callback

    def _forget_what_lacks_state(self, epoch_callback: EpochCallback) -> None:
        """Keep nothing to go on from where callbacks have a state: a later job starts over instead.

        A whole training that was interrupted leaves no epochs either.
        """
        if epoch_callback.stopped:
            self.curve, epoch_callback.checkpoint = [], None
        elif not self._in_one_go:
            epoch_callback.checkpoint = None

    def _fit(
        self, epoch_callback: EpochCallback, traced: Traced | None, callbacks: Sequence[Any] | None
    ) -> None:
        if traced is None:
            feed = choose_feed(
                self.keras_model,
                self._arrays,
                self._weights,
                self._training.batch_size,
                numpy_path=self._numpy_path,
                callbacks=callbacks,
            )
            with self._timed("trace"):
                feed.trace()
            traced = Traced(self.keras_model, feed, held=(self._arrays, self._weights))
        with self._timed("fit"):
            try:
                traced.feed.fit(epoch_callback, self._job.seed, self._job.initial_epoch, self._job.epochs)
            except Exhausted as low:
                raise DataError(
                    str(low),
                    hint="Let it go on for as many epochs as there may be: a generator by `while True:`, a"
                    " tf.data.Dataset by repeat(). What was trained is kept: the same command resumes it.",
                ) from low
        self.timings["fit"] -= epoch_callback.validation_seconds
        self.timings["validation"] = epoch_callback.validation_seconds
        if self._graphs is not None and self._key is not None:
            self._graphs.put(self._key, traced)

    def _fit_by_itself(self, fit: OwnFit, epoch_callback: EpochCallback, callbacks: Sequence[Any]) -> bool:
        """Let a user's own fit train; returns whether more epochs would change nothing.

        A training that is judged as a whole and was interrupted starts over.
        """
        self.refused = fit.refused
        with self._timed("fit"), noting_callbacks() as seen:
            self.curve, whole = run_own_fit(
                fit,
                self.keras_model,
                self._arrays,
                epoch_callback,
                self._objective,
                initial_epoch=self._job.initial_epoch,
                epochs=self._job.epochs,
                class_weight=self._class_weight,
                callbacks=callbacks,
            )
        given = [*callbacks, epoch_callback]
        self.stateful = with_state([one for one in seen if not any(one is ours for ours in given)])
        if whole and epoch_callback.stopped:
            self.curve, epoch_callback.checkpoint = [], None
        return whole and not epoch_callback.stopped

    def _keep(self, epoch_callback: EpochCallback) -> str:
        """Write the weights where the job asks for it; returns their path, or ""."""
        job, checkpoint = self._job, epoch_callback.checkpoint
        keeps = job.keeps(epoch_callback.progress.best, self._objective, interrupted=epoch_callback.stopped)
        if checkpoint is None or not keeps:
            return ""
        with self._timed("checkpoint"):
            save_checkpoint(Path(job.keep_as), checkpoint)
        return job.keep_as

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.timings[what] = self.timings.get(what, 0.0) + time.perf_counter() - began
