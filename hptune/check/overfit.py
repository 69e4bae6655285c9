"""Can the model overfit one small batch?

A model that can't drive the loss on one small batch to nearly nothing won't learn more rows
either: something is not connected, or nothing is trained (Stanford CS231n, notes on neural networks
3: "overfit a tiny subset of data"). Dropout and whatever else only acts in training is off, and
penalties are left out, as both are there to prevent just this.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from hptune.check.autodiff import descent, to_array
from hptune.check.losses import compute_loss, pick_rows
from hptune.check.report import CheckFinding, CheckSection, CheckVerdict
from hptune.check.start import ChanceLevel, chance_of
from hptune.check.still import Still
from hptune.models.backend import keras

__all__ = ["check_overfit"]

_ROWS = 16
_STEPS = 300
_SECONDS = 6.0
"""Per rate; a large model takes fewer steps."""
_RATES = (0.01, 0.001, 0.1)
"""Of Adam, in the order they are tried."""
_LEARNT = 0.05
"""Share of the loss of the best constant answer that counts as nearly nothing."""
_NOTHING = 0.9
"""Share of it above which nothing was learnt of the inputs."""


@dataclass(frozen=True, kw_only=True)
class _Run:
    """Training at one rate."""

    rate: float
    steps: int
    first: float
    lowest: float


def check_overfit(model: Any, x: NDArray[Any], y: NDArray[Any], *, seed: int) -> CheckSection:
    """Train a model on one small batch; its weights are put back."""
    rows = pick_rows(y, _ROWS, seed)
    x, y = x[rows], y[rows]
    if not model.trainable_variables:
        text = "no weights are trained: the model has none, or all layers have trainable=False"
        return _section([CheckFinding(verdict=CheckVerdict.WRONG, text=text)], [])
    goal = _goal(model, x, y)
    still, runs = Still(model), list[_Run]()
    try:
        for run in _runs(model, x, y, still, goal):
            runs.append(run)
            if run.lowest <= _LEARNT * goal:
                break
    finally:
        still.restore()
    return _section([_judge(runs, goal, len(rows), known=_chance(model, x, y) is not None)], runs)


def _chance(model: Any, x: NDArray[Any], y: NDArray[Any]) -> ChanceLevel | None:
    given = model(keras.ops.convert_to_tensor(x), training=False)
    return chance_of(model, y, int(given.shape[-1])) if keras.ops.is_tensor(given) else None


def _goal(model: Any, x: NDArray[Any], y: NDArray[Any]) -> float:
    """Return the loss of the best constant answer; where it is not known, that of the initial weights."""
    chance = _chance(model, x, y)
    if chance is not None and chance.constant > 0:
        return chance.constant
    tensors = [keras.ops.convert_to_tensor(array) for array in (x, y)]
    return abs(float(to_array(compute_loss(model, *tensors, training=False, penalties=False))))


def _runs(model: Any, x: NDArray[Any], y: NDArray[Any], still: Still, goal: float) -> Any:
    """Give one run after the other, each from the initial weights."""
    optimizer = keras.optimizers.Adam(learning_rate=_RATES[0])

    def loss(x: Any, y: Any) -> Any:
        return compute_loss(model, x, y, training=False, penalties=False)

    step = descent(loss, optimizer, model.trainable_variables, traced=not model.run_eagerly)
    start = [to_array(variable).copy() for variable in optimizer.variables]
    for rate in _RATES:
        still.restore()
        for variable, value in zip(optimizer.variables, start, strict=True):
            variable.assign(value)
        optimizer.learning_rate = rate
        yield _run(step, x, y, rate, _LEARNT * goal)


def _run(step: Callable[..., float], x: NDArray[Any], y: NDArray[Any], rate: float, enough: float) -> _Run:
    began = time.monotonic()
    first = lowest = step(x, y)
    steps = 1
    while steps < _STEPS and lowest > enough and time.monotonic() - began < _SECONDS:
        loss = step(x, y)
        if not math.isfinite(loss):
            break
        lowest = min(lowest, loss)
        steps += 1
    return _Run(rate=rate, steps=steps, first=first, lowest=lowest)


def _judge(runs: list[_Run], goal: float, rows: int, *, known: bool) -> CheckFinding:
    best = min(runs, key=lambda run: run.lowest if math.isfinite(run.lowest) else math.inf)
    fell = f"{rows} rows: loss from {best.first:.4g} to {best.lowest:.2g} in {best.steps} steps of Adam"
    fell += f" at {best.rate:g}"
    if best.lowest <= _LEARNT * goal:
        return CheckFinding(verdict=CheckVerdict.FINE, text=fell)
    if not math.isfinite(best.lowest):
        hint = "See the other checks; then try smaller weights or inputs."
        return CheckFinding(
            verdict=CheckVerdict.WRONG, text=f"{rows} rows: the loss is {best.lowest}", hint=hint
        )
    if best.lowest > _NOTHING * goal:
        without = f"; the best answer that does not look at the inputs loses {goal:.4g}" if known else ""
        hint = "Is the output connected to the input? Are layers frozen, units dead or all alike?"
        return CheckFinding(verdict=CheckVerdict.WRONG, text=f"{fell}: nothing is learnt{without}", hint=hint)
    hint = "More units or layers, or a loss that can't come near 0: a linear model can't overfit everything."
    return CheckFinding(verdict=CheckVerdict.WARNING, text=f"{fell}: not overfitted", hint=hint)


def _section(findings: list[CheckFinding], runs: list[_Run]) -> CheckSection:
    table = tuple(
        {"rate of Adam": run.rate, "steps": run.steps, "first loss": run.first, "lowest loss": run.lowest}
        for run in runs
    )
    return CheckSection(findings=tuple(findings), table=table)
