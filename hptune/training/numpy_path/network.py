"""A network that trains: steps over batches, what an epoch came to, and how other rows are judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.training.numpy_path.dropout import DropoutMasks
from hptune.training.numpy_path.layers import Layer
from hptune.training.numpy_path.losses import Head
from hptune.training.numpy_path.optimizers import Average, Clip, Rule

__all__ = ["Judged", "Network", "Penalty"]

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Penalty:
    """Adds Σ l1·|w| + l2·w² of a kernel to the loss."""

    kernel: Floats
    gradient: Floats
    l1: float
    l2: float

    @property
    def value(self) -> float:
        """What it adds."""
        flat = self.kernel.reshape(-1)
        l1 = self.l1 * float(np.abs(flat).sum()) if self.l1 else 0.0
        return l1 + (self.l2 * float(np.vdot(flat, flat)) if self.l2 else 0.0)

    def push(self) -> None:
        """Add its gradient to the loss's."""
        gradient = self.gradient
        if self.l1:
            gradient += np.float32(self.l1) * np.sign(self.kernel)
        if self.l2:
            gradient += np.float32(2 * self.l2) * self.kernel


@dataclass(frozen=True)
class Judged:
    """What some rows came to."""

    predicted: Floats
    """(rows, outputs), in the order in which the rows were taken."""
    loss: float
    """Mean over rows, penalties included."""


@dataclass(kw_only=True)
class Network:
    """Layers, a head and an optimiser over one line of weights."""

    layers: Sequence[Layer]
    head: Head
    rule: Rule
    weights: Floats
    """Of all layers, (weights,); layers hold views of it."""
    gradient: Floats
    variables: Sequence[Floats]
    """The gradient as a view for each variable, (its weights,)."""
    outputs: int
    penalties: Sequence[Penalty] = ()
    dropouts: Sequence[DropoutMasks] = ()
    clip: Clip | None = None
    average: Average | None = None
    taken: int = 0
    """Steps so far."""

    def train(
        self,
        x: Floats,
        y: NDArray[Any],
        weights: Floats | None,
        *,
        batch_size: int,
        rate: float,
        seeds: Sequence[int] = (),
    ) -> Judged:
        """Take one step for each batch of rows, in the order given; returns what they came to before it.

        `weights` are how much each row counts in the loss; `seeds` are those of the dropout layers.
        """
        rows = len(x)
        for masks, seed in zip(self.dropouts, seeds, strict=True):
            masks.begin(seed, -(-rows // batch_size))
        z = np.empty((rows, self.outputs), np.float32)
        predicted = np.empty_like(z)
        penalty = 0.0
        for start in range(0, rows, batch_size):
            part = slice(start, start + batch_size)
            h = x[part]
            for layer in self.layers:
                h = layer.forward(h)
            z[part] = h
            q = predicted[part] = self.head.predict(h)
            penalty += len(h) * sum(p.value for p in self.penalties)
            gradient = self.head.gradient(h, q, y[part])
            share = np.float32(1 / len(h))
            gradient *= share if weights is None else (weights[part] * share)[:, None]
            self._step(gradient, np.float32(rate))
        losses = self.head.losses(z, predicted, y)
        if weights is not None:
            losses = losses * weights
        return Judged(predicted, (float(losses.sum(dtype=np.float64)) + penalty) / rows)

    def _step(self, gradient: Floats, rate: np.float32) -> None:
        first = self.layers[0]
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient, first=layer is first)
        for penalty in self.penalties:
            penalty.push()
        if self.clip is not None:
            self.clip(self.gradient, self.variables)
        self.rule.step(self.weights, self.gradient, rate, self.taken)
        if self.average is not None:
            self.average.step(self.weights, self.taken)
        self.taken += 1

    def judge(self, x: Floats, y: NDArray[Any], *, at_once: int, averaged: bool) -> Judged:
        """Judge rows, so many at a time, by the average of the weights where that is asked for and kept."""
        trained = self.weights.copy() if averaged and self.average is not None else None
        if averaged and self.average is not None:
            self.weights[:] = self.average.values
        try:
            z = np.concatenate([self._ahead(x[at : at + at_once]) for at in range(0, len(x), at_once)])
            predicted = self.head.predict(z)
            loss = float(self.head.losses(z, predicted, y).mean(dtype=np.float64))
            return Judged(predicted, loss + sum(p.value for p in self.penalties))
        finally:
            if trained is not None:
                self.weights[:] = trained

    def _ahead(self, x: Floats) -> Floats:
        for layer in self.layers:
            x = layer.predict(x)
        return x
