"""Calls a `build(hp)` with many values, and learns which hyperparameters each asks for.

How much is tried is counted in calls, never in seconds: the same code gives the same space on a slow machine.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hptune._log import logger
from hptune.space import Boolean, Choice, Hyperparameter, Integer, Value

__all__ = ["MOST_CALLS", "Build", "Call", "Exhausted", "Explorer", "Given", "branch_values", "tried_values"]

MOST_CALLS = 120
"""Beyond, nothing further is tried: a model with so many branches is searched as found so far."""
MOST_VALUES = 32
"""A whole number with more values than this is tried at its ends only."""

Build = Callable[[Any], None]
Given = dict[str, Value]
"""Values by name that a call was given; what else it asks for takes Keras Tuner's defaults."""


class Exhausted(Exception):  # noqa: N818
    """No further call may be made."""


@dataclass(frozen=True)
class Call:
    """One call that worked."""

    given: Given
    values: Given
    """All values that it got."""
    asked: frozenset[str]
    """Names that it asked for."""


@dataclass
class Explorer:
    """Calls a build, each configuration once."""

    build: Build
    known: Any
    """An `Asked` with every declaration."""
    most: int | None = None
    """Configurations that may be called, at the most; None for MOST_CALLS."""
    calls: list[Call] = field(default_factory=list)
    """Those that worked, in their order."""
    _results: dict[tuple[tuple[str, Value], ...], Call | None] = field(default_factory=dict)
    _scopes: tuple[list[Any], list[Any]] = field(default_factory=lambda: ([], []))
    """Active and inactive conditional scopes of the last call."""

    def call(self, given: Given) -> Call | None:
        """Call the build with these values; returns None where it fails.

        Raises Exhausted where it was called often enough.
        """
        key = tuple(sorted(given.items()))
        if key not in self._results:
            if len(self._results) >= (MOST_CALLS if self.most is None else self.most):
                raise Exhausted
            hp = type(self.known)()
            hp.values = dict(given)
            try:
                self.call_with(hp)
            except (Exception, SystemExit) as error:
                # Not every combination need be one that can be built.
                logger.debug("trying %s: %s", given, error)
                self._results[key] = None
        return self._results[key]

    def call_with(self, hp: Any) -> None:
        """Call the build with `hp`. What it raises goes through."""
        given = dict(hp.values)
        self.build(hp)
        self.known.absorb(hp)
        asked = frozenset(parameter.name for parameter in hp.space if parameter.name in hp.values)
        call = Call(given, dict(hp.values), asked)
        self.calls.append(call)
        self._results[tuple(sorted(given.items()))] = call
        self._scopes = (copy.deepcopy(hp.active_scopes), copy.deepcopy(hp.inactive_scopes))

    def activate_scopes(self, first: Any) -> None:
        """Make every conditional scope active once (keras_tuner's BaseTuner._activate_all_conditions)."""
        tried: list[Any] = []
        never: list[Any] = []
        self.call_with(first)
        while True:
            active, inactive = self._scopes
            tried += active
            never = [scope for scope in [*never, *inactive] if scope not in tried]
            if not never:
                return
            scope = never.pop(0)
            tried.append(scope)
            self.call({condition.name: condition.values[0] for condition in scope})


def tried_values(hp: Hyperparameter) -> tuple[Value, ...]:
    """Return the values that show whether a hyperparameter decides what else is asked for."""
    if isinstance(hp, Choice | Boolean):
        return hp.options
    if isinstance(hp, Integer) and hp.size is not None:
        return (hp.at(0.0), hp.at(1.0))
    return ()


def branch_values(hp: Hyperparameter) -> tuple[Value, ...]:
    """Return all values of a hyperparameter that decides what else is asked for; its ends where too many."""
    if isinstance(hp, Integer) and hp.size is not None and hp.size <= MOST_VALUES:
        return tuple(hp.at((i + 0.5) / hp.size) for i in range(hp.size))
    return tried_values(hp)
