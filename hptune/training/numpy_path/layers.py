"""Layers that train: forward, backward and as they predict. Arrays are (rows, units), float32.

Each layer writes into buffers of its own, for as many rows as a batch has: what `forward` and
`backward` return holds until the next step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hptune.training.numpy_path.activations import Function

__all__ = ["Activation", "BatchNormalization", "Dense", "Dropout", "Layer"]

Floats = NDArray[np.float32]


class Layer(Protocol):
    """One step from inputs to outputs."""

    def forward(self, x: Floats) -> Floats:
        """Return what training rows become."""
        ...

    def backward(self, gradient: Floats, *, first: bool) -> Floats:
        """Note the gradients by its own weights; return that by its inputs, unless it is the first layer.

        Speaks of the rows of the last `forward`.
        """
        ...

    def predict(self, x: Floats) -> Floats:
        """Return what other rows become."""
        ...


class Dense:
    """x·W + b."""

    def __init__(self, kernel: Floats, bias: Floats | None, gradients: list[Floats], rows: int) -> None:
        """Take weights and where their gradients go, in the same order, and the rows of a batch."""
        self.kernel = kernel
        self._bias = bias
        self._gradients = gradients
        self._out = np.empty((rows, kernel.shape[1]), np.float32)
        self._back = np.empty((rows, kernel.shape[0]), np.float32)
        self._x = self._out

    def forward(self, x: Floats) -> Floats:
        self._x = x
        out = np.matmul(x, self.kernel, out=self._out[: len(x)])
        if self._bias is not None:
            out += self._bias
        return out

    def backward(self, gradient: Floats, *, first: bool) -> Floats:
        np.matmul(self._x.T, gradient, out=self._gradients[0])
        if self._bias is not None:
            np.add.reduce(gradient, axis=0, out=self._gradients[1])
        return gradient if first else np.matmul(gradient, self.kernel.T, out=self._back[: len(gradient)])

    def predict(self, x: Floats) -> Floats:
        out: Floats = np.matmul(x, self.kernel)
        if self._bias is not None:
            out += self._bias
        return out


class BatchNormalization:
    """(x − mean) / √(variance + epsilon) · gamma + beta, over the rows of a batch (arXiv 1502.03167)."""

    def __init__(
        self,
        gamma: Floats | None,
        beta: Floats | None,
        gradients: list[Floats],
        moving: tuple[Floats, Floats],
        momentum: float,
        epsilon: float,
    ) -> None:
        self._gamma = gamma
        self._beta = beta
        self._gradients = gradients
        self._moving = moving
        self._momentum = np.float32(momentum)
        self._rest = np.float32(1.0 - momentum)
        self._epsilon = np.float32(epsilon)

    def forward(self, x: Floats) -> Floats:
        share = np.float32(1 / len(x))
        mean = np.add.reduce(x, axis=0) * share
        away = x - mean
        variance = np.einsum("ij,ij->j", away, away) * share
        for kept, new in zip(self._moving, (mean, variance), strict=True):
            kept *= self._momentum
            kept += new * self._rest
        self._inverse = np.float32(1) / np.sqrt(variance + self._epsilon)
        away *= self._inverse
        self._normal = away
        return self._scaled(away)

    def _scaled(self, normal: Floats) -> Floats:
        out = normal * self._gamma if self._gamma is not None else normal.copy()
        if self._beta is not None:
            out += self._beta
        return out

    def backward(self, gradient: Floats, *, first: bool) -> Floats:
        along = np.einsum("ij,ij->j", gradient, self._normal)
        total = np.add.reduce(gradient, axis=0)
        gradients = iter(self._gradients)
        if self._gamma is not None:
            next(gradients)[:] = along
        if self._beta is not None:
            next(gradients)[:] = total
        share = np.float32(1 / len(gradient))
        back: Floats = gradient - total * share
        back -= self._normal * (along * share)
        back *= self._inverse if self._gamma is None else self._inverse * self._gamma
        return back

    def predict(self, x: Floats) -> Floats:
        mean, variance = self._moving
        return self._scaled((x - mean) / np.sqrt(variance + self._epsilon))


class Activation:
    """h = f(z)."""

    def __init__(self, function: Function) -> None:
        self._function = function

    def forward(self, x: Floats) -> Floats:
        self._z = x
        self._h = self._function.value(x)
        return self._h

    def backward(self, gradient: Floats, *, first: bool) -> Floats:
        self._function.times_slope(gradient, self._z, self._h)
        return gradient

    def predict(self, x: Floats) -> Floats:
        return self._function.value(x)


class Dropout:
    """Leaves out a share of the units at random; what is kept is scaled up."""

    def __init__(self, units: int, draw: Callable[[int, int], Floats]) -> None:
        """Take how wide it is, and what gives the factors of a step: (rows, units) → 0 or 1 / (1 − rate)."""
        self._units = units
        self._draw = draw
        self._factors: Any = None

    def forward(self, x: Floats) -> Floats:
        self._factors = self._draw(len(x), self._units)
        # Not in place: an activation before it computes its slope from its own output.
        return np.asarray(x * self._factors)

    def backward(self, gradient: Floats, *, first: bool) -> Floats:
        gradient *= self._factors
        return gradient

    def predict(self, x: Floats) -> Floats:
        return x
