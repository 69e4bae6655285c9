"""Activations of hidden layers and their slopes, as keras.activations has them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, expit

from hptune.models.backend import keras

__all__ = ["ACTIVATIONS", "Function"]

Floats = NDArray[np.float32]
_LEAK = np.float32(0.2)
_SELU_ALPHA = np.float32(1.6732632423543772)
_SELU_SCALE = np.float32(1.0507009873554805)
_ROOT_HALF = np.float32(math.sqrt(0.5))
_DENSITY = np.float32(1 / math.sqrt(2 * math.pi))


@dataclass(frozen=True)
class Function:
    """An activation h = f(z); arrays are (rows, units)."""

    value: Callable[[Floats], Floats]
    """z → h; may write into z where `needs_input` is False."""
    times_slope: Callable[[Floats, Floats, Floats], Any]
    """(gradient by h, z, h) → gradient by z, written into the first."""
    needs_input: bool = False
    """Whether the slope depends on z and not on h alone."""


def _relu(z: Floats) -> Floats:
    return np.maximum(z, 0, out=z)


def _relu_slope(gradient: Floats, z: Floats, h: Floats) -> None:
    gradient *= h > 0


def _leaky_relu(z: Floats) -> Floats:
    return np.asarray(np.maximum(z, z * _LEAK, out=z))


def _leaky_relu_slope(gradient: Floats, z: Floats, h: Floats) -> None:
    gradient *= np.where(h > 0, np.float32(1), _LEAK)


def _elu(z: Floats) -> Floats:
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def _elu_slope(gradient: Floats, z: Floats, h: Floats) -> None:
    gradient *= np.minimum(h, 0) + np.float32(1)


def _selu(z: Floats) -> Floats:
    return np.where(z > 0, z, _SELU_ALPHA * np.expm1(np.minimum(z, 0))) * _SELU_SCALE


def _selu_slope(gradient: Floats, z: Floats, h: Floats) -> None:
    gradient *= np.where(h > 0, _SELU_SCALE, h + _SELU_ALPHA * _SELU_SCALE)


def _gelu(z: Floats) -> Floats:
    return np.asarray(np.float32(0.5) * z * (np.float32(1) + erf(z * _ROOT_HALF)), np.float32)


def _gelu_slope(gradient: Floats, z: Floats, h: Floats) -> None:
    below = np.float32(0.5) * (np.float32(1) + erf(z * _ROOT_HALF))
    gradient *= below + z * _DENSITY * np.exp(np.float32(-0.5) * z * z)


def _swish(z: Floats) -> Floats:
    return z * expit(z)


def _swish_slope(gradient: Floats, z: Floats, h: Floats) -> None:
    share = expit(z)
    gradient *= share + h * (np.float32(1) - share)


def _tanh(z: Floats) -> Floats:
    return np.tanh(z, out=z)


def _tanh_slope(gradient: Floats, z: Floats, h: Floats) -> None:
    gradient *= np.float32(1) - h * h


def _sigmoid(z: Floats) -> Floats:
    return np.asarray(expit(z, out=z))


def _sigmoid_slope(gradient: Floats, z: Floats, h: Floats) -> None:
    gradient *= h * (np.float32(1) - h)


ACTIVATIONS: dict[Callable[..., Any], Function] = {
    keras.activations.relu: Function(_relu, _relu_slope),
    keras.activations.leaky_relu: Function(_leaky_relu, _leaky_relu_slope),
    keras.activations.elu: Function(_elu, _elu_slope),
    keras.activations.selu: Function(_selu, _selu_slope),
    keras.activations.gelu: Function(_gelu, _gelu_slope, needs_input=True),
    keras.activations.silu: Function(_swish, _swish_slope, needs_input=True),
    keras.activations.tanh: Function(_tanh, _tanh_slope),
    keras.activations.sigmoid: Function(_sigmoid, _sigmoid_slope),
}
"""Keras's function → ours, for those that are known here."""
