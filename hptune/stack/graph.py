"""A step of a stack and what it reports, on any backend; each has its own loop and its own gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hptune.models.backend import keras
from hptune.stack import steps
from hptune.stack.structure import Structure

__all__ = ["NUMBERS", "Features", "Given", "StackGraph", "Steps"]

NUMBERS = (
    *("rate", "dropout", "l1", "l2", "clip_threshold", "clipnorm", "clipvalue", "global_clipnorm"),
    *("momentum", "nesterov", "rho", "rho_rest", "beta_1", "beta_1_rest", "beta_2", "beta_2_rest"),
    *("epsilon", "averaged", "average_momentum", "average_corrected"),
)
"""What each configuration has of its own, one float32 each."""
_METRICS = {
    "accuracy": {
        "sparse_categorical_crossentropy": keras.metrics.sparse_categorical_accuracy,
        "binary_crossentropy": keras.metrics.binary_accuracy,
    },
    "mean_absolute_error": {"mean_squared_error": keras.metrics.mean_absolute_error},
}
ops = keras.ops


@dataclass(frozen=True)
class Features:
    """What a graph can do beside the plain case; those that a stack has no use for change nothing."""

    dropout: bool = False
    penalty: bool = False
    averaged: bool = False
    clipping: frozenset[str] = frozenset()

    def __or__(self, other: Features) -> Features:
        return Features(
            self.dropout or other.dropout,
            self.penalty or other.penalty,
            self.averaged or other.averaged,
            self.clipping | other.clipping,
        )

    def __le__(self, other: Features) -> bool:
        return self | other == other


class Given(NamedTuple):
    """What configurations are trained on and with, the same for all steps of an epoch."""

    data: tuple[Any, Any]
    """Rows (N, features) and targets."""
    widths: Any
    """How wide each layer is, (layers,)."""
    units: Any
    """How many of its units each configuration has, (K, layers)."""
    numbers: dict[str, Any]
    """NUMBERS by name, each (K,)."""


class Steps(NamedTuple):
    """Which steps of an epoch to take."""

    orders: Any
    """Of the rows, (K, N)."""
    seeds: Any
    """Of dropout, (K, layers)."""
    batch_size: Any
    first: Any
    end: Any
    """The step before which to end."""


class StackGraph(ABC):
    """Trains and validates stacks of one structure; a backend adds `train`, `validate` and what they need.

    A state is (weights, moving statistics, what the optimiser remembers, averages, steps taken); a batch
    is (x, y), each with an axis of configurations first.
    """

    def __init__(self, structure: Structure, features: Features, inputs: int) -> None:
        """Trace nothing yet; `inputs` are the values of a row."""
        self.structure = structure
        self.features = features
        self._inputs = inputs
        self._loss = keras.losses.get(structure.loss)

    # What backends differ in

    def trace(self) -> None:  # noqa: B027  (backends without a graph have nothing to do)
        """Do what has to be done once."""

    def widths(self, widths: tuple[int, ...]) -> tuple[int, ...]:
        """Return how wide the layers of a stack are whose widest have these widths."""
        return widths

    def places(self, configurations: int) -> int:
        """Return how many configurations a stack of so many has room for: the rest repeat the first."""
        return configurations

    def serves(self, structure: Structure, features: Features, widths: tuple[int, ...]) -> bool:
        """Tell whether stacks of this kind can be trained."""
        return self.structure == structure and features <= self.features

    def seeds(self, seed: int, epoch: int, drawn: list[int]) -> list[int]:
        """Return what each dropout layer draws from in an epoch of a trial with this seed.

        `drawn` are the seeds that Keras's layers have.
        """
        return drawn

    @abstractmethod
    def split(self, lines: Any, cut: list[list[Any]]) -> Sequence[Any]:
        """Cut lines (K, weights) into the numbers of each variable, (K, numbers of it)."""

    @abstractmethod
    def train(self, given: Given, state: Any, totals: Any, steps: Steps) -> Any:
        """Train some steps of an epoch; returns the new state and the totals of loss and metrics."""

    @abstractmethod
    def validate(self, given: Given, state: Any, totals: Any, first: Any, end: Any) -> Any:
        """Validate the rows from the first to the one before `end`; returns the totals with theirs."""

    # What is the same everywhere

    def begin_totals(self, configurations: int) -> Any:
        """Return totals before the first row."""
        columns = 1 + sum(3 if metric == "r2" else 1 for metric in self.structure.metrics)
        return ops.zeros((configurations, columns))

    def _cut(self, widths: Any, *, trained: bool = True) -> list[list[Any]]:
        return steps.shapes(self.structure, widths, self._inputs, trained=trained)

    def _parts(self, lines: Any, cut: list[list[Any]]) -> list[Any]:
        """Cut lines (K, weights) into variables (K, *shape)."""
        if not cut:
            return []
        count = ops.shape(lines)[0]
        pieces = self.split(lines, cut)
        return [ops.reshape(p, (count, *shape)) for p, shape in zip(pieces, cut, strict=True)]

    def _lose(self, weights: Any, moving: Any, batch: Any, given: Given, masks: Any) -> Any:
        """Return the sum of all losses; and predictions, new moving statistics and the loss of each.

        The gradient of the sum is, configuration by configuration, that of its own loss.
        """
        variables = self._parts(weights, self._cut(given.widths))
        statistics = self._parts(moving, self._cut(given.widths, trained=False))
        predicted, moved = steps.forward(
            self.structure, batch[0], variables, statistics, given.units, masks=masks, training=True
        )
        losses = ops.mean(self._loss(batch[1], predicted), axis=1)
        if self.features.penalty:
            losses += steps.penalty(self.structure, variables, given.numbers)
        return ops.sum(losses), (predicted, ops.concatenate(moved, axis=1) if moved else moving, losses)

    def _descend(self, gradient: Any, moving: Any, state: Any, given: Given) -> Any:
        """Return the state after a step along a gradient."""
        weights, _, slots, averages, taken = state
        kinds, numbers = self.features.clipping, given.numbers
        pieces = self.split(gradient, self._cut(given.widths)) if "clipnorm" in kinds else ()
        gradient = steps.clip(kinds, gradient, pieces, numbers)
        weights, slots = steps.apply_gradients(
            self.structure.optimizer, weights, slots, gradient, taken, numbers
        )
        if self.features.averaged:
            averages = steps.average(averages, weights, taken, numbers)
        return weights, moving, slots, averages, taken + 1

    def _judge(self, x: Any, y: Any, given: Given, state: Any) -> Any:
        """Return what some rows add to the totals, with the averaged weights where they count."""
        weights, moving, _, averages, _ = state
        if self.features.averaged:
            weights = ops.where(given.numbers["averaged"][:, None] > 0, averages, weights)
        variables = self._parts(weights, self._cut(given.widths))
        statistics = self._parts(moving, self._cut(given.widths, trained=False))
        predicted, _ = steps.forward(
            self.structure, x[None], variables, statistics, given.units, masks=None, training=False
        )
        y = ops.repeat(y[None], ops.shape(weights)[0], axis=0)
        losses = ops.mean(self._loss(y, predicted), axis=1)
        if self.features.penalty:
            losses += steps.penalty(self.structure, variables, given.numbers)
        return self._seen(y, predicted, losses)

    def _seen(self, y: Any, predicted: Any, losses: Any) -> Any:
        """Return what a batch adds to the totals, (K, columns): Keras's means weigh batches by rows."""
        columns = [losses * ops.cast(ops.shape(predicted)[1], "float32")]
        for metric in self.structure.metrics:
            if metric == "r2":
                columns += [ops.sum(c, axis=(1, 2)) for c in (y, y * y, (y - predicted) ** 2)]
                continue
            values = _METRICS[metric][self.structure.loss](y, predicted)
            # One number per row, with a column of its own or without.
            columns.append(ops.sum(ops.cast(values, "float32"), axis=tuple(range(1, len(values.shape)))))
        return ops.stack(columns, axis=1)

    def report(self, totals: NDArray[np.float32], rows: int) -> dict[str, float]:
        """Return loss and metrics of one configuration over so many rows."""
        columns = iter(totals)
        found = {"loss": float(next(columns) / np.float32(rows))}
        for metric in self.structure.metrics:
            if metric == "r2":
                found[metric] = _r2(next(columns), next(columns), next(columns), rows)
            else:
                found[metric] = float(next(columns) / np.float32(rows))
        return found


def _r2(total: np.float32, squares: np.float32, residual: np.float32, rows: int) -> float:
    """Return 1 − Σ(y − ŷ)² / Σ(y − ȳ)² as keras.metrics.R2Score does."""
    with np.errstate(all="ignore"):
        spread = squares - total * (total / np.float32(rows))
        score = np.float32(1) - residual / spread
    return 0.0 if np.isinf(score) else float(score)
