"""Finds the hyperparameters of a `build(hp)` by calling it.

Each call tells which hyperparameters it asks for under the values it is given. Scopes that were
never active are made active, as Keras Tuner does; beyond that, every choice, both ends of every
whole number, and every value of one that decides what else is asked for, are tried in turn. So
plain Python, `if hp.Choice(…) == "sgd":` or `for i in range(hp.Int("layers", 1, 5)):`, gives
conditions as well.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from hptune._log import logger
from hptune.space import Boolean, Choice, Hyperparameter, Integer, Number, Space, Value
from hptune.space.condition import Condition

__all__ = ["discover"]

_CALLS = 120
_SECONDS = 8.0
"""Beyond either, nothing further is tried: a model with so many branches is searched as found so far."""
_MOST_VALUES = 32
"""A whole number with more values than this is tried at its ends only."""

Build = Callable[[Any], None]


@dataclass
class _Explorer:
    """What was found so far."""

    build: Build
    known: Any
    """keras_tuner.HyperParameters with every declaration."""
    began: float = field(default_factory=time.monotonic)
    calls: int = 0
    context: dict[str, dict[str, Value]] = field(default_factory=dict)
    """Name → values under which it was first asked for."""
    _scopes: tuple[list[Any], list[Any]] = field(default_factory=lambda: ([], []))
    """Active and inactive conditional scopes of the last call."""

    def call(self, values: dict[str, Value]) -> frozenset[str] | None:
        """Call the build with these values; returns the names it asked for, None where it failed."""
        hp = type(self.known)()
        hp.values = dict(values)
        try:
            return self.call_with(hp)
        except (Exception, SystemExit) as error:
            # Not every combination need be one that can be built.
            logger.debug("trying %s: %s", values, error)
            return None

    def call_with(self, hp: Any) -> frozenset[str]:
        """Call the build with `hp`; returns the names it asked for. What it raises goes through."""
        values = dict(hp.values)
        self.calls += 1
        self.build(hp)
        self.known.merge(hp.space)
        asked = frozenset(parameter.name for parameter in hp.space if parameter.name in hp.values)
        for name in asked:
            self.context.setdefault(name, values)
        self._scopes = (copy.deepcopy(hp.active_scopes), copy.deepcopy(hp.inactive_scopes))
        return asked

    @property
    def epochs_used(self) -> bool:
        return self.calls >= _CALLS or time.monotonic() - self.began > _SECONDS

    def activate_scopes(self, first: Any) -> None:
        """Make every conditional scope active once (keras_tuner's BaseTuner._activate_all_conditions)."""
        tried: list[Any] = []
        never: list[Any] = []
        self.call_with(first)
        while not self.epochs_used:
            active, inactive = self._scopes
            tried += active
            never = [scope for scope in [*never, *inactive] if scope not in tried]
            if not never:
                return
            scope = never.pop(0)
            tried.append(scope)
            self.call({condition.name: condition.values[0] for condition in scope})


def discover(build: Build, read: Callable[[Any], Space], first: Any) -> Space:
    """Return the space of a `build(hp)`; `read` turns keras_tuner.HyperParameters into a space.

    `first` are empty HyperParameters, those of the first call. What that call raises goes through;
    where a further one raises, there is nothing to be found that way.
    """
    explorer = _Explorer(build, type(first)())
    explorer.activate_scopes(first)
    found: dict[str, dict[str, tuple[Value, ...]]] = {}
    looked_at: set[str] = set()
    while not explorer.epochs_used:
        waiting = [hp for hp in read(explorer.known) if hp.name not in looked_at]
        if not waiting:
            break
        for hp in waiting:
            looked_at.add(hp.name)
            for name, values in _children(hp, explorer).items():
                found.setdefault(name, {}).setdefault(hp.name, values)
    return _with_conditions(read(explorer.known), found)


def _children(hp: Hyperparameter, explorer: _Explorer) -> dict[str, tuple[Value, ...]]:
    """Return what is asked for under some values of `hp` only, and under which."""
    around = explorer.context.get(hp.name)
    if around is None:
        return {}
    seen: dict[Value, frozenset[str]] = {}
    for values in _stages(hp):
        for value in values:
            if value not in seen and not explorer.epochs_used:
                asked = explorer.call({**around, hp.name: value})
                if asked is not None:
                    seen[value] = asked
        if len(set(seen.values())) < 2:
            return {}
    if len(seen) != hp.size:
        return {}
    always = frozenset.intersection(*seen.values())
    ever = frozenset.union(*seen.values())
    return {
        name: tuple(sorted((v for v, asked in seen.items() if name in asked), key=_order))
        for name in sorted(ever - always)
    }


def _stages(hp: Hyperparameter) -> tuple[tuple[Value, ...], ...]:
    """Return which values to try; a further stage only where the one before made a difference."""
    if isinstance(hp, Choice | Boolean):
        return (hp.options,)
    if not isinstance(hp, Integer) or hp.size is None:
        return ()
    ends = (hp.initial, hp.at(0.0), hp.at(1.0))
    if hp.size > _MOST_VALUES:
        return (ends,)
    return (ends, tuple(hp.at((i + 0.5) / hp.size) for i in range(hp.size)))


def _order(value: Value) -> tuple[str, Any]:
    return ("", value) if isinstance(value, int | float) else (str(value), 0)


def _with_conditions(space: Space, found: dict[str, dict[str, tuple[Value, ...]]]) -> Space:
    """Return the space with the conditions found added to those that were declared."""
    parents = {parent for conditions in found.values() for parent in conditions}
    changed: list[Hyperparameter] = []
    for hp in space:
        declared = {condition.parent for condition in hp.when}
        more = tuple(
            Condition(parent=parent, values=values)
            for parent, values in found.get(hp.name, {}).items()
            if parent not in declared and parent != hp.name and hp.name not in found.get(parent, {})
        )
        new = replace(hp, when=(*hp.when, *more))
        if hp.name in parents and isinstance(new, Number):
            # What a larger number would ask for was not seen: it must not grow.
            new = replace(new, limits=(new.low, new.high))
        changed.append(new)
    return space.with_changes(changed)
