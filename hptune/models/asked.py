"""Keras Tuner's HyperParameters as they are given to a `build(hp)` that is explored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras_tuner
from keras_tuner.engine import hyperparameters as kt

__all__ = ["Asked", "WithBooleans"]


class WithBooleans(keras_tuner.HyperParameters):  # type: ignore[misc]
    """HyperParameters of which a choice of booleans is a boolean."""

    def Choice(self, name: str, values: Sequence[Any], *args: Any, **kwargs: Any) -> Any:  # noqa: N802
        """Declare a choice; one of booleans is a boolean, of which Keras Tuner makes the numbers 1 and 0."""
        if len(set(values)) == 2 and all(isinstance(value, bool) for value in values):
            return self._boolean(name, values, *args, **kwargs)
        return super().Choice(name, values, *args, **kwargs)

    def _boolean(
        self,
        name: str,
        values: Sequence[bool],
        ordered: bool | None = None,
        default: bool | None = None,
        **where: Any,
    ) -> Any:
        return self.Boolean(name, default=bool(values[0] if default is None else default), **where)


class Asked(WithBooleans):
    """HyperParameters that keep what was asked for as it was meant.

    A name that is declared again is compared with what is known of it: where only the ends of its range or
    its choices differ, it has all of them from then on. Keras Tuner keeps the first in a call, and the last
    of several calls.
    """

    def __init__(self) -> None:
        super().__init__()
        self.widened: set[str] = set()
        """Names that were declared with several ranges: the widest is kept."""
        self.unlike: set[str] = set()
        """Names that were declared in ways that no single range holds: the first is kept."""

    def absorb(self, other: Asked) -> None:
        """Add what others were asked for."""
        self.widened |= other.widened
        self.unlike |= other.unlike
        self.merge(other.space)

    def _retrieve(self, hp: Any) -> Any:
        self._compare(hp)
        return super()._retrieve(hp)

    def _register(self, hyperparameter: Any, overwrite: bool = False) -> Any:
        if self._compare(hyperparameter):
            return self.values.get(hyperparameter.name)
        return super()._register(hyperparameter, overwrite)

    def _compare(self, hp: Any) -> bool:
        """Return whether a name is known under these conditions; it then holds what `hp` holds, too."""
        known = next((k for k in self._hps.get(hp.name, ()) if k.conditions == hp.conditions), None)
        if known is not None and _declared(known) != _declared(hp):
            (self.widened if _widen(known, hp) else self.unlike).add(hp.name)
        return known is not None


def _declared(hp: Any) -> tuple[Any, ...]:
    """Return how a hyperparameter was declared, but for its default."""
    if isinstance(hp, kt.Float | kt.Int):
        return (type(hp), hp.min_value, hp.max_value, hp.step, hp.sampling)
    return (type(hp), *hp.values)


def _widen(known: Any, hp: Any) -> bool:
    """Let `known` hold all that `hp` does; False where one range can't."""
    if type(known) is not type(hp):
        return False
    if isinstance(known, kt.Float | kt.Int):
        known.min_value = min(known.min_value, hp.min_value)
        known.max_value = max(known.max_value, hp.max_value)
        return bool(known.step == hp.step and known.sampling == hp.sampling)
    if isinstance(known, kt.Choice) and type(known.values[0]) is type(hp.values[0]):
        known._values = list(dict.fromkeys([*known.values, *hp.values]))
        return True
    return False
