"""One job from its model to its outcome."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.models import Arrays, Model, Training
from hptune.models.backend import keras
from hptune.train.choose import choose_feed
from hptune.train.conductor import Conductor, OnEpoch
from hptune.train.failures import TooLarge
from hptune.train.own_fit import run_own_fit
from hptune.train.progress import Progress, Snapshot, load_snapshot, restore, save_snapshot
from hptune.trial import Job, Objective, Outcome, OutcomeState

__all__ = ["Session", "make_ready"]


def make_ready(model: Any, arrays: Arrays) -> None:
    """Give a model and its optimiser their variables, where they wait for the first rows."""
    if not model.built:
        model(keras.ops.convert_to_tensor(arrays.x[:1]))
    if model.optimizer is not None and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


class Session:
    """Trains one job; what it holds tells how far it came, whatever happens."""

    def __init__(
        self,
        *,
        job: Job,
        model: Model,
        training: Training,
        arrays: Arrays,
        weights: NDArray[np.float32] | None,
        objective: Objective | None,
        most_parameters: int | None,
    ) -> None:
        self.curve: list[dict[str, float]] = []
        self.timings: dict[str, float] = {}
        self.parameters: int | None = None
        self.keras_model: Any = None
        self._job = job
        self._model = model
        self._training = training
        self._arrays = arrays
        self._weights = weights
        self._objective = objective
        self._most_parameters = most_parameters

    def train(self, on_epoch: OnEpoch, *, keep_best: bool = False) -> Outcome:
        """Train the job; raises Infeasible, or whatever the model's code raises."""
        with self._timed("build"):
            self.keras_model = self._model.build(self._job.values, self._job.seed)
            make_ready(self.keras_model, self._arrays)
        self.parameters = int(self.keras_model.count_params())
        if self._most_parameters is not None and self.parameters > self._most_parameters:
            raise TooLarge(self.parameters, self._most_parameters)
        conductor = self._conductor(on_epoch, keep_best or bool(self._job.keep_as))
        self.curve = conductor.curve
        fit = self._model.own_fit(self._job.values)
        ended = False
        if conductor.progress.ended:
            # Early stopping ended it in an earlier job.
            ended = True
        elif fit is not None:
            with self._timed("fit"):
                self.curve, ended = run_own_fit(
                    fit, self.keras_model, self._arrays, conductor, self._job, self._objective
                )
        else:
            self._fit(conductor)
        if keep_best or conductor.progress.ended:
            self._put_best(conductor)
        return Outcome(
            job_id=self._job.id,
            state=OutcomeState.INTERRUPTED if conductor.stopped else OutcomeState.DONE,
            ended=ended or conductor.progress.ended,
            checkpoint=self._keep(conductor),
        )

    def _conductor(self, on_epoch: OnEpoch, keep_best: bool) -> Conductor:
        """Return who conducts the epochs, having gone to where the checkpoint was taken."""
        snapshot: Snapshot | None = None
        if self._job.checkpoint:
            with self._timed("checkpoint"):
                snapshot = load_snapshot(self._job.checkpoint)
                restore(self.keras_model, snapshot)
        return Conductor(
            job=self._job,
            training=self._training,
            objective=self._objective,
            on_epoch=on_epoch,
            progress=snapshot.progress if snapshot else Progress(),
            best_weights=snapshot.best_weights if snapshot else None,
            keep_best=keep_best,
        )

    def _fit(self, conductor: Conductor) -> None:
        feed = choose_feed(
            self.keras_model, self._arrays, self._weights, self._training.batch_size, self._job.seed
        )
        with self._timed("trace"):
            feed.trace()
        with self._timed("fit"):
            feed.fit(conductor, self._job.initial_epoch, self._job.epochs)
        self.timings["fit"] -= conductor.validation_seconds
        self.timings["validation"] = conductor.validation_seconds

    def _put_best(self, conductor: Conductor) -> None:
        if conductor.best_weights is not None:
            self.keras_model.set_weights(conductor.best_weights)

    def _keep(self, conductor: Conductor) -> str:
        """Write the weights where the job asks for it; returns their path, or ""."""
        job, snapshot = self._job, conductor.snapshot
        if not job.keep_as or snapshot is None or not (conductor.stopped or self._good_enough(conductor)):
            return ""
        with self._timed("checkpoint"):
            save_snapshot(Path(job.keep_as), snapshot)
        return job.keep_as

    def _good_enough(self, conductor: Conductor) -> bool:
        """Tell whether the score reaches the job's bar; an equal one does."""
        bar, best = self._job.keep_if, conductor.progress.best
        if bar is None or self._objective is None:
            return True
        return best is not None and not self._objective.better(bar, best)

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.timings[what] = self.timings.get(what, 0.0) + time.perf_counter() - began
