"""One configuration of a stack, as whoever conducts a training sees a Keras model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptune.stack.layout import Layout, State, split
from hptune.stack.structure import Settings

__all__ = ["Member"]


class Held:
    """An array in the place of a Keras variable."""

    def __init__(self, value: NDArray[Any], name: str = "") -> None:
        self.value = value
        self.name = name

    @property
    def dtype(self) -> Any:
        """As NumPy has it."""
        return self.value.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """As NumPy has it."""
        return self.value.shape

    def assign(self, value: Any) -> None:
        """Put another array in."""
        self.value = np.asarray(value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.value, dtype=dtype)


class _Optimizer:
    """What the conductor asks of an optimiser."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self.learning_rate = 0.0

    @property
    def variables(self) -> list[NDArray[Any]]:
        """Its state as Keras lists it."""
        settings = self._member.settings
        return self._member.layout.optimizer(
            self._member.state,
            self.learning_rate,
            averaged=settings.averaged,
            remembers=settings.optimizer.get("momentum") != 0,
        )

    @property
    def _model_variables_moving_average(self) -> list[NDArray[Any]]:
        member = self._member
        return split(member.state.average, member.layout.shapes()) if member.settings.averaged else []


class Member:
    """Weights, optimiser and random states of one configuration; it reads them when asked for."""

    def __init__(self, layout: Layout, settings: Settings) -> None:
        self.layout = layout
        self.settings = settings
        self.optimizer = _Optimizer(self)
        self.stop_training = False
        self.seeds = [
            Held(np.zeros(2, np.int64), "seed_generator_state")
            for _ in range(layout.structure.hidden if settings.dropout > 0 else 0)
        ]
        self._read: Callable[[], State] | None = None
        self._state: State | None = None
        self._trained: list[Held] | None = None

    def hold(self, state: State) -> None:
        """Be where a training stands."""
        self._read, self._state, self._trained = None, state, None

    def follow(self, read: Callable[[], State]) -> None:
        """Be where `read` says the training stands, when somebody asks."""
        self._read, self._state, self._trained = read, None, None

    @property
    def state(self) -> State:
        """Where the training stands."""
        if self._state is None:
            assert self._read is not None
            self._state = self._read()
        return self._state

    @property
    def trainable_variables(self) -> list[Held]:
        """The trained weights, which may be swapped for their average and back."""
        if self._trained is None:
            self._trained = [Held(v) for v in split(self.state.weights, self.layout.shapes())]
        return self._trained

    @property
    def non_trainable_variables(self) -> list[Held]:
        """The seeds of dropout, layer by layer."""
        return self.seeds

    @property
    def weights(self) -> list[NDArray[Any]]:
        """All weights as Keras lists them."""
        return list(self.layout.weights(self.state, [v.value for v in self.trainable_variables]))

    def get_weights(self) -> list[NDArray[Any]]:
        """Return all weights as Keras lists them."""
        return self.weights
