"""What a model is to whoever trains it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from hptune.data import Dataset
from hptune.data.stream import Streams
from hptune.data.structure import Given, count_rows, is_structure, map_leaves
from hptune.models.recipes import Recipe
from hptune.space import Hyperparameter, Space, Values

__all__ = ["Arrays", "Model", "OwnFit", "Streamed", "Training"]


@dataclass(frozen=True)
class OwnFit:
    """A user model's own fit of one configuration."""

    run: Callable[..., Any]
    """(model, x, y, …), as Keras Tuner calls it."""
    goes_on: bool
    """Whether it takes `initial_epoch`, from which to go on with a model that was trained so far."""
    own_data: bool = False
    """Whether it brings its own data, and is given none."""
    takes_class_weight: bool = False
    """Whether it can be given `class_weight`, as Keras's fit can."""
    refused: set[str] = field(default_factory=set)
    """Keywords that it did not take, or that it sets itself, as its calls so far showed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Arrays:
    """What one configuration is trained and validated on."""

    x: Any
    """An array of shape (rows, …), or a dict, list or tuple of such arrays; so is y, or None."""
    y: Any
    validation_x: Any
    validation_y: Any
    weights: Any = None
    """How much each training row counts in the loss; None where all count alike."""
    validation_weights: Any = None

    @property
    def rows(self) -> int:
        """Training rows."""
        return count_rows(self.x)

    @property
    def is_plain(self) -> bool:
        """Whether rows are one array of numbers, with one array of targets, and count alike."""
        plain = not any(is_structure(tree) or tree is None for tree in (self.x, self.y))
        return plain and self.validation_weights is None and self.x.dtype.kind in "biuf"

    def each(self, function: Callable[[NDArray[Any]], NDArray[Any]]) -> Arrays:
        """Return the same with `function` of each array."""
        names = ("x", "y", "validation_x", "validation_y", "weights", "validation_weights")
        return replace(self, **{name: map_leaves(function, getattr(self, name)) for name in names})

    def few(self, rows: int) -> Arrays:
        """Return the first rows of both parts."""
        return self.each(lambda array: array[:rows])

    def for_own_fit(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments and the keywords that hand them to a user's own fit."""
        if self.weights is None:
            return (self.x, self.y), {"validation_data": (self.validation_x, self.validation_y)}
        held = (self.validation_x, self.validation_y, self.validation_weights)
        weighted = tuple(tree for tree in held if tree is not None)
        return (self.x, self.y), {"validation_data": weighted, "sample_weight": self.weights}


@dataclass(frozen=True, kw_only=True, eq=False)
class Streamed(Arrays):
    """Batches that one configuration is trained and validated on; the arrays are the first of each stream."""

    streams: Streams

    @property
    def is_plain(self) -> bool:
        """Never: there is more than the arrays."""
        return False

    def few(self, rows: int) -> Arrays:
        """Return the first batch of each stream, as it is, and the first rows of arrays beside one."""
        few = self.streams.few(rows)
        kept: dict[str, Any] = {}
        if isinstance(few.train, Given):
            kept |= {"x": few.train.x, "y": few.train.y, "weights": few.train.weights}
        if isinstance(few.validation, Given):
            held = few.validation
            kept |= {"validation_x": held.x, "validation_y": held.y, "validation_weights": held.weights}
        return replace(self, streams=few, **kept)

    def for_own_fit(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return what Keras Tuner's user would write: the stream, and `validation_data=` the other one."""
        streams, keywords = self.streams.fresh(), dict[str, Any]()
        train, held = streams.parts
        if isinstance(train, Given):
            arguments: tuple[Any, ...] = (train.x, train.y)
            keywords |= {} if train.weights is None else {"sample_weight": train.weights}
        else:
            arguments = (train.for_fit(),)
            keywords |= {} if train.steps is None else {"steps_per_epoch": train.steps}
        if isinstance(held, Given):
            parts = (held.x, held.y, held.weights)
            return arguments, keywords | {"validation_data": tuple(p for p in parts if p is not None)}
        keywords |= {} if held.steps is None else {"validation_steps": held.steps}
        return arguments, keywords | {"validation_data": held.for_fit()}


@dataclass(frozen=True, kw_only=True)
class Training:
    """How one configuration is trained."""

    batch_size: int
    """Rows per step, from 1 to all."""
    learning_rate: Callable[[int], float] | None = None
    """Epoch, from 0 → learning rate; None leaves it to the model's own optimiser."""
    averaged: bool = False
    """The optimiser keeps a moving average of the weights, which is what is judged and kept."""
    patience: int = 0
    """Epochs without a better objective after which it ends; 0 for never."""
    min_delta: float = 0.0
    """By how much the objective, as Keras reports it, must be better to count."""
    units: Mapping[str, float] = field(default_factory=dict)
    """What a metric is multiplied by to be in the target's own units."""

    def unit_of(self, reported: str) -> float:
        """Return what a reported metric, of whichever rows, is multiplied by."""
        return self.units.get(reported.removeprefix("val_"), 1.0)


class Model(Protocol):
    """Whatever takes hyperparameters and gives a compiled Keras model."""

    @property
    def name(self) -> str:
        """As it was asked for: mlp, cnn, FILE.py:build."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes where the model does: SHA-256, hex."""
        ...

    def known_as(self, fingerprint: str) -> bool:
        """Return whether a recorded fingerprint, of today's form or an older one, is this model's."""
        ...

    def space(self) -> Space:
        """Return its hyperparameters."""
        ...

    def build(self, values: Values, seed: int) -> Any:
        """Return a compiled keras.Model with weights drawn from `seed`.

        Raises ModelError where a user's code gives none; whatever it raises itself goes through.
        """
        ...

    def training(self, values: Values, rows: int) -> Training:
        """Return how a configuration is trained on so many rows."""
        ...

    def batch_size(self, values: Values, rows: int) -> int:
        """Return how many rows a step takes."""
        ...

    def arrays(self, dataset: Dataset, values: Values) -> Arrays:
        """Return what a configuration is trained and validated on."""
        ...

    def graph_key(self, values: Values) -> Hashable | None:
        """Return what is the same for two configurations whose graphs are the same.

        Equal keys promise that a model built for the one, given the weights and the state of the
        optimiser of the other, trains as the other; None promises nothing.
        """
        ...

    def own_fit(self, values: Values) -> OwnFit | None:
        """Return a user model's own fit, or None where Keras's is meant."""
        ...

    def unsearched(self) -> Values:
        """Return what the configuration built last asked for and has no value of, with the values it got."""
        ...

    def declared(self) -> tuple[Hyperparameter, ...]:
        """Return what that configuration declared beyond what exploring found, parents first."""
        ...

    def with_conditions(
        self, found: tuple[Hyperparameter, ...], values: Values, space: Space
    ) -> tuple[Hyperparameter, ...]:
        """Return what a configuration of `space` asked for first, with when it is asked for.

        It may build a bounded number of other configurations to see.
        """
        ...

    def recipe(self, values: Values) -> Recipe | None:
        """Return a configuration of a built-in recipe as a description; None for a user model."""
        ...

    def remarks(self) -> tuple[str, ...]:
        """Return what is worth knowing of its space before it is searched."""
        ...

    def metrics_on_demand(self) -> tuple[str, ...]:
        """Return the metrics that it reports only where one is the objective."""
        ...

    def fallback_start(self) -> Values | None:
        """Return what to try where the defaults can't be trained; None where there is nothing else."""
        ...

    @property
    def source_file(self) -> Path | None:
        """The user's file that holds it; None for a built-in recipe."""
        ...
