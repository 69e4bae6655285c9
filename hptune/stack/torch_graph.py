"""An epoch of a stack on PyTorch, which needs no graph: step after step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from hptune.stack.graph import Features, Given, StackGraph, Steps
from hptune.stack.structure import Structure
from hptune.train.order import generator_seed

__all__ = ["TorchGraph"]


class TorchGraph(StackGraph):
    """Trains and validates stacks of one structure."""

    def __init__(self, structure: Structure, features: Features, inputs: int) -> None:
        super().__init__(structure, features, inputs)
        self._generators: list[Any] = []

    def split(self, lines: Any, cut: list[list[Any]]) -> Sequence[Any]:
        pieces: Sequence[Any] = torch.split(lines, [math.prod(shape) for shape in cut], dim=1)
        return pieces

    def seeds(self, seed: int, epoch: int, drawn: list[int]) -> list[int]:
        """Return the seed of PyTorch's own generator, from which all of a model's layers draw."""
        return [generator_seed(seed, epoch)] * len(drawn)

    def train(self, given: Given, state: Any, totals: Any, steps: Steps) -> Any:
        given, size = _with_sizes(given), steps.batch_size
        if steps.first == 0 and self.features.dropout:
            self._generators = [torch.Generator().manual_seed(int(line[0])) for line in steps.seeds]
        for number in range(steps.first, steps.end):
            taken = steps.orders[:, number * size : (number + 1) * size].long()
            batch = (given.data[0][taken], given.data[1][taken])
            state, seen = self._step(batch, given, state, self._masks(taken.shape[1], given))
            totals = totals + seen
        return state, totals

    def _step(self, batch: Any, given: Given, state: Any, masks: Any) -> Any:
        weights = state[0].detach().requires_grad_()
        total, (predicted, moving, losses) = self._lose(weights, state[1], batch, given, masks)
        (gradient,) = torch.autograd.grad(total, weights)
        with torch.no_grad():
            before = (weights.detach(), *state[1:])
            after = self._descend(gradient, moving.detach(), before, given)
            return after, self._seen(batch[1], predicted.detach(), losses.detach())

    def _masks(self, rows: int, given: Given) -> list[Any] | None:
        """Return which outputs dropout keeps, (K, B, U) per layer, and what it multiplies them by.

        The numbers are those that torch.nn.functional.dropout draws for a layer of its own width.
        """
        if not self.features.dropout:
            return None
        rates = given.numbers["dropout"]
        scale = 1.0 / (1.0 - rates[:, None, None])
        shares = (1.0 - np.asarray(rates.cpu(), np.float64)).tolist()
        masks = []
        for layer, width in enumerate(given.widths):
            kept = torch.zeros((len(shares), rows, width), dtype=torch.bool)
            for number, generator in enumerate(self._generators):
                own = int(given.units[number, layer])
                drawn = torch.empty((rows, own)).bernoulli_(shares[number], generator=generator)
                kept[number, :, :own] = drawn > 0
            masks.append((kept.to(rates.device), scale))
        return masks

    def validate(self, given: Given, state: Any, totals: Any, first: Any, end: Any) -> Any:
        x, y = (part[first:end] for part in given.data)
        with torch.no_grad():
            return totals + self._judge(x, y, _with_sizes(given), state)


def _with_sizes(given: Given) -> Given:
    """Return the same with widths that are numbers."""
    return given._replace(widths=tuple(int(width) for width in given.widths))
