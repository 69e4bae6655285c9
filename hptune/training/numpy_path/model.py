"""A network and the Keras model that it is of: what goes over from one to the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.models.backend import keras
from hptune.training.numpy_path.losses import CategoricalCrossentropy
from hptune.training.numpy_path.network import Network

__all__ = ["DenseModel", "parts"]

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class DenseModel:
    """A network and the Keras model that it is of."""

    network: Network
    keras_model: Any
    sparse: bool
    """Whether targets are codes."""
    _prepares: Sequence[Any]
    _trained: Sequence[Any]
    _moving: Sequence[tuple[Any, Floats]]
    _slots: Sequence[Sequence[Any]]
    _averages: Sequence[Any]

    def prepare(self, x: NDArray[Any]) -> Floats:
        """Return rows as the first layer that trains sees them, (rows, features)."""
        if not self._prepares:
            return np.ascontiguousarray(x, dtype=np.float32)
        found = keras.ops.convert_to_tensor(x)
        for layer in self._prepares:
            found = layer(found)
        return np.ascontiguousarray(keras.ops.convert_to_numpy(found), dtype=np.float32)

    def takes(self, x: NDArray[Any]) -> bool:
        """Return whether rows are lines of numbers when they reach the first layer that trains."""
        return self.prepare(x[:1]).ndim == 2

    def fits(self, y: NDArray[Any]) -> bool:
        """Return whether targets are those of the network's outputs; Keras says what is wrong with others."""
        outputs = self.network.outputs
        if self.sparse:
            whole = y.dtype.kind in "iub" and y.shape in ((len(y),), (len(y), 1))
            return bool(whole and y.size and y.min() >= 0 and y.max() < outputs)
        shapes = [(len(y), outputs), (len(y),)] if outputs == 1 else [(len(y), outputs)]
        if y.dtype.kind not in "iufb" or y.shape not in shapes:
            return False
        # What shares that are no whole mean depends on the operations that Keras's backend takes.
        shares = isinstance(self.network.head, CategoricalCrossentropy)
        return not shares or bool(np.allclose(y.reshape(len(y), outputs).sum(axis=1), 1, atol=1e-5))

    def targets(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return targets as the loss takes them: codes (rows,), or numbers (rows, outputs)."""
        if self.sparse:
            return y.reshape(-1).astype(np.int64)
        return y.reshape(len(y), self.network.outputs).astype(np.float32)

    def take(self) -> None:
        """Take weights and the optimiser's state from the Keras model."""
        for line, variables in self._lines():
            for part, variable in zip(parts(line, variables), variables, strict=True):
                part[:] = keras.ops.convert_to_numpy(variable).reshape(-1)
        for variable, values in self._moving:
            values[:] = keras.ops.convert_to_numpy(variable)
        self.network.taken = int(keras.ops.convert_to_numpy(self.keras_model.optimizer.iterations))

    def give(self, rate: float) -> None:
        """Give weights and the optimiser's state back to the Keras model, with the learning rate it had."""
        self.keras_model.optimizer.learning_rate = rate
        for line, variables in self._lines():
            for part, variable in zip(parts(line, variables), variables, strict=True):
                variable.assign(part.reshape(variable.shape))
        for variable, values in self._moving:
            variable.assign(values)
        self.keras_model.optimizer.iterations.assign(self.network.taken)

    def judged_weights(self, *, averaged: bool) -> list[NDArray[Any]]:
        """Return all weights as Keras lists them; of trained ones their average, where that is asked for."""
        average = self.network.average
        line = average.values if averaged and average is not None else self.network.weights
        own = {
            id(v): p.reshape(v.shape) for v, p in zip(self._trained, parts(line, self._trained), strict=True)
        }
        own |= {id(variable): values for variable, values in self._moving}
        return [
            np.array(own[id(v)] if id(v) in own else keras.ops.convert_to_numpy(v))
            for v in self.keras_model.weights
        ]

    def distance(self, start: Floats) -> float:
        """Return how far trained weights and their average are from the Keras model's.

        It is a share of how far the Keras model's have moved from `start`. Where that is next to
        nothing the distance is float32's rounding of the weights themselves: 100 times that much is
        added to the way, which keeps its share below 0.01.
        """
        network = self.network
        pairs = [(network.weights, self._trained)]
        if network.average is not None:
            pairs.append((network.average.values, self._averages))
        ours = np.concatenate([line for line, _ in pairs]).astype(np.float64)
        theirs = np.concatenate([_line_of(variables) for _, variables in pairs])
        away, moved = ours - theirs, theirs - np.tile(start, len(pairs))
        rounded = 100 * np.finfo(np.float32).eps * np.linalg.norm(theirs)
        return float(np.linalg.norm(away) / (np.linalg.norm(moved) + rounded))

    def _lines(self) -> Iterator[tuple[Floats, Sequence[Any]]]:
        yield self.network.weights, self._trained
        yield from zip(self.network.rule.slots, self._slots, strict=True)
        if self.network.average is not None:
            yield self.network.average.values, self._averages


def _line_of(variables: Sequence[Any]) -> NDArray[np.float64]:
    values = [keras.ops.convert_to_numpy(variable).reshape(-1) for variable in variables]
    return np.concatenate(values).astype(np.float64)


def parts(line: Floats, variables: Sequence[Any]) -> list[Floats]:
    """Cut a line into a view for each variable, all flat."""
    ends = np.cumsum([int(np.prod(v.shape)) for v in variables])
    return list(np.split(line, ends[:-1]))
