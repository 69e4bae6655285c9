"""What happens at the beginning and at the end of every epoch, on any backend."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from hptune.models.backend import keras
from hptune.models.model import Training
from hptune.models.recipes.averaging import AverageForValidation
from hptune.study.trial import Job, Objective
from hptune.training.checkpoint import Checkpoint, TrainingState, Weights, take_checkpoint
from hptune.training.failures import Diverged
from hptune.training.random_numbers import reseed, seed_states

__all__ = ["EpochCallback", "OnEpoch", "never_stop"]

OnEpoch = Callable[[int, Mapping[str, float]], bool]
"""Called after each epoch with (epochs so far, what the epoch reported); True asks to stop."""


def never_stop(epoch: int, report: Mapping[str, float]) -> bool:
    """Go on."""
    return False


class ExternalWeights(Protocol):
    """What trains a Keras model's weights in its stead."""

    def give(self) -> None:
        """Give weights and the optimiser's state, the learning rate among it, to the Keras model."""
        ...

    def judged_weights(self) -> Weights:
        """Return the weights that validation judged, as Keras lists them."""
        ...


class EpochCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Sets learning rate and random states, validates, notes the curve, judges and stops."""

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
    ) -> None:
        super().__init__()
        self.curve: list[dict[str, float]] = []
        self.progress = progress
        self.best_weights = best_weights
        self.checkpoint: Checkpoint | None = None
        """The training as it stood after the last epoch; None before."""
        self.stopped = False
        """It was asked to stop before its epochs were done."""
        self.validate: Callable[[], Mapping[str, Any]] | None = None
        """Validates in an epoch's stead; None where Keras's fit does."""
        self.external_weights: ExternalWeights | None = None
        """Where weights are trained; None for the Keras model itself."""
        self.validation_seconds = 0.0
        self._job = job
        self._training = training
        self._objective = objective
        self._on_epoch = on_epoch
        self._keep_best = keep_best or training.patience > 0
        self._average = AverageForValidation()
        self._states: list[Any] = []
        self.rate = math.nan
        """The learning rate of the epoch under way."""
        self._epoch = 0
        if keras.backend.backend() == "torch":
            # Keras's fit makes a DataLoader after on_epoch_begin, and that draws from PyTorch's generator.
            self.on_train_batch_begin = self._on_step

    @property
    def averaged(self) -> bool:
        """Whether it is the average of the weights that counts, where one is kept."""
        return self._training.averaged

    def set_model(self, model: Any) -> None:
        """Take the model that is trained."""
        super().set_model(model)
        self._average.set_model(model)
        self._states = seed_states(model)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Put everything that an epoch depends on where the epoch alone decides."""
        if self._training.learning_rate is not None:
            self.rate = self._training.learning_rate(epoch)
            if self.external_weights is None:
                self.model.optimizer.learning_rate = self.rate
        else:
            self.rate = _rate_of(getattr(self.model, "optimizer", None))
        self._epoch = epoch
        # What trains elsewhere draws by itself.
        if self.external_weights is None:
            reseed(self._states, self._job.seed, epoch)

    def _on_step(self, batch: int, logs: Any = None) -> None:
        if batch == 0:
            reseed(self._states, self._job.seed, self._epoch)

    def on_test_begin(self, logs: Any = None) -> None:
        """Judge the averaged weights, where there are any."""
        if self._training.averaged and self.external_weights is None:
            self._average.swap_in()

    def on_test_end(self, logs: Any = None) -> None:
        """Go on with the trained ones."""
        self._average.swap_out()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Note the epoch and decide whether there shall be another."""
        reported = dict(logs or {})
        if self.validate is not None:
            began = time.perf_counter()
            self.on_test_begin()
            reported |= {f"val_{name}": value for name, value in self.validate().items()}
            self.on_test_end()
            self.validation_seconds += time.perf_counter() - began
        report = self._in_units(reported)
        self._refuse_divergence(epoch + 1, report)
        report = {name: value for name, value in report.items() if math.isfinite(value)}
        self.curve.append(report)
        self._judge(epoch + 1, report)
        asked = self._on_epoch(epoch + 1, report)
        done = self.progress.ended or epoch + 1 >= self._job.epochs
        self.stopped = asked and not done
        if self.progress.ended or asked:
            self.model.stop_training = True
        if (done or asked) and self._job.keep_as:
            # Not after fit: it replaces the weights by their average, where there is one.
            if self.external_weights is not None:
                self.external_weights.give()
            self.checkpoint = take_checkpoint(self.model, self.progress, self.best_weights)

    def _in_units(self, reported: Mapping[str, Any]) -> dict[str, float]:
        """Return the report as plain numbers, in the target's own units, with the learning rate."""
        report = {}
        for name, value in reported.items():
            report[name] = float(value) * self._training.unit_of(name)
        return report | ({} if math.isnan(self.rate) else {"learning_rate": self.rate})

    def _refuse_divergence(self, epoch: int, report: Mapping[str, float]) -> None:
        names = ["loss", *([self._objective.name] if self._objective else [])]
        for name in names:
            value = report.get(name, 0.0)
            if not math.isfinite(value):
                raise Diverged(epoch, name, value)

    def _judge(self, epoch: int, report: Mapping[str, float]) -> None:
        self.progress.epochs = epoch
        if self._objective is None or self._objective.name not in report:
            return
        better = self.progress.note(
            report[self._objective.name],
            self._objective,
            patience=self._training.patience,
            min_delta=self._training.min_delta * self._training.unit_of(self._objective.name),
        )
        if better and self._keep_best:
            self.best_weights = self._judged_weights()

    def _judged_weights(self) -> Weights:
        """Copy the weights that validation judged: the averaged ones, where there are any."""
        if self.external_weights is not None:
            return self.external_weights.judged_weights()
        self.on_test_begin()
        weights = [np.array(value) for value in self.model.get_weights()]
        self.on_test_end()
        return weights


def _rate_of(optimizer: Any) -> float:
    """Return the learning rate of the next step; NaN for an optimiser that has none."""
    rate = getattr(optimizer, "learning_rate", None)
    return math.nan if rate is None else float(keras.ops.convert_to_numpy(rate))
