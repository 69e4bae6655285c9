"""A configuration as everything that is trained: a frozen description that can be built or printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.models.recipes.calls import Call, make, source
from hptune.models.recipes.data_facts import DataFacts
from hptune.models.recipes.parts import losses, optimizer, schedule, target_units
from hptune.models.recipes.schedules import Schedule

__all__ = ["Recipe", "Target"]


@dataclass(frozen=True, kw_only=True)
class Target:
    """How targets of a regression are z-scored: (y − mean) / deviation."""

    mean: float
    deviation: float
    """Above 0."""

    def z_scores(self, y: NDArray[Any]) -> NDArray[np.float32]:
        """Return targets as they are learned: a column, which R² wants."""
        scaled = (y.astype(np.float64) - self.mean) / self.deviation
        return scaled.astype(np.float32).reshape(-1, 1)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One configuration, ready to be built, trained or printed."""

    name: str
    layers: tuple[Call, ...]
    """In order, the input first."""
    optimizer: Call
    loss: str
    metrics: tuple[str | Call, ...]
    batch_size: int
    """Rows per step, at most all of them."""
    schedule: Schedule
    """Learning rate of each epoch, which is set before the epoch begins."""
    averaged: bool = False
    """The moving average of the weights is what is judged and kept."""
    patience: int = 0
    """Epochs without a better objective after which training ends; 0 for never."""
    min_delta: float = 0.0
    """By how much the objective must be better to count."""
    target: Target | None = None
    """Regression: the model learns and predicts z-scored targets."""
    units: Mapping[str, float] = field(default_factory=dict, hash=False)
    """What a reported metric is multiplied by to be in the target's own units."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", dict(self.units))

    def build(self) -> Any:
        """Return the compiled keras.Model; weights are drawn from Keras's current random seed."""
        import keras

        model = keras.Sequential([call.make() for call in self.layers])
        model.compile(optimizer=self.optimizer.make(), loss=self.loss, metrics=make(list(self.metrics)))
        return model

    def source(self) -> str:
        """Return Python that builds and compiles the same `model`, after `import keras`."""
        lines = "".join(f"        {_indented(call.source(), 8)},\n" for call in self.layers)
        compiled = {
            "optimizer": _indented(self.optimizer.source(), 4),
            "loss": source(self.loss),
            "metrics": source(list(self.metrics)),
        }
        arguments = "".join(f"    {key}={text},\n" for key, text in compiled.items())
        return f"model = keras.Sequential(\n    [\n{lines}    ]\n)\nmodel.compile(\n{arguments})\n"

    @property
    def homes(self) -> tuple[str, ...]:
        """Modules besides Keras whose text a script needs."""
        return tuple(dict.fromkeys(call.home for call in self.calls() if call.home != "keras"))

    def calls(self) -> Iterator[Call]:
        """Give every call that it is made of."""
        metrics = [metric for metric in self.metrics if isinstance(metric, Call)]
        return (call for top in (*self.layers, self.optimizer, *metrics) for call in top.calls())

    @classmethod
    def of(cls, name: str, layers: list[Call], options: Mapping[str, Any], facts: DataFacts) -> Recipe:
        """Return a recipe of these layers, with everything else as the options say."""
        rates = schedule(options, facts)
        loss, metrics = losses(facts)
        units = target_units(facts)
        rows = options["batch_size"]
        return cls(
            name=name,
            layers=tuple(layers),
            optimizer=optimizer(options, rates),
            loss=loss,
            metrics=metrics,
            batch_size=facts.rows if rows == "all" else min(rows, facts.rows),
            schedule=rates,
            averaged=options["ema"],
            patience=options["early_stopping_patience"],
            min_delta=options["early_stopping_min_delta"],
            target=Target(mean=facts.target_mean, deviation=facts.target_deviation) if units else None,
            units=units,
        )


def _indented(text: str, spaces: int) -> str:
    return text.replace("\n", "\n" + " " * spaces)
