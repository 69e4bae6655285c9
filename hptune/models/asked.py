"""Keras Tuner's HyperParameters as they are given to a `build(hp)` that is explored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras_tuner

__all__ = ["Asked"]


class Asked(keras_tuner.HyperParameters):  # type: ignore[misc]
    """HyperParameters that keep what was asked for as it was meant."""

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
