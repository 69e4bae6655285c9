"""A space file on top of what the user's code asks for: what it does not say stays as the code has it."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from typing import Any

from hptune.errors import SpaceError, did_you_mean
from hptune.space import Boolean, Choice, Fixed, Float, Hyperparameter, Integer, Number, Space
from hptune.space.condition import Condition, Value, kind_of
from hptune.space.names import limits_for
from hptune.space.scales import grid_index

__all__ = ["OF_THE_TRAINER", "overridden"]

OF_THE_TRAINER = ("batch_size",)
"""What training takes from a configuration, whether or not the code asks for it."""
_ASKED_FOR = "What it asks for in few branches is known where the file's own values lead there."
_CALLED = {"number": "a number", "text": "text", "boolean": "true or false"}


def overridden(found: Space, given: Space, spec: str) -> Space:
    """Return the space of the user's code, `found`, with what the user wrote, `given`.

    Conditions stay where none are written; scale, step, default and order of choices where a file says
    nothing of them and they still fit. Raises SpaceError for a name that the code does not ask for, and for
    what it can't take.
    """
    changed: list[Hyperparameter] = []
    added: list[Hyperparameter] = []
    for hp in given:
        if hp.name in given.zero_switches:
            added.append(_switch(hp, given, found, spec))
            continue
        own = found.get(hp.name)
        if own is None and hp.name in OF_THE_TRAINER:
            added.append(hp)
            continue
        if own is None:
            hint = did_you_mean(hp.name, (h.name for h in found))
            raise SpaceError(
                f"{spec} declares no such hyperparameter",
                hint=hint if hint.startswith("Did") else f"{hint} {_ASKED_FOR}".strip(),
                name=hp.name,
            )
        _refuse_other_kinds(hp, own, spec)
        said = given.said.get(hp.name)
        made = hp if said is None else _completed(hp, own, said)
        may_be_zero = hp.name in given.zero_switches.values()
        made = _inside_what_is_known(made, own, found, spec, may_be_zero=may_be_zero)
        hard = made.hard or _is_asked_for_what_is_gone(made, found)
        changed.append(replace(made, when=_conditions(hp, given, own), hard=hard))
    new = {hp.name: hp for hp in changed}
    everything = (*(new.get(hp.name, hp) for hp in found), *added)
    return replace(found, name=given.name or found.name, hyperparameters=everything)


def _switch(hp: Hyperparameter, given: Space, found: Space, spec: str) -> Hyperparameter:
    """Return what says where a number of the code is exactly 0: it counts where that number does."""
    name = given.zero_switches[hp.name]
    if hp.name in found:
        raise SpaceError(
            f"{spec} asks for a hyperparameter of this name, so it can't say whether {name} is 0",
            hint=f"Give it another name: {name}_off: {{type: boolean, zero_of: {name}}}, and {name}"
            f" when: {{{name}_off: false}}, without zero.",
            name=hp.name,
        )
    own = found.get(name)
    return hp if own is None else replace(hp, when=hp.when or own.when)


def _conditions(hp: Hyperparameter, given: Space, own: Hyperparameter) -> tuple[Condition, ...]:
    """Return the conditions that a file writes, else those of the code, and those on `zero_switches`."""
    written = given.without_switches(hp).when
    switched = tuple(c for c in hp.when if c not in written)
    return (*(written or own.when), *switched)


def _completed(hp: Hyperparameter, own: Hyperparameter, said: Set[str]) -> Hyperparameter:
    """Return a hyperparameter of a file, which says these keys of it, with what the code says of it."""
    if isinstance(hp, Number):
        hp = _number(hp, own, said)
    elif isinstance(hp, Choice) and isinstance(own, Choice):
        ordered = own.ordered and _is_sorted(hp)
        hp = replace(hp, ordered=hp.ordered if "ordered" in said else ordered)
    middle = isinstance(own, Number) and own.initial == own.at(0.5)
    if isinstance(hp, Fixed) or "default" in said or middle or not hp.contains(own.initial):
        return hp
    return replace(hp, default=own.initial)  # type: ignore[call-arg]


def _number(hp: Number, own: Hyperparameter, said: Set[str]) -> Number:
    """Return a file's range of the code's kind, on its scale, with its step where both ends are on it."""
    whole = isinstance(own.initial, int) and float(hp.low).is_integer() and float(hp.high).is_integer()
    kind = type(hp) if "type" in said else Integer if whole else Float
    scale = own.scale if isinstance(own, Number) and "scale" not in said else hp.scale
    numbers: dict[str, Any] = {"low": hp.low, "high": hp.high, "scale": scale, "step": hp.step}
    if "default" in said:
        numbers["default"] = hp.default
    if "step" not in said and isinstance(own, Number) and scale is own.scale:
        written = [hp.low, hp.high, *([hp.default] if "default" in said else [])]
        numbers["step"] = own.step if _are_steps(own, written) else None
    if "limits" in said:
        numbers["limits"] = hp.limits
    else:
        numbers["limits"] = limits_for(hp.name, hp.low, hp.high, scale, whole=kind is Integer)
    return kind(name=hp.name, tier=hp.tier, when=hp.when, hard=hp.hard, description=hp.description, **numbers)


def _are_steps(own: Number, numbers: list[float | None]) -> bool:
    """Return whether all of these are values that the code could ask for if its range were wide enough."""
    if own.step is None:
        return False
    places = [float(grid_index(own.scale, own.low, own.step, number)) for number in numbers]
    return all(abs(place - round(place)) < 1e-6 for place in places)


def _is_sorted(hp: Choice) -> bool:
    numbers = [option for option in hp.options if isinstance(option, int | float)]
    return numbers in (sorted(numbers), sorted(numbers, reverse=True))


def _is_asked_for_what_is_gone(hp: Hyperparameter, found: Space) -> bool:
    """Return whether conditions ask for options that a file leaves out: then they are out for good."""
    asked = [c for other in found for c in other.when if c.parent == hp.name]
    return isinstance(hp, Choice) and not all(hp.contains(value) for c in asked for value in c.values)


def _refuse_other_kinds(hp: Hyperparameter, own: Hyperparameter, spec: str) -> None:
    """Refuse text for numbers and the like."""
    expected = kind_of(own.initial)
    other = next((value for value in _ends(hp) if kind_of(value) != expected), None)
    if other is not None:
        raise SpaceError(
            f"{spec} asks for {_CALLED[expected]}, and {other!r} is {_CALLED[kind_of(other)]}",
            hint=f"In the code it is {own.initial!r} to begin with.",
            name=hp.name,
        )


def _inside_what_is_known(
    hp: Hyperparameter, own: Hyperparameter, found: Space, spec: str, *, may_be_zero: bool
) -> Hyperparameter:
    """Refuse real numbers for whole ones, and values for which it is not known what else they ask for.

    Of a whole number that decides what else is asked for, the range can't grow beyond what was tried.
    """
    if not isinstance(own, Integer):
        return hp
    values = [value for value in _ends(hp) if not isinstance(value, str)] + [0] * may_be_zero
    odd = next((value for value in values if not isinstance(value, int)), None)
    if odd is not None:
        raise SpaceError(
            f"{spec} asks for a whole number, and {odd} is none",
            hint="Write its range in whole numbers.",
            name=hp.name,
        )
    if not any(condition.parent == hp.name for other in found for condition in other.when):
        return hp
    assert own.limits is not None
    low, high = own.limits
    beyond = next((value for value in values if not low <= value <= high), None)
    if beyond is not None:
        raise SpaceError(
            f"{beyond} lies beyond {low}..{high}, and what {spec} asks for there is not known",
            hint=f"Widen hp.Int({hp.name!r}, …) in the code; a space file can make it narrower.",
            name=hp.name,
        )
    if not isinstance(hp, Number):
        return hp
    assert hp.limits is not None
    return replace(hp, limits=(max(low, hp.limits[0]), min(high, hp.limits[1])))


def _ends(hp: Hyperparameter) -> tuple[Value, ...]:
    """Return the values that bound what a hyperparameter can be."""
    if isinstance(hp, Number):
        return (hp.low, hp.high)
    return hp.options if isinstance(hp, Choice | Boolean) else (hp.initial,)
