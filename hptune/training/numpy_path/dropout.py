"""Which units dropout leaves out, by the random numbers of Keras's backends for an epoch and a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hptune.models.backend import keras

__all__ = ["DropoutMasks", "dropout_masks"]

Floats = NDArray[np.float32]
_SEED_RANGE = 2**31 - 2
"""Keras on TensorFlow takes a seed's remainder by this before it draws."""


class DropoutMasks(Protocol):
    """The masks of one dropout layer, step by step."""

    def begin(self, drawn: int, steps: int) -> None:
        """Begin an epoch of so many steps, the layer's seed being (drawn, 0)."""
        ...

    def __call__(self, rows: int, units: int) -> Floats:
        """Return what the next step multiplies outputs by: 0, or 1 / (1 − rate), shape (rows, units)."""
        ...


class _TensorFlow:
    def __init__(self, rate: float) -> None:
        import tensorflow as tf

        self._tf = tf
        self._rate, self._scale = np.float32(rate), np.float32(1) / (np.float32(1) - np.float32(rate))
        self._seeds: Iterator[Any] = iter(())
        self._shapes: dict[tuple[int, int], Any] = {}

    def begin(self, drawn: int, steps: int) -> None:
        seeds = np.empty((steps, 2), np.int32)
        seeds[:, 0], seeds[:, 1] = drawn % _SEED_RANGE, np.arange(steps)
        self._seeds = iter(self._tf.unstack(self._tf.constant(seeds)))

    def __call__(self, rows: int, units: int) -> Floats:
        shape = self._shapes.get((rows, units))
        if shape is None:
            shape = self._shapes[rows, units] = self._tf.constant([rows, units], self._tf.int32)
        # The operation behind tf.random.stateless_uniform, which takes ten times as long around it.
        drawn = self._tf.raw_ops.StatelessRandomUniform(
            shape=shape, seed=next(self._seeds), dtype=self._tf.float32
        )
        return np.asarray((drawn.numpy() >= self._rate) * self._scale)


class _Jax:
    def __init__(self, rate: float) -> None:
        self._kept = 1.0 - rate
        self._draw = _jitted_bernoulli()
        self._drawn, self._step = 0, 0

    def begin(self, drawn: int, steps: int) -> None:
        self._drawn, self._step = drawn, 0

    def __call__(self, rows: int, units: int) -> Floats:
        key = np.array([self._drawn, self._step], np.uint32)
        self._step += 1
        kept = np.asarray(self._draw(key, self._kept, (rows, units)))
        return kept * np.float32(1 / self._kept)


def _jitted_bernoulli() -> Callable[..., Any]:
    global _bernoulli
    if _bernoulli is None:
        import jax

        _bernoulli = jax.jit(jax.random.bernoulli, static_argnums=2)
    return _bernoulli


_bernoulli: Callable[..., Any] | None = None


class _Torch:
    """PyTorch draws from its own generator, which is seeded before an epoch."""

    def __init__(self, rate: float) -> None:
        import torch

        self._torch = torch
        self._rate = rate

    def begin(self, drawn: int, steps: int) -> None:
        """Draw on from the generator."""

    def __call__(self, rows: int, units: int) -> Floats:
        ones = self._torch.ones((rows, units))
        return np.asarray(self._torch.nn.functional.dropout(ones, self._rate, training=True).numpy())


_BACKENDS: dict[str, Callable[[float], DropoutMasks]] = {
    "tensorflow": _TensorFlow,
    "jax": _Jax,
    "torch": _Torch,
}


def dropout_masks(rate: float) -> DropoutMasks:
    """Return the masks of a layer that leaves out a share `rate` of its units, on Keras's backend."""
    return _BACKENDS[keras.backend.backend()](rate)
