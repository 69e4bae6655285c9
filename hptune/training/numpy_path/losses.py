"""What a loss makes of a network's last values: predictions, the loss of each row, and the gradient.

z are the last values before the output's activation, (rows, outputs); q the predictions after it.
TensorFlow takes a crossentropy of z itself; JAX and PyTorch of q, cut to epsilon..1 − epsilon, which
has no slope where it is cut.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

__all__ = [
    "EPSILON",
    "AbsoluteError",
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Head",
    "SquaredError",
]

Floats = NDArray[np.float32]
EPSILON = 1e-7
"""Keras's own, unless it was set otherwise."""
_EPSILON = np.float32(EPSILON)
_ALMOST = np.float32(1) - _EPSILON


class Head(Protocol):
    """The end of a network."""

    def predict(self, z: Floats) -> Floats:
        """Return the predictions, shape (rows, outputs)."""
        ...

    def losses(self, z: Floats, predicted: Floats, y: NDArray[Any]) -> Floats:
        """Return the loss of each row, shape (rows,)."""
        ...

    def gradient(self, z: Floats, predicted: Floats, y: NDArray[Any]) -> Floats:
        """Return the gradient of each row's loss by z, shape (rows, outputs)."""
        ...


def _softmax(z: Floats) -> Floats:
    q = np.exp(z - np.maximum.reduce(z, axis=1, keepdims=True))
    q /= np.add.reduce(q, axis=1, keepdims=True)
    return q


class CategoricalCrossentropy:
    """−log q of the true class; y are codes, (rows,), or with `sparse` False shares, (rows, outputs)."""

    def __init__(self, *, sparse: bool, cut: bool, predicts_z: bool = False) -> None:
        """`predicts_z`: the network has no softmax of its own (from_logits=True)."""
        self._sparse = sparse
        self._cut = cut and not predicts_z
        self._predicts_z = predicts_z

    def predict(self, z: Floats) -> Floats:
        return z if self._predicts_z else _softmax(z)

    def losses(self, z: Floats, predicted: Floats, y: NDArray[Any]) -> Floats:
        if self._cut:
            logs = np.log(np.clip(predicted, _EPSILON, _ALMOST))
        else:
            logs = z - np.maximum.reduce(z, axis=1, keepdims=True)
            logs -= np.log(np.add.reduce(np.exp(logs), axis=1, keepdims=True))
        if self._sparse:
            return np.asarray(-logs[np.arange(len(y)), y])
        return np.asarray(-np.einsum("ij,ij->i", logs, y), np.float32)

    def gradient(self, z: Floats, predicted: Floats, y: NDArray[Any]) -> Floats:
        q = _softmax(z) if self._predicts_z else predicted
        if self._sparse:
            gradient = q.copy()
            rows = np.arange(len(y))
            gradient[rows, y] -= np.float32(1)
            if self._cut:
                true = q[rows, y]
                gradient *= ((true > _EPSILON) & (true < _ALMOST))[:, None]
            return gradient
        shares = y * ((q > _EPSILON) & (q < _ALMOST)) if self._cut else y
        return np.asarray(q * np.add.reduce(shares, axis=1, keepdims=True) - shares, np.float32)


class BinaryCrossentropy:
    """−y·log q − (1 − y)·log(1 − q), the mean over outputs; y are (rows, outputs)."""

    def __init__(self, *, cut: bool, predicts_z: bool = False) -> None:
        """`predicts_z`: the network has no sigmoid of its own (from_logits=True)."""
        self._cut = cut and not predicts_z
        self._predicts_z = predicts_z

    def predict(self, z: Floats) -> Floats:
        return z if self._predicts_z else np.asarray(expit(z))

    def losses(self, z: Floats, predicted: Floats, y: NDArray[Any]) -> Floats:
        if self._cut:
            q = np.clip(predicted, _EPSILON, _ALMOST)
            each = -(y * np.log(q) + (np.float32(1) - y) * np.log1p(-q))
        else:
            each = np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))
        return np.asarray(each.mean(axis=1), np.float32)

    def gradient(self, z: Floats, predicted: Floats, y: NDArray[Any]) -> Floats:
        q = np.asarray(expit(z)) if self._predicts_z else predicted
        gradient = (q - y) * np.float32(1 / z.shape[1])
        if self._cut:
            gradient *= (q > _EPSILON) & (q < _ALMOST)
        return np.asarray(gradient, np.float32)


class SquaredError:
    """(q − y)², the mean over outputs; y are (rows, outputs)."""

    def predict(self, z: Floats) -> Floats:
        return z

    def losses(self, z: Floats, predicted: Floats, y: NDArray[Any]) -> Floats:
        away = z - y
        return np.asarray((away * away).mean(axis=1), np.float32)

    def gradient(self, z: Floats, predicted: Floats, y: NDArray[Any]) -> Floats:
        return np.asarray((z - y) * np.float32(2 / z.shape[1]), np.float32)


class AbsoluteError:
    """|q − y|, the mean over outputs; y are (rows, outputs)."""

    def predict(self, z: Floats) -> Floats:
        return z

    def losses(self, z: Floats, predicted: Floats, y: NDArray[Any]) -> Floats:
        return np.asarray(np.abs(z - y).mean(axis=1), np.float32)

    def gradient(self, z: Floats, predicted: Floats, y: NDArray[Any]) -> Floats:
        return np.asarray(np.sign(z - y) * np.float32(1 / z.shape[1]), np.float32)
