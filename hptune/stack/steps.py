"""One step of a stack: layers, clipping, optimisers, each configuration by itself, on any backend.

Shapes: K configurations, B rows, U units. Weights of all layers of a configuration are one line, so
an optimiser is a handful of operations on (K, weights); a number of each configuration is (K,).
Formulas and their order are those of Keras 3's layers and optimisers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hptune.models.backend import keras
from hptune.stack.structure import Structure

__all__ = ["apply_gradients", "average", "clip", "forward", "penalty", "shapes"]

ops = keras.ops
_BN_MOMENTUM, _BN_EPSILON = 0.99, 1e-3
"""Keras's defaults."""
Numbers = Mapping[str, Any]


def shapes(structure: Structure, widths: Any, features: int, *, trained: bool = True) -> list[list[Any]]:
    """Return the shapes of the padded variables without K, as `Layout` has them."""
    found: list[list[Any]] = []
    width: Any = features
    for layer in range(structure.hidden):
        units = widths[layer]
        if trained:
            found.append([width, units])
            vectors = int(structure.has_bias) + 2 * bool(structure.normalised)
        else:
            vectors = 2 * bool(structure.normalised)
        found += [[units]] * vectors
        width = units
    return [*found, [width, structure.outputs], [structure.outputs]] if trained else found


def forward(
    structure: Structure,
    x: Any,
    variables: Sequence[Any],
    moving: Sequence[Any],
    units: Any,
    *,
    masks: Sequence[Any] | None,
    training: bool,
) -> tuple[Any, list[Any]]:
    """Return predictions (K, B, outputs) of rows (K or 1, B, features), and new moving statistics.

    `masks` has for each hidden layer which outputs dropout keeps, (K, B, U), and what it multiplies
    them by, (K, 1, 1).
    """
    activation = keras.activations.get(structure.activation or None)
    given, statistics, moved = iter(variables), iter(moving), []
    h = x
    for layer in range(structure.hidden):
        h = ops.matmul(h, next(given))
        if structure.has_bias:
            h += next(given)[:, None, :]
        if structure.normalised != "before":
            h = _without_padding(structure, activation(h), units[:, layer])
        if structure.normalised:
            gamma, beta = next(given), next(given)
            h, new = _normalise(h, gamma, beta, next(statistics), next(statistics), training)
            moved += new
        if structure.normalised == "before":
            h = _without_padding(structure, activation(h), units[:, layer])
        if masks:
            kept, scale = masks[layer]
            h = ops.where(kept, h * scale, 0.0)
    h = ops.matmul(h, next(given)) + next(given)[:, None, :]
    return keras.activations.get(structure.output_activation)(h), moved


def _without_padding(structure: Structure, h: Any, units: Any) -> Any:
    """Set padded units to 0 where the activation of 0 is not 0."""
    if structure.activation != "sigmoid":
        return h
    return ops.where(ops.arange(ops.shape(h)[2], dtype="int32")[None, None, :] < units[:, None, None], h, 0.0)


def _normalise(
    h: Any, gamma: Any, beta: Any, mean: Any, variance: Any, training: bool
) -> tuple[Any, list[Any]]:
    moved = [mean, variance]
    if training:
        own_mean, own_variance = ops.moments(h, axes=[1])
        moved = [
            old * _BN_MOMENTUM + new * (1.0 - _BN_MOMENTUM)
            for old, new in ((mean, own_mean), (variance, own_variance))
        ]
        mean, variance = own_mean, own_variance
    scale = ops.rsqrt(variance + _BN_EPSILON) * gamma
    h = h * scale[:, None, :] + (beta - mean * scale)[:, None, :]
    return h, moved


def penalty(structure: Structure, variables: Sequence[Any], numbers: Numbers) -> Any:
    """Return Σ l1·|w| + l2·w² over the hidden kernels of each configuration, (K,)."""
    kernels = [v for v in variables if len(v.shape) == 3][:-1]
    total = ops.zeros_like(numbers["l1"])
    for kernel in kernels:
        # JAX gives |w| a slope at 0, and padding has to stay 0.
        magnitude = ops.where(kernel == 0, 0.0, ops.abs(kernel))
        total += numbers["l1"] * ops.sum(magnitude, axis=[1, 2])
        total += numbers["l2"] * ops.sum(ops.square(kernel), axis=[1, 2])
    return total


def clip(kinds: frozenset[str], gradient: Any, pieces: Sequence[Any], numbers: Numbers) -> Any:
    """Clip the gradient (K, weights) of those configurations that ask for it, each by its own norm.

    `pieces` are the same numbers variable by variable, (K, numbers of it).
    """
    threshold = numbers["clip_threshold"][:, None]
    clipped = gradient
    if "clipvalue" in kinds:
        chosen = numbers["clipvalue"][:, None] > 0
        clipped = ops.where(chosen, ops.minimum(ops.maximum(gradient, -threshold), threshold), clipped)
    if "clipnorm" in kinds:
        chosen = numbers["clipnorm"][:, None] > 0
        clipped = ops.where(chosen, _clip_by_norms(pieces, threshold), clipped)
    if "global_clipnorm" in kinds:
        chosen = numbers["global_clipnorm"][:, None] > 0
        norm = ops.sqrt(ops.sum(ops.square(gradient), axis=1, keepdims=True))
        scale = threshold * ops.minimum(1.0 / norm, 1.0 / threshold) + (norm - norm)
        clipped = ops.where(chosen, gradient * scale, clipped)
    return clipped


def _clip_by_norms(pieces: Sequence[Any], threshold: Any) -> Any:
    """Clip each variable by its own norm."""
    found = []
    for piece in pieces:
        norm = ops.sqrt(ops.sum(ops.square(piece), axis=1, keepdims=True))
        found.append(piece * threshold / ops.maximum(norm, threshold))
    return ops.concatenate(found, axis=1)


def apply_gradients(
    kind: str, weights: Any, slots: tuple[Any, ...], gradient: Any, steps: Any, numbers: Numbers
) -> tuple[Any, tuple[Any, ...]]:
    """Return weights and what is remembered after one step; `steps` were taken before it, (K,)."""
    n = {name: value[:, None] for name, value in numbers.items()}
    if kind == "SGD":
        step = gradient * n["rate"]
        velocity = slots[0] * n["momentum"] - step
        ahead = velocity * n["momentum"] - step
        return weights + ops.where(n["nesterov"] > 0, ahead, velocity), (velocity,)
    if kind == "RMSprop":
        squares = n["rho"] * slots[0] + n["rho_rest"] * ops.square(gradient)
        return weights - n["rate"] * gradient / ops.sqrt(squares + n["epsilon"]), (squares,)
    power_1 = ops.power(n["beta_1"], steps[:, None] + 1)
    power_2 = ops.power(n["beta_2"], steps[:, None] + 1)
    alpha = n["rate"] * ops.sqrt(1 - power_2) / (1 - power_1)
    m = slots[0] + (gradient - slots[0]) * n["beta_1_rest"]
    s = slots[1] + (ops.square(gradient) - slots[1]) * n["beta_2_rest"]
    return weights - (m * alpha) / (ops.sqrt(s) + n["epsilon"]), (m, s)


def average(old: Any, weights: Any, steps: Any, numbers: Numbers) -> Any:
    """Return the moving average after a step; see recipes/averaging.py for its share of the old one."""
    beta = numbers["average_momentum"]
    corrected = beta * (1 - beta**steps) / (1 - beta ** (steps + 1))
    share = ops.where(numbers["average_corrected"] > 0, corrected, beta) * ops.cast(steps > 0, "float32")
    share = ops.where(numbers["averaged"] > 0, share, 0.0)[:, None]
    return share * old + (1 - share) * weights
