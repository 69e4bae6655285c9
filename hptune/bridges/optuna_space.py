"""A study's hyperparameters as Optuna's distributions: one for each name, which holds all its values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from hptune.bridges.optuna_client import optuna_client
from hptune.space import Boolean, Choice, Fixed, Hyperparameter, Integer, Number, Value, Values
from hptune.space.condition import same_value
from hptune.space.scales import Scale

__all__ = ["distributions_of", "in_distribution"]


def distributions_of(declared: Iterable[Hyperparameter], tried: Sequence[Values]) -> dict[str, Any]:
    """Return a distribution for each name of `declared`, which may come several times, once a pass.

    Optuna wants each parameter to have one kind, one scale and the same options in all trials of a study.
    So a range is that of all passes, and of what was `tried` beyond them; options are those of all passes.
    A scale of 1 − x and a step that is a factor have no match in Optuna: the range is linear there, or has
    no step. Nor have steps that do not lead to each value tried.
    """
    by_name: dict[str, list[Hyperparameter]] = {}
    for hp in declared:
        by_name.setdefault(hp.name, []).append(hp)
    return {
        name: _distribution(found, [values[name] for values in tried if name in values])
        for name, found in by_name.items()
    }


def in_distribution(distribution: Any, value: Value) -> Value:
    """Return a value as its distribution has it: 1 where the option is 1 and the value 1.0."""
    for option in getattr(distribution, "choices", ()):
        if same_value(option, value):
            return option  # type: ignore[no-any-return]
    return value


def _distribution(found: Sequence[Hyperparameter], values: Sequence[Value]) -> Any:
    numbers = [hp for hp in found if isinstance(hp, Number)]
    fixed = [hp.value for hp in found if isinstance(hp, Fixed)]
    if numbers:
        return _range(numbers, [float(v) for v in (*fixed, *values) if not isinstance(v, str)])
    options: list[Value] = []
    listed = [option for hp in found if isinstance(hp, Choice | Boolean) for option in hp.options]
    for value in (*listed, *fixed, *values):
        if not any(same_value(value, option) for option in options):
            options.append(value)
    return optuna_client().distributions.CategoricalDistribution(options)


def _range(numbers: Sequence[Number], values: Sequence[float]) -> Any:
    kinds = optuna_client().distributions
    low = min([*(hp.low for hp in numbers), *values])
    high = max([*(hp.high for hp in numbers), *values])
    log = all(hp.scale is Scale.LOG for hp in numbers) and low > 0
    step, high = (None, high) if log else _step(numbers, low, high, values)
    if all(isinstance(hp, Integer) for hp in numbers):
        return kinds.IntDistribution(int(low), int(high), log=log, step=int(step or 1))
    return kinds.FloatDistribution(low, high, log=log, step=step)


def _step(
    numbers: Sequence[Number], low: float, high: float, values: Sequence[float]
) -> tuple[float | None, float]:
    """Return the steps of a linear range and where the last one ends; no step where one misses a value."""
    steps = {hp.step for hp in numbers if hp.scale is Scale.LINEAR}
    if len(steps) != 1 or None in steps:
        return None, high
    step = _rounded(steps.pop() or 0.0)
    last = _rounded(low + math.floor((high - low) / step + 1e-9) * step)
    places = [(value - low) / step for value in (*(hp.low for hp in numbers), *values)]
    met = all(abs(place - round(place)) < 1e-8 for place in places) and max(values, default=low) <= last
    # Optuna counts in the decimals that are shown.
    whole = (Decimal(str(last)) - Decimal(str(low))) % Decimal(str(step)) == 0
    return (step, last) if met and whole else (None, high)


def _rounded(number: float) -> float:
    """Return a number to the twelve digits that values are written with."""
    return float(f"{number:.12g}")
