"""The loss as a function that gives the same each time it is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.check.autodiff import gradients_of, values_of
from hptune.check.losses import compute_loss
from hptune.check.report import CheckFinding, CheckVerdict
from hptune.check.still import Still
from hptune.models.backend import set_random_seed

__all__ = ["LossProbe", "steady_probe"]


@dataclass(frozen=True, kw_only=True, eq=False)
class LossProbe:
    """The loss and its gradients, the same at every call."""

    value: Callable[[], float]
    gradients: Callable[[], list[NDArray[Any] | None]]
    findings: tuple[CheckFinding, ...] = ()


def steady_probe(model: Any, x: NDArray[Any], y: NDArray[Any], seed: int) -> LossProbe | None:
    """Return a way to evaluate that repeats, the nearest to training there is."""
    traced = not model.run_eagerly
    ways = [(True, traced, False), (True, False, True), (False, traced, False)]
    for training, compiled, reseeded in ways:
        probe = _probe(model, x, y, training, compiled, seed if reseeded else None)
        first, second = probe.value(), probe.value()
        if not np.isfinite(first) or abs(first - second) <= 1e-12 * abs(first):
            return probe
    return None


def _probe(
    model: Any, x: NDArray[Any], y: NDArray[Any], training: bool, traced: bool, seed: int | None
) -> LossProbe:
    still, variables = Still(model), list(model.trainable_variables)

    def loss(x: Any, y: Any) -> Any:
        return compute_loss(model, x, y, training=training)

    def held() -> None:
        still.hold()
        if seed is not None:
            set_random_seed(seed)

    evaluate = values_of(loss, variables, traced=traced)
    differentiate = gradients_of(loss, variables, traced=traced)

    def value() -> float:
        held()
        return evaluate(x, y)

    def gradients() -> list[NDArray[Any] | None]:
        held()
        return differentiate(x, y)[1]

    text = "checked as at prediction: in training mode the loss is another at each call"
    hint = "Draw random numbers with keras.random and a keras.random.SeedGenerator."
    note = CheckFinding(verdict=CheckVerdict.WARNING, text=text, hint=hint)
    return LossProbe(value=value, gradients=gradients, findings=() if training else (note,))
