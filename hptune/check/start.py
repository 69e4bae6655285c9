"""Does training start where chance would put it, and do the outputs fit the loss?

A model that knows nothing should lose what chance loses: ln(classes) with softmax, ln 2 with a
sigmoid, the variance of the targets with the squared error. Far more means that it is sure of what
it can't know: weights too large, inputs or targets not normalised (Stanford CS231n, notes on
neural networks 3, "Before learning: sanity checks").
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.check.autodiff import to_array
from hptune.check.losses import compute_loss, pick_rows
from hptune.check.report import CheckFinding, CheckSection, CheckVerdict
from hptune.models.backend import keras

__all__ = ["ChanceLevel", "chance_of", "check_start", "loss_name"]

_ROWS = 512
_FAR = 3.0
"""How many times chance, or which part of it, is reported."""
_HEAVY = 1.0
"""Penalties larger than this share of the loss are reported."""


@dataclass(frozen=True, kw_only=True)
class ChanceLevel:
    """What a loss is without knowing anything of the inputs."""

    loss: float
    """When all answers are alike: even shares of the classes, or the mean of the targets."""
    constant: float
    """When the answer is the same for all rows, and the best such one: by the shares of these rows."""
    words: str
    """How `loss` is worked out."""


def loss_name(model: Any) -> str:
    """Return a model's loss in one spelling, such as mean_squared_error; "" where it is none of Keras's."""
    loss = model.loss
    name = loss if isinstance(loss, str) else getattr(loss, "name", None) or getattr(loss, "__name__", "")
    short = {"mse": "mean_squared_error", "mae": "mean_absolute_error"}
    words = "".join(f"_{c.lower()}" if c.isupper() else c for c in str(name)).strip("_")
    return short.get(words, words)


def chance_of(model: Any, y: NDArray[Any], outputs: int) -> ChanceLevel | None:
    """Return what chance loses on targets `y`; None for a loss of which that is not known.

    `outputs` are the numbers a model gives per row: the classes, where the loss is over classes.
    """
    name = loss_name(model)
    if name == "sparse_categorical_crossentropy":
        shares = np.bincount(y.astype(np.int64).ravel(), minlength=outputs) / y.size
        return ChanceLevel(loss=math.log(outputs), constant=_entropy(shares), words=f"ln {outputs}")
    if name == "categorical_crossentropy":
        shares = y.reshape(-1, y.shape[-1]).mean(axis=0)
        return ChanceLevel(loss=math.log(outputs), constant=_entropy(shares), words=f"ln {outputs}")
    if name == "binary_crossentropy":
        shares = y.reshape(len(y), -1).astype(np.float64).mean(axis=0)
        each = [_entropy(np.array([share, 1 - share])) for share in shares]
        return ChanceLevel(loss=math.log(2), constant=float(np.mean(each)), words="ln 2")
    columns = y.reshape(len(y), -1).astype(np.float64)
    if name == "mean_squared_error":
        spread = float(columns.var(axis=0).mean())
        return ChanceLevel(loss=spread, constant=spread, words="the variance of the targets")
    if name == "mean_absolute_error":
        spread = float(np.abs(columns - np.median(columns, axis=0)).mean())
        return ChanceLevel(loss=spread, constant=spread, words="the targets' mean distance from their median")
    return None


def _entropy(shares: NDArray[np.float64]) -> float:
    some = shares[shares > 0]
    return float(-(some * np.log(some)).sum())


def check_start(model: Any, x: NDArray[Any], y: NDArray[Any], *, seed: int) -> CheckSection:
    """Check the loss before any training, and that outputs, targets and loss go together."""
    rows = pick_rows(y, _ROWS, seed)
    x, y = x[rows], y[rows]
    given = model(keras.ops.convert_to_tensor(x), training=False)
    one = keras.ops.is_tensor(given)
    predicted = to_array(given) if one else None
    findings = [] if predicted is None else _of_outputs(model, predicted, y)
    if not findings:
        findings = _of_loss(model, x, y, None if predicted is None else int(predicted.shape[-1]))
    return CheckSection(findings=tuple(findings))


def _of_outputs(model: Any, predicted: NDArray[Any], y: NDArray[Any]) -> list[CheckFinding]:
    """Tell outputs that can't go with the loss or the targets."""
    name = loss_name(model)
    if not np.isfinite(predicted).all():
        text = "outputs are not all finite numbers before any training"
        return [_wrong(text, "Look for divisions, logarithms and square roots of 0, and at the inputs.")]
    if name == "sparse_categorical_crossentropy" and y.size and int(y.max()) >= predicted.shape[-1]:
        text = f"labels go up to {int(y.max())}, but the model gives {predicted.shape[-1]} numbers per row"
        return [_wrong(text, f"The last layer needs {int(y.max()) + 1} units or more.")]
    if not name.endswith("crossentropy"):
        return []
    logits = bool(getattr(model.loss, "_fn_kwargs", {}).get("from_logits", False))
    inside = bool((predicted >= 0).all() and (predicted <= 1).all())
    sums = name == "binary_crossentropy" or bool(np.allclose(predicted.sum(axis=-1), 1, atol=1e-3))
    if logits and inside and sums and np.ptp(predicted) > 0:
        text = f"outputs are probabilities already, but {name} has from_logits=True"
        return [_wrong(text, "Take from_logits=True or the last activation away.")]
    if not logits and not (inside and sums):
        low, high = float(predicted.min()), float(predicted.max())
        text = f"outputs from {low:.3g} to {high:.3g} are no probabilities, which {name} expects"
        return [_wrong(text, "End with softmax (or sigmoid), or give the loss from_logits=True.")]
    return []


def _of_loss(model: Any, x: NDArray[Any], y: NDArray[Any], outputs: int | None) -> list[CheckFinding]:
    tensors = [keras.ops.convert_to_tensor(array) for array in (x, y)]
    plain = float(to_array(compute_loss(model, *tensors, training=False, penalties=False)))
    penalty = float(to_array(compute_loss(model, *tensors, training=False))) - plain
    if not math.isfinite(plain):
        hint = "Look at the inputs' size and at the initial weights."
        return [_wrong(f"the loss is {plain} before any training", hint)]
    chance = None if outputs is None else chance_of(model, y, outputs)
    findings = [_beside_chance(plain, chance)]
    if penalty > _HEAVY * max(abs(plain), 1e-12):
        text = f"penalties add {penalty:.3g} to a loss of {plain:.3g}: training will mostly shrink weights"
        hint = "Weaken l1 or l2."
        findings.append(CheckFinding(verdict=CheckVerdict.WARNING, text=text, hint=hint))
    return findings


def _beside_chance(loss: float, chance: ChanceLevel | None) -> CheckFinding:
    if chance is None or chance.loss <= 0:
        text = f"{loss:.4g}; what chance would lose is not known for this loss"
        return CheckFinding(verdict=CheckVerdict.SKIPPED, text=text)
    text = f"{loss:.4g}, where chance loses {chance.loss:.4g} ({chance.words})"
    if loss > _FAR * chance.loss:
        hint = "Smaller initial weights, or normalise the inputs, and the targets of a regression."
        return CheckFinding(
            verdict=CheckVerdict.WARNING, text=text + ": sure of what it can't know", hint=hint
        )
    if loss < chance.loss / _FAR:
        hint = "Are trained weights loaded, or is the target among the inputs?"
        return CheckFinding(
            verdict=CheckVerdict.WARNING, text=text + ": it knows something already", hint=hint
        )
    return CheckFinding(verdict=CheckVerdict.FINE, text=text)


def _wrong(text: str, hint: str) -> CheckFinding:
    return CheckFinding(verdict=CheckVerdict.WRONG, text=text, hint=hint)
