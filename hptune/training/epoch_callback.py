"""What a search adds to the rules of an epoch: it validates by itself, asks whether to stop, checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from hptune.models.model import Training
from hptune.study.trial import Job, Objective
from hptune.training.callback_state import states_of, with_states
from hptune.training.checkpoint import Checkpoint, Weights, take_checkpoint
from hptune.training.epoch_rules import EpochRules, OnEpoch, never_stop
from hptune.training.progress import TrainingState

__all__ = ["EpochCallback", "OnEpoch", "never_stop"]


class ExternalWeights(Protocol):
    """Trains a Keras model's weights outside of Keras."""

    def give(self) -> None:
        """Give weights and the optimiser's state, the learning rate among it, to the Keras model."""
        ...

    def judged_weights(self) -> Weights:
        """Return the weights that validation judged, as Keras lists them."""
        ...


class EpochCallback(EpochRules):
    """The rules of an epoch in a search's job."""

    def __init__(
        self,
        *,
        job: Job,
        training: Training,
        objective: Objective | None,
        on_epoch: OnEpoch,
        progress: TrainingState,
        best_weights: Weights | None = None,
        keep_best: bool = False,
        carried: Sequence[Any] = (),
    ) -> None:
        """Conduct a job; `carried` are the user's callbacks whose state goes along with the checkpoint."""
        super().__init__(
            seed=job.seed,
            training=training,
            objective=objective,
            on_epoch=on_epoch,
            progress=progress,
            best_weights=best_weights,
            keep_best=keep_best,
        )
        self.checkpoint: Checkpoint | None = None
        """The training as it stood after the last epoch; None before."""
        self.validate: Callable[[], Mapping[str, Any]] | None = None
        """Validates in an epoch's stead; None where Keras's fit does."""
        self.external_weights: ExternalWeights | None = None
        """Where weights are trained; None for the Keras model itself."""
        self.validation_seconds = 0.0
        self.ended_by_others = False
        """A callback of the user's ended the training at this epoch."""
        self._job = job
        self._carried = carried

    def on_train_begin(self, logs: Any = None) -> None:
        """Give the user's callbacks what they knew, which they have just forgotten: this one comes last."""
        if self._carried and self.checkpoint is not None:
            with_states(self._carried, self.checkpoint.callbacks)

    @property
    def averaged(self) -> bool:
        """Whether it is the average of the weights that counts, where one is kept."""
        return self._training.averaged

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Put everything that an epoch depends on where the epoch alone decides."""
        if self.external_weights is None:
            super().on_epoch_begin(epoch, logs)
        else:
            self.rate = self.rate_of(epoch)

    def on_test_begin(self, logs: Any = None) -> None:
        """Judge the averaged weights, where there are any."""
        if self.external_weights is None:
            super().on_test_begin(logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Note the epoch and decide whether there shall be another."""
        reported = dict(logs or {})
        if self.validate is not None:
            began = time.perf_counter()
            self.on_test_begin()
            reported |= {f"val_{name}": value for name, value in self.validate().items()}
            self.on_test_end()
            self.validation_seconds += time.perf_counter() - began
        asked = self.note(epoch + 1, reported)
        self.ended_by_others = self.external_weights is None and getattr(self.model, "stop_training", False)
        over = self.progress.ended or self.ended_by_others
        done = over or epoch + 1 >= self.epochs_of(self._job.epochs)
        self.stopped = self.stopped or (asked and not done)
        if self.progress.ended or asked:
            self.model.stop_training = True
        if (done or asked) and self._job.keep_as:
            # Not after fit: it replaces the weights by their average, where there is one.
            if self.external_weights is not None:
                self.external_weights.give()
            self.checkpoint = take_checkpoint(self.model, self.progress, self.best_weights)
            if self.checkpoint is not None:
                self.checkpoint.callbacks = states_of(self._carried)

    def judged_weights(self) -> Weights:
        """Copy the weights that validation judged: the averaged ones, where there are any."""
        if self.external_weights is not None:
            return self.external_weights.judged_weights()
        return super().judged_weights()
