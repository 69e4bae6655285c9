"""How large gradients are, layer by layer, at the start and over the first steps.

Where the first layers' gradients are far smaller than the last one's they vanish on the way back,
and those layers hardly learn; where far larger, they explode (Glorot and Bengio 2010, AISTATS;
Pascanu et al. 2013, arXiv 1211.5063). The norm that nine in ten of the first steps stay below is
what clipping may start from: it then changes the outliers and leaves the rest alone (arXiv
1211.5063, section 3.2, takes its threshold from such statistics).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.check.autodiff import Gradients, gradients_of, to_array
from hptune.check.losses import compute_loss
from hptune.check.naming import all_layers, display_names
from hptune.check.report import CheckFinding, CheckSection, CheckVerdict, Row
from hptune.check.still import Still

__all__ = ["check_norms"]

_STEPS = 20
_SECONDS = 8.0
"""Large models take fewer steps."""
_UNEVEN = 1e3
"""Ratio of the first layer's norm to the last one's, either way, from which it is reported."""
_BROKEN = 1e6
"""Ratio at which training can't work."""
_HUGE = 100.0
"""Gradient in shares of the weights' own norm from which it is reported: usual is far less than 1."""
_PERCENTILE = 90


@dataclass(frozen=True, kw_only=True)
class _Step:
    """Norms before one step of training."""

    layers: tuple[float, ...]
    """Of each layer, its tensors together."""
    total: float
    """Of the whole gradient."""
    largest: float
    """Of the tensor with the largest gradient."""
    connected: tuple[bool, ...]
    """Of each layer, whether the loss depends on it at all."""


def check_norms(model: Any, x: NDArray[Any], y: NDArray[Any], *, batch_size: int, seed: int) -> CheckSection:
    """Train a few steps as the model is compiled and look at the gradients; its weights are put back."""
    layers = _layers(model)
    if not layers:
        finding = CheckFinding(verdict=CheckVerdict.SKIPPED, text="no weights are trained")
        return CheckSection(findings=(finding,))
    variables = [v for _, _, held in layers for v in held]

    def loss(x: Any, y: Any) -> Any:
        return compute_loss(model, x, y, training=True)

    gradients = gradients_of(loss, variables, traced=not model.run_eagerly)
    still = Still(model)
    before = [to_array(v).copy() for v in variables]
    try:
        steps = list(_train(model, layers, gradients, x, y, batch_size, seed))
        after = [to_array(v).copy() for v in variables]
    finally:
        still.restore()
    names = [name for name, _, _ in layers]
    weights = [float(np.sqrt(sum(np.sum(to_array(v) ** 2.0) for v in held))) for _, _, held in layers]
    moved = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    findings = [*_of_layers(layers, steps, weights), *_of_steps(steps, moved)]
    proposals = _proposals(steps)
    if not findings:
        ends = _ends(layers, steps[0])
        text = f"{steps[0].total:.3g} at the start, {steps[-1].total:.3g} after {len(steps) - 1} steps"
        if len(ends) == 2:
            text += f"; first layer to last {_ratio(steps[0], ends):.2g}"
        if proposals:
            text += f"; 9 in 10 are below {proposals['global_clipnorm']:g}"
        findings = [CheckFinding(verdict=CheckVerdict.FINE, text=text)]
    return CheckSection(findings=tuple(findings), table=_table(names, weights, steps), proposals=proposals)


_Layer = tuple[str, bool, list[Any]]
"""Name, whether it has a kernel, its weights."""


def _layers(model: Any) -> list[_Layer]:
    """Return each layer that has trained weights of its own, from input to output."""
    names = display_names(model)
    found: list[_Layer] = []
    taken: set[int] = set()
    for layer in reversed(all_layers(model)):
        held = [v for v in layer.trainable_variables if id(v) not in taken]
        taken |= {id(v) for v in held}
        if held:
            found.append((names[id(layer)], any(len(v.shape) > 1 for v in held), held))
    rest = [v for v in model.trainable_variables if id(v) not in taken]
    if rest:
        found.append((model.name, any(len(v.shape) > 1 for v in rest), rest))
    return found[::-1]


def _train(
    model: Any,
    layers: list[_Layer],
    gradients: Gradients,
    x: NDArray[Any],
    y: NDArray[Any],
    batch_size: int,
    seed: int,
) -> Iterator[_Step]:
    """Give the norms before each step, and after the last."""
    rng, began = np.random.default_rng(seed), time.monotonic()
    # Every batch of one size, so that nothing is compiled twice.
    size = min(batch_size, len(x))
    for number in range(_STEPS + 1):
        rows = rng.choice(len(x), size=size, replace=False)
        _, found = gradients(x[rows], y[rows])
        step = _measured(layers, found)
        yield step
        late = number >= 3 and time.monotonic() - began > _SECONDS
        if not np.isfinite(step.total) or late:
            return
        if number < _STEPS:
            model.train_on_batch(x[rows], y[rows])


def _measured(layers: list[_Layer], gradients: list[NDArray[Any] | None]) -> _Step:
    squares = [0.0 if g is None else float(np.sum(g.astype(np.float64) ** 2)) for g in gradients]
    some, reached = iter(squares), iter(gradients)
    by_layer = [float(np.sqrt(sum(next(some) for _ in held))) for _, _, held in layers]
    return _Step(
        layers=tuple(by_layer),
        total=float(np.sqrt(sum(squares))),
        largest=float(np.sqrt(max(squares))),
        connected=tuple(sum(next(reached) is not None for _ in held) > 0 for _, _, held in layers),
    )


def _ends(layers: list[_Layer], start: _Step) -> list[int]:
    """Return the places of the first and the last layer with a kernel; of one, where it is the only one.

    Layers that the loss does not depend on are none of them.
    """
    places = [i for i, (_, kernel, _) in enumerate(layers) if kernel and start.connected[i]]
    while len(places) > 1 and start.layers[places[-1]] == 0 and start.total > 0:
        places.pop()
    return [places[0], places[-1]] if len(places) > 1 else places


def _ratio(step: _Step, ends: list[int]) -> float:
    first, last = (step.layers[i] for i in ends)
    if last == 0:
        return 1.0 if first == 0 else float("inf")
    return first / last


def _of_layers(layers: list[_Layer], steps: list[_Step], weights: list[float]) -> Iterator[CheckFinding]:
    """Tell what the start shows."""
    start, ends = steps[0], _ends(layers, steps[0])
    if not np.isfinite(start.total):
        text = "not finite at the start"
        yield CheckFinding(verdict=CheckVerdict.WRONG, text=text, hint="See the loss at the start.")
        return
    if start.total == 0:
        text = "0 by every weight: nothing will be learnt"
        yield CheckFinding(
            verdict=CheckVerdict.WRONG, text=text, hint="See the units: dead, or initialised with zeros?"
        )
        return
    if len(ends) == 2:
        yield from _of_ratio(_ratio(start, ends), *(layers[i][0] for i in ends))
    share = start.total / max(float(np.sqrt(sum(w**2 for w in weights))), 1e-12)
    if share > _HUGE:
        text = f"exploding: {start.total:.3g}, {share:.3g} times the weights' own norm"
        hint = "Normalise inputs, and the targets of a regression; smaller initial weights; clip."
        yield CheckFinding(verdict=CheckVerdict.WARNING, text=text, hint=hint)


def _of_ratio(ratio: float, first: str, last: str) -> Iterator[CheckFinding]:
    if ratio < 1 / _UNEVEN:
        verdict = CheckVerdict.WRONG if ratio < 1 / _BROKEN else CheckVerdict.WARNING
        text = f"vanishing: {first} gets {ratio:.2g} of what {last} gets"
        hint = "Use relu with he_normal, batch normalization, or fewer layers; see the units too."
        yield CheckFinding(verdict=verdict, text=text, hint=hint, layer=first)
    elif ratio > _UNEVEN:
        verdict = CheckVerdict.WRONG if ratio > _BROKEN else CheckVerdict.WARNING
        text = f"exploding: {first} gets {ratio:.2g} times what {last} gets"
        hint = "Smaller initial weights (glorot or he), batch normalization, or clipping."
        yield CheckFinding(verdict=verdict, text=text, hint=hint, layer=first)


def _of_steps(steps: list[_Step], moved: list[bool]) -> Iterator[CheckFinding]:
    """Tell what the first steps of training show."""
    start, end, taken = steps[0], steps[-1], len(steps) - 1
    if not np.isfinite(start.total):
        return
    if not np.isfinite(end.total):
        text = f"no longer finite after {taken} steps of its own optimiser"
        yield CheckFinding(
            verdict=CheckVerdict.WRONG, text=text, hint="A smaller learning rate, or clipping."
        )
        return
    if start.total > 0 and not any(moved):
        text = f"{taken} steps of training change no weight at all"
        hint = "Is the learning rate 0, or does a train_step of its own not apply the gradients?"
        yield CheckFinding(verdict=CheckVerdict.WRONG, text=text, hint=hint)
    if end.total > _UNEVEN * start.total > 0:
        text = f"exploding: from {start.total:.3g} to {end.total:.3g} in {taken} steps"
        yield CheckFinding(
            verdict=CheckVerdict.WARNING, text=text, hint="A smaller learning rate, or clipping."
        )


def _proposals(steps: list[_Step]) -> dict[str, float]:
    """Return thresholds of clipping that nine in ten of these steps stay below."""
    some = [step for step in steps if np.isfinite(step.total) and step.total > 0]
    if not some:
        return {}
    return {
        "clipnorm": _three_digits(np.percentile([step.largest for step in some], _PERCENTILE)),
        "global_clipnorm": _three_digits(np.percentile([step.total for step in some], _PERCENTILE)),
    }


def _three_digits(value: Any) -> float:
    return float(f"{float(value):.3g}")


def _table(names: list[str], weights: list[float], steps: list[_Step]) -> tuple[Row, ...]:
    last = f"after {len(steps) - 1} steps"
    return tuple(
        {
            "layer": name,
            "norm of weights": weights[i],
            "gradient at the start": steps[0].layers[i],
            last: steps[-1].layers[i],
        }
        for i, name in enumerate(names)
    )
