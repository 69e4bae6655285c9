"""Hyperparameters that the user's `build(hp)` declared to Keras Tuner, as ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from keras_tuner.engine import hyperparameters as kt

from hptune.errors import SpaceError
from hptune.space import Boolean, Choice, Fixed, Float, Hyperparameter, Integer, Number, Value, same_value
from hptune.space.condition import Condition, kind_of
from hptune.space.describe import describe_range
from hptune.space.names import limits_for, meaning
from hptune.space.scales import Scale

__all__ = ["from_declared"]

_When = dict[str, tuple[Value, ...]]
"""Conditions by the parent's name; all must hold."""

_SCALES = {"linear": Scale.LINEAR, "log": Scale.LOG, "reverse_log": Scale.LOG_COMPLEMENT}


def from_declared(parameters: Sequence[Any], *, known: Iterable[Hyperparameter] = ()) -> list[Hyperparameter]:
    """Return Keras Tuner's hyperparameters as ours, one for each name, in their order.

    `known` are further ones that conditions may name. What can never be active is left out.
    """
    by_name: dict[str, list[Any]] = {}
    for parameter in parameters:
        by_name.setdefault(parameter.name, []).append(parameter)
    parents = {hp.name: hp for hp in known}
    found = []
    for name, same in by_name.items():
        hp = _merged(name, same, parents)
        if hp is not None:
            parents[name] = hp
            found.append(hp)
    return found


def _merged(name: str, same: list[Any], parents: dict[str, Hyperparameter]) -> Hyperparameter | None:
    """Return one hyperparameter for all the places where `name` was declared; None if never active."""
    declared: list[tuple[Hyperparameter, _When]] = []
    for parameter in same:
        when = _conditions(parameter, parents)
        if when is not None:
            # Under the same conditions the last one counts, as where HyperParameters are merged.
            declared = [(hp, other) for hp, other in declared if other != when]
            declared.append((_convert(parameter), when))
    if not declared:
        return None
    first = declared[0][0]
    for hp, when in declared[1:]:
        if hp != first:
            raise SpaceError(
                f"declared twice with different values: {describe_range(first)} "
                f"where {_in_words(declared[0][1])}, {describe_range(hp)} where {_in_words(when)}",
                hint=f"Give each a name of its own, for example {name}_{_suffix(when)}.",
                name=name,
            )
    when = _either(name, [conditions for _, conditions in declared])
    return replace(first, when=tuple(Condition(parent=p, values=v) for p, v in when.items()))


def _conditions(parameter: Any, parents: dict[str, Hyperparameter]) -> _When | None:
    """Return the conditions of one declaration by parent; None where they can never hold."""
    found: _When = {}
    for condition in parameter.conditions:
        parent = parents.get(condition.name)
        if parent is None:
            return None
        values = tuple(_as_parent(parent, value) for value in condition.values)
        if isinstance(parent, Choice | Boolean | Fixed):
            values = tuple(value for value in values if parent.contains(value))
        if condition.name in found:
            values = tuple(v for v in values if any(same_value(v, w) for w in found[condition.name]))
        if not values:
            return None
        found[condition.name] = values
    return found


def _as_parent(parent: Hyperparameter, value: Any) -> Value:
    """Return a condition's value in the kind of its parent: Keras Tuner takes True for 1."""
    found: Value = _plain(value)
    kind = kind_of(parent.initial)
    if kind == "number" and isinstance(found, bool):
        return int(found)
    if kind == "boolean" and kind_of(found) == "number":
        return bool(found)
    return found


def _either(name: str, several: list[_When]) -> _When:
    """Return the conditions that hold where any of `several` does; SpaceError where no list says it."""
    left = list(several)
    while len(left) > 1:
        for i, a in enumerate(left):
            joined = next(
                ((j, c) for j, b in enumerate(left) if j > i and (c := _union(a, b)) is not None), None
            )
            if joined is not None:
                j, both = joined
                left = [both, *(w for k, w in enumerate(left) if k not in (i, j))]
                break
        else:
            raise SpaceError(
                "declared under conditions that no single `when` can say: "
                + "; or ".join(_in_words(when) for when in left),
                hint=f"Give each a name of its own, for example {name}_{_suffix(left[-1])}.",
                name=name,
            )
    return left[0]


def _union(a: _When, b: _When) -> _When | None:
    """Return the conditions that hold where `a` or `b` does, or None where no list says it."""
    if _implies(a, b):
        return b
    if _implies(b, a):
        return a
    differing = [parent for parent in a if a[parent] != b.get(parent)]
    if a.keys() != b.keys() or len(differing) != 1:
        return None
    parent = differing[0]
    more = (value for value in b[parent] if not any(same_value(value, v) for v in a[parent]))
    return {**a, parent: (*a[parent], *more)}


def _implies(a: _When, b: _When) -> bool:
    return all(
        parent in a and all(any(same_value(v, w) for w in values) for v in a[parent])
        for parent, values in b.items()
    )


def _in_words(when: _When) -> str:
    words = " and ".join(f"{parent} is {' or '.join(map(str, values))}" for parent, values in when.items())
    return words or "always"


def _suffix(when: _When) -> str:
    return next((str(values[0]) for values in when.values()), "2")


def _convert(parameter: Any) -> Hyperparameter:
    """Return one of Keras Tuner's hyperparameters as ours, without conditions."""
    name, tier = parameter.name, meaning(parameter.name).tier
    if isinstance(parameter, kt.Fixed):
        return Fixed(name=name, tier=tier, value=_plain(parameter.value))
    if isinstance(parameter, kt.Boolean):
        return Boolean(name=name, tier=tier, default=bool(parameter.default))
    if isinstance(parameter, kt.Choice):
        ordered = bool(parameter.ordered)
        values = _in_order(parameter.values) if ordered else parameter.values
        return _choice(parameter, values, parameter.default, ordered=ordered)
    if isinstance(parameter, kt.Float | kt.Int):
        return _number(parameter)
    raise SpaceError(f"a {type(parameter).__name__} is not a kind of hyperparameter hptune knows", name=name)


def _in_order(numbers: Sequence[Any]) -> Sequence[Any]:
    """Return numbers so that neighbours are alike: as they are where they rise or fall, else by value."""
    rising = sorted(numbers)
    return numbers if list(numbers) in (rising, rising[::-1]) else rising


def _choice(parameter: Any, values: Iterable[Any], default: Any, *, ordered: bool) -> Hyperparameter:
    name, tier = parameter.name, meaning(parameter.name).tier
    options = tuple(dict.fromkeys(_plain(value) for value in values))
    if len(options) == 1:
        return Fixed(name=name, tier=tier, value=options[0])
    start = _plain(default) if default in options else None
    return Choice(name=name, tier=tier, options=options, ordered=ordered, default=start)


def _number(parameter: Any) -> Hyperparameter:
    name, tier = parameter.name, meaning(parameter.name).tier
    kind: type[Number] = Integer if isinstance(parameter, kt.Int) else Float
    low, high, step = _plain(parameter.min_value), _plain(parameter.max_value), _plain(parameter.step)
    scale = _SCALES[parameter.sampling]
    if low == high:
        return Fixed(name=name, tier=tier, value=low)
    if scale is Scale.LOG_COMPLEMENT:
        if step is not None:
            # Its steps are factors of what is left to the top: only a list holds these values.
            values = [parameter.prob_to_value(p) for p in _middles(parameter)]
            return _choice(parameter, values, parameter.default, ordered=True)
        scale = scale if high < 1 else Scale.LINEAR
    if kind is Integer and scale is Scale.LINEAR and step == 1:
        step = None
    hp = kind(
        name=name,
        tier=tier,
        low=low,
        high=high,
        scale=scale,
        step=step,
        limits=limits_for(name, low, high, scale, whole=kind is Integer),
    )
    if hp.size == 1:
        return Fixed(name=name, tier=tier, value=low)
    return _starting_at(hp, parameter)


def _starting_at(hp: Number, parameter: Any) -> Number:
    """Return `hp` with the default that the user gave: Keras Tuner's own is the lowest value.

    A default outside the range or between steps becomes the nearest value.
    """
    given = _plain(parameter.get_config()["default"])
    if given is None or (isinstance(hp, Float) and given == hp.low):
        return hp
    nearest = hp.snap(given).item()
    return replace(hp, default=int(nearest) if isinstance(hp, Integer) else nearest)


def _middles(parameter: Any) -> list[float]:
    count = len(list(parameter.values))
    return [(i + 0.5) / count for i in range(count)]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
