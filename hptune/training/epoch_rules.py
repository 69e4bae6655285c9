"""What happens at the beginning and at the end of every epoch: exported scripts hold a copy of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.models.backend import keras
from hptune.models.model import Training
from hptune.models.recipes.averaging import AverageForValidation
from hptune.study.trial import Objective
from hptune.training.failures import Diverged
from hptune.training.progress import TrainingState
from hptune.training.random_numbers import reseed, seed_states

__all__ = ["EpochRules", "OnEpoch", "as_number", "flattened", "never_stop"]

OnEpoch = Callable[[int, Mapping[str, float]], bool]
"""Called after each epoch with (epochs so far, what the epoch reported); True asks to stop."""


def never_stop(epoch: int, report: Mapping[str, float]) -> bool:
    """Go on."""
    return False


def as_number(value: Any) -> float:
    """Return what a metric reports as one number: the mean over classes, where it reports each class.

    Raises TypeError or ValueError for what is no number.
    """
    several = isinstance(value, list | tuple) or bool(getattr(value, "ndim", 0))
    return float(np.mean(keras.ops.convert_to_numpy(value)) if several else value)


def flattened(reported: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was reported, with the metrics of one that reports several by name in its place."""
    found: dict[str, Any] = {}
    for name, value in reported.items():
        if isinstance(value, Mapping):
            held = "val_" if name.startswith("val_") else ""
            found |= {f"{held}{inner}": one for inner, one in value.items()}
        else:
            found[name] = value
    return found


class EpochRules(keras.callbacks.Callback):  # type: ignore[misc]
    """Sets learning rate and random states, notes the curve, keeps the best weights and stops early."""

    def __init__(
        self,
        *,
        seed: int,
        training: Training,
        objective: Objective | None,
        on_epoch: OnEpoch = never_stop,
        progress: TrainingState | None = None,
        best_weights: list[NDArray[Any]] | None = None,
        keep_best: bool = False,
    ) -> None:
        super().__init__()
        self.curve: list[dict[str, float]] = []
        self.progress = progress or TrainingState()
        self.best_weights = best_weights
        self.stopped = False
        """It was asked to stop before its epochs were done."""
        self.rate = math.nan
        """The learning rate of the epoch under way."""
        self._seed = seed
        self._training = training
        self._objective = objective
        self._on_epoch = on_epoch
        self._keep_best = keep_best or training.patience > 0
        self._average = AverageForValidation()
        self._states: list[Any] = []
        self._epoch = 0
        if keras.backend.backend() == "torch":
            # Keras's fit makes a DataLoader after on_epoch_begin, and that draws from PyTorch's generator.
            self.on_train_batch_begin = self._on_step

    def set_model(self, model: Any) -> None:
        """Take the model that is trained."""
        super().set_model(model)
        self._average.set_model(model)
        self._states = seed_states(model)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Put everything that an epoch depends on where the epoch alone decides."""
        self.rate = self.rate_of(epoch)
        if self._training.learning_rate is not None:
            self.model.optimizer.learning_rate = self.rate
        self._epoch = epoch
        reseed(self._states, self._seed, epoch)

    def rate_of(self, epoch: int) -> float:
        """Return the learning rate of an epoch; NaN for an optimiser that has none."""
        if self._training.learning_rate is not None:
            return self._training.learning_rate(epoch)
        rate = getattr(getattr(self.model, "optimizer", None), "learning_rate", None)
        return math.nan if rate is None else float(keras.ops.convert_to_numpy(rate))

    def _on_step(self, batch: int, logs: Any = None) -> None:
        if batch == 0:
            reseed(self._states, self._seed, self._epoch)

    def on_test_begin(self, logs: Any = None) -> None:
        """Judge the averaged weights, where there are any."""
        if self._training.averaged:
            self._average.swap_in()

    def on_test_end(self, logs: Any = None) -> None:
        """Go on with the trained ones."""
        self._average.swap_out()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Note the epoch and decide whether there shall be another."""
        asked = self.note(epoch + 1, logs or {})
        self.stopped = self.stopped or asked
        if self.progress.ended or asked:
            self.model.stop_training = True

    def epochs_of(self, asked: int) -> int:
        """Return the epochs of the fit under way: those asked for, unless a user's own fit sets others."""
        return int((self.params or {}).get("epochs") or asked)

    def note(self, epoch: int, reported: Mapping[str, Any]) -> bool:
        """Take in what the epoch, counted from 1, reported; returns whether a stop was asked for."""
        values = flattened(reported)
        report = {name: as_number(value) * self._training.unit_of(name) for name, value in values.items()}
        report |= {} if math.isnan(self.rate) else {"learning_rate": self.rate}
        for name in ["loss", *([self._objective.name] if self._objective else [])]:
            if not math.isfinite(report.get(name, 0.0)):
                raise Diverged(epoch, name, report[name])
        report = {name: value for name, value in report.items() if math.isfinite(value)}
        self.curve.append(report)
        self._judge(epoch, report)
        return self._on_epoch(epoch, report)

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
            self.best_weights = self.judged_weights()

    def judged_weights(self) -> list[NDArray[Any]]:
        """Copy the weights that validation judged: the averaged ones, where there are any."""
        self.on_test_begin()
        weights = [np.array(value) for value in self.model.get_weights()]
        self.on_test_end()
        return weights
