"""Units that can't learn: dead, saturated, or all alike.

A relu that is 0 on every row passes no gradient on, and never wakes by its own; a tanh or sigmoid
at its end passes next to none; units of a layer that begin with the same weights get the same
gradients and stay the same unit for ever, which is what a zeros initialiser does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.check.autodiff import to_array
from hptune.check.capture import watch_layers
from hptune.check.naming import display_names
from hptune.check.report import CheckFinding, CheckSection, CheckVerdict, Row
from hptune.models.backend import keras

__all__ = ["LayerUnits", "check_units", "look_at_units"]

_ROWS = 256
_MOST_VALUES = 1 << 22
"""Input values that are looked at; fewer rows are taken of large ones."""
_REPORTED = 0.25
"""Share of a layer's units from which it is reported."""
_NEAR_END = 0.01
"""How near to its end, in shares of its range, a tanh or sigmoid is saturated."""
_MOSTLY = 0.95
"""Share of rows on which a saturated unit is."""
_ENDS = {"relu": None, "relu6": None, "tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}
"""Activations that can die or saturate, and their ends."""


@dataclass(frozen=True, kw_only=True)
class LayerUnits:
    """The units of one hidden layer."""

    layer: str
    activation: str
    """"" where it has none, or one that neither dies nor saturates."""
    units: int
    dead: int
    """Relu units that are 0 on every row."""
    saturated: int
    """Tanh or sigmoid units at an end on nearly every row."""
    different: int
    """Units that differ from each other on some row."""

    same_weights: bool = False
    """Whether all units have the same weights to begin with."""

    @property
    def alike(self) -> bool:
        """Whether all units are the same one; all dead ones look so, whatever their weights."""
        return self.units > 1 and (self.same_weights or (self.different == 1 and self.dead < self.units))


def look_at_units(model: Any, x: NDArray[Any], *, seed: int) -> list[LayerUnits]:
    """Return the units of each hidden layer on some rows of `x`, as at prediction."""
    most = max(8, _MOST_VALUES // max(1, int(np.prod(x.shape[1:]))))
    rows = np.random.default_rng(seed).permutation(len(x))[: min(_ROWS, most)]
    names = display_names(model)
    seen = watch_layers(model, x[rows], training=False)
    last = _last_with_weights(model)
    found = []
    for number, one in seen.items():
        activation = _activation(one.layer)
        output = one.array
        hidden = number in names and one.layer is not last and not _is_output(one.output, model, seen)
        has_units = activation or (one.layer.trainable_variables and not one.layer._layers)
        if output is None or output.ndim < 2 or not hidden or not has_units:
            continue
        counted = _count(names[number], activation, output.reshape(-1, output.shape[-1]))
        found.append(replace(counted, same_weights=_same_weights(one.layer)))
    return found


def _activation(layer: Any) -> str:
    if isinstance(layer, keras.layers.ReLU):
        plain = not layer.negative_slope and not layer.threshold
        return "relu" if plain else ""
    given = getattr(layer, "activation", None)
    return next((name for name in _ENDS if given is getattr(keras.activations, name)), "")


def _same_weights(layer: Any) -> bool:
    """Return whether the kernel has one and the same column for each unit."""
    kernel = getattr(layer, "kernel", None)
    if kernel is None or len(kernel.shape) < 2:
        return False
    columns = to_array(kernel).reshape(-1, kernel.shape[-1])
    return bool((columns == columns[:, :1]).all())


def _last_with_weights(model: Any) -> Any:
    """Return the output layer: what it gives is an answer, not a unit."""
    some = [
        layer for layer in model._flatten_layers(include_self=False) if layer.variables and not layer._layers
    ]
    return some[-1] if some else None


def _is_output(output: Any, model: Any, seen: dict[int, Any]) -> bool:
    """Return whether this is what the whole model gives, as an activation after the last layer is."""
    return bool(seen) and output is list(seen.values())[-1].output


def _count(layer: str, activation: str, outputs: NDArray[Any]) -> LayerUnits:
    """Count on outputs of shape (rows, units)."""
    ends = _ENDS.get(activation)
    saturated = 0
    if ends is not None:
        low, high = ends
        margin = _NEAR_END * (high - low)
        near = (outputs < low + margin) | (outputs > high - margin)
        saturated = int((near.mean(axis=0) >= _MOSTLY).sum())
    dead = int((outputs == 0).all(axis=0).sum()) if activation.startswith("relu") else 0
    return LayerUnits(
        layer=layer,
        activation=activation,
        units=outputs.shape[1],
        dead=dead,
        saturated=saturated,
        different=_different(outputs),
    )


def _different(outputs: NDArray[Any]) -> int:
    """Count columns that differ by more than rounding."""
    scale = float(np.abs(outputs).max()) or 1.0
    some = outputs[np.linspace(0, len(outputs) - 1, min(len(outputs), 64)).astype(int)]
    return int(np.unique(np.round(some / scale, 5), axis=1).shape[1])


def check_units(model: Any, x: NDArray[Any], *, seed: int) -> CheckSection:
    """Check the hidden layers of a model before any training."""
    layers = look_at_units(model, x, seed=seed)
    findings = [finding for layer in layers for finding in _findings(layer)]
    if not findings:
        units = sum(layer.units for layer in layers)
        text = f"all {units} in {len(layers)} hidden layers can learn" if layers else "no hidden layers"
        findings = [CheckFinding(verdict=CheckVerdict.FINE if layers else CheckVerdict.SKIPPED, text=text)]
    return CheckSection(findings=tuple(findings), table=tuple(_row(layer) for layer in layers))


def _findings(layer: LayerUnits) -> Iterator[CheckFinding]:
    count = layer.units
    if layer.alike:
        hint = "A zeros initialiser does this: use random initial weights, as kernel_initializer=auto does."
        text = f"{layer.layer}: all {count} units are alike, and will stay so"
        yield CheckFinding(verdict=CheckVerdict.WRONG, text=text, hint=hint, layer=layer.layer)
    elif layer.dead >= _REPORTED * count:
        every = layer.dead == count
        hint = "Use he_normal and biases of 0, or leaky_relu; look at the inputs' size."
        text = (
            f"{layer.layer}: {'all' if every else f'{layer.dead} of'} {count} units are dead: 0 on every row"
        )
        yield CheckFinding(
            verdict=CheckVerdict.WRONG if every else CheckVerdict.WARNING,
            text=text,
            hint=hint,
            layer=layer.layer,
        )
    if layer.saturated >= _REPORTED * count:
        hint = "Use glorot_uniform and normalise the inputs, or relu."
        text = f"{layer.layer}: {layer.saturated} of {count} {layer.activation} units are saturated"
        every = layer.saturated == count
        yield CheckFinding(
            verdict=CheckVerdict.WRONG if every else CheckVerdict.WARNING,
            text=text,
            hint=hint,
            layer=layer.layer,
        )


def _row(layer: LayerUnits) -> Row:
    return {
        "layer": layer.layer,
        "activation": layer.activation,
        "units": layer.units,
        "dead": layer.dead,
        "saturated": layer.saturated,
        "different": layer.different,
    }
