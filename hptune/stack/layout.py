"""Where a configuration's weights lie: as Keras lists them, in a line, and padded in a stack.

A stack holds the weights of each configuration in a line, and layers narrower than the widest are
padded by units whose weights are 0. Such a unit gives 0 and is given no gradient, so its weights
stay 0 and nothing else notices it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.models.backend import keras
from hptune.stack.structure import Structure

__all__ = ["Layout", "State", "split"]

Floats = NDArray[np.float32]
_SLOTS = {"SGD": 1, "RMSprop": 1, "Adam": 2}
"""What an optimiser remembers of each weight."""


@dataclass
class State:
    """One configuration's training in lines, without padding."""

    weights: Floats
    """Trainable ones."""
    moving: Floats
    """Moving means and variances of batch normalisation."""
    slots: list[Floats]
    """What the optimiser remembers of each trainable weight."""
    average: Floats
    """Moving average of the trainable weights; 0 where none is kept."""
    iterations: int = 0


@dataclass(frozen=True)
class Layout:
    """Shapes of a configuration's variables, in Keras's order."""

    structure: Structure
    features: int
    """Values of a row."""
    units: tuple[int, ...]
    """Of each hidden layer."""

    @cached_property
    def variables(self) -> tuple[tuple[tuple[int, ...], bool], ...]:
        """Shape of each variable and whether it is trained."""
        found: list[tuple[tuple[int, ...], bool]] = []
        width = self.features
        for units in self.units:
            found.append(((width, units), True))
            if self.structure.has_bias:
                found.append(((units,), True))
            if self.structure.normalised:
                found += [((units,), True)] * 2 + [((units,), False)] * 2
            width = units
        return (*found, ((width, self.structure.outputs), True), ((self.structure.outputs,), True))

    def shapes(self, *, trained: bool = True) -> tuple[tuple[int, ...], ...]:
        """Return the shapes of the trained variables, or of the others."""
        return tuple(shape for shape, is_trained in self.variables if is_trained is trained)

    @cached_property
    def trained_size(self) -> int:
        """Numbers in all trained variables."""
        return sum(int(np.prod(shape)) for shape in self.shapes())

    @cached_property
    def moving_size(self) -> int:
        """Numbers in all variables that are not trained."""
        return sum(int(np.prod(shape)) for shape in self.shapes(trained=False))

    @property
    def slots(self) -> int:
        """How many numbers the optimiser remembers of each weight."""
        return _SLOTS[self.structure.optimizer]

    def positions(self, padded: Layout, *, trained: bool = True) -> NDArray[np.int64]:
        """Return where each number of this layout lies in a line of a wider one."""
        found, start = [], 0
        for shape, wide in zip(self.shapes(trained=trained), padded.shapes(trained=trained), strict=True):
            numbers = np.arange(start, start + int(np.prod(wide))).reshape(wide)
            found.append(numbers[tuple(slice(size) for size in shape)].ravel())
            start += int(np.prod(wide))
        return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)

    def begin(self, weights: Sequence[NDArray[Any]]) -> State:
        """Return a training before its first step, from weights as Keras lists them."""
        trained, moving = self._apart(weights)
        zeros = np.zeros_like(trained)
        return State(trained, moving, [zeros.copy() for _ in range(self.slots)], zeros)

    def resume(
        self, weights: Sequence[NDArray[Any]], optimizer: Sequence[NDArray[Any]], averaged: bool
    ) -> State:
        """Return a training as a checkpoint holds it: weights and the optimiser's variables.

        Keras lists the number of steps and the learning rate, then the averages, then what is
        remembered, variable by variable. Raises ValueError where they are another model's.
        """
        state = self.begin(weights)
        state.iterations = int(optimizer[0])
        rest, count = list(optimizer[2:]), len(self.shapes())
        if averaged:
            state.average = _line(rest[:count])
            rest = rest[count:]
        # SGD without momentum remembers nothing.
        if rest:
            state.slots = [_line(rest[number :: self.slots]) for number in range(self.slots)]
        if any(line.size != self.trained_size for line in (state.average, *state.slots)):
            raise ValueError("the weights on disk are those of another model")
        return state

    def weights(self, state: State, trained: Sequence[Floats] | None = None) -> list[Floats]:
        """Return all weights as Keras lists them, with other trained ones where they are given."""
        by_kind = {
            True: iter(split(state.weights, self.shapes()) if trained is None else trained),
            False: iter(split(state.moving, self.shapes(trained=False))),
        }
        return [next(by_kind[is_trained]) for _, is_trained in self.variables]

    def optimizer(self, state: State, rate: float, *, averaged: bool, remembers: bool) -> list[NDArray[Any]]:
        """Return the optimiser's variables as Keras lists them."""
        count = np.array(state.iterations, dtype=keras.backend.standardize_dtype("int"))
        found: list[NDArray[Any]] = [count, np.array(rate, np.float32)]
        if averaged:
            found += split(state.average, self.shapes())
        if remembers:
            by_slot = [split(slot, self.shapes()) for slot in state.slots]
            found += [array for of_variable in zip(*by_slot, strict=True) for array in of_variable]
        return found

    def _apart(self, weights: Sequence[NDArray[Any]]) -> tuple[Floats, Floats]:
        if [tuple(w.shape) for w in weights] != [shape for shape, _ in self.variables]:
            raise ValueError("the weights on disk are those of another model")
        pairs = list(zip(weights, self.variables, strict=True))
        trained = _line([w for w, (_, is_trained) in pairs if is_trained])
        return trained, _line([w for w, (_, is_trained) in pairs if not is_trained])


def split(line: Floats, shapes: Sequence[tuple[int, ...]]) -> list[Floats]:
    """Cut a line into arrays of these shapes; they are copies."""
    found, start = [], 0
    for shape in shapes:
        size = int(np.prod(shape))
        found.append(line[start : start + size].reshape(shape).copy())
        start += size
    return found


def _line(arrays: Sequence[NDArray[Any]]) -> Floats:
    if not arrays:
        return np.zeros(0, np.float32)
    return np.concatenate([np.asarray(a, np.float32).ravel() for a in arrays])
