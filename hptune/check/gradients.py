"""Is the gradient of the loss right, by every weight tensor and in every layer?

The loss is worked out in float64 on a few rows, in training mode, as it is trained: dropout with
one mask that stays, batch normalisation by the rows' own statistics, moving averages put back;
augmentation, which changes rows and not what is learned from them, is left out.

The weights are first nudged a little off their initial values, where biases are 0 and a zeros
initialiser holds all units at a kink, so that what is checked is the general case.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune._text import first_of
from hptune.check.autodiff import double_precision, to_array
from hptune.check.loss_probe import LossProbe, steady_probe
from hptune.check.losses import compute_loss, pick_rows
from hptune.check.naming import all_layers, display_names, is_own, where_written
from hptune.check.parts import ModelPart, check_parts
from hptune.check.prepare import build_ready, file_of
from hptune.check.report import CheckFinding, CheckSection, CheckVerdict
from hptune.check.rounding import has_narrow_weights, is_rounded, where_rounded
from hptune.check.still import Still, without_augmentation
from hptune.check.tensors import TensorCheck, check_tensor
from hptune.data import Task
from hptune.errors import ModelError
from hptune.models.backend import keras
from hptune.models.model import Arrays, Model
from hptune.space import Values
from hptune.training.failures import in_words

__all__ = ["check_gradients", "gradient_findings"]

_ROWS = 16
_MOST_VALUES = 1 << 20
"""Fewer rows are taken where those would hold more input values than this."""
_NUDGE = 0.05
"""How far weights are moved off their initial values, in shares of their size."""
_MOST_DIRECTIONS = 14
_FEWEST_DIRECTIONS = 3
"""Lines per weight tensor."""
_SECONDS = 20.0
"""Spent on the tensors, and again on the parts where something is wrong; large models get fewer lines."""


def check_gradients(model: Model, values: Values, arrays: Arrays, task: Task, *, seed: int) -> CheckSection:
    """Check the gradients of a configuration in float64, if the model can be built and called in it."""
    rows = pick_rows(arrays.y, _rows(arrays.x), seed)
    x, y = _wide(arrays.x[rows]), _wide(arrays.y[rows])
    with double_precision():
        try:
            built = build_ready(model, values, seed, arrays, task)
            with without_augmentation(built):
                still = Still(built)
                compute_loss(built, *map(keras.ops.convert_to_tensor, (x, y)), training=True)
                still.hold()
        except Exception as error:
            said = error.message if isinstance(error, ModelError) else in_words(error, file_of(model))
            return _section([_not_checkable(f"in float64 the model fails: {said}")], ())
        with without_augmentation(built):
            return gradient_findings(built, x, y, seed=seed)


def gradient_findings(model: Any, x: NDArray[Any], y: NDArray[Any], *, seed: int) -> CheckSection:
    """Check the gradients of a keras.Model that was made in float64, on some rows; it is put back."""
    still = Still(model)
    try:
        return _checked(model, x, y, seed)
    finally:
        still.restore()


def _checked(model: Any, x: NDArray[Any], y: NDArray[Any], seed: int) -> CheckSection:
    if not model.trainable_variables:
        text = "no weights are trained: the model has none, or all layers have trainable=False"
        return _section([CheckFinding(verdict=CheckVerdict.WRONG, text=text)], ())
    _nudge(model, x, y, seed)
    probe = steady_probe(model, x, y, seed)
    if probe is None:
        text = "the loss is another at each call with the same weights and rows: not checked"
        hint = "Draw random numbers with keras.random and a keras.random.SeedGenerator."
        return _section([CheckFinding(verdict=CheckVerdict.WARNING, text=text, hint=hint)], ())
    value = probe.value()
    if not np.isfinite(value):
        text = f"the loss is {value} on the first rows: gradients can't be checked"
        return _section([CheckFinding(verdict=CheckVerdict.WRONG, text=text)], ())
    if has_narrow_weights(model) or is_rounded(probe.value, model.trainable_variables, seed):
        return _section([_not_checkable(where_rounded(model, x))], ())
    checks, missed = _check_tensors(model, probe, seed)
    doubt = any(check.verdict in (CheckVerdict.WRONG, CheckVerdict.WARNING) for check in checks)
    until = time.monotonic() + _SECONDS
    parts = check_parts(model, x, y, everything=doubt, seed=seed, until=until)
    findings = [*_of_parts(parts, checks), *_of_tensors(model, checks, parts), *probe.findings]
    if missed:
        text = f"{missed} weight tensors were left out: there was no time for them"
        findings.append(CheckFinding(verdict=CheckVerdict.WARNING, text=text))
    return _section(findings, tuple(checks))


def _nudge(model: Any, x: NDArray[Any], y: NDArray[Any], seed: int) -> None:
    """Move the weights a little, unless the loss is then no number."""
    still, rng = Still(model), np.random.default_rng(seed)
    for variable in model.trainable_variables:
        base = to_array(variable)
        size = max(0.1, float(np.sqrt(np.mean(base**2)))) if base.size else 0.0
        variable.assign(base + _NUDGE * size * rng.standard_normal(base.shape))
    loss = float(to_array(compute_loss(model, *map(keras.ops.convert_to_tensor, (x, y)), training=True)))
    if np.isfinite(loss):
        still.hold()
    else:
        still.restore()


def _check_tensors(model: Any, probe: LossProbe, seed: int) -> tuple[list[TensorCheck], int]:
    """Return the result for each weight tensor, and how many there was no time for."""
    began = time.monotonic()
    probe.value()
    each = max(time.monotonic() - began, 1e-5)
    variables, names = model.trainable_variables, _tensor_names(model)
    fit = int(_SECONDS / (2 * each * len(variables)))
    directions = min(_MOST_DIRECTIONS, max(_FEWEST_DIRECTIONS, fit))
    rng = np.random.default_rng(seed)
    checks: list[TensorCheck] = []
    for variable, gradient in zip(variables, probe.gradients(), strict=True):
        if checks and time.monotonic() - began > 2 * _SECONDS:
            break
        name = names.get(id(variable), variable.path)
        checks.append(check_tensor(name, variable, gradient, probe.value, directions=directions, rng=rng))
    return checks, len(variables) - len(checks)


def _tensor_names(model: Any) -> dict[int, str]:
    """Return layer/weight for each variable; the innermost layer that holds it counts."""
    layers = display_names(model)
    return {
        id(variable): f"{layers[id(layer)]}/{variable.name}"
        for layer in all_layers(model)
        for variable in layer.trainable_variables
    }


def _not_checkable(reason: str) -> CheckFinding:
    hint = 'Leave dtypes to Keras: keras.ops.cast(x, self.compute_dtype), no dtype="float32".'
    return CheckFinding(verdict=CheckVerdict.SKIPPED, text=f"not checkable here: {reason}", hint=hint)


def _rows(x: NDArray[Any]) -> int:
    return max(2, min(_ROWS, _MOST_VALUES // max(1, int(np.prod(x.shape[1:])))))


def _wide(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.float64) if np.issubdtype(array.dtype, np.floating) else array


# Findings


def _of_parts(parts: list[ModelPart], checks: list[TensorCheck]) -> list[CheckFinding]:
    wrong = [check.name for check in checks if check.verdict is CheckVerdict.WRONG]
    spoiled = f"; it spoils those by {first_of(wrong, 4)}" if wrong else ""
    return [
        CheckFinding(
            verdict=CheckVerdict.WRONG,
            text=f"{part.name} ({part.kind}): its gradient by "
            + ", ".join(_figures(check) for check in part.checks)
            + spoiled,
            hint="Correct the gradient it defines, or leave it to automatic differentiation. A gradient that "
            "is meant to differ, as in a straight-through estimator, is reported here as well.",
            layer=part.name,
            where=part.where,
        )
        for part in parts
    ]


def _figures(check: TensorCheck) -> str:
    if check.disconnected:
        return f"{check.name} gets lost (differences say {check.numeric:.3g})"
    said = f"says {check.analytic:.4g} where differences say {check.numeric:.4g}"
    return f"{check.name} {said} (relative error {check.error:.2g})"


def _of_tensors(model: Any, checks: list[TensorCheck], parts: list[ModelPart]) -> list[CheckFinding]:
    found: list[CheckFinding] = []
    wrong = [check for check in checks if check.verdict is CheckVerdict.WRONG]
    if wrong and not parts:
        # No part is wrong alone: what remains is how a user's own model puts them together.
        own = type(model) if is_own(type(model)) else None
        text = f"the gradient by {first_of([_figures(check) for check in wrong], 3, '; by ')}"
        name = f" of {own.__name__}" if own else ""
        where = where_written(own) if own else ""
        hint = "Look for custom gradients, stop_gradient or rounding between the layers."
        found.append(CheckFinding(verdict=CheckVerdict.WRONG, text=text + name, hint=hint, where=where))
    loose = [c.name for c in checks if c.disconnected and c.verdict is not CheckVerdict.WRONG]
    if loose:
        everything = len(loose) == len(checks)
        found.append(
            CheckFinding(
                verdict=CheckVerdict.WRONG if everything else CheckVerdict.WARNING,
                text=f"the loss does not depend on {first_of(loose, 4)}: never trained",
                hint="Connect the layer to the output, or leave it out.",
            )
        )
    doubtful = [c for c in checks if c.verdict is CheckVerdict.WARNING and c.counted and not c.disconnected]
    found += [
        CheckFinding(
            verdict=CheckVerdict.WARNING,
            text=f"the gradient by {_figures(check)}: between right (1e-4) and wrong (1e-2)",
            hint="Kinks near by, or a gradient that is slightly off.",
        )
        for check in doubtful[:3]
    ]
    kinked = [
        c.name for c in checks if c.verdict is CheckVerdict.WARNING and not c.counted and not c.disconnected
    ]
    if kinked:
        text = f"kinks wherever the gradient by {first_of(kinked, 4)} was tried: not checked"
        found.append(CheckFinding(verdict=CheckVerdict.WARNING, text=text))
    return found + _of_right(checks)


def _of_right(checks: list[TensorCheck]) -> list[CheckFinding]:
    """Tell what is right, if anything is."""
    good = [check for check in checks if check.verdict is CheckVerdict.FINE]
    kinks = sum(check.kinks for check in checks)
    tried = sum(check.directions for check in checks)
    small = [check.name for check in checks if check.verdict is CheckVerdict.SKIPPED]
    if small and not good:
        text = f"too small to be measured by {first_of(small, 4)}"
        return [CheckFinding(verdict=CheckVerdict.WARNING, text=text, hint="See the gradient norms.")]
    if not good:
        return []
    text = f"right by {len(good)} weight tensors, relative error at most {max(c.error for c in good):.1g}"
    if kinks:
        text += f"; {kinks} of {tried} directions set aside at kinks"
    if small:
        text += f"; too small to be measured by {first_of(small, 4)}"
    return [CheckFinding(verdict=CheckVerdict.FINE, text=text)]


def _section(findings: list[CheckFinding], checks: tuple[TensorCheck, ...]) -> CheckSection:
    table = tuple(
        {
            "tensor": check.name,
            "values": check.size,
            "relative error": check.error if check.counted else None,
            "directions": check.directions,
            "at kinks": check.kinks,
            "too small": check.small,
            "verdict": check.verdict.value,
        }
        for check in checks
    )
    return CheckSection(findings=tuple(findings), table=table)
